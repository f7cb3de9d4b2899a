"""Driving an evaluation: without a loop, over our own loop, or inside the caller's asyncio program.

Theory of operation. Evaluators await nothing but `resolver.resolve` and each other. A resolver that
has its answers at hand never suspends, so `drive` runs an evaluation to its end with one `send`. A
resolver that must wait suspends with a request, a function that takes `resume`; whoever drives the
work calls it, and goes on with the work once `resume(value)` is called. `crowd` does that for many
works at a time over the sockets of one `Reactor` (loop.py, loaded when the first one is opened), `run`
for one; under asyncio the requests become futures (aio.py).

Which of them is at work is written down in a thread-local while a step is taken, not found out from
the surroundings: `run` works in a notebook, in a thread whose asyncio loop is running, and inside
another `run`. Each `crowd` has its own reactor and closes it, so threads share no sockets.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator
from functools import partial
from types import coroutine
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from senderauth.dns import calm

if TYPE_CHECKING:
    from senderauth.dns.loop import Reactor

T = TypeVar("T")
Work = Coroutine[Any, Any, T]
Resume = Callable[[Any], None]
Request = Callable[[Resume], object]


class Closable(Protocol):
    """What lives as long as one run: sockets and what waits for them."""

    def close(self) -> None:
        """Frees all; nobody is waiting any more."""
        ...


@coroutine
def suspend(request: Request) -> Generator[Request, Any, Any]:
    """Hands a request to the driver; awaiting it gives the value that `resume` was called with."""
    return (yield request)


class _Active(threading.local):
    driver: Scheduler | _Sequential | None = None


class _Sequential:
    """Stands for `drive`: nothing can wait, so everything comes one after another."""


_active = _Active()
_SEQUENTIAL = _Sequential()


def scheduler() -> Scheduler | None:
    """The scheduler that takes the present step, None if asyncio does. RuntimeError under `drive`, which
    cannot wait, and where nothing drives at all.
    """
    driver = _active.driver
    if driver.__class__ is Scheduler:
        return driver
    if driver is None and _in_asyncio():
        return None
    raise RuntimeError("this resolver must wait: give the work to run() or await it in an asyncio program")


def is_sequential() -> bool:
    """Whether `drive` takes the present step: nothing can wait."""
    return _active.driver is _SEQUENTIAL


def _in_asyncio() -> bool:
    asyncio = sys.modules.get("asyncio")  # where it is not even loaded, it does not run
    return asyncio is not None and asyncio._get_running_loop() is not None


def drive(work: Work[T]) -> T:
    """Runs work whose resolver never suspends (zone, tape). No event loop.

    Raises RuntimeError if the resolver suspends after all: such work needs `run`.
    """
    before = _active.driver
    _active.driver = _SEQUENTIAL
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        _active.driver = before
    work.close()
    raise RuntimeError("the resolver suspended; give this work to run()")


def run(work: Work[T]) -> T:
    """Runs one work to its end over our own loop, whatever its resolver; blocks until then."""
    results = _crowd(enumerate((work,)), 1)
    try:
        return next(results)[1]
    finally:
        results.close()


def crowd(works: Iterable[Work[T]], *, width: int = 500) -> Iterator[tuple[int, T]]:
    """Runs works side by side over our own loop, at most `width` at a time, and yields (index, result) as
    each is done, whatever the order. `works` is read only as far as there is room, so it may be endless.

    A question that several works ask at a time is sent once. What a work raises is raised here, and
    the others end. There are fewer at a time as long as these leave no time to wait in.
    """
    if width < 1:
        raise ValueError("width must be at least 1")
    return _crowd(enumerate(works), width)


NEAR = 80
"""Works at a time to begin with: answers from nearby come while these are at work, and more than fit into the
processor's caches cost a quarter more each."""
FAR = 0.001
"""Seconds of waiting after which there should be more works."""


def _crowd(works: Iterator[tuple[int, Work[T]]], width: int) -> Generator[tuple[int, T], None, None]:
    done: deque[tuple[int, T]] = deque()
    running = Scheduler()
    inside, more, room = 0, True, min(width, NEAR)
    calm.enter()
    try:
        while more or inside:
            with running:
                while more and inside < room and not done:
                    if following := next(works, None):
                        index, work = following
                        running.start(work, partial(_collect, done, index))
                        inside += 1
                        running.turn()
                    else:
                        more = False
                if not done and inside and running.wait() > FAR and more:
                    room = min(width, 2 * room)
            while done:
                inside -= 1
                yield done.popleft()
    finally:
        calm.leave()
        running.close()


def _collect(done: deque[tuple[int, T]], index: int, value: T) -> None:
    done.append((index, value))


class _Task(Generic[T]):
    """A work on its way, and who wants its result."""

    __slots__ = ("_ready", "finish", "work")

    def __init__(self, work: Work[T], finish: Resume, ready: deque[tuple[_Task[Any], Any]]) -> None:
        self.work, self.finish, self._ready = work, finish, ready

    def resume(self, value: Any) -> None:
        """Lets the work go on with this value at the next turn."""
        self._ready.append((self, value))


