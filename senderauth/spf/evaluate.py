"""check_host: is this host authorised to use this domain? (RFC 7208 4 and 5)

Theory of operation. One `Check` holds inputs, budget and trace of one evaluation. Records recurse through
include and redirect; an error result ends everything at once and travels as the private exception `Stop`,
which never leaves this file. DNS is asked in `Check.ask` alone, so that every question leaves a step and
every void lookup is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal, NamedTuple

from senderauth import names
from senderauth.dns import Question, Resolver, Status, prefetch
from senderauth.spf.macro import MAX_TEXT, address, expand, shorten
from senderauth.spf.record import MacroString, Mechanism, Record, explanation_string, parse, select
from senderauth.values import Reason, Step, Trace

Word = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]

RESULTS: dict[str, Word] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}  # RFC 7208 4.6.2

MAX_TERMS = 10  # RFC 7208 4.6.4, all four
MAX_VOIDS = 2
MAX_MX = 10
MAX_PTR = 10


@dataclass(frozen=True, slots=True)
class Result:
    """What check_host says, and why."""

    result: Word
    reason: Reason
    domain: str
    """The domain whose record was asked for."""
    sender: str
    ip: str
    helo: str
    mechanism: str | None
    """The term that decided, as written; None where none did."""
    decided_at: str | None
    """The domain in whose record that term stands (another one after a redirect)."""
    record: str | None
    """The record of `domain`, control characters and all."""
    explanation: str | None
    """The domain's own words for a fail (RFC 7208 6.2): third-party text, printable ASCII."""
    lookups: int
    """Terms that cost one of the ten."""
    void_lookups: int
    trace: Step


# The same addresses and questions come again and again.
_parsed = lru_cache(maxsize=16_384)(ip_address)
_question = lru_cache(maxsize=16_384)(Question)


class Stop(Exception):  # noqa: N818 - it ends an evaluation, it is no error of ours
    """Ends one evaluation with an error result; never leaves this file."""

    def __init__(self, result: Word, id: str, **facts: object) -> None:
        super().__init__(id)
        self.result, self.reason = result, Reason(id, facts)


class Outcome(NamedTuple):
    """How one record ended, and in whose record the deciding term stands."""

    result: Word
    reason: Reason
    term: Mechanism | None = None
    record: Record | None = None
    domain: str = ""


