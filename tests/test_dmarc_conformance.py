"""DMARC and ADSP against the suites of others (see tests/conformance.py)."""

from typing import Any

import pytest

from senderauth import adsp, dmarc
from senderauth.dmarc import DKIMIdentity, SPFIdentity
from senderauth.dns import drive
from tests.conformance import resolver, suite

# Cases that we do not follow, each with the reason.
STRICTER = (
    "stricter than RFC 9989 4.8 and RFC 7489 6.3: faults after the version become defaults, or are ignored"
)
CONTESTED: dict[str, str] = {
    "rfc9989-compliance-test/5": "RFC 9989 4.10: several records at a name are discarded, and the walk goes on",
    "get-dmarc-record-test/80": "tag names are case-sensitive (RFC 6376 3.2): V= is no version tag",
    "get-dmarc-record-test/89": "tag names are case-sensitive (RFC 6376 3.2): V= is no version tag",
    "verify/21": "we tell alignment even where no policy asks for it",
    "verify/29": STRICTER,
    "lookup/5": STRICTER,
    "external-report/14": STRICTER,
    "parse/5": "p=n is no policy (RFC 7489 6.3)",
    **{f"parse/{number}": STRICTER for number in (10, 11, 12, 13, 14, 19)},
}


def cases(name: str, *kinds: str, file: str = "cases.json") -> list[Any]:
    try:
        data = suite(name, file)
    except pytest.skip.Exception:
        return []
    return [pytest.param(c, id=f"{name}:{c['id']}") for c in data["cases"] if c.get("kind") in kinds]


def standard(case: Any) -> Any:
    return "rfc9989" if case["spec"] == "RFC 9989" else "rfc7489"


def identities(case: Any) -> tuple[SPFIdentity | None, list[DKIMIdentity]]:
    if "dkim" in case or "spf" in case:
        spf = case.get("spf") or {}
        by_spf = SPFIdentity(spf.get("result", "none"), spf["domain"]) if spf.get("domain") else None
        return by_spf, [DKIMIdentity(d["result"], d["domain"]) for d in case.get("dkim", [])]
    passing = case.get("spf_pass_domains") or []
    by_spf = SPFIdentity("pass", passing[0]) if passing else None
    return by_spf, [DKIMIdentity("pass", d) for d in case.get("dkim_pass_domains") or []]


@pytest.mark.parametrize(
    "case", [*cases("mailauth-dmarc", "dmarc-verify"), *cases("mox-dmarc", "dmarc-verify")]
)
def test_verify(case: Any) -> None:
    if reason := CONTESTED.get(case["id"]):
        pytest.skip(reason)
    expect = case["expect"]
    written = case.get("header_from_domain") or case["header_from"]
    author = written.rpartition("@")[2].rstrip(">") if isinstance(written, str) else ""
    if "result" not in expect or not author:
        pytest.skip("asserts what only this suite's engine has")
    spf, signed = identities(case)
    zone = resolver(case["dns"], case.get("dns_default"))
    verdict = drive(dmarc.evaluate(zone, author, spf=spf, dkim=signed, standard=standard(case)))

    assert verdict.result == expect["result"], verdict
    if "policy" in expect and verdict.policy.policy is not None:
        assert verdict.policy.policy == expect["policy"], verdict
    if "reject" in expect:
        assert (verdict.result == "fail" and verdict.disposition != "none") == expect["reject"]
    for aligned in ("spf_aligned_pass", "dkim_aligned_pass"):
        if aligned in expect:
            assert getattr(verdict, aligned.removesuffix("_pass")) == expect[aligned]
    if expect.get("policy_domain") and verdict.policy.location:
        assert verdict.policy.location == f"_dmarc.{expect['policy_domain']}"


@pytest.mark.parametrize(
    "case",
    [*cases("mailauth-dmarc", "dmarc-record-discovery"), *cases("mox-dmarc", "dmarc-record-discovery")],
)
def test_discovery(case: Any) -> None:
    if reason := CONTESTED.get(case["id"]):
        pytest.skip(reason)
    expect = case["expect"]
    policy = drive(
        dmarc.discover(resolver(case["dns"], case.get("dns_default")), case["domain"], standard(case))
    )

    if "record.p" in expect:
        assert policy.record is not None, policy
        assert policy.record.p == expect["record.p"]
    if expect.get("record_found") is False or expect.get("<result>") is False:
        assert policy.record is None, policy
    if expect.get("lookup_status") == "temperror":
        assert policy.unknown


@pytest.mark.parametrize("case", cases("opendmarc", "dmarc-alignment"))
def test_alignment(case: Any) -> None:
    records = {f"_dmarc.{case['b']}": {"TXT": [[f"v=DMARC1; p=none; aspf={case['mode']}"]]}}
    identity = SPFIdentity("pass", case["a"].strip("."))
    verdict = drive(dmarc.evaluate(resolver(records), case["b"].strip("."), spf=identity, standard="rfc7489"))

    assert verdict.spf_aligned == case["expect"]["aligned"]


@pytest.mark.parametrize("case", cases("opendmarc", "dmarc-record-syntax"))
def test_record_syntax(case: Any) -> None:
    if reason := CONTESTED.get(case["id"]):
        pytest.skip(reason)
    record = dmarc.parse(case["record"])

    assert (bool(record.tags) and record.usable("rfc7489")) == case["expect"]["valid"], record


@pytest.mark.parametrize("case", cases("mox-dmarc", "dmarc-external-report"))
def test_external_reports(case: Any) -> None:
    if reason := CONTESTED.get(case["id"]):
        pytest.skip(reason)
    zone = dict(case["dns"])
    rua = f"v=DMARC1; p=none; rua=mailto:r@{case['report_domain']}"
    zone[f"_dmarc.{case['domain']}"] = {"TXT": [[rua]]}
    asked = resolver(zone, case.get("dns_default"))
    policy = drive(dmarc.discover(asked, case["domain"]))
    found = drive(dmarc.check_report_destinations(asked, policy))

    assert (not found) == case["expect"]["accepts"], found


def adsp_cases() -> list[Any]:
    try:
        data = suite("adsp", "rfc5617_cases.json")
    except pytest.skip.Exception:
        return []
    return [pytest.param(case, id=case["id"]) for case in data["cases"]]


@pytest.mark.parametrize("case", adsp_cases())
def test_adsp(case: Any) -> None:
    expect = case["expect"]
    if "record" in case:
        record = adsp.parse(case["record"])
        wanted = expect["practice"] if expect["practice"] in ("unknown", "all", "discardable") else None
        assert (record.practice if record else None) == wanted
        return
    author = case.get("author_domain", "example.com")
    zone = case.get("dns")
    if zone is None:
        given = case["practice_given"]
        zone = {author: {"A": ["192.0.2.1"]}}
        if given in ("unknown", "all", "discardable"):
            zone[f"_adsp._domainkey.{author}"] = {"TXT": [[f"dkim={given}"]]}
        elif given == "nxdomain":
            zone = {}
        elif given in ("temperror", "permerror"):
            pytest.skip("the row names a result, not what leads to it")
    signed = [DKIMIdentity("pass", author)] if case.get("author_signature_valid") else []
    verdict = drive(adsp.evaluate(resolver(zone, case.get("dns_default")), author, signed))

    assert verdict.result == expect["dkim_adsp"], verdict
