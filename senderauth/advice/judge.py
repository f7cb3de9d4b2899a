"""`check`: facts of a send in; verdicts, predicted answers, findings and remedies out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from senderauth import dkim, dmarc, lint, spf
from senderauth.advice.action import Remedy
from senderauth.advice.remedies import remedies
from senderauth.dns import CachingResolver, Resolver, together
from senderauth.simulation import (
    OUTCOMES,
    Host,
    MailDomain,
    Outcome,
    Prediction,
    Scenario,
    Sender,
    Signature,
    Verdict,
    choose,
    predict,
    simulate,
)
from senderauth.values import SEVERITIES, Finding, Severity


@dataclass(frozen=True, slots=True)
class Report:
    """All that `check` found out about one send."""

    schema: ClassVar[str] = "senderauth/check/1"
    scenario: Scenario
    hosts: tuple[Host, ...]
    senders: tuple[Sender, ...]
    domains: tuple[MailDomain, ...]
    surveys: tuple[spf.Survey, ...]
    signatures: tuple[Signature, ...]
    policies: Mapping[str, dmarc.Policy]
    verdicts: tuple[Verdict, ...]
    predictions: tuple[Prediction, ...]
    findings: tuple[Finding, ...]
    remedies: tuple[Remedy, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst that any receiver would answer, those apart that not everybody meets; "unknown" where
        DNS left even that open.
        """
        return outcome(self.predictions, self.hosts)

    def exit_code(self, fail_on: Severity | None = None) -> int:
        """0: nothing would be rejected; 1: something would, or there is a finding of this severity or above;
        2: a host that was named has no address; 3: DNS would not tell, and nothing worse is known.
        """
        return exit_code(self.predictions, self.hosts, self.findings, fail_on)

    @property
    def found_signatures(self) -> tuple[dkim.SignatureResult, ...]:
        """None: the mail is only planned."""
        return ()

    @property
    def earlier_addresses(self) -> tuple[str, ...]:
        """None: nothing was sent yet."""
        return ()

    @property
    def spf(self) -> spf.Result | None:
        """Of the first verdict."""
        return self.verdicts[0].spf if self.verdicts else None

    @property
    def dmarc(self) -> dmarc.Verdict | None:
        """Of the first verdict, under RFC 9989."""
        return self.verdicts[0].dmarc if self.verdicts else None


def outcome(predictions: Iterable[Prediction], hosts: Iterable[Host]) -> Outcome:
    """The worst of what is predicted, see `Report.outcome`."""
    known: list[Outcome] = [
        "unknown" if p.outcome == "deferred" and p.for_now else p.outcome
        for p in predictions
        if not p.optional
    ]
    if any(host.state in ("unknown", "missing") for host in hosts):
        known.append("unknown")
    return max(known, key=OUTCOMES.index, default="unknown")


def exit_code(
    predictions: Iterable[Prediction],
    hosts: Iterable[Host],
    findings: Iterable[Finding],
    fail_on: Severity | None,
) -> int:
    """See `Report.exit_code`."""
    counted = [prediction for prediction in predictions if not prediction.optional]
    if any(p.outcome == "refused" or (p.outcome == "deferred" and not p.for_now) for p in counted):
        return 1
    if fail_on is not None:
        level = SEVERITIES.index(fail_on)
        if any(SEVERITIES.index(finding.severity) >= level for finding in findings):
            return 1
    if any(host.state == "missing" for host in hosts):
        return 2
    return 3 if outcome(counted, hosts) == "unknown" else 0


async def check(
    scenario: Scenario,
    resolver: Resolver,
    *,
    receivers: Iterable[str] | None = None,
    with_lint: bool = False,
    with_misplaced: bool = True,
    now: int | None = None,
) -> Report:
    """Judges one send before it happens.

    receivers: ids or families of receiver policies, all where none are named; ValueError for an unknown
    one. with_lint adds checkdmarc's findings (slower). with_misplaced: where a DMARC record or a planned key
    is missing, look at the names where mistyped zone files put it (a few questions more). now is Unix time,
    for the SPF macro %{t} only.
    """
    wanted = list(receivers or ())
    chosen = choose(wanted)
    if wanted:  # asked for by name: counts
        chosen = tuple(replace(receiver, optional=False) for receiver in chosen)
    asked = CachingResolver(over=resolver)
    found, linted = await together(
        simulate(scenario, asked, now=now, with_misplaced=with_misplaced),
        _linted(scenario, asked, with_lint),
    )
    predictions = predict(found, chosen)
    return Report(
        scenario,
        found.hosts,
        found.senders,
        found.domains,
        found.surveys,
        found.signatures,
        found.policies,
        found.verdicts,
        predictions,
        found.findings + linted,
        remedies(found, predictions),
    )


async def _linted(scenario: Scenario, resolver: Resolver, wanted: bool) -> tuple[Finding, ...]:
    if not wanted:
        return ()
    domains = {scenario.author_address.domain: None}
    if scenario.mail_from_address is not None:
        domains[scenario.mail_from_address.domain] = None
    found = await together(*(lint.lint(resolver, domain) for domain in domains))
    return tuple(finding for findings in found for finding in findings)
