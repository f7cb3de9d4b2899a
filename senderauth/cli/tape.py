"""`senderauth record` and `senderauth replay`: any command, with its DNS answers kept in a file or taken
from it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from senderauth.cli.arguments import TAPE, TAPE_TIME

if TYPE_CHECKING:
    from senderauth.dns import Answer, Question, RecordingResolver, Resolver

List = list[str]
File = Annotated[str, typer.Argument(metavar="FILE", help="The tape: readable JSON lines.")]
Command = Annotated[
    List, typer.Argument(metavar="COMMAND …", help="A command of senderauth with its options.")
]
PASSED_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}
MAX_TOLD = 5
MANY_PROCESSES = ("--jobs", "-j", "--dask")
"""Options, as they begin."""
WRAPPERS = ("record", "replay")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("record", context_settings=PASSED_ON)(record)
    app.command("replay", context_settings=PASSED_ON)(replay)


def record(file: File, command: Command) -> None:
    """Run a command and keep every DNS answer it got, failures too, in a file.

    senderauth record case.tape check example.com --host mail.example.com
    """
    from datetime import UTC, datetime

    from senderauth.cli.main import fail
    from senderauth.dns import RecordingResolver

    started = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    try:
        with open(file, "x", encoding="utf-8"):  # a case that was kept is not overwritten
            pass
    except OSError as problem:
        fail(f"{file}: {(problem.strerror or 'cannot be written').lower()}")
    heard: list[RecordingResolver] = []

    def recorded(asked: Callable[[], Resolver]) -> Resolver:
        heard.append(RecordingResolver(over=asked()))
        return heard[-1]

    try:
        _run(command, recorded, started)
    finally:
        if heard:  # a command makes itself one resolver
            heard[0].save(file, recorded_at=started)
        else:  # it asked for none: wrong usage
            os.unlink(file)


def replay(file: File, command: Command) -> None:
    """Run a command on the DNS answers of a tape and no others: what is not on it is unknown now. The report
    is the same, but that JSON documents name the tape as the source of answers.

    senderauth replay case.tape check example.com --host mail.example.com
    """
    from senderauth.cli.main import fail

    try:
        taped = Taped(file)
    except ValueError as problem:
        fail(problem)
    try:
        _run(command, lambda _: taped, taped.recorded_at)
    finally:
        taped.tell()


class Taped:
    """A tape that remembers what it was asked in vain."""

    def __init__(self, path: str) -> None:
        from senderauth.dns import ReplayResolver

        self._tape = ReplayResolver(path)
        self.recorded_at = self._tape.recorded_at
        self._missed: dict[Question, None] = {}

    async def resolve(self, question: Question) -> Answer:
        """The answer as it was recorded."""
        answer = await self._tape.resolve(question)
        if answer.note == "not-on-tape":
            self._missed[question] = None
        return answer

    def tell(self) -> None:
        """Says on standard error what is not on the tape."""
        from senderauth.cli.main import warn

        names = [f"{question.name} {question.rdtype}" for question in self._missed]
        if names:
            more = f" and {len(names) - MAX_TOLD} more" if len(names) > MAX_TOLD else ""
            told = ", ".join(names[:MAX_TOLD])
            warn(f"not on the tape, so unknown now: {told}{more}")


def _run(command: list[str], wrap: Callable[[Callable[[], Resolver]], Resolver], when: str) -> None:
    """The rest of the line as a command of its own. Ends as that does."""
    from senderauth.cli.main import app, fail

    if command[0] in WRAPPERS:
        fail("a tape within a tape")
    if command[0] == "audit" and any(word.startswith(MANY_PROCESSES) for word in command):
        fail("a tape holds the answers of one process: leave --jobs and --dask out")
    before, time_before = TAPE.set(wrap), TAPE_TIME.set(when)
    try:
        app(args=command, prog_name="senderauth")
    finally:
        sys.stdout.flush()
        TAPE.reset(before)
        TAPE_TIME.reset(time_before)
