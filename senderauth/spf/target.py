"""Names that terms stand for: macros with their values, and the client's own validated names."""

from __future__ import annotations

from senderauth import names
from senderauth.dns import prefetch
from senderauth.spf.macro import address, expand_name
from senderauth.spf.program import literal_name
from senderauth.spf.record import MacroString
from senderauth.spf.state import MAX_PTR, Check, Stop, number_of, question


async def target(check: Check, spec: MacroString, domain: str) -> str:
    """The name that a domain-spec stands for now; empty where it is none (RFC 7208 4.8)."""
    name = literal_name(spec)
    if name is not None:
        return name
    letters = spec.letters
    if not local_is_ascii(check, letters):
        check.trace.note("spf-local-part-not-ascii", macro=spec.text)
        return ""
    if "p" in letters and check.ptr_names is None:
        # The PTR query is "included in the overall limit" (RFC 7208 4.6.4): made once, it counts once
        check.spend("%{p}")
    text = expand_name(spec, await values(check, letters, domain))
    check.trace.note("spf-macro", macro=spec.text, expanded=text)
    return names.normalise(text) or ""


def local_is_ascii(check: Check, letters: frozenset[str]) -> bool:
    """RFC 8616 4: a term with %{s} or %{l} matches nothing if the local part is not ASCII."""
    return letters.isdisjoint("sl") or check.sender.rpartition("@")[0].isascii()


async def values(check: Check, letters: frozenset[str], domain: str) -> dict[str, str]:
    """The values of these macro letters (RFC 7208 7.2)."""
    found = plain_values(check, letters, domain)
    if "p" in letters:
        found["p"] = _best(await validated(check), domain)
    return found


def plain_values(check: Check, letters: frozenset[str], domain: str) -> dict[str, str]:
    """As `values`, without %{p}, which has to be asked for."""
    local, _, sender_domain = check.sender.rpartition("@")
    client = check.client
    found = {
        "s": f"{local}@{sender_domain}",
        "l": local,
        "o": sender_domain,
        "d": domain,
        "v": "in-addr" if client.version == 4 else "ip6",
        "h": check.helo,
        "c": client.text,
        "r": check.receiver,
    }
    if "i" in letters:
        found["i"] = address(client.ip)
    if "t" in letters:
        found["t"] = str(check.now or 0)
    return found


def _best(candidates: list[str], domain: str) -> str:
    """RFC 7208 7.3: the domain itself, then a name below it, then any."""
    below = [name for name in candidates if names.is_below(name, domain)]
    if domain in below:
        return domain
    return (below or candidates or ["unknown"])[0]


async def validated(check: Check) -> list[str]:
    """The client's names that lead back to it; found once (RFC 7208 5.5)."""
    if check.ptr_names is not None:
        return check.ptr_names
    check.ptr_names = found = []
    client = check.client
    try:
        candidates = await check.ask(names.reverse(client.ip), "PTR")
    except Stop as stop:
        if stop.result == "temperror":  # RFC 7208 5.5: an error here is no match
            return found
        raise
    # RFC 7208 4.6.4: names after the first ten are ignored
    usable = [name for name in map(names.normalise, candidates[:MAX_PTR]) if name]
    prefetch(check.resolver, [question(name, client.address_type) for name in usable])
    for name in usable:
        try:
            addresses = await check.ask(name, client.address_type, void_counts=False)
        except Stop:  # RFC 7208 5.5: skip that name
            continue
        if client.number in map(number_of, addresses):
            found.append(name)
    return found
