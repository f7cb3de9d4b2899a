"""The program: its commands, and what happens when one cannot go on."""

from __future__ import annotations

import errno
import os
import sys
from typing import Annotated, NoReturn

import typer

from senderauth import __version__
from senderauth.cli.arguments import expand_files

app = typer.Typer(
    name="senderauth",
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

    if isinstance(problem, OSError) and isinstance(problem.filename, str | bytes | os.PathLike):
        problem = f"{os.fsdecode(problem.filename)}: {problem.strerror}"  # str() begins with a number
    typer.echo(f"senderauth: {printable(problem, 1000)}", err=True)


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
    try:
        app()
    except BrokenPipeError:  # the reader has seen enough
        _write_no_more()
        sys.exit(141)
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise
        _write_no_more()
        warn(f"standard output: {problem.strerror}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _write_no_more() -> None:
    """What is left in the buffer goes nowhere, instead of failing once more at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
