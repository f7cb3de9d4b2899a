"""ADSP (RFC 5617, historic): records, the lookup procedure, all eight results."""

import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth import adsp
from senderauth.adsp import parse
from senderauth.dns import Answer, Question, Status, ZoneResolver, drive
from senderauth.values import fill
from tests.conformance import resolver, suite

TEXT = Path(__file__).resolve().parents[1] / "senderauth" / "report" / "text"
WORDS = {path.parent.name: tomllib.loads(path.read_text("utf-8")) for path in TEXT.glob("*/adsp.toml")}
PLACE = "_adsp._domainkey.example.com"


@dataclass
class Signature:
    result: str
    domain: str


class Zone:
    """Notes what is asked."""

    def __init__(self, records: Mapping[tuple[str, str], Any]) -> None:
        self.zone = ZoneResolver.from_records(records)
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, question: Question) -> Answer:
        self.asked.append((question.name, question.rdtype))
        return await self.zone.resolve(question)


def published(*texts: str | bytes) -> dict[tuple[str, str], Any]:
    records = [text.encode() if isinstance(text, str) else text for text in texts]
    return {("example.com", "A"): ["192.0.2.1"], (PLACE, "TXT"): records}


def judge(
    records: Mapping[tuple[str, str], Any],
    signatures: Sequence[tuple[str, str]] = (),
    author: str = "example.com",
) -> adsp.Verdict:
    """The verdict; fails where the wording of any language lacks words or facts."""
    verdict = drive(adsp.evaluate(Zone(records), author, [Signature(*one) for one in signatures]))
    for said in WORDS.values():
        assert "{" not in fill(said["reason"][verdict.reason.id]["text"], verdict.reason.facts)
        for finding in verdict.findings:
            for text in said["finding"][finding.id].values():
                assert "{" not in fill(text, {**finding.evidence, "subject": finding.subject}), finding
    return verdict


@pytest.mark.parametrize(
    ("text", "practice"),
    [
        ("dkim=unknown", "unknown"),
        ("dkim=all", "all"),
        ("dkim=discardable", "discardable"),
        ("dkim=ALL", "all"),
        ("dkim = all", "all"),
        ("dkim\t=\r\n all ", "all"),
        ("dkim=all;", "all"),
        ("dkim=all; x=y; z=", "all"),
        ("dkim=anything-else", "unknown"),  # 4.2.1: any other value is unknown
        ("DKIM=all", None),
        ("Dkim=all", None),
        (" dkim=all", None),
        ("x=1; dkim=all", None),
        ("v=DKIM1; dkim=all", None),
        ("dkim", None),
        ("dkim=", None),
        ("dkim all", None),
        ("dkimx=all", None),
        ("dkim=all mail", None),
        ("dkim=-all", None),
        ("dkim=all-", None),
        ("dkim=all; junk", None),  # no tag-list
        ("dkim=all;;", None),
        ("dkim=all; dkim=unknown", None),  # RFC 6376 3.2: no tag twice
        ("dkim=all; x=1; x=2", None),
        ("dkim=äll", None),
        ("dkim=all; x=\x00", None),
        ("dkim=all; x=" + "y" * 5_000, None),
        ("v=spf1 -all", None),
        ("", None),
    ],
)
def test_records(text: str, practice: str | None) -> None:
    record = parse(text)
    assert (record and record.practice) == practice
    assert parse(text.encode()) == record


@given(st.text(alphabet="dkim=al;x \tunow-\x00ü", max_size=30).map(lambda rest: f"dkim={rest}"))
def test_round_trip(text: str) -> None:
    record = parse(text)
    assert record is None or parse(str(record)) == record


@given(st.binary())
def test_nothing_crashes(data: bytes) -> None:
    parse(data)
    parse(b"dkim=" + data)


def test_work_is_linear() -> None:
    began = time.perf_counter()
    for text in (b"dkim" + b" " * 1_000_000, b"dkim=all" + b";" * 1_000_000, b"dkim=all;" + b"a=b;" * 1_000):
        parse(text)
    assert time.perf_counter() - began < 0.5


