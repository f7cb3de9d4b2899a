"""Results as JSON documents, and their schemas."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from senderauth.values import plain


def document(report: Any) -> dict[str, Any]:
    """The report of a check, a draft or a comparison as JSON knows it; "schema" comes first, ids stay ids,
    nothing is prose. Messages, bounces and proposals have functions of their own beside this one, rows of an
    audit `senderauth.audit.document`.
    """
    derived = {"outcome": report.outcome} if hasattr(report, "outcome") else {}
    whole = {"schema": report.schema, **derived, **plain(report)}
    for verdict in whole.get("verdicts", ()):
        for signature in verdict["dkim"]:
            _shorten(signature)
    for signature in whole.get("signatures", ()):
        _shorten(signature)
    return whole


def _shorten(signature: dict[str, Any]) -> None:
    """Without what stands in the key's record anyway."""
    for name in ("octets", "candidates"):
        (signature.get("key") or {}).pop(name, None)


def message_document(report: Any, name: str = "") -> dict[str, Any]:
    """A report on a message; `name` says which. The signature fields themselves stand in the message."""
    whole = document(report)
    whole["signatures"] = [{**one.pop("result"), **one} for one in whole["signatures"]]
    for one in whole["signatures"]:
        del one["signature"]
        _shorten(one)
    return {"schema": whole.pop("schema"), **({"name": name} if name else {}), **whole}


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
