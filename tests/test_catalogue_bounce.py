# ruff: noqa: E501 - replies and log lines stand as they come
"""Bounces as they come: every form gives recipient, answer, codes, who said it and what it means."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senderauth.catalogue import Codes, is_log, read_bounce, read_log

DSN = b"""Return-Path: <>
From: MAILER-DAEMON@mx.sender.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="b1"

--b1
Content-Type: text/plain

This is the mail system. Two recipients could not be reached.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.sender.example
Arrival-Date: Tue, 4 Aug 2026 10:00:00 +0200

Final-Recipient: rfc822; jan@gmail.example
Action: failed
Status: 5.7.26
Remote-MTA: dns; gmail-smtp-in.l.google.com
Diagnostic-Code: smtp; 550-5.7.26 Unauthenticated email from shop.example is
    not accepted due to 550-5.7.26 domain's DMARC policy. Please contact the
    administrator of 550 5.7.26 shop.example domain - gsmtp
Last-Attempt-Date: Tue, 4 Aug 2026 10:00:05 +0200

Final-Recipient: rfc822;piet@full.example
Action: failed
Status: 4.2.2 (mailbox full)
Remote-MTA: dns; mx.full.example
Diagnostic-Code: smtp; 452 4.2.2 Mailbox full

--b1
Content-Type: message/rfc822

Return-Path: <bounce@esp.example>
Received: from app (app [203.0.113.7]) by mx.sender.example
DKIM-Signature: v=1; a=rsa-sha256; d=esp.example; s=s1;
\tb=abc
From: "Shop" <news@shop.example>
To: jan@gmail.example
Message-ID: <1@shop.example>

