"""Logs of records: KumoMTA's JSON, one object a line, and PowerMTA's accounting file, CSV or JSON.

KumoMTA documents its log record; of PowerMTA's accounting records the user's guide names types and
fields, and the first line of a file names its columns.
"""

from __future__ import annotations

import csv
import json
import re
from datetime import UTC, datetime
from typing import Any

from senderauth.catalogue.codes import read_codes
from senderauth.catalogue.facts import routable
from senderauth.catalogue.logline import LogLine

# Nothing else about a record needs to be known to leave it.
TELLING = re.compile(
    rb'"type" ?: ?"(?:Bounce|TransientFailure|Rejection|Expiration|AdminBounce|OOB|Delay|[bt]|tq|r[bs])"'
)

_FINAL = frozenset({"Bounce", "Expiration", "AdminBounce", "OOB"})
_PASSING = frozenset({"TransientFailure", "Delay"})

# PowerMTA: what was bounced here or elsewhere, delayed, or reported by others. "d" was delivered, "r"
# received, "f" is a complaint.
_POWERMTA = {"b": "failed", "rb": "failed", "t": "delayed", "tq": "delayed", "rs": "delayed"}


def columns_of(text: str) -> list[str]:
    """The names of the columns, where the line is the first of an accounting file; else nothing."""
    row = _row(text) if text.startswith(("type,", '"type",')) else []
    return row if "dsnStatus" in row or "dsnDiag" in row else []


def read_record(text: str, columns: list[str]) -> LogLine | None:
    """What the line of a log of records tells of, if it is one."""
    if text.startswith("{"):
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return _json(record) if isinstance(record, dict) else None
    row = _row(text) if columns else []
    return _powermta(dict(zip(columns, row, strict=False))) if row and row[0] in _POWERMTA else None


def _row(text: str) -> list[str]:
    try:
        return next(csv.reader([text]), [])
    except csv.Error:  # a bare CR, a field beyond the bound
        return []


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def _inner(record: dict[str, Any], key: str) -> dict[str, Any]:
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def _time(text: str) -> str:
    """Seconds since 1970 as a date; any other text as it is."""
    try:
        return datetime.fromtimestamp(int(text), UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return text


def _json(record: dict[str, Any]) -> LogLine | None:
    kind = _text(record, "type")
    if kind in _POWERMTA:
        return _powermta({key: _text(record, key) for key in record})
    response = _inner(record, "response")
    if kind not in _FINAL | _PASSING | {"Rejection"} or not response:
        return None
    enhanced = _inner(response, "enhanced_code")
    parts = [_text(enhanced, key) for key in ("class", "subject", "detail")] if enhanced else []
    codes = read_codes(f"{_text(response, 'code')} {'.'.join(parts)}".strip())
    own = kind == "Rejection"  # of a client: the peer is who was refused
    peer, source = _inner(record, "peer_address"), _inner(record, "source_address")
    name, address = _text(peer, "name").strip(".").lower(), routable(_text(peer, "addr"))
    recipients = record.get("recipient")
    recipient = recipients[:1] if isinstance(recipients, list) else [recipients]
    return LogLine(
        "kumomta",
        f"{codes} {_text(response, 'content')}".strip(),
        _time(_text(record, "timestamp")),
        "delayed" if kind in _PASSING or (own and codes.final is False) else "failed",
        recipient="".join(one for one in recipient if isinstance(one, str)),
        codes=codes,
        host="" if own else name,
        host_address="" if own else address,
        client_address=address if own else routable(_text(source, "address").rpartition(":")[0]),
        mail_from=_text(record, "sender"),
        helo=_text(peer, "name") if own else "",
        own=own,
    )


def _powermta(row: dict[str, str]) -> LogLine | None:
    diagnostic, status = row.get("dsnDiag", ""), row.get("dsnStatus", "")
    action = row.get("dsnAction", "") or _POWERMTA[row["type"]]
    if action not in ("failed", "delayed") or not diagnostic + status:
        return None
    kind, _, text = diagnostic.partition(";")
    if not text or " " in kind:
        text = diagnostic
    host, _, address = row.get("dsnMta", "").partition(" (")
    return LogLine(
        "powermta",
        text.strip() or status,
        _time(row.get("timeLogged", "")),
        action,
        recipient=row.get("rcpt", ""),
        codes=read_codes(status.partition(" ")[0]),
        host=host.strip().lower(),
        host_address=address.strip(") "),
        client_address=routable(row.get("dlvSourceIp", "")),
        mail_from=row.get("orig", ""),
    )
