"""What records that are only supposed change for a send."""

from __future__ import annotations

from dataclasses import dataclass

from senderauth.advice.proposals.compare import Judged, compared, outcome_of
from senderauth.advice.proposals.proposal import Case, text_of
from senderauth.dns import DraftResolver, OverlayResolver, Resolver
from senderauth.simulation import Outcome


@dataclass(frozen=True, slots=True)
class Supposed:
    """The records of one name and type as they are supposed to be; none: removed."""

    name: str
    rdtype: str
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The same send without and with what is supposed."""

    changes: tuple[Supposed, ...]
    zones: tuple[str, ...]
    """Zones that stand as in a draft."""
    before: Judged | None
    """None where the send could not be judged."""
    after: Judged | None
    cures: tuple[Case, ...]
    leaves: tuple[Case, ...]
    worse: tuple[Case, ...]
    """Answers that are worse than before."""

    @property
    def outcomes(self) -> tuple[Outcome, Outcome]:
        """The worst answers before and after."""
        return _outcome(self.before), _outcome(self.after)


def _outcome(report: Judged | None) -> Outcome:
    return "unknown" if report is None else outcome_of(report)


def what_if(before: Judged | None, after: Judged | None, resolver: Resolver) -> WhatIf:
    """Compares two reports of one send; the resolver of the second one tells what was supposed."""
    changes: list[Supposed] = []
    zones: tuple[str, ...] = ()
    while isinstance(resolver, (OverlayResolver, DraftResolver)):
        if isinstance(resolver, OverlayResolver):
            for question, answer in resolver.changes.items():
                records = tuple(map(text_of, answer.records)) if answer is not None else ()
                changes.append(Supposed(question.name, question.rdtype, records))
        else:
            zones += tuple(getattr(resolver.draft, "zones", ()))
        resolver = resolver.over
    gone, stay, worse = compared(before, after) if before and after else ((), (), ())
    return WhatIf(tuple(changes), zones, before, after, gone, stay, worse)
