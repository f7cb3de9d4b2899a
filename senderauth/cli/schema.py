"""`senderauth schema`: the JSON Schema of a kind of document."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("schema")(schema)


def schema(kind: Annotated[str, typer.Argument(help="Kind of document, e.g. check.")]) -> None:
    """Print the JSON Schema of a kind of document."""
    import json

    from senderauth.cli.main import fail
    from senderauth.report import schema as schema_of
    from senderauth.report import schema_kinds

    try:
        typer.echo(json.dumps(schema_of(kind), indent=2, ensure_ascii=False))
    except KeyError:
        fail(f"no schema {kind!r}; known are {', '.join(schema_kinds())}")
