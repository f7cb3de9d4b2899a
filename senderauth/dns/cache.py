"""Answers kept as long as they are good."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from senderauth.dns.core import Answer, Key, Question, Resolver, prefetch, with_source
from senderauth.dns.many import resolve_all

UNKNOWN_TTL = 5.0
"""Seconds for which a failure is not asked again (RFC 2308 7: at most 5 minutes)."""
_NEVER = (0.0,)


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
        self._kept: OrderedDict[Key, tuple[float, Answer]] = OrderedDict()
        if hasattr(over, "prefetch"):  # else evaluators need not even work out what to announce
            self.prefetch = self._prefetch

    async def resolve(self, question: Question) -> Answer:
        """The kept answer, or the other resolver's."""
        key = question.name, question.rdtype
        kept = self._kept.get(key)
        if kept is not None and kept[0] > self._clock():
            try:  # noqa: SIM105 - suppress() costs as much as all the rest
                self._kept.move_to_end(key)
            except KeyError:
                pass
            return self._marked(key, *kept) if kept[1].source == "live" else kept[1]
        answer = await self.over.resolve(question)
        self._keep(key, answer)
        return answer

    async def resolve_all(self, questions: Iterable[Question]) -> list[Answer]:
        """The answers in order; what is not kept is asked side by side."""
        kept, now = self._kept, self._clock()
        asked = list(questions)
        missing = [q for q in asked if kept.get((q.name, q.rdtype), _NEVER)[0] <= now]
        fresh: dict[Key, Any] = {}
        if missing:
            for question, answer in zip(missing, await resolve_all(self.over, missing), strict=True):
                key = question.name, question.rdtype
                fresh[key] = answer
                self._keep(key, answer)
        return [fresh.get((q.name, q.rdtype)) or await self.resolve(q) for q in asked]

    def _marked(self, key: Key, until: float, answer: Answer) -> Answer:
        """Most answers are never used again, so only those that are get the mark."""
        answer = with_source(answer, "cache")
        self._kept[key] = until, answer
        return answer

    def _keep(self, key: Key, answer: Answer) -> None:
        kept = self._kept
        seconds = UNKNOWN_TTL if answer.unknown else min(answer.ttl, self._max_ttl)
        if seconds <= 0:
            kept.pop(key, None)
            return
        if key in kept:
            kept.pop(key, None)  # to the end
        kept[key] = self._clock() + seconds, answer
        if len(kept) > self._max_entries:
            with suppress(KeyError):
                kept.popitem(last=False)

    def _prefetch(self, questions: Iterable[Question]) -> None:
        now = self._clock()
        kept = self._kept
        fresh = (q for q in questions if kept.get((q.name, q.rdtype), _NEVER)[0] <= now)
        prefetch(self.over, list(fresh))
