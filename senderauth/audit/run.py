"""Running an audit: hundreds of domains in flight, rows in the order of the input.

Theory of operation. Every entry is one work; a crowd of them shares one client and one cache. What is done
waits until all before it are done, so a slow domain holds rows back; at most `WINDOW` of them are held (as
finished lines, a few kB each), then no new domain is begun. Where the list may keep its next line back,
each work begins with taking an entry, one after another, while the others go on. A domain that DNS left
unknown is asked again after a while, only what was unknown, as long as the window is not half full. Where
many domains in a row miss answers, and a question that every name server answers somehow gets none either,
they are gone: everything waits with growing pauses, and after `PATIENCE` seconds the run ends, with all
finished rows handed out.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from time import monotonic
from typing import Any, Generic, TypeVar

from senderauth.audit.asks import Asks, Remembered
from senderauth.audit.branches import KeptBranches
from senderauth.audit.examine import PARTS, Options, by_organization, chosen_parts, examine
from senderauth.audit.lists import List
from senderauth.audit.read import Entry, from_domains
from senderauth.audit.row import Row
from senderauth.dns import CachingResolver, Question, Resolver, Status, crowd, pause, readable, suspend
from senderauth.simulation import Scenario

T = TypeVar("T")
Domains = Iterable[str | Mapping[str, Any] | Entry]

WINDOW = 10_000
"""Rows that may wait for a slower one before them."""
WAIT = 1.0
"""Seconds before what was unknown is asked again; doubled each time."""
DEAF = 50
"""Domains in a row with questions that got no answer: then it may not be the domains."""
PROBE = Question("com", "NS")
"""Whoever serves DNS has something to say to this, and be it a refusal. A list may hold thousands of dead
domains in a row, so silence about these alone proves nothing."""
PATIENCE = 120.0
"""Seconds for which name servers may be gone."""
MAX_WAIT = 15.0
LOOK = 0.25
"""Seconds after which who waits for the list looks whether the run is stopped."""
CACHE_SIZE = 20_000


def tune_memory() -> None:
    """For a process that does nothing else: rows leave next to no cycles, so nobody need look for them every
    700 objects, and what is loaded stays. A tenth of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


class NameServersGone(Exception):  # noqa: N818 - what happened, as the user is told
    """No name server has answered for `PATIENCE` seconds, or none answers and the run was stopped."""


_END: Any = object()
"""What a work gives for which there is no entry."""


class _Turn:
    """Who may take an entry: in the order in which they came."""

    def __init__(self) -> None:
        self._taken = False
        self._behind: deque[Callable[[Any], None]] = deque()

    async def take(self) -> None:
        if self._taken:
            await suspend(self._behind.append)
        self._taken = True

    def give(self) -> None:
        if self._behind:
            self._behind.popleft()(None)
        else:
            self._taken = False


