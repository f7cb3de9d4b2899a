"""`senderauth report`: an audit as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer

from senderauth.cli.options import Lang


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("report")(report)


def report(
    audit: Annotated[
        str, typer.Argument(metavar="AUDIT", help='JSON lines of an audit; "-": standard input.')
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help='The file to write; "-": standard output.')
    ],
    previous: Annotated[
        str | None, typer.Option(metavar="FILE", help="An earlier audit: show what got better or worse.")
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="FORM",
            help="Instead: what audit --fix proposed, as zone, nsupdate, json, panel.",
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the page. Default: the file's name.")] = None,
    lang: Lang = None,
) -> None:
    """Make one HTML file of an audit: plots, and a table that sorts, filters and opens. It needs no network.

    senderauth report audit.jsonl -o audit.html --previous last-week.jsonl

    senderauth report audit.jsonl -o changes.nsupdate --as nsupdate
    """
    from pathlib import Path

    from senderauth.audit import Summary, compare
    from senderauth.cli.files import Lines, one_from_stdin, same_file, write_whole
    from senderauth.cli.main import fail
    from senderauth.report import audit_page, default_language, handover_rows, wording

    summary = Summary()
    try:
        words = wording(lang or default_language())
        one_from_stdin(audit, previous)
        if output != "-" and any(same_file(output, given) for given in (audit, previous) if given):
            raise ValueError(f"{output} would be overwritten by its own report")
        if form is not None and (previous or title):
            raise ValueError("--as writes changes: it has no use beside --previous or --title")
        with Lines(audit, words) as file:
            if form is not None:
                write_whole(output, handover_rows(file.rows(), form, words))
                return
            for row in file.rows():
                summary.add(row)

            def rows() -> Iterator[dict[str, Any]]:
                """Of an audit that still grows, as many as were counted."""
                return islice(file.rows(), summary.rows)

            changed = None
            if previous is not None:
                with Lines(previous, words) as earlier:
                    changed = compare(earlier.rows(), rows())
            counts = summary.document(complete=True, seconds=0)
            name = title or words.say("page", "title", {"name": Path(audit).name})
            write_whole(output, audit_page(rows, counts, words, title=name, comparison=changed))
    except BrokenPipeError:
        raise
    except OSError as problem:
        fail(f"{problem.filename or output}: {problem.strerror}")
    except ValueError as problem:
        fail(problem)
