"""Writing a result to standard output."""

from __future__ import annotations

import os
import sys
from typing import Any


def show(
    report: Any, as_json: bool, lang: str | None, verbose: int, quiet: bool, what_if: Any = None
) -> None:
    """The report in the form and language that was asked for, and what came before the changes that were
    only supposed. Raises ValueError for an unknown language.
    """
    from senderauth.report import (
        check_text,
        default_language,
        document,
        what_if_document,
        what_if_text,
        wording,
    )

    if as_json:
        import json

        whole = document(report)
        if what_if is not None:
            whole["what_if"] = what_if_document(what_if)
        json.dump(whole, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")
    else:
        words = wording(lang or default_language())
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        text = check_text(report, words, width=columns(), colour=colour, verbose=verbose, quiet=quiet)
        if what_if is not None:
            text = what_if_text(what_if, words, width=columns(), colour=colour) + text
        sys.stdout.write(
            text.encode(sys.stdout.encoding or "utf-8", "backslashreplace").decode(
                sys.stdout.encoding or "utf-8"
            )
        )
    sys.stdout.flush()


def columns() -> int:
    """The terminal's width, 80 where there is none, no more than can be read in a line."""
    import shutil

    return min(100, shutil.get_terminal_size((80, 24)).columns)
