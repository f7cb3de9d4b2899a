"""A list of domains, read as a stream of any length, as it comes.

Theory of operation. A file is read when an entry is wanted. A pipe or a terminal may keep its next line
back for hours, and who waits for it could do nothing else: there, octets are taken as they come (`fill`),
and an entry is only asked for once its line is `ready`. Who has nothing else to do may ask sooner, and
waits.
"""

from __future__ import annotations

import os
import select
import stat
from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, Protocol

from senderauth.audit.read import MAX_LINE, Entry, Reader

CHUNK = 1 << 16


class _Readable(Protocol):
    def readline(self, limit: int, /) -> bytes: ...


class List:
    """The entries of a list, in order. Raises ValueError for one that is no text (UTF-16, a compressed
    file).
    """

    def __init__(self, file: BinaryIO) -> None:
        self.pipe = Pipe(file.fileno()) if _may_wait(file) else None
        """Where its lines may be long in coming."""
        self.ended = False
        self.note: Callable[[Entry], object] | None = None
        """Is told of every entry that is handed out."""
        self._lines = _lines(self.pipe or file)
        self._reader = Reader()

    def __iter__(self) -> Iterator[Entry]:
        return self

    def __next__(self) -> Entry:
        """The next entry, waited for if need be."""
        while True:
            entry = self._step()
            if entry is not None:
                return entry

    def _step(self) -> Entry | None:
        """The next line's entry, None where it gives none."""
        try:
            n, raw = next(self._lines)
        except StopIteration:
            self.ended = True
            raise
        entry = self._reader.entry(n, raw)
        if entry is not None and self.note is not None:
            self.note(entry)
        return entry

    def batch(self, most: int) -> list[Entry]:
        """So many entries at most; fewer, or none, where the next one has not come yet or the list has
        ended.
        """
        if self.pipe is None:
            return list(islice(self, most))
        found: list[Entry] = []
        while len(found) < most and self.pipe.ready:
            try:
                entry = self._step()
            except StopIteration:
                break
            if entry is not None:
                found.append(entry)
        return found


class Pipe:
    """Lines of what is not read ahead of need: a pipe, a terminal."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._kept = bytearray()
        self._ended = False

    @property
    def ready(self) -> bool:
        """Whether `readline` need not wait."""
        return self._ended or len(self._kept) > MAX_LINE or b"\n" in self._kept

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

    def readline(self, limit: int) -> bytes:
        """As a file's; limit: at most `MAX_LINE` + 1."""
        while not self.ready:
            self.fill()
        end = self._kept.find(b"\n", 0, limit) + 1 or min(limit, len(self._kept))
        line = bytes(self._kept[:end])
        del self._kept[:end]
        return line


def _may_wait(file: BinaryIO) -> bool:
    try:
        mode = os.fstat(file.fileno()).st_mode
    except (OSError, ValueError):  # no file of the system's
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or (stat.S_ISCHR(mode) and file.isatty())


def _lines(file: _Readable) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers, None for one that is too long: it is passed over, never kept, and what is
    read of it later is given as empty, so that each step reads once.
    """
    n, inside = 0, False
    while line := file.readline(MAX_LINE + 1):
        whole = line.endswith(b"\n")
        if inside:
            inside = not whole
            yield n, b""
            continue
        n += 1
        if n == 1:
            if line.startswith((b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"PK\x03\x04")):
                raise ValueError("the list is no text in UTF-8")
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > MAX_LINE:
            inside = not whole
            yield n, None
        else:
            yield n, line
