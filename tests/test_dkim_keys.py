"""Keys without a message: what a record is worth to a verifier (RFC 6376 3.6, RFC 8301, RFC 8463)."""

import base64
import random

import pytest
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from senderauth.dkim import (
    KeyOutline,
    common_selectors,
    fetch_key,
    find_keys,
    judge_key,
    outline_key,
    parse_key,
    tag_list,
)
from senderauth.dkim.keys import key_size
from senderauth.dkim.record import rsa_numbers
from senderauth.dns import Answer, Question, Status, ZoneResolver, drive
from senderauth.values import Trace
from tests.dkimsigner import ed25519_key, record, rsa_key

NAME = "s._domainkey.example.com"
OPENSSL = bytes.fromhex("302a300506032b6570032100")


def key_of(*records: bytes) -> object:
    return drive(fetch_key(ZoneResolver.from_records({(NAME, "TXT"): list(records)}), "example.com", "s"))


def pkcs1(bits: int = 2048) -> bytes:
    public = s.load_der_public_key(rsa_key(bits)[1])
    return public.public_bytes(s.Encoding.DER, s.PublicFormat.PKCS1)


def with_numbers(modulus: int, exponent: int) -> bytes:
    def number(value: int) -> bytes:
        octets = value.to_bytes(value.bit_length() // 8 + 1, "big")
        return b"\x02\x82" + len(octets).to_bytes(2, "big") + octets

    inner = number(modulus) + number(exponent)
    return b"\x30\x82" + len(inner).to_bytes(2, "big") + inner


N = int.from_bytes(b"\xff" * 256, "big")

STATES = [
    ("rsa 2048", record, "valid", "dkim-key-valid", 2048),
    ("no version, no type: both have defaults", lambda: record(""), "valid", "dkim-key-valid", 2048),
    ("bare RSAPublicKey, as the RFC says", lambda: record(octets=pkcs1()), "valid", "dkim-key-valid", 2048),
    ("blanks inside p=", lambda: record().replace(b"AAOC", b"AA OC", 1), "valid", "dkim-key-valid", 2048),
    ("padding lost", lambda: record(octets=pkcs1()).rstrip(b"="), "valid", "dkim-key-valid", 2048),
    ("1024 is accepted", lambda: record(octets=rsa_key(1024)[1]), "valid", "dkim-key-valid", 1024),
    ("ed25519", lambda: record("k=ed25519; ", ed25519_key()[1]), "valid", "dkim-key-valid", 256),
    ("s= with email among others", lambda: record("s=tlsrpt:email; "), "valid", "dkim-key-valid", 2048),
    ("unknown tags are ignored", lambda: record("x=1; g=jo; "), "valid", "dkim-key-valid", 2048),
    ("empty p= is revoked", lambda: b"v=DKIM1; p=", "revoked", "dkim-key-revoked", 0),
    ("no p=", lambda: b"v=DKIM1; k=rsa", "malformed", "dkim-key-without-p", 0),
    ("foreign text", lambda: b"v=spf1 -all", "malformed", "dkim-key-version", 0),
    ("a text without tags", lambda: b"hello", "malformed", "dkim-not-a-tag", 0),
    ("another version", lambda: record("v=DKIM2; "), "malformed", "dkim-key-version", 0),
    ("version in small letters", lambda: record("v=dkim1; "), "malformed", "dkim-key-version", 0),
    ("version not first", lambda: record("k=rsa; v=DKIM1; "), "malformed", "dkim-key-version-not-first", 0),
    ("a tag twice", lambda: record("k=rsa; k=rsa; "), "malformed", "dkim-tag-twice", 0),
    ("two semicolons", lambda: record("v=DKIM1;; "), "malformed", "dkim-tag-empty", 0),
    ("p= no base64", lambda: b'v=DKIM1; p="MIIB"', "malformed", "dkim-key-not-base64", 0),
    ("p= no DER", lambda: b"v=DKIM1; p=aGVsbG8=", "malformed", "dkim-key-not-a-key", 0),
    ("junk behind the key", lambda: record(octets=rsa_key()[1] + b"x"), "malformed", "dkim-key-not-a-key", 0),
    ("key cut off", lambda: record(octets=rsa_key()[1][:-9]), "malformed", "dkim-key-not-a-key", 0),
    ("an even exponent", lambda: record(octets=with_numbers(N, 4)), "malformed", "dkim-key-hostile", 0),
    ("exponent 1", lambda: record(octets=with_numbers(N, 1)), "malformed", "dkim-key-hostile", 0),
    ("a huge exponent", lambda: record(octets=with_numbers(N, N)), "malformed", "dkim-key-hostile", 0),
    ("a huge modulus", lambda: record(octets=with_numbers(N**40, 3)), "malformed", "dkim-key-hostile", 0),
    ("ed25519 of 31 octets", lambda: record("k=ed25519; ", b"x" * 31), "malformed", "dkim-key-not-a-key", 0),
    ("ed25519 as openssl writes it", lambda: record("k=ed25519; ", OPENSSL + b"x" * 32), "malformed",
     "dkim-key-ed25519-wrapped", 0),
    ("no-break space inside p=", lambda: record().replace(b"AAOC", b"AA\xa0OC", 1), "malformed",
     "dkim-key-not-base64", 0),
    ("k= without a value", lambda: record("k=; "), "unusable", "dkim-key-type-unknown", 0),
    ("unknown type", lambda: record("k=dsa; "), "unusable", "dkim-key-type-unknown", 0),
    ("another service", lambda: record("s=tlsrpt; "), "unusable", "dkim-key-other-service", 2048),
    ("sha1 only", lambda: record("h=sha1; "), "unusable", "dkim-key-sha1-only", 2048),
    ("below 1024 bits", lambda: record(octets=with_numbers(N >> 1536, 3)), "weak", "dkim-key-too-small", 512),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given_record", "state", "reason", "bits"), [c[1:] for c in STATES], ids=[c[0] for c in STATES]
)
def test_a_record_is_worth(given_record, state, reason, bits):
    key = key_of(given_record())
    assert (key.state, key.reason.id, key.bits) == (state, reason, bits), key.trace


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [
        (Status.TIMEOUT, "temperror", "dkim-key-unknown"),
        (Status.SERVFAIL, "temperror", "dkim-key-unknown"),
        (Status.REFUSED, "temperror", "dkim-key-unknown"),
        (Status.NXDOMAIN, "missing", "dkim-key-missing"),
        (Status.NOERROR, "missing", "dkim-key-missing"),
    ],
)
def test_silence_is_not_absence(status, state, reason):
    key = drive(fetch_key(ZoneResolver.from_records({(NAME, "TXT"): status}), "example.com", "s"))
    assert (key.state, key.reason.id) == (state, reason)