class Check:
    """Inputs, budget and trace of one evaluation."""

    __slots__ = (
        "announces",
        "helo",
        "ip",
        "ip_text",
        "limit_terms",
        "limit_voids",
        "lookups",
        "now",
        "ptr_names",
        "receiver",
        "resolver",
        "sender",
        "trace",
        "voids",
    )

    def __init__(
        self,
        resolver: Resolver,
        ip: IPv4Address | IPv6Address,
        sender: str,
        helo: str,
        receiver: str,
        now: int | None,
        limit_terms: int,
        limit_voids: int,
    ) -> None:
        self.resolver, self.ip, self.sender, self.helo = resolver, ip, sender, helo
        self.ip_text = str(ip)
        self.announces = hasattr(resolver, "prefetch")
        self.receiver, self.now = receiver, now
        self.limit_terms, self.limit_voids = limit_terms, limit_voids
        self.lookups = self.voids = 0
        self.ptr_names: list[str] | None = None
        self.trace = Trace("spf", ip=self.ip_text, sender=sender, helo=helo)

    async def ask(self, name: str, rdtype: str, *, count_void: bool = True) -> tuple[Any, ...]:
        """The records, none where there are none. An answer that DNS would not give is a temperror."""
        answer = await self.resolver.resolve(_question(name, rdtype))
        status, records = answer.status, answer.records
        self.trace.note("dns", name=name, type=rdtype, status=status._value_, records=records)
        if records:
            return records
        if status is not Status.NOERROR and status is not Status.NXDOMAIN:  # RFC 7208 5
            raise Stop("temperror", "spf-dns-unknown", name=name, type=rdtype, status=status.value)
        if count_void:
            self.voids += 1
            if self.voids > self.limit_voids:  # RFC 7208 4.6.4
                raise Stop("permerror", "spf-too-many-voids", limit=self.limit_voids, name=name, type=rdtype)
        return records

    def spend(self, term: str) -> None:
        """One of the ten, before anything is asked for the term (RFC 7208 4.6.4)."""
        self.lookups += 1
        if self.lookups > self.limit_terms:
            raise Stop("permerror", "spf-too-many-lookups", limit=self.limit_terms, term=term)

    @property
    def address_type(self) -> str:
        """The record type with addresses of the client's family."""
        return "A" if self.ip.version == 4 else "AAAA"


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
    client = _parsed(str(ip))
    if isinstance(client, IPv6Address) and client.ipv4_mapped is not None:
        client = client.ipv4_mapped  # RFC 7208 5
    local, at, sender_domain = sender.rpartition("@")
    if not at or not local:
        sender = f"postmaster@{sender_domain or domain}"  # RFC 7208 4.3
    check = Check(resolver, client, sender, helo, receiver, now, limit_terms, limit_voids)
    check.trace.root.facts.update(ip=str(client), domain=domain, sender=sender, helo=helo)
    explanation = None
    record: list[str] = []
    try:
        outcome = await _check(check, domain, record)
        if outcome.result == "fail" and outcome.record is not None:
            explanation = await _explain(check, outcome.record, outcome.domain)
    except Stop as stop:
        outcome = Outcome(stop.result, stop.reason)
    return Result(
        outcome.result,
        outcome.reason,
        domain,
        sender,
        str(client),
        helo,
        outcome.term.written if outcome.term else None,
        outcome.domain or None,
        record[0] if record else None,
        explanation,
        check.lookups,
        check.voids,
        check.trace.root,
    )


async def _check(check: Check, domain: str, records: list[str]) -> Outcome:
    """One domain's record. The text of every record read is appended to records."""
    name = names.normalise(domain)
    # RFC 7208 4.3: an address literal or a bare label is no domain to ask
    if name is None or "." not in name or name[0] == "[" or name.rpartition(".")[2].isdigit():
        return Outcome("none", Reason("spf-domain-unusable", {"domain": domain[:256]}))
    texts = await check.ask(name, "TXT", count_void=False)
    found = select(texts)  # RFC 7208 4.5
    if not found:
        return Outcome("none", Reason("spf-no-record", {"domain": name}))
    if len(found) > 1:
        raise Stop("permerror", "spf-several-records", domain=name, count=len(found))
    record = parse(found[0])
    records.append(record.text)
    trace = check.trace
    step = trace.enter("spf-record", domain=name, record=record.text)
    if record.problems:  # RFC 7208 4.6: anywhere, before anything is evaluated
        problem = record.problems[0]
        step.facts["problems"] = record.problems
        raise Stop("permerror", problem.id, domain=name, position=problem.span.start, **problem.facts)
    if check.announces:
        _announce(check, record, name)
    for term in record.mechanisms:  # left to right; the first match decides (RFC 7208 4.6.2)
        step = trace.enter("spf-term", term=term.written)
        facts = step.facts
        if term.name == "all":  # RFC 7208 5.1
            matched = True
        elif term.network is not None:  # RFC 7208 5.6
            matched = check.ip in term.network
        else:
            try:
                matched = await _matches(check, term, name, records, step)
            finally:
                facts["lookups"], facts["voids"] = check.lookups, check.voids
        facts["matched"] = matched
        trace.leave()
        if matched:
            trace.leave()
            reason = Reason(
                "spf-all" if term.name == "all" else "spf-term-matched",
                {"term": term.written, "domain": name, "ip": check.ip_text},
            )
            return Outcome(RESULTS[term.qualifier], reason, term, record, name)
    if record.redirect is not None:  # RFC 7208 6.1
        outcome = await _redirect(check, record.redirect, name, records)
    else:  # RFC 7208 4.7
        reason = Reason("spf-nothing-matched", {"domain": name, "ip": check.ip_text})
        outcome = Outcome("neutral", reason)
    trace.leave()
    return outcome


