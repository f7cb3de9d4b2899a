"""Of several proposals those that can be made together, and what becomes of a send by them."""

from __future__ import annotations

from collections.abc import Iterable

from senderauth.advice.proposals.compare import Judged, compared
from senderauth.advice.proposals.make import clash, judge_like
from senderauth.advice.proposals.proposal import Proposal, overlay
from senderauth.advice.proposals.prove import as_set
from senderauth.dns import CachingResolver, OverlayResolver, Resolver


def plan_of(*offers: Iterable[Proposal]) -> list[Proposal]:
    """One way to do it: of the cures that can stand for each other the first, or those that are needed
    together; then every improvement that leaves these records alone.
    """
    offered = [proposal for offer in offers for proposal in offer if proposal.kind != "advice"]
    together = next((p for p in offered if p.id == "all-together"), None)
    first = [p for p in offered if p.kind == "cure"][:1]
    cures = first if together is None else _parts(together, offered)
    chosen: list[Proposal] = []
    for proposal in (*cures, *(p for p in offered if p.kind == "improvement")):
        if not clash(proposal, chosen):
            chosen.append(proposal)
    return chosen


def _parts(whole: Proposal, offered: Iterable[Proposal]) -> list[Proposal]:
    """What it is put together of; itself, where that is not all among the offered."""
    parts = [
        p
        for p in offered
        if p is not whole and set(p.changes) <= set(whole.changes) and set(p.settings) <= set(whole.settings)
    ]
    changes = {change for p in parts for change in p.changes}
    settings = {setting for p in parts for setting in p.settings}
    return parts if (changes, settings) == (set(whole.changes), set(whole.settings)) else [whole]


def as_proposed(resolver: Resolver, proposals: Iterable[Proposal]) -> Resolver:
    """DNS with all these changes."""
    changes = overlay(change for proposal in proposals for change in proposal.changes)
    return CachingResolver(OverlayResolver(changes, over=resolver))


async def sent_again(report: Judged, resolver: Resolver, proposals: Iterable[Proposal]) -> Judged:
    """The send of a report with all these changes and settings."""
    made = list(proposals)
    assert report.scenario is not None
    scenario = as_set(report.scenario, [setting for proposal in made for setting in proposal.settings])
    return await judge_like(report)(scenario, as_proposed(resolver, made))


def is_worse(before: Judged, after: Judged) -> bool:
    """Whether any receiver answers worse."""
    return bool(compared(before, after)[2])
