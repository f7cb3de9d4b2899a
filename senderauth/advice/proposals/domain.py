"""Changes to the records of a domain of which no send is known: what is broken, and what lets strangers in.

Theory of operation. There is no refusal to cure, so what is tried is the domain itself: the caller judges it
again over the overlay, and the networks of its SPF record, its policies and the sends that are known besides
are compared as for a send. Who sends is not known either, so a stricter policy is proposed only where the
domain's own records say that nobody does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from senderauth import adsp, dkim, dmarc, names, spf
from senderauth.advice.proposals.advise import plain_word
from senderauth.advice.proposals.compare import Judged
from senderauth.advice.proposals.dkim import mended_keys
from senderauth.advice.proposals.dmarc import MILDER, dmarc_change, dmarc_proposals, with_tags
from senderauth.advice.proposals.ground import Ground, Judge, draft, foreign
from senderauth.advice.proposals.host import adsp_removal
from senderauth.advice.proposals.make import best, judge_like
from senderauth.advice.proposals.proposal import Proposal, text_of
from senderauth.advice.proposals.prove import prove
from senderauth.advice.proposals.spf import V, spf_proposals
from senderauth.dns import CachingResolver, Resolver
from senderauth.simulation import Host, MailDomain, Prediction, Scenario, Sender, Verdict
from senderauth.values import Finding, Reason


@dataclass(frozen=True, slots=True)
class DomainReport:
    """What is known of a domain without a send; `Judged` all the same."""

    scenario: Scenario
    """The domain as author, no hosts."""
    domains: tuple[MailDomain, ...]
    surveys: tuple[spf.Survey, ...]
    policies: Mapping[str, dmarc.Policy]
    practice: adsp.Verdict
    keys: tuple[dkim.Key, ...]
    """Keys of the domain that verifiers cannot use."""
    unsigned: bool
    """No key can exist: there is nothing below `_domainkey` (RFC 8020)."""
    findings: tuple[Finding, ...]
    hosts: tuple[Host, ...] = ()
    senders: tuple[Sender, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    found_signatures: tuple[dkim.SignatureResult, ...] = ()
    earlier_addresses: tuple[str, ...] = ()


async def propose_for_domain(
    report: DomainReport, resolver: Resolver, judge: Judge, *, sends: Iterable[Judged] = ()
) -> tuple[Proposal, ...]:
    """Changes to a domain's own records, each tried over the resolver that the report was made with; then
    what no record helps. A change whose proof fails is not among them.

    judge: makes the report again over another resolver. sends: reports of sends that must not become worse.
    """
    others = tuple([(send.scenario, send) for send in sends if send.scenario is not None])
    planned = judge_like(others[0][1]) if others else judge
    asked = CachingResolver(over=resolver)
    ground = Ground(report, report.scenario, asked, judge, planned, None, None, others)
    if foreign(ground.author):
        foreign_mailboxes = names.registrable(ground.author) is not None  # else it is a public suffix
        return (plain_word(ground, "no-record-foreign-author", ()),) if foreign_mailboxes else ()
    if report.domains[0].state == "missing":
        return (plain_word(ground, "no-record-domain-missing", ()),)
    silent = nothing_is_sent(report) and not others
    groups = [
        *await spf_proposals(ground),
        *(await _nothing_sent(ground) if silent else ()),
        await _merged(ground),
        *await dmarc_proposals(ground),
        await _reports_asked(ground),
        *await adsp_removal(ground, {report.practice.practice}),
        *[(made,) for made in await mended_keys(ground, report.keys)],
    ]
    offered: list[Proposal] = []
    for group in groups:
        drafts = [replace(proposal, kind="improvement") for proposal in group]  # nothing is refused yet
        offered += best([await prove(ground, proposal) for proposal in drafts])
    survey, policies = report.surveys[0], report.policies.values()
    if survey.state == "unknown" or report.domains[0].state == "unknown" or any(p.unknown for p in policies):
        offered.append(plain_word(ground, "no-record-dns-silent", ()))
    return tuple(offered)


def nothing_is_sent(report: DomainReport) -> bool:
    """Whether the domain's own records say so: SPF passes nobody or, without SPF, the domain takes no answers
    (RFC 7505); and there can be no DKIM key.
    """
    survey, takes = report.surveys[0], report.domains[0].state
    misspelt = survey.tree.meant or survey.tree.elsewhere
    refuses_answers = takes == "null-mx" and survey.state == "absent" and not misspelt
    return report.unsigned and (survey.sends_nothing or refuses_answers)


async def _nothing_sent(ground: Ground) -> list[tuple[Proposal, ...]]:
    """What a domain that sends nothing publishes: an SPF record that passes nobody, a policy of reject. Names
    below it keep the policy that they have: of them nothing is known.
    """
    cautions = [Reason("caution-nothing-is-sent", {"domain": ground.author})]
    groups: list[tuple[Proposal, ...]] = []
    facts = {"domain": ground.author}
    change = None
    if (await ground.survey(ground.author)).state == "absent":
        change = await ground.change(ground.author, "TXT", f"{V} -all", like=V)
    if change is not None:
        groups.append((draft("spf-sends-nothing", "domain-owner", facts, change, cautions=tuple(cautions)),))
    text = _reject(ground)
    if text is None:
        return groups
    name = f"_dmarc.{ground.author}"
    policy = await dmarc_change(ground, name, text)
    if policy is not None and len(policy.old) <= 1:
        if "; sp=none" in text:
            cautions.append(Reason("caution-names-below-stay", {"domain": ground.author}))
        told = {**facts, "name": name}
        made = draft("dmarc-sends-nothing", "domain-owner", told, policy, cautions=tuple(cautions))
        groups.append((made,))
    return groups


def _reject(ground: Ground) -> str | None:
    """The domain's DMARC record with p=reject; None where it says so, or what stands there is unclear."""
    new, old = ground.report.policies["rfc9989"], ground.report.policies["rfc7489"]
    if new.unknown or old.unknown or new.policy == old.policy == "reject":
        return None
    record, is_top = new.record, ground.author == ground.organization
    if record is None or new.inherited:
        rua = f"; rua={record.value('rua')}" if record is not None and record.has("rua") else ""
        return f"v=DMARC1; p=reject{'; sp=none' if is_top else ''}{rua}"
    if record.t or record.pct < 100 or record.p is None:
        return None
    below = record.p if is_top and not record.has("sp") else record.sp
    return with_tags(record, {"p": "reject", **({"sp": below} if below and is_top else {})})


