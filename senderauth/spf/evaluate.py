"""check_host: is this host authorised to use this domain? (RFC 7208 4 and 5)

Theory of operation. One `Check` holds inputs, budget and trace of one evaluation. Records recurse through
include and redirect; an error result ends everything at once and travels as the private exception `Stop`,
which `check_host` turns into the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import islice

from senderauth import names
from senderauth.dns import Question, Resolver, prefetch
from senderauth.spf.macro import MAX_TEXT, MAX_VALUE, expand_text
from senderauth.spf.program import Directive, Program, Word, compiled
from senderauth.spf.record import MacroString, Mechanism, explanation_string, is_spf
from senderauth.spf.state import (
    MAX_MX,
    MAX_TERMS,
    MAX_VOIDS,
    Check,
    Outcome,
    Stop,
    client_of,
    domain_of,
    number_of,
    question,
)
from senderauth.spf.target import foreseen, is_expandable, target, validated, values
from senderauth.values import Reason, Step, Trace


@dataclass(slots=True)
class Result:
    """What check_host says, and why. A value: nobody changes it. Not frozen, since setting fourteen fields
    of a frozen one takes a tenth of a check.
    """

    result: Word
    reason: Reason
    domain: str
    """The domain whose record was asked for."""
    sender: str
    """With the local part that RFC 7208 4.3 adds where there is none."""
    ip: str
    helo: str
    mechanism: str | None
    """The term that decided, as written; None where none did."""
    path: tuple[str, ...]
    """From the domain's own record inwards, the terms that led to the result: an include or redirect and
    the term behind it that decided."""
    decided_at: str | None
    """The domain in whose record `mechanism` stands (another one after a redirect)."""
    record: str | None
    """The record of `domain`, one character an octet, control characters and all."""
    explanation: str | None
    """The domain's own words for a fail (RFC 7208 6.2): third-party text, printable ASCII."""
    lookups: int
    """Terms that cost one of the ten."""
    void_lookups: int
    trace: Step


def mail_from_identity(mail_from: str, helo: str) -> tuple[str, str]:
    """Domain and sender that the MAIL FROM identity gives check_host: of the null reverse-path `<>` it is
    postmaster at the HELO name (RFC 7208 2.4); without a local part it is postmaster too (4.3).
    """
    path = mail_from.strip().removeprefix("<").removesuffix(">")
    local, _, domain = (path or helo).rpartition("@")
    return domain, f"{local or 'postmaster'}@{domain}"


def not_judged(domain: str) -> Result:
    """What stands where check_host was not run, since the client's address is not known."""
    trace = Trace("spf", domain=domain)
    reason = Reason("spf-not-judged", {"domain": domain})
    return Result("none", reason, domain, "", "", "", None, (), None, None, None, 0, 0, trace.root)


async def check_host(
    resolver: Resolver,
    ip: str | IPv4Address | IPv6Address,
    domain: str,
    sender: str,
    helo: str,
    receiver: str = "unknown",
    *,
    now: int | None = None,
    limit_terms: int = MAX_TERMS,
    limit_voids: int = MAX_VOIDS,
) -> Result:
    """RFC 7208 4: whether the host at ip may use domain in mail from sender.

    sender without a local part gets "postmaster" (4.3). helo and receiver feed the macros %{h} and %{r},
    now (Unix time) feeds %{t}. Raises ValueError if ip is no address.
    """
    client = client_of(ip if isinstance(ip, str) else str(ip))
    local, _, sender_domain = sender[-MAX_VALUE:].rpartition("@")
    if not local:  # RFC 7208 4.3
        local, sender_domain = "postmaster", sender_domain or domain
    host = helo[-MAX_VALUE:]
    if not sender_domain.isascii():  # RFC 8616 4: A-labels
        sender_domain = names.normalise(sender_domain) or sender_domain
    if not host.isascii():
        host = names.normalise(host) or host
    check = Check(
        resolver, client, f"{local}@{sender_domain}", host, receiver[:MAX_VALUE],
        now, limit_terms, limit_voids,
    )  # fmt: skip
    explanation = None
    try:
        outcome = await _check(check, domain)
        if outcome.result == "fail" and outcome.program is not None and outcome.program.exp is not None:
            explanation = await _explain(check, outcome.program.exp, outcome.domain)
    except Stop as stop:
        outcome = Outcome(stop.result, stop.reason)
    return Result(
        outcome.result,
        outcome.reason,
        domain,
        check.sender,
        client.text,
        helo,
        outcome.term,
        outcome.path,
        outcome.domain or None,
        check.record,
        explanation,
        check.lookups,
        check.voids,
        check.trace({"ip": client.text, "domain": domain, "sender": check.sender, "helo": helo}),
    )


