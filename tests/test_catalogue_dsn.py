# ruff: noqa: E501 - notices stand as they come
"""What is a bounce and what is none, and what odd notices say: each case is one rule."""

import base64
import time
from encodings.aliases import aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth.catalogue import read_bounce
from senderauth.catalogue.dsn import recipients
from senderauth.catalogue.mime import parse
from senderauth.message import decode

ORIGINAL = """Received: from laptop.example.com (laptop.example.com [203.0.113.5]) by mail.example.com; Mon
From: Anna <anna@example.com>
To: jan@example.org
Subject: Hello
"""
FIELDS = """Reporting-MTA: dns; mail.example.com

Final-Recipient: rfc822; jan@example.org
Action: failed
Status: 5.7.1
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; 550 5.7.1 Email rejected per DMARC policy for example.com
"""


def head(*fields, sender="MAILER-DAEMON@mail.example.com"):
    return "\n".join((f"From: {sender}", "To: anna@example.com", "Subject: Hello", *fields)) + "\n"


def report(fields, kind="delivery-status", notice="It could not be delivered."):
    return (
        head(f'Content-Type: multipart/report; report-type={kind}; boundary="b"')
        + f"\n--b\n\n{notice}\n--b\nContent-Type: message/{kind}\n\n{fields}\n"
        + f"--b\nContent-Type: message/rfc822\n\n{ORIGINAL}\n--b--\n"
    )


def one(data):
    (bounce,) = read_bounce(data)
    return bounce


REPLY = ("Auto-Submitted: auto-replied",)
NO_BOUNCES = {
    "a holiday note": head(*REPLY, sender="jan@example.org") + "\nI am away. My mailbox is full of mail.\n",
    "a note of a new address": head(*REPLY, sender="jan@example.org")
    + "\nThis account does not exist soon.\n",
    "a German one": head("Auto-Submitted: auto-replied (vacation)", sender="jan@example.de")
    + "\nIch bin im Urlaub, das Postfach ist voll: mailbox full.\n",
    "an abuse report (RFC 5965)": report(
        "Feedback-Type: abuse\nVersion: 1\nUser-Agent: x/1\n", "feedback-report", "spam detected by a user"
    ),
    "a failure report (RFC 6591)": report(
        "Feedback-Type: auth-failure\nAuth-Failure: dmarc\n", "feedback-report", "an authentication failure"
    ),
    "a receipt (RFC 8098)": report(
        "Final-Recipient: rfc822; jan@example.org\nDisposition: manual-action/MDN-sent-manually; displayed\n",
        "disposition-notification",
        "This is a receipt. The user is unknown with SPF.",
    ),
}


@pytest.mark.parametrize("text", NO_BOUNCES.values(), ids=NO_BOUNCES)
def test_what_is_no_bounce_has_no_cause(text):
    assert one(text).matches[0].entry_id == ""
    assert one(text).action == ""


def test_an_automatic_answer_with_a_server_s_reply_is_a_bounce():
    text = head(*REPLY, sender="jan@example.org") + "\n550 5.1.1 User unknown\n"
    assert one(text).matches[0].entry_id == "recipient-unknown"


def test_a_bounce_that_was_forwarded_as_an_attachment_is_read():
    inner = report(FIELDS)
    text = (
        head('Content-Type: multipart/mixed; boundary="o"', sender="boss@example.com")
        + f"\n--o\n\nWhat is this?\n--o\nContent-Type: message/rfc822\n\n{inner}\n--o--\n"
    )
    bounce = one(text)
    assert (bounce.matches[0].entry_id, bounce.recipient) == ("dmarc-policy-refused", "jan@example.org")
    assert (bounce.refusing_host, bounce.fact("author")) == ("mx.example.org", "anna@example.com")


def test_forwarding_without_end_is_read_to_a_bound():
    text = report(FIELDS)
    for number in range(40):
        text = (
            head(f'Content-Type: multipart/mixed; boundary="o{number}"')
            + f"\n--o{number}\nContent-Type: message/rfc822\n\n{text}\n--o{number}--\n"
        )
    assert one(text).matches[0].entry_id == ""


