"""`senderauth receivers`: whose policies are known, and from where."""

from __future__ import annotations

from typing import Annotated

import typer

from senderauth.cli.options import Lang


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("receivers")(receivers)


def receivers(
    lang: Lang = None,
    json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """List the receivers whose answers are predicted, with the source of each policy."""
    from senderauth.cli.main import fail
    from senderauth.cli.output import columns
    from senderauth.report import default_language, receivers_document, receivers_text, wording
    from senderauth.simulation import receivers as known

    try:
        words = wording(lang or default_language())
    except ValueError as problem:
        fail(problem)
    if json:
        typer.echo(receivers_document(known().values()))
    else:
        typer.echo(receivers_text(known().values(), words, columns()), nl=False)
