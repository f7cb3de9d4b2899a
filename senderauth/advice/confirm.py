"""Proof of a bounce's cause: the send is simulated, and what refuses it compared with what was said.

Theory of operation. The receivers whose rules lead to the entry are asked with those rules alone, so
that an earlier rule does not hide the one that is in question: the provider's own policy where it is
known, else every policy that has such a rule. Without the address of the sending host a stand-in is
judged that no record permits: what does not refuse it refuses nobody, and a rule that asks nothing of
the address holds for every address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from senderauth import catalogue
from senderauth.advice.asked import needed, provider_of_bounce, relevant
from senderauth.advice.compare import by_message, compare, signature_broken_then
from senderauth.advice.judge import check
from senderauth.advice.proof import Proof, lacking, open_proof
from senderauth.advice.recipient import RECIPIENT, prove_recipient
from senderauth.advice.remedies import ADVISORS
from senderauth.advice.returned import came_back_whole, judge_returned
from senderauth.advice.situation import Situation, situation
from senderauth.catalogue import Bounce, Fact
from senderauth.dns import Resolver
from senderauth.simulation import Receiver
from senderauth.values import Reason

# Where DNS does not tell whether a reading is right, it may tell that another one is.
LEFT_OPEN = frozenset(
    {
        "explain-not-in-dns",
        "explain-passes",
        "explain-only-hints",
        "explain-recipient-server-knows",
        "explain-sender-server-knows",
        "explain-unknown-text",
    }
)


async def prove(
    bounce: Bounce,
    facts: tuple[Fact, ...],
    resolver: Resolver | None,
    wanted: Iterable[str],
    now: int | None,
) -> Proof:
    """Whether the likeliest reading of a bounce holds now; where DNS cannot say so, whether one does that
    the same words stand for.
    """
    ids = readings(bounce)
    proof = await _prove(ids[0], bounce, facts, resolver, list(wanted), now)
    if resolver is None or proof.reason.id not in LEFT_OPEN:
        return proof
    for id in ids[1:]:
        if id in ADVISORS or id in RECIPIENT:
            other = await _prove(id, bounce, facts, resolver, list(wanted), now)
            if other.confirmation == "confirmed":
                told = {**other.reason.facts, "said": ids[0]}
                return replace(other, reason=Reason("explain-confirmed-other", told)) if ids[0] else other
    return proof


def readings(bounce: Bounce) -> tuple[str, ...]:
    """The entries that the bounce may mean, the likeliest first; that one may be "": unknown."""
    first = bounce.matches[0]
    others = (*first.may_mean, *(other.entry_id for other in bounce.matches[1:]))
    return tuple(dict.fromkeys((first.entry_id, *others)))


async def _prove(
    id: str,
    bounce: Bounce,
    facts: tuple[Fact, ...],
    resolver: Resolver | None,
    wanted: list[str],
    now: int | None,
) -> Proof:
    if not id:
        return open_proof(Reason("explain-unknown-text"))
    if id in RECIPIENT:
        return await prove_recipient(id, bounce, facts, resolver)
    asked = relevant(id, provider_of_bounce(bounce), wanted)
    if not asked:
        return await _hints(id, bounce, facts, resolver, now)
    if resolver is None:
        return open_proof(Reason("explain-offline", {"entry": id}), id)
    case = _narrowed(situation(bounce, facts), needed(asked))
    missing = tuple(sorted(case.missing))
    if set(missing) - {"address"}:
        return lacking(id, missing)
    report = await check(case.scenario, resolver, receivers=wanted, now=now)
    proof = compare(id, asked, bounce, case, report, missing)
    if case.scenario.signers:
        return await _signed(proof, asked, bounce, facts, case, resolver, wanted, now)
    return proof


async def _signed(
    sound: Proof,
    asked: tuple[Receiver, ...],
    bounce: Bounce,
    facts: tuple[Fact, ...],
    case: Situation,
    resolver: Resolver,
    wanted: list[str],
    now: int | None,
) -> Proof:
    """The proof where there are signatures: by the returned message, if it came back with its body; else
    with signatures that are sound, and with broken ones.
    """
    id, missing = sound.entry_id, sound.missing
    if sound.check is not None and sound.check.senders and came_back_whole(bounce.returned):
        address = sound.check.senders[0].address
        message = await judge_returned(bounce.returned, case.scenario, address, resolver, wanted, now)
        found = compare(id, asked, bounce, case, message, missing)
        return by_message(found, sound, message, bounce)
    if sound.confirmation == "not-reproduced":
        broken = _narrowed(situation(bounce, facts, with_signatures=False), needed(asked))
        report = await check(broken.scenario, resolver, receivers=wanted, now=now)
        without = compare(id, asked, bounce, broken, report, missing)
        if without.confirmation == "confirmed":
            return signature_broken_then(bounce, case, sound, without)
    return sound


async def _hints(
    id: str, bounce: Bounce, facts: tuple[Fact, ...], resolver: Resolver | None, now: int | None
) -> Proof:
    """A cause that no check can prove; what checks say of the host and the domain may still help."""
    entry = catalogue.entry(id)
    who = [actor for actor in entry.must_act if actor != "nobody"]
    told: dict[str, object] = {"entry": id, "who": who, "checks": list(entry.checks)}
    if not entry.checks:
        return open_proof(Reason("explain-not-in-dns" if who else "explain-passes", told), id)
    proof = open_proof(Reason("explain-only-hints", told), id)
    case = situation(bounce, facts)
    if resolver is None or case.missing & {"address", "author"}:
        return proof
    report = await check(case.scenario, resolver, now=now)
    if not report.verdicts:
        return proof
    verdict = report.verdicts[0]
    told |= {
        "address": verdict.address,
        "spf": verdict.spf.result,
        "dmarc": verdict.dmarc.result,
        "reverse": report.senders[0].reverse.state,
    }
    return replace(proof, reason=Reason("explain-hints", told), check=report, assumed=case.assumed)


def _narrowed(case: Situation, needed: set[str]) -> Situation:
    """The situation with only those doubts that matter."""
    assumed = tuple(fact for fact in case.assumed if fact.name in needed)
    return replace(case, assumed=assumed, missing=case.missing & needed)
