"""Records that many domains include, worked out once a minute for all of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from senderauth.spf import Branch

LIFE = 60.0
"""Seconds. The answers behind a branch may be older than their TTL by so much."""


class KeptBranches:
    """The branches used last, at most `size` of them."""

    def __init__(self, size: int = 2_000, clock: Callable[[], float] = monotonic) -> None:
        self._size, self._clock = size, clock
        self._kept: OrderedDict[str, tuple[float, Branch]] = OrderedDict()

    def get(self, domain: str) -> Branch | None:
        """The branch, while it is fresh."""
        kept = self._kept.get(domain)
        if kept is None or kept[0] < self._clock():
            return None
        self._kept.move_to_end(domain)
        return kept[1]

    def put(self, domain: str, branch: Branch) -> None:
        """Keeps it for a minute."""
        self._kept[domain] = self._clock() + LIFE, branch
        self._kept.move_to_end(domain)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)
