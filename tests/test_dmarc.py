"""DMARC: discovery, alignment and verdicts under RFC 9989 and RFC 7489."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from senderauth import dmarc
from senderauth.dmarc import DKIMIdentity, SPFIdentity
from senderauth.dns import Answer, Question, Status, ZoneResolver, drive
from senderauth.values import Step, plain

Records = Mapping[str, Any]


class Zone:
    """DMARC records by domain, other names as given; notes what is asked."""

    def __init__(self, records: Records, others: Mapping[tuple[str, str], Any] | None = None) -> None:
        zone = dict(others or {})
        for name, text in records.items():
            texts = text if isinstance(text, list) else [text]
            zone[f"_dmarc.{name}", "TXT"] = text if isinstance(text, Status) else [t.encode() for t in texts]
        self.zone = ZoneResolver.from_records(zone)
        self.asked: list[tuple[str, str]] = []

    async def resolve(self, question: Question) -> Answer:
        self.asked.append((question.name, question.rdtype))
        return await self.zone.resolve(question)


def discover(records: Records, author: str, standard: Any = "rfc9989", **others: Any) -> dmarc.Policy:
    return drive(dmarc.discover(Zone(records, **others), author, standard))


def judge(
    records: Records | Zone,
    author: str,
    *,
    spf: tuple[str, str] | None = None,
    dkim: Sequence[tuple[str, str]] = (),
    standard: Any = "rfc9989",
) -> dmarc.Verdict:
    zone = records if isinstance(records, Zone) else Zone(records)
    return drive(
        dmarc.evaluate(
            zone, author, spf and SPFIdentity(*spf), [DKIMIdentity(*one) for one in dkim], standard
        )
    )


def ids(findings: Sequence[Any]) -> set[str]:
    return {finding.id for finding in findings}


# The vectors of RFC 9989 B.4 and our own


def test_v1_a_record_of_its_own_does_not_make_an_organization() -> None:
    found = discover({"example.com": "v=DMARC1; p=none", "signing.example.com": "v=DMARC1; p=none"},
                     "signing.example.com")  # fmt: skip
    assert found.organizational_domain == "example.com"
    assert found.location == "_dmarc.signing.example.com"


@pytest.mark.parametrize(("standard", "questions"), [("rfc9989", 8), ("rfc7489", 2)])
def test_v2_a_long_name_costs_eight_questions(standard: Any, questions: int) -> None:
    zone = Zone({"example.com": "v=DMARC1; p=reject"})
    found = drive(dmarc.discover(zone, "a.b.c.d.e.f.g.h.i.j.k.example.com", standard))

    assert len(zone.asked) == questions
    assert (found.organizational_domain, found.policy) == ("example.com", "reject")


@pytest.mark.parametrize(("labels", "questions"), [(6, 6), (7, 7), (8, 8), (9, 8), (10, 8), (11, 8), (60, 8)])
def test_a_walk_never_asks_more_than_eight(labels: int, questions: int) -> None:
    zone = Zone({})
    drive(dmarc.discover(zone, ".".join(["a"] * labels)))
    assert len(zone.asked) == questions


BANK = {"bank.example": "v=DMARC1; p=reject; psd=y", "giant.bank.example": "v=DMARC1; p=quarantine"}


@pytest.mark.parametrize(
    ("name", "org", "policy", "location"),
    [
        ("giant.bank.example", "giant.bank.example", "quarantine", "_dmarc.giant.bank.example"),
        ("mail.giant.bank.example", "giant.bank.example", "quarantine", "_dmarc.giant.bank.example"),
        ("mail.mega.bank.example", "mega.bank.example", "reject", "_dmarc.bank.example"),
        ("mega.bank.example", "mega.bank.example", "reject", "_dmarc.bank.example"),
        ("bank.example", "bank.example", "reject", "_dmarc.bank.example"),  # psd=y where the walk starts
    ],
)
def test_v3_public_suffixes_that_say_so(name: str, org: str, policy: str, location: str) -> None:
    found = discover(BANK, name)
    assert (found.organizational_domain, found.policy, found.location) == (org, policy, location)


V4 = {"example.com": "v=DMARC1; p=reject; sp=none", "mail.example.com": "v=DMARC1; p=none; sp=reject"}


@pytest.mark.parametrize("standard", ["rfc9989", "rfc7489"])
def test_v4_the_organizational_domain_rules_not_the_nearest_ancestor(standard: Any) -> None:
    found = discover(V4, "a.mail.example.com", standard)
    assert (found.policy, found.tag, found.location) == ("none", "sp", "_dmarc.example.com")
    assert ("dmarc-record-passed-over" in ids(found.findings)) == (standard == "rfc9989")


def test_v5_psd_n_makes_an_organization() -> None:
    records = {**V4, "mail.example.com": "v=DMARC1; p=none; sp=reject; psd=n"}
    found = discover(records, "a.mail.example.com")
    assert (found.policy, found.tag, found.organizational_domain) == ("reject", "sp", "mail.example.com")
    old = discover(records, "a.mail.example.com", "rfc7489")
    assert (old.policy, old.organizational_domain) == ("none", "example.com")
    assert ids(dmarc.compare(found, old)) == {"dmarc-standards-differ", "dmarc-organizational-domains-differ"}


@pytest.mark.parametrize(("standard", "result"), [("rfc9989", "fail"), ("rfc7489", "pass")])
def test_v6_a_parent_without_a_record_is_another_organization(standard: Any, result: str) -> None:
    verdict = judge(
        {"www.example.com": "v=DMARC1; p=reject"}, "www.example.com",
        dkim=[("pass", "example.com")], standard=standard,
    )  # fmt: skip
    assert verdict.result == result
    assert verdict.dkim_aligned == (result == "pass")


TWO = ["v=DMARC1; p=reject", "v=DMARC1; p=none"]


@pytest.mark.parametrize(
    ("standard", "policy", "reason"),
    [
        ("rfc9989", "quarantine", "dmarc-policy-inherited"),  # both discarded, the walk goes on
        ("rfc7489", None, "dmarc-several-records"),  # DMARC ends
    ],
)
def test_v7_several_records(standard: Any, policy: str | None, reason: str) -> None:
    records = {"news.example.com": TWO, "example.com": "v=DMARC1; p=reject; sp=quarantine"}
    found = discover(records, "news.example.com", standard)
    assert (found.policy, found.reason.id) == (policy, reason)
    assert "dmarc-several-records" in ids(found.findings)
    assert found.walk[0].state == "several"


def test_v8_a_public_suffix_with_a_record_becomes_the_organization() -> None:
    records = {"blogspot.com": "v=DMARC1; p=reject"}
    assert discover(records, "me.blogspot.com").organizational_domain == "blogspot.com"
    assert discover(records, "me.blogspot.com", "rfc7489").organizational_domain == "me.blogspot.com"
    sibling = [("pass", "you.blogspot.com")]
    assert judge(records, "me.blogspot.com", dkim=sibling).result == "pass"
    assert judge(records, "me.blogspot.com", dkim=sibling, standard="rfc7489").result == "none"


NP = {"example.com": "v=DMARC1; p=reject; np=none"}
EXISTING: dict[str, Mapping[tuple[str, str], Any]] = {
    "an address": {("sub.example.com", "A"): ["192.0.2.1"]},
    "no data but a name below": {("x.sub.example.com", "A"): ["192.0.2.1"]},  # RFC 8020
    "a CNAME to nowhere": {("sub.example.com", "CNAME"): ["gone.example.net"]},
}


@pytest.mark.parametrize(
    ("standard", "policy", "tag"), [("rfc9989", "none", "np"), ("rfc7489", "reject", "p")]
)
def test_v9_np_for_what_does_not_exist(standard: Any, policy: str, tag: str) -> None:
    found = discover(NP, "sub.example.com", standard)
    assert (found.policy, found.tag) == (policy, tag)
    assert found.exists is (False if standard == "rfc9989" else None)


@pytest.mark.parametrize("others", EXISTING.values(), ids=EXISTING)
def test_existence_is_anything_but_nxdomain(others: Any) -> None:  # RFC 9989 3.2.13
    found = discover(NP, "sub.example.com", others=others)
    assert (found.policy, found.tag, found.exists) == ("reject", "p", True)


def test_np_is_not_for_the_record_s_own_domain() -> None:
    zone = Zone(NP)
    found = drive(dmarc.discover(zone, "example.com"))
    assert found.policy == "reject"
    assert ("example.com", "MX") not in zone.asked


@pytest.mark.parametrize(
    ("record", "unknown", "policy"),
    [
        ("v=DMARC1; p=reject; np=none", True, None),
        ("v=DMARC1; p=reject; np=reject", False, "reject"),  # whether it exists makes no difference
    ],
)
def test_unknown_existence_matters_only_where_np_differs(
    record: str, unknown: bool, policy: str | None
) -> None:
    found = discover(
        {"example.com": record}, "s.example.com", others={("s.example.com", "MX"): Status.TIMEOUT}
    )
    assert (found.unknown, found.policy) == (unknown, policy)
    if unknown:
        assert plain(found.reason.facts) == {"name": "s.example.com", "status": "TIMEOUT"}


@pytest.mark.parametrize(
    ("record", "standard", "disposition", "unsampled"),
    [
        ("p=reject; t=y", "rfc9989", "quarantine", "quarantine"),  # V10
        ("p=quarantine; t=y", "rfc9989", "none", "none"),
        ("p=none; t=y", "rfc9989", "none", "none"),
        ("p=reject; t=y", "rfc7489", "reject", "reject"),
        ("p=reject; pct=0", "rfc9989", "reject", "reject"),  # V11
        ("p=reject; pct=0", "rfc7489", "quarantine", "quarantine"),
        ("p=reject; pct=30", "rfc7489", "reject", "quarantine"),
        ("p=quarantine; pct=30", "rfc7489", "quarantine", "none"),
        ("p=none; pct=30", "rfc7489", "none", "none"),
        ("p=reject; pct=30; t=y", "rfc9989", "quarantine", "quarantine"),
    ],
)
def test_v10_v11_test_mode_and_sampling(record: str, standard: Any, disposition: str, unsampled: str) -> None:
    verdict = judge({"example.com": f"v=DMARC1; {record}"}, "example.com", standard=standard)
    assert verdict.result == "fail"
    assert (verdict.disposition, verdict.disposition_unsampled) == (disposition, unsampled)
    if "pct=30" in record and standard == "rfc7489":
        assert verdict.reason.facts["pct"] == 30


@pytest.mark.parametrize("standard", ["rfc9989", "rfc7489"])
@pytest.mark.parametrize(
    ("record", "policy", "reason"),
    [
        ("v=DMARC1; rua=mailto:x@example.com", "none", "dmarc-policy-by-default"),  # V12
        ("v=DMARC1;", None, "dmarc-record-without-policy"),  # V12a
        ("v=DMARC1; sp=reject", None, "dmarc-record-without-policy"),
        ("v=DMARC1; p=reject; sp=rejct", None, "dmarc-record-without-policy"),  # V13
        ("v=DMARC1; p=reject; sp=rejct; rua=mailto:x@example.com", "none", "dmarc-policy-by-default"),
        ("v=DMARC1; p=reject; sp=", None, "dmarc-record-without-policy"),  # a tag that is not valid
        ("v=DMARC1; p=reject; sp = ; rua=mailto:x@example.com", "none", "dmarc-policy-by-default"),
        ("v=DMARC1; p=rejct; rua=bogus", None, "dmarc-record-without-policy"),
        ("v=dmarc1; p=reject", None, "dmarc-no-record"),  # V14
        ("V=DMARC1; p=none", "none", "dmarc-policy-own"),
    ],
)
def test_v12_to_v14_records_that_give_no_policy(
    standard: Any, record: str, policy: str | None, reason: str
) -> None:
    found = discover({"example.com": record}, "example.com", standard)
    assert (found.policy, found.reason.id) == (policy, reason)
    verdict = judge({"example.com": record}, "example.com", standard=standard)
    assert verdict.result == ("none" if policy is None else "fail")
    assert verdict.disposition == "none"


@pytest.mark.parametrize(("standard", "policy"), [("rfc9989", None), ("rfc7489", "reject")])
def test_an_invalid_np_spoils_only_where_np_is_known(standard: Any, policy: str | None) -> None:
    assert discover({"example.com": "v=DMARC1; p=reject; np=x"}, "example.com", standard).policy == policy


def test_an_unusable_record_ends_the_search() -> None:  # standards 12.12
    records = {"a.example.com": "v=DMARC1; sp=reject", "example.com": "v=DMARC1; p=reject"}
    assert discover(records, "a.example.com").policy is None


@pytest.mark.parametrize(
    ("exists", "standard", "policy", "tag"),
    [
        (True, "rfc9989", "quarantine", "sp"),
        (False, "rfc9989", "reject", "np"),
        (True, "rfc7489", None, ""),
        (False, "rfc7489", None, ""),
    ],
)
def test_v15_the_policy_of_a_top_level(exists: bool, standard: Any, policy: str | None, tag: str) -> None:
    others = {("shop.example", "A"): ["192.0.2.1"]} if exists else {}
    records = {"example": "v=DMARC1; p=none; sp=quarantine; np=reject; psd=y"}
    found = discover(records, "shop.example", standard, others=others)
    assert (found.policy, found.tag) == (policy, tag)
    assert found.organizational_domain == "shop.example"


@pytest.mark.parametrize("psd", ["y", "n"])
def test_psd_stops_the_walk(psd: str) -> None:  # RFC 9989 4.10 steps 2 and 6
    zone = Zone({"b.example": f"v=DMARC1; p=none; psd={psd}", "example": Status.TIMEOUT})
    found = drive(dmarc.discover(zone, "x.b.example"))
    assert [name for name, _ in zone.asked] == ["_dmarc.x.b.example", "_dmarc.b.example"]
    assert not found.unknown


# What DNS does not tell


@pytest.mark.parametrize("status", [Status.TIMEOUT, Status.SERVFAIL, Status.REFUSED])
@pytest.mark.parametrize(
    ("records", "name"),
    [
        ({"a.example.com": None}, "_dmarc.a.example.com"),
        ({"example.com": None}, "_dmarc.example.com"),
        ({"example.com": "v=DMARC1; p=none", "a.example.com": None}, "_dmarc.a.example.com"),
    ],
)
@pytest.mark.parametrize("standard", ["rfc9989", "rfc7489"])
def test_unknown_now_is_temperror_and_names_the_question(
    records: dict[str, Any], name: str, status: Status, standard: Any
) -> None:
    zone = {key: value or status for key, value in records.items()}
    verdict = judge(zone, "a.example.com", spf=("pass", "a.example.com"), standard=standard)
    assert (verdict.result, verdict.disposition) == ("temperror", "none")
    assert verdict.reason.id == "dmarc-dns-unknown"
    assert verdict.reason.facts == {"name": name, "status": status.value}
    assert verdict.policy.unknown


OPEN = {"a.example.com": "v=DMARC1; p=reject", "example.com": Status.SERVFAIL}


@pytest.mark.parametrize(
    ("signer", "result"),
    [
        ("a.example.com", "pass"),  # identical: no organization is needed (RFC 9989 4.10.2)
        ("example.com", "temperror"),
        ("b.example.com", "temperror"),
        ("example.net", "fail"),  # nothing could make these one organization
    ],
)
def test_an_own_record_below_a_silent_server(signer: str, result: str) -> None:
    verdict = judge(OPEN, "a.example.com", dkim=[("pass", signer)])
    assert verdict.result == result
    assert not verdict.policy.unknown
    assert verdict.policy.organization_unknown


def test_strict_alignment_needs_no_organization() -> None:
    records = {**OPEN, "a.example.com": "v=DMARC1; p=reject; adkim=s"}
    assert judge(records, "a.example.com", dkim=[("pass", "example.com")]).result == "fail"


@pytest.mark.parametrize(
    ("spf", "dkim", "result"),
    [
        (("temperror", "example.com"), [], "temperror"),  # RFC 9989 5.3.6
        (("temperror", "mail.example.com"), [("fail", "example.com")], "temperror"),
        (("fail", "example.com"), [("temperror", "example.com")], "temperror"),
        (("temperror", "example.com"), [("pass", "example.com")], "pass"),
        (("temperror", "example.net"), [], "fail"),  # it could not have aligned
        (("permerror", "example.com"), [("permerror", "example.com")], "fail"),
        (("softfail", "example.com"), [("policy", "example.com")], "fail"),
        (("neutral", "example.com"), [("neutral", "example.com")], "fail"),
        (None, [], "fail"),
    ],
)
def test_what_the_mechanisms_say(spf: Any, dkim: Any, result: str) -> None:
    records = {"example.com": "v=DMARC1; p=reject"}
    for standard in ("rfc9989", "rfc7489"):
        assert judge(records, "example.com", spf=spf, dkim=dkim, standard=standard).result == result


def test_an_identity_whose_walk_dns_leaves_open() -> None:
    records = {"example.com": "v=DMARC1; p=reject", "x.example.com": Status.TIMEOUT}
    verdict = judge(records, "example.com", dkim=[("pass", "x.example.com")])
    assert verdict.result == "temperror"
    assert verdict.reason.id == "dmarc-authentication-unknown"
    assert verdict.alignments[0].unknown


# Alignment


@pytest.mark.parametrize(
    ("tags", "author", "signer", "aligned"),
    [
        ("", "example.com", "example.com", True),
        ("", "example.com", "EXAMPLE.com.", True),
        ("", "news.example.com", "example.com", True),
        ("", "example.com", "mail.example.com", True),
        ("", "a.example.com", "b.example.com", True),  # siblings
        ("", "example.com", "example.net", False),
        ("", "example.com", "badexample.com", False),
        ("", "example.com", "com", False),
        ("", "example.com", "", False),
        ("", "example.com", "a..b", False),
        ("adkim=s", "example.com", "example.com", True),
        ("adkim=s", "news.example.com", "example.com", False),
        ("adkim=x", "news.example.com", "example.com", True),  # an invalid value is the default
        ("aspf=s", "news.example.com", "example.com", True),
    ],
)
def test_alignment(tags: str, author: str, signer: str, aligned: bool) -> None:
    for standard in ("rfc9989", "rfc7489"):
        records = {"example.com": f"v=DMARC1; p=reject; {tags}"}
        verdict = judge(records, author, dkim=[("pass", signer)], standard=standard)
        assert verdict.alignments[0].aligned == aligned, standard
        assert verdict.result == ("pass" if aligned else "fail")
        assert verdict.dkim_aligned == aligned
        assert not verdict.spf_aligned


def test_a_psd_n_below_the_organization_splits_it() -> None:
    records = {"example.com": "v=DMARC1; p=reject", "dept.example.com": "v=DMARC1; p=none; psd=n"}
    assert judge(records, "example.com", dkim=[("pass", "x.dept.example.com")]).result == "fail"
    assert judge(records, "dept.example.com", dkim=[("pass", "example.com")]).result == "fail"


@pytest.mark.parametrize(
    ("author", "signer", "tags", "questions"),
    [
        ("example.com", "example.com", "", 2),  # identical names
        ("example.com", "a.example.com", "adkim=s", 2),  # strict
        ("example.com", "esp.example.net", "", 2),  # not below the organization: cannot be of it
        ("example.com", "a.example.com", "", 5),
    ],
)
def test_walks_are_left_out_where_the_rfc_lets_us(
    author: str, signer: str, tags: str, questions: int
) -> None:
    zone = Zone({"example.com": f"v=DMARC1; p=none; {tags}"})
    judge(zone, author, dkim=[("pass", signer)])
    assert len(zone.asked) == questions


def test_a_domain_without_dmarc_costs_no_walk_for_its_identities() -> None:
    zone = Zone({})
    verdict = judge(zone, "example.com", spf=("pass", "a.example.com"), dkim=[("pass", "b.example.com")] * 50)
    assert verdict.result == "none"
    assert len(zone.asked) == 2


def test_equal_signers_are_walked_once() -> None:
    zone = Zone({"example.com": "v=DMARC1; p=none"})
    judge(zone, "example.com", spf=("pass", "a.example.com"), dkim=[("pass", "a.example.com")] * 50)
    assert len(zone.asked) == 2 + 3


def test_the_verdict_tells_of_both_ways() -> None:
    records = {"example.com": "v=DMARC1; p=reject; aspf=s"}
    verdict = judge(
        records, "example.com", spf=("pass", "b.example.com"), dkim=[("permerror", "x.example.com")]
    )
    by_spf, by_dkim = verdict.alignments
    assert (by_spf.mechanism, by_spf.mode, by_spf.aligned, by_spf.result) == ("spf", "s", False, "pass")
    assert (by_dkim.mechanism, by_dkim.aligned, by_dkim.organizational_domain) == (
        "dkim",
        True,
        "example.com",
    )
    assert verdict.reason.id == "dmarc-not-aligned"
    assert verdict.reason.facts["setting"] == "aspf=s"


def test_only_mail_from_counts_and_the_policy_may_be_given() -> None:
    zone = Zone({"example.com": "v=DMARC1; p=reject"})
    policy = drive(dmarc.discover(zone, "example.com"))
    zone.asked.clear()
    verdict = drive(dmarc.evaluate(zone, "Example.com", SPFIdentity("pass", "example.com"), policy=policy))
    assert (verdict.result, zone.asked) == ("pass", [])
    with pytest.raises(ValueError, match="rfc9989"):
        drive(dmarc.evaluate(zone, "example.com", standard="rfc7489", policy=policy))
    with pytest.raises(ValueError, match="policy is that"):
        drive(dmarc.evaluate(zone, "example.net", policy=policy))


# Bad input


@pytest.mark.parametrize("author", ["", "a..b", "x" * 300, "a b\n", "\x00", "ä" * 5_000])
@pytest.mark.parametrize("standard", ["rfc9989", "rfc7489"])
def test_what_is_no_domain_has_no_dmarc(author: str, standard: Any) -> None:
    zone = Zone({})
    verdict = judge(zone, author, spf=("pass", author), dkim=[("pass", "\udcff")], standard=standard)
    assert (verdict.result, verdict.reason.id, zone.asked) == ("none", "dmarc-domain-unusable", [])


@pytest.mark.parametrize("standard", ["rfc9989", "rfc7489"])
def test_a_name_too_long_for_the_label_is_skipped(standard: Any) -> None:
    author = ".".join(["a" * 60] * 4) + ".example"  # 251 octets
    zone = Zone({".".join(author.split(".")[-2:]): "v=DMARC1; p=reject"})
    found = drive(dmarc.discover(zone, author, standard))
    assert all(len(name) <= 253 for name, _ in zone.asked)
    assert found.policy == "reject"


def test_an_unknown_standard_is_misuse() -> None:
    with pytest.raises(ValueError, match="no such standard"):
        discover({}, "example.com", "rfc822")


def test_a_thousand_records_at_a_name() -> None:
    found = discover({"example.com": ["v=DMARC1; p=none"] * 1_000 + ["x" * 1_000] * 1_000}, "example.com")
    assert found.policy is None
    assert len(found.walk[0].stray_texts) == 3
    assert len(found.findings) < 10


# The trace


def test_the_trace_tells_every_question() -> None:
    zone = Zone({"example.com": "v=DMARC1; p=reject; np=none"}, {("a.example.com", "A"): ["192.0.2.1"]})
    verdict = judge(zone, "a.example.com", dkim=[("pass", "b.example.com")])

    def names_of(step: Step) -> list[str]:
        own = [step.facts["name"]] if step.id.startswith(("dmarc-asked-", "dns")) else []
        return own + [name for inner in step.inner for name in names_of(inner)]

    assert names_of(verdict.trace) == [name for name, _ in zone.asked]
    assert plain(verdict.trace)["id"] == "dmarc"


def test_an_idn_is_asked_in_a_labels() -> None:
    zone = Zone({"xn--bcher-kva.example": "v=DMARC1; p=reject"})
    assert judge(zone, "Bücher.example", dkim=[("pass", "bücher.example")]).result == "pass"
