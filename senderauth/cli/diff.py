"""`senderauth diff`: what changed between two audits."""

from __future__ import annotations

from typing import Annotated

import typer

from senderauth.cli.options import AsJson, Lang


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("diff")(diff)


def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="JSON lines of the earlier audit.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="JSON lines of the later audit.")],
    json: AsJson = False,
    lang: Lang = None,
) -> None:
    """Say what changed between two audits, newest trouble first. For cron and CI.

    Exit code 1: something got worse; 3: nothing did, but of some domains DNS would not tell; 0: neither.
    """
    from senderauth.audit import compare
    from senderauth.cli.files import Lines, one_from_stdin
    from senderauth.cli.main import fail
    from senderauth.cli.output import columns, in_colour, write, write_json
    from senderauth.report import default_language, diff_text, document, wording

    try:
        words = wording(lang or default_language())
        one_from_stdin(before, after)
        with Lines(before, words) as old, Lines(after, words) as new:
            found = compare(old.rows(), new.rows())
    except (ValueError, OSError) as problem:
        fail(problem)
    if json:
        write_json(document(found))
    else:
        write(diff_text(found, words, width=columns(), colour=in_colour()))
    raise typer.Exit(found.exit_code)
