"""Proposals for a message: the signature that it has is the proof of a key."""

from pathlib import Path
from typing import Any

import pytest

from senderauth import ZoneResolver, sync, verify_message
from senderauth.advice import MessageReport, Proposal, public_key
from senderauth.advice.proposals.compare import cases
from senderauth.dns import Resolver
from senderauth.report import proposals_text, wording
from senderauth.simulation import Scenario
from tests.dkimsigner import HEAD, ed25519_key, record, rsa_key, sign
from tests.test_message_cases import CASES, judge
from tests.test_propose import WEAK

IP = "203.0.113.9"
GOOD = record("v=DKIM1; k=ed25519; ", bytes(range(32)))
OTHER = record(octets=rsa_key(1024)[1])
EDWARDS = record("v=DKIM1; k=ed25519; ", ed25519_key()[1])
ZONE: dict[tuple[str, str], Any] = {
    ("example.com", "TXT"): [b"v=spf1 mx -all"],
    ("example.com", "MX"): [(10, "mx.example.com")],
    ("mx.example.com", "A"): ["192.0.2.25"],
    ("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=reject"],
    ("esp.example", "TXT"): [f"v=spf1 ip4:{IP} -all".encode()],
}


def proposed(
    message: bytes, key: bytes | None = None, **keys: bytes
) -> tuple[MessageReport, tuple[Proposal, ...]]:
    """What is proposed for the message over a zone with these keys."""
    zone = ZoneResolver.from_records(
        ZONE | {(f"{selector}._domainkey.example.com", "TXT"): [text] for selector, text in keys.items()}
    )
    facts: dict[str, Any] = {"ip": IP, "mail_from": "b@esp.example", "helo": "out.esp.example"}

    async def again(scenario: Scenario, resolver: Resolver) -> MessageReport:
        return await verify_message(message, resolver, **facts | {"mail_from": scenario.mail_from})

    report = sync.verify_message(message, zone, **facts)
    given = public_key(key) if key is not None else None
    return report, sync.propose(report, zone, key=given, judge=again)


@pytest.mark.parametrize(
    ("selector", "there", "given", "id"),
    [
        ("s", {}, record(), "dkim-publish-key"),
        ("s", {"s": b"v=DKIM1; p="}, record(), "dkim-unrevoke-key"),
        ("s", {"s": OTHER}, record(), "dkim-publish-key"),  # dkim-signature-by-other-key
        ("s", {"default": record()}, None, "dkim-copy-key"),
        ("s", {"default": record(), "s": b"v=DKIM1; p="}, None, "dkim-copy-key"),
        ("s", {"default": record(), "s": OTHER}, None, "dkim-copy-key"),
    ],
)
def test_the_key_that_made_the_signature_is_published(
    selector: str, there: dict[str, bytes], given: bytes | None, id: str
) -> None:
    _, found = proposed(sign(selector=selector), given, **there)
    first = found[0]
    assert (first.id, first.kind) == (id, "cure")
    assert first.changes[0].name == f"{selector}._domainkey.example.com"
    assert first.changes[0].new == (record().decode(),)
    assert [caution.id for caution in first.cautions] == (["caution-change-both-keys"] if not given else [])


def test_the_key_with_the_domain_twice_is_moved() -> None:
    message = sign()
    misplaced = "s._domainkey.example.com.example.com"
    zone = ZoneResolver.from_records(ZONE | {(misplaced, "TXT"): [record()]})
    facts: dict[str, Any] = {"ip": IP, "mail_from": "b@esp.example", "helo": "out.esp.example"}

    async def again(scenario: Scenario, resolver: Resolver) -> MessageReport:
        return await verify_message(message, resolver, **facts)

    report = sync.verify_message(message, zone, **facts)
    assert [f.subject for f in report.findings if f.id == "dkim-key-misplaced"] == [misplaced]
    first = sync.propose(report, zone, judge=again)[0]
    assert (first.id, first.kind, first.changes[0].new) == ("dkim-move-key", "cure", (record().decode(),))
    assert first.cautions == ()  # the message shows that the signer has the private key


