"""`senderauth catalogue`: every cause of a bounce that is known, listed, searched, or one in full."""

from __future__ import annotations

from typing import Annotated

import typer

from senderauth.cli.options import AsJson, Lang

group = typer.Typer(
    help="What servers say when they refuse mail, what it means and what to do about it.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def register(app: typer.Typer) -> None:
    """Adds the command and those below it."""
    app.add_typer(group, name="catalogue", invoke_without_command=True)


@group.callback()
def listing(context: typer.Context, lang: Lang = None, json: AsJson = False) -> None:
    """List all causes by family; `search WORDS` finds some, `show ID` tells all of one."""
    context.obj = (lang, json)
    if context.invoked_subcommand is None:
        _list(None, lang, json)


@group.command("search")
def search(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(help="Words that the entry or its messages hold.")],
    lang: Lang = None,
    json: AsJson = False,
) -> None:
    """Find causes by words of their ids, titles, explanations and messages."""
    before = context.obj
    _list(words, lang or before[0], json or before[1])


@group.command("show")
def show(
    context: typer.Context,
    id: Annotated[str, typer.Argument(help="Id of an entry or a message.")],
    lang: Lang = None,
    json: AsJson = False,
) -> None:
    """Tell all of one cause: who says what, who must act, the remedy, the sources."""
    from senderauth.cli.main import fail
    from senderauth.cli.output import columns, in_colour, write, write_json
    from senderauth.report import default_language, entry_document, entry_text, nearest_entries, wording

    before = context.obj
    try:
        spoken = wording(lang or before[0] or default_language())
    except ValueError as problem:
        fail(problem)
    try:
        if json or before[1]:
            write_json(entry_document(id))
        else:
            write(entry_text(id, spoken, width=columns(), colour=in_colour()))
    except KeyError:
        near = nearest_entries(id)
        fail(f"no entry {id!r}" + (f"; nearest are {', '.join(near)}" if near else ""))


def _list(searched: list[str] | None, lang: str | None, json: bool) -> None:
    from senderauth.cli.main import fail
    from senderauth.cli.output import columns, in_colour, write, write_json
    from senderauth.report import (
        catalogue_document,
        catalogue_text,
        default_language,
        find_entries,
        wording,
    )

    try:
        spoken = wording(lang or default_language())
    except ValueError as problem:
        fail(problem)
    ids = None if searched is None else find_entries(searched, spoken)
    if json:
        write_json(catalogue_document(ids))
    else:
        text = catalogue_text(ids, searched or (), spoken, width=columns(), colour=in_colour())
        write(text)
