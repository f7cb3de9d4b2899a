"""The record without a client: tree, worst case, networks, findings."""

import re
from ipaddress import ip_network
from typing import Any

import pytest

from senderauth.dns import Answer, Question, Status, ZoneResolver, drive
from senderauth.report import wording
from senderauth.spf import Node, Survey, check_host, survey
from senderauth.values import plain

Records = dict[tuple[str, str], Any]


def surveyed(records: Records, domain: str = "example.com") -> Survey:
    return drive(survey(ZoneResolver.from_records(records), domain))


def txt(*records: str, **others: str) -> Records:
    """Records of example.com, and of names below it."""
    zone: Records = {("example.com", "TXT"): [record.encode() for record in records]}
    return zone | {(f"{name}.example.com", "TXT"): [text.encode()] for name, text in others.items()}


def found(records: Records) -> list[str]:
    return [finding.id for finding in surveyed(records).findings]


def test_the_tree_and_what_each_term_costs() -> None:
    zone = txt(
        "v=spf1 ip4:192.0.2.0/24 a include:a.example.com include:b.example.com -all",
        a="v=spf1 mx include:c.example.com -all",
        b="v=spf1 ip4:198.51.100.0/24 redirect=c.example.com",
        c="v=spf1 ip6:2001:db8::/32 ~all",
    ) | {
        ("example.com", "A"): ["203.0.113.7"],
        ("a.example.com", "MX"): [(10, "mx.example.com")],
        ("mx.example.com", "A"): ["203.0.113.8"],
    }
    whole = surveyed(zone)

    assert {cost.text: cost.lookups for cost in whole.tree.terms} == {
        "ip4:192.0.2.0/24": 0, "a": 1, "include:a.example.com": 3, "include:b.example.com": 2, "-all": 0,
    }  # fmt: skip
    assert (whole.lookups, whole.terminal, whole.includes) == (6, "-all", ("a.example.com", "b.example.com"))
    assert whole.networks == tuple(
        map(ip_network, ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.7", "203.0.113.8", "2001:db8::/32"])
    )
    assert (whole.addresses4, whole.addresses6) == (514, 2**96)
    assert whole.tree.terms[2].child is not None
    assert whole.tree.terms[2].child.via == ("example.com", "include:a.example.com")
    assert whole.tree.source == "zone"
    assert whole.findings == ()
    plain(whole)


@pytest.mark.parametrize(
    ("record", "networks"),
    [
        ("v=spf1 -ip4:192.0.2.0/25 ip4:192.0.2.0/24 -all", ["192.0.2.128/25"]),
        ("v=spf1 ?ip4:192.0.2.1 ~ip4:192.0.2.2 -all", []),
        ("v=spf1 -all ip4:192.0.2.1", []),
        ("v=spf1 -include:in.example.com ip4:192.0.2.0/24 -all", ["192.0.2.128/25"]),
        ("v=spf1 include:in.example.com -all", ["192.0.2.0/25"]),
        ("v=spf1 ip4:192.0.2.0/25 redirect=in.example.com", ["192.0.2.0/25"]),
        ("v=spf1 -ip4:192.0.2.0/26 redirect=in.example.com", ["192.0.2.64/26"]),
        ("v=spf1 include:none.example.com ip4:192.0.2.1 -all", ["192.0.2.1"]),
        ("v=spf1 ip4:192.0.2.0/25 ip4:192.0.2.128/25 -all", ["192.0.2.0/24"]),
        ("v=spf1 -ip4:0.0.0.0/1 -ip6:::/0 +all", ["128.0.0.0/1"]),
        ("v=spf1 ip4:192.0.2.1 foo", []),
    ],
)
def test_networks_follow_the_evaluation(record: str, networks: list[str]) -> None:
    zone = txt(record, **{"in": "v=spf1 -ip4:198.51.100.1 ip4:192.0.2.0/25 ~ip4:192.0.2.0/24 -all"})
    whole = surveyed(zone)

    assert whole.networks == tuple(map(ip_network, networks))
    edges = [address for network in whole.networks for address in (network[0], network[-1])]
    for address in edges if "none." not in record else ():  # and the evaluation agrees
        judged = check_host(ZoneResolver.from_records(zone), address, "example.com", "a@example.com", "h")
        assert drive(judged).result == "pass"


def test_costs_are_counted_past_the_limit() -> None:
    zone = txt(
        "v=spf1 include:a.example.com include:b.example.com -all",
        a="v=spf1 " + " ".join(f"a:h{i}.example.com" for i in range(9)),
        b="v=spf1 mx:h1.example.com exists:%{i}.example.com ptr",
    )
    zone |= {(f"h{i}.example.com", "A"): ["192.0.2.1"] for i in range(9)}
    zone["h1.example.com", "MX"] = [(10, "h1.example.com")]
    whole = surveyed(zone)

    assert whole.lookups == 14
    (finding,) = [f for f in whole.findings if f.id == "spf-too-many-lookups"]
    assert finding.evidence["costs"] == ["include:a.example.com: 10", "include:b.example.com: 4"]
    assert whole.unevaluated == ("exists:%{i}.example.com", "ptr")


@pytest.mark.parametrize(
    ("record", "lookups"),
    [("v=spf1 exists:%{p}.example.com ?all", 2), ("v=spf1 a:%{d} -all mx", 1), ("v=spf1", 0)],
)
def test_worst_case_lookups(record: str, lookups: int) -> None:
    assert surveyed(txt(record)).lookups == lookups


def test_void_lookups_by_family() -> None:
    zone = txt("v=spf1 a:a.example.com a:b.example.com a:c.example.com exists:d.example.com -all")
    zone |= {(f"{name}.example.com", "A"): ["192.0.2.1"] for name in "abc"}
    whole = surveyed(zone)

    assert (whole.tree.voids4, whole.tree.voids6, whole.void_lookups) == (1, 4, 4)
    assert [f.id for f in whole.findings] == ["spf-too-many-voids-ipv6", "spf-void-term"]


@pytest.mark.parametrize(
    ("records", "ids"),
    [
        (txt("v=spf1 -all"), []),
        (txt(), ["spf-record-absent"]),
        (txt("v=spf1 -all", "v=spf1 mx -all"), ["spf-several-records"]),
        ({("example.com", "TXT"): Status.SERVFAIL}, ["spf-record-unknown"]),
        (txt(_spf="v=spf1 -all"), ["spf-record-absent", "spf-record-at-wrong-name"]),
        (txt(" v=spf1 -all"), ["spf-malformed-version", "spf-record-absent"]),
        (txt("v=spf1 -all", "v=spf1;mx"), ["spf-malformed-version"]),
        (txt("v=spf1 +all"), ["spf-passes-everyone"]),
        (txt("v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"), ["spf-passes-everyone"]),
        (txt("v=spf1 include:a.example.com -all", a="v=spf1 all"), ["spf-passes-everyone"]),
        (txt("v=spf1 ip4:12.0.0.0/7 -all"), ["spf-authorises-many"]),
        (txt("v=spf1 ip4:12.0.0.0/8 -all"), []),
        (txt("v=spf1 ?all"), ["spf-neutral-all"]),
        (txt("v=spf1 ip4:192.0.1.1"), ["spf-no-all"]),
        (txt("v=spf1 -all ip4:192.0.1.1"), ["spf-terms-after-all"]),
        (txt("v=spf1 -all redirect=a.example.com"), ["spf-redirect-ignored"]),
        (txt("v=spf1 ptr -all"), ["spf-ptr-used"]),
        (txt("v=spf1 ip4:192.0.1.1 ?ip4:192.0.1.1 ip4:192.0.1.1/32 -all"), ["spf-duplicate-terms"]),
        (txt(f"v=spf1 {'include:a.example.com ' * 2}-all", a="v=spf1"), ["spf-duplicate-include"]),
        (txt("v=spf1 include:a.example.com -all"), ["spf-include-without-record"]),
        (txt("v=spf1 redirect=a.example.com"), ["spf-redirect-without-record"]),
        (txt("v=spf1 include:a..example.com -all"), ["spf-odd-name", "spf-include-without-record"]),
        (txt("v=spf1 include:a.test,include:b.test -all"), ["spf-odd-name", "spf-include-without-record"]),
        (
            txt("v=spf1 include:a.example.com -all", a="v=spf1 foo"),
            ["spf-include-broken", "spf-unknown-mechanism"],
        ),
        (txt("v=spf1 include:example.com -all"), ["spf-include-loop"]),
        (txt("v=spf1 include=a.example.com -all"), ["spf-mechanism-with-equals"]),
        (txt("v=spf1 ip4:192.0.1.1 v=spf1 -all"), ["spf-version-repeated"]),
        (txt("v=spf1 ip4:10.0.0.0/8 ip6:fd00::/8 -all"), ["spf-special-network"]),
        (txt("v=spf1 exists:%{i}.example.com -all"), ["spf-macro-unevaluated"]),
        (txt("v=spf1 a:nowhere.example.com -all"), ["spf-void-term"]),
        (txt("v=spf1 -all exp=nowhere.example.com"), ["spf-exp-unusable"]),
        (txt("v=spf1 -all exp=why.example.com", why="because"), []),
        (txt("v=spf1 -all", "x" * 500), ["spf-txt-large"]),
        (txt("v=spf1 ip:192.0.2.1 foo -all"), ["spf-mechanism-misspelt", "spf-unknown-mechanism"]),
        (
            {("example.com", "TXT"): [(b"v=spf1 ip4:192.0.1.1", b"-all")]},
            ["spf-not-an-address", "spf-strings-glued"],
        ),
    ],
)
def test_findings(records: Records, ids: list[str]) -> None:
    assert found(records) == ids


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 include:a.example.com ip4:192.0.2.1 a:gone.example.com mx ptr exists:%{i}.x.example ~all",
        "v=spf1 redirect=gone.example.com",
        "v=spf1 ip4:192.0.2.1 \u2013all",
        "v=spf1 ip4:192.0.2.\u00a01 -all",
        "v=spf1 a:m\u00fcnchen.example -all",
        "v=spf1 ip4:192.0.2.1\t-all",
        "v=spf1 ip4:192.0.2.999 ip6:192.0.2.1 ipv4:192.0.2.1, a:192.0.2.1/33 ip4=192.0.2.1 +all foo -mx=",
        "v=spf1 include: a.example.com ~ all include:a.example.com include:example.com",
    ],
)
def test_findings_tell_all_that_their_words_speak_of(record: str) -> None:
    findings = surveyed(txt(record, a="v=spf1 include:gone.example.com -all")).findings
    assert findings
    for finding in findings:
        told = " ".join(wording("en").finding(finding))
        assert not re.search(r"(?<!%)\{[a-z0-9_]+\}", told), told


