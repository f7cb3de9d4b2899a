"""Lists of senders: who sends in a domain's name, one row each."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senderauth.simulation import Scenario

COLUMNS = ("domain", "host", "mail_from", "helo", "signers")
MAX_FILE = 4 * 1024 * 1024
MAX_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class SenderRow:
    """One row: a send that must be believed."""

    place: tuple[str, int]
    """File and line."""
    scenario: Scenario


def read_senders(path: str) -> list[SenderRow]:
    """The rows of a CSV file with the columns domain, host, mail_from, helo, signers, of which the first two
    are required. signers: `domain[:selector]`, several with spaces between; "none" for mail without a
    signature; empty where it is not known. Raises ValueError with file and line.
    """
    lines = io.StringIO(_text(path), newline=None)
    rows = csv.DictReader(lines, skipinitialspace=True, restkey="beyond")
    try:
        return _rows(path, rows)
    except csv.Error as problem:
        raise ValueError(f"{path}:{rows.line_num + 1}: {problem}") from None


def _rows(path: str, rows: csv.DictReader[str]) -> list[SenderRow]:
    header = [(name or "").strip() for name in rows.fieldnames or ()]
    rows.fieldnames = header
    if not {"domain", "host"} <= set(header) or set(header) - set(COLUMNS):
        raise ValueError(f"{path}:1: the columns are {','.join(COLUMNS)}; domain and host are required")
    found: list[SenderRow] = []
    for row in rows:
        cells = {name: (value or "").strip() for name, value in row.items() if name in COLUMNS}
        if "beyond" in row:
            raise ValueError(f"{path}:{rows.line_num}: more cells than columns")
        if not any(cells.values()) or cells["domain"].startswith("#"):
            continue
        if len(found) == MAX_ROWS:
            raise ValueError(f"{path}:{rows.line_num}: more than {MAX_ROWS} rows")
        try:
            found.append(SenderRow((path, rows.line_num), _scenario(cells)))
        except ValueError as problem:
            raise ValueError(f"{path}:{rows.line_num}: {problem}") from None
    if not found:
        raise ValueError(f"{path}: there is no row in this file")
    return found


def _scenario(cells: dict[str, str]) -> Scenario:
    from senderauth.simulation import Scenario, parse_signer

    signers = cells.get("signers", "")
    planned = tuple(parse_signer(text) for text in signers.split()) if signers not in ("", "none") else ()
    return Scenario(
        cells["domain"],
        tuple(cells["host"].split()),
        cells.get("mail_from") or None,
        cells.get("helo") or None,
        planned if signers else None,
    )


def _text(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            octets = file.read(MAX_FILE + 1)
    except OSError as problem:
        raise ValueError(f"{path}: {(problem.strerror or 'cannot be read').lower()}") from None
    if len(octets) > MAX_FILE:
        raise ValueError(f"{path}: larger than {MAX_FILE >> 20} MB")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8 text") from None
