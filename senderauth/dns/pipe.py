"""What is not there when it is wanted: lines of a pipe or a terminal, taken as they come.

Theory of operation. A file's `readline` waits for a whole line, and meanwhile nothing else happens. Here
octets are taken when there are some (`fill`, once the descriptor is readable), and a line is asked for once
it is `ready`. Who has nothing else to do may ask sooner, and waits. What is kept is bounded by the longest
line.
"""

from __future__ import annotations

import os
import select
import stat
from typing import BinaryIO

CHUNK = 1 << 16


class Pipe:
    """Lines of a descriptor; `limit`: octets of the longest piece that `readline` is asked for."""

    def __init__(self, descriptor: int, limit: int) -> None:
        self.descriptor = descriptor
        self._limit = limit
        self._kept = bytearray()
        self._ended = False

    @classmethod
    def of(cls, file: BinaryIO, limit: int) -> Pipe | None:
        """A pipe in the place of a file that nothing was read of; None where its lines are not waited for."""
        try:
            mode = os.fstat(file.fileno()).st_mode
        except (OSError, ValueError):  # no file of the system's
            return None
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (stat.S_ISCHR(mode) and file.isatty()):
            return cls(file.fileno(), limit)
        return None

    @property
    def ready(self) -> bool:
        """Whether `readline` need not wait."""
        return self._ended or len(self._kept) >= self._limit or b"\n" in self._kept

    def fill(self) -> None:
        """Takes what is there; waits where nothing is."""
        while True:
            try:
                chunk = os.read(self.descriptor, CHUNK)
            except BlockingIOError:  # whoever opened it wanted that
                select.select([self.descriptor], [], [])
            else:
                break
        self._kept += chunk
        self._ended = not chunk

    def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        return not (self._ended or select.select([self.descriptor], [], [], seconds)[0])

    def readline(self, limit: int) -> bytes:
        """As a file's."""
        while not self.ready:
            self.fill()
        return self._taken(self._kept.find(b"\n", 0, limit) + 1 or limit)

    def read(self, limit: int) -> bytes:
        """As a file's, but gives what there is."""
        if not self._kept and not self._ended:
            self.fill()
        return self._taken(limit)

    def _taken(self, size: int) -> bytes:
        taken = bytes(self._kept[:size])
        del self._kept[:size]
        return taken
