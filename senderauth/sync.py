"""The same functions for programs without an event loop: each runs to its end and returns.

Work is driven by a small loop of our own, never by asyncio.run, so these work in notebooks and servers,
and in threads. Without a resolver the system's name servers are asked.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from functools import update_wrapper
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from senderauth import adsp, advice, catalogue, dkim, dmarc, spf
from senderauth.dns import LiveResolver, Resolver, run
from senderauth.simulation import Scenario

if TYPE_CHECKING:  # what reads bounces and messages is loaded when it is called
    from senderauth.advice import Explained, Explainer, Explanation, MessageReport, Report

if TYPE_CHECKING:
    from senderauth.audit import Row

__all__ = [
    "audit",
    "check",
    "check_draft",
    "check_host",
    "discover",
    "evaluate_adsp",
    "evaluate_dmarc",
    "explain",
    "explain_log",
    "fetch_key",
    "find_keys",
    "propose",
    "survey",
    "verify_message",
]

P = ParamSpec("P")
T = TypeVar("T")


def check(
    scenario: Scenario,
    resolver: Resolver | None = None,
    *,
    receivers: Iterable[str] | None = None,
    with_lint: bool = False,
    with_misplaced: bool = True,
    now: int | None = None,
) -> Report:
    """`senderauth.check`, finished."""
    asked = LiveResolver() if resolver is None else resolver
    checking = advice.check(
        scenario, asked, receivers=receivers, with_lint=with_lint, with_misplaced=with_misplaced, now=now
    )
    return run(checking)


def verify_message(
    message: bytes,
    resolver: Resolver | None = None,
    *,
    ip: str | None = None,
    mail_from: str | None = None,
    helo: str | None = None,
    trusted: Iterable[str] = (),
    now: float | None = None,
    receivers: Iterable[str] | None = None,
    with_second_opinion: bool = False,
    with_diagnosis: bool = True,
) -> MessageReport:
    """`senderauth.verify_message`, finished."""
    asked = LiveResolver() if resolver is None else resolver
    return run(
        advice.verify_message(
            message,
            asked,
            ip=ip,
            mail_from=mail_from,
            helo=helo,
            trusted=trusted,
            now=now,
            receivers=receivers,
            with_second_opinion=with_second_opinion,
            with_diagnosis=with_diagnosis,
        )
    )


def explain(
    data: bytes | str,
    resolver: Resolver | None = None,
    *,
    receivers: Iterable[str] | None = None,
    now: int | None = None,
    ip: str | None = None,
    mail_from: str | None = None,
    helo: str | None = None,
    author: str | None = None,
) -> Explanation:
    """`senderauth.explain`, finished. Here, too, no resolver means that nothing is asked."""
    return run(
        advice.explain(
            data,
            resolver,
            receivers=receivers,
            now=now,
            ip=ip,
            mail_from=mail_from,
            helo=helo,
            author=author,
        )
    )


def explain_log(lines: Iterable[bytes | None], explainer: Explainer) -> Iterator[Explained]:
    """The bounces, delays and refusals of a log explained as they come, some at a time as long as DNS is
    asked about them; what they are by cause, `explainer.groups()` tells at the end. None among the lines: no
    more have come for now, so those before are not kept waiting.
    """
    some: list[catalogue.Bounce] = []
    for bounce in catalogue.read_live_log(lines):
        if bounce is not None:
            some.append(bounce)
        if len(some) >= explainer.width or (some and bounce is None):
            yield from run(explainer.add(*some))
            some.clear()
    if some:
        yield from run(explainer.add(*some))


def check_draft(
    senders: Sequence[tuple[tuple[str, int], Scenario]],
    resolver: Resolver,
    *,
    places: Mapping[tuple[str, str], tuple[str, int]],
    receivers: Iterable[str] | None = None,
) -> advice.DraftReport:
    """`senderauth.advice.check_draft`, finished: all senders judged on a draft of zones."""
    return run(advice.check_draft(senders, resolver, places=places, receivers=receivers))


def propose(
    report: Report | MessageReport,
    resolver: Resolver | None = None,
    *,
    network: IPv4Network | IPv6Network | None = None,
    senders: Iterable[Scenario] = (),
    key: advice.PublicKey | None = None,
    judge: Callable[[Scenario, Resolver], Any] | None = None,
) -> tuple[advice.Proposal, ...]:
    """`senderauth.advice.propose`, finished: changes that were tried, for what a report predicts."""
    asked = LiveResolver() if resolver is None else resolver
    return run(advice.propose(report, asked, network=network, senders=senders, key=key, judge=judge))


def audit(
    domains: Iterable[str | Mapping[str, Any]],
    resolver: Resolver | None = None,
    *,
    only: Iterable[str] | None = None,
    selectors: Iterable[str] = (),
    with_lint: bool = False,
    fix: bool = False,
    senders: Iterable[Scenario] = (),
    width: int = 500,
    retries: int = 1,
    cache_size: int = 20_000,
) -> Iterator[Row]:
    """`senderauth.audit.audit` as an iterator: one row a domain, in order, as soon as it is known."""
    from senderauth.audit import PARTS, audit_rows

    return audit_rows(
        domains,
        LiveResolver() if resolver is None else resolver,
        only=PARTS if only is None else only,
        selectors=selectors,
        with_lint=with_lint,
        fix=fix,
        senders=senders,
        width=width,
        retries=retries,
        cache_size=cache_size,
    )


def _twin(
    function: Callable[Concatenate[Resolver, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Resolver | None, P], T]:
    """The function, finished; its first argument may be None for the system's name servers."""

    def finished(resolver: Resolver | None, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return run(function(LiveResolver() if resolver is None else resolver, *args, **kwargs))

    update_wrapper(finished, function)
    return finished


check_host = _twin(spf.check_host)
survey = _twin(spf.survey)
fetch_key = _twin(dkim.fetch_key)
find_keys = _twin(dkim.find_keys)
discover = _twin(dmarc.discover)
evaluate_dmarc = _twin(dmarc.evaluate)
evaluate_adsp = _twin(adsp.evaluate)
