"""Mail logs as streams: the lines that tell of a refusal or a delay, as far as a program's format is known.

Postfix, Exim, Sendmail, rspamd-like lines with a whole reply, KumoMTA's JSON records, PowerMTA's CSV
accounting file. A line is looked at closer only if a few cheap tests let it through: nearly all lines of
a log tell of nothing.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from senderauth.catalogue.codes import Codes, read_codes

MAX_LINE = 16_384
_NO_CODES = Codes()


@dataclass(frozen=True, slots=True)
class LogLine:
    """What one line of a log says. Empty: not said."""

    program: str
    text: str
    time: str
    action: str
    """As in a DSN: "failed" or "delayed"."""
    recipient: str = ""
    codes: Codes = _NO_CODES
    host: str = ""
    """Who refused."""
    host_address: str = ""
    client_address: str = ""
    """Who was refused, where the line is the refusing server's own."""
    mail_from: str = ""
    helo: str = ""
    own: bool = False
    """The logging server refused itself."""


_TIME = re.compile(
    r"^(?:<\d{1,3}>)?([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,12})"
)
_POSTFIX = re.compile(
    r"postfix\S{0,60}\[\d{1,10}\]: (?:[0-9A-Za-z]{5,20}: )?to=<([^>]{0,320})>,(?: orig_to=<[^>]{0,320}>,)?"
    r" relay=([^\s,\[]{1,255})(?:\[([^\]]{1,64})\])?\S{0,10}, .{0,200}?dsn=([245]\.\d{1,3}\.\d{1,3}), "
    r"status=(bounced|deferred|expired|undeliverable|softbounce) \((.{0,8000})\)\s*$"
)
_POSTFIX_REJECT = re.compile(
    r"(?:NOQUEUE|[0-9A-Za-z]{5,20}): (?:milter-)?reject: \S{1,40}(?: COMMAND)? "
    r"from ([^\s\[]{0,255})\[([^\]]{1,64})\]\S{0,10}: (.{1,8000}?); from=<([^>]{0,320})>"
    r"(?: to=<([^>]{0,320})>)?(?: proto=\S{1,10})?(?: helo=<([^>]{0,255})>)?"
)
_EXIM = re.compile(
    r" [0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} (\*\*|==) (\S{1,320})(?: <(\S{1,320})>)?(.{0,8000})$"
)
_EXIM_HOST = re.compile(r" H=(\S{1,255}) \[([0-9a-fA-F:.]{2,45})\]")
_EXIM_REASON = re.compile(r": (SMTP error from remote .{0,8000}|[A-Za-z<(].{0,8000})$")
_EXIM_REJECT = re.compile(
    r" H=(?:\(([^)\s]{1,255})\) |([^\s\[(]{1,255}) (?:\([^)\s]{1,255}\) )?)?\[([0-9a-fA-F:.]{2,45})\]"
    r".{0,300}?(?: F=<([^>]{0,320})>)? (?:temporarily )?"
    r"rejected (?:RCPT <?([^>:\s]{1,320})>?|MAIL <?\S{1,320}|[A-Za-z ]{1,40}): (.{1,8000})$"
)
_SENDMAIL = re.compile(
    r"(?:sendmail|sm-mta)\S{0,20}\[\d{1,10}\]: \S{1,40}: to=<?([^>,\s]{1,320})>?,.{0,2000}? "
    r"(?:relay=([^\s,\[]{0,255}) ?(?:\[([^\]]{1,64})\])?, )?(?:dsn=([245]\.\d{1,3}\.\d{1,3}), )?"
    r"(?:reply=.{0,200}?, )?stat=(.{1,8000})$"
)
_SENDMAIL_REJECT = re.compile(
    r"(?:sendmail|sm-mta)\S{0,20}\[\d{1,10}\]: \S{1,40}: .{0,1000}? "
    r"relay=([^\s,\[]{0,255}) ?(?:\[([^\]]{1,64})\])?, reject=(.{1,8000})$"
)
_WHOLE_REPLY = re.compile(r"(?:^|[\s:\"(])([45]\d\d[- ][45]\.\d{1,3}\.\d{1,3} .{3,8000})$")
_FAILED_REPLY = re.compile(rb"[45]\d\d[- ][45]\.\d{1,3}\.\d")
_REPLY_IN_JSON = re.compile(rb'"(?:Bounce|TransientFailure|Rejection|Expiration|AdminBounce|OOB)"')


