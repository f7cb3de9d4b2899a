"""Files of rows that were begun: read again, and rows in them exchanged for better ones."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from senderauth.audit.columns import told
from senderauth.audit.load import MAX_LINE, row_fault
from senderauth.audit.row import SCHEMA
from senderauth.audit.write import Format, Output, WriteError, csv_header

NUMBER = re.compile(rb'(?:\{"schema":"[^"]*","n":)?(\d+)')
"""How a line that we wrote begins."""


def recovered(path: Path, kind: Format, fields: tuple[str, ...]) -> Iterator[Mapping[str, Any]]:
    """The whole rows of a file that was begun; what is torn at its end is cut off. Of CSV what a summary
    counts, and `given` as its cell has it. Raises ValueError where it is no such file, or was begun with
    other fields.
    """
    with path.open("r+b") as file:
        end = 0
        names: list[str] = []
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b""), 1):
            if not line.endswith(b"\n") and len(line) < MAX_LINE:
                break
            if kind == "csv" and number == 1:
                names = _columns(path, line, fields)
            else:
                try:
                    row = _from_csv(names, line) if kind == "csv" else _from_json(line)
                except (ValueError, TypeError, KeyError, RecursionError, csv.Error):
                    raise ValueError(f"{path}, line {number}: not a row of an audit") from None
                if number == 1 and tuple(row) != ("schema", *fields):
                    raise _of_other_fields(path)
                yield row
            end = file.tell()
        file.truncate(end)


def _columns(path: Path, line: bytes, fields: tuple[str, ...]) -> list[str]:
    names = _cells(line)
    if names[:1] != ["n"]:
        raise ValueError(f"{path} is not the output of an audit")
    if line != csv_header(fields):
        raise _of_other_fields(path)
    return names


def _of_other_fields(path: Path) -> ValueError:
    return ValueError(f"{path} was begun with other fields (--fields, --only), or by another version")


def _cells(line: bytes) -> list[str]:
    before = csv.field_size_limit(MAX_LINE)  # of the whole process; a cell may hold a thousand names
    try:
        return next(csv.reader([line.decode("utf-8", "replace")]), [])
    finally:
        csv.field_size_limit(before)


def _from_csv(names: list[str], line: bytes) -> Mapping[str, Any]:
    cells = dict(zip(names, _cells(line), strict=True))
    return {"n": int(cells["n"]), **told(cells)}


def _from_json(line: bytes) -> Mapping[str, Any]:
    row: dict[str, Any] = json.loads(line)
    if row["schema"] != SCHEMA or "n" not in row or row_fault(row):
        raise ValueError
    return row


def exchange(path: Path, new: Output, better: Iterable[bytes]) -> None:
    """Gives a file `better` lines, which come in its order, in the places of those with their numbers: it is
    written anew, whole, before it takes the old one's place. Raises WriteError, and the old one stays.
    """
    new.begin(b"", resume=False)
    lines = iter(better)
    following = next(lines, b"")
    number = number_of(following)
    try:
        with path.open("rb") as old:
            for line in old:
                if number and number_of(line) == number:
                    new.write(following)
                    following = next(lines, b"")
                    number = number_of(following)
                else:
                    new.write(line)
        new.replace(path)
    except (WriteError, OSError):
        new.path.unlink(missing_ok=True)
        raise


def number_of(line: bytes) -> int:
    """The row's number; 0 for a line that has none."""
    found = NUMBER.match(line)
    return int(found[1]) if found else 0
