"""What DNS left unknown, asked once more when all rows are there.

Theory of operation. A zone that was silent an hour ago may speak now. So a run to a file that can be replaced
keeps of each unknown row its entry and what was counted of it, of `MOST` rows at most; at the end those
are examined anew, with fresh caches, and rows that leave fewer questions open than before are exchanged. At
most a tenth of all rows: where more are unknown, it is not the domains, and to ask them all would double the
run. New rows are collected in a temporary file, so that asking, which is slow, touches nothing, and killing
it loses nothing.
"""

from __future__ import annotations

from senderauth.audit.read import Entry
from senderauth.audit.summary import Tally, Word

MOST, LEAST, SHARE = 10_000, 100, 10
"""So many rows at most are asked again, and no more than one of ten; these few in any case."""


class Unknown:
    """The unknown rows of a run, as many as are kept."""

    def __init__(self) -> None:
        self._rows: dict[int, Tally] = {}
        self._entries: dict[int, Entry] = {}
        self._words: dict[Word, Word] = {}
        """One object for equal ones: there are few, and every row has them."""

    def note(self, tally: Tally) -> None:
        """A row has been counted."""
        if tally.questions and len(self._rows) < MOST:
            words = tuple([self._words.setdefault(word, word) for word in tally.words])
            self._rows[tally.n] = Tally(words, tally.questions, tally.n, tally.domain)

    def written(self, entry: Entry) -> None:
        """The row of this entry is in the file."""
        if entry.n in self._rows:
            self._entries[entry.n] = entry

    def entries(self, rows: int) -> list[Entry]:
        """Those that may be asked again, in a run of so many rows."""
        return sorted(self._entries.values(), key=lambda entry: entry.n)[: max(LEAST, rows // SHARE)]

    def __contains__(self, n: int) -> bool:
        return n in self._rows

    def __getitem__(self, n: int) -> Tally:
        return self._rows[n]
