"""What is noted about DMARC records, their reports, and how it is said."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from senderauth import dmarc
from senderauth.dns import Question, Status, drive
from senderauth.values import Finding, Step, fill
from tests.test_dmarc import Zone, judge

TEXT = Path(__file__).resolve().parents[1] / "senderauth" / "report" / "text"
RUA = "rua=mailto:r@example.com"


def words(room: str) -> dict[str, Any]:
    found = {}
    for path in sorted(TEXT.glob(f"*/{room}.toml")):
        found[path.parent.name] = tomllib.loads(path.read_text("utf-8"))
    assert set(found) == {"en", "nl", "de"}
    return found


WORDS = words("dmarc")


def say(finding: Finding) -> None:
    """Fails if words are missing or have a placeholder for which there is no fact."""
    for language, said in WORDS.items():
        for text in said["finding"][finding.id].values():
            filled = fill(text, {**finding.evidence, "subject": finding.subject})
            assert "{" not in filled, (language, finding.id, filled)


def findings(record: Any, author: str = "example.com", **above: Any) -> dict[str, str]:
    records = {name.replace("_", "."): text for name, text in above.items()}
    found: dict[str, str] = {}
    for standard in ("rfc7489", "rfc9989"):
        policy = drive(dmarc.discover(Zone({**records, author: record}), author, standard))
        for finding in policy.findings:
            say(finding)
            found[finding.id] = finding.severity
    return found


def test_a_good_record_has_no_findings() -> None:
    assert findings(f"v=DMARC1; p=reject; {RUA}") == {}


@pytest.mark.parametrize(
    ("record", "id", "severity"),
    [
        ("v=DMARC1; p=reject; sp=rejct", "dmarc-record-without-policy", "high"),
        (f"v=DMARC1; p=reject; sp=rejct; {RUA}", "dmarc-policy-cancelled", "high"),
        (f"v=DMARC1; p=reject; sp=rejct; {RUA}", "dmarc-invalid-value", "high"),
        (f"v=DMARC1; {RUA}", "dmarc-policy-missing", "medium"),
        (f"v=DMARC1; p=block; {RUA}", "dmarc-policy-invalid", "high"),
        ("v=DMARC1; p=reject; pct=20", "dmarc-pct-historic", "medium"),
        ("v=DMARC1; p=none; pct=20", "dmarc-pct-historic", "info"),
        ("v=DMARC1; p=none; pct=100", "dmarc-pct-superfluous", "info"),
        ("v=DMARC1; p=reject; t=y", "dmarc-test-mode", "medium"),
        ("v=DMARC1; p=reject; sp=none", "dmarc-subdomains-weaker", "low"),
        ("v=DMARC1; p=reject; np=none", "dmarc-subdomains-weaker", "low"),
        ("v=DMARC1; p=none; np=reject", "dmarc-np-not-everywhere", "info"),
        ("v=DMARC1; p=none", "dmarc-policy-none", "low"),
        ("v=DMARC1; p=none", "dmarc-no-reports", "low"),
        (["v=DMARC1; p=none", "v=DMARC1; p=reject"], "dmarc-several-records", "high"),
        (["v=DMARC1; p=none", "v=spf1 -all"], "dmarc-stray-txt", "low"),
        (["v=spf1 -all"], "dmarc-txt-without-record", "medium"),
        ("v=dmarc1; p=none", "dmarc-record-wrong-case", "high"),
        (" v=DMARC1; p=none", "dmarc-record-not-at-start", "high"),
        ("v=DMARC1 p=none", "dmarc-version-not-exact", "high"),
        ("p=none; v=DMARC1", "dmarc-version-not-first", "high"),
        ("p=none", "dmarc-version-missing", "high"),
        (["v=DMARC1; p=none", "p=none"], "dmarc-version-missing", "low"),  # a good one stands beside it
        ("v=DMARC1; policy=reject", "dmarc-tag-misspelt", "high"),
        ("v=DMARC1; p=none; rau=mailto:a@b.example", "dmarc-tag-misspelt", "medium"),
        ("v=DMARC1; p=none; x=y", "dmarc-unknown-tag", "info"),
        ("v=DMARC1; P=none", "dmarc-tag-case", "low"),
        ("V=DMARC1; p=none", "dmarc-tag-case", "low"),
        ("v=DMARC1; p=none; rf=afrf; ri=3600", "dmarc-historic-tags", "info"),
        (f"v=DMARC1; p=none; {RUA}!10m", "dmarc-size-suffix", "info"),
        ("v=DMARC1; p=none; ruf=mailto:a@example.com", "dmarc-failure-reports-rare", "info"),
        ("v=DMARC1; p=none; fo=1", "dmarc-fo-without-ruf", "info"),
        ("v=DMARC1; p=none; fo=2", "dmarc-invalid-value", "low"),
        ("v=DMARC1; p=none; adkim=strict", "dmarc-invalid-value", "medium"),
        (f"v=DMARC1; {RUA}; p=none", "dmarc-policy-not-second", "info"),
        ("v=DMARC1; p=none; p=reject", "dmarc-tag-twice", "high"),
        ("v=DMARC1; p=none; reject", "dmarc-not-a-tag", "medium"),
        ("v=DMARC1; p=none; rua=a@example.com", "dmarc-uri-without-scheme", "medium"),
        ("v=DMARC1; p=none; rua=bogus", "dmarc-invalid-uri", "medium"),
        ("v=DMARC1; p=none; rua=mailto:bogus", "dmarc-uri-without-domain", "medium"),
        ("v=DMARC1; p=none; rua=https://example.com/r", "dmarc-uri-scheme", "low"),
        ("v=DMARC1; p=none; rua=" + ",".join(["mailto:a@example.com"] * 60), "dmarc-many-uris", "low"),
        ("v=DMARC1; p=none; psd=y", "dmarc-public-suffix-claimed", "medium"),
        ("v=DMARC1; p=none; psd=y; ruf=mailto:a@example.com", "dmarc-failure-reports-ignored", "low"),
        ("v=DMARC1; p=none;" + ";" * 300, "dmarc-record-oversized", "medium"),
        (Status.TIMEOUT, "dmarc-dns-unknown", "medium"),
        ([], "dmarc-record-absent", "medium"),
    ],
)
def test_findings(record: Any, id: str, severity: str) -> None:
    assert findings(record).get(id) == severity


def test_records_above_and_below() -> None:
    above = {"example_com": f"v=DMARC1; p=reject; {RUA}"}
    assert findings([], "a.b.example.com", b_example_com="v=DMARC1; p=none", **above) == {
        "dmarc-record-passed-over": "medium"
    }
    own = f"v=DMARC1; p=none; sp=none; {RUA}"
    assert findings(own, "b.example.com", **above) == {
        "dmarc-own-record-overrides": "low",
        "dmarc-policy-none": "low",
        "dmarc-sp-without-effect": "low",
    }
    assert "dmarc-own-record-overrides" not in findings(own + "; psd=n", "b.example.com", **above)
    assert findings([], "shop.example", example="v=DMARC1; p=none").get("dmarc-top-level-record") == "medium"
    assert "dmarc-top-level-record" not in findings([], "shop.example", example="v=DMARC1; p=none; psd=y")


def test_an_alias() -> None:
    there = {("_dmarc.example.com", "CNAME"): ["dmarc.esp.example"]}
    record = {**there, ("dmarc.esp.example", "TXT"): [b"v=DMARC1; p=reject; " + RUA.encode()]}
    for others, id, severity in (
        (record, "dmarc-alias", "info"),
        (there, "dmarc-alias-without-record", "medium"),
    ):
        policy = drive(dmarc.discover(Zone({}, others), "example.com"))
        found = {finding.id: finding for finding in policy.findings}
        say(found[id])
        assert found[id].severity == severity
        assert found[id].evidence["target"] == "dmarc.esp.example"


def test_findings_stay_few_and_small_whatever_dns_holds() -> None:
    text = "v=DMARC1; p=none; " + "; ".join(f"p{n}=x y" for n in range(90)) + ";!" * 90 + ";x=" + "x" * 60_000
    policy = drive(dmarc.discover(Zone({"example.com": text}), "example.com"))
    assert len(policy.findings) < 40
    assert sum(len(repr(finding)) for finding in policy.findings) < 200_000


# The two standards beside each other


def compare(records: dict[str, Any], author: str) -> list[Finding]:
    both = [drive(dmarc.discover(Zone(records), author, standard)) for standard in ("rfc9989", "rfc7489")]
    found = list(dmarc.compare(*both))
    for finding in found:
        say(finding)
    return found


@pytest.mark.parametrize(
    ("records", "author", "expected"),
    [
        ({"example.com": "v=DMARC1; p=reject"}, "mail.example.com", []),
        ({}, "example.com", []),
        ({"example.com": "v=DMARC1; p=reject; t=y"}, "example.com", ["dmarc-standards-differ"]),
        ({"example.com": "v=DMARC1; p=reject; np=none"}, "nx.example.com", ["dmarc-standards-differ"]),
        ({"example": "v=DMARC1; p=reject; psd=y"}, "shop.example", ["dmarc-one-standard-only"]),
        (
            {"a.example.com": ["v=DMARC1; p=none"] * 2, "example.com": "v=DMARC1; p=none"},
            "a.example.com",
            ["dmarc-one-standard-only"],
        ),
        (
            {"www.example.com": "v=DMARC1; p=reject"},
            "www.example.com",
            ["dmarc-organizational-domains-differ"],
        ),
        ({"example.com": Status.TIMEOUT}, "example.com", []),  # nothing can be said
    ],
)
def test_where_the_standards_differ(records: dict[str, Any], author: str, expected: list[str]) -> None:
    assert [finding.id for finding in compare(records, author)] == expected


# Report destinations


def destinations(rua: str, records: dict[str, Any], author: str = "example.com", **given: Any) -> list[str]:
    others = {(name, "TXT"): value for name, value in records.items()}
    zone = Zone({"example.com": f"v=DMARC1; p=none; {rua}", **given}, others)
    found: list[str] = []
    for standard in ("rfc7489", "rfc9989"):
        policy = drive(dmarc.discover(zone, author, standard))
        zone.asked.clear()
        against = drive(dmarc.check_report_destinations(zone, policy))
        for finding in against:
            say(finding)
        found = [finding.id for finding in against]
        assert len(zone.asked) <= 90
    return found


AGREES = "example.com._report._dmarc.esp.example"


@pytest.mark.parametrize(
    ("rua", "records", "expected"),
    [
        ("rua=mailto:r@example.com", {}, []),
        ("rua=mailto:r@reports.example.com", {}, []),  # the same organization
        ("rua=mailto:r@esp.example", {}, ["dmarc-report-destination-refuses"]),
        ("rua=mailto:r@esp.example", {AGREES: [b"v=DMARC1"]}, []),
        ("rua=mailto:r@esp.example", {AGREES: [b"v=DMARC1;"]}, []),  # a trailing ";" is optional
        ("rua=mailto:r@esp.example", {AGREES: [b"other", b"v=DMARC1; rua=mailto:x@esp.example"]}, []),
        ("rua=mailto:r@esp.example", {AGREES: [b"v=DMARC12"]}, ["dmarc-report-destination-refuses"]),
        ("rua=mailto:r@esp.example", {AGREES: Status.SERVFAIL}, ["dmarc-report-destination-unknown"]),
        (
            "rua=mailto:r@esp.example",
            {AGREES: [b"v=DMARC1; rua=mailto:x@victim.example"]},
            ["dmarc-report-destination-overrides"],
        ),
        ("ruf=mailto:r@esp.example", {}, ["dmarc-report-destination-refuses"]),
        ("rua=mailto:a@esp.example,mailto:b@esp.example", {}, ["dmarc-report-destination-refuses"]),
        ("rua=https://esp.example/r", {}, ["dmarc-report-destination-refuses"]),
        ("rua=mailto:bogus", {}, []),  # told by the record's own findings
        (
            f"rua=mailto:r@{'.'.join(['a' * 60] * 4)}.example",
            {},
            ["dmarc-report-destination-too-long"],
        ),
    ],
)
def test_report_destinations(rua: str, records: dict[str, Any], expected: list[str]) -> None:
    assert destinations(rua, records) == expected


def test_the_policy_s_own_name_is_asked_for() -> None:
    """The record of the organizational domain: its name counts, not the author's (RFC 9990 4 step 3)."""
    assert destinations("rua=mailto:r@esp.example", {AGREES: [b"v=DMARC1"]}, "a.b.example.com") == []


