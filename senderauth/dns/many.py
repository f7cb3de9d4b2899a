"""Several questions at a time, and waiting: what a crowd of works needs beside `together`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from senderauth.dns.core import Answer, Question, Resolver
from senderauth.dns.drive import Resume, is_sequential, scheduler, suspend, together

if TYPE_CHECKING:
    from senderauth.dns.client import Client
    from senderauth.dns.loop import Timer


async def resolve_all(resolver: Resolver, questions: Iterable[Question]) -> list[Answer]:
    """The answers in order, asked side by side where the driver can. A resolver may do it in its own way
    (`resolve_all`): a task for each question costs as much as the question.
    """
    own = getattr(resolver, "resolve_all", None)
    if own is not None:
        return await own(questions)  # type: ignore[no-any-return]
    if is_sequential():
        return [await resolver.resolve(question) for question in questions]
    return await together(*(resolver.resolve(question) for question in questions))


async def pause(seconds: float) -> None:
    """Lets time pass. Under `drive`, where nothing can wait, none passes."""
    if is_sequential():
        return
    running = scheduler()
    if running is None:
        from senderauth.dns.aio import sleep

        await sleep(seconds)
        return
    reactor = running.reactor

    def begin(resume: Resume) -> None:
        reactor.call_at(reactor.time() + seconds, resume, None)

    await suspend(begin)


async def readable(descriptor: int, seconds: float) -> bool:
    """Waits until there is something to read, so many seconds at most; whether there is. Over our own loop
    only, RuntimeError elsewhere; one at a time may wait for a descriptor.
    """
    running = scheduler()
    if running is None:
        raise RuntimeError("under asyncio its own loop watches descriptors")
    reactor = running.reactor
    watch: list[Timer] = []

    def unwatch() -> None:
        if watch:
            watch.pop().cancel()
            reactor.remove_reader(descriptor)

    def begin(resume: Resume) -> None:
        def wake(value: bool) -> None:
            unwatch()  # at once: both may be due in one round
            resume(value)

        reactor.add_reader(descriptor, wake, True)
        watch.append(reactor.call_at(reactor.time() + seconds, wake, False))

    try:
        return await suspend(begin)  # type: ignore[no-any-return]
    finally:
        unwatch()


class Flights:
    """Waits for the last of several flights of one client."""

    def __init__(self, client: Client, questions: Iterable[Question]) -> None:
        self.answers: list[Any] = []
        self.left = 0
        self._resume: Callable[[Any], None] | None = None
        for index, question in enumerate(questions):
            flight = client.ask(question)
            self.answers.append(flight)
            if not isinstance(flight, Answer):
                self.left += 1
                flight.waiters.append(partial(self._land, index))  # at once: the next one may end it

    def begin(self, resume: Resume) -> None:
        """The request for `suspend`, where any are left."""
        self._resume = resume

    def _land(self, index: int, answer: Answer) -> None:
        self.answers[index] = answer
        self.left -= 1
        if not self.left and self._resume is not None:
            self._resume(None)
