"""Signatures of messages: what each rule of RFC 6376 6.1 makes of them."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateNumbers, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from senderauth.dkim import fetch_key, split, verify
from senderauth.dkim.canonical import canonical_body, canonical_field
from senderauth.dkim.crypto import rsa_signed, verifies
from senderauth.dns import Answer, Question, Status, ZoneResolver, drive
from tests.dkimsigner import BODY, FIELDS, HEAD, handmade, record, rsa_key, sign, zone

TAGS = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s; bh={bh}; h=from:to:subject:date"
NOW = 1_800_000_000


def judged(message, *, now=None, **records):
    return drive(verify(zone(**records), message, now=now))


def only(message, *, now=None, **records):
    (result,) = judged(message, now=now, **records)
    return result


def ids(result):
    return [one.id for one in result.findings]


# --- canonicalization (RFC 6376 3.4) ----------------------------------------------------------------


def body(octets, how, *, repair=False):
    return b"".join(canonical_body(octets, 0, how, repair=repair))


@pytest.mark.parametrize(
    ("given_body", "simple", "relaxed"),
    [
        (b"", b"\r\n", b""),
        (b"\r\n", b"\r\n", b""),
        (b"\r\n\r\n\r\n", b"\r\n", b""),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C \r\nD \t E\r\n", b" C\r\nD E\r\n"),  # RFC 6376 3.4.5
        (b"a", b"a\r\n", b"a\r\n"),
        (b"a ", b"a \r\n", b"a \r\n"),
        (b" \t ", b" \t \r\n", b" \r\n"),
        (b" \r\n \r\n", b" \r\n \r\n", b""),
        (b"a\r\n \r\n\t\r\n", b"a\r\n \r\n\t\r\n", b"a\r\n"),
        (b"\r\n\r\na\r\n\r\nb\r\n", b"\r\n\r\na\r\n\r\nb\r\n", b"\r\n\r\na\r\n\r\nb\r\n"),
        (b"a\r", b"a\r\r\n", b"a\r\r\n"),
        (b"a\r\r\n\r\n", b"a\r\r\n", b"a\r\r\n"),
        (b"a\x0bb \x0c\r\n", b"a\x0bb \x0c\r\n", b"a\x0bb \x0c\r\n"),
        (
            b"x" * 200_000 + b"\r\n" * 200_000 + b"y  \r\n",
            None,
            b"x" * 200_000 + b"\r\n" * 200_000 + b"y\r\n",
        ),
    ],
)
def test_canonical_bodies(given_body, simple, relaxed):
    assert body(given_body, "relaxed") == relaxed
    if simple is not None:
        assert body(given_body, "simple") == simple
        assert body(given_body, "simple", repair=True) == simple


@pytest.mark.parametrize(
    ("raw", "relaxed"),
    [
        (b"A: X", b"a:X"),
        (b"B : Y\t\r\n\tZ  ", b"b:Y Z"),
        (b"Subject:", b"subject:"),
        (b"Subject:\r\n ", b"subject:"),
        (b"S:a\x0bb \x0c c", b"s:a\x0bb \x0c c"),
        (b"S: a\r b", b"s:a\r b"),
        (b"S: \xc3\xa9  \xff ", b"s:\xc3\xa9 \xff"),
    ],
)
def test_canonical_fields(raw, relaxed):
    assert canonical_field(raw, "relaxed") == relaxed
    assert canonical_field(raw, "simple") == raw


@pytest.mark.parametrize(
    ("octets", "names", "body_is"),
    [
        (b"", [], b""),
        (b"\r\nbody", [], b"body"),
        (b"\nbody", [], b"body"),
        (b"A: 1", [b"a"], b""),
        (b"A: 1\r\nB: 2\r\n\r\nx", [b"a", b"b"], b"x"),
        (b"A: 1\nB: 2\n\nx", [b"a", b"b"], b"x"),
        (b"A: 1\r\n 2\r\nB: 2\r\n\r\nx", [b"a", b"b"], b"x"),
        (b" folded: first\r\nA: 1\r\n\r\n", [b"a"], b""),
        (
            b"From someone Mon Jan 1 2026\r\nA: 1\r\nno field\r\n\r\n",
            [b"from someone mon jan 1 2026", b"a"][1:],
            b"",
        ),
        (b"A : 1\r\n: 2\r\n\r\n", [b"a", b""], b""),
    ],
)
def test_messages_are_split(octets, names, body_is):
    parts = split(octets)
    assert [one.name for one in parts.fields] == names
    assert octets[parts.body_start :] == body_is


# --- what verifies ----------------------------------------------------------------------------------

PAIRS = [f"{header}/{body}" for header in ("simple", "relaxed") for body in ("simple", "relaxed")]


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "ed25519-sha256"])
@pytest.mark.parametrize("how", PAIRS)
def test_all_pairs_verify(how, algorithm):
    result = only(sign(how=how, algorithm=algorithm))
    assert (result.result, result.header_ok, result.body_ok) == ("pass", True, True), result.trace
    assert (result.canonicalization, result.domain) == (how, "example.com")


@pytest.mark.parametrize("how", PAIRS)
def test_a_file_with_bare_lf_is_read_as_crlf(how):
    assert only(sign(how=how).replace(b"\r\n", b"\n")).result == "pass"


@pytest.mark.parametrize("how", PAIRS)
def test_a_body_with_some_bare_lf_is_read_as_crlf(how):
    assert only(sign(how=how).replace(b"Hello,\r\n", b"Hello,\n")).result == "pass"


def test_an_empty_body_and_no_body_at_all():
    for how in PAIRS:
        message = sign(body=b"", how=how)
        assert only(message).result == "pass"
        assert only(message.removesuffix(b"\r\n\r\n") + b"\r\n").result == "pass"


def test_8bit_and_international_headers():
    head = HEAD.replace(b"Jane Doe", "Jané Doé".encode()) + b"X: \xff\xfe\r\n"
    assert only(sign(head, names=[*FIELDS, b"x"])).result == "pass"


def test_u_labels_in_d_are_looked_up_as_a_labels():
    tags = TAGS.replace("d=example.com", "d=münchen.example")
    world = ZoneResolver.from_records({("s._domainkey.xn--mnchen-3ya.example", "TXT"): [record()]})
    (result,) = drive(verify(world, handmade(tags)))
    assert (result.result, result.domain) == ("pass", "münchen.example")


@pytest.mark.parametrize(
    "tags",
    [
        TAGS,
        TAGS.replace("; ", " ;\r\n\t"),
        TAGS.replace("=", " = ", 3),
        TAGS.replace("from:to", "From : \r\n To"),
        TAGS + "; unknown=1",
        TAGS + "; i=shop@mail.example.com",
        TAGS + "; i==4A=6Fhn@example.com",
        TAGS + "; q=foo/bar:dns/txt",
        TAGS + "; t=1; x=99999999999",
        TAGS.replace("date", "date:date:x-none:subject"),
        TAGS.replace("c=relaxed/relaxed", "c=RELAXED/Relaxed"),
        TAGS.replace("example.com", "EXAMPLE.com"),
    ],
)
def test_odd_but_valid_tag_lists(tags):
    result = only(handmade(tags), now=NOW)
    assert result.result == "pass", (result.reason, result.trace)


def test_a_signature_never_covers_itself():
    """RFC 6376 5.4: of the DKIM-Signature fields in h= it is none, since it was not there yet."""
    older = sign().partition(b"\r\n\r\n")[0] + b"\r\n"
    listed = TAGS.replace("from:to", "dkim-signature:from:to:dkim-signature")
    assert [one.result for one in judged(handmade(listed, older))] == ["pass", "pass"]
    assert only(handmade(listed)).result == "pass"
    changed = judged(handmade(listed, older).replace(b"q=dns/txt", b"q=DNS/txt"))  # in the older one
    assert [one.header_ok for one in changed] == [False, False]


def test_fields_are_taken_from_the_bottom():
    head = b"X-Hop: one\r\nX-Hop: two\r\n" + HEAD
    message = sign(head, names=[*FIELDS, b"x-hop"])
    assert only(b"X-Hop: zero\r\n" + message).result == "pass"
    assert only(message.replace(b"X-Hop: two", b"X-Hop: 2")).header_ok is False
    assert only(message.replace(b"X-Hop: one", b"X-Hop: 1")).result == "pass"


# --- what does not ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason", "header_ok", "body_ok"),
    [
        ((b"Hello", b"Hullo"), "dkim-body-changed", True, False),
        ((b"Quarterly", b"Yearly"), "dkim-header-changed", False, True),
        ((b"q=dns/txt", b"q=DNS/txt"), "dkim-header-changed", False, True),
    ],
)
@pytest.mark.parametrize("algorithm", ["rsa-sha256", "ed25519-sha256"])
def test_changes_are_told_apart(change, reason, header_ok, body_ok, algorithm):
    result = only(sign(algorithm=algorithm).replace(*change))
    assert (result.result, result.reason.id) == ("fail", reason)
    assert (result.header_ok, result.body_ok) == (header_ok, body_ok)


def test_both_changed():
    result = only(sign().replace(b"Hello", b"Hullo").replace(b"Quarterly", b"Yearly"))
    assert (result.reason.id, result.header_ok, result.body_ok) == (
        "dkim-header-and-body-changed",
        False,
        False,
    )


def test_a_signature_by_another_key_is_known_as_such():
    result = only(sign(key=rsa_key(1024)[0]))
    assert (result.result, result.reason.id) == ("fail", "dkim-signature-by-other-key")


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ("v=1", "dkim-tag-missing"),
        (TAGS.replace("v=1", "v=2"), "dkim-version-unknown"),
        (TAGS.replace("v=1; ", ""), "dkim-tag-missing"),
        (TAGS.replace("rsa-sha256", "rsa-md5"), "dkim-algorithm-unknown"),
        (TAGS.replace("relaxed/relaxed", "relaxed/future"), "dkim-canonicalization-unknown"),
        (TAGS.replace("relaxed/relaxed", "relaxed/"), "dkim-canonicalization-unknown"),
        (TAGS.replace("d=example.com", "d="), "dkim-tag-without-value"),
        (TAGS.replace("d=example.com", "d=exa mple.com"), "dkim-name-unusable"),
        (TAGS.replace("s=s;", "s=a..b;"), "dkim-name-unusable"),
        (TAGS.replace("bh={bh}", "bh=!"), "dkim-tag-not-base64"),
        (TAGS + "; v=1", "dkim-tag-twice"),
        (TAGS + "; hello", "dkim-not-a-tag"),
        (TAGS + ";; x=1", "dkim-tag-empty"),
        (TAGS + "; l=many", "dkim-tag-not-a-number"),
        (TAGS + "; l=" + "9" * 77, "dkim-tag-not-a-number"),
        (TAGS + "; t=-1", "dkim-tag-not-a-number"),
        (TAGS + "; x=" + "9" * 13, "dkim-tag-not-a-number"),
        (TAGS + "; q=http", "dkim-query-unknown"),
        (TAGS + "; x=5; t=5", "dkim-expires-before-signed"),
        (TAGS.replace("from:", ""), "dkim-from-not-signed"),
        (TAGS + "; i=a@other.example", "dkim-identity-outside"),
        (TAGS + "; i=a@notexample.com", "dkim-identity-outside"),
        (TAGS + "; i=a", "dkim-identity-outside"),
        (TAGS + "; l=999999", "dkim-length-beyond-body"),
        (TAGS + "; x=" + str(NOW - 301), "dkim-expired"),
    ],
)
def test_faults_that_refuse(tags, reason):
    result = only(handmade(tags), now=NOW)
    assert (result.result, result.reason.id) == ("permerror", reason), result.trace
    assert reason in ids(result)


@pytest.mark.parametrize(
    "tags", [TAGS.replace("from:", ""), TAGS + "; i=a@other.example", TAGS + "; x=" + str(NOW - 301)]
)
def test_what_is_refused_is_still_computed(tags):
    result = only(handmade(tags), now=NOW)
    assert (result.header_ok, result.body_ok) == (True, True)


def test_a_from_changed_without_being_signed_is_no_pass():
    message = handmade(TAGS.replace("from:", "")).replace(b"jane@example.com", b"ceo@bank.example")
    result = only(message)
    assert (result.result, result.header_ok) == ("permerror", True)


def test_expiry_has_an_allowance_and_needs_a_clock():
    assert only(handmade(TAGS + f"; x={NOW - 300}"), now=NOW).result == "pass"
    late = only(handmade(TAGS + f"; x={NOW - 301}"), now=NOW)
    assert late.reason.facts["seconds"] == 301
    unknown = only(handmade(TAGS + "; x=5"))
    assert (unknown.result, ids(unknown)[-1]) == ("pass", "dkim-expiry-not-judged")


def test_a_signature_of_the_future_is_noted():
    assert "dkim-signed-in-future" in ids(only(handmade(TAGS + f"; t={NOW + 301}"), now=NOW))
    assert "dkim-signed-in-future" not in ids(only(handmade(TAGS + f"; t={NOW + 300}"), now=NOW))


# --- the key's rules --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "result", "reason", "header_ok"),
    [
        ([b"v=DKIM1; p="], "permerror", "dkim-key-revoked", None),
        ([b"v=DKIM1"], "permerror", "dkim-key-without-p", None),
        ([b"junk"], "permerror", "dkim-not-a-tag", None),
        ([], "permerror", "dkim-key-missing", None),
        (Status.TIMEOUT, "temperror", "dkim-key-unknown", None),
        (Status.SERVFAIL, "temperror", "dkim-key-unknown", None),
        ([record("k=rsa; s=tlsrpt; ")], "permerror", "dkim-key-other-service", True),
        ([record("h=sha1; ")], "permerror", "dkim-key-sha1-only", True),
        ([record("t=s; ")], "pass", "dkim-signature-verified", True),
        ([record("t=y; ")], "pass", "dkim-signature-verified", True),
        ([record("v=DKIM1; k=ed25519; ", b"x" * 32)], "permerror", "dkim-key-other-type", None),
        ([b"junk", b"v=DKIM1; p=", record()], "pass", "dkim-signature-verified", True),
        ([record(octets=rsa_key(1024)[1]), record()], "pass", "dkim-signature-verified", True),
    ],
)
def test_the_key_decides(key, result, reason, header_ok):
    found = only(sign(), s=key)
    assert (found.result, found.reason.id, found.header_ok) == (result, reason, header_ok), found.trace
    assert found.body_ok is True


SMALL = record(octets=rsa_key(1024)[1])


@pytest.mark.parametrize(
    ("signed_by", "result", "reason"),
    [
        (record("t=y; "), "pass", "dkim-signature-verified"),
        (record("s=tlsrpt; "), "permerror", "dkim-key-other-service"),
        (record("h=sha1; "), "permerror", "dkim-key-sha1-only"),
        (record("t=s; "), "permerror", "dkim-identity-not-strict"),
    ],
)
def test_of_several_records_the_one_that_verifies_is_judged(signed_by, result, reason):
    message = sign(identity=b"jane@mail.example.com")
    for records in ([SMALL, signed_by], [signed_by, SMALL]):
        found = only(message, s=records)
        assert (found.result, found.reason.id, found.header_ok) == (result, reason, True)
        assert (found.key_bits, found.testing) == (2048, b"t=y" in signed_by)
        assert "dkim-key-several-records" in ids(found)


def test_the_flags_of_a_record_that_did_not_sign_do_not_count():
    message = sign(identity=b"jane@mail.example.com")
    assert only(message, s=[record("t=s; ", rsa_key(1024)[1]), record()]).result == "pass"


def test_a_small_key_beside_a_good_one_is_refused():
    p, q, e = 2**255 - 19, 2**256 - 189, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = RSAPublicNumbers(e, p * q)
    numbers = RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public)
    private = numbers.private_key(unsafe_skip_rsa_key_validation=True)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for records in ([record(), record(octets=der)], [record(octets=der)]):
        found = only(sign(key=pem), s=records)
        assert (found.result, found.reason.id, found.key_bits) == ("policy", "dkim-key-too-small", 511)


def test_strict_identity():
    message = sign(identity=b"jane@mail.example.com")
    assert only(message).result == "pass"
    found = only(message, s=[record("t=s; ")])
    assert (found.result, found.reason.id, found.header_ok) == ("permerror", "dkim-identity-not-strict", True)


def test_testing_is_told_on_pass_and_on_fail():
    for message in (sign(), sign().replace(b"Hello", b"Hullo")):
        result = only(message, s=[record("t=y; ")])
        assert result.testing
        assert "dkim-key-testing" in ids(result)


def test_sha1_is_refused_and_computed():
    result = only(sign(algorithm="rsa-sha1"))
    assert (result.result, result.reason.id) == ("policy", "dkim-sha1")
    assert (result.header_ok, result.body_ok) == (True, True)
    broken = only(sign(algorithm="rsa-sha1").replace(b"Hello", b"Hullo"))
    assert (broken.result, broken.body_ok) == ("fail", False)
    assert "dkim-sha1" in ids(broken)


# --- what is left unsigned --------------------------------------------------------------------------


def test_appended_text_beyond_l_is_counted():
    message = sign(length=True)
    assert only(message).unsigned_bytes == 0
    assert "dkim-length-limited" in ids(only(message))
    longer = only(message + b"Buy now\r\n")
    assert (longer.result, longer.unsigned_bytes) == ("pass", 9)
    (told,) = [one for one in longer.findings if one.id == "dkim-body-not-all-signed"]
    assert (told.severity, told.evidence["unsigned"]) == ("high", 9)


def test_a_second_from_is_noted_unless_oversigned():
    other = b"From: ceo@bank.example\r\n"
    result = only(other + sign(names=FIELDS))
    told = [one for one in result.findings if one.id == "dkim-duplicate-field-unsigned"]
    assert (result.result, [one.severity for one in told]) == ("pass", ["high"])
    assert only(other + sign(names=[b"from", *FIELDS])).result == "fail"


def test_what_is_not_signed_is_noted():
    assert "dkim-fields-not-signed" in ids(only(sign(names=[b"from"])))
    assert "dkim-from-not-oversigned" in ids(only(sign()))
    assert "dkim-from-not-oversigned" not in ids(only(sign(names=[b"from", *FIELDS])))


def test_a_public_suffix_as_signer_is_noted():
    world = ZoneResolver.from_records({("s._domainkey.co.uk", "TXT"): [record()]})
    (result,) = drive(verify(world, handmade(TAGS.replace("example.com", "co.uk"))))
    assert (result.result, ids(result)[-1]) == ("pass", "dkim-domain-is-public-suffix")


# --- several ----------------------------------------------------------------------------------------


class Asked:
    def __init__(self) -> None:
        self.zone, self.asked, self.announced = zone(), [], []

    async def resolve(self, question: Question) -> Answer:
        self.asked.append(question.name)
        return await self.zone.resolve(question)

    def prefetch(self, questions) -> None:
        self.announced += [one.name for one in questions]


def test_every_signature_is_judged_by_itself_in_order():
    message = sign(sign()[: -len(BODY) - 2], algorithm="ed25519-sha256", how="simple/simple")
    message = b"DKIM-Signature: v=1\r\n" + message
    asked = Asked()
    results = drive(verify(asked, message))
    assert [one.result for one in results] == ["permerror", "pass", "pass"]
    assert [one.index for one in results] == [0, 1, 2]
    assert asked.asked == asked.announced == ["e._domainkey.example.com", "s._domainkey.example.com"]


def test_a_key_is_asked_once():
    message = sign()
    asked = Asked()
    drive(verify(asked, message[: message.index(b"From:")] * 3 + message))
    assert asked.asked == ["s._domainkey.example.com"]


def test_too_many_signatures_are_said_in_one_result():
    message = sign()
    results = drive(verify(zone(), message[: message.index(b"From:")] * 9 + message, max_signatures=3))
    assert [one.result for one in results] == ["pass", "pass", "pass", "neutral"]
    assert results[-1].reason.facts == {"count": 10, "limit": 3}


def test_an_unsigned_message_has_no_results():
    assert judged(HEAD + b"\r\n" + BODY) == ()


def test_misuse_raises():
    with pytest.raises(ValueError, match="max_signatures"):
        drive(verify(zone(), b"", max_signatures=0))


def test_the_trace_tells_the_way():
    result = only(sign())
    assert [step.id for step in result.trace.inner] == [
        "dkim-signature-read", "dkim-body-hashed", "dkim-key", "dkim-header-hashed", "dkim-verdict",
    ]  # fmt: skip
    assert drive(fetch_key(zone(), "example.com", "s")).trace == result.trace.inner[2]


# --- arithmetic -------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1024, 2048, 3072])
def test_our_reading_of_rsa_signatures_is_that_of_cryptography(bits):
    private, public = rsa_key(bits)
    key = load_pem_private_key(private, None)
    octets = key.sign(b"signed", PKCS1v15(), SHA256())
    digest = hashlib.sha256(b"signed").digest()
    assert rsa_signed(public, octets) == ("sha256", digest)
    assert verifies("rsa", public, bits, "sha256", digest, octets)
    other = hashlib.sha256(b"other").digest()
    assert not verifies("rsa", public, bits, "sha256", other, octets)
    for damaged in (octets[:-1], octets + b"\x00", b"\xff" * len(octets), b"", bytes(len(octets))):
        assert rsa_signed(public, damaged) is None
        assert not verifies("rsa", public, bits, "sha256", digest, damaged)


def test_a_hash_that_the_key_forbids():
    result = only(sign(algorithm="rsa-sha1"), s=[record("h=sha256; ")])
    assert (result.result, result.reason.id, result.header_ok) == ("permerror", "dkim-key-forbids-hash", True)
