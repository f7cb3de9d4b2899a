"""Several processes for one audit, each with its own client and cache.

Theory of operation. Domains go to processes by their registrable domain, so that what a domain and those
below it share is asked by one of them. A worker is fed by a thread that reads the pipe into a queue; its
domains are looked at as in one process. It hands rows back as lines with the entries' numbers, and the
parent puts them in order. The parent holds at most `WINDOW` entries that are not written yet, so nothing
grows with the list. A worker whose parent is gone ends; a worker that is lost ends the run, and what is
written can be continued. Where that is safe, workers are forks, which have everything loaded; to load it
takes half a second.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Literal
from zlib import crc32

from senderauth import names
from senderauth.audit.examine import Options
from senderauth.audit.lists import List
from senderauth.audit.read import Entry
from senderauth.audit.row import Row
from senderauth.audit.run import WINDOW, Audit, NameServersGone, tune_memory
from senderauth.dns import Resolver, crowd, pause, share_rate, suspend

BATCH = 50
"""Entries that travel together; rows do, too, as many as are there."""
IDLE = 0.01
"""Seconds between two looks into an empty queue, and for which a row may wait for others to travel with."""
GONE, END, STOP = b"gone", "end", "stop"
LOST = "a worker process was lost; what is written stays, go on with --resume"


Make = tuple[Resolver, Options, int, int, int, Callable[[Row], bytes]]
"""Resolver, options, retries, size of the cache, workers, what makes a line of a row."""


class Pool:
    """As `Audit`, over several processes; rows are lines, as `finish` makes them."""

    def __init__(
        self,
        resolver: Resolver,
        options: Options,
        *,
        jobs: int,
        retries: int,
        cache_size: int,
        finish: Callable[[Row], bytes],
    ) -> None:
        self._make: Make = (resolver, options, retries, cache_size, jobs, finish)
        self._jobs = jobs
        self.stopped = False

    def stop(self) -> None:
        """No new domain is begun; those in hand are finished."""
        self.stopped = True

    def rows(self, entries: List, *, width: int = 500) -> Generator[bytes, None, None]:
        """Runs and yields in order. OSError if a process is lost."""
        can_fork = sys.platform == "linux" and threading.active_count() == 1
        context: Any = get_context("fork" if can_fork else "spawn")
        workers: list[Any] = []
        pipes: list[Connection] = []
        try:
            for _ in range(self._jobs):
                ours, theirs = context.Pipe()
                others = (*pipes, ours) if can_fork else ()
                arguments = theirs, self._make, width, others
                process = context.Process(target=_serve, args=arguments, daemon=True)
                process.start()
                theirs.close()
                workers.append(process)
                pipes.append(ours)
            yield from self._ordered(entries, list(pipes))
        finally:
            for process, pipe in zip(workers, pipes, strict=True):
                pipe.close()
                process.join(1.0)
                process.kill()

    def _ordered(self, entries: List, pipes: list[Connection]) -> Generator[bytes, None, None]:
        done: dict[int, bytes] = {}
        sent = written = 0
        open_ = list(pipes)
        while open_:
            late: list[int] = []
            while pipes and sent - written < WINDOW and not self.stopped:
                count = self._feed(entries, sent, pipes)
                sent += count
                if not count and entries.pipe and not entries.ended:
                    late = [entries.pipe.descriptor]
                if not count or sent - written > WINDOW // 2:
                    break  # results wait
            if (entries.ended or self.stopped) and pipes:
                for pipe in pipes:
                    _send(pipe, STOP if self.stopped else END)
                pipes = []
            for ready in wait([*open_, *late], timeout=1.0):
                if not isinstance(ready, Connection):
                    assert entries.pipe
                    entries.pipe.fill()
                elif self._take(ready, done):
                    open_.remove(ready)
            while written in done:
                yield done.pop(written)
                written += 1
        if written < sent and not self.stopped:
            raise OSError(LOST)

    def _feed(self, entries: List, first: int, pipes: list[Connection]) -> int:
        """Sends some entries; how many there were."""
        batches: list[list[tuple[int, Entry]]] = [[] for _ in pipes]
        found = entries.batch(BATCH * len(pipes))
        for index, entry in enumerate(found, first):
            owner = names.registrable(entry.domain) or entry.domain
            batches[crc32(owner.encode()) % len(pipes)].append((index, entry))
        for pipe, batch in zip(pipes, batches, strict=True):
            if batch:
                _send(pipe, batch)
        return len(found)

    def _take(self, pipe: Connection, done: dict[int, bytes]) -> bool:
        """What a worker has sent; whether it is through."""
        try:
            message = pipe.recv_bytes()
        except (EOFError, ConnectionError):
            raise OSError(LOST) from None
        if message == GONE:
            raise NameServersGone
        for row in message.split(b"\n")[:-1]:
            index, _, line = row.partition(b" ")
            done[int(index)] = line + b"\n"
        return not message


def _send(pipe: Connection, message: object) -> None:
    try:
        pipe.send(message)
    except ConnectionError:  # else it would pass for a reader of the output that has gone
        raise OSError(LOST) from None


# --- in the worker ---------------------------------------------------------------------------------


def _serve(pipe: Connection, make: Make, width: int, others: Iterable[Connection]) -> None:
    """The life of a worker. others: what a fork has of its parent's pipes; as long as it holds them, nobody
    is told that the parent is gone.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides what a signal means
    for other in others:
        other.close()
    tune_memory()
    resolver, options, retries, cache_size, jobs, finish = make
    share_rate(resolver, jobs)
    audit = Audit(resolver, finish, options, retries=retries, cache_size=cache_size)
    desk = _Desk(pipe)
    threading.Thread(target=desk.read, daemon=True).start()
    try:
        for _ in crowd([desk.watch(), *(desk.slot(audit.work) for _ in range(width))], width=width + 1):
            pass
        desk.hand_over()
        pipe.send_bytes(b"")
    except NameServersGone:
        desk.hand_over()
        pipe.send_bytes(GONE)
    except BrokenPipeError:  # nobody wants it any more
        os._exit(0)


