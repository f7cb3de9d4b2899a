"""Messages out of files, folders, mbox files and standard input, one in memory at a time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class Mail:
    """One message, or why there is none."""

    name: str
    """Of the file; in an mbox with the line where it begins."""
    octets: bytes = b""
    problem: str = ""


def is_single(paths: list[str]) -> bool:
    """Whether the arguments name one message: one file that is no mbox. Standard input counts as one until
    it is read.
    """
    if len(paths) != 1 or os.path.isdir(paths[0]):
        return False
    if paths[0] == "-":
        return True
    try:
        with open(paths[0], "rb") as file:
            return not file.read(5).startswith(b"From ")
    except OSError:
        return True  # the reader will say what is wrong


def mails(paths: Iterable[str]) -> Iterator[Mail]:
    """Every message of the arguments, in order; folders with all below them."""
    for path in paths:
        if path == "-":
            yield from _read(sys.stdin.buffer, "-")
            continue
        files = _below(path) if os.path.isdir(path) else (path,)
        for name in files:
            try:
                with open(name, "rb") as file:
                    yield from _read(file, name)
            except OSError as problem:
                yield Mail(name, problem=problem.strerror or "cannot be read")


def _below(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if not name.startswith("."):
                yield os.path.join(place, name)


def _read(file: BinaryIO, name: str) -> Iterator[Mail]:
    from senderauth.message import MAX_MESSAGE, messages

    start = file.read(5)
    if start != b"From ":
        octets = start + file.read(MAX_MESSAGE + 1 - len(start))
        yield _mail(name, octets, cut=len(octets) > MAX_MESSAGE)
        return
    lines = iter(lambda: file.readline(MAX_LINE), b"")
    first = start + next(lines, b"")
    for number, octets, cut in messages(line for part in ([first], lines) for line in part):
        yield _mail(f"{name}:{number}", octets, cut=cut)


def _mail(name: str, octets: bytes, *, cut: bool) -> Mail:
    from senderauth.message import MAX_FIELDS, MAX_MESSAGE, has_too_many_fields

    if cut:
        return Mail(name, problem=f"larger than {MAX_MESSAGE >> 20} MiB")
    if has_too_many_fields(octets):
        return Mail(name, problem=f"more than {MAX_FIELDS:,} header fields")
    return Mail(name, octets)
