"""ARC chains (RFC 8617): the suite of others, and what is told beyond the word."""

import base64
import random
from typing import Any

import dkim as dkimpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth.arc import validate
from senderauth.dkim import canonical_field
from senderauth.dns import Status, ZoneResolver, drive
from tests.conformance import folder, resolver, suite
from tests.dkimsigner import BODY, DOMAIN, FIELDS, HEAD, handmade, octets_of, record, rsa_key, zone


def cases(name: str) -> list[Any]:
    data = suite(name)
    return [pytest.param(data, case, id=case["id"]) for case in data["cases"]]


def chain(name: str, case: Any, records: Any) -> Any:
    return drive(validate(resolver(records), (folder(name) / case["message"]).read_bytes()))


SUITE = {
    "s1/cv_fail_i1_as_cv_fail": ("fail", "RFC 8617 5.2 step 2: cv=fail in the newest set is a failed chain"),
}


@pytest.mark.parametrize(("data", "case"), cases("arc-suite"))
def test_arc_suite(data: Any, case: Any) -> None:
    zone = data["zones"][case["zone"]]
    found = chain("arc-suite", case, zone.get("records", zone))
    expected = SUITE[case["id"]][0] if case["id"] in SUITE else case["expect"]["cv"]
    assert found.cv == expected, (found.reason, found.trace)


OTHERS = {
    "321_arc_check/89": "rspamd's DNS has no key of the newest handler",
}


@pytest.mark.parametrize(
    ("name", "data", "case"),
    [
        pytest.param(name, *case.values, id=case.id)
        for name in ("mail-auth-dkim", "dkimpy", "rspamd-func")
        for case in cases(name)
        if "arc" in case.values[1]["expect"]
    ],
)
def test_chains_of_others(name: str, data: Any, case: Any) -> None:
    found = chain(name, case, case.get("dns") or data["dns"])
    if case["id"] in OTHERS:
        assert found.reason.id == "arc-key-unusable", OTHERS[case["id"]]
    else:
        assert found.cv == case["expect"]["arc"], found.reason


def sealed(message: bytes, times: int = 1) -> bytes:
    """Handed on so many times, each handler with the same key."""
    for _ in range(times):
        seen = b"Authentication-Results: mx.example.com; spf=pass smtp.mailfrom=example.com"
        if b"ARC-Seal" in message:
            seen += b"; arc=pass"
        message = seen + b"\r\n" + message
        fields = dkimpy.arc_sign(
            message, b"s", DOMAIN.encode(), rsa_key()[0], b"mx.example.com", include_headers=FIELDS
        )
        message = b"".join(fields) + message
    return message


MESSAGE = HEAD + b"\r\n" + BODY


def test_who_sealed_what_is_told():
    found = drive(validate(zone(), sealed(MESSAGE, 2)))
    assert (found.result, found.reason.id, found.oldest_pass) == ("pass", "arc-chain-holds", 0)
    assert [(one.instance, one.domain, one.chain, one.authserv_id) for one in found.sets] == [
        (1, "example.com", "none", "mx.example.com"),
        (2, "example.com", "pass", "mx.example.com"),
    ]
    assert "spf=pass" in found.sets[0].results


def test_the_seal_of_who_found_a_chain_broken_covers_its_own_set_alone():  # RFC 8617 5.1.2
    broken = sealed(MESSAGE).replace(b"spf=pass", b"spf=none")
    broken = b"Authentication-Results: mx.example.com; arc=fail\r\n" + broken
    fields = dkimpy.arc_sign(
        broken, b"s", DOMAIN.encode(), rsa_key()[0], b"mx.example.com", include_headers=FIELDS
    )
    found = drive(validate(zone(), b"".join(fields) + broken))

    assert (found.result, found.reason.id) == ("fail", "arc-sealed-as-failed")
    assert [(one.instance, one.chain, one.seal) for one in found.sets] == [
        (1, "none", "fail"),
        (2, "fail", "pass"),
    ]