OWN, PARENT, CHILD = ("pass", "example.com"), ("pass", "com"), ("pass", "mail.example.com")


@pytest.mark.parametrize(
    ("records", "signatures", "result", "reason"),
    [
        (published(), [], "none", "adsp-no-record"),
        ({("example.com", "MX"): [(10, "mx.example.net")]}, [], "none", "adsp-no-record"),
        (published("dkim=unknown"), [], "unknown", "adsp-no-author-signature"),
        (published("dkim=all"), [], "fail", "adsp-no-author-signature"),
        (published("dkim=discardable"), [], "discard", "adsp-no-author-signature"),
        (published("dkim=all"), [OWN], "pass", "adsp-author-signature"),
        (published("dkim=discardable"), [("fail", "example.com"), OWN], "pass", "adsp-author-signature"),
        (published(), [("pass", "EXAMPLE.com.")], "pass", "adsp-author-signature"),
        (
            published("dkim=all"),
            [PARENT, CHILD],
            "fail",
            "adsp-no-author-signature",
        ),  # 2.7: exactly this name
        (published("dkim=all"), [("fail", "example.com")], "fail", "adsp-no-author-signature"),
        (published("dkim=all"), [("policy", "example.com")], "fail", "adsp-no-author-signature"),
        (published("dkim=all"), [("temperror", "example.com")], "temperror", "adsp-signature-unknown"),
        (published("dkim=unknown"), [("temperror", "example.com")], "unknown", "adsp-no-author-signature"),
        (published("dkim=all"), [("temperror", "example.net")], "fail", "adsp-no-author-signature"),
        ({}, [], "nxdomain", "adsp-domain-missing"),
        ({}, [CHILD], "nxdomain", "adsp-domain-missing"),
        ({("x.example.com", "A"): ["192.0.2.1"]}, [], "none", "adsp-no-record"),  # no data is not NXDOMAIN
        ({("example.com", "CNAME"): ["gone.example.net"]}, [], "none", "adsp-no-record"),
        (published("dkim=all", "dkim=unknown"), [], "permerror", "adsp-several-records"),
        (published("dkim=all", "v=spf1 -all"), [], "fail", "adsp-no-author-signature"),  # 4.1: ignored
        (published("DKIM=all"), [], "none", "adsp-no-record"),
    ],
)
def test_results(records: Any, signatures: Any, result: str, reason: str) -> None:
    verdict = judge(records, signatures)
    assert (verdict.result, verdict.reason.id) == (result, reason)


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.SERVFAIL, Status.REFUSED])
@pytest.mark.parametrize("question", [("example.com", "MX"), (PLACE, "TXT")])
def test_unknown_now_is_temperror_and_names_the_question(question: tuple[str, str], status: Status) -> None:
    verdict = judge({**published("dkim=all"), question: status})
    assert (verdict.result, verdict.reason.id, verdict.practice) == ("temperror", "adsp-dns-unknown", None)
    assert (verdict.reason.facts["name"], verdict.reason.facts["status"]) == (question[0], status.value)


def test_a_signature_passes_whatever_dns_does() -> None:
    verdict = judge({(PLACE, "TXT"): Status.TIMEOUT, ("example.com", "MX"): Status.TIMEOUT}, [OWN])
    assert verdict.result == "pass"


@pytest.mark.parametrize(
    ("records", "signatures", "asked"),
    [
        (published("dkim=all"), [], [("example.com", "MX"), (PLACE, "TXT")]),
        ({}, [], [("example.com", "MX")]),  # 4.3 step 1 ends it
        (published("dkim=all"), [OWN], [(PLACE, "TXT")]),
    ],
)
def test_the_lookup_procedure(records: Any, signatures: Any, asked: list[tuple[str, str]]) -> None:
    zone = Zone(records)
    drive(adsp.evaluate(zone, "example.com", [Signature(*one) for one in signatures]))
    assert zone.asked == asked