@pytest.mark.parametrize(
    ("tags", "findings"),
    [
        ("", []),
        ("t=y; ", ["dkim-key-testing"]),
        ("h=sha1:sha256; ", ["dkim-key-allows-sha1"]),
        ("x=1; ", ["dkim-key-unknown-tags"]),
        ("t=y:s; h=sha256; n=a note; ", ["dkim-key-testing"]),
    ],
)
def test_findings_about_a_valid_key(tags, findings):
    key = key_of(record(tags))
    assert [one.id for one in key.findings] == findings


def test_flags_notes_and_services_are_told():
    key = key_of(record("t=s:y; s=email; n=caf=C3=A9; h=sha256; "))
    assert (key.testing, key.strict, key.services, key.hashes) == (True, True, ("email",), ("sha256",))
    assert key.notes == "caf=C3=A9"


def test_small_and_edwards_keys_are_noted():
    assert [f.id for f in key_of(record(octets=rsa_key(1024)[1])).findings] == ["dkim-key-small"]
    assert [f.id for f in key_of(record("k=ed25519; ", ed25519_key()[1])).findings] == ["dkim-key-ed25519"]


def test_of_several_records_the_best_counts_and_it_is_said():
    key = key_of(b"v=DKIM1; p=", record(), b"junk")
    assert key.state == "valid"
    assert key.records == 3
    assert "dkim-key-several-records" in [one.id for one in key.findings]