async def _merged(ground: Ground) -> tuple[Proposal, ...]:
    """One DMARC record out of several, of which receivers use none (RFC 9989 4.10): the mildest of them, with
    all addresses for reports.
    """
    name = f"_dmarc.{ground.author}"
    walked = next((w for w in ground.report.policies["rfc9989"].walk if w.name == ground.author), None)
    if walked is None or walked.state != "several":
        return ()
    texts = [text_of(record) for record in (await ground.ask(name, "TXT")).records]
    records = [record for record in map(dmarc.parse, texts) if record.is_record]
    policies = [record.p for record in records if record.p is not None]
    if len(policies) < len(records) or any(record.problems for record in records):
        return ()
    mildest = min(policies, key=MILDER.index)
    kept = next(record for record in records if record.p == mildest)
    below = min((record.sp or record.p or "none" for record in records), key=MILDER.index)
    rua = ",".join(dict.fromkeys(uri for r in records if (uri := r.value("rua"))))
    wanted: dict[str, str | None] = {"rua": rua} if rua else {}
    if below != (kept.sp or kept.p):
        wanted["sp"] = below
    change = await dmarc_change(ground, name, with_tags(kept, wanted))
    if change is None:
        return ()
    strict = mildest != "none"
    cautions = (Reason("caution-read-reports-first", {"after": mildest}),) if strict else ()
    told = {"domain": ground.author, "name": name, "policy": mildest}
    return (draft("dmarc-merge-records", "domain-owner", told, change, cautions=cautions),)


async def _reports_asked(ground: Ground) -> tuple[Proposal, ...]:
    """A mailbox for reports, without which a policy that only watches has nobody who looks."""
    policy = ground.report.policies["rfc9989"]
    takes = any(d.state in ("mx", "address") for d in ground.report.domains)
    if policy.record is None or policy.record.has("rua") or policy.location != f"_dmarc.{ground.author}":
        return ()
    text = with_tags(policy.record, {"rua": f"mailto:postmaster@{ground.author}"})  # RFC 5321 4.5.1
    change = await dmarc_change(ground, policy.location, text) if takes else None
    if change is None:
        return ()
    facts = {"domain": ground.author, "name": policy.location}
    cautions = (Reason("caution-report-mailbox", {"domain": ground.author}),)
    return (draft("dmarc-ask-reports", "domain-owner", facts, change, cautions=cautions),)
