"""Everything that a message says of itself, read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from senderauth.dkim import Field, split
from senderauth.message.author import Author, read_author
from senderauth.message.envelope import Envelope, read_envelope
from senderauth.message.received import MAX_HOPS, Hop, Trusted, parse_received
from senderauth.message.results import ResultsField, read_results
from senderauth.message.words import decode_words, unfold
from senderauth.values import Finding

MAX_VALUE = 2_000
SECONDS = 4_000_000_000
"""A Date beyond this many seconds since 1970 is none."""


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What a message says of itself."""

    size: int
    fields: int
    """How many header fields it has."""
    author: Author
    envelope: Envelope
    hops: tuple[Hop, ...]
    """From the newest to the oldest."""
    results: tuple[ResultsField, ...]
    """What others say they found."""
    subject: str
    message_id: str
    list_id: str
    date: int | None
    """Of the Date field, seconds since 1970."""
    findings: tuple[Finding, ...]


def read_message(
    message: bytes,
    *,
    ip: str | None = None,
    mail_from: str | None = None,
    helo: str | None = None,
    trusted: Trusted | None = None,
) -> MessageFacts:
    """Reads the header. What the caller knows of the envelope goes before what the message says. Never
    raises for what the message holds.
    """
    fields = split(message).fields
    wanted = [(one.name.decode("latin-1"), one.value) for one in fields if one.name in WANTED]
    author = read_author([value for name, value in wanted if name == "from"])
    received = [value for name, value in wanted if name == "received"][:MAX_HOPS]
    hops = tuple(parse_received(value, index) for index, value in enumerate(received))
    envelope = read_envelope(wanted, hops, trusted or Trusted(), ip=ip, mail_from=mail_from, helo=helo)
    return MessageFacts(
        len(message),
        len(fields),
        author,
        envelope,
        hops,
        read_results(wanted),
        decode_words(_text(wanted, "subject")),
        _text(wanted, "message-id"),
        _text(wanted, "list-id"),
        _date(_text(wanted, "date")),
        (*author.findings, *_findings(fields)),
    )


WANTED = frozenset(
    b"from received received-spf return-path authentication-results arc-authentication-results subject "
    b"message-id list-id date".split()
)


def _text(fields: Sequence[tuple[str, bytes]], name: str) -> str:
    return next((unfold(value, MAX_VALUE) for key, value in fields if key == name), "")


def _date(text: str) -> int | None:
    try:
        seconds = int(parsedate_to_datetime(text[:100]).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return seconds if 0 <= seconds < SECONDS else None


SINGLE = (b"date", b"subject", b"to", b"sender", b"reply-to", b"message-id", b"content-type")


def _findings(fields: Sequence[Field]) -> list[Finding]:
    """Fields that RFC 5322 3.6 allows once. Which of two a reader sees, nobody knows."""
    counts: dict[bytes, int] = {}
    for one in fields:
        if one.name in SINGLE:
            counts[one.name] = counts.get(one.name, 0) + 1
    doubled = {name.decode(): count for name, count in counts.items() if count > 1}
    if not doubled:
        return []
    facts: dict[str, object] = {"fields": list(doubled), "counts": list(doubled.values())}
    return [Finding("message-field-doubled", "medium", "header", facts, "RFC 5322 3.6")]