Hello
--b1--
"""


def test_a_notification_gives_one_bounce_for_each_recipient():
    jan, piet = read_bounce(DSN)
    assert (jan.form, jan.recipient, jan.action) == ("notification", "jan@gmail.example", "failed")
    assert jan.codes == Codes("550", "5.7.26")
    assert (jan.refusing_host, jan.reporting_host) == ("gmail-smtp-in.l.google.com", "mx.sender.example")
    assert jan.provider == "gmail"
    assert (jan.matches[0].id, jan.matches[0].rank) == ("gmail-dmarc-rejected", "provider-text")
    assert jan.time == "Tue, 4 Aug 2026 10:00:05 +0200"
    assert jan.returned.startswith(b"Return-Path: <bounce@esp.example>")
    assert (piet.recipient, piet.matches[0].id) == ("piet@full.example", "mailbox-full")
    assert piet.permanence == "temporary", "of the cause"
    assert piet.action == "failed", "the fate of the message, given up after the queue time"


def test_every_fact_says_where_it_was_found():
    facts = {fact.name: (fact.value, fact.source) for fact in reversed(read_bounce(DSN)[0].facts)}
    assert facts["author_domain"] == ("shop.example", "diagnostic-code"), (
        "the answer wins over the returned mail"
    )
    assert facts["author"] == ("news@shop.example", "returned-from")
    assert facts["mail_from"] == ("bounce@esp.example", "returned-return-path")
    assert facts["dkim_domain"] == ("esp.example", "returned-dkim-signature")
    assert facts["dkim_selector"] == ("s1", "returned-dkim-signature")
    assert facts["recipient"] == ("jan@gmail.example", "final-recipient")
    assert facts["refusing_host"] == ("gmail-smtp-in.l.google.com", "remote-mta")
    assert facts["reporting_host"] == ("mx.sender.example", "reporting-mta")
    assert facts["message_id"] == ("1@shop.example", "returned-message-id")


def test_line_ends_and_a_text_instead_of_bytes_make_no_difference():
    plain = read_bounce(DSN)
    assert read_bounce(DSN.replace(b"\n", b"\r\n")) == plain
    assert read_bounce(DSN.decode()) == plain


def test_an_internationalised_notification():
    data = DSN.replace(b"message/delivery-status", b"message/global-delivery-status")
    data = data.replace(b"rfc822; jan@gmail.example", "utf-8; jürgen@gmail.example".encode())
    assert read_bounce(data)[0].recipient == "jürgen@gmail.example"
    assert read_bounce(data.replace("jürgen".encode(), b"jan+2Bx"))[0].recipient == "jan+x@gmail.example"


def test_pasted_fields_of_a_notification():
    text = "Final-Recipient: rfc822; jan@example.org\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 User unknown"
    (found,) = read_bounce(text)
    assert (found.recipient, found.matches[0].id, str(found.codes)) == (
        "jan@example.org",
        "recipient-unknown",
        "550 5.1.1",
    )


def test_the_notice_speaks_where_the_fields_do_not():
    data = DSN.replace(
        b"This is the mail system.",
        b"<jan@gmail.example>: host x.google.com[192.0.2.9] said: 550 5.7.1 SPF failed for a.example",
    )
    start, end = data.index(b"Diagnostic-Code: smtp; 550-"), data.index(b"Last-Attempt-Date")
    (found, _) = read_bounce(data[:start] + data[end:])
    assert found.matches[0].id == "spf-failed-for"
    assert {fact.source for fact in found.facts if fact.name == "mail_from_domain"} == {"notice"}


HEAD = (
    "From: MAILER-DAEMON@mx.sender.example\nSubject: failure notice\nDate: Tue, 4 Aug 2026 10:00:00 +0200\n\n"
)
RETURNED = "Return-Path: <a@shop.example>\nFrom: news@shop.example\nSubject: hi\n\nbody\n"

QMAIL = (
    "Hi. This is the qmail-send program at mx.sender.example.\nI'm afraid I wasn't able to deliver your message.\n\n"
    "<jan@example.org>:\n192.0.2.9 does not like recipient.\nRemote host said: 550 5.1.1 User unknown\n"
    "Giving up on 192.0.2.9.\n\n<piet@example.net>:\nConnected to 192.0.2.8 but sender was rejected.\n"
    "Remote host said: 550 5.7.1 SPF failed for shop.example\n\n"
    "--- Below this line is a copy of the message.\n\n" + RETURNED
)
EXIM = (
    "This message was created automatically by mail delivery software.\n\n"
    "A message that you sent could not be delivered to one or more of its recipients.\n\n"
    "  jan@example.org\n    host mx.example.org [192.0.2.9]\n"
    "    SMTP error from remote mail server after RCPT TO:<jan@example.org>:\n"
    "    550 5.7.23 [SPF] 203.0.113.7 is not allowed to send mail from shop.example.\n\n"
    "------ This is a copy of the message, including all the headers. ------\n\n" + RETURNED
)
EXCHANGE = (
    "Delivery has failed to these recipients or groups:\n\njan@example.org\n"
    "Your message wasn't delivered.\n\nDiagnostic information for administrators:\n\n"
    "Generating server: mx.contoso.example\n\njan@example.org\n"
    "Remote Server returned '550 5.7.509 Access denied, sending domain [SHOP.EXAMPLE] does not pass DMARC "
    "verification and has a DMARC policy of reject.'\n\nOriginal message headers:\n\n" + RETURNED
)
GMAIL = (
    "Delivery to the following recipient failed permanently:\n\n     jan@example.org\n\n"
    "Technical details of permanent failure:\nGoogle tried to deliver your message, but it was rejected by the server "
    "for the recipient domain example.org by mx.example.org. [192.0.2.9].\n\n"
    "The error that the other server returned was:\n550 5.7.1 rejected by DMARC policy for shop.example\n\n\n"
    "----- Original message -----\n\n" + RETURNED
)
YAHOO = (
    "Sorry, we were unable to deliver your message to the following address.\n\n<jan@example.org>:\n"
    "Remote host said: 554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes\n\n"
    "--- Below this line is a copy of the message.\n\n" + RETURNED
)
SENDMAIL = (
    "The original message was received at Tue, 4 Aug 2026 10:00:00 +0200\n\n"
    "   ----- The following addresses had permanent fatal errors -----\n<jan@example.org>\n"
    "    (reason: 550-5.7.26 The MAIL FROM domain [shop.example] has an SPF record with a)\n\n"
    "   ----- Transcript of session follows -----\n... while talking to gmail-smtp-in.l.google.com.:\n>>> DATA\n"
    "<<< 550-5.7.26 The MAIL FROM domain [shop.example] has an SPF record with a hard fail\n"
    "<<< 550-5.7.26 policy (-all) but it fails to pass SPF checks with the ip:\n<<< 550 5.7.26 [203.0.113.7].\n"
    "554 5.0.0 Service unavailable\n"
)
POSTFIX = (
    "This is the mail system at host mx.sender.example.\n\n"
    "<jan@example.org>: host mx.example.org[192.0.2.9] said: 550 5.7.1 Email rejected per DMARC\n"
    "    policy for shop.example (in reply to end of DATA command)\n"
)


@pytest.mark.parametrize(
    ("notice", "id", "code", "host", "facts"),
    [
        (QMAIL, "recipient-unknown", "550 5.1.1", "", {}),
        (
            EXIM,
            "exim-spf-debian",
            "550 5.7.23",
            "mx.example.org",
            {"address": "203.0.113.7", "mail_from_domain": "shop.example"},
        ),
        (
            EXCHANGE,
            "microsoft-dmarc-rejected",
            "550 5.7.509",
            "",
            {"author_domain": "shop.example", "policy": "reject"},
        ),
        (
            GMAIL,
            "opendmarc-reject",
            "550 5.7.1",
            "mx.example.org",
            {"author_domain": "shop.example", "refusing_address": "192.0.2.9"},
        ),
        (YAHOO, "yahoo-policy", "554 5.7.9", "", {}),
        (
            SENDMAIL,
            "gmail-spf-hard-fail",
            "550 5.7.26",
            "gmail-smtp-in.l.google.com",
            {"address": "203.0.113.7"},
        ),
        (POSTFIX, "dmarc-policy-refused", "550 5.7.1", "mx.example.org", {"refusing_address": "192.0.2.9"}),
    ],
    ids=["qmail", "exim", "exchange", "gmail", "yahoo", "sendmail", "postfix"],
)
@pytest.mark.parametrize("form", ["notice", "text"])
def test_free_form_bounces(notice, id, code, host, facts, form):
    found = read_bounce((HEAD if form == "notice" else "") + notice)[0]
    assert (found.form, found.matches[0].id, str(found.codes)) == (form, id, code)
    assert (found.recipient, found.refusing_host) == ("jan@example.org", host)
    assert {name: found.fact(name) for name in facts} == facts
    if RETURNED in notice:
        assert found.returned.startswith(b"Return-Path")
        assert found.fact("author") == "news@shop.example"


OUTLOOK = {
    "its own words in English": (
        "Your message to jan@hotmail.example couldn't be delivered.\n\nOriginal Message Details\n"
        "Sender Address: anna@shop.example\nRecipient Address: jan@hotmail.example\nSubject: Test\n\n"
        "Error Details\nError: 550 5.7.515 Access denied, sending domain shop.example doesn't meet the required "
        "authentication level. Spf= Fail , Dkim= Pass , DMARC= Fail\n"
        "Message rejected by: AM0.eurprd01.prod.exchangelabs.com\n",
        "authentication-level-too-low", "am0.eurprd01.prod.exchangelabs.com", "", "mail_from", "anna@shop.example",
    ),
    "another's words in German": (
        "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:\n\njan@hotmail.example\n"
        "Generierender Server: AM0.eurprd01.prod.exchangelabs.com\n\njan@hotmail.example\n"
        "Remote Server returned '550 5.7.1 Email rejected per DMARC policy for shop.example'\n\n"
        "Ursprüngliche Nachrichtenkopfzeilen:\n\nFrom: anna@shop.example\nSubject: Test\n",
        "dmarc-policy-refused", "", "am0.eurprd01.prod.exchangelabs.com", "author", "anna@shop.example",
    ),
    "another's words, named": (
        "jan@hotmail.example\nGenerating server: AM0.eurprd01.prod.exchangelabs.com\n"
        "Remote Server returned '<mx.example.org #5.7.1 smtp;550 5.7.1 Email rejected per DMARC policy for shop.example>'\n",
        "dmarc-policy-refused", "mx.example.org", "am0.eurprd01.prod.exchangelabs.com", "author_domain", "shop.example",
    ),
    "in Dutch": (
        "Uw bericht aan jan@hotmail.example kan niet worden bezorgd.\n\nServer waarop dit bericht is gegenereerd: "
        "AM0.eurprd01.prod.exchangelabs.com\n\njan@hotmail.example\nRemote Server returned '550 5.1.10 "
        "RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup'\n\nOorspronkelijke berichtkoppen:\n\n"
        "From: anna@shop.example\nSubject: Test\n",
        "recipient-unknown", "", "am0.eurprd01.prod.exchangelabs.com", "author", "anna@shop.example",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("notice", "id", "refuser", "writer", "name", "value"), OUTLOOK.values(), ids=OUTLOOK.keys()
)
def test_notices_of_exchange_in_three_languages(notice, id, refuser, writer, name, value):
    (found,) = read_bounce(notice)
    assert (found.matches[0].entry_id, found.recipient) == (id, "jan@hotmail.example")
    assert (found.refusing_host, found.reporting_host) == (refuser, writer)
    assert found.fact(name) == value


@pytest.mark.parametrize(
    ("text", "recipient"),
    [
        ("550 5.1.1 <jan@example.org>: User unknown", "jan@example.org"),
        ("<jan@example.org>... Mailbox full", "jan@example.org"),
        ("554 5.7.1 <jan@example.org>: Relay access denied", "jan@example.org"),
        ("550 5.1.8 <a@example.com>: Sender address rejected: Domain not found", ""),
        ("550 <a@example.com>: Reject due to SPF policy.", ""),
    ],
)
def test_a_pasted_answer_begins_with_the_recipient_it_is_about(text, recipient):
    assert read_bounce(text)[0].recipient == recipient


def test_a_free_form_notice_with_two_recipients_gives_two_bounces():
    found = read_bounce(QMAIL)
    assert [(b.recipient, b.matches[0].id) for b in found] == [
        ("jan@example.org", "recipient-unknown"),
        ("piet@example.net", "spf-failed-for"),
    ]


def test_a_forwarded_bounce_is_read_through_its_quote_marks():
    quoted = "\n".join("> " + line for line in POSTFIX.split("\n"))
    assert read_bounce("See below:\n\n" + quoted)[0].matches[0].id == "dmarc-policy-refused"


def test_html_and_base64_notices():
    import base64

    html = "<html><head><title>x</title></head><body><p>Failed:<br>550 5.7.1 SPF failed for&nbsp;<b>shop.example</b></p>"
    mail = HEAD.replace(
        "\n\n", "\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    )
    (found,) = read_bounce(mail + base64.encodebytes(html.encode()).decode())
    assert found.matches[0].id == "spf-failed-for"
    assert found.fact("mail_from_domain") == "shop.example"


LOGS = [
    (
        "postfix bounced",
        "Aug  4 10:11:12 mx1 postfix/smtp[123]: 4F00AB: to=<jan@gmail.example>, relay=gmail-smtp-in.l.google.com[192.0.2.9]:25, "
        "delay=1, delays=0.1/0/0.4/0.5, dsn=5.7.26, status=bounced (host gmail-smtp-in.l.google.com[192.0.2.9] said: 550-5.7.26 "
        "Unauthenticated email from shop.example is not accepted due to 550-5.7.26 domain's DMARC policy. (in reply to end of DATA command))",
        "gmail-dmarc-rejected", "failed", "jan@gmail.example", "550 5.7.26",
    ),
    (
        "postfix deferred",
        "2026-08-04T10:11:12.123456+02:00 mx1 postfix/smtp[123]: 4F00AB: to=<jan@example.org>, orig_to=<j@example.net>, relay=none, "
        "delay=30, delays=0/0/30/0, dsn=4.4.1, status=deferred (connect to mx.example.org[192.0.2.9]:25: Connection timed out)",
        "recipient-server-unreachable", "delayed", "jan@example.org", "4.4.1",
    ),
    (
        "postfix refuses itself",
        "Aug  4 10:11:12 mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from mail.example.net[203.0.113.7]: 550 5.7.23 <jan@example.org>: "
        "Recipient address rejected: Message rejected due to: SPF fail - not authorized. Please see "
        "http://www.openspf.net/Why?s=mfrom;id=a@shop.example;ip=203.0.113.7;r=mx; from=<a@shop.example> to=<jan@example.org> proto=ESMTP helo=<mail.example.net>",
        "policyd-spf-fail", "failed", "jan@example.org", "550 5.7.23",
    ),
    (
        "a milter refuses",
        "Aug  4 10:11:12 mx1 postfix/cleanup[9]: 4F00AB: milter-reject: END-OF-MESSAGE from mail.example.net[203.0.113.7]: 5.7.1 rejected by "
        "DMARC policy for shop.example; from=<a@shop.example> to=<jan@example.org> proto=ESMTP helo=<mail.example.net>",
        "opendmarc-reject", "failed", "jan@example.org", "5.7.1",
    ),
    (
        "exim failed",
        "2026-08-04 10:11:12 1abcde-000ABC-1x ** jan@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.9]: SMTP error from "
        "remote mail server after end of data: 550 5.7.1 Email rejected per DMARC policy for shop.example",
        "dmarc-policy-refused", "failed", "jan@example.org", "550 5.7.1",
    ),
    (
        "exim deferred",
        "2026-08-04 10:11:12 1abcde-00000000ABC-1xyz == jan@example.org R=dnslookup T=remote_smtp defer (-45) H=mx.example.org [192.0.2.9]: "
        "SMTP error from remote mail server after RCPT TO:<jan@example.org>: 451 4.7.1 Greylisted, please come back later",
        "generic-greylist", "delayed", "jan@example.org", "451 4.7.1",
    ),
    (
        "exim refuses itself",
        "2026-08-04 10:11:12 H=mail.example.net [203.0.113.7] F=<a@shop.example> rejected RCPT <jan@example.org>: "
        "[SPF] 203.0.113.7 is not allowed to send mail from shop.example.",
        "exim-spf-debian", "failed", "jan@example.org", "",
    ),
    (
        "sendmail failed",
        "Aug  4 10:11:12 mx1 sendmail[77]: u5abc: to=<jan@example.org>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=30, "
        "relay=mx.example.org. [192.0.2.9], dsn=5.1.1, stat=User unknown",
        "recipient-unknown", "failed", "jan@example.org", "5.1.1",
    ),
    (
        "sendmail refuses itself",
        "Aug  4 10:11:12 mx1 sm-mta[77]: u5abc: ruleset=check_rcpt, arg1=<jan@example.org>, relay=mail.example.net [203.0.113.7], "
        "reject=550 5.7.1 <jan@example.org>... Relaying denied",
        "relay-denied", "failed", "jan@example.org", "550 5.7.1",
    ),
    (
        "kumomta",
        json.dumps({
            "type": "Bounce", "sender": "a@shop.example", "recipient": "jan@example.org", "timestamp": 1769588601,
            "peer_address": {"name": "mta5.am0.yahoodns.net.", "addr": "192.0.2.9"},
            "response": {"code": 554, "enhanced_code": {"class": 5, "subject": 7, "detail": 9},
                         "content": "Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes"},
        }),
        "yahoo-policy", "failed", "jan@example.org", "554 5.7.9",
    ),
    (
        "powermta as json",
        json.dumps({"type": "b", "timeLogged": "2026-08-04", "orig": "a@shop.example", "rcpt": "jan@example.org", "dsnStatus": "5.7.1 (x)",
                    "dsnDiag": "smtp;550 5.7.1 SPF failed for shop.example", "dsnMta": "mx.example.org (192.0.2.9)"}),
        "spf-failed-for", "failed", "jan@example.org", "550 5.7.1",
    ),
    ("a whole reply in another's log", "Aug  4 10:11:12 app worker[3]: 550 5.7.1 SPF failed for shop.example", "spf-failed-for", "failed", "", "550 5.7.1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "id", "action", "recipient", "code"),
    [row[1:] for row in LOGS],
    ids=[row[0].replace(" ", "-") for row in LOGS],
)
def test_log_lines(line, id, action, recipient, code):
    dull = b"Aug  4 10:11:12 mx1 postfix/qmgr[1]: 4F00AB: removed\n"
    (found,) = read_log([dull, line.encode() + b"\n", dull])
    assert (found.form, found.line) == ("log", 2)
    assert (found.matches[0].id, found.action) == (id, action)
    assert (found.recipient, str(found.codes)) == (recipient, code)


def test_a_refusing_servers_own_log_names_the_refused_client():
    (found,) = read_log([LOGS[2][1].encode()])
    assert found.fact("address") == "203.0.113.7"
    assert found.fact("helo") == "mail.example.net"
    assert found.fact("mail_from") == "a@shop.example"


def test_the_csv_accounting_file_of_powermta():
    lines = [
        b"type,timeLogged,timeQueued,orig,rcpt,orcpt,dsnAction,dsnStatus,dsnDiag,dsnMta\n",
        b"d,2026-08-04,2026-08-04,a@shop.example,x@example.org,,relayed,2.0.0 (ok),smtp;250 ok,mx.example.org (192.0.2.9)\n",
        b'b,2026-08-04,2026-08-04,a@shop.example,jan@example.org,,failed,5.7.1 (no),"smtp;550 5.7.1 SPF failed for shop.example",'
        b"mx.example.org (192.0.2.9)\n",
    ]
    (found,) = read_log(lines)
    assert (found.recipient, found.matches[0].id, found.refusing_host) == (
        "jan@example.org",
        "spf-failed-for",
        "mx.example.org",
    )


PMTA = b"type,timeLogged,orig,rcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,dlvSourceIp"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b"d,1785830400,a@shop.example,jan@example.org,relayed,2.0.0 (ok),smtp;250 ok,,203.0.113.9", None),
        (b"r,1785830400,a@shop.example,jan@example.org,,,,,", None),
        (b"f,1785830400,a@shop.example,jan@example.org,,,,,", None),
        (b"rs,1785830400,a@shop.example,jan@example.org,delivered,2.0.0 (ok),,,", None),
        (b"rs,1785830400,,jan@example.org,delayed,4.4.1 (no answer),,,", ("delayed", "4.4.1", "")),
        (b"t,1785830400,,jan@example.org,delayed,4.2.2 (full),smtp;452 mailbox full,,203.0.113.9", ("delayed", "452 4.2.2", "203.0.113.9")),
        (b"b,1785830400,,jan@example.org,failed,5.4.4 (unable to route),,,10.0.0.3", ("failed", "5.4.4", "")),
        (b"rb,1785830400,,jan@example.org,failed,5.2.2 (full),,,", ("failed", "5.2.2", "")),
    ],
    ids=["delivered", "received", "complaint", "delivered-there", "delayed-there", "delayed", "behind-nat", "bounced-there"],
)  # fmt: skip
def test_which_accounting_records_are_bounces(row, told):
    found = list(read_log([PMTA, row]))
    assert [(b.action, str(b.codes), b.fact("address")) for b in found] == ([told] if told else [])
    assert [b.time for b in found] == ["2026-08-04T08:00:00Z"] * len(found)


def kumo(kind, code, **more):
    enhanced = dict(zip(("class", "subject", "detail"), (code // 100, 7, 1), strict=True))
    response = {"code": code, "enhanced_code": enhanced, "content": "no", "command": None}
    return json.dumps({"type": kind, "recipient": "jan@example.org", "response": response, **more}).encode()


@pytest.mark.parametrize(
    ("kind", "code", "action"),
    [
        ("Delivery", 250, None), ("Reception", 250, None), ("Feedback", 250, None), ("Bounce", 550, "failed"),
        ("TransientFailure", 450, "delayed"), ("Delay", 400, "delayed"), ("Expiration", 551, "failed"),
        ("AdminBounce", 551, "failed"), ("OOB", 552, "failed"), ("Rejection", 451, "delayed"), ("Rejection", 550, "failed"),
    ],
)  # fmt: skip
def test_which_records_of_kumomta_are_bounces(kind, code, action):
    assert [b.action for b in read_log([kumo(kind, code)])] == ([action] if action else [])


def test_kumomta_tells_from_where_it_sent_and_whom_it_refused():
    mx = {"name": "mx.example.org.", "addr": "198.51.100.7"}
    (sent,) = read_log([kumo("Bounce", 550, peer_address=mx, source_address={"address": "203.0.113.9:5321"})])
    assert (sent.refusing_host, sent.fact("address")) == ("mx.example.org", "203.0.113.9")
    (mapped,) = read_log(
        [kumo("Bounce", 550, peer_address=mx, source_address={"address": "[2001:db8::9]:0"})]
    )
    assert mapped.fact("address") == "2001:db8::9"
    (inside,) = read_log([kumo("Bounce", 550, peer_address=mx, source_address={"address": "10.0.0.1:5321"})])
    assert inside.fact("address") == ""
    client = {"name": "mail.example.net", "addr": "203.0.113.9"}
    (refused,) = read_log([kumo("Rejection", 550, peer_address=client, recipient=["jan@example.org"])])
    assert (refused.refusing_host, refused.recipient) == ("", "jan@example.org")
    assert (refused.fact("address"), refused.fact("helo")) == ("203.0.113.9", "mail.example.net")


def test_an_accounting_file_is_a_log_though_nothing_bounced_yet():
    assert is_log(PMTA + b"\n" + b"d,1785830400,,jan@example.org,relayed,2.0.0 (ok),,,\n" * 500)


@pytest.mark.parametrize("month", ["Aug  4", "Aug 04", "mrt 04", "M\u00e4r 04"])
def test_time_stamps_of_syslog_and_journal_in_several_languages(month):
    (found,) = read_log([LOGS[0][1].replace("Aug  4", month).encode()])
    assert found.time == f"{month} 10:11:12"


def test_a_pasted_log_is_read_as_a_log():
    found = read_bounce("\n".join(row[1] for row in LOGS[:3]))
    assert [bounce.line for bounce in found] == [1, 2, 3]


def test_a_failure_of_unknown_words_is_said_to_be_unknown():
    line = b"Aug  4 10:11:12 mx1 postfix/smtp[1]: 4F00AB: to=<a@example.org>, relay=mx.example.org[192.0.2.9]:25, delay=1, dsn=5.7.1, status=bounced (host said: 550 5.7.1 xyzzy)"
    (found,) = read_log([line])
    assert (found.matches[0].id, found.matches[0].rank) == ("", "unknown")
    assert found.matches[0].meanings[0] == "x.7.1"


def test_lines_that_tell_of_nothing_give_nothing():
    dull = [
        b"",
        b"\n",
        b"\xff\xfe\x00",
        b"status=sent",
        b"{",
        b"{}",
        b"[" * 50_000,
        b"to=<a> 550 is a number",
        b"b,,,",
        b"type,",
        b"x" * 100_000,
    ]
    assert list(read_log(dull)) == []


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"\0" * 1_000, bytes(range(256)) * 50, b"550", b"From: a@b.example\nTo: c@d.example\n",
        b"From: a\nTo: b\nContent-Type: multipart/report\n\nno boundary",
        b"From: a\nTo: b\nContent-Type: multipart/mixed; boundary=\n\n--\n",
        b"From: a\nTo: b\nContent-Type: text/plain; charset=no-such-charset\n\n550 5.7.1 SPF failed for \xff.example",
        b"From: a\nTo: b\nContent-Type: text/plain; charset=utf-16\n\n550 odd\xff",
        b"From: a\nTo: b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n====A",
        b"From: a\nTo: b\nContent-Type: text/plain; charset=\"idna\"\n\n\xff550",
        b"From: a\nTo: b\nContent-Type: text/plain; charset=hex\n\n\xff550",
        b"Final-Recipient: \nDiagnostic-Code: ;;;\nStatus: 9.9.9\n",
    ],
    ids=range(14),
)  # fmt: skip
def test_bad_input_gives_an_unknown_bounce_and_no_error(data):
    found = read_bounce(data)
    assert found
    assert all(bounce.matches for bounce in found)


def seconds(data):
    start = time.process_time()
    assert read_bounce(data)
    return time.process_time() - start


@pytest.mark.parametrize(
    "unit",
    [
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n",
        b"--b\nContent-Type: message/rfc822\n\n",
        b"Final-Recipient: rfc822; a@b.example\nDiagnostic-Code: smtp; 550 no\n\n",
        b"<a@b.example>:\n550 no\n\n",
        b" folded\n",
        b"<p>",
        b"<",
        b"=?utf-8?q?=",
        b"(reason: ",
        b"host a.b.",
        b"----- ",
        b"a.a@",
        b"> ",
        b"x" * 50 + b"; ",
        b"Aug  4 10:11:12 mx postfix/smtp[1]: to=<a@b.example>, relay=x, dsn=5.0.0, status=bounced (550 no",
    ],
    ids=range(15),
)
def test_a_bomb_takes_bounded_time(unit):
    head = b"From: a@b.example\nTo: b\nContent-Type: multipart/report; boundary=b\n\n"
    html = head.replace(b"multipart/report", b"text/html")
    for start in (html, b"") if unit.startswith(b"<") else (head, b""):
        small, large = (start + unit * (size // len(unit)) for size in (100_000, 400_000))
        fast, slow = seconds(small), seconds(large)
        assert slow < 3
        assert slow < 0.3 or slow / fast < 8


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*DSN.split(b"\n"), b"", b"--b1", b"\xff", b" x", *(row[1].encode() for row in LOGS[:4])]
        ),
        max_size=40,
    )
)
def test_shuffled_pieces_never_raise(pieces):
    data = b"\n".join(pieces)
    assert read_bounce(data)
    assert all(bounce.matches for bounce in read_log(pieces))


@pytest.mark.parametrize("line", [b"r\r0", b'"' + b"x" * 200_000, b't,"\r\n'])
def test_a_line_that_is_no_csv_is_no_record(line: bytes) -> None:
    assert [bounce.line for bounce in read_log([line])] == []