def read_lines(lines: Iterable[bytes]) -> Iterator[tuple[int, LogLine]]:
    """The telling lines with their numbers, from 1. Lines longer than MAX_LINE are cut."""
    columns: list[str] = []
    for number, line in enumerate(lines, 1):
        if b"status=" in line:
            if b"status=sent" in line:
                continue
        elif not (
            b"reject" in line
            or b" ** " in line
            or b" == " in line
            or b"stat=" in line
            or line[:1] in b'{btftr"'
            or _FAILED_REPLY.search(line)
        ):
            continue
        text = line[:MAX_LINE].decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith("type,"):  # PowerMTA writes the names of its columns first
            columns = next(csv.reader([text]), [])
            continue
        found = _record(text, columns) if text[:1] in '{btfr"' else None
        found = found or _syslog(text)
        if found is not None:
            yield number, found


def looks_like_log(text: str) -> bool:
    """Whether one of the first lines is a log line of a known format."""
    return any(
        found.program != "reply"
        for _, found in read_lines(line.encode() for line in text[:65_536].split("\n")[:40])
    )


def is_log(head: bytes) -> bool:
    """Whether a file that begins so is a log: most lines have a time stamp or are records, or one of them
    tells of a bounce in a known format.
    """
    text = head[:65_536].decode("utf-8", "replace")
    lines = [line for line in text.split("\n")[:200] if line.strip()]
    stamped = sum(bool(_TIME.match(line)) or line[:1] == "{" or line[:5] == "type," for line in lines)
    if stamped * 2 > len(lines):
        return len(lines) > 2 or looks_like_log(text)
    return looks_like_log(text) and stamped > 0


def _syslog(text: str) -> LogLine | None:
    stamp = _TIME.match(text)
    time = stamp[1] if stamp else ""
    return (
        _postfix(text, time)
        or _exim(text, time)
        or _sendmail(text, time)
        or _postfix_reject(text, time)
        or _exim_reject(text, time)
        or _whole_reply(text, time)
    )


def _postfix(text: str, time: str) -> LogLine | None:
    found = _POSTFIX.search(text) if "status=" in text else None
    if found is None:
        return None
    host = found[2].lower() if found[2] not in ("none", "local", "virtual") else ""
    return LogLine(
        "postfix",
        found[6],
        time,
        "delayed" if found[5] in ("deferred", "softbounce") else "failed",
        recipient=found[1],
        codes=Codes("", found[4]),
        host=host,
        host_address=found[3] or "",
    )


def _postfix_reject(text: str, time: str) -> LogLine | None:
    found = _POSTFIX_REJECT.search(text) if "reject: " in text else None
    if found is None:
        return None
    return LogLine(
        "postfix",
        found[3],
        time,
        "delayed" if found[3].startswith("4") else "failed",
        recipient=found[5] or "",
        client_address=found[2],
        mail_from=found[4] or "",
        helo=found[6] or "",
        own=True,
    )


def _exim(text: str, time: str) -> LogLine | None:
    found = _EXIM.search(text) if " ** " in text or " == " in text else None
    if found is None:
        return None
    host = _EXIM_HOST.search(found[4])
    reason = _EXIM_REASON.search(found[4])
    return LogLine(
        "exim",
        reason[1] if reason else found[4].strip(" :"),
        time,
        "failed" if found[1] == "**" else "delayed",
        recipient=found[3] or found[2].strip("<>:"),
        host=host[1].lower() if host else "",
        host_address=host[2] if host else "",
    )