def hosts(count: int) -> Records:
    addresses = {"A": "192.0.2.1", "AAAA": "2001:db8::1"}
    return {(f"h{i}.example.com", kind): [ip] for i in range(count) for kind, ip in addresses.items()}


def test_near_the_limit() -> None:
    zone = txt("v=spf1 " + " ".join(f"a:h{i}.example.com" for i in range(9)) + " -all")
    zone |= hosts(9)

    assert found(zone) == ["spf-near-lookup-limit"]


def test_too_many_exchanges() -> None:
    zone = txt("v=spf1 mx -all") | {("example.com", "MX"): [(1, f"h{i}.example.com") for i in range(11)]}
    zone |= hosts(11)

    assert found(zone) == ["spf-too-many-mx"]


def test_what_dns_would_not_tell_is_neither_there_nor_absent() -> None:
    zone = txt("v=spf1 include:a.example.com a:b.example.com -all")
    zone |= {("a.example.com", "TXT"): Status.TIMEOUT, ("b.example.com", "A"): Status.TIMEOUT}
    zone["b.example.com", "AAAA"] = ["2001:db8::1"]
    whole = surveyed(zone)

    assert [f.id for f in whole.findings] == ["spf-include-unknown", "spf-term-unknown"]
    assert whole.unevaluated == ("include:a.example.com", "a:b.example.com")
    assert not whole.sends_nothing