class Scheduler:
    """Takes the steps of all works of one `crowd`, and waits on its reactor when none is ready."""

    def __init__(self) -> None:
        self.tasks: dict[_Task[Any], None] = {}
        """All that are not done: works of the crowd and what `together` started."""
        self.clients: dict[object, Closable] = {}
        """What a resolver keeps for the length of this run, by resolver."""
        self._ready: deque[tuple[_Task[Any], Any]] = deque()
        self._reactor: Reactor | None = None
        self._before: Scheduler | _Sequential | None = None

    def __enter__(self) -> Scheduler:
        self._before, _active.driver = _active.driver, self
        return self

    def __exit__(self, *_: object) -> None:
        _active.driver = self._before

    @property
    def reactor(self) -> Reactor:
        """Sockets and timers, made when first wanted."""
        if self._reactor is None:
            from senderauth.dns.loop import Reactor

            self._reactor = Reactor()
        return self._reactor

    def start(self, work: Work[Any], finish: Resume) -> _Task[Any]:
        """Adds a work; its first step is taken at the next turn."""
        task = _Task(work, finish, self._ready)
        self.tasks[task] = None
        self._ready.append((task, None))
        return task

    def drop(self, task: _Task[Any]) -> None:
        """Ends a work before its time."""
        if task in self.tasks:
            del self.tasks[task]
            task.work.close()

    def turn(self) -> None:
        """Takes every step that can be taken without waiting."""
        ready, tasks = self._ready, self.tasks
        while ready:
            task, value = ready.popleft()
            if task not in tasks:  # dropped meanwhile
                continue
            try:
                request = task.work.send(value)
            except StopIteration as stop:
                del tasks[task]
                task.finish(stop.value)
            except Exception as error:  # a driver hands on whatever its work raises
                del tasks[task]
                if not isinstance(task.finish, _Share):
                    raise
                task.finish.failed(error)
            else:
                if not callable(request):
                    raise RuntimeError("the work awaits something foreign; await it in an asyncio program")
                request(task.resume)

    def wait(self) -> float:
        """Waits for sockets and timers if need be, and goes on with whom they wake. How long it waited."""
        waited = 0.0
        if self._reactor is not None:
            self._reactor.finish_turn()
        if not self._ready and self.tasks:
            if self._reactor is None or not self._reactor.busy:
                raise RuntimeError("the work waits for something that nobody will bring")
            waited = self._reactor.poll()
        self.turn()
        return waited

    def close(self) -> None:
        """Ends what is still on its way and frees the sockets."""
        with self:
            for task in list(self.tasks):
                self.drop(task)
        for client in self.clients.values():
            client.close()
        if self._reactor is not None:
            self._reactor.close()


class _Group:
    """What `together` waits for under our own loop: the shares of all works, or the first error."""

    def __init__(self, running: Scheduler, works: tuple[Work[Any], ...]) -> None:
        self.running, self.works = running, works
        self.results: list[Any] = [None] * len(works)
        self.left = len(works)
        self.error: Exception | None = None
        self.tasks: list[_Task[Any]] = []
        self.resume: Resume | None = None

    def begin(self, resume: Resume) -> None:
        """The request: every work becomes a task of its own."""
        self.resume = resume
        self.tasks = [self.running.start(work, _Share(self, i)) for i, work in enumerate(self.works)]

    def end(self) -> None:
        """Drops what still runs after an error, or when the waiting work was itself dropped. Lets go of the
        tasks, which hold the group: else only the garbage collector would find out.
        """
        tasks, self.tasks, self.resume = self.tasks, [], None
        for task in tasks:
            self.running.drop(task)


class _Share:
    """One work's share of a group, as the task's `finish`."""

    __slots__ = ("_group", "_index")

    def __init__(self, group: _Group, index: int) -> None:
        self._group, self._index = group, index

    def __call__(self, value: Any) -> None:
        group = self._group
        group.results[self._index] = value
        group.left -= 1
        if not group.left and group.resume is not None:
            group.resume(None)

    def failed(self, error: Exception) -> None:
        """The first error wakes the group at once."""
        group = self._group
        if group.error is None and group.resume is not None:
            group.error = error
            group.resume(None)


async def together(*works: Work[Any]) -> list[Any]:
    """The results of all works, in order: side by side under our own loop and under asyncio, one after
    another under `drive`. The first error is raised, and the other works end.
    """
    if not works:
        return []
    driver = _active.driver
    if isinstance(driver, Scheduler):
        group = _Group(driver, works)
        try:
            await suspend(group.begin)
        finally:
            group.end()
        if group.error is not None:
            raise group.error
        return group.results
    if driver is None and _in_asyncio():
        from senderauth.dns.aio import gather

        return await gather(works)
    return await _in_turn(works)


async def _in_turn(works: tuple[Work[Any], ...]) -> list[Any]:
    results: list[Any] = []
    try:
        for work in works:
            results.append(await work)
    finally:
        for work in works[len(results) :]:
            work.close()
    return results
