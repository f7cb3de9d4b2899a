"""Results as JSON documents, and their schemas."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from senderauth.values import plain


def document(report: Any) -> dict[str, Any]:
    """A report as JSON knows it; "schema" comes first, ids stay ids, nothing is prose."""
    derived = {"outcome": report.outcome} if hasattr(report, "outcome") else {}
    return {"schema": report.schema, **derived, **plain(report)}


def schema_kinds() -> tuple[str, ...]:
    """The kinds of documents that have a schema."""
    folder = files("senderauth.report").joinpath("schemas")
    return tuple(
        sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))
    )


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of a kind of document. Raises KeyError for an unknown kind."""
    if kind not in schema_kinds():
        raise KeyError(kind)
    text = files("senderauth.report").joinpath("schemas", f"{kind}.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