def test_an_internationalised_address_in_ascii_is_undone():  # RFC 6533 3
    fields = "Final-Recipient: utf-8; j\\x{FC}rgen@example.org\nAction: failed\nStatus: 5.1.1\n"
    assert one(fields).recipient == "jürgen@example.org"
    for none in ("110000", "D800", "0A"):  # no character, half of one, no text
        assert one(fields.replace("FC", none)).recipient == f"j\\x{{{none}}}rgen@example.org"


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("utf-8; caf+C3+A9@example.org", "café@example.org"),
        ("utf-8; a+b@example.org", "a+b@example.org"),  # no xtext
        ("utf-8; 50%25+2B@example.org", "50%25+@example.org"),
        ("utf-8; j+5Cx{FC}rgen@example.org", "jürgen@example.org"),
        ("rfc822; a+2Bb@example.org", "a+2Bb@example.org"),
        ('rfc822; "john doe"@example.org', '"john doe"@example.org'),
        ("rfc822; <a@example.org> (him)", "a@example.org"),
        ("jan, jan@example.org", "jan@example.org"),
        ('rfc822; "a@b"@example.org', '"a@b"@example.org'),
        ("rfc822; @jan", ""),
        ("rfc822; jan@", ""),
    ],
)
def test_addresses_of_recipients(field, address):  # RFC 3461 4, RFC 3464 2.3.2, RFC 6533 3
    (found,) = recipients(f"Final-Recipient: {field}\nAction: (c) Failed (x)\nStatus: (y) 5.1.1\n")
    assert (found.address, found.action, found.status) == (address, "failed", "5.1.1")


def test_a_boundary_that_goes_on_is_another_s():  # RFC 2046 5.1.1
    inner = b"Content-Type: multipart/mixed; boundary=bx\n\n--bx\n\nhello\n--bx--"
    whole = b"Content-Type: multipart/report; boundary=b\n\n--b \t\nContent-Type: message/rfc822\n\n" + inner
    assert [part.body for part in parse(whole + b"\n--b--\n--b\n\nepilogue").parts] == [inner]


def test_an_address_literal_as_a_host():
    (found,) = recipients("Final-Recipient: rfc822; a@b.example\nRemote-MTA: dns; [IPv6:2001:db8::1]\n")
    assert found.remote_mta == "2001:db8::1"


def test_every_failed_recipient_that_a_header_names_gets_its_bounce():
    text = (
        head("X-Failed-Recipients: jan@example.org, piet@example.net")
        + "\nYour message could not be delivered: 552 5.3.4 Message size exceeds maximum permitted\n"
    )
    found = read_bounce(text)
    assert [bounce.recipient for bounce in found] == ["jan@example.org", "piet@example.net"]
    assert {bounce.matches[0].entry_id for bounce in found} == {"message-too-large"}


def test_qmail_s_recipients_have_answers_of_their_own_without_a_reply_code():
    text = (
        head()
        + "\nHi. This is the qmail-send program at mail.example.com.\n\n<jan@nosuch.example>:\n"
        + "Sorry, I couldn't find any host named nosuch.example. (#5.1.2)\n\n<piet@example.net>:\n"
        + "Sorry, I wasn't able to establish an SMTP connection. (#4.4.1)\n"
    )
    first, second = read_bounce(text)
    assert (first.codes.enhanced, first.matches[0].entry_id) == ("5.1.2", "recipient-domain-unknown")
    assert (second.codes.enhanced, second.matches[0].entry_id) == ("4.4.1", "recipient-server-unreachable")


