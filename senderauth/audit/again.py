"""What DNS left unknown, asked once more when all rows are there.

Theory of operation. A zone that was silent an hour ago may speak now. So a run to a file that can be replaced
keeps of each unknown row its entry and what was counted of it, of `MOST` rows at most; at the end those
are examined anew, with fresh caches, and rows that leave fewer questions open than before are exchanged. At
most a tenth of all rows: where more are unknown, it is not the domains, and to ask them all would double the
run. New rows are collected in a temporary file, so that asking, which is slow, touches nothing, and killing
it loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from senderauth.audit.read import Entry
from senderauth.audit.summary import Word, counted

MOST, LEAST, SHARE = 10_000, 100, 10
"""So many rows at most are asked again, and no more than one of ten; these few in any case."""


@dataclass(frozen=True, slots=True)
class Open:
    """An unknown row."""

    questions: int
    """That have no answer."""
    words: tuple[Word, ...]
    """What a summary counted of it."""


class Unknown:
    """The unknown rows of a run, as many as are kept."""

    def __init__(self) -> None:
        self._rows: dict[int, Open] = {}
        self._entries: dict[int, Entry] = {}
        self._words: dict[Word, Word] = {}
        """One object for equal ones: there are few, and every row has them."""

    def note(self, row: Mapping[str, Any]) -> None:
        """A row's document has been counted."""
        if row.get("state") == "unknown" and len(self._rows) < MOST:
            words = tuple([self._words.setdefault(word, word) for word in counted(row)])
            self._rows[row["n"]] = Open(open_questions(row), words)

    def written(self, entry: Entry) -> None:
        """The row of this entry is in the file."""
        if entry.n in self._rows:
            self._entries[entry.n] = entry

    def entries(self, rows: int) -> list[Entry]:
        """Those that may be asked again, in a run of so many rows."""
        return sorted(self._entries.values(), key=lambda entry: entry.n)[: max(LEAST, rows // SHARE)]

    def __contains__(self, n: int) -> bool:
        return n in self._rows

    def __getitem__(self, n: int) -> Open:
        return self._rows[n]


def open_questions(row: Mapping[str, Any]) -> int:
    """How many a row leaves open; of one that does not say which, one."""
    return len(row["unknown"]) if "unknown" in row else 1
