"""Writing rows: JSON lines, CSV, Parquet; each row is in the file once `write` returns.

Theory of operation. A row is one line, written with one call and no buffer of ours, so that a process that
is killed loses no finished row and tears at most the last line; `resume` cuts that off. Parquet has its
index at the end and cannot grow row by row: rows are kept as JSON lines beside it and turned into it when
the run is complete.
"""

from __future__ import annotations

import csv
import io
import json
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal

from senderauth.audit.columns import COLUMNS, flat
from senderauth.audit.examine import PARTS
from senderauth.audit.line import line_of
from senderauth.audit.row import FIELDS, FIX, Row, document

try:
    import fcntl
except ImportError:  # not on this system
    fcntl = None  # type: ignore[assignment]

Format = Literal["jsonl", "csv", "parquet"]
FORMATS: tuple[Format, ...] = ("jsonl", "csv", "parquet")
NOT_WRITTEN = (".tsv", ".xls", ".xlsx", ".ods", ".html", ".gz", ".bz2", ".xz", ".zst", ".zip")
"""Endings of names that promise something else."""
ALWAYS = ("n",)
"""Fields without which a file cannot be continued."""
LOOK = 1_000
"""Rows after which it is looked whether the file is still where it was."""


class WriteError(Exception):
    """The output takes no more. `rows` are whole."""

    def __init__(self, rows: int, why: str) -> None:
        super().__init__(why)
        self.rows, self.why = rows, why


def format_of(path: str | None, wanted: str | None) -> Format:
    """The format that was asked for, else the one that the name tells. Raises ValueError."""
    for known in FORMATS:
        if wanted == known:
            return known
    if wanted is not None:
        raise ValueError(f"--format: {wanted!r} is none of {', '.join(FORMATS)}")
    suffix = Path(path or "").suffix.lower()
    if suffix in NOT_WRITTEN:
        raise ValueError(f"{path}: {suffix} is not written; --format says what it is: {', '.join(FORMATS)}")
    if suffix in (".parquet", ".pq"):
        return "parquet"
    return "csv" if suffix == ".csv" else "jsonl"


def chosen_fields(
    text: str | None, parts: frozenset[str] = frozenset(PARTS), *, with_fix: bool = False
) -> tuple[str, ...]:
    """The fields that `--fields a,b` names, in their own order, all that `parts` fill where none are; "fix"
    where changes are proposed. Raises ValueError.
    """
    unfilled = frozenset(PARTS) - parts
    more = (FIX,) if with_fix else ()
    if "spoofing" in unfilled:
        unfilled |= {"grade"}
    if text is None:
        known = tuple(field for field in FIELDS if field not in unfilled) if unfilled else FIELDS
        return known + more if more else known
    wanted = [word.strip() for word in text.split(",") if word.strip()]
    if not wanted:
        raise ValueError(f"--fields: name some of {', '.join((*FIELDS, *more))}")
    for word in wanted:
        if word == FIX and not with_fix:
            raise ValueError("--fields: 'fix' comes with --fix")
        if word not in (*FIELDS, FIX):
            raise ValueError(f"--fields: {word!r} is none of {', '.join((*FIELDS, *more))}")
        if word in unfilled:
            part = "spoofing" if word == "grade" else word
            raise ValueError(f"--fields: {word!r} needs {part} in --only")
    if with_fix and FIX not in wanted:
        raise ValueError("--fields: name fix, too, else --fix works for nothing")
    return tuple(field for field in (*FIELDS, FIX) if field in wanted or field in ALWAYS)


def csv_line(whole: Mapping[str, Any], fields: tuple[str, ...]) -> bytes:
    """A row as one line of CSV."""
    cells = flat(whole)
    return _csv([csv_cell(cells[name]) for name, of, _ in COLUMNS if of in fields])


def csv_header(fields: tuple[str, ...]) -> bytes:
    """The first line."""
    return _csv([name for name, of, _ in COLUMNS if of in fields])


def _csv(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "backslashreplace")


