"""Writing a result to standard output."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO


def show(
    report: Any,
    as_json: bool,
    lang: str | None,
    verbose: int,
    quiet: bool,
    what_if: Any = None,
    proposals: Any = None,
) -> None:
    """The report in the form and language that was asked for, with what came before the changes that were
    only supposed, and with proposals. Raises ValueError for an unknown language.
    """
    from senderauth.report import (
        check_text,
        default_language,
        document,
        proposals_document,
        proposals_text,
        what_if_document,
        what_if_text,
        wording,
    )

    if as_json:
        whole = document(report)
        if what_if is not None:
            whole["what_if"] = what_if_document(what_if)
        if proposals is not None:
            whole["proposals"] = proposals_document(proposals)["proposals"]
        write_json(whole)
    else:
        words = wording(lang or default_language())
        colour = in_colour()
        text = check_text(report, words, width=columns(), colour=colour, verbose=verbose, quiet=quiet)
        if what_if is not None:
            text = what_if_text(what_if, words, width=columns(), colour=colour) + text
        if proposals is not None:
            text += proposals_text(proposals, words, width=columns(), colour=colour)
        write(text)
    sys.stdout.flush()


def write(text: str) -> None:
    """Writes a text; what the terminal's encoding cannot say is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def write_json(document: Any, indent: int | None = 2) -> None:
    """Writes a JSON document; without indent on a line of its own."""
    from senderauth.report import json_text

    encoding = (sys.stdout.encoding or "utf-8").lower().replace("_", "-")
    write(json_text(document, indent, ascii_only=encoding not in ("utf-8", "utf8")) + "\n")


def in_colour(stream: TextIO | None = None) -> bool:
    """Whether the stream, standard output by default, is a terminal whose user did not say NO_COLOR."""
    return (stream or sys.stdout).isatty() and not os.environ.get("NO_COLOR")


def columns() -> int:
    """The terminal's width, 80 where there is none, no more than can be read in a line."""
    import shutil

    return min(100, shutil.get_terminal_size((80, 24)).columns)
