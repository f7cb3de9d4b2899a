"""What records that are only supposed change for a send."""

from __future__ import annotations

from dataclasses import dataclass

from senderauth.advice.judge import Report
from senderauth.advice.proposals.compare import compared
from senderauth.advice.proposals.proposal import Case, text_of
from senderauth.dns import DraftResolver, OverlayResolver, Resolver


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
    before: Report
    after: Report
    cures: tuple[Case, ...]
    leaves: tuple[Case, ...]
    worse: tuple[Case, ...]
    """Answers that are worse than before."""


def what_if(before: Report, after: Report, resolver: Resolver) -> WhatIf:
    """Compares two reports; the resolver of the second one tells what was supposed."""
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
    gone, stay, worse = compared(before, after)
    return WhatIf(tuple(changes), zones, before, after, gone, stay, worse)