def _exim_reject(text: str, time: str) -> LogLine | None:
    found = _EXIM_REJECT.search(text) if "rejected " in text and " H=" in text else None
    if found is None:
        return None
    return LogLine(
        "exim",
        found[6],
        time,
        "delayed" if "temporarily rejected" in text else "failed",
        recipient=found[5] or "",
        client_address=found[3],
        mail_from=found[4] or "",
        helo=found[1] or "",
        own=True,
    )


def _sendmail(text: str, time: str) -> LogLine | None:
    reject = _SENDMAIL_REJECT.search(text) if "reject=" in text else None
    if reject is not None:
        action = "delayed" if reject[3].startswith("4") else "failed"
        return LogLine("sendmail", reject[3], time, action, client_address=reject[2] or "", own=True)
    found = _SENDMAIL.search(text) if "stat=" in text else None
    if found is None or found[5].startswith("Sent"):
        return None
    code = found[4] or ""
    return LogLine(
        "sendmail",
        found[5],
        time,
        "delayed"
        if found[5].startswith(("Deferred", "queued")) or (found[4] or "").startswith("4")
        else "failed",
        recipient=found[1],
        codes=Codes("", code),
        host=(found[2] or "").strip(".").lower(),
        host_address=found[3] or "",
    )


def _whole_reply(text: str, time: str) -> LogLine | None:
    found = _WHOLE_REPLY.search(text)
    if found is None:
        return None
    return LogLine("reply", found[1], time, "delayed" if found[1].startswith("4") else "failed")


def _record(text: str, columns: list[str]) -> LogLine | None:
    if text.startswith("{"):
        try:
            record = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return _json(record) if isinstance(record, dict) else None
    try:
        row = next(csv.reader([text]), [])
    except csv.Error:  # a bare CR, a field beyond the bound
        return None
    if columns and row and row[0] in ("b", "t", "tq", "f", "r", "rb"):
        return _powermta(dict(zip(columns, row, strict=False)))
    return None


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def _json(record: dict[str, Any]) -> LogLine | None:
    """KumoMTA's log record, or PowerMTA's accounting row as JSON."""
    kind = _text(record, "type")
    if kind in ("b", "t", "tq", "f", "r", "rb"):
        return _powermta({key: _text(record, key) for key in record if isinstance(key, str)})
    response = record.get("response")
    if kind not in ("Bounce", "TransientFailure", "Rejection", "Expiration") or not isinstance(
        response, dict
    ):
        return None
    enhanced = response.get("enhanced_code")
    parts = (
        [_text(enhanced, key) for key in ("class", "subject", "detail")] if isinstance(enhanced, dict) else []
    )
    codes = read_codes(f"{_text(response, 'code')} {'.'.join(parts)}".strip())
    peer = record.get("peer_address")
    peer = peer if isinstance(peer, dict) else {}
    recipient = record.get("recipient")
    first = recipient[0] if isinstance(recipient, list) and recipient else recipient
    return LogLine(
        "kumomta",
        f"{codes} {_text(response, 'content')}".strip(),
        _text(record, "timestamp") or _text(record, "event_time"),
        "delayed" if kind == "TransientFailure" else "failed",
        recipient=first if isinstance(first, str) else "",
        codes=codes,
        host=_text(peer, "name").strip(".").lower() if kind != "Rejection" else "",
        host_address=_text(peer, "addr").partition(":25")[0],
        mail_from=_text(record, "sender"),
        own=kind == "Rejection",
    )


def _powermta(row: dict[str, str]) -> LogLine | None:
    diagnostic = row.get("dsnDiag", "")
    status = row.get("dsnStatus", "")
    kind, _, text = diagnostic.partition(";")
    if not text or " " in kind:
        text = diagnostic
    host, _, address = row.get("dsnMta", "").partition(" (")
    return LogLine(
        "powermta",
        text or status,
        row.get("timeLogged", ""),
        "delayed" if row.get("type", "").startswith("t") else "failed",
        recipient=row.get("rcpt", ""),
        codes=read_codes(status.partition(" ")[0]),
        host=host.strip().lower(),
        host_address=address.strip(") "),
        mail_from=row.get("orig", ""),
    )
