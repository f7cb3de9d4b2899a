"""What no record can help, said plainly, with what to do instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address

from senderauth import names
from senderauth.advice.action import Actor
from senderauth.advice.proposals.compare import cases
from senderauth.advice.proposals.ground import OTHER_KEY, Ground, foreign
from senderauth.advice.proposals.host import DOMAIN_ENTRIES, WITHOUT_MAIL
from senderauth.advice.proposals.proposal import Case, Proposal
from senderauth.advice.remedies import IN_ACCOUNT, SILENT
from senderauth.simulation import Signature

MAX_SILENT = 8


def advice(ground: Ground, proposals: Sequence[Proposal]) -> list[Proposal]:
    """Advice on every answer that none of the proposals cures."""
    cured = {case_key(case) for proposal in proposals if proposal.kind == "cure" for case in proposal.cures}
    left = [case for proposal in proposals if proposal.kind == "cure" for case in proposal.leaves]
    open_cases = [_next(case, left) for case in cases(ground.report) if case_key(case) not in cured]
    found: dict[str, list[Case]] = {}
    for case in open_cases:
        found.setdefault(_why(ground, case), []).append(case)
    silent = [p for p in ground.report.predictions if p.for_now or p.outcome == "unknown"]
    made = [plain_word(ground, id, tuple(group)) for id, group in found.items()]
    if silent:
        made.append(plain_word(ground, "no-record-dns-silent", ()))
    return made


def case_key(case: Case) -> tuple[str, str, str]:
    """What tells cases apart, whatever the answer is."""
    return case.receiver, case.address, case.signing


def _next(case: Case, left: Iterable[Case]) -> Case:
    """The case as it is once the first reason is cured, if a proposal does that."""
    same = [one for one in left if case_key(one) == case_key(case)]
    found = [one for one in same if (one.entry_id, one.only_spf) != (case.entry_id, case.only_spf)]
    return found[-1] if found else case


def _why(ground: Ground, case: Case) -> str:
    if case.entry_id in IN_ACCOUNT:
        return "no-record-own-account"
    if foreign(ground.author):
        return "no-record-foreign-author"
    if ground.changed_on_the_way:
        return "no-record-changed-on-the-way"
    path = ground.scenario.mail_from_address
    if path is not None and path.domain in ground.forwarded_domains:
        return "no-record-forwarded"
    if case.entry_id.startswith("spf") and path is not None and foreign(path.domain):
        return "no-record-foreign-return-path"
    if case.entry_id.startswith("spf") and path is not None and path.domain in ground.elsewhere:
        return "no-record-alias-elsewhere"
    if case.entry_id == "author-domain-missing" and ground.author == ground.organization:
        return "no-record-domain-missing"
    if case.entry_id in DOMAIN_ENTRIES:
        return "no-record-exchange"
    if case.entry_id == "reverse-dns-missing":
        return "no-record-host-name"
    if case.only_spf:
        return "no-record-known"
    if any(s.result == "permerror" and s.key is not None and s.key.state == "valid" for s in _own(ground)):
        return "no-record-mend-signing"
    unusable = _unusable(ground)
    if unusable is not None and ground.made(unusable) is not None:
        return "no-record-key-of-signature" if ground.key is None else "no-record-not-this-key"
    if ground.key is None:
        return "no-record-key-needed" if unusable is None else "no-record-key-at-signer"
    return "no-record-known"


def _unusable(ground: Ground) -> Signature | None:
    """The signature for the author domain, made or planned, whose key is what is missing."""
    return next((s for s in _own(ground) if s.result == "permerror" or s.reason.id == OTHER_KEY), None)


def _own(ground: Ground) -> list[Signature]:
    """The signatures by the author's organization, made or planned, whose key was looked up."""
    return [
        s
        for verdict in ground.report.verdicts
        for s in verdict.dkim
        if s.key is not None
        and s.selector
        and (names.registrable(s.domain) or s.domain) == ground.organization
        and not foreign(s.domain)
    ]


def plain_word(ground: Ground, id: str, left: tuple[Case, ...]) -> Proposal:
    """The word on these answers; on the domain itself where there are none."""
    scenario = ground.scenario
    path = scenario.mail_from_address
    facts: dict[str, object] = {
        "author_domain": ground.author,
        "mail_from_domain": path.domain if path else "",
        "login": scenario.login or "",
        "silent": _silent(ground),
        "target": ground.elsewhere.get(path.domain, "") if path else "",
        "hosts": list(scenario.hosts),
        "optional": bool(left) and all(case.optional for case in left),
        "receivers": list(dict.fromkeys(case.receiver for case in left)),
        "entries": list(dict.fromkeys(case.entry_id for case in left)),
    }
    facts |= _key_facts(ground)
    if id == "no-record-exchange":
        without = [domain.domain for domain in ground.report.domains if domain.state in WITHOUT_MAIL]
        return Proposal(id, "advice", "domain-owner", {**facts, "domains": without}, (), leaves=left)
    who: Actor = "sender" if id.startswith(("no-record-own", "no-record-foreign")) else "mail-admin"
    return Proposal(id, "advice", who, facts, (), leaves=left)


def _silent(ground: Ground) -> list[str]:
    """The names that DNS would not tell of."""
    report = ground.report
    found = [
        v.spf.reason.facts.get("name", v.mail_from_domain)
        for v in report.verdicts
        if v.spf.result == "temperror"
    ]
    found += [f.evidence.get("name", f.subject) for f in report.findings if f.id in SILENT]
    for sender in report.senders:
        if sender.address and sender.reverse.state == "unknown":
            found.append(names.reverse(ip_address(sender.address)))
    return list(dict.fromkeys(str(name) for name in found))[:MAX_SILENT]


def _key_facts(ground: Ground) -> dict[str, object]:
    """Where the key is missing; of a signature that was made also which: that much it shows."""
    unusable = _unusable(ground)
    if unusable is None or unusable.key is None:
        return {}
    facts: dict[str, object] = {"domain": unusable.domain, "selector": unusable.selector}
    facts["name"] = unusable.key.name
    made = ground.made(unusable)
    if made is not None and made.signature is not None:
        octets = len(made.signature.octets)  # as many as the modulus has (RFC 8017 8.2.1)
        kind = made.signature.key_type
        facts |= {"type": kind, "bits": 256 if kind == "ed25519" else octets * 8}
    return facts
