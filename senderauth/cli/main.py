"""The program: its commands, and what happens when one cannot go on."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup

from senderauth import __version__
from senderauth.cli.arguments import expand_files

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""What writing to standard output may end with; commands deal with files of their own."""


@contextmanager
def _output() -> Iterator[None]:
    """Where standard output may fail."""
    try:
        yield
    except BrokenPipeError:  # the reader has seen enough
        _mute(sys.stdout)
        raise typer.Exit(141) from None
    except OSError as problem:
        _mute(sys.stdout)
        fail(f"standard output: {problem.strerror}" if problem.errno in FULL else problem)


class _Commands(TyperGroup):
    """What no command expects: an output that takes no more. Typer's own exit code for that, 1, would say
    that something is refused.
    """

    def make_context(self, *args: Any, **options: Any) -> Any:
        with _output():  # --help and --version write here
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        with _output():
            return super().invoke(ctx)


app = typer.Typer(
    name="senderauth",
    cls=_Commands,
    help="Will receivers believe that this mail is from this domain, and if not, what exactly must change?",
    epilog="Exit codes: 0 nothing would be rejected, 1 something would, 2 wrong usage or unreadable input, "
    "3 DNS would not tell.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"senderauth {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Shared options."""


def fail(problem: object) -> NoReturn:
    """Ends with one line on standard error and exit code 2."""
    warn(problem)
    raise typer.Exit(2)


def warn(problem: object) -> None:
    """One line on standard error; the command goes on."""
    from senderauth.report import printable

    if isinstance(problem, OSError) and problem.strerror:  # str() begins with a number
        named = isinstance(problem.filename, str | bytes | os.PathLike)
        problem = f"{os.fsdecode(problem.filename)}: {problem.strerror}" if named else problem.strerror
    note(f"senderauth: {printable(problem, 1000)}\n")


def note(text: str) -> None:
    """Tells something on standard error. What matters goes elsewhere, so nothing ends where this is lost."""
    try:
        typer.echo(text, err=True, nl=False)
    except OSError:
        _mute(sys.stderr)


def _mute(stream: TextIO) -> None:
    """What it still holds goes nowhere, and cannot fail once more when the program ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _stand_in() -> None:
    """Standard streams that the caller has closed are there, so that no file of ours gets their numbers:
    reading or writing them fails, what is told besides is lost.
    """
    for number, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # gets the lowest number that is free
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")


def main() -> None:
    """Runs the command that the arguments name."""
    from senderauth.cli import (
        audit,
        catalogue,
        check,
        diff,
        explain,
        lint,
        message,
        receivers,
        report,
        schema,
        tape,
    )

    check.register(app)
    message.register(app)
    explain.register(app)
    audit.register(app)
    catalogue.register(app)
    report.register(app)
    diff.register(app)
    receivers.register(app)
    schema.register(app)
    lint.register(app)
    tape.register(app)
    sys.argv[1:] = expand_files(sys.argv[1:])
    _stand_in()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