async def _check(check: Check, domain: str) -> Outcome:
    """One domain's record."""
    name = domain_of(domain)
    if not name:  # RFC 7208 4.3
        return Outcome("none", Reason("spf-domain-unusable", {"domain": domain[:256]}))
    texts = await check.ask(name, "TXT", False)
    found = [text for text in texts if is_spf(text)]  # RFC 7208 4.5
    if not found:
        return Outcome("none", Reason("spf-no-record", {"domain": name}))
    if len(found) > 1:
        raise Stop("permerror", "spf-several-records", domain=name, count=len(found))
    program = compiled(found[0])
    record = program.record
    if check.record is None:
        check.record = record.text
    facts = check.enter("spf-record", {"domain": name, "record": record.text})
    if record.problems:  # RFC 7208 4.6: anywhere, before anything is evaluated
        facts["problems"] = record.problems
        problem = record.problems[0]
        span = {"start": problem.span.start, "end": problem.span.end}
        raise Stop("permerror", problem.id, domain=name, record=record.text, **span, **problem.facts)
    if program.asks and hasattr(check.resolver, "prefetch"):
        _announce(check, program, name)
    outcome = await _directives(check, program, name)
    facts["result"] = outcome.result
    check.leave()
    return outcome


async def _directives(check: Check, program: Program, domain: str) -> Outcome:
    """Left to right; the first match decides (RFC 7208 4.6.2)."""
    client, events = check.client, check.events
    for directive in program.directives:
        kind, text = directive.kind, directive.text
        inner = None
        if kind == "network":  # RFC 7208 5.6
            same = directive.version == client.version
            matched = same and client.number >> directive.shift == directive.prefix
            events.append((directive, matched, check.lookups, check.voids))
        elif kind == "all":  # RFC 7208 5.1
            matched = True
            events.append((directive, True, check.lookups, check.voids))
        else:
            facts = check.enter("spf-term", {"term": text})
            try:
                check.spend(text)
                if kind == "include":
                    inner = await _include(check, directive, domain)
                    matched = inner is not None and inner.result == "pass"
                    facts["result"] = "none" if inner is None else inner.result
                else:
                    matched = await _matches(check, directive, domain, facts)
            finally:
                facts["lookups"], facts["voids"] = check.lookups, check.voids
            facts["matched"] = matched
            check.leave()
        if matched:
            return _decided(check, directive, program, domain, inner)
    if program.redirect is not None:  # RFC 7208 6.1
        return await _redirect(check, program.redirect, domain)
    return _neutral(check, domain)


def _decided(
    check: Check, directive: Directive, program: Program, domain: str, inner: Outcome | None
) -> Outcome:
    text = directive.text
    facts = {"term": text, "domain": domain, "ip": check.client.text}
    path: tuple[str, ...] = (text,)
    if inner is not None:
        path += inner.path
        reason = Reason("spf-include-passed", {**facts, "inner": path[-1], "inner_domain": inner.domain})
    elif directive.kind == "all":
        reason = Reason("spf-all", facts)
    else:
        reason = Reason("spf-term-matched", facts)
    return Outcome(directive.result, reason, path, text, program, domain)


async def _redirect(check: Check, spec: MacroString, domain: str) -> Outcome:
    text = f"redirect={spec.text}"
    if not is_expandable(check, spec.letters):  # RFC 8616 4: a term that matches nothing
        check.note("spf-local-part-not-ascii", {"macro": spec.text})
        return _neutral(check, domain)
    facts = check.enter("spf-redirect", {"term": text})
    try:
        check.spend(text)
        name = await target(check, spec, domain)
        outcome = await _check(check, name) if name else None
    finally:
        facts["lookups"], facts["voids"] = check.lookups, check.voids
    if outcome is None or outcome.result == "none":  # RFC 7208 6.1
        raise Stop("permerror", "spf-redirect-without-record", domain=domain, term=text, target=name)
    check.leave()
    outcome.path = (text, *outcome.path)
    return outcome


def _neutral(check: Check, domain: str) -> Outcome:
    """RFC 7208 4.7."""
    return Outcome("neutral", Reason("spf-nothing-matched", {"domain": domain, "ip": check.client.text}))


