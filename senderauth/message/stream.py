"""Messages out of a stream: one file, or many in an mbox (RFC 4155), one in memory at a time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MAX_MESSAGE = 64 * 1024 * 1024
"""Octets of one message that are kept."""
MAX_FIELDS = 250_000


def messages(lines: Iterable[bytes], limit: int = MAX_MESSAGE) -> Iterator[tuple[int, bytes, bool]]:
    """Each message of a stream of lines: the number of its first line (from 1), its octets and whether
    they were cut at `limit`. A stream that does not begin with a "From " line is one message.

    As is usual, a line that begins with "From " after an empty line begins a message, and one ">" before
    such a line is taken away.
    """
    kept = bytearray()  # a list of short lines takes twenty times their size
    first = 1
    size = 0
    mbox, last = False, b""
    for number, line in enumerate(lines, 1):
        if line.startswith(b"From ") and (number == 1 or (mbox and last in EMPTY)):
            if number > 1 and kept:
                yield first, _whole(kept, last), size > limit
            mbox, kept, first, size, last = True, bytearray(), number + 1, 0, b""
            continue
        last = line
        if mbox and line.startswith(b">") and line.lstrip(b">").startswith(b"From "):
            line = line[1:]  # noqa: PLW2901 - mboxrd
        if size <= limit:
            kept += line[: limit - size + 1]
        size += len(line)
    if kept or not mbox:
        yield first, _whole(kept, last) if mbox else bytes(kept), size > limit


EMPTY = (b"\n", b"\r\n")


def _whole(kept: bytearray, last: bytes) -> bytes:
    """The message without the empty line that the mbox adds at its end."""
    return bytes(kept.removesuffix(last) if last in EMPTY else kept)


def has_too_many_fields(message: bytes, limit: int = MAX_FIELDS) -> bool:
    """Whether its header has more fields than are worth looking at: short ones take forty times their size
    in memory.
    """
    found = _HEADER_END.search(message)
    end = found.start() + 1 if found else len(message)
    lines = message.count(b"\n", 0, end)
    return lines > limit and lines - message.count(b"\n ", 0, end) - message.count(b"\n\t", 0, end) > limit


_HEADER_END = re.compile(rb"\n\r?\n")
