"""What a command reads: an argument that is the text itself, a file, or standard input."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

HEAD = 65_536
MAX_LINE = 65_536
MAX_READ = 4 * 1024 * 1024
COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}


def read(argument: str) -> tuple[bytes, BinaryIO | None]:
    """What an argument stands for: its own text, a file's or standard input's content; and for a log, whose
    beginning this is then, where the rest comes from. Raises ValueError for what cannot be read.
    """
    from senderauth.catalogue import is_log, is_message

    stream, name = _open(argument)
    if stream is None:
        data = argument.encode("utf-8", "surrogateescape")
        check_readable(data)
        return data, None
    data = _take(stream, HEAD)
    check_readable(data)
    if name.endswith(".log") or is_log(data):
        return data, stream
    data += _take(stream, MAX_READ - len(data))
    # More than any bounce, and no message: a log whose lines have no form that is known.
    return data, stream if len(data) == MAX_READ and not is_message(data) else None


def _open(argument: str) -> tuple[BinaryIO | None, str]:
    if argument == "-":
        return sys.stdin.buffer, ""
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


def _take(stream: BinaryIO, limit: int) -> bytes:
    """Up to limit bytes: fewer only at the end."""
    data = b""
    try:
        while len(data) < limit and (more := stream.read(limit - len(data))):
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


def lines(first: bytes, rest: BinaryIO) -> Iterator[bytes]:
    """The lines of what was read already and of what follows; of an endless line only its beginning."""
    whole, _, partial = first.rpartition(b"\n")
    begun = partial + rest.readline(MAX_LINE)
    head_lines = whole.split(b"\n") if whole else []
    yield from (line[:MAX_LINE] for line in head_lines)
    yield from _bounded(chain([begun] if begun else [], iter(lambda: rest.readline(MAX_LINE), b"")))


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    inside = False
    for piece in pieces:
        if not inside:
            yield piece
        inside = not piece.endswith(b"\n")