def test_a_public_suffix_is_not_the_organization_below_it() -> None:
    records = {
        "bank.example": "v=DMARC1; p=none; psd=y; rua=mailto:a@mega.bank.example,mailto:b@bank.example"
    }
    zone = Zone(records)
    found = drive(dmarc.check_report_destinations(zone, drive(dmarc.discover(zone, "mega.bank.example"))))
    assert [(finding.id, finding.evidence["host"]) for finding in found] == [
        ("dmarc-report-destination-refuses", "mega.bank.example")
    ]


def test_a_part_with_psd_n_is_another_organization() -> None:
    rua = "rua=mailto:r@x.dept.example.com"
    refused = destinations(rua, {}, **{"dept.example.com": "v=DMARC1; p=none; psd=n"})
    assert refused == ["dmarc-report-destination-refuses"]


def test_destinations_are_bounded() -> None:
    rua = "rua=" + ",".join(f"mailto:r@h{n}.example" for n in range(40))
    found = destinations(rua, {})
    assert found == ["dmarc-many-destinations"] + ["dmarc-report-destination-refuses"] * 10


def test_no_policy_has_no_destinations() -> None:
    zone = Zone({})
    assert drive(dmarc.check_report_destinations(zone, drive(dmarc.discover(zone, "example.com")))) == ()