class Audit(Generic[T]):
    """One run. `finish` turns a row into what is handed out; rows that wait are kept in that form."""

    def __init__(
        self,
        resolver: Resolver,
        finish: Callable[[Row], T],
        options: Options | None = None,
        *,
        retries: int = 1,
        cache_size: int = CACHE_SIZE,
    ) -> None:
        self._network = resolver
        self._shared = CachingResolver(over=resolver, max_entries=cache_size)
        self._finish, self._options, self._retries = finish, options or Options(), retries
        self._branches = KeptBranches()
        self._waiting: list[Callable[[Any], None]] = []
        self._handed_out = 0
        self._silent = 0
        """Domains in a row of which something was not answered."""
        self._gone = False
        self.on_silence: Callable[[], object] = lambda: None
        """Called when no name server answers any more, and everything waits."""
        self.stopped = False

    def stop(self) -> None:
        """No new domain is begun; those in hand are finished."""
        self.stopped = True

    def rows(self, entries: Iterable[Entry], *, width: int = 500) -> Generator[T, None, None]:
        """Runs over our own loop and yields in order."""
        done: dict[int, T] = {}
        self._handed_out = 0
        if isinstance(entries, List) and entries.pipe is not None:
            works: Iterator[Any] = self._late_works(entries)
        else:
            works = self._works(entries)
        for index, result in crowd(works, width=width):
            if result is _END:
                continue
            done[index] = result
            while self._handed_out in done:
                ready = done.pop(self._handed_out)
                self._handed_out += 1
                if self._waiting:
                    self._go_on()
                yield ready

    def _works(self, entries: Iterable[Entry]) -> Iterator[Any]:
        for index, entry in enumerate(entries):
            if self.stopped:
                return
            yield self._work(index, entry)

    def _late_works(self, entries: List) -> Iterator[Any]:
        turn = _Turn()
        for index in count():
            if self.stopped or entries.ended:
                return
            yield self._late_work(index, entries, turn)

    async def _late_work(self, index: int, entries: List, turn: _Turn) -> Any:
        await turn.take()
        try:
            entry = await self._next(entries)
        finally:
            turn.give()
        return _END if entry is None else await self._work(index, entry)

    async def _next(self, entries: List) -> Entry | None:
        """The next entry, None if there will be none."""
        assert entries.pipe is not None
        while not (self.stopped or entries.ended):
            if found := entries.batch(1):
                return found[0]
            if not entries.pipe.ready and await readable(entries.pipe.descriptor, LOOK):
                entries.pipe.fill()
        return None

    def _go_on(self) -> None:
        waiting, self._waiting = self._waiting, []
        for resume in waiting:
            resume(None)

    async def _work(self, index: int, entry: Entry) -> T:
        while index - self._handed_out >= WINDOW:
            await suspend(self._waiting.append)
        return await self.work(entry, index)

    async def work(self, entry: Entry, index: int = 0) -> T:
        """One entry, finished."""
        begun = monotonic()
        row, asks = await self._examined(index, entry)
        if self._options.with_fix:
            from senderauth.audit.fix import with_fix

            row = await with_fix(row, entry, asks, self._options, self._branches)
        if self._options.with_timing:
            row = replace(row, elapsed=round(monotonic() - begun, 3))
        return self._finish(row)

    async def _examined(self, index: int, entry: Entry) -> tuple[Row, Asks]:
        """The row, what was unknown asked again where there is time; and what it was told."""
        fix = self._options.with_fix
        asks = Asks(entry.domain, self._network, Remembered(self._shared) if fix else self._shared)
        row = await examine(entry, asks, self._options, self._branches)
        left, wait, waited = self._retries, WAIT, 0.0
        while asks.unknown:
            self._silent = self._silent + 1 if _has_silence(asks) else 0
            gone = self._silent >= DEAF and await self._nobody_answers()
            if gone and (waited >= PATIENCE or self.stopped):
                raise NameServersGone
            if not gone and (left <= 0 or index - self._handed_out > WINDOW // 2):
                return row, asks
            left -= not gone
            await (self._hold(wait) if gone else pause(wait))
            waited, wait = waited + wait, min(2 * wait, MAX_WAIT)
            asks = asks.again(Remembered(self._network) if fix else self._network)
            row = await examine(entry, asks, self._options, self._branches)
        self._silent = 0
        return row, asks

    async def _nobody_answers(self) -> bool:
        if (await self._network.resolve(PROBE)).status is Status.TIMEOUT:
            if not self._gone:
                self._gone = True
                self.on_silence()
            return True
        self._silent, self._gone = 0, False
        return False

    async def _hold(self, seconds: float) -> None:
        """As `pause`; who ends the run need not wait for it."""
        until = monotonic() + seconds
        while not self.stopped and (left := until - monotonic()) > 0:
            await pause(min(left, LOOK))


def _has_silence(asks: Asks) -> bool:
    """Whether name servers kept any question back; zones and tapes hold nothing that could still come."""
    sources = {answer.source for answer in asks.unknown.values() if answer.status is Status.TIMEOUT}
    return bool(sources) and sources <= {"live", "cache"}


def audit_rows(
    domains: Domains,
    resolver: Resolver,
    *,
    only: Iterable[str] = PARTS,
    selectors: Iterable[str] = (),
    with_lint: bool = False,
    fix: bool = False,
    senders: Iterable[Scenario] = (),
    width: int = 500,
    retries: int = 1,
    cache_size: int = CACHE_SIZE,
) -> Iterator[Row]:
    """As `audit`, over our own loop."""
    options = _options(only, selectors, with_lint, fix, senders)
    run = Audit(resolver, _same, options, retries=retries, cache_size=cache_size)
    return run.rows(from_domains(domains), width=width)


async def audit(
    domains: Domains,
    resolver: Resolver,
    *,
    only: Iterable[str] = PARTS,
    selectors: Iterable[str] = (),
    with_lint: bool = False,
    fix: bool = False,
    senders: Iterable[Scenario] = (),
    width: int = 500,
    retries: int = 1,
    cache_size: int = CACHE_SIZE,
) -> AsyncIterator[Row]:
    """One row a domain, in order, as soon as it and all before it are known; for programs with asyncio.

    domains: names, or mappings with "domain" and what else is known of its mail (host, mail_from, helo,
    signers, selectors); read as far as there is room, so it may be endless. What is none becomes a row
    "bad-input". only: the parts of a row that are wanted (`PARTS`), ValueError for others; what they do not
    need is not asked. selectors: DKIM selectors to ask of every domain. fix: rows propose changes, each
    tried; senders: sends that none of them may make worse. width: domains in flight. retries: how often
    what DNS left unknown is asked again. cache_size: answers kept of names that domains share.
    """
    import asyncio

    options = _options(only, selectors, with_lint, fix, senders)
    run = Audit(resolver, _same, options, retries=retries, cache_size=cache_size)
    works = run._works(from_domains(domains))
    tasks: list[asyncio.Task[Row]] = []
    try:
        while True:
            while len(tasks) < width and (work := next(works, None)) is not None:
                tasks.append(asyncio.ensure_future(work))
            if not tasks:
                return
            row = await tasks[0]
            del tasks[0]
            run._handed_out += 1
            yield row
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _options(
    only: Iterable[str], selectors: Iterable[str], with_lint: bool, fix: bool, senders: Iterable[Scenario]
) -> Options:
    if isinstance(only, str) or isinstance(selectors, str):
        raise TypeError("only and selectors are lists of texts, not one text")
    parts = chosen_parts(",".join(only), with_fix=fix)
    return Options(tuple(selectors), with_lint, False, parts, fix, by_organization(senders))


def _same(row: Row) -> Row:
    return row