def test_findings_have_the_place_of_a_fault() -> None:
    (finding,) = surveyed(txt("v=spf1 ip:192.0.2.1 -all")).findings

    assert finding.subject == "example.com"
    assert finding.evidence["record"] == "v=spf1 ip:192.0.2.1 -all"
    assert (finding.evidence["start"], finding.evidence["end"]) == (7, 19)
    assert (finding.evidence["term"], finding.evidence["meant"]) == ("ip:192.0.2.1", "ip4:192.0.2.1")


@pytest.mark.parametrize(
    ("record", "nothing"),
    [
        ("v=spf1 -all", True),
        ("v=spf1 ~all", False),
        ("v=spf1 ip4:192.0.2.1 -all", False),
        ("v=spf1 ptr -all", False),
    ],
)
def test_a_domain_that_sends_nothing(record: str, nothing: bool) -> None:
    assert surveyed(txt(record)).sends_nothing is nothing


class Fan:
    """Every record includes ten others, for ever."""

    count = 0

    async def resolve(self, question: Question) -> Answer:
        self.count += 1
        record = b"v=spf1 " + b" ".join(
            b"include:i%d.%s mx:m%d.example" % (i, question.name.encode()[-40:], i) for i in range(10)
        )
        if question.rdtype == "MX":
            return Answer(Status.NOERROR, tuple((i, f"h{i}.{question.name}") for i in range(100)))
        return Answer(Status.NOERROR, (record,) if question.rdtype == "TXT" else ("192.0.2.1",))  # fmt: skip


