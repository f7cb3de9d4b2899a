"""Names that terms stand for: macros with their values, and the client's own validated names."""

from __future__ import annotations

from senderauth import names
from senderauth.dns import prefetch
from senderauth.spf.macro import Values, dotted, expand_name, reverse
from senderauth.spf.program import literal_name
from senderauth.spf.record import MacroString
from senderauth.spf.state import MAX_PTR, Check, Stop, number_of, question


async def target(check: Check, spec: MacroString, domain: str) -> str:
    """The name that a domain-spec stands for now; empty where it is none (RFC 7208 4.8)."""
    letters = spec.letters
    if not letters:
        return literal_name(spec) or ""
    if not is_expandable(check, letters):
        check.note("spf-local-part-not-ascii", {"macro": spec.text})
        return ""
    if "p" in letters and check.ptr_names is None:
        # The PTR query is "included in the overall limit" (RFC 7208 4.6.4): made once, it counts once
        check.spend("%{p}")
        await validated(check)
    text = expand_name(spec, values(check, domain))
    check.note("spf-macro", {"macro": spec.text, "expanded": text})
    return names.normalise(text) or ""


def foreseen(check: Check, spec: MacroString, domain: str) -> str:
    """As `target`, where that needs no question; else empty."""
    letters = spec.letters
    if not letters:
        return literal_name(spec) or ""
    if "p" in letters or not is_expandable(check, letters):
        return ""
    return names.normalise(expand_name(spec, values(check, domain))) or ""


def is_expandable(check: Check, letters: frozenset[str]) -> bool:
    """RFC 8616 4: a term with %{s} or %{l} matches nothing if the local part is not ASCII."""
    return letters.isdisjoint("sl") or check.sender.rpartition("@")[0].isascii()


def values(check: Check, domain: str) -> Values:
    """The values of the macro letters (RFC 7208 7.2); of %{p} once the client's names are validated."""

    def value(letter: str) -> str:
        match letter:
            case "d":
                return domain
            case "i":
                return dotted(check.client.text)
            case "s":
                return check.sender
            case "l":
                return check.sender.rpartition("@")[0]
            case "o":
                return check.sender.rpartition("@")[2]
            case "v":
                return "in-addr" if check.client.version == 4 else "ip6"
            case "h":
                return check.helo
            case "p":
                return _best(check.ptr_names or [], domain)
            case "c":
                return check.client.text
            case "r":
                return check.receiver
            case _:
                return str(check.now or 0)

    return value


def _best(candidates: list[str], domain: str) -> str:
    """RFC 7208 7.3: the domain itself, then a name below it, then any."""
    below = [name for name in candidates if names.is_below(name, domain)]
    if domain in below:
        return domain
    return (below or candidates or ["unknown"])[0]


async def validated(check: Check) -> list[str]:
    """The client's names that lead back to it; found once (RFC 7208 5.5)."""
    if check.ptr_names is not None:
        if check.ptr_void:  # RFC 7208 4.6.4 counts terms with void lookups, not questions
            check.void(reverse(check.client.text), "PTR")
        return check.ptr_names
    found: list[str] = []
    check.ptr_names = found
    client = check.client
    try:
        candidates = await check.ask(reverse(client.text), "PTR", False)
    except Stop:  # RFC 7208 5.5: an error here is no match
        return found
    if not candidates:
        check.ptr_void = True
        check.void(reverse(client.text), "PTR")
    # RFC 7208 4.6.4: names after the first ten are ignored
    usable = [name for name in map(names.normalise, candidates[:MAX_PTR]) if name]
    prefetch(check.resolver, [question(name, client.address_type) for name in usable])
    for name in usable:
        try:
            addresses = await check.ask(name, client.address_type, False)
        except Stop:  # RFC 7208 5.5: skip that name
            continue
        if client.number in map(number_of, addresses):
            found.append(name)
    return found
