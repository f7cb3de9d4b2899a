"""Changes to SPF records (RFC 7208): add what is missing, mend what is broken, stay within the limits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from senderauth import names, spf
from senderauth.advice.proposals.ground import Ground, Network, address_term, draft, foreign, parse_ip
from senderauth.advice.proposals.limits import Within, within_limits
from senderauth.advice.proposals.proposal import EITHER, Change, Proposal
from senderauth.advice.proposals.providers import providers_of
from senderauth.simulation import Verdict
from senderauth.spf import MAX_TERMS, MAX_VOIDS, Mechanism, Record, Survey, Term
from senderauth.values import Problem, Reason

V = "v=spf1"
MAX_DOMAINS = 4
NOT_PUBLIC = ("private", "loopback", "link-local")
"""Addresses that no receiver elsewhere meets (RFC 6890 2)."""
_VERSION = re.compile(
    r"[\s\"'\\(\ufeff]*(?:v\s*+[=:-]?\s*+[\"']?\s*+spf[0-9]?|spf1|spf=)"
    r"(?=[\s;,:\"'+~?-]|$|ip[46]:|include:|a[: ]|mx[: ])[\s;,:\"']*(.*)",
    re.I | re.S,
)
_TERMS = re.compile(r"[\s\"'\\(\ufeff]*((?:include:|ip[46]:|a:|mx[\s:/]).*)", re.I | re.S)
MILDER = "-~?"
_EQUALS = re.compile(r"^(include|a|mx|ptr|ip4|ip6|exists|ip|ipv4|ipv6)=", re.I)
_KEPT = re.compile(r"[-~?]|\+?(?:redirect|all)", re.I)
"""Faulty words that cannot be left out: without them more would pass than was meant, or nothing."""


async def spf_proposals(ground: Ground) -> list[tuple[Proposal, ...]]:
    """Groups of drafts, of each of which one is enough: for every domain that SPF is judged by and does not
    pass, the terms that are missing, by the party who can add them.
    """
    groups: list[tuple[Proposal, ...]] = []
    failing: dict[str, list[Verdict]] = {}
    for verdict in ground.report.verdicts:
        inside = ground.sender(verdict).special in NOT_PUBLIC
        if verdict.address and not inside and verdict.spf.result not in ("pass", "temperror"):
            failing.setdefault(verdict.mail_from_domain, []).append(verdict)
    for verdict in ground.report.verdicts:
        helo = (
            names.hostname(ground.sender(verdict).helo or "") if verdict.spf_helo.result == "fail" else None
        )
        if helo is not None and helo not in failing:
            failing[helo] = [verdict]
    for domain, verdicts in list(failing.items())[:MAX_DOMAINS]:
        known = not foreign(domain) and names.mail_domain(domain) is not None
        if known and not await ground.unregistered(domain) and not await ground.forwarded(domain):
            groups += await _for_domain(ground, domain, verdicts)
    for survey in ground.report.surveys:
        if foreign(survey.domain):
            continue
        if survey.terminal == "+all":
            groups += await _closed(ground, survey)
        if survey.domain not in failing and not await ground.unregistered(survey.domain):
            groups += await _sound(ground, survey)
    return groups


async def _sound(ground: Ground, survey: Survey) -> list[tuple[Proposal, ...]]:
    """Repairs of a record that this send does not depend on, or gets past by luck."""
    made = await _parted(ground, survey, []) or await _by_state(ground, survey)
    return [tuple(replace(proposal, kind="improvement") for proposal in made)]


async def _by_state(ground: Ground, survey: Survey) -> tuple[Proposal, ...]:
    match survey.state:
        case "absent":
            return await _version_mended(ground, survey, [])
        case "several":
            merged = merge([spf.parse(text.encode("latin-1")) for text in survey.tree.texts])
            return await _mended(ground, survey, "spf-merge-records", merged, []) if merged else ()
        case "broken":
            return await _repaired(ground, survey, [])
        case "found" if (within := within_limits(survey)) is not None:
            return await _limited(ground, survey, within, [])
        case "found" if (plain := with_colons(survey.tree.record)) is not None:
            return await _mended(ground, survey, "spf-mend-equals", plain, [])
    return ()


async def _for_domain(ground: Ground, domain: str, verdicts: list[Verdict]) -> list[tuple[Proposal, ...]]:
    survey = await ground.survey(domain)
    ways = await ways_in(ground, domain, verdicts)
    if parted := await _parted(ground, survey, ways):
        return [parted]
    match survey.state:
        case "absent":
            return [await _first(ground, survey, ways)]
        case "found" if (within := within_limits(survey)) is not None:
            added = await _added(ground, survey, verdicts, ways)
            if any(verdict.spf.result == "permerror" for verdict in verdicts):
                return [await _limited(ground, survey, within, ways), *added]
            limited = await _limited(ground, survey, within, [])
            return [*added, tuple(replace(proposal, kind="improvement") for proposal in limited)]
        case "found" if (plain := with_colons(survey.tree.record)) is not None:
            return [await _mended(ground, survey, "spf-mend-equals", plain, ways)]
        case "found":
            return await _added(ground, survey, verdicts, ways)
        case "several":
            merged = merge([spf.parse(text.encode("latin-1")) for text in survey.tree.texts])
            return [await _mended(ground, survey, "spf-merge-records", merged, ways)] if merged else []
        case "broken":
            return [await _repaired(ground, survey, ways)]
    return []


async def _parted(ground: Ground, survey: Survey, ways: list[tuple[str, list[Term]]]) -> tuple[Proposal, ...]:
    """A record whose strings run into each other, with the spaces that are missing (RFC 7208 3.3)."""
    if not survey.tree.glued:
        return ()
    sent = (await ground.ask(survey.domain, "TXT")).strings
    texts = [spf.parted(one) for one in sent if b"".join(one).decode("latin-1") == survey.record]
    record = mend(texts[0]) if texts else None
    return await _mended(ground, survey, "spf-part-strings", record, ways) if record else ()


async def _repaired(
    ground: Ground, survey: Survey, ways: list[tuple[str, list[Term]]]
) -> tuple[Proposal, ...]:
    """A faulty record mended; where nobody can tell what a term means, without it."""
    text = survey.record or ""
    dropped: list[str] = []
    record = mend(text)
    if record is None:
        record, dropped = without_faults(text)
    if record is None:
        return ()
    facts = {"domain": survey.domain, "terms": dropped}
    cautions = (Reason("caution-terms-not-understood", facts),) if dropped else ()
    return await _mended(ground, survey, "spf-mend-syntax", record, ways, cautions=cautions)


async def _limited(
    ground: Ground, survey: Survey, within: Within, ways: list[tuple[str, list[Term]]]
) -> tuple[Proposal, ...]:
    """The record within the limits, or without the terms that spoil it."""
    over = survey.lookups > MAX_TERMS or survey.void_lookups > MAX_VOIDS
    cautions = []
    if within.dropped:
        cautions.append(Reason("caution-terms-dropped", {"terms": list(dict.fromkeys(within.dropped))}))
    if within.replaced:
        facts = {"domain": survey.domain, "terms": list(dict.fromkeys(within.replaced))}
        cautions.append(Reason("caution-watch-networks", facts))
    id = "spf-within-limits" if over else "spf-drop-dead-terms"
    return await _mended(ground, survey, id, within.record, ways, within.splits, tuple(cautions))


# --- ways to let the hosts pass ---------------------------------------------------------------------


async def ways_in(ground: Ground, domain: str, verdicts: Iterable[Verdict]) -> list[tuple[str, list[Term]]]:
    """What would authorise the sending addresses: (how, terms), the narrowest first. The include of a
    provider is among them only where its record passes the address today.
    """
    verdicts = list(verdicts)
    addresses = list(dict.fromkeys(parse_ip(verdict.address) for verdict in verdicts))
    ways: list[tuple[str, list[Term]]] = []
    network = ground.network
    if network is not None:
        inside = [ip for ip in addresses if ip in network]
        outside: list[Network | object] = [ip for ip in addresses if ip not in network]
        if inside:
            terms = [address_term(network), *(address_term(ip) for ip in outside)]  # type: ignore[arg-type]
            ways.append(("network", list(terms)))
    else:
        ways.append(("address", [address_term(ip) for ip in addresses]))
    if (include := await _provider_include(ground, domain, verdicts)) is not None:
        ways.insert(0, ("include", [include]))
    return ways


async def _provider_include(ground: Ground, domain: str, verdicts: list[Verdict]) -> Mechanism | None:
    """The include of the provider whose server it is, if its record covers every address."""
    hosts: list[str] = []
    for verdict in verdicts:
        sender = ground.sender(verdict)
        hosts += [*sender.reverse.confirmed, sender.host]
    for provider in providers_of(dict.fromkeys(hosts)):
        if provider.include is None or provider.include == domain:
            continue
        include, asked = provider.include, ground.resolver
        results = [
            await spf.check_host(asked, ip=one.address, domain=include, sender=f"a@{domain}", helo=domain)
            for one in verdicts
        ]
        if all(result.result == "pass" for result in results):
            return spf.parse(f"{V} include:{provider.include}").mechanisms[0]
    return None


async def _added(
    ground: Ground, survey: Survey, verdicts: list[Verdict], ways: list[tuple[str, list[Term]]]
) -> list[tuple[Proposal, ...]]:
    """The terms before the one that ends the record, or first of all where an earlier one turns them away."""
    record = survey.tree.record
    assert record is not None
    groups = []
    for how, terms in ways:
        facts = _facts(survey.domain, how, terms, verdicts)
        signed = any(
            one.result == "pass" and one.domain == survey.domain for one in ground.report.found_signatures
        )
        cautions = [Reason("caution-not-for-forwarders", {"domain": survey.domain})]
        if signed:  # who signs as the domain is its own; who delivers it may be anybody
            cautions = [Reason("caution-probably-forwarded", {"domain": survey.domain})]
        if survey.sends_nothing and [term.name for term in record.terms] == ["all"]:
            cautions.append(Reason("caution-domain-sends-nothing", {"domain": survey.domain}))
        group = []
        for place in dict.fromkeys((before_end(record), 0)):
            text = str(inserted(record, terms, place))
            if (change := await _changed(ground, survey.domain, text)) is not None:
                there = all(term in record.terms for term in terms)
                id = "spf-put-first" if there else f"spf-add-{how}"
                group.append(draft(id, "domain-owner", facts, *change, cautions=tuple(cautions)))
        groups.append(tuple(group))
    return groups


def _facts(domain: str, how: str, terms: Iterable[Term], verdicts: Iterable[Verdict]) -> dict[str, object]:
    return {
        "domain": domain,
        "terms": [str(term) for term in terms],
        "addresses": list(dict.fromkeys(verdict.address for verdict in verdicts)),
        "how": how,
    }


async def _first(ground: Ground, survey: Survey, ways: list[tuple[str, list[Term]]]) -> tuple[Proposal, ...]:
    """A first record. It ends in ~all, since nobody knows yet who else sends; the hosts of other sends that
    the user named are in it. A record that was misspelt is mended instead.
    """
    if mended := await _version_mended(ground, survey, ways):
        return mended
    others = [
        address_term(parse_ip(sender.address))
        for scenario, report in ground.others
        for sender in report.senders
        if scenario.mail_from_address is not None and scenario.mail_from_address.domain == survey.domain
    ]
    missing = any(d.domain == survey.domain and d.state == "missing" for d in ground.report.domains)
    first: list[Proposal] = []
    for how, terms in ways:
        text = " ".join([V, *dict.fromkeys(map(str, [*terms, *others])), "~all"])
        if (changes := await _changed(ground, survey.domain, text)) is not None:
            told: dict[str, object] = {"domain": survey.domain, "terms": text.split()[1:-1], "how": how}
            cautions = (Reason("caution-name-all-senders", {"domain": survey.domain}),)
            first += [
                draft(
                    "spf-first-record",
                    "domain-owner",
                    told,
                    *changes,
                    kind=kind,
                    cautions=cautions,
                    relaxes=missing,
                )
                for kind in EITHER
            ]
    return tuple(first)


async def _version_mended(
    ground: Ground, survey: Survey, ways: list[tuple[str, list[Term]]]
) -> tuple[Proposal, ...]:
    """A record that is none only because its version is misspelt."""
    for text in survey.tree.meant:
        if (record := mend(as_version(text) or "")) is not None:
            facts = {"domain": survey.domain, "record": text}
            ends = (record, *(inserted(record, terms, before_end(record)) for _, terms in ways))
            changes = [await ground.change(survey.domain, "TXT", str(end), like=text[:12]) for end in ends]
            return tuple(
                [
                    draft("spf-mend-version", "domain-owner", facts, change, kind=kind)
                    for kind in EITHER
                    for change in changes
                    if change is not None
                ]
            )
    return ()


async def _mended(
    ground: Ground,
    survey: Survey,
    id: str,
    record: Record,
    ways: list[tuple[str, list[Term]]],
    splits: tuple[tuple[str, str], ...] = (),
    cautions: tuple[Reason, ...] = (),
) -> tuple[Proposal, ...]:
    """The repaired record, and the same with the hosts in it where repair alone does not let them pass. One
    that nobody could use before does not open the domain to everybody now.
    """
    group = []
    old = list(survey.tree.texts or (survey.record or "",))
    if survey.state != "found" and any(t.name == "all" and t.qualifier == "+" for t in record.mechanisms):
        record = replace(record, terms=tuple(map(_not_open, record.terms)))
        cautions = (*cautions, Reason("caution-name-all-senders", {"domain": survey.domain}))
    extra = []
    for name, text in splits:
        if (change := await ground.change(name, "TXT", text, like=V)) is not None:
            extra.append(change)
    for terms in ([], *(terms for _, terms in ways)):
        whole = inserted(record, terms, before_end(record)) if terms else record
        change = await ground.change(survey.domain, "TXT", str(whole), like=V)
        if change is not None:
            facts = {"domain": survey.domain, "records": old, "terms": [str(term) for term in terms]}
            group.append(draft(id, "domain-owner", facts, change, *extra, cautions=cautions))
    return tuple(group)


async def _closed(ground: Ground, survey: Survey) -> list[tuple[Proposal, ...]]:
    """`+all` lets everybody pass: the hosts at hand are named, and it becomes ~all."""
    record = survey.tree.record
    if record is None or not any(t.name == "all" for t in record.mechanisms):  # it stands in a redirect's
        return []
    known: list[str] = []
    reports = [(ground.scenario, ground.report), *ground.others]
    for scenario, report in reports:
        path = scenario.mail_from_address
        if path is not None and path.domain == survey.domain:
            known += [sender.address for sender in report.senders]
    terms: list[Term] = []
    for term in record.terms:
        if term.name == "all" and isinstance(term, Mechanism):
            terms += [address_term(parse_ip(address)) for address in dict.fromkeys(known)]
            terms.append(replace(term, qualifier="~"))
        else:
            terms.append(term)
    whole = _without_duplicates(terms)
    change = await ground.change(survey.domain, "TXT", str(Record(tuple(whole))), like=V)
    if change is None:
        return []
    facts: dict[str, object] = {"domain": survey.domain, "addresses": list(dict.fromkeys(known))}
    cautions = (Reason("caution-name-all-senders", {"domain": survey.domain}),)
    made = draft(
        "spf-close-all", "domain-owner", facts, change, kind="improvement", cautions=cautions, narrows=True
    )
    return [(made,)]


async def _changed(ground: Ground, domain: str, text: str) -> tuple[Change, ...] | None:
    change = await ground.change(domain, "TXT", text, like=V)
    return None if change is None else (change,)


# --- editing records -----------------------------------------------------------------------------------


def before_end(record: Record) -> int:
    """Where a term goes that shall count: before the `all`; without one after the last mechanism, before a
    redirect (RFC 7208 5.1, 6.1).
    """
    last = 0
    for index, term in enumerate(record.terms):
        if isinstance(term, Mechanism):
            if term.name == "all":
                return index
            last = index + 1
    return last


def inserted(record: Record, terms: Iterable[Term], place: int) -> Record:
    """The record with these terms at a place, and not once more after it."""
    new = [term for term in terms if term not in record.terms[:place]]
    rest = [term for term in record.terms[place:] if term not in new]
    return replace(record, terms=(*record.terms[:place], *new, *rest), problems=(), text="")


def _not_open(term: Term) -> Term:
    """`~all` for `+all`."""
    return replace(term, qualifier="~") if isinstance(term, Mechanism) and term.name == "all" else term


def with_colons(record: Record | None) -> Record | None:
    """The record with `ip4:` for `ip4=` and so on, which is a modifier that nobody knows (RFC 7208 6); None
    where there is nothing of the kind.
    """
    words = [term.written for term in record.terms] if record is not None else []
    meant = [_EQUALS.sub(r"\1:", word) for word in words]
    return mend(" ".join([V, *meant])) if meant != words else None


def _without_duplicates(terms: Iterable[Term]) -> list[Term]:
    kept: list[Term] = []
    for term in terms:
        if term not in kept:
            kept.append(term)
    return kept


def merge(records: list[Record]) -> Record | None:
    """One record out of several (RFC 7208 3.2 allows one): every term once, in order, ended as the mildest
    of them ends, never in +all. None where a fault stands in the way, or two name different places in
    redirect= or exp=.
    """
    mended = [record if not record.problems else mend(record.text) for record in records]
    mechanisms: list[Term] = []
    ends: list[str] = []
    modifiers: dict[str, Term] = {}
    for record in mended:
        if record is None:
            return None
        end = next((str(term.qualifier) for term in record.mechanisms if term.name == "all"), None)
        for term in record.terms:
            if isinstance(term, Mechanism):
                if term.name == "all":
                    break
                mechanisms.append(term)
        ends += [end] if end else []
        for term in record.terms:
            if not isinstance(term, Mechanism):
                if term.name == "redirect" and end is not None:
                    continue  # RFC 7208 6.1: it never counts beside an `all`
                if modifiers.setdefault(term.name, term) != term:
                    return None
    redirect = modifiers.pop("redirect", None)
    if redirect is not None and not isinstance(redirect, Mechanism) and ends:
        mechanisms.append(spf.parse(f"{V} include:{redirect.value.text}").mechanisms[0])
    mildest = max((qualifier for qualifier in ends if qualifier in MILDER), key=MILDER.find, default="~")
    last: Term = spf.parse(f"{V} {mildest}all").mechanisms[0] if ends or redirect is None else redirect
    return Record((*_without_duplicates(mechanisms), *modifiers.values(), last))


def mend(text: str) -> Record | None:
    """The record with every mistake put right, where each can mean one thing only; None where one is left."""
    for _ in range(8):  # mending one fault may show another
        record = spf.parse(text.encode("latin-1", "replace"))
        if not record.problems:
            return record
        mended = text
        for problem in reversed(record.problems):
            meant = _meant(problem, text)
            if meant is None:
                return None
            start, end = _word(text, problem)
            mended = mended[:start] + meant + mended[end:]
        if mended == text:
            return None
        text = " ".join(mended.split(" "))
    return None


def without_faults(text: str) -> tuple[Record | None, list[str]]:
    """The record without the words that nobody can understand, and those; None where one of them turns
    addresses away, or says where the record goes on.
    """
    dropped: list[str] = []
    for _ in range(8):
        record = spf.parse(text.encode("latin-1", "replace"))
        if not record.problems:
            return (record if record.mechanisms else None), dropped
        for problem in reversed(record.problems):
            start, end = _word(text, problem)
            meant = _meant(problem, text)
            if meant is None:
                if _KEPT.match(text[start:end]):
                    return None, []
                dropped.insert(0, text[start:end])
            text = text[:start] + (meant or "") + text[end:]
        text = " ".join(filter(None, text.split(" ")))
    return None, []


def _meant(problem: Problem, text: str) -> str | None:
    """What the faulty words mean; None where that is a guess."""
    if problem.id == "spf-modifier-twice":
        word = text[problem.span.start : problem.span.end]
        return "" if text.split().count(word) > 1 else None  # the same twice
    meant = problem.facts.get("meant")
    return meant if isinstance(meant, str) and "other" not in problem.facts else None


def _word(text: str, problem: Problem) -> tuple[int, int]:
    """The whole words that a fault stands in."""
    start = text.rfind(" ", 0, problem.span.start + 1) + 1
    end = text.find(" ", problem.span.end)
    return start, len(text) if end < 0 else end


def as_version(text: str) -> str | None:
    """A record whose version is misspelt or forgotten, with the right one."""
    found = _VERSION.match(text) or _TERMS.match(text)
    if found is None:
        return None
    rest = found[1].strip(" \t\r\n\"'\\)").replace(";", " ")
    return " ".join([V, *rest.split()]) if rest else None