class _Desk:
    """Where entries arrive and are taken by the slots."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._queue: deque[tuple[int, Entry]] = deque()
        self._idle: list[Callable[[Any], None]] = []
        self._rows: list[bytes] = []
        self._busy = 0
        self._state: Literal["open", "ended"] = "open"

    def read(self) -> None:
        """In a thread: the pipe into the queue."""
        try:
            while True:
                message = self._pipe.recv()
                if isinstance(message, str):
                    if message == STOP:
                        self._queue.clear()
                    self._state = "ended"
                    return
                self._queue.extend(message)
        except (EOFError, OSError):  # the parent is gone
            os._exit(1)

    async def watch(self) -> None:
        """Wakes slots when there is something for them, and hands over what they made."""
        while self._state == "open" or self._queue or self._busy:
            while self._idle and self._queue:
                self._idle.pop()(self._queue.popleft())
            self.hand_over()
            await pause(IDLE)
        while self._idle:
            self._idle.pop()(None)

    def hand_over(self) -> None:
        """Rows to the parent."""
        if self._rows:
            rows, self._rows = self._rows, []
            self._pipe.send_bytes(b"".join(rows))

    async def slot(self, work: Callable[[Entry], Any]) -> None:
        """One domain after another."""
        while True:
            if self._queue:
                taken = self._queue.popleft()
            elif self._state == "ended":
                return
            else:
                taken = await suspend(self._idle.append)
                if taken is None:
                    return
            index, entry = taken
            self._busy += 1
            line = await work(entry)
            self._rows.append(b"%d %b" % (index, line))
            self._busy -= 1
            if len(self._rows) >= BATCH:
                self.hand_over()
