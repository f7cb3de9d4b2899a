"""Mail logs as streams: the lines that tell of a refusal or a delay, as far as a program's format is known.

Postfix, Exim, Sendmail, qmail, lines of others with a whole reply, and the records of KumoMTA and PowerMTA. A
line is looked at closer only if a few cheap tests let it through: nearly all lines of a log tell of
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from senderauth.catalogue.codes import Codes
from senderauth.catalogue.logline import LogLine
from senderauth.catalogue.records import TELLING, columns_of, read_record

MAX_LINE = 16_384
_TIME = re.compile(
    r"^(?:<\d{1,3}>)?(?:1 )?([^\W\d]{3}\.? [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S{0,12})"
)
_POSTFIX = re.compile(
    r"postfix\S{0,60}\[\d{1,10}\]: (?:[0-9A-Za-z]{5,20}: )?to=<([^>]{0,320})>,(?: orig_to=<[^>]{0,320}>,)?"
    r" relay=([^\s,\[]{1,255})(?:\[([^\]]{1,64})\])?\S{0,10}, .{0,200}?(?:dsn=([245]\.\d{1,3}\.\d{1,3}), )?"
    r"status=(bounced|deferred|expired|undeliverable|softbounce) \((.{0,8000})\)\s*$"
)
_PATH = r"<?((?<=<)[^>]{0,320}|[^>\s]{0,320})>?"  # a web page may have eaten the brackets
_POSTFIX_REJECT = re.compile(
    r"(?:NOQUEUE|[0-9A-Za-z]{5,20}): (?:milter-)?reject: \S{1,40}(?: COMMAND)? "
    r"from ([^\s\[]{0,255})\[([^\]]{1,64})\]\S{0,10}: (.{1,8000}?); "
    rf"from={_PATH}(?: to={_PATH})?(?: proto=\S{{1,10}})?(?: helo=<?([^>\s]{{0,255}})>?)?"
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
    r"(?:sendmail|sm-mta)\S{0,20}\[\d{1,10}\]: (?:\S{1,40}: )?"
    r"(?:(?:Milter: |ruleset=check_)(?:(from=|mail, arg1=)|(?:to=|rcpt, arg1=))<?([^>,\s]{1,320}))?"
)
_SENDMAIL_RELAY = re.compile(r"[^\s,\[]{0,255} ?(?:\[([^\]]{1,64})\])?$")
# "192.0.2.9_does_not_like_recipient./Remote_host_said:_550_No_such_user/Giving_up_on_192.0.2.9./"
_QMAIL = re.compile(r" delivery \d{1,10}: (failure|deferral): (\S{1,8000})")
_QMAIL_REPLY = re.compile(r"/Remote_host_said:_(.{1,8000}?)(?:/Giving_up_on_|/?$)")
_QMAIL_HOST = re.compile(r"(?:^|_to_)(\d{1,3}(?:\.\d{1,3}){3})_")
_WHOLE_REPLY = re.compile(r"(?:^|[\s:\"(])([45]\d\d[- ][45]\.\d{1,3}\.\d{1,3} .{3,8000})$")
# One host's answer of several that Postfix tries; its line about the recipient follows.
_ATTEMPT = re.compile(r" postfix\S{0,60}\[\d{1,10}\]: [0-9A-Za-z]{5,20}: host \S{1,330} said: ")
_FAILED_REPLY = re.compile(rb"[45]\d\d[- ][45]\.\d{1,3}\.\d")


def read_lines(lines: Iterable[bytes | None]) -> Iterator[tuple[int, LogLine] | None]:
    """The telling lines with their numbers, from 1. Lines longer than MAX_LINE are cut. None for None."""
    columns: list[str] = []
    number = 0
    postfix = False
    for line in lines:
        if line is None:
            yield None
            continue
        number += 1
        if b"status=" in line:
            if b"status=sent" in line:
                continue
        elif line[:1] == b"{":
            if not TELLING.search(line):
                continue
        elif not (
            b"reject" in line
            or b" ** " in line
            or b" == " in line
            or b"stat=" in line
            or b" delivery " in line
            or (columns and line[:1] in b'btr"')
            or line[:5] in (b"type,", b'"type')
            or _FAILED_REPLY.search(line)
        ):
            postfix = postfix or b" postfix/" in line
            continue
        if postfix and b" policyd-spf[" in line:
            continue  # Postfix tells of the same refusal, and of the recipient
        text = line[:MAX_LINE].decode("utf-8", "replace").rstrip("\r\n")
        columns = columns_of(text) or columns
        found = read_record(text, columns) or (_syslog(text) if line[:1] != b"{" else None)
        if found is not None:
            yield number, found


def looks_like_log(text: str) -> bool:
    """Whether one of the first lines is a log line of a known format."""
    return any(
        found is not None and found[1].program != "reply"
        for found in read_lines(line.encode() for line in text[:65_536].split("\n")[:40])
    )


def is_log(head: bytes) -> bool:
    """Whether a file that begins so is a log: most lines have a time stamp or are records, or one of them
    tells of a bounce in a known format.
    """
    text = head[:65_536].decode("utf-8", "replace")
    lines = [line for line in text.split("\n")[:200] if line.strip()]
    if lines and columns_of(lines[0]):
        return True
    stamped = sum(bool(_TIME.match(line)) or line[:1] == "{" for line in lines)
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
        or _qmail(text, time)
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
        codes=Codes("", found[4] or ""),
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
    head, _, reply = text.partition(", reject=")
    reject = _SENDMAIL_REJECT.search(head) if reply else None
    client = _SENDMAIL_RELAY.match(head.rpartition(" relay=")[2]) if " relay=" in head else None
    if reject is not None and (client or reject[2]):  # what a milter says of DATA comes again as stat=
        who = reject[2] or ""
        return LogLine(
            "sendmail",
            reply[:8000],
            time,
            "delayed" if reply.startswith("4") else "failed",
            recipient="" if reject[1] else who,
            client_address=client[1] or "" if client else "",
            mail_from=who if reject[1] else "",
            own=True,
        )
    found = _SENDMAIL.search(text) if "stat=" in text else None
    if found is None or found[5].startswith("Sent"):
        return None
    code = found[4] or ""
    return LogLine(
        "sendmail",
        found[5],
        time,
        "delayed" if found[5].startswith(("Deferred", "queued")) or code.startswith("4") else "failed",
        recipient=found[1],
        codes=Codes("", code),
        host=(found[2] or "").strip(".").lower(),
        host_address=found[3] or "",
    )


def _qmail(text: str, time: str) -> LogLine | None:
    found = _QMAIL.search(text) if " delivery " in text else None
    if found is None:
        return None
    reply = _QMAIL_REPLY.search(found[2])
    host = _QMAIL_HOST.search(found[2])
    return LogLine(
        "qmail",
        (reply[1] if reply else found[2].strip("/")).replace("_", " "),
        time,
        "failed" if found[1] == "failure" else "delayed",
        host_address=host[1] if host else "",
    )


def _whole_reply(text: str, time: str) -> LogLine | None:
    found = None if _ATTEMPT.search(text) else _WHOLE_REPLY.search(text)
    if found is None:
        return None
    return LogLine("reply", found[1], time, "delayed" if found[1].startswith("4") else "failed")