def test_a_key_behind_a_cname():
    world = ZoneResolver.from_records(
        {(NAME, "CNAME"): ["k.esp.example"], ("k.esp.example", "TXT"): [record()]}
    )
    key = drive(fetch_key(world, "example.com", "s"))
    assert (key.state, key.canonical_name) == ("valid", "k.esp.example")


@pytest.mark.parametrize("selector", ["", ".", "a..b", "x" * 64, "é" * 300])
def test_a_selector_that_makes_no_name(selector):
    key = drive(fetch_key(ZoneResolver.from_records({}), "example.com", selector))
    assert (key.state, key.reason.id) == ("malformed", "dkim-selector-unusable")


@pytest.mark.parametrize("bits", [1024, 2048, 3072])
def test_our_reading_of_rsa_keys_is_that_of_cryptography(bits):
    der = rsa_key(bits)[1]
    numbers = s.load_der_public_key(der).public_numbers()
    assert rsa_numbers(der) == rsa_numbers(pkcs1(bits)) == (numbers.n, numbers.e)


@pytest.mark.parametrize("bits", [1024, 2048, 3072, 4096])
def test_the_size_that_a_usual_key_shows_is_that_of_its_modulus(bits):
    der = bytearray(rsa_key(bits)[1])
    dice = random.Random(bits)
    usual = 0
    for place in [None, *range(40), *(dice.randrange(len(der)) for _ in range(40)), *range(-6, 0)]:
        damaged = bytearray(der)
        if place is not None:
            damaged[place] ^= 1 << dice.randrange(8)
        numbers = rsa_numbers(bytes(damaged))
        record = parse_key(f"p={base64.b64encode(damaged).decode()}")
        size, wrong = key_size(record)
        if size:
            assert numbers is not None
            assert (size, wrong) == (numbers[0].bit_length(), "")
            usual += size == bits
        else:
            assert (numbers is None) == (wrong == "dkim-key-not-a-key")
    assert usual > 30


def test_an_outline_says_what_the_key_says():
    good = b"v=DKIM1; t=y; x=1; p=" + base64.b64encode(rsa_key(1024)[1])
    records = [b"v=DKIM1; p=", good, b"k=z; p=AAAA", b"p=!"]
    answers = [Answer(Status.NXDOMAIN), Answer(Status.SERVFAIL), Answer(Status.NOERROR)]
    answers += [Answer(Status.NOERROR, (one,)) for one in records]
    answers += [Answer(Status.NOERROR, (one, other)) for one in records for other in records]
    for answer in answers:
        key = judge_key("example.com", "s", "s._domainkey.example.com", answer, Trace())
        assert outline_key("s._domainkey.example.com", answer) == KeyOutline(
            key.state, key.type, key.bits, key.testing, key.findings
        )


@given(st.data())
def test_damaged_rsa_keys_are_read_as_cryptography_reads_them(data):
    der = bytearray(rsa_key(1024)[1])
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    ours = rsa_numbers(bytes(der))
    try:
        theirs = s.load_der_public_key(bytes(der))
    except Exception:
        return  # it is stricter: exponent, size, unused bits
    if isinstance(theirs, rsa.RSAPublicKey):
        numbers = theirs.public_numbers()
        assert ours == (numbers.n, numbers.e)


# --- search -----------------------------------------------------------------------------------------


class Counting:
    """Remembers what was asked and announced."""

    def __init__(self, zone: ZoneResolver) -> None:
        self.zone, self.asked, self.announced = zone, [], []

    async def resolve(self, question: Question) -> Answer:
        self.asked.append(question.name)
        return await self.zone.resolve(question)

    def prefetch(self, questions) -> None:
        self.announced += [question.name for question in questions]


def search(records, **more):
    resolver = Counting(ZoneResolver.from_records(records))
    return drive(find_keys(resolver, "example.com", **more)), resolver


def test_common_selectors_are_tried_and_announced():
    found, resolver = search({("selector1._domainkey.example.com", "TXT"): [record()]})
    assert [key.selector for key in found.keys] == ["selector1"]
    assert found.users == {"selector1": "Microsoft 365"}
    assert set(resolver.asked) <= set(resolver.announced)
    assert len(found.tried) == len(common_selectors())
    assert not found.none_possible


