"""Zones that keep silent: what else is asked of them costs little.

Theory of operation. A recursive server that cannot reach a zone's own servers often says nothing at all, so
every question about such a zone costs all its tries and the whole timeout; an audit asks a dozen. When
`SILENCES` questions below one registrable domain have ended so, one after another, the next ones get one
try and a second of time for `MEMORY` seconds, and their answer says why it came so soon: "unknown now" like
any other silence, with the note "zone-silent". One answer, and all is as before.
"""

from __future__ import annotations

from senderauth.names import registrable

SILENCES = 3
"""Questions in a row without an answer that make a zone silent."""
MEMORY = 60.0
"""Seconds."""
PATIENCE = 1.0
"""Seconds for a question about a silent zone."""
NOTE = "zone-silent"
MAX_ZONES = 4_096


class QuietZones:
    """The zones of which questions ended in silence."""

    __slots__ = ("silences", "until")

    def __init__(self) -> None:
        self.silences: dict[str, int] = {}
        """In a row, by registrable domain; empty where all is well, so callers need not even ask."""
        self.until: dict[str, float] = {}

    def timed_out(self, name: str, now: float) -> None:
        """Nobody said anything about this name."""
        zone = registrable(name) or name
        count = self.silences.pop(zone, 0) + 1
        if len(self.silences) >= MAX_ZONES:
            oldest = next(iter(self.silences))
            del self.silences[oldest]
            self.until.pop(oldest, None)
        self.silences[zone] = count
        if count >= SILENCES:
            self.until[zone] = now + MEMORY

    def answered(self, name: str) -> None:
        """Somebody said something about this name."""
        zone = self._find(name, self.silences)
        if zone is not None:
            del self.silences[zone]
            self.until.pop(zone, None)

    def is_silent(self, name: str, now: float) -> bool:
        """Whether a question about this name should cost little."""
        zone = self._find(name, self.until)
        if zone is None:
            return False
        if self.until[zone] > now:
            return True
        del self.until[zone]  # once more with all patience
        self.silences[zone] = SILENCES - 1
        return False

    @staticmethod
    def _find(name: str, zones: dict[str, int] | dict[str, float]) -> str | None:
        """The suffix of the name that is among them. By lookups: the public suffix costs more."""
        while name not in zones:
            _, dot, name = name.partition(".")
            if not dot:
                return None
        return name
