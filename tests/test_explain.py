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


def signed_zone() -> ZoneResolver:
    return ZoneResolver.from_records(
        {
            ("example.com", "TXT"): [b"v=spf1 -all"],
            ("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=reject"],
            ("s._domainkey.example.com", "TXT"): [dkimsigner.record()],
        }
    )


@pytest.mark.parametrize(
    ("changed", "confirmation", "reason", "result"),
    [
        (False, "not-reproduced", "explain-returned-passes", "pass"),
        (True, "confirmed", "explain-returned-refused", "fail"),
    ],
)
def test_a_returned_message_is_judged_by_its_signatures(
    changed: bool, confirmation: str, reason: str, result: str
) -> None:
    message = dkimsigner.sign()
    if changed:
        message = message.replace(b"text of the message", b"text of a message")
    report = sync.explain(
        notification(message), signed_zone(), ip="203.0.113.9", mail_from="jane@example.com"
    )
    bounce = report.bounces[0]

    assert (bounce.confirmation, bounce.reason.id) == (confirmation, reason)
    assert bounce.message is not None
    assert [one.result.result for one in bounce.message.signatures] == [result]
    assert f": {result}" in explain_text(report, wording("en"), verbose=1)


def test_a_header_alone_proves_no_signature() -> None:
    header = dkimsigner.sign().partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    report = sync.explain(notification(header), signed_zone(), ip="203.0.113.9", mail_from="jane@example.com")

    assert report.bounces[0].message is None
    assert report.bounces[0].reason.id == "explain-signature-broken-then"
