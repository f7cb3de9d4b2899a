"""`explain` and hostile input: nothing raises, and twice the input takes about twice the time."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from senderauth import ZoneResolver, sync
from senderauth.advice import Explainer
from senderauth.catalogue import is_log
from senderauth.catalogue.freeform import cut
from senderauth.report import explain_document, explain_text, groups_text, wording

ZONE = ZoneResolver.from_records({("shop.example", "TXT"): [b"v=spf1 -all"]})
PIECES = st.sampled_from(
    [
        b"550 5.7.1 SPF failed for ", b"shop.example", b"\n", b"\r\n", b"550-5.7.26 ", b"\x1b[2J",
        b"\xff\xfe",
        b"Final-Recipient: rfc822; ", b"Diagnostic-Code: smtp; ", b"From: <a@shop.example>\n", b"\n\n",
        b"Content-Type: multipart/report; boundary=b\n\n--b\n", b"DKIM-Signature: d=shop.example; s=", b"<>",
        b"Why?s=helo;id=", b";ip=203.0.113.9", b"to=<a@b.example>, ", b"status=bounced (", b"user@", b"[",
        b"Received: from x ([203.0.113.9])\n", "a@bücher.example".encode(), b"\x00",
        b"Spf= Fail , Dkim= Pass",
    ]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=14).map(b"".join)))
@example(b"550 5.7.1 SPF failed for " + b"a" * 300 + b".example")
@example(b"<" + b"x" * 70 + b"@shop.example>: Sender address rejected: Domain not found")
@settings(max_examples=250, deadline=None)
def test_nothing_raises_and_nothing_reaches_the_terminal_raw(data: bytes) -> None:
    report = sync.explain(data, ZONE)

    assert report.bounces
    assert report.exit_code() in (0, 1, 3)
    text = explain_text(report, wording("en"))
    assert all(line.isprintable() for line in text.split("\n"))
    explain_document(report.bounces, report.groups)
    is_log(data)


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_text_of_any_kind_is_explained(text: str) -> None:
    assert sync.explain(text).bounces


BOMBS: dict[str, Callable[[int], bytes]] = {
    "codes": lambda n: b"550-5.7.26 " * n,
    "nested parts": lambda n: b"From: a@b.example\nTo: c@d.example\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(n // 8)
    ),
    "recipients": lambda n: b"Reporting-MTA: dns; x.example\n\n" + b"".join(
        b"Final-Recipient: rfc822; u%d@d.example\nStatus: 5.1.1\n\n" % i for i in range(n // 8)
    ),
    "quotes and brackets": lambda n: b'<"[({' * n,
    "one endless word": lambda n: b"a" * (8 * n),
    "addresses": lambda n: b"a@b.example " * n,
    "spf words": lambda n: b"spf [a] with ip: [1.2.3.4] " * (n // 4),
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_twice_the_input_takes_about_twice_the_time(bomb: str) -> None:
    def seconds(size: int) -> float:
        data = BOMBS[bomb](size)
        started = time.process_time()
        sync.explain(data)
        return time.process_time() - started

    seconds(100)  # what is loaded once
    for _ in range(3):  # a busy machine may disturb one measurement
        small, large = seconds(8_000), seconds(32_000)
        if large < 12 * small + 0.2:
            return
    raise AssertionError(f"{bomb}: {small:.3f} s, four times as much {large:.3f} s")


def test_many_announcements_of_a_returned_message_take_linear_time() -> None:
    started = time.process_time()
    notice, returned = cut("Original message headers:\n" * 10_000)
    assert time.process_time() - started < 1
    assert (len(notice), returned) == (260_000, "")


def test_a_log_with_endless_causes_stays_bounded() -> None:
    line = (
        "Nov 24 10:00:01 mx postfix/smtp[2]: 4F1A23BCD1: to=<u{n}@d{n}.example>, relay=mx[192.0.2.9]:25, "
        "delay=1, delays=0/0/0/0, dsn=5.0.0, status=bounced (host mx[192.0.2.9] said: 55{d} 5.{m}.{m} "
        "SPF failed for shop{n}.example)"
    )
    explainer = Explainer(ZONE)
    lines = (line.format(n=n, m=n % 900, d=n % 9).encode() for n in range(600))
    reasons = [found.reason.id for found in sync.explain_log(lines, explainer)]

    assert len(reasons) == 600
    assert reasons.count("explain-too-many") >= 500
    (group,) = explainer.groups()
    assert (group.count, len(group.recipients)) == (600, 10)
    assert len(group.cases) <= 20
    assert "600" in groups_text(explainer.groups(), wording("en"))


DSN = b"""From: MAILER-DAEMON@mx.sender.example
To: a@shop.example
Subject: Undelivered Mail
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; %(reporter)s

Final-Recipient: rfc822; jan@gmail.example
Remote-MTA: dns; mx.gmail.example
Status: 5.7.26
Diagnostic-Code: smtp; 550 5.7.26 SPF [shop.example] does not pass with ip: [%(ip)s]; SPF check failed

--b
Content-Type: text/rfc822-headers

From: news@shop.example
DKIM-Signature: v=1; d=%(domain)s; s=%(selector)s

--b--
"""
SOUND = {
    b"reporter": b"mx.sender.example",
    b"ip": b"203.0.113.9",
    b"domain": b"shop.example",
    b"selector": b"s",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reporter", b"dce@esp.example"),
        ("reporter", b"a_b.example"),
        ("ip", b"fe80::1%eth0"),
        ("ip", b"nothing"),
        ("domain", b"shop.example:a@b.c"),
        ("domain", b"shop.efrom:a@b.c"),
        ("domain", b"a_b.example"),
        ("domain", "shop.exam\u00adple".encode()),
        ("selector", b"s:t"),
    ],
)
def test_a_fact_that_no_send_can_have_is_left_out(name: str, value: bytes) -> None:
    report = sync.explain(DSN % {**SOUND, name.encode(): value}, ZONE)
    assert report.bounces[0].recipient == "jan@gmail.example"