# Records at the wrong name


@pytest.mark.parametrize("place", ["example.com", "dmarc.example.com", "_dmarc.example.com.example.com"])
def test_misplaced_records(place: str) -> None:
    zone = Zone({}, {(place, "TXT"): [b"v=spf1 -all", b"v=DMARC1; p=none"]})
    (finding,) = drive(dmarc.find_misplaced(zone, "Example.com"))
    say(finding)
    assert (finding.id, finding.subject) == ("dmarc-record-misplaced", place)
    assert len(zone.asked) == 3


def test_nothing_misplaced() -> None:
    assert drive(dmarc.find_misplaced(Zone({"example.com": "v=DMARC1; p=none"}), "example.com")) == ()
    assert drive(dmarc.find_misplaced(Zone({}), "a..b")) == ()


# Reasons and steps


class Announced(Zone):
    """A resolver that also hears what will be asked."""

    def prefetch(self, questions: Any) -> None:
        self.told = {*getattr(self, "told", ()), *questions}


def test_what_is_asked_was_announced() -> None:
    zone = Announced({"example.com": "v=DMARC1; p=none; rua=mailto:r@x.example.com,mailto:r@esp.example"})
    verdict = judge(zone, "a.example.com", dkim=[("pass", "b.example.com")])
    drive(dmarc.check_report_destinations(zone, verdict.policy))
    missed = {Question(*asked) for asked in zone.asked} - zone.told
    assert missed == set()


