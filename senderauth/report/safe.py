"""Making foreign text fit to print: what came from DNS, from a message or from the caller."""

from __future__ import annotations

import json

from senderauth.values import harmless

MAX_SHOWN = 400


def printable(text: object, limit: int = MAX_SHOWN) -> str:
    """The text with everything that a terminal would act on written out: control characters, escape
    sequences, line ends, marks that turn the direction of writing. Longer texts are cut, and say so.
    """
    given = str(text)
    shown = given if given.isascii() and given.isprintable() else "".join(map(_visible, given[: 2 * limit]))
    if len(shown) > limit:
        return f"{shown[:limit]}… ({len(given):,})"
    return shown


def _visible(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65_536 else f"\\U{code:08x}"


def json_text(document: object, indent: int | None = 2, *, ascii_only: bool = False) -> str:
    """A JSON document that a terminal shows and does not obey: it says the same, its strings with escapes."""
    return harmless(json.dumps(document, ensure_ascii=ascii_only, indent=indent))