def test_no_name_at_domainkey_proves_that_there_is_no_key():
    found, resolver = search({("example.com", "TXT"): [b"x"]})
    assert found.none_possible
    assert len(resolver.asked) < 12


def test_a_search_without_result_proves_nothing():
    found, _ = search({("other._domainkey.example.com", "TXT"): [record()]})
    assert (found.keys, found.none_possible) == ((), False)


def test_a_server_that_denies_empty_names_is_seen_through():
    found, _ = search({
        ("_domainkey.example.com", "TXT"): Status.NXDOMAIN,
        ("google._domainkey.example.com", "TXT"): [record()],
        ("k1._domainkey.example.com", "TXT"): [record()],
    })  # fmt: skip
    assert {key.selector for key in found.keys} == {"google", "k1"}
    assert [one.id for one in found.findings] == ["dkim-domainkey-denied", "dkim-keys-identical"]


def test_silence_of_dns_is_told():
    found, _ = search(
        {
            ("google._domainkey.example.com", "TXT"): Status.TIMEOUT,
            ("x._domainkey.example.com", "A"): ["192.0.2.1"],
        }
    )
    assert found.unknown == ("google",)


def test_a_wildcard_is_no_key_of_each_selector():
    found, _ = search({("*._domainkey.example.com", "TXT"): [b"v=spf1 -all"]})
    assert (found.keys, [one.id for one in found.findings]) == ((), ["dkim-key-wildcard"])


def test_the_selectors_of_the_data_file_are_names():
    assert all(
        parse_key(record()) and name == name.lower() and " " not in name for name in common_selectors()
    )
    assert 55 <= len(common_selectors()) <= 80


@pytest.mark.parametrize(
    ("selector", "user"),
    [
        ("ovhmo-selector-1", "OVHcloud"),
        ("s1-ionos", "IONOS"),
        ("hostingermail-a", "Hostinger"),
        ("titan1", "Titan"),
        ("resend", "Resend"),
        ("mailru", "Mail.ru"),
        ("acdkim1", "ActiveCampaign"),
        ("mbo0001", "mailbox.org"),
        ("gm1", "Gandi"),
        ("x", "MXroute"),
        ("dkim", "Mailcow"),
        ("mail", "Brevo"),
    ],
)
def test_selectors_of_large_services_are_known(selector, user):
    assert user in common_selectors()[selector]


# --- parsers ----------------------------------------------------------------------------------------

ALPHABET = st.text(alphabet="vkphstn=;: \t\r\nDKIM1rsa+/AQ\xe9", max_size=200)


@given(ALPHABET)
def test_a_tag_list_survives_the_round_trip(text):
    once = tag_list(text)
    again = tag_list(str(once))
    assert (list(again.values.items()), [p.id for p in again.problems]) == (
        list(once.values.items()),
        [p.id for p in once.problems],
    )
    assert all(0 <= problem.span.start <= problem.span.end <= max(len(text), 1) for problem in once.problems)


@given(ALPHABET | st.binary(max_size=100).map(lambda raw: raw.decode("latin-1")))
def test_no_record_makes_a_key_search_raise(text):
    key = key_of(text.encode("latin-1"))
    assert key.state in ("valid", "weak", "unusable", "revoked", "malformed")


@pytest.mark.parametrize("text", ["a=1;" * 100_000, "=" * 400_000, ";" * 400_000, "p=" + "A" * 400_000])
def test_long_records_are_bounded(text):
    assert tag_list(text) is not None
    assert key_of(text.encode()).state == "malformed"


def test_base64_may_be_folded():
    folded = b"v=DKIM1; p=" + b"\r\n ".join(base64.encodebytes(rsa_key()[1]).split())
    assert key_of(folded).state == "valid"


def test_one_text_is_not_a_list_of_selectors() -> None:
    with pytest.raises(TypeError):
        drive(find_keys(ZoneResolver.from_records({}), "example.com", "s1"))