@pytest.mark.parametrize("standard", ["rfc9989", "rfc7489"])
@pytest.mark.parametrize(
    ("records", "author", "spf"),
    [
        ({}, "example.com", None),
        ({}, "a..b", None),
        ({"example.com": "v=DMARC1; p=reject"}, "example.com", ("pass", "example.com")),
        ({"example.com": "v=DMARC1; p=reject; pct=3"}, "example.com", ("pass", "example.net")),
        ({"example.com": "v=DMARC1; p=reject; t=y"}, "a.example.com", ("fail", "b.example.com")),
        ({"example.com": "v=DMARC1; p=reject"}, "example.com", ("temperror", "example.com")),
        ({"example.com": Status.TIMEOUT}, "example.com", None),
        ({"example.com": ["v=DMARC1"] * 2}, "example.com", None),
        ({"example.com": "v=DMARC1"}, "example.com", None),
        ({"example.com": f"v=DMARC1; {RUA}"}, "example.com", None),
        (
            {"example.com": "v=DMARC1; p=none", "x.example.com": Status.REFUSED},
            "example.com",
            ("pass", "x.example.com"),
        ),
    ],
)
def test_every_reason_and_step_has_words_for_its_facts(
    records: dict[str, Any], author: str, spf: Any, standard: Any
) -> None:
    verdict = judge(records, author, spf=spf, standard=standard)
    for said in WORDS.values():
        for reason in (verdict.reason, verdict.policy.reason):
            assert "{" not in fill(said["reason"][reason.id]["text"], reason.facts)

        def walk(step: Step, said: Any = said) -> None:
            if step.id not in ("dmarc", "dns"):
                assert "{" not in fill(said["step"][step.id]["text"], step.facts)
            for inner in step.inner:
                walk(inner)

        walk(verdict.trace)


@pytest.mark.parametrize("above", [{}, {"example.com": f"v=DMARC1; p=none; {RUA}"}])
@pytest.mark.parametrize("record", ["v=DMARC1; p=none; sp=reject", "v=DMARC1; p=reject; pct=10", "v=DMARC1"])
def test_both_standards_at_once_find_what_each_finds(record: str, above: dict[str, str]) -> None:
    """Where nothing stands above, the organizational domains differ: sp counts for one of them only."""
    zone = Zone({"sub.example.com": record, **above})
    at_once = drive(dmarc.discover_both(zone, "sub.example.com"))
    each = [drive(dmarc.discover(zone, "sub.example.com", standard)) for standard in ("rfc9989", "rfc7489")]
    found = [
        {(finding.id, finding.subject) for p in pair for finding in p.findings} for pair in (at_once, each)
    ]
    assert found[0] == found[1]
