"""Sockets and timers of our own loop: as much of an asyncio event loop's interface as the client needs.

So the client is written once, for this and for asyncio, and programs without asyncio need not load it.
"""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from threading import Lock
from time import monotonic
from typing import Any


class Timer:
    """A call that is due at some time."""

    __slots__ = ("arguments", "call")

    def __init__(self, call: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
        self.call, self.arguments = call, arguments

    def cancel(self) -> None:
        """It will not be made."""
        self.call = None


class Reactor:
    """Waits for sockets, timers and other threads. Used by one thread; `call_soon_threadsafe` by any."""

    time = staticmethod(monotonic)

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._soon: list[Callable[[], object]] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = count()
        self._handed: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._lock = Lock()

    @property
    def busy(self) -> bool:
        """Whether anything may still happen."""
        return bool(self._timers or self._selector.get_map())

    def call_soon(self, call: Callable[[], object]) -> None:
        """Makes the call before it waits again."""
        self._soon.append(call)

    def call_at(self, when: float, call: Callable[..., object], *arguments: Any) -> Timer:
        """Makes the call once `time()` is `when`."""
        timer = Timer(call, arguments)
        heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def add_reader(self, socket: socket.socket | int, call: Callable[..., object], *arguments: Any) -> None:
        """Makes the call whenever there is something to read."""
        self._selector.register(socket, selectors.EVENT_READ, (call, arguments))

    def add_writer(self, socket: socket.socket, call: Callable[..., object], *arguments: Any) -> None:
        """Makes the call whenever the socket takes octets."""
        self._selector.register(socket, selectors.EVENT_WRITE, (call, arguments))

    def remove_reader(self, socket: socket.socket | int) -> None:
        """Forgets the socket; it is for reading or for writing, never both."""
        self._selector.unregister(socket)

    remove_writer = remove_reader

    def expect_threads(self) -> None:
        """To be called before another thread is given a reason to call `call_soon_threadsafe`."""
        if self._bell is None:
            self._bell = socket.socketpair()
            for end in self._bell:
                end.setblocking(False)
            self.add_reader(self._bell[0], self._take)

    def call_soon_threadsafe(self, call: Callable[..., object], *arguments: Any) -> None:
        """Makes the call in the reactor's thread, soon. RuntimeError if the reactor is closed."""
        with self._lock:
            if self._bell is None:
                raise RuntimeError("the reactor is closed")
            self._handed.append((call, arguments))
            with suppress(BlockingIOError):  # it rings already
                self._bell[1].send(b"\0")

    def _take(self) -> None:
        if self._bell is not None:
            self._bell[0].recv(4096)
        while self._handed:
            call, arguments = self._handed.popleft()
            call(*arguments)

    def finish_turn(self) -> None:
        """Makes the calls that were wanted soon: all steps that need no waiting are taken."""
        while self._soon:
            calls, self._soon = self._soon, []
            for call in calls:
                call()

    def poll(self) -> float:
        """Waits until something happens, and makes the calls that are due. How long it waited, in seconds."""
        timers = self._timers
        while timers and timers[0][2].call is None:
            heappop(timers)
        begun = monotonic()
        patience = max(0.0, timers[0][0] - begun) if timers else None
        events = self._selector.select(patience)
        waited = monotonic() - begun
        for key, _ in events:
            call, arguments = key.data
            call(*arguments)
        while timers and timers[0][0] <= monotonic():
            timer = heappop(timers)[2]
            if timer.call is not None:
                timer.call(*timer.arguments)
        return waited

    def close(self) -> None:
        """Frees all."""
        with self._lock:
            bell, self._bell = self._bell, None
        for end in bell or ():
            end.close()
        self._selector.close()
