"""Delivery status notifications: the machine-readable part (RFC 3464, RFC 6522, RFC 6533)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from senderauth.catalogue.mime import Part, split_header
from senderauth.message import without_comments

STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
OTHER_TYPES = ("message/feedback-report", "message/disposition-notification")
RETURNED_TYPES = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
)
MAX_RECIPIENTS = 200
# Possessive, and only where a word begins: else "@@@@" takes time with the square of the limits.
_ADDRESS = re.compile(
    r'(?<![^\s<>;,])((?:"(?:[^"\\]|\\.){1,64}+"|[^\s<>;,@]{1,255}+)@[^\s<>;,]{1,255}+)>?(?:\s|$)'
)
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_HOST = re.compile(r"(?:\S{1,20};\s{0,8})?\[?([^\s()\[\];]{1,255})\]?")
_REPORT_FIELDS = re.compile(
    r"^(?:Final-Recipient|Original-Recipient|Diagnostic-Code)[ \t]{0,4}:", re.M | re.I
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a notification says of one recipient. Empty: not said."""

    address: str
    action: str
    """RFC 3464 2.3.3, lower case: failed, delayed, delivered, relayed, expanded."""
    status: str
    remote_mta: str
    diagnostic_type: str
    diagnostic: str
    last_attempt: str
    reporting_mta: str
    arrival: str


def has_fields(text: str) -> bool:
    """Whether a pasted text holds the fields of a notification."""
    return _REPORT_FIELDS.search(text) is not None


def recipients(text: str) -> tuple[Recipient, ...]:
    """The recipients' blocks of a status part; each with the fields of the message's own block."""
    blocks = [split_header(block.strip("\n").encode())[0] for block in re.split(r"\n[ \t]*\n", text)]
    message: dict[str, str] = {}
    found: list[Recipient] = []
    for block in blocks:
        fields: dict[str, str] = {}
        for name, value in block:
            fields.setdefault(name, value)
        if not fields.keys() & {
            "final-recipient",
            "original-recipient",
            "diagnostic-code",
            "action",
            "status",
        }:
            message |= {name: value for name, value in fields.items() if name not in message}
        elif len(found) < MAX_RECIPIENTS:
            found.append(_recipient({**message, **fields}))
    return tuple(found)


def _recipient(fields: dict[str, str]) -> Recipient:
    kind, _, text = fields.get("diagnostic-code", "").partition(";")
    if not text or " " in kind.strip():  # no type before it
        kind, text = "", fields.get("diagnostic-code", "")
    action, _ = without_comments(fields.get("action", ""))
    status = _STATUS.search(fields.get("status", ""))
    return Recipient(
        address=_address(fields.get("final-recipient", "")) or _address(fields.get("original-recipient", "")),
        action=action.strip().partition(" ")[0].strip(" ;").lower(),
        status=status[1] if status else "",
        remote_mta=_host(fields.get("remote-mta", "")),
        diagnostic_type=kind.strip().lower(),
        diagnostic=text.strip(),
        last_attempt=fields.get("last-attempt-date", ""),
        reporting_mta=_host(fields.get("reporting-mta", "")),
        arrival=fields.get("arrival-date", ""),
    )


def _address(value: str) -> str:
    """The address behind its type, xtext undone (RFC 3461 4, RFC 6533 3)."""
    kind, _, text = value.rpartition(";")
    found = _ADDRESS.search(text.strip())
    if found is None:
        return ""
    address = found[1]
    if "utf-8" not in kind.lower():
        return address
    if "+" in address:
        address = unquote(_XTEXT.sub(r"%\1", address.replace("%", "%25")))
    return _ESCAPED.sub(_character, address)


def _character(escaped: re.Match[str]) -> str:
    number = int(escaped[1], 16)
    return chr(number) if number <= 0x10FFFF and chr(number).isprintable() else escaped[0]


def _host(value: str) -> str:
    found = _HOST.match(value.strip())
    name = found[1].strip(".").lower().removeprefix("ipv6:") if found else ""  # RFC 5321 4.1.3
    return name if "." in name or ":" in name else ""


def status_part(message: Part) -> Part | None:
    """The machine-readable part, if the message has one."""
    return next((part for part in message.walk() if part.type in STATUS_TYPES), None)


def is_other_report(message: Part) -> bool:
    """Whether it reports of another thing: a complaint (RFC 5965), a failed check (RFC 6591), a reading
    (RFC 8098).
    """
    return any(part.type in OTHER_TYPES for part in message.walk())


def returned_part(message: Part) -> bytes:
    """The returned message or its header, as sent; empty if there is none."""
    for part in message.walk():
        if part is not message and part.type in RETURNED_TYPES:
            return part.content().lstrip(b"\n")
    return b""
