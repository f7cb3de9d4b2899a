"""The signed messages of others, with the outcome that their sources state."""

import json
from typing import Any

import pytest

from senderauth.dkim import split, verify
from senderauth.dkim.canonical import canonical_body, canonical_field
from senderauth.dns import drive
from tests.conformance import folder, octets, resolver, suite

NOW = 1_700_000_000


def cases(name: str) -> list[Any]:
    data = suite(name)
    return [pytest.param(data, case, id=case["id"]) for case in data["cases"]]


def signatures(name: str, case: Any, records: Any, now: float | None = NOW) -> Any:
    message = (folder(name) / case["message"]).read_bytes()
    return drive(verify(resolver(records), message, now=now))


# --- mail-dkim --------------------------------------------------------------------------------------

DRAFT = "a signature of a draft, without v=1: RFC 6376 6.1.1 refuses it"
SHA1 = "verifies, but rsa-sha1 must not be accepted (RFC 8301 3.1)"
GRANULARITY = "g= of RFC 4871 is gone since RFC 6376; the message is signed with rsa-sha1 besides"
MAIL_DKIM = {
    **dict.fromkeys(
        ["good_ietf00_1", "good_ietf00_2", "good_ietf00_3", "good_ietf00_4", "good_ietf00_5", "mine_ietf01_1",
         "mine_ietf01_2", "mine_ietf01_3", "mine_ietf01_4", "mine_ietf05_1", "good_ietf01_1", "good_ietf01_2",
         "multiple_1", "bad_ietf01_1", "bad_ietf01_2", "bad_ietf01_3", "bad_1", "no_body_1", "no_body_2",
         "no_body_3", "strict/good_ietf01_1", "strict/mine_ietf01_3"],
        ("permerror", DRAFT),
    ),
    **dict.fromkeys(
        ["good_rfc4871_3", "good_rfc4871_4", "good_1878523", "good_83176", "multiple_2", "good_qp_1",
         "good_qp_2", "good_qp_3", "goodkey_1", "goodkey_3", "goodkey_4", "strict/good_1878523",
         "strict/good_qp_1"],
        ("policy", SHA1),
    ),
    **dict.fromkeys(["badkey_8", "badkey_9", "badkey_12", "badkey_13"], ("policy", GRANULARITY)),
    "goodkey_2": ("permerror", "the key allows sha1 only: no signature by it can be accepted (RFC 8301 3.1)"),
}  # fmt: skip
"""Where the corpus and we differ: what we say, and why."""


@pytest.mark.parametrize(("data", "case"), cases("mail-dkim"))
def test_mail_dkim(data: Any, case: Any) -> None:
    if case["protocol"] == "domainkeys":
        pytest.skip("RFC 4870, historic since 2007")
    results = signatures("mail-dkim", case, data["dns"])
    words = {one.result for one in results}
    if case["id"] in MAIL_DKIM:
        word, why = MAIL_DKIM[case["id"]]
        assert word in words, why
        assert "pass" not in words
        if word == "policy":  # it would have verified: we agree about the hashes
            assert any(one.header_ok and one.body_ok for one in results)
        return
    expected = case["expect"]["result"]
    if expected == "pass":
        assert "pass" in words, results
    elif expected == "fail":
        assert "fail" in words, results
        assert "pass" not in words
    else:
        assert words <= {"permerror", "temperror"}, results


# --- dkimpy -----------------------------------------------------------------------------------------

DKIMPY = {
    "test_dkim_signature_canonicalization/12": ("policy", "a key of 512 bits (RFC 8301 3.2)"),
    "test_dkim_signature_canonicalization/13": ("policy", "a key of 512 bits"),
    "test_dkim_signature_canonicalization/14": ("policy", "a key of 512 bits"),
    "test_dkim_signature_canonicalization/15": ("policy", "a key of 512 bits"),
    "test_tlsrpt_ignore_l_verify/120": (
        "pass",
        "l= is honoured; ignoring it is for TLS reports (RFC 8460 3)",
    ),
}


@pytest.mark.parametrize(("data", "case"), [c for c in cases("dkimpy") if c.values[1]["kind"] == "dkim"])
def test_dkimpy(data: Any, case: Any) -> None:
    results = signatures("dkimpy", case, case["dns"], None)
    index = case.get("signature_index", 0)
    result = results[index].result if index < len(results) else "none"
    if case["id"] in DKIMPY:
        assert result == DKIMPY[case["id"]][0]
    else:
        assert (result == "pass") == case["expect"]["verified"], results


# --- mail-auth, rspamd ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "case"), [c for c in cases("mail-auth-dkim") if c.values[1]["kind"] == "dkim"]
)
def test_mail_auth(data: Any, case: Any) -> None:
    results = signatures("mail-auth-dkim", case, case["dns"], case["now"])
    assert [one.result for one in results] == ["pass"] * len(results)
    assert results


RSPAMD = {
    "116_dkim/8": "rspamd looks at five signatures, the sixth is good; we look at more and stop at 50",
}


@pytest.mark.parametrize(
    ("data", "case"), [c for c in cases("rspamd-func") if "DKIM" in c.values[1]["expect"]["symbol"]]
)
def test_rspamd(data: Any, case: Any) -> None:
    results = signatures("rspamd-func", case, data["dns"], None)
    words = {one.result for one in results} or {"none"}
    expected = case["expect"]
    if case["id"] in RSPAMD:
        assert "pass" in words, RSPAMD[case["id"]]
    elif "dkim" in expected:
        assert expected["dkim"] in words, results
    else:
        assert ("pass" in words) == expected["present"], results


# --- canonical forms --------------------------------------------------------------------------------


def canonical(octets_given: bytes, how: Any, part: str) -> bytes:
    if part == "body":
        return b"".join(canonical_body(octets_given, 0, how, repair=True))
    if part == "header":
        fields = split(octets_given + b"\r\n\r\n").fields
        return b"".join(canonical_field(one.raw, how) + b"\r\n" for one in fields)
    message = split(octets_given)
    header = b"".join(canonical_field(one.raw, how) + b"\r\n" for one in message.fields)
    text = b"".join(canonical_body(octets_given, message.body_start, how, repair=True))
    return header + b"\r\n" + text


@pytest.mark.parametrize(("data", "case"), cases("dkim-canon"))
def test_canonical_forms(data: Any, case: Any) -> None:
    where = folder("dkim-canon")
    given = (where / case["input_file"]).read_bytes() if "input_file" in case else octets(case["input"])
    expected = (where / case["expect_file"]).read_bytes() if "expect_file" in case else octets(case["expect"])
    part = {"headers+blank line+body": "message"}.get(case["part"], case["part"])
    assert canonical(given, case["algorithm"], part) == expected, json.dumps(case)