def csv_cell(value: object) -> str:
    """A value as text: one line, and no formula to a spreadsheet, whatever a record holds."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        value = " ".join(value)
    text = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value))
    return "'" + text if text[:1] in ("=", "+", "-", "@") else text


def encoder(kind: Format, fields: tuple[str, ...]) -> Callable[[Row], bytes]:
    """What makes a line of a row."""
    if kind == "csv":
        return lambda row: csv_line(document(row), fields)
    return lambda row: line_of(row, fields)


class Output:
    """A growing file, or standard output. A file is locked against a second run while it is open; what it
    holds stays until `begin`. Raises ValueError where another run has it.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path or Path()
        self.rows = 0
        """Rows written by this process."""
        self._file = _standard_output() if path is None else _locked(path)
        self._is_file = path is not None
        self.regular = self._is_file and _is_regular(self._file)
        """Whether what is written can be read again, and replaced."""

    def begin(self, header: bytes, *, resume: bool) -> None:
        """Rows will be written: behind those that are there, or from the beginning."""
        if self.regular and not resume:
            self._file.truncate(0)
        if header and not (self.regular and self.path.stat().st_size):
            self._put(header)

    def write(self, line: bytes) -> None:
        """Adds a row. Raises WriteError, with the file cut behind its last whole row; BrokenPipeError."""
        self._put(line)
        self.rows += 1
        if self.rows % LOOK == 0:
            self.check()

    def check(self) -> None:
        """Raises WriteError if what is written would be nowhere."""
        if self.regular and not _is_at(self._file, self.path):
            raise WriteError(self.rows, "it was deleted or replaced while it was written")

    def replace(self, path: Path) -> None:
        """Puts what is written, once it is on the disk, in the place of another file. Raises WriteError."""
        try:
            os.fsync(self._file.fileno())
            os.replace(self.path, path)
        except OSError as error:
            raise WriteError(self.rows, error.strerror or str(error)) from error
        self.path, self.rows = path, 0

    def _put(self, line: bytes) -> None:
        left = memoryview(line)
        try:
            while left:
                left = left[self._file.write(left) or 0 :]
        except BrokenPipeError:
            raise
        except OSError as error:
            self._cut(len(line) - len(left))
            raise WriteError(self.rows, error.strerror or str(error)) from error

    def _cut(self, torn: int) -> None:
        if torn and self.regular:
            with suppress(OSError):
                self._file.truncate(self._file.seek(0, os.SEEK_END) - torn)

    def close(self) -> None:
        """Nothing is left to write."""
        if self._is_file:
            self._file.close()


def _standard_output() -> io.RawIOBase | BinaryIO:
    """Without its buffer, where it has one: what is written is out."""
    return getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)


def _locked(path: Path) -> io.FileIO:
    """The file, opened behind its end. Raises ValueError where another run has it."""
    while True:
        file = path.open("ab", buffering=0)
        if not _is_regular(file):
            return file
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise ValueError(f"{path} is written by another run") from None
        except OSError:  # this file system has no locks
            pass
        if _is_at(file, path):
            return file
        file.close()  # the other run has just put a new one in its place


def _is_regular(file: io.RawIOBase | BinaryIO) -> bool:
    return stat.S_ISREG(os.fstat(file.fileno()).st_mode)


def _is_at(file: io.RawIOBase | BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def working_path(path: Path, kind: Format) -> Path:
    """Where rows are written while the run lasts."""
    return path.with_name(path.name + ".rows.jsonl") if kind == "parquet" else path


def needs_pyarrow() -> None:
    """ValueError where Parquet cannot be written."""
    try:
        import pyarrow.parquet  # noqa: F401 - only whether it is there
    except ImportError:
        raise ValueError("Parquet needs pyarrow: pip install 'senderauth[parquet]'") from None


def to_parquet(lines: Path, path: Path, fields: tuple[str, ...], *, group: int = 20_000) -> None:
    """Turns JSON lines into a Parquet file, `group` rows at a time. Raises OSError where there is no room."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    chosen = [(name, kind) for name, of, kind in COLUMNS if of in fields]
    types = {"int": pa.int64(), "bool": pa.bool_(), "text": pa.string(), "texts": pa.list_(pa.string())}
    schema = pa.schema([(name, types[kind]) for name, kind in chosen])
    new = path.with_name(path.name + ".new")
    try:
        with lines.open("rb") as file, pq.ParquetWriter(new, schema, compression="zstd") as writer:
            for rows in _groups(file, group):
                cells = [flat(row) for row in rows]
                arrays = [pa.array([cell[name] for cell in cells], types[kind]) for name, kind in chosen]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
        os.replace(new, path)
    except OSError as problem:
        new.unlink(missing_ok=True)
        problem.filename = str(path)  # pyarrow does not say which
        raise


def _groups(lines: Iterable[bytes], size: int) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    for line in lines:
        rows.append(json.loads(line))
        if len(rows) >= size:
            yield rows
            rows = []
    if rows:
        yield rows
