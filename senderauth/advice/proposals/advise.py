"""What no record can help, said plainly, with what to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from senderauth.advice.action import Actor
from senderauth.advice.proposals.compare import cases
from senderauth.advice.proposals.ground import Ground, foreign
from senderauth.advice.proposals.proposal import Case, Proposal
from senderauth.advice.remedies import IN_ACCOUNT

DNS_ENTRIES = ("spf-dns-unavailable", "dmarc-dns-unavailable")


def advice(ground: Ground, proposals: Sequence[Proposal]) -> list[Proposal]:
    """Advice on every answer that none of the proposals cures."""
    cured = {case_key(case) for proposal in proposals if proposal.kind == "cure" for case in proposal.cures}
    left = [case for proposal in proposals if proposal.kind == "cure" for case in proposal.leaves]
    open_cases = [_next(case, left) for case in cases(ground.report) if case_key(case) not in cured]
    found: dict[str, list[Case]] = {}
    for case in open_cases:
        found.setdefault(_why(ground, case), []).append(case)
    silent = [p for p in ground.report.predictions if p.for_now or p.outcome == "unknown"]
    made = [_made(ground, id, tuple(group)) for id, group in found.items()]
    if silent:
        made.append(_made(ground, "no-record-dns-silent", ()))
    return made


def case_key(case: Case) -> tuple[str, str, str]:
    """What tells cases apart, whatever the answer is."""
    return case.receiver, case.address, case.signing


def _next(case: Case, left: Iterable[Case]) -> Case:
    """The case as it is once the first reason is cured, if a proposal does that."""
    found = [one for one in left if case_key(one) == case_key(case) and one.entry_id != case.entry_id]
    return found[-1] if found else case


def _why(ground: Ground, case: Case) -> str:
    if case.entry_id in IN_ACCOUNT:
        return "no-record-own-account"
    if foreign(ground.author):
        return "no-record-foreign-author"
    if ground.changed_on_the_way:
        return "no-record-changed-on-the-way"
    path = ground.scenario.mail_from_address
    if case.entry_id.startswith("spf") and path is not None and foreign(path.domain):
        return "no-record-foreign-return-path"
    if case.entry_id == "author-domain-missing" and ground.author == ground.organization:
        return "no-record-domain-missing"
    if case.entry_id == "reverse-dns-missing":
        return "no-record-host-name"
    if ground.key is None and case.entry_id not in ("spf-record-broken",):
        return "no-record-key-needed"
    return "no-record-known"


def _made(ground: Ground, id: str, left: tuple[Case, ...]) -> Proposal:
    scenario = ground.scenario
    path = scenario.mail_from_address
    facts: dict[str, object] = {
        "author_domain": ground.author,
        "mail_from_domain": path.domain if path else "",
        "login": scenario.login or "",
        "hosts": list(scenario.hosts),
        "optional": bool(left) and all(case.optional for case in left),
        "receivers": list(dict.fromkeys(case.receiver for case in left)),
        "entries": list(dict.fromkeys(case.entry_id for case in left)),
    }
    who: Actor = "sender" if id.startswith(("no-record-own", "no-record-foreign")) else "mail-admin"
    return Proposal(id, "advice", who, facts, (), leaves=left)
