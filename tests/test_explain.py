"""`explain`, whole cases: a bounce and a zone in; readings, facts, proof and three reports out.

`REWRITE_CASES=1 pytest tests/test_explain.py` writes the expectations anew; git shows the difference.
"""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from senderauth import Explanation, ZoneResolver, catalogue, sync
from senderauth.advice import Explainer
from senderauth.dns import Answer, Status, pause
from senderauth.report import explain_document, explain_text, schema, wording
from tests import dkimsigner

CASES = sorted(
    path for path in (Path(__file__).parents[1] / "fixtures" / "explain").iterdir() if path.is_dir()
)
REWRITE = os.environ.get("REWRITE_CASES") == "1"


def explained(folder: Path) -> Explanation:
    (bounce,) = folder.glob("bounce.*")
    given: dict[str, Any] = {}
    if (folder / "given.toml").exists():
        given = tomllib.loads((folder / "given.toml").read_text("utf-8"))
    zone = folder / "case.zone"
    resolver = ZoneResolver.from_files(zone) if zone.exists() else None
    return sync.explain(bounce.read_bytes(), resolver, **given)


def compare(path: Path, text: str) -> None:
    if REWRITE:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"{path}: REWRITE_CASES=1 writes it anew"


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    report = explained(folder)

    whole = explain_document(report.bounces, report.groups, with_check=False)
    whole["exit_code"] = report.exit_code()
    compare(folder / "expected.json", json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    for language in catalogue.LANGUAGES:
        text = explain_text(report, wording(language))
        assert all(line.isprintable() for line in text.split("\n")), "nothing that a terminal acts on"
        assert max(map(len, text.split("\n"))) < 80
        compare(folder / f"expected.{language}.txt", text)


def test_documents_are_what_their_schema_says() -> None:
    validator = jsonschema.Draft202012Validator(schema("explain"))
    for folder in CASES:
        report = explained(folder)
        for with_check in (False, True):
            document = explain_document(report.bounces, report.groups, with_check=with_check)
            validator.validate(json.loads(json.dumps(document)))


def test_every_family_of_the_catalogue_has_a_case() -> None:
    told = {e.id for folder in CASES for bounce in explained(folder).bounces for e in bounce.entries[:1]}
    families = {catalogue.entry(id).family for id in told if id}
    silent = {"client"}  # causes that no server speaks of
    assert families >= {entry.family for entry in catalogue.entries().values()} - silent


def notification(message: bytes) -> bytes:
    """A bounce that returns the whole message."""
    head = (
        "From: MAILER-DAEMON@mx.sender.example\nSubject: Undelivered\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b1\n\n--b1\n"
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.sender.example\n\n"
        "Final-Recipient: rfc822; jan@gmail.example\nAction: failed\nStatus: 5.7.26\n"
        "Remote-MTA: dns; gmail-smtp-in.l.google.com\n"
        "Diagnostic-Code: smtp; 550-5.7.26 Unauthenticated email from example.com is not accepted due to "
        "domain's DMARC policy.\n\n--b1\nContent-Type: message/rfc822\n\n"
    )
    return head.encode().replace(b"\n", b"\r\n") + message + b"\r\n--b1--\r\n"


def signed_zone(spf: bytes = b"v=spf1 -all") -> ZoneResolver:
    return ZoneResolver.from_records(
        {
            ("example.com", "TXT"): [spf],
            ("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=reject"],
            ("s._domainkey.example.com", "TXT"): [dkimsigner.record()],
        }
    )


RETURNED = {
    "whole and sound": (False, "", b"v=spf1 -all", "not-reproduced", "explain-returned-passes"),
    "cut or changed, who knows": (
        True,
        "",
        b"v=spf1 -all",
        "cannot-be-checked",
        "explain-returned-incomplete",
    ),
    "the receiver saw no valid one": (
        True,
        "DKIM = fail",
        b"v=spf1 -all",
        "confirmed",
        "explain-returned-refused",
    ),
    "changed, but SPF passes": (True, "", b"v=spf1 +all", "not-reproduced", "explain-returned-passes"),
}


@pytest.mark.parametrize(
    ("changed", "said", "spf", "confirmation", "reason"), RETURNED.values(), ids=RETURNED.keys()
)
def test_a_returned_message_is_judged_by_its_signatures(
    changed: bool, said: str, spf: bytes, confirmation: str, reason: str
) -> None:
    message = dkimsigner.sign()
    if changed:
        message = message.replace(b"text of the message", b"text of a message")
    data = notification(message).replace(b"DMARC policy.", b"DMARC policy. " + said.encode())
    report = sync.explain(data, signed_zone(spf), ip="203.0.113.9", mail_from="jane@example.com")
    bounce = report.bounces[0]

    assert (bounce.confirmation, bounce.reason.id) == (confirmation, reason)
    assert bounce.message is not None
    result = "fail" if changed else "pass"
    assert [one.result.result for one in bounce.message.signatures] == [result]
    assert f": {result}" in explain_text(report, wording("en"), verbose=1)


def test_a_header_alone_proves_no_signature() -> None:
    header = dkimsigner.sign().partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    report = sync.explain(notification(header), signed_zone(), ip="203.0.113.9", mail_from="jane@example.com")

    assert report.bounces[0].message is None
    assert report.bounces[0].reason.id == "explain-signature-broken-then"


def test_what_dns_confirms_goes_first() -> None:
    """A text of two meanings, filed under the first; the domain's MX shows that it is the second."""
    text = "<jan@example.org>:\nhost old.example.net [192.0.2.7] said: 553 sorry, "
    text += "that domain isn't in my list of allowed rcpthosts"
    zone = {("example.org", "MX"): [(10, "mx.example.org")], ("mx.example.org", "A"): ["192.0.2.9"]}
    before = sync.explain(text)
    after = sync.explain(text, ZoneResolver.from_records(zone))

    assert (before.entries[0].id, before.entries[0].may_mean) == ("recipient-unknown", ("relay-denied",))
    assert (after.entries[0].id, after.bounces[0].checked) == ("relay-denied", "relay-denied")
    assert after.entries[0].may_mean == ("recipient-unknown",)
    assert after.entries[0].must_act == catalogue.entry("relay-denied").must_act
    assert after.groups[0].entry_id == "relay-denied"
    assert (after.confirmation, after.bounces[0].reason.id) == ("confirmed", "explain-confirmed-other")


class Counting:
    """Passes questions on, and counts how many wait for their answer at a time."""

    def __init__(self, inner: ZoneResolver) -> None:
        self.inner, self.waiting, self.most = inner, 0, 0

    async def resolve(self, question: Any) -> Any:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await pause(0.02)
        self.waiting -= 1
        return await self.inner.resolve(question)


def test_the_bounces_of_a_log_are_checked_side_by_side() -> None:
    line = (
        "Aug  4 10:11:12 mx1 postfix/smtp[1]: 4F00AB: to=<jan@example.org>, relay=mx.example.org[192.0.2.9],"
        " delay=1, dsn=5.7.1, status=bounced (host mx.example.org[192.0.2.9] said: 550 5.7.1 Email rejected "
        "per DMARC policy for shop{}.example)\n"
    )
    lines = [line.format(number % 20).encode() for number in range(100)]
    resolver = Counting(ZoneResolver.from_records({}))
    explainer = Explainer(resolver, ip="203.0.113.9")
    found = list(sync.explain_log(lines, explainer))

    assert [bounce.line for bounce in found] == list(range(1, 101))
    assert [bounce.fact("author_domain") for bounce in found[:2]] == ["shop0.example", "shop1.example"]
    assert explainer.groups()[0].count == 100
    assert resolver.most >= 20


@pytest.mark.parametrize(
    ("zone", "confirmation", "reason"),
    [
        ({("example.org", "MX"): [(0, ".")]}, "confirmed", "explain-recipient-null-mx"),
        ({}, "confirmed", "explain-recipient-dead"),
        (
            {("example.org", "MX"): [(1, "mx.example.org")], ("mx.example.org", "A"): ["192.0.2.9"]},
            "cannot-be-checked",
            "explain-recipient-server-knows",
        ),
    ],
)
def test_an_unknown_recipient_beside_what_dns_says_of_the_domain(
    zone: dict[Any, Any], confirmation: str, reason: str
) -> None:
    report = sync.explain("550 5.1.1 <jan@example.org>: User unknown", ZoneResolver.from_records(zone))
    assert (report.confirmation, report.bounces[0].reason.id) == (confirmation, reason)


VERIFIED = {("web1.shop.example", "A"): ["192.0.2.9"]}


@pytest.mark.parametrize(
    ("zone", "confirmation", "reason", "actions"),
    [
        (VERIFIED, "cannot-be-checked", "explain-sender-server-knows", []),
        ({}, "confirmed", "explain-confirmed-as-said", ["correct-or-register-domain", "publish-mx"]),
        (
            {("web1.shop.example", "MX"): [(0, ".")]},
            "confirmed",
            "explain-confirmed-as-said",
            ["remove-null-mx"],
        ),
        (
            {("web1.shop.example", "MX"): [(1, "gone.shop.example")]},
            "confirmed",
            "explain-confirmed-as-said",
            ["correct-or-register-domain", "publish-mx"],
        ),
        ({("web1.shop.example", "MX"): Status.TIMEOUT}, "cannot-be-checked", "explain-dns-unknown", []),
    ],
)
def test_dns_tells_of_a_sender_that_was_not_verified_whether_it_is_the_domain(
    zone: dict[Any, Any], confirmation: str, reason: str, actions: list[str]
) -> None:
    text = "550-Verification failed for <www-data@web1.shop.example>\n550 Sender verify failed"
    report = sync.explain(text, ZoneResolver.from_records(zone))

    (bounce,) = report.bounces
    assert (bounce.entries[0].id, bounce.checked) == ("sender-verify-failed", "sender-verify-failed")
    assert (bounce.confirmation, bounce.reason.id) == (confirmation, reason)
    assert [action.id for remedy in bounce.remedies for action in remedy.actions] == actions


def test_without_a_recipient_its_domain_is_said_to_be_missing() -> None:
    report = sync.explain("550 5.1.1 User unknown", ZoneResolver.from_records({}))
    assert report.bounces[0].missing == ("recipient",)
    assert "--ip" not in explain_text(report, wording("en"))


class Silent:
    """DNS that answers nothing."""

    async def resolve(self, _: Any) -> Any:
        return Answer(Status.TIMEOUT)


SHOP = ZoneResolver.from_records(
    {
        ("shop.example", "TXT"): [b"v=spf1 ip4:203.0.113.9 -all"],
        ("_dmarc.shop.example", "TXT"): [b"v=DMARC1; p=reject"],
        ("out.shop.example", "A"): ["203.0.113.9"],
    }
)
DMARC = "550 5.7.1 Email rejected per DMARC policy for shop.example"
REASONS = {
    "nothing tells the author": (
        "550 DMARC Sender Invalid - envelope rejected",
        SHOP,
        {},
        "explain-facts-missing",
    ),
    "only hints, and no host": (
        "554 Refused by local policy. No SPAM please",
        SHOP,
        {},
        "explain-only-hints",
    ),
    "the host is a guess": (
        "Reporting-MTA: dns; out.shop.example\n\nFinal-Recipient: rfc822; jan@example.org\nAction: failed\n"
        f"Status: 5.7.1\nRemote-MTA: dns; mx.example.org\nDiagnostic-Code: smtp; {DMARC}\n",
        SHOP,
        {},
        "explain-not-with-assumed",
    ),
    "the trouble is still there": (
        "451 4.7.24 SPF lookup failure (#4.3.0)",
        Silent(),
        {"ip": "203.0.113.9", "mail_from": "a@shop.example"},
        "explain-confirmed-dns-trouble",
    ),
    "silence decides nothing": (DMARC, Silent(), {"ip": "203.0.113.9"}, "explain-dns-unknown"),
    "fixed meanwhile": (
        DMARC,
        SHOP,
        {"ip": "203.0.113.9", "mail_from": "a@shop.example"},
        "explain-fixed-meanwhile",
    ),
    "another address": (DMARC, SHOP, {"ip": "198.51.100.1"}, "explain-confirmed-unsigned"),
}


@pytest.mark.parametrize(("text", "resolver", "given", "reason"), REASONS.values(), ids=REASONS.keys())
def test_why_a_proof_came_out_so(text: str, resolver: Any, given: dict[str, Any], reason: str) -> None:
    report = sync.explain(text, resolver, **given)

    assert report.bounces[0].reason.id == reason
    for language in catalogue.LANGUAGES:
        assert "{" not in explain_text(report, wording(language))