@pytest.mark.parametrize(
    ("algorithm", "given", "there", "id", "facts"),
    [
        ("rsa-sha256", None, {}, "no-record-key-of-signature", ("rsa", 2048)),
        ("rsa-sha256", None, {"s": OTHER}, "no-record-key-of-signature", ("rsa", 2048)),
        ("rsa-sha256", OTHER, {}, "no-record-not-this-key", ("rsa", 2048)),
        ("rsa-sha256", None, {"default": OTHER}, "no-record-key-of-signature", ("rsa", 2048)),
        ("ed25519-sha256", None, {}, "no-record-key-of-signature", ("ed25519", 256)),
    ],
)
def test_without_that_key_it_says_which_is_missing_where(
    algorithm: str, given: bytes | None, there: dict[str, bytes], id: str, facts: tuple[str, int]
) -> None:
    selector = "e" if algorithm.startswith("ed") else "s"
    _, found = proposed(sign(algorithm=algorithm), given, **there)
    advice = next(p for p in found if p.id == id)
    assert (advice.facts["type"], advice.facts["bits"]) == facts
    assert advice.facts["name"] == f"{selector}._domainkey.example.com"
    assert not any(change.name.startswith(f"{selector}._domainkey") for p in found for change in p.changes)
    for language in ("en", "nl", "de"):
        assert "{" not in proposals_text(found, wording(language))


def test_where_the_signing_is_at_fault_no_key_is_asked_for() -> None:
    message = sign(identity=b"a@sub.example.com")  # RFC 6376 3.6.1: t=s wants i= to be d=
    _, found = proposed(message, s=record("v=DKIM1; t=s; "))
    assert "no-record-mend-signing" in {p.id for p in found}
    assert not any(p.id.startswith("no-record-key") for p in found)


def test_a_message_that_was_changed_is_cured_by_no_key() -> None:
    message = sign().replace(b"this is the text", b"this was the text")
    _, found = proposed(message, record())
    assert {p.id for p in found} == {"no-record-changed-on-the-way"}


def test_a_weak_key_is_replaced_and_judged_as_a_send_that_is_signed_anew() -> None:
    _, found = proposed(sign(), GOOD, s=WEAK.encode())
    assert (found[0].id, found[0].kind) == ("dkim-replace-key", "cure")
    assert found[0].settings[0].value == "example.com:s-256"


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_every_refused_message_gets_a_cure_or_a_plain_word(folder: Path) -> None:
    report, given = judge(folder)
    zone = ZoneResolver.from_files(folder / "case.zone")
    facts = {name: given[name] for name in ("ip", "mail_from", "helo", "trusted", "now") if name in given}
    message = (folder / "message.eml").read_bytes()

    async def again(scenario: Scenario, resolver: Resolver) -> MessageReport:
        asked = facts if scenario.mail_from is None else facts | {"mail_from": scenario.mail_from}
        return await verify_message(message, resolver, **asked)

    found = sync.propose(report, zone, judge=again)
    told = {
        (case.receiver, case.address) for p in found for case in (p.leaves if p.kind == "advice" else p.cures)
    }
    assert {(c.receiver, c.address) for c in cases(report)} <= told
    for language in ("en", "nl", "de"):
        assert "{" not in proposals_text(found, wording(language)).replace("%{", "")


def test_a_message_that_came_by_an_authorised_host_first_was_forwarded() -> None:
    message = (
        b"Received: from f ([203.0.113.9]) by mx; Mon\r\nReceived: from m ([192.0.2.25]) by f; Mon\r\n" + HEAD
    )
    zone = ZoneResolver.from_records(ZONE)
    report = sync.verify_message(message + b"\r\nHi\r\n", zone, mail_from="jane@example.com")
    assert report.earlier_addresses == ("192.0.2.25",)
    found = sync.propose(report, zone)
    assert "no-record-forwarded" in {p.id for p in found}
    assert not any(change.name == "example.com" for p in found for change in p.changes)


def test_a_host_that_delivers_what_the_domain_signed_is_probably_a_forwarder() -> None:
    zone = ZoneResolver.from_records(ZONE | {("s._domainkey.example.com", "TXT"): [record()]})
    facts = {"ip": IP, "mail_from": "jane@example.com"}
    report = sync.verify_message(sign(), zone, **facts)
    found = next(p for p in sync.propose(report, zone) if p.id == "spf-add-address")
    assert [caution.id for caution in found.cautions] == ["caution-probably-forwarded"]