def test_work_is_bounded_whatever_the_zone() -> None:
    fan = Fan()
    whole = drive(survey(fan, "example.com"))

    assert whole.cut
    assert "spf-tree-too-large" in [f.id for f in whole.findings]
    assert fan.count <= 1_000
    assert len(whole.findings) <= 500


def test_many_holes_do_not_make_endless_networks() -> None:
    holes = " ".join(f"-ip6:2001:db8:{i:x}::1" for i in range(2_500))
    whole = surveyed(txt(f"v=spf1 {holes} +all"))

    assert whole.cut
    assert len(whole.networks) <= 10_001


def test_no_domain_no_crash() -> None:
    for domain in ("", "localhost", "a..b", "x" * 5_000, "\x00", "[192.0.2.1]"):
        assert isinstance(surveyed({}, domain).tree, Node)


class Rounds(ZoneResolver):
    """Writes down what is asked together."""

    rounds: list[list[tuple[str, str]]]

    async def resolve_all(self, questions: Any) -> list[Answer]:
        asked = list(questions)
        self.rounds.append([(question.name, question.rdtype) for question in asked])
        return [await self.resolve(question) for question in asked]


def test_all_terms_of_a_record_are_looked_up_in_two_rounds() -> None:
    resolver = Rounds.from_records(
        {
            ("d.example", "TXT"): [b"v=spf1 a mx exists:e.example a:h.example/24 -all"],
            ("d.example", "A"): ["192.0.2.1"],
            ("d.example", "MX"): [(10, "m.example"), (20, "h.example")],
            ("e.example", "A"): [],
            ("h.example", "A"): ["198.51.100.7"],
            ("m.example", "AAAA"): ["2001:db8::5"],
        }
    )
    resolver.rounds = []
    found = drive(survey(resolver, "d.example"))
    assert resolver.rounds == [
        [("d.example", "A"), ("d.example", "AAAA"), ("d.example", "MX"), ("e.example", "A"),
         ("h.example", "A"), ("h.example", "AAAA")],
        [("m.example", "A"), ("m.example", "AAAA")],
    ]  # fmt: skip
    costs = [
        (cost.text, list(map(str, cost.networks)), cost.voids4, cost.voids6) for cost in found.tree.terms
    ]
    assert costs == [
        ("a", ["192.0.2.1/32"], 0, 1),
        ("mx", ["2001:db8::5/128", "198.51.100.7/32"], 1, 1),
        ("exists:e.example", [], 1, 1),
        ("a:h.example/24", ["198.51.100.0/24"], 0, 1),
        ("-all", [], 0, 0),
    ]
