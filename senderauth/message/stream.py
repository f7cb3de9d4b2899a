"""Messages out of a stream: one file, or many in an mbox (RFC 4155), one in memory at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

MAX_MESSAGE = 64 * 1024 * 1024
"""Octets of one message that are kept."""


def messages(lines: Iterable[bytes], limit: int = MAX_MESSAGE) -> Iterator[tuple[int, bytes, bool]]:
    """Each message of a stream of lines: the number of its first line (from 1), its octets and whether
    they were cut at `limit`. A stream that does not begin with a "From " line is one message.

    As is usual, a line that begins with "From " after an empty line begins a message, and one ">" before
    such a line is taken away.
    """
    kept: list[bytes] = []
    first = 1
    size = 0
    mbox = blank = False
    for number, line in enumerate(lines, 1):
        if line.startswith(b"From ") and (number == 1 or (mbox and blank)):
            if number > 1 and kept:
                yield first, _whole(kept), size > limit
            mbox, kept, first, size, blank = True, [], number + 1, 0, False
            continue
        blank = line in (b"\n", b"\r\n")
        if mbox and line.startswith(b">") and line.lstrip(b">").startswith(b"From "):
            line = line[1:]  # noqa: PLW2901 - mboxrd
        if size <= limit:
            kept.append(line[: limit - size + 1])
        size += len(line)
    if kept or not mbox:
        yield first, b"".join(kept) if not mbox else _whole(kept), size > limit


def _whole(kept: list[bytes]) -> bytes:
    """The message without the empty line that the mbox adds at its end."""
    if kept and kept[-1] in (b"\n", b"\r\n"):
        del kept[-1]
    return b"".join(kept)