def test_nothing_is_inherited() -> None:  # 4.2: no tree
    records = {**published("dkim=all"), ("www.example.com", "A"): ["192.0.2.1"]}
    assert judge(records, author="www.example.com").result == "none"


def test_a_cname_is_followed() -> None:
    records = {
        ("example.com", "A"): ["192.0.2.1"],
        (PLACE, "CNAME"): ["adsp.esp.example"],
        ("adsp.esp.example", "TXT"): [b"dkim=all"],
    }
    assert judge(records).result == "fail"


def test_strings_are_joined() -> None:
    records = {("example.com", "A"): ["192.0.2.1"], (PLACE, "TXT"): [(b"dk", b"im=a", b"ll")]}
    assert (judge(records).practice, judge(records).record) == ("all", "dkim=all")


@pytest.mark.parametrize(
    "author", ["", "a..b", "x" * 300, "\x00", "ü" * 3_000, ".".join(["a" * 60] * 4) + ".com"]
)
def test_what_is_no_domain_is_permerror(author: str) -> None:
    verdict = judge({}, [("pass", author)], author)
    assert (verdict.result, verdict.reason.id) == ("permerror", "adsp-domain-unusable")


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([], {}),
        (["dkim=unknown"], {"adsp-historic": "low"}),
        (["dkim=all"], {"adsp-historic": "medium"}),
        (["dkim=discardable"], {"adsp-historic": "medium", "adsp-discardable": "info"}),
        (["dkim=strict"], {"adsp-historic": "low", "adsp-unknown-practice": "low"}),
        (["dkim=all", "dkim=all"], {"adsp-several-records": "medium"}),
        (["DKIM=all"], {"adsp-malformed-record": "low"}),
        (["v=spf1 -all"], {"adsp-wildcard-suspected": "low"}),
        (["dkim=all", "v=spf1 -all"], {"adsp-historic": "medium", "adsp-wildcard-suspected": "low"}),
        (["v=spf1 -all", b"\xff\x00"] * 500, {"adsp-wildcard-suspected": "low"}),
    ],
)
def test_findings(texts: list[str | bytes], found: dict[str, str]) -> None:
    for signatures in ([], [OWN]):
        verdict = judge(published(*texts), signatures)
        assert {finding.id: finding.severity for finding in verdict.findings} == found
        assert all(finding.subject == PLACE for finding in verdict.findings)


def cases() -> list[Any]:
    try:
        data = suite("adsp", "rfc5617_cases.json")
    except pytest.skip.Exception:
        return []
    return [pytest.param(case, id=case["id"]) for case in data["cases"]]


# The rows of 5.4 name a result, not what leads to it: what we take for it
ERRORS: dict[str, dict[tuple[str, str], Any]] = {
    "temperror": {**published(), (PLACE, "TXT"): Status.SERVFAIL},
    "permerror": published("dkim=all", "dkim=all"),
    "nxdomain": {},
}


@pytest.mark.parametrize("case", cases())
def test_the_rfc_s_own_rows(case: Any) -> None:
    expect = case["expect"]
    if "record" in case:
        record = parse(case["record"])
        wanted = expect["practice"] if expect["practice"] in ("unknown", "all", "discardable") else None
        assert (record.practice if record else None) == wanted
        return
    if "dns" in case:
        author, zone = case["author_domain"], resolver(case["dns"], case["dns_default"])
    else:
        author, practice = "example.com", case["practice_given"]
        texts = [f"dkim={practice}"] if practice else []
        zone = ZoneResolver.from_records(ERRORS.get(practice, published(*texts)))
    noted = Zone({})
    noted.zone = zone  # type: ignore[assignment]
    signed = [Signature("pass", author)] if case["author_signature_valid"] else []
    verdict = drive(adsp.evaluate(noted, author, signed))

    assert verdict.result == expect["dkim_adsp"], verdict
    if "queries_in_the_text" in expect:
        assert [f"{rdtype} {name}" for name, rdtype in noted.asked] == expect["queries_in_the_text"]
