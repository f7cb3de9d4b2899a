"""For the tests of programs that use senderauth: DNS without a network.

    >>> from senderauth.spf import check_host
    >>> zone = {("example.com", "TXT"): [b"v=spf1 a:slow.example"], ("slow.example", "A"): Status.TIMEOUT}
    >>> resolver = ZoneResolver.from_records(zone)
    >>> drive(check_host(resolver, "192.0.2.1", "example.com", "a@example.com", helo="mx.example.com")).result
    'temperror'

A tape recorded once with `RecordingResolver` is replayed with `ReplayResolver`; `strict=True` makes a
question that is not on it an error.
"""

from __future__ import annotations

from senderauth.dns import (
    Answer,
    OverlayResolver,
    Question,
    RecordingResolver,
    ReplayResolver,
    Status,
    ZoneResolver,
    drive,
    run,
)

__all__ = [
    "Answer",
    "OverlayResolver",
    "Question",
    "RecordingResolver",
    "ReplayResolver",
    "Status",
    "ZoneResolver",
    "drive",
    "run",
]
