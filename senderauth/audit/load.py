"""Rows of an earlier audit, read back from its JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from senderauth.audit.row import SCHEMA

MAX_LINE = 4_000_000
"""Octets of one row."""

Document = dict[str, Any]


def load_rows(lines: Iterable[bytes], name: str) -> Iterator[Document]:
    """The rows' documents in order. A last line that a killed run has torn off is left out. Raises ValueError
    with the place for anything that is no row.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > MAX_LINE:
            raise ValueError(f"{name}:{number}: longer than any row")
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            if not line.endswith(b"\n"):
                return
            raise ValueError(f"{name}:{number}: not a row of JSON lines") from None
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise ValueError(f"{name}:{number}: not a row of an audit ({SCHEMA})")
        yield found
