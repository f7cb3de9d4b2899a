"""ADSP records (RFC 5617 4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Practice = Literal["unknown", "all", "discardable"]

_RECORD = re.compile(rb"dkim[ \t\r\n]*=[ \t\r\n]*([A-Za-z0-9\-]+)[ \t\r\n]*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class Record:
    """A signing practice."""

    practice: Practice
    written: str
    """The value as it stands; what is not known counts as "unknown" (4.2.1)."""
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"dkim={self.written}"


def parse(given: bytes | str) -> Record | None:
    """The record, or None where the text is none: it must start with "dkim" in lower case and "="."""
    data = given.encode("utf-8", "replace") if isinstance(given, str) else given
    match = _RECORD.match(data[:1_024])
    if match is None:
        return None
    written = match[1].decode("ascii")
    known: dict[str, Practice] = {"all": "all", "discardable": "discardable"}
    return Record(known.get(written.lower(), "unknown"), written, data[:1_024].decode("latin-1"))
