"""Answers kept as long as they are good."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

from senderauth.dns.core import Answer, Question, Resolver, prefetch

UNKNOWN_TTL = 5.0
"""Seconds for which a failure is not asked again (RFC 2308 7: at most 5 minutes)."""


class CachingResolver:
    """Keeps the answers of another resolver: for their TTL, `max_ttl` seconds at most; that something does
    not exist for as long as its SOA says (RFC 2308 5); failures for five seconds. At most `max_entries`,
    of which the ones that were not used for longest go first.

    Kept answers have `source` "cache", unless what they stand for is no network ("zone", "proposed").
    One flight per question is the drivers' affair: this is a table, nothing waits in it.
    """

    def __init__(
        self,
        over: Resolver,
        *,
        max_entries: int = 100_000,
        max_ttl: float = 3600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_entries < 1:
            raise ValueError("max_entries must be at least 1")
        self.over = over
        self._max_entries, self._max_ttl, self._clock = max_entries, max_ttl, clock
        self._kept: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()
        if hasattr(over, "prefetch"):  # else evaluators need not even work out what to announce
            self.prefetch = self._prefetch

    async def resolve(self, question: Question) -> Answer:
        """The kept answer, or the other resolver's."""
        kept = self._kept.get(question)
        if kept is not None and kept[0] > self._clock():
            with suppress(KeyError):  # another thread may have dropped it
                self._kept.move_to_end(question)
            return self._marked(question, *kept) if kept[1].source == "live" else kept[1]
        answer = await self.over.resolve(question)
        self._keep(question, answer)
        return answer

    def _marked(self, question: Question, until: float, answer: Answer) -> Answer:
        """Most answers are never used again, so only those that are get the mark."""
        answer = replace(answer, source="cache")
        self._kept[question] = until, answer
        return answer

    def _keep(self, question: Question, answer: Answer) -> None:
        seconds = UNKNOWN_TTL if answer.unknown else min(float(answer.ttl), self._max_ttl)
        if seconds <= 0:
            self._kept.pop(question, None)
            return
        self._kept[question] = self._clock() + seconds, answer
        self._kept.move_to_end(question)
        while len(self._kept) > self._max_entries:
            self._kept.popitem(last=False)

    def _prefetch(self, questions: Iterable[Question]) -> None:
        now = self._clock()
        prefetch(self.over, [q for q in questions if (kept := self._kept.get(q)) is None or kept[0] <= now])