HOSTS = {
    "qmail": (
        "<jan@example.org>:\n192.0.2.25 does not like recipient.\nRemote host said: 550 no such user\n"
        "Giving up on 192.0.2.25.\n",
        "",
        "192.0.2.25",
    ),
    "GMX": (
        "jan@example.org:\nSMTP error from remote server for RCPT TO command, host: mx.example.org (192.0.2.25) "
        "reason: 550 5.1.1 User unknown\n",
        "mx.example.org",
        "192.0.2.25",
    ),
    "Courier": (
        "<jan@example.org>:\n    mx.example.org [192.0.2.25]:\n>>> RCPT TO:<jan@example.org>\n<<< 550 User unknown.\n",
        "mx.example.org",
        "192.0.2.25",
    ),
    "Postfix in German": (
        "<jan@example.org>: Host mx.example.org[192.0.2.25] sagte: 550 5.1.1 Benutzer unbekannt\n",
        "mx.example.org",
        "192.0.2.25",
    ),
    "Exchange": (
        "Diagnostic information for administrators:\n\nGenerating server: ex01.corp.example\n\njan@example.org\n"
        "mx.example.org\nRemote Server returned '550 5.1.1 User unknown'\n",
        "mx.example.org",
        "",
    ),
}


@pytest.mark.parametrize(("notice", "host", "address"), HOSTS.values(), ids=HOSTS)
def test_who_refused_is_read_from_each_program_s_notice(notice, host, address):
    bounce = one(head() + "\n" + notice)
    assert (bounce.recipient, bounce.matches[0].entry_id) == ("jan@example.org", "recipient-unknown")
    assert (bounce.refusing_host, bounce.fact("refusing_address")) == (host, address)
    wrote = "ex01.corp.example" if "Generating server" in notice else "mail.example.com"
    assert bounce.reporting_host == wrote


def test_the_returned_message_of_opensmtpd_is_found():
    text = (
        head()
        + "\n    Hi!\n\njan@example.org: 550 5.7.1 DMARC failure for example.com\n\n"
        + f"    Below is a copy of the original message:\n\n{ORIGINAL}"
    )
    assert one(text).fact("author") == "anna@example.com"


def test_a_warning_of_exim_is_a_delay():
    text = (
        head()
        + "\nA message that you sent has not yet been delivered to one or more of its recipients after more "
        + "than 24 hours on the queue on mail.example.com.\n\n  jan@example.org\n\nNo action is required.\n"
    )
    bounce = one(text)
    assert (bounce.recipient, bounce.matches[0].entry_id) == ("jan@example.org", "delayed-notice")
    assert bounce.action == "delayed"


@pytest.mark.parametrize("charset", ["utf-16", "utf-16le", "utf-16be", "utf-32"])
def test_wide_charsets_are_read(charset):
    body = base64.encodebytes("<jan@example.org>: 550 5.1.1 User unknown\n".encode(charset)).decode()
    text = head(f"Content-Type: text/plain; charset={charset}", "Content-Transfer-Encoding: base64")
    bounce = one(text + "\n" + body)
    assert (bounce.recipient, bounce.codes.enhanced) == ("jan@example.org", "5.1.1")


CHARSETS = ["utf-16\0", "utf-7", "unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined", "é"]


@pytest.mark.parametrize("charset", CHARSETS)
def test_no_charset_that_is_named_raises_or_makes_half_characters(charset):
    text = head(f'Content-Type: text/plain; charset="{charset}"')
    octets = b"550 5.1.1 <jan@example.org>: User unknown\n\\ud800 +2AA- \xff"
    assert one(text.encode() + b"\n" + octets).codes.enhanced == "5.1.1"
    decode(octets, charset).encode()


@pytest.mark.parametrize("unit", ["@", "a@", "<@", "@;", "a"])
def test_no_address_takes_long_to_find(unit):
    started = time.process_time()
    recipients(f"Final-Recipient: rfc822; {unit * 16_000}=\nStatus: 5.1.1\n")
    assert time.process_time() - started < 0.5


NAMES = st.sampled_from(sorted({*aliases, *aliases.values(), "", "utf-16\0", "x-unknown"})) | st.text(
    max_size=12
)


@given(st.binary(max_size=60) | st.text("+-\\ud8xAB2 ").map(str.encode), NAMES)
def test_octets_become_text_whatever_charset_they_name(octets, charset):
    decode(octets, charset).encode()


def test_a_charset_that_takes_quadratic_time_is_none():
    started = time.process_time()
    decode(b"\xff-" + b"az9" * 200_000, "punycode")
    assert time.process_time() - started < 0.5
