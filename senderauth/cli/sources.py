"""What a command reads: an argument that is the text itself, a file, or standard input."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from senderauth.dns import Pipe

HEAD = 65_536
MAX_LINE = 65_536
MAX_READ = 4 * 1024 * 1024
PAUSE = 0.5
"""Seconds without a line after which those before are answered."""
Source = BinaryIO | Pipe
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}


def read(argument: str) -> tuple[bytes, Source | None]:
    """What an argument stands for: its own text, a file's or standard input's content; and for a log, whose
    beginning this is then, where the rest comes from. Raises ValueError for what cannot be read.
    """
    from senderauth.catalogue import is_log, is_message

    file, name = _open(argument)
    if file is None:
        data = argument.encode("utf-8", "surrogateescape")
        check_readable(data)
        return data, None
    stream: Source = Pipe.of(file, MAX_LINE) or file
    data = _take(stream, HEAD, partial(_is_live_log, stream))
    check_readable(data)
    if name.endswith(".log") or is_log(data):
        return data, stream
    data += _take(stream, MAX_READ - len(data))
    # More than any bounce, and no message: a log whose lines have no form that is known.
    return data, stream if len(data) == MAX_READ and not is_message(data) else None


def _open(argument: str) -> tuple[BinaryIO | None, str]:
    if argument == "-":
        return sys.stdin.buffer, ""
    if not argument:  # as a path it would be this folder
        return None, ""
    try:
        path = Path(argument)
        if path.is_dir():
            raise ValueError(f"{argument} is a folder")
        if path.exists():
            return path.open("rb"), path.name
    except OSError as problem:
        if problem.errno != errno.ENAMETOOLONG:  # then it is a text
            raise ValueError(f"{argument}: {problem.strerror}") from None
    if len(argument.split()) == 1 and argument.lower().endswith((".eml", ".log", ".txt", ".msg")):
        raise ValueError(f"no such file: {argument}")
    return None, ""


def _is_live_log(stream: Source, data: bytes) -> bool:
    """Whether this is the beginning of a log of which no more lines have come yet."""
    from senderauth.catalogue import is_log, is_message

    if not isinstance(stream, Pipe) or b"\n" not in data or not stream.is_silent(PAUSE):
        return False
    return is_log(data) and not is_message(data)


def _take(stream: Source, limit: int, enough: Callable[[bytes], bool] = lambda _: False) -> bytes:
    """Up to limit bytes: fewer only at the end, or when they are enough."""
    data = b""
    try:
        while len(data) < limit and not enough(data) and (more := stream.read(limit - len(data))):
            data += more
    except OSError as problem:
        raise ValueError(f"cannot read: {problem.strerror}") from None
    return data


def check_readable(data: bytes) -> None:
    """Raises ValueError for data that is empty, compressed or no text."""
    if not data.strip():
        raise ValueError("nothing to read: the input is empty")
    for mark, kind in COMPRESSED.items():
        if data.startswith(mark):
            raise ValueError(f"the input is compressed ({kind}): unpack it first")
    sample = data[:8_192]
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16 says so at its start
        return
    controls = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in sample)
    if b"\0" in sample or controls * 20 > len(sample):
        raise ValueError("the input is no text: is it the bounce as a message (.eml) or its text?")


def lines(first: bytes, rest: Source) -> Iterator[bytes | None]:
    """The lines of what was read already and of what follows; of an endless line only its beginning. None
    where the next one does not come for a while.
    """
    whole, _, begun = first.rpartition(b"\n")
    head_lines = whole.split(b"\n") if whole else []
    yield from (line[:MAX_LINE] for line in head_lines)
    inside = False
    for piece in _pieces(begun, rest):
        if piece is None or not inside:
            yield piece
        if piece is not None:
            inside = not piece.endswith(b"\n")


def _pieces(begun: bytes, rest: Source) -> Iterator[bytes | None]:
    while True:
        while isinstance(rest, Pipe) and not rest.ready:
            if rest.is_silent(PAUSE):
                yield None
            rest.fill()
        piece = begun + rest.readline(MAX_LINE)
        if not piece:
            return
        yield piece
        begun = b""
