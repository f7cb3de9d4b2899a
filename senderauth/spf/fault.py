"""The private exception of the record parser."""

from __future__ import annotations


class FaultError(Exception):
    """One syntax error; never leaves the room."""

    def __init__(self, id: str, start: int = 0, end: int | None = None, **facts: object) -> None:
        super().__init__(id)
        self.id, self.start, self.end, self.facts = id, start, end, facts
        self.takes_next = False
        """Whether the word that follows belongs to it."""
