"""The same functions for programs without an event loop: each runs to its end and returns.

Work is driven by a small loop of our own, never by asyncio.run, so these work in notebooks and servers.
"""

from __future__ import annotations

from collections.abc import Iterable

from senderauth import advice
from senderauth.advice import Report
from senderauth.dns import LiveResolver, Resolver, run
from senderauth.simulation import Scenario

__all__ = ["check"]


def check(
    scenario: Scenario,
    resolver: Resolver | None = None,
    *,
    receivers: Iterable[str] | None = None,
    with_lint: bool = False,
    now: int | None = None,
) -> Report:
    """`senderauth.check`, finished. Without a resolver the system's name servers are asked."""
    asked = LiveResolver() if resolver is None else resolver
    return run(advice.check(scenario, asked, receivers=receivers, with_lint=with_lint, now=now))