async def _redirect(check: Check, spec: MacroString, domain: str, records: list[str]) -> Outcome:
    with check.trace.step("spf-redirect", term=f"redirect={spec.text}") as step:
        check.spend(f"redirect={spec.text}")
        target = await _target(check, spec, domain, step)
        outcome = await _check(check, target, records) if target else None
        step.facts["lookups"], step.facts["voids"] = check.lookups, check.voids
        if outcome is None or outcome.result == "none":  # RFC 7208 6.1
            raise Stop("permerror", "spf-redirect-without-record", domain=target or spec.text)
        return outcome


async def _matches(check: Check, term: Mechanism, domain: str, records: list[str], step: Step) -> bool:
    """The mechanisms that ask DNS."""
    check.spend(term.written)
    target = domain
    if term.domain is not None:
        target = await _target(check, term.domain, domain, step)
    if term.name == "include":
        return await _include(check, target, records, term, step)
    if not target:  # RFC 7208 4.8 leaves a malformed name undefined; we choose: no match
        step.facts["note"] = "malformed-name"
        return False
    match term.name:
        case "a":
            addresses = await check.ask(target, check.address_type)
            return _covered(check, addresses, term, step)
        case "mx":
            return await _mx(check, target, term, step)
        case "exists":  # RFC 7208 5.7: type A for every client
            return bool(await check.ask(target, "A"))
        case _:
            return await _ptr(check, target)


async def _include(check: Check, target: str, records: list[str], term: Mechanism, step: Step) -> bool:
    """RFC 7208 5.2, with its table: only a pass matches."""
    if not target and step.facts.get("note") == "not-ascii":  # RFC 8616 4: such a term matches nothing
        return False
    outcome = await _check(check, target, records) if target else None
    step.facts["result"] = outcome.result if outcome else "none"
    if outcome is None or outcome.result == "none":
        raise Stop("permerror", "spf-include-without-record", domain=target or term.written)
    return outcome.result == "pass"


async def _mx(check: Check, target: str, term: Mechanism, step: Step) -> bool:
    """RFC 7208 5.4: the exchanges' addresses, never the implicit MX."""
    exchanges = [host for _, host in await check.ask(target, "MX") if host]
    if len(exchanges) > MAX_MX:  # RFC 7208 4.6.4
        raise Stop("permerror", "spf-too-many-mx", domain=target, count=len(exchanges), limit=MAX_MX)
    prefetch(check.resolver, [Question(host, check.address_type) for host in exchanges])
    for host in exchanges:
        if _covered(check, await check.ask(host, check.address_type), term, step):
            return True
    return False


def _covered(check: Check, addresses: tuple[Any, ...], term: Mechanism, step: Step) -> bool:
    """Whether the client is in the network of that length around one of the addresses."""
    prefix = term.prefix4 if check.ip.version == 4 else term.prefix6
    shift = 0 if prefix is None else check.ip.max_prefixlen - prefix
    client = int(check.ip) >> shift
    step.facts.setdefault("compared", []).extend(addresses)
    return any(int(_parsed(record)) >> shift == client for record in addresses)


async def _ptr(check: Check, target: str) -> bool:
    """RFC 7208 5.5, in the direction of erratum 4751: a validated name equal to or below the target."""
    return any(names.is_below(name, target) for name in await _validated(check))


async def _validated(check: Check) -> list[str]:
    """The client's names that lead back to it; found once (RFC 7208 5.5)."""
    if check.ptr_names is not None:
        return check.ptr_names
    check.ptr_names = []
    depth = check.trace.depth
    try:
        candidates = await check.ask(names.reverse(check.ip), "PTR")
    except Stop as stop:
        check.trace.depth = depth
        if stop.result == "temperror":  # RFC 7208 5.5: an error here is no match
            return check.ptr_names
        raise
    candidates = candidates[:MAX_PTR]  # RFC 7208 4.6.4: the rest is ignored
    usable = [name for name in candidates if names.normalise(name)]
    prefetch(check.resolver, [Question(name, check.address_type) for name in usable])
    for name in usable:
        try:
            addresses = await check.ask(name, check.address_type, count_void=False)
        except Stop:  # RFC 7208 5.5: skip that name
            continue
        if any(_parsed(record) == check.ip for record in addresses):
            check.ptr_names.append(names.normalise(name) or name)
    return check.ptr_names