async def _include(check: Check, directive: Directive, domain: str) -> Outcome | None:
    """RFC 7208 5.2, with its table: only a pass matches, and what is no record is an error. None if the
    term matches nothing whatever the record.
    """
    spec = directive.term.domain
    assert spec is not None
    name = directive.target
    if name is None:
        if not is_expandable(check, spec.letters):  # RFC 8616 4
            check.note("spf-local-part-not-ascii", {"macro": spec.text})
            return None
        name = await target(check, spec, domain)
    outcome = await _check(check, name) if name else None
    if outcome is None or outcome.result == "none":
        raise Stop("permerror", "spf-include-without-record", domain=domain, term=directive.text, target=name)
    return outcome


async def _matches(check: Check, directive: Directive, domain: str, facts: dict[str, object]) -> bool:
    """The mechanisms that ask DNS, but for include."""
    name = directive.target
    if name is None:
        spec = directive.term.domain
        name = domain if spec is None else await target(check, spec, domain)
    if not name:  # RFC 7208 4.8 leaves a malformed name undefined; we choose: no match
        facts["note"] = "malformed-name"
        return False
    match directive.kind:
        case "a":  # RFC 7208 5.3
            return _covered(check, await check.ask(name, check.client.address_type), directive.term, facts)
        case "mx":
            return await _mx(check, name, directive, facts)
        case "exists":  # RFC 7208 5.7: type A for every client
            return bool(await check.ask(name, "A"))
        case _:  # RFC 7208 5.5, in the direction of erratum 4751: equal to the target or below it
            return any(names.is_below(own, name) for own in await validated(check))


async def _mx(check: Check, name: str, directive: Directive, facts: dict[str, object]) -> bool:
    """RFC 7208 5.4: the exchanges' addresses, never the implicit MX."""
    exchanges = [host for _, host in await check.ask(name, "MX") if host]
    if len(exchanges) > MAX_MX:  # RFC 7208 4.6.4
        raise Stop(
            "permerror", "spf-too-many-mx",
            domain=name, term=directive.text, count=len(exchanges), limit=MAX_MX,
        )  # fmt: skip
    kind = check.client.address_type
    prefetch(check.resolver, [question(host, kind) for host in exchanges])
    for host in exchanges:
        if _covered(check, await check.ask(host, kind), directive.term, facts):
            return True
    return False


def _covered(check: Check, addresses: tuple[str, ...], term: Mechanism, facts: dict[str, object]) -> bool:
    """Whether the client is in the network of that length around one of the addresses."""
    client = check.client
    prefix = term.prefix4 if client.version == 4 else term.prefix6
    compared = facts.setdefault("compared", [])
    assert isinstance(compared, list)
    if prefix is None:
        compared += addresses[:MAX_COMPARED]
        return client.number in map(number_of, addresses)
    compared += [f"{address}/{prefix}" for address in addresses[:MAX_COMPARED]]
    shift = client.bits - prefix
    mine = client.number >> shift
    return any(number_of(address) >> shift == mine for address in addresses)


MAX_COMPARED = 32
"""Addresses of one answer that the trace shows."""


async def _explain(check: Check, spec: MacroString, domain: str) -> str | None:
    """RFC 7208 6.2. Whatever goes wrong, there is then no explanation; nothing of it counts."""
    check.free = True
    facts = check.enter("spf-exp", {"term": f"exp={spec.text}"})
    text = None
    try:
        name = await target(check, spec, domain)
        texts = await check.ask(name, "TXT", False) if name else ()
        if len(texts) == 1 and len(texts[0]) <= MAX_TEXT:
            explanation = explanation_string(texts[0].decode("latin-1"))
            if explanation is not None:
                if "p" in explanation.letters:
                    await validated(check)
                text = expand_text(explanation, values(check, domain))
    except Stop:
        text = None
    check.leave()
    if text is None or not text.isascii():  # RFC 7208 6.2: what a local part beyond ASCII would make of it
        return None
    facts["text"] = text = "".join(char for char in text if " " <= char <= "~")  # RFC 7208 11.5.2
    return text


def _announce(check: Check, program: Program, domain: str) -> None:
    """Tells the resolver what the terms will ask, as far as the budget allows."""
    left = max(0, check.limit_terms - check.lookups)
    prefetch(check.resolver, islice(_next(check, program, domain), left))


def _next(check: Check, program: Program, domain: str) -> Iterator[Question]:
    """The first question of each term that asks one; %{p} and what ptr asks would cost questions first."""
    types = {"include": "TXT", "a": check.client.address_type, "mx": "MX", "exists": "A"}
    for directive in program.directives:
        if directive.kind == "all":
            return
        if directive.kind in types:
            spec = directive.term.domain
            name = domain if spec is None else foreseen(check, spec, domain)
            if name:
                yield question(name, types[directive.kind])
    if program.redirect is not None and (name := foreseen(check, program.redirect, domain)):
        yield question(name, "TXT")
