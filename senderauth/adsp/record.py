"""ADSP records: text to value and back (RFC 5617 4.2.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

Practice = Literal["unknown", "all", "discardable"]

MAX_RECORD = 4_096
"""Octets; what is longer is no record of anybody's."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_VALUE = re.compile(r"[A-Za-z](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\Z")  # RFC 5617 4.2.1: hyphenated-word
_KNOWN: dict[str, Practice] = {"unknown": "unknown", "all": "all", "discardable": "discardable"}


@dataclass(frozen=True, slots=True)
class Record:
    """A signing practice."""

    practice: Practice
    written: str
    """The value as it stands; what is not known counts as "unknown" (4.2.1)."""
    others: tuple[tuple[str, str], ...] = ()
    """Further tags, name and value, which mean nothing (4.2.1)."""
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return "; ".join([f"dkim={self.written}", *(f"{name}={value}" for name, value in self.others)])


def parse(given: bytes | str) -> Record | None:
    """The record, or None where the text is none: it must start with "dkim" in lower case and "=", and be a
    tag-list (RFC 6376 3.2).
    """
    data = given.encode("utf-8", "replace") if isinstance(given, str) else given
    if len(data) > MAX_RECORD or not data.startswith(b"dkim") or not data.isascii():
        return None
    text = data.decode("ascii")
    tags = [tag.partition("=") for tag in text.split(";")]
    if not tags[-1][0].strip() and len(tags) > 1:  # one ";" may stand at the end
        tags.pop()
    (name, equals, value), *rest = [(name.strip(), equals, value.strip()) for name, equals, value in tags]
    if name != "dkim" or not equals or not _VALUE.match(value):
        return None
    others = tuple((other, meaning) for other, _, meaning in rest)
    names = [other for other, _ in others]
    # no tag-list: malformed as a whole (4.1); of two tags of a name likewise (RFC 6376 3.2)
    if not all(equals and _NAME.match(other) and _is_text(meaning) for other, equals, meaning in rest):
        return None
    if len({"dkim", *names}) <= len(names):
        return None
    return Record(_KNOWN.get(value.lower(), "unknown"), value, others, text)


def _is_text(value: str) -> bool:
    return all(character.isprintable() or character in "\t\r\n" for character in value)