def test_a_change_between_two_handlers_is_seen_in_oldest_pass():
    found = drive(validate(zone(), sealed(sealed(MESSAGE) + b"-- \r\nlist footer\r\n")))
    assert (found.result, found.oldest_pass) == ("pass", 2)
    assert [(one.seal, one.message) for one in found.sets] == [("pass", "fail"), ("pass", "pass")]
    assert (found.sets[0].header_ok, found.sets[0].body_ok) == (True, False)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"Hello", b"Hullo", "arc-body-changed"),
        (b"Quarterly", b"Yearly", "arc-message-signature-broken"),
        (b"\r\n spf=pass", b"\r\n spf=fail", "arc-seal-broken"),
        (b"cv=none", b"cv=pass", "arc-chain-word-wrong"),
        (b": i=1;", b": i=2;", "arc-instance-gap"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=0", "arc-instance-invalid"),
        (b"ARC-Seal: i=1", b"ARC-Seal: i=51", "arc-instance-invalid"),
        (b"ARC-Seal: i=1", b"X-Seal: i=1", "arc-field-missing"),
        (b"ARC-Seal: i=1", b"ARC-Seal: h=from; i=1", "arc-field-invalid"),
    ],
)
def test_what_breaks_a_chain(old, new, reason):
    found = drive(validate(zone(), sealed(MESSAGE).replace(old, new)))
    assert (found.result, found.reason.id) == ("fail", reason), found.trace
    assert [one.id for one in found.findings] == [reason]


def test_silence_of_dns_is_no_broken_chain():
    found = drive(validate(zone(s=Status.TIMEOUT), sealed(MESSAGE)))
    assert (found.result, found.cv, found.reason.id) == ("temperror", "fail", "arc-key-unknown")


def test_a_message_that_nobody_handed_on():
    assert drive(validate(zone(), MESSAGE)).result == "none"


def test_seals_of_the_future_are_noted():
    found = drive(validate(zone(), sealed(MESSAGE), now=1_000_000))
    assert [one.id for one in found.findings] == ["arc-sealed-in-future"]


@pytest.mark.parametrize(
    ("tags", "listed", "reason"),
    [
        ("", "from:to", "arc-chain-holds"),
        ("", "from:arc-message-signature", "arc-chain-holds"),  # of the sets before: there are none
        ("", "to:subject", "arc-field-invalid"),  # RFC 8617 4.1.2: as RFC 6376 5.4
        ("x=999700; ", "from:to", "arc-chain-holds"),
        ("x=999699; ", "from:to", "arc-message-signature-expired"),
    ],
)
def test_what_a_message_signature_must_be(tags, listed, reason):
    found = drive(validate(zone(), sealed_by_hand(tags, listed), now=1_000_000))
    assert found.reason.id == reason, found.trace
    assert found.result == ("pass" if reason == "arc-chain-holds" else "fail")
    if "999699" in tags:
        assert drive(validate(zone(), sealed_by_hand(tags, listed))).result == "pass"


@pytest.mark.parametrize("instance", ["i=1;", "\r\n\ti = 1 ;", " (one) i (is)=(now) 1 (a comment);"])
def test_the_instance_may_stand_among_comments(instance):
    found = drive(validate(zone(), sealed_by_hand("", "from", instance)))
    assert (found.result, found.sets[0].authserv_id) == ("pass", "mx.example.com"), found.reason


def sealed_by_hand(tags: str, listed: str, instance: str = " i=1;") -> bytes:
    """One set, for what dkimpy refuses to write."""
    place = "d=example.com; s=s; "
    signed = handmade(
        f"i=1; a=rsa-sha256; c=relaxed/relaxed; {place}{tags}bh={{bh}}; h={listed}",
        title=b"ARC-Message-Signature",
    )
    results = b"ARC-Authentication-Results:" + instance.encode() + b" mx.example.com; none"
    seal = f"ARC-Seal: i=1; a=rsa-sha256; cv=none; {place}b=".encode()
    message = signed.partition(b"\r\nFrom:")[0]
    sets = [canonical_field(one, "relaxed") for one in (results, message, seal)]
    return seal + base64.b64encode(octets_of(b"\r\n".join(sets))) + b"\r\n" + results + b"\r\n" + signed


def test_too_many_sets_are_not_read():
    found = drive(validate(zone(), b"ARC-Seal: i=1\r\n" * 100_000 + MESSAGE))
    assert (found.result, found.reason.id) == ("fail", "arc-too-many-sets")


@given(st.randoms(use_true_random=False), st.integers(1, 6))
def test_no_damage_makes_it_raise(dice: random.Random, count: int):
    message = bytearray(sealed(MESSAGE))
    for _ in range(count):
        message[dice.randrange(1_500)] = dice.choice(b"\r\n \t;:=i1\x00\xff")
    found = drive(
        validate(ZoneResolver.from_records({("s._domainkey.example.com", "TXT"): [record()]}), bytes(message))
    )
    assert found.result in ("none", "pass", "fail", "temperror")


def test_of_several_key_records_the_one_that_verifies_must_be_usable():
    small, elsewhere = record(octets=rsa_key(1024)[1]), record("s=tlsrpt; ")
    assert drive(validate(zone(s=[small, record()]), sealed(MESSAGE))).result == "pass"
    assert drive(validate(zone(s=[small, elsewhere]), sealed(MESSAGE))).reason.id == "arc-key-unusable"
