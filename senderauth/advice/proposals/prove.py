"""Trying a proposal: everything is judged again as if it were published, and compared.

Theory of operation. The changes are laid over the resolver and the same send is judged by the same
code. Receivers' answers are compared one by one; the networks of every SPF record whose reading changed
are compared as sets, so that no address is forgotten; other sends that the caller named are judged before
and after; policies may not ask for less unless the change is meant to. What the networks do not tell (terms
with macros, ptr, names that DNS would not tell of) is said, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from senderauth import spf
from senderauth.advice.judge import outcome
from senderauth.advice.proposals.compare import Judged, compared, outcome_of
from senderauth.advice.proposals.ground import Ground
from senderauth.advice.proposals.proposal import Change, Other, Proof, Proposal, Reach, Setting, overlay
from senderauth.dns import CachingResolver, OverlayResolver, Resolver
from senderauth.simulation import Outcome, Scenario
from senderauth.spf import MAX_TERMS, MAX_VOIDS, Survey
from senderauth.values import Reason

ORDER: dict[str, int] = {"none": 0, "quarantine": 1, "reject": 2}
PRACTICES = {"unknown": 0, "all": 1, "discardable": 2}
ENDS = {"+all": 0, "": 1, "?all": 1, "~all": 2, "-all": 3}


async def prove(ground: Ground, proposal: Proposal) -> Proposal:
    """The proposal with its proof, and with what it cures and leaves."""
    tried: Resolver = CachingResolver(OverlayResolver(overlay(proposal.changes), over=ground.resolver))
    before = ground.report
    # A message that is signed otherwise is another one: judged as planned
    signed_anew = any(setting.id == "dkim" for setting in proposal.settings)
    judge = ground.planned if signed_anew else ground.judge
    after = await judge(as_set(ground.scenario, proposal.settings), tried)
    gone, stay, worse = compared(before, after)
    reaches = await _reaches(ground, tried, before, after, proposal.changes)
    others = tuple([await _other(ground, tried, scenario, report) for scenario, report in ground.others])
    laxer = tuple(_laxer(before, after))
    broken: list[Reason] = []
    if proposal.kind == "cure" and not gone:
        broken.append(Reason("proof-cures-nothing"))
    if worse:
        receivers = sorted({case.receiver for case in worse})
        broken.append(Reason("proof-answers-worse", {"receivers": receivers}))
    for reach in reaches:
        broken += _broken_reach(reach, proposal.narrows)
    for survey in after.surveys:
        if survey.state in ("several", "broken") and any(c.name == survey.domain for c in proposal.changes):
            broken.append(Reason("proof-record-broken", {"domain": survey.domain}))
    for other in others:
        if other.worse:
            told = {"author": other.scenario.author, "receivers": list(other.worse)}
            broken.append(Reason("proof-other-send-worse", told))
    if laxer and not proposal.relaxes:
        broken.append(Reason("proof-policy-laxer", {"policies": [reason.id for reason in laxer]}))
    proof = Proof(
        holds=not broken,
        before=outcome_of(before),
        after=_outcome(before, after),
        worse=worse,
        reach=tuple(reaches),
        others=others,
        laxer=laxer,
        uncovered=tuple(_uncovered(before, after, reaches, proposal.changes)),
        broken=tuple(broken),
    )
    kind = "cure" if gone and proposal.kind == "improvement" else proposal.kind
    return replace(proposal, kind=kind, cures=gone, leaves=stay, proof=proof)


def as_set(scenario: Scenario, settings: Iterable[Setting]) -> Scenario:
    """The send as it is once the settings are made."""
    for setting in settings:
        match setting.id:
            case "mail-from":
                scenario = replace(scenario, mail_from=setting.value)
            case "helo":
                scenario = replace(scenario, helo=setting.value)
            case "dkim":
                domain, _, selector = setting.value.partition(":")
                others = tuple(s for s in scenario.signers or () if s != (domain, selector))
                replaced = tuple(s for s in others if s[0] != domain or s[1] is None)
                scenario = replace(scenario, signers=(*replaced, (domain, selector)))
    return scenario


def _outcome(before: Judged, after: Judged) -> Outcome:
    """The overall outcome with the same receivers counted as before."""
    optional = {p.receiver for p in before.predictions if p.optional}
    counted = [replace(p, optional=p.receiver in optional) for p in after.predictions]
    return outcome(counted, after.hosts)


async def _reaches(
    ground: Ground, tried: Resolver, before: Judged, after: Judged, changes: Iterable[Change]
) -> list[Reach]:
    """The SPF records that read differently now: of the report, of the other sends, and those changed."""
    found: list[Reach] = []
    later = {survey.domain: survey for survey in after.surveys}
    domains = dict.fromkeys([survey.domain for survey in before.surveys])
    for _, report in ground.others:
        domains |= dict.fromkeys(survey.domain for survey in report.surveys)
    for change in changes:
        values = (*change.old, *change.new)
        if change.rdtype == "TXT" and any(value[:6].lower() == "v=spf1" for value in values):
            domains.setdefault(change.name)
    for domain in domains:
        old = await ground.survey(domain)
        new = later.get(domain) or await spf.survey(tried, domain)
        if old.tree != new.tree:
            found.append(reach_of(old, new))
    return found


def reach_of(old: Survey, new: Survey) -> Reach:
    """The difference between two surveys of one domain."""
    was = {version: spf.authorised(old.tree, version) for version in (4, 6)}
    now = {version: spf.authorised(new.tree, version) for version in (4, 6)}
    return Reach(
        domain=new.domain,
        lost=sum((was[version] - now[version]).size for version in (4, 6)),
        gained4=(now[4] - was[4]).size,
        gained6=(now[6] - was[6]).size,
        lookups=(old.lookups, new.lookups),
        voids=(old.void_lookups, new.void_lookups),
        uncovered=tuple(dict.fromkeys((*old.unevaluated, *new.unevaluated))),
    )


def _broken_reach(reach: Reach, narrows: bool) -> Iterator[Reason]:
    if reach.lost and not narrows:
        yield Reason("proof-addresses-lost", {"domain": reach.domain, "count": reach.lost})
    if reach.lookups[1] > max(MAX_TERMS, reach.lookups[0]):  # RFC 7208 4.6.4
        facts = {"domain": reach.domain, "lookups": reach.lookups[1], "limit": MAX_TERMS}
        yield Reason("proof-too-many-lookups", facts)
    if reach.voids[1] > max(MAX_VOIDS, reach.voids[0]):
        facts = {"domain": reach.domain, "voids": reach.voids[1], "limit": MAX_VOIDS}
        yield Reason("proof-too-many-voids", facts)


async def _other(ground: Ground, tried: Resolver, scenario: Scenario, report: Judged) -> Other:
    after = await ground.planned(scenario, tried)
    _, _, worse = compared(report, after)
    receivers = tuple(dict.fromkeys(case.receiver for case in worse))
    return Other(scenario, outcome_of(report), _outcome(report, after), receivers)


def _laxer(before: Judged, after: Judged) -> Iterator[Reason]:
    """Policies that ask for less than before, of names that both reports speak of."""
    for standard, old in before.policies.items():
        new = after.policies.get(standard)
        if new is None or old.unknown or new.unknown:
            continue
        facts: dict[str, object] = {"domain": old.domain, "standard": standard}
        if ORDER.get(new.policy or "none", 0) < ORDER.get(old.policy or "none", 0):
            told: dict[str, object] = {"before": old.policy or "none", "after": new.policy or "none"}
            yield Reason("laxer-dmarc-policy", {**facts, **told})
        if old.record is not None and new.record is not None:
            for tag in ("adkim", "aspf"):
                if (getattr(old.record, tag), getattr(new.record, tag)) == ("s", "r"):
                    yield Reason("laxer-dmarc-alignment", {**facts, "tag": tag})
    later = {survey.domain: survey for survey in after.surveys}
    for survey in before.surveys:
        found = later.get(survey.domain)
        if survey.state == "found" and found is not None and ENDS[found.terminal] < ENDS[survey.terminal]:
            told = {"domain": survey.domain, "before": survey.terminal, "after": found.terminal or "?all"}
            yield Reason("laxer-spf-end", told)
    for judged, again in zip(before.verdicts[:1], after.verdicts[:1], strict=False):
        was, now = judged.adsp.practice or "unknown", again.adsp.practice or "unknown"
        if PRACTICES.get(now, 0) < PRACTICES.get(was, 0):
            yield Reason("laxer-adsp", {"domain": before.policies["rfc9989"].domain, "before": was})


def _uncovered(
    before: Judged, after: Judged, reaches: Iterable[Reach], changes: Iterable[Change]
) -> Iterator[Reason]:
    hosts = [change.name for change in changes if change.old and change.rdtype in ("A", "AAAA", "MX")]
    if hosts:  # whose records have a: or mx: of this name, nobody can list
        yield Reason("uncovered-other-domains", {"names": list(dict.fromkeys(hosts))})
    for reach in reaches:
        if reach.uncovered:
            yield Reason("uncovered-spf-terms", {"domain": reach.domain, "terms": list(reach.uncovered)})
    cut = [s.domain for s in (*before.surveys, *after.surveys) if s.cut]
    if cut:
        yield Reason("uncovered-spf-tree", {"domains": list(dict.fromkeys(cut))})
    silent = [p.receiver for p in after.predictions if p.outcome == "unknown"]
    if silent:
        yield Reason("uncovered-unknown-now", {"receivers": list(dict.fromkeys(silent))})
