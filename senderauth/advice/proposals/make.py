"""`propose`: from a report to changes that were tried, each with its proof."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from senderauth.advice.judge import check
from senderauth.advice.proposals.advise import advice, case_key, plain_word
from senderauth.advice.proposals.compare import Judged, cases
from senderauth.advice.proposals.dkim import dkim_proposals
from senderauth.advice.proposals.dmarc import dmarc_proposals
from senderauth.advice.proposals.ground import Ground, Judge, Network
from senderauth.advice.proposals.host import adsp_proposals, host_proposals
from senderauth.advice.proposals.keys import PublicKey
from senderauth.advice.proposals.proposal import Proposal
from senderauth.advice.proposals.prove import prove
from senderauth.advice.proposals.spf import spf_proposals
from senderauth.dns import CachingResolver, Resolver
from senderauth.simulation import Scenario, special

MAX_TRIED = 48
"""Drafts that are tried; the cases of one send seldom need ten."""

WIDEST = {4: 8, 6: 16}
"""Prefix lengths: nobody's own hosts fill more."""


async def propose(
    report: Judged,
    resolver: Resolver,
    *,
    network: Network | None = None,
    senders: Iterable[Scenario] = (),
    key: PublicKey | None = None,
    judge: Judge | None = None,
) -> tuple[Proposal, ...]:
    """The smallest changes that cure what a report predicts, each tried over the resolver that the report was
    made with, cures first; then improvements; then what no record helps. A change whose proof fails is not
    among them.

    network: the network of the sending hosts, to be authorised in place of single addresses; ValueError for
    one that no mail is sent from. senders:
    other sends that must not become worse. key: a DKIM key that may be published. judge: judges the send
    again, `check` where none is given; for a message it verifies that.
    """
    if network is not None:
        check_network(network)
    if report.scenario is None:  # a message without an author domain (RFC 9989 5.3.1)
        refused = cases(report)
        plain = Proposal("no-record-without-author", "advice", "sender", {}, (), leaves=refused)
        return (plain,) if refused else ()
    asked = CachingResolver(over=resolver)
    planned = judge_like(report)
    others = tuple([(scenario, await planned(scenario, asked)) for scenario in senders])
    ground = Ground(report, report.scenario, asked, judge or planned, planned, network, key, others)
    if await ground.unregistered(ground.author):
        return (plain_word(ground, "no-record-domain-missing", cases(report)),)
    own = not ground.changed_on_the_way
    groups = [
        *(await spf_proposals(ground) if own else ()),
        *await dkim_proposals(ground),
        *(await dmarc_proposals(ground) if own else ()),
        *await adsp_proposals(ground),
        *(await host_proposals(ground) if own else ()),
    ]
    offered: list[Proposal] = []
    parts: list[Proposal] = []
    room = MAX_TRIED
    for group in groups:
        tried = [await prove(ground, proposal) for proposal in group[:room]]
        room -= len(tried)
        held = best(tried)
        offered += held
        if not any(proposal.kind == "cure" for proposal in held):
            parts += [p for p in tried if p.kind == "cure" and _harmless(p)][:1]
    offered = await _with_all(ground, _distinct(offered), parts)
    offered.sort(key=_order)
    return (*offered, *advice(ground, offered))


def check_network(network: Network) -> None:
    """Raises ValueError for a network that nobody can mean. Those for documentation are for examples."""
    if network.prefixlen < WIDEST[network.version]:
        widest = WIDEST[network.version]
        raise ValueError(f"network {network}: wider than /{widest}, too many hosts to be all your own")
    kind = special(network)
    if kind is not None and kind != "documentation":
        raise ValueError(f"network {network}: no mail comes from there, it is {kind} (RFC 6890)")


def judge_like(report: Judged) -> Judge:
    """A judge that asks the same receivers as the report did."""
    named = not any(p.optional for p in report.predictions)
    receivers = list(dict.fromkeys(p.receiver for p in report.predictions)) if named else None

    async def again(scenario: Scenario, resolver: Resolver) -> Judged:
        return await check(scenario, resolver, receivers=receivers, with_misplaced=False)

    return again


def best(tried: Iterable[Proposal]) -> list[Proposal]:
    """Of a group the one that holds and cures most, the first of those; nothing where none holds."""
    holding = [proposal for proposal in tried if proposal.proof is not None and proposal.proof.holds]
    return [max(holding, key=_value)] if holding else []


def _value(proposal: Proposal) -> tuple[int, int, int]:
    usual = sum(not case.optional for case in proposal.cures)
    return usual, len(proposal.cures), -len(proposal.changes) - len(proposal.settings)


def _distinct(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Each change once, the first name for it."""
    return list({(p.changes, p.settings): p for p in reversed(list(proposals))}.values())[::-1]


KINDS = ("cure", "part", "improvement", "advice")


def _order(proposal: Proposal) -> tuple[int, int, int]:
    """Cures first; among them those for receivers that everybody meets, and the nearest."""
    usual, _, size = _value(proposal)
    return KINDS.index(proposal.kind), -min(usual, 1), -size


def _harmless(proposal: Proposal) -> bool:
    """Whether it only cures nothing by itself."""
    broken = proposal.proof.broken if proposal.proof is not None else ()
    return [reason.id for reason in broken] == ["proof-cures-nothing"]


async def _with_all(ground: Ground, offered: list[Proposal], parts: list[Proposal]) -> list[Proposal]:
    """Where no single change cures everything: the fewest of them together, proven together, if they cure
    more than the best of them. Among them may be parts: changes that cure nothing by themselves, since the
    same receiver has another reason, too.
    """
    cures = sorted((p for p in offered if p.kind == "cure"), key=_value, reverse=True)
    wanted = {case_key(case) for case in cases(ground.report)}
    reached = _keys(cures[0]) if cures else set()
    if reached >= wanted:
        return offered
    chosen: list[Proposal] = []
    for proposal in (*cures, *parts):
        if not clash(proposal, chosen):
            chosen.append(proposal)
    if len(chosen) < 2:
        return offered
    whole = await prove(ground, _together(chosen))
    if not (whole.proof and whole.proof.holds and _keys(whole) > reached):
        return offered
    for proposal in reversed(chosen):
        fewer = [p for p in chosen if p is not proposal]
        tried = await prove(ground, _together(fewer)) if len(fewer) > 1 else whole
        if tried is not whole and tried.proof and tried.proof.holds and _keys(tried) >= _keys(whole):
            chosen, whole = fewer, tried
    needed = [replace(part, kind="part") for part in parts if part in chosen]
    doubled = [p for p in offered if any(p.changes == part.changes for part in needed)]
    return [*(p for p in offered if p not in doubled), *needed, whole]


def _together(chosen: list[Proposal]) -> Proposal:
    return Proposal(
        "all-together",
        "cure",
        chosen[0].who,
        {"proposals": [p.id for p in chosen], "count": len(chosen)},
        tuple(change for p in chosen for change in p.changes),
        tuple(setting for p in chosen for setting in p.settings),
        narrows=any(p.narrows for p in chosen),
        relaxes=any(p.relaxes for p in chosen),
    )


def _keys(proposal: Proposal) -> set[tuple[str, str, str]]:
    return {case_key(case) for case in proposal.cures}


def clash(proposal: Proposal, chosen: Iterable[Proposal]) -> bool:
    """Whether both change the same records, or set the same thing differently."""
    taken = {(change.name, change.rdtype) for other in chosen for change in other.changes}
    set_already = {setting.id for other in chosen for setting in other.settings}
    return any((c.name, c.rdtype) in taken for c in proposal.changes) or any(
        setting.id in set_already for setting in proposal.settings
    )
