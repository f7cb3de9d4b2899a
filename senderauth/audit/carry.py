"""Rows as processes hand them on: the line that is written, and what is counted of it in front.

Theory of operation. Who collects the rows of several processes has to count all of them and is their
bottleneck. So a worker makes the line as it will be written, and the few words that a summary counts; most
rows say one of a few hundred sets of words, which are remembered by their text.
"""

from __future__ import annotations

import json
from functools import lru_cache

from senderauth.audit.row import FIELDS, Row
from senderauth.audit.summary import Tally, Word, tally_of
from senderauth.audit.write import Format, encoder

KEPT = 4_096


class Carrier:
    """Makes lines to be handed on. Can be pickled."""

    def __init__(self, kind: Format = "jsonl", fields: tuple[str, ...] = FIELDS) -> None:
        self._chosen = kind, fields
        self._encode = encoder(kind, fields)

    def __reduce__(self) -> tuple[type[Carrier], tuple[Format, tuple[str, ...]]]:
        return Carrier, self._chosen

    def __call__(self, row: Row) -> bytes:
        """One line, which `unpacked` takes apart."""
        tally = tally_of(row)
        unknown = b""
        if tally.questions:
            unknown = json.dumps((tally.questions, tally.n, tally.domain)).encode()
        return b"%b\t%b\t%b" % (_written(tally.words), unknown, self._encode(row))


def unpacked(carried: bytes) -> tuple[Tally, bytes]:
    """What is counted of a row, and its line."""
    words, unknown, line = carried.split(b"\t", 2)  # JSON has no tab in it, and so we need no lengths
    return Tally(_read(words), *(json.loads(unknown) if unknown else ())), line


@lru_cache(maxsize=KEPT)
def _written(words: tuple[Word, ...]) -> bytes:
    return json.dumps(words).encode()


@lru_cache(maxsize=KEPT)
def _read(text: bytes) -> tuple[Word, ...]:
    found = json.loads(text)
    return tuple([(name, tuple(word) if isinstance(word, list) else word) for name, word in found])
