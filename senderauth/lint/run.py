"""Running the guest: checkdmarc's SPF and DMARC checks over any resolver of ours.

Theory of operation. checkdmarc is synchronous and asks DNS in the middle of its work; our resolvers are
awaited. So the guest is run on the answers that are there. At the first question without one it is
stopped by an exception that it cannot catch, the question is awaited, and it is run again from the
start. That costs a run per question, a few milliseconds each, and needs neither threads nor a loop, so
lint works under every driver, on zones, tapes and overlays alike.

What the guest gets wrong is met where it does: its DNS in `guest.py`, its claims in `table.py`.
"""

from __future__ import annotations

from senderauth import names
from senderauth.dns import Answer, Question, Resolver, prefetch, together
from senderauth.lint.guest import Missing, Protocol, check
from senderauth.lint.table import findings_of, plain_text
from senderauth.values import Finding

MAX_ROUNDS = 60
"""Questions for one protocol. Include trees that need more are told of by our own survey."""

NEXT = {"A": "AAAA", "TXT": "CNAME"}
"""What the guest asks of a name after it has asked this."""


async def lint(resolver: Resolver, domain: str) -> tuple[Finding, ...]:
    """checkdmarc's opinion of the domain's SPF and DMARC records; empty for what is no domain name.

    Every finding has `source="checkdmarc"`, most have the guest's own words as evidence `message`. They
    are a second opinion on records, not a verdict: checkdmarc knows neither a host nor a message.
    """
    name = names.normalise(domain)
    if name is None:
        return ()
    answers: dict[Question, Answer] = {}
    prefetch(resolver, [Question(name, "TXT"), Question(f"_dmarc.{name}", "TXT")])
    found: list[tuple[Finding, ...]] = await together(
        _protocol(resolver, name, "spf", answers), _protocol(resolver, name, "dmarc", answers)
    )
    distinct = {(each.id, repr(each.evidence)): each for part in found for each in part}
    return tuple(distinct.values())


async def _protocol(
    resolver: Resolver, domain: str, protocol: Protocol, answers: dict[Question, Answer]
) -> tuple[Finding, ...]:
    """One protocol's findings, the guest run anew with each answer."""
    facts: dict[str, object] = {"protocol": protocol.upper()}
    for _ in range(MAX_ROUNDS):
        try:
            said = check(protocol, domain, answers)
        except Missing as missing:
            if missing.question.rdtype in NEXT:
                prefetch(resolver, [Question(missing.question.name, NEXT[missing.question.rdtype])])
            answers[missing.question] = await resolver.resolve(missing.question)
        except Exception as error:
            # Broad on purpose: on hostile records the guest and its own guests (a grammar, dnspython, IDNA)
            # raise what they like, and a second opinion that fails must not take the first one with it.
            message = plain_text(f"{type(error).__name__}: {error}")
            return (
                Finding("lint-failed", "info", domain, {**facts, "message": message}, source="checkdmarc"),
            )
        else:
            return findings_of(protocol, domain, said)
    facts["questions"] = MAX_ROUNDS
    return (Finding("lint-unfinished", "info", domain, facts, source="checkdmarc"),)
