"""From verdicts of the protocols to the parts of a row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from senderauth import adsp, dmarc, simulation, spf
from senderauth.advice import Report
from senderauth.audit import row
from senderauth.dns import Answer
from senderauth.simulation import OUTCOMES, Outcome, Prediction
from senderauth.values import Finding

SERIOUS = ("medium", "high")


def spf_part(survey: spf.Outline) -> row.SPF:
    """The survey in short."""
    problems = [f.id for f in survey.findings if f.severity in SERIOUS]
    return row.SPF(
        survey.state,
        survey.record,
        terminal(survey),
        survey.lookups,
        survey.void_lookups,
        survey.passes[4].size,
        survey.passes[6].size,
        not survey.unevaluated and not survey.cut,
        survey.includes,
        tuple(dict.fromkeys(problems)) if problems else (),
    )


TERMINALS: Mapping[str, row.Terminal] = {"-all": "-all", "~all": "~all", "?all": "?all", "+all": "+all"}


def terminal(survey: spf.Outline) -> row.Terminal | None:
    """How the record ends."""
    if survey.state != "found":
        return None
    found = TERMINALS.get(survey.terminal)
    if found is not None:
        return found
    record = survey.tree.record
    return "redirect" if record is not None and record.redirect is not None else "none"


def dmarc_part(policies: Mapping[str, dmarc.Policy]) -> row.DMARC:
    """Both policies in short."""
    newer, older = policies["rfc9989"], policies["rfc7489"]
    record = newer.record or older.record
    of_newer = _policy(newer)
    return row.DMARC(
        of_newer,
        of_newer if _alike(newer, older) else _policy(older),
        record.text if record else None,
        bool(record and record.rua),
        record.pct if record else 100,
        bool(record and record.t),
    )


def _alike(newer: dmarc.Policy, older: dmarc.Policy) -> bool:
    """Whether a row says the same of both, as nearly all do."""
    return (
        newer.location == older.location
        and newer.policy == older.policy
        and newer.organizational_domain == older.organizational_domain
        and newer.reason.id == older.reason.id
        and newer.reason.facts == older.reason.facts
        and (newer.policy is not None or _policy_state(newer) == _policy_state(older))
    )


def _policy(policy: dmarc.Policy) -> row.Policy:
    return row.Policy(
        _policy_state(policy),
        policy.policy,
        policy.location,
        policy.inherited,
        policy.organizational_domain,
        policy.reason,
    )


def _policy_state(policy: dmarc.Policy) -> row.PolicyState:
    if policy.policy is not None:
        return "found"
    if policy.unknown:
        return "unknown"
    if policy.reason.id in ("dmarc-record-without-policy", "dmarc-domain-unusable"):
        return "unusable"
    return "several" if "several" in [walked.state for walked in policy.walk] else "absent"


def adsp_part(verdict: adsp.Verdict) -> row.ADSP:
    """The practice."""
    if verdict.result == "temperror":
        return row.ADSP("unknown", verdict.practice)
    if verdict.result == "permerror":
        return row.ADSP("broken", None)
    return row.ADSP("absent" if verdict.practice is None else "found", verdict.practice)


def dkim_part(
    found: tuple[row.Key, ...], asked: tuple[str, ...], tried: tuple[str, ...], none_possible: bool
) -> row.DKIM:
    """The keys that were found."""
    states = {key.state for key in found}
    if "valid" in states:
        state: row.DKIMState = "found"
    elif "temperror" in states:
        state = "unknown"
    else:
        state = "none-possible" if none_possible else "not-found"
    return row.DKIM(state, asked, tried, found)


def record_state(answer: Answer, version: bytes) -> row.RecordState:
    """Whether the one record of a version stands there (RFC 8461 3.1, RFC 8460 3): what does not begin so
    is discarded; several, and one without what it is for, are as good as none.
    """
    if not answer.records:
        return "unknown" if answer.unknown else "absent"
    if answer.unknown:
        return "unknown"
    found = [text for text in answer.records if _begins(text, version)]
    if not found:
        return "absent"
    return "present" if len(found) == 1 and _NEEDED[version].search(found[0]) else "broken"


_NEEDED = {
    b"v=STSv1": re.compile(rb";[ \t]*id[ \t]*=[ \t]*[A-Za-z0-9]{1,32}[ \t]*(?:;|\Z)"),
    b"v=TLSRPTv1": re.compile(rb";[ \t]*rua[ \t]*=[ \t]*(?:mailto|https):[^\s;]", re.IGNORECASE),
}


def _begins(text: bytes, version: bytes) -> bool:
    return text.startswith(version) and text[len(version) :].lstrip(b" \t")[:1] in (b";", b"")


def host_parts(report: Report) -> tuple[row.Host, ...]:
    """What `check` says of each address, the worst answer that everybody meets."""
    found: list[row.Host] = []
    for verdict in report.verdicts:
        asked = [
            prediction
            for prediction in report.predictions
            if not prediction.optional
            and (prediction.host, prediction.address, prediction.signing)
            == (verdict.host, verdict.address, verdict.signing)
        ]
        worst = max(asked, key=lambda prediction: OUTCOMES.index(counted(prediction)))
        found.append(
            row.Host(
                verdict.host,
                verdict.address,
                verdict.signing,
                verdict.spf.result,
                verdict.dmarc.result,
                counted(worst),
                worst.receiver if worst.entry_id else "",
                worst.code,
                worst.entry_id,
            )
        )
    for host in report.hosts:
        if not host.addresses:
            found.append(row.Host(host.name, "", "", "", "", "unknown", "", "", ""))
    return tuple(found)


def counted(prediction: Prediction) -> Outcome:
    """A deferral that only DNS trouble brings is none (see `Report.outcome`)."""
    return "unknown" if prediction.outcome == "deferred" and prediction.for_now else prediction.outcome


def mx_part(found: simulation.MailDomain) -> row.MX:
    """Where mail goes."""
    return row.MX(found.state, found.exchanges)


def once(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once: both standards of DMARC find much the same."""
    kept: list[Finding] = []
    for finding in findings:
        if finding not in kept:
            kept.append(finding)
    return kept