async def _target(check: Check, spec: MacroString, domain: str, step: Step) -> str:
    """The name that a domain-spec stands for now; empty where it is none."""
    if spec.literal is not None:
        return names.normalise(shorten(spec.literal)) or ""
    letters = spec.letters
    if letters & {"s", "l"} and not check.sender.rpartition("@")[0].isascii():  # RFC 8616 4
        step.facts["note"] = "not-ascii"
        return ""
    if "p" in letters and check.ptr_names is None:
        check.spend("%{p}")  # RFC 7208 4.6.4: counts as a ptr term
    values = await _values(check, letters, domain)
    text = expand(spec, values)
    check.trace.note("spf-macro", macro=spec.text, expanded=text[:512])
    return names.normalise(shorten(text)) or ""


async def _values(check: Check, letters: frozenset[str], domain: str) -> dict[str, str]:
    """The macro letters' values (RFC 7208 7.2)."""
    local, _, sender_domain = check.sender.rpartition("@")
    if not sender_domain.isascii():  # RFC 8616 4: A-labels
        sender_domain = names.normalise(sender_domain) or sender_domain
    values = {
        "s": f"{local}@{sender_domain}",
        "l": local,
        "o": sender_domain,
        "d": domain,
        "v": "in-addr" if check.ip.version == 4 else "ip6",
        "h": check.helo,
        "c": check.ip_text,
        "r": check.receiver,
        "t": str(check.now or 0),
    }
    if "i" in letters:
        values["i"] = address(check.ip)
    if "p" in letters:
        values["p"] = _best(await _validated(check), domain)
    return values


def _best(validated: list[str], domain: str) -> str:
    """RFC 7208 7.3: the domain itself, then a name below it, then any."""
    below = [name for name in validated if names.is_below(name, domain)]
    if domain in below:
        return domain
    return (below or validated or ["unknown"])[0]


async def _explain(check: Check, record: Record, domain: str) -> str | None:
    """RFC 7208 6.2. Whatever goes wrong, there is then no explanation; nothing of it counts."""
    if record.exp is None:
        return None
    lookups, voids = check.lookups, check.voids
    try:
        with check.trace.step("spf-exp", term=f"exp={record.exp.text}") as step:
            name = await _target(check, record.exp, domain, step)
            texts = await check.ask(name, "TXT", count_void=False) if name else ()
            if len(texts) != 1 or not texts[0].isascii() or len(texts[0]) > MAX_TEXT:
                return None
            spec = explanation_string(texts[0].decode("ascii"))
            if spec is None:
                return None
            text = expand(spec, await _values(check, spec.letters, domain))
    except Stop:
        return None
    finally:
        check.lookups, check.voids = lookups, voids
    return "".join(char for char in text if " " <= char <= "~")[:MAX_TEXT]  # RFC 7208 11.5.2


def _announce(check: Check, record: Record, domain: str) -> None:
    """Tells the resolver what the terms will ask, as far as the budget allows and no macro hides it."""
    left = max(0, check.limit_terms - check.lookups)
    questions = [question for question, _ in zip(_next(check, record, domain), range(left), strict=False)]
    prefetch(check.resolver, questions)


def _next(check: Check, record: Record, domain: str) -> Iterator[Question]:
    types = {"include": "TXT", "a": check.address_type, "mx": "MX", "exists": "A"}
    for term in record.mechanisms:
        if term.name == "all":
            return
        if term.name in types:
            literal = domain if term.domain is None else term.domain.literal
            name = literal and names.normalise(shorten(literal))
            if name:
                yield Question(name, types[term.name])
    redirect = record.redirect
    if redirect is not None and redirect.literal and (name := names.normalise(shorten(redirect.literal))):
        yield Question(name, "TXT")
