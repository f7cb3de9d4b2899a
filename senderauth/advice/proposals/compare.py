"""What changed between two reports of the same send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from senderauth import dkim, dmarc, spf
from senderauth.advice.judge import outcome
from senderauth.advice.proposals.proposal import Case
from senderauth.simulation import (
    OUTCOMES,
    Host,
    MailDomain,
    Outcome,
    Prediction,
    Scenario,
    Sender,
    Verdict,
)
from senderauth.values import Finding

BAD = ("refused", "deferred", "marked")


class Judged(Protocol):
    """What proposals are made from: the report of a planned send, or of a message with an author domain."""

    @property
    def scenario(self) -> Scenario | None: ...  # noqa: D102 - as in the reports
    @property
    def hosts(self) -> tuple[Host, ...]: ...  # noqa: D102
    @property
    def senders(self) -> tuple[Sender, ...]: ...  # noqa: D102
    @property
    def domains(self) -> tuple[MailDomain, ...]: ...  # noqa: D102
    @property
    def surveys(self) -> tuple[spf.Survey, ...]: ...  # noqa: D102
    @property
    def policies(self) -> Mapping[str, dmarc.Policy]: ...  # noqa: D102
    @property
    def verdicts(self) -> tuple[Verdict, ...]: ...  # noqa: D102
    @property
    def predictions(self) -> tuple[Prediction, ...]: ...  # noqa: D102
    @property
    def found_signatures(self) -> tuple[dkim.SignatureResult, ...]: ...  # noqa: D102 - of a message
    @property
    def earlier_addresses(self) -> tuple[str, ...]: ...  # noqa: D102 - of a message
    @property
    def findings(self) -> tuple[Finding, ...]: ...  # noqa: D102


def outcome_of(report: Judged) -> Outcome:
    """The worst that any receiver would answer, see `Report.outcome`."""
    return outcome(report.predictions, report.hosts)


def cases(report: Judged) -> tuple[Case, ...]:
    """Every predicted answer that is no acceptance, but those that only missing DNS answers bring."""
    return tuple(_case(p) for p in report.predictions if p.outcome in BAD and not p.for_now)


def compared(before: Judged, after: Judged) -> tuple[tuple[Case, ...], tuple[Case, ...], tuple[Case, ...]]:
    """The cases that are gone, those that stay, those that are new or worse. Predictions are told apart by
    receiver, host, address and signing; where the signing itself is part of the change, by its place.
    """
    gone: list[Case] = []
    stay: list[Case] = []
    worse: list[Case] = []
    for old, new in _pairs(before.predictions, after.predictions):
        rejected = (
            old.outcome == "deferred" and not old.for_now
        )  # the next reason is no harm of this one's cure
        if OUTCOMES.index(new.outcome) > OUTCOMES.index(old.outcome) and not rejected:
            worse.append(_case(new))
        if old.outcome not in BAD or old.for_now:
            continue
        if new.outcome == "accepted":
            gone.append(_case(old))
        elif new.outcome in BAD or new.outcome == "unknown":
            stay.append(replace(_case(new if new.entry_id else old), signing=old.signing))
    return tuple(gone), tuple(stay), tuple(worse)


def _pairs(
    before: Iterable[Prediction], after: Iterable[Prediction]
) -> Iterable[tuple[Prediction, Prediction]]:
    later: dict[tuple[str, str, str], list[Prediction]] = {}
    for new in after:
        later.setdefault((new.receiver, new.host, new.address), []).append(new)
    for old in before:
        found = later.get((old.receiver, old.host, old.address), ())
        same = [new for new in found if new.signing == old.signing]
        for new in same or found:
            yield old, new


def _case(p: Prediction) -> Case:
    only_spf = "dkim-does-not-help" in p.notes
    return Case(p.receiver, p.entry_id, p.address, p.signing, p.outcome, p.optional, only_spf)
