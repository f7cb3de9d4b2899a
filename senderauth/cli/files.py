"""Files of audits: read more than once, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from senderauth.report import Wording


class Lines:
    """The rows of an audit's JSON lines, as often as they are wanted. What cannot be read twice, standard
    input or a pipe, is kept in a temporary file.
    """

    def __init__(self, path: str, words: Wording) -> None:
        self._name = "-" if path == "-" else path
        self._words = words
        self._told = False
        opened: BinaryIO = sys.stdin.buffer if path == "-" else open(path, "rb")  # noqa: SIM115 - see __exit__
        self._file = opened if opened.seekable() else _spooled(opened)

    def __enter__(self) -> Lines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows' documents from the beginning. Raises ValueError with the place of what is none."""
        from senderauth.audit import load_rows

        self._file.seek(0)
        return load_rows(self._file, self._name, torn=self._torn)

    def _torn(self, line: int) -> None:
        from senderauth.cli.main import warn

        if not self._told:
            warn(self._words.say("page", "torn", {"name": self._name, "line": line}))
        self._told = True


def _spooled(pipe: BinaryIO) -> BinaryIO:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by its reader
    with pipe:
        shutil.copyfileobj(pipe, file)
    return file


def one_from_stdin(*paths: str | None) -> None:
    """ValueError where standard input would be read by two."""
    if paths.count("-") > 1:
        raise ValueError("only one of the files can be standard input")


def same_file(one: str, other: str) -> bool:
    """Whether both names lead to one file, which the other would overwrite: to no device, and no pipe."""
    paths = [os.path.realpath("/dev/stdin" if name == "-" else name) for name in (one, other)]
    if not all(os.path.exists(path) for path in paths):
        return paths[0] == paths[1]
    return os.path.isfile(paths[0]) and os.path.samefile(*paths)


def is_device(path: str) -> bool:
    """Whether it is there and no file: a device, or a pipe such as a shell's `>(…)`."""
    return os.path.exists(path) and not os.path.isfile(path)


def write_whole(path: str, pieces: Iterable[str]) -> None:
    """Writes a text to a file that is there whole or stays as it was; to standard output, a device or a pipe
    as it comes.
    """
    if path == "-":
        with open(
            sys.stdout.fileno(), "w", encoding="utf-8", errors="backslashreplace", closefd=False
        ) as out:
            out.writelines(pieces)
        return
    whole = not is_device(path)
    target = Path(path).resolve() if whole else Path(path)  # a pipe's name may lead nowhere: /dev/fd/63
    draft = target.with_name(f"{target.name}.{os.getpid()}.part") if whole else target
    try:
        with draft.open("w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(pieces)
        if whole:
            draft.replace(target)
    except OSError as problem:
        problem.filename = path  # not the draft, of which nobody knows
        raise
    finally:
        if whole:
            draft.unlink(missing_ok=True)
