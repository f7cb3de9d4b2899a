"""`senderauth report`: an audit as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from senderauth.cli.options import Lang


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("report")(report)


def report(
    audit: Annotated[str, typer.Argument(metavar="AUDIT", help="JSON lines of an audit.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="The HTML file.")],
    previous: Annotated[
        str | None, typer.Option(metavar="FILE", help="An earlier audit: show what got better or worse.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the page. Default: the file's name.")] = None,
    lang: Lang = None,
) -> None:
    """Make one HTML file of an audit: plots, and a table that sorts, filters and opens. It needs no network.

    senderauth report audit.jsonl -o audit.html --previous last-week.jsonl
    """
    from pathlib import Path

    from senderauth.audit import Summary, compare, load_rows
    from senderauth.cli.main import fail
    from senderauth.report import audit_page, default_language, wording

    def rows(name: str = audit) -> Iterator[dict[str, Any]]:
        with open(name, "rb") as file:
            yield from load_rows(file, name)

    draft = Path(f"{output}.part")
    try:
        words = wording(lang or default_language())
        summary = Summary()
        for row in rows():
            summary.add(row)
        changed = compare(rows(previous), rows()) if previous is not None else None
        counts = summary.document(complete=True, seconds=0)
        page = audit_page(rows, counts, words, title=title or Path(audit).name, comparison=changed)
        with draft.open("w", encoding="utf-8") as file:
            file.writelines(page)
        draft.replace(output)
    except OSError as problem:
        fail(f"{problem.filename or output}: {problem.strerror}")
    except ValueError as problem:
        fail(problem)
    finally:
        draft.unlink(missing_ok=True)
