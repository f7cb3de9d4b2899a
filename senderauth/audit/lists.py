"""A list of domains, read as a stream of any length, as it comes.

Theory of operation. A file is read when an entry is wanted. A pipe or a terminal may keep its next line
back for hours, and who waits for it could do nothing else: there, octets are taken as they come (`fill`),
and an entry is only asked for once its line is `ready`. Who has nothing else to do may ask sooner, and
waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import BinaryIO, Protocol

from senderauth.audit.read import MAX_LINE, Entry, Reader
from senderauth.dns import Pipe


class _Readable(Protocol):
    def readline(self, limit: int, /) -> bytes: ...


class List:
    """The entries of a list, in order. Raises ValueError for one that is no text (UTF-16, a compressed
    file).
    """

    def __init__(self, file: BinaryIO) -> None:
        self.pipe = Pipe.of(file, MAX_LINE + 1)
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
