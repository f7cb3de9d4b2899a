"""`audit --fix`: what rows propose, that it was tried, and what it asks; on zones that answer at once."""

import csv
import json
import os
import random
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from senderauth.advice import check
from senderauth.advice.proposals.proposal import text_of
from senderauth.audit import FIELDS, Row, Summary, audit_rows, chosen_fields, chosen_parts, document
from senderauth.audit.columns import flat
from senderauth.audit.fix import EASIER
from senderauth.audit.line import line_of
from senderauth.audit.write import csv_header, csv_line
from senderauth.dns import (
    Answer,
    OverlayResolver,
    Question,
    Resolver,
    Status,
    ZoneResolver,
    drive,
    rdata,
    written_changes,
)
from senderauth.report import LANGUAGES, handover_rows, schema, wording
from senderauth.simulation import OUTCOMES, Scenario
from tests.dnsserver import Server
from tests.test_audit import names_of, plain_json, random_zone
from tests.test_cli import senderauth

Zone = dict[tuple[str, str], Any]
D = "shop.example"
MAIL: Zone = {
    (D, "MX"): [(10, "mx.hoster.example")],
    ("mx.hoster.example", "A"): ["192.0.2.1"],
    (D, "TXT"): [b"v=spf1 ip4:192.0.2.0/24 -all"],
    ("_dmarc.shop.example", "TXT"): [b"v=DMARC1; p=none; rua=mailto:r@shop.example"],
    **{
        key: value
        for n, address in enumerate(("192.0.2.5", "203.0.113.9", "198.51.100.7"))
        for key, value in (
            ((".".join(reversed(address.split("."))) + ".in-addr.arpa", "PTR"), [f"out{n}.hoster.example"]),
            ((f"out{n}.hoster.example", "A"), [address]),
        )
    },
}
NULL: Zone = {(D, "MX"): [(0, "")], (D, "TXT"): [], ("_dmarc.shop.example", "TXT"): []}


def row(zone: Zone, line: Any = D, **options: Any) -> Row:
    return next(audit_rows([line], ZoneResolver.from_records(zone), fix=True, **options))


def told(found: Row) -> dict[str, Any]:
    fix = plain_json(document(found))["fix"]
    assert isinstance(fix, dict)
    return fix


def changes(fix: dict[str, Any]) -> dict[tuple[str, str], tuple[list[str], list[str]]]:
    return {(c["name"], c["type"]): (c["old"], c["new"]) for p in fix["proposals"] for c in p["changes"]}


# --- what is proposed --------------------------------------------------------------------------------


def txt(name: str, *records: str) -> Zone:
    return {(f"{name}.{D}".lstrip("."), "TXT"): [record.encode() for record in records]}


TOO_MANY = txt("", "v=spf1 " + " ".join(f"include:i{n}.{D}" for n in range(12)) + " -all") | {
    (f"i{n}.{D}", "TXT"): [f"v=spf1 ip4:198.51.100.{n} -all".encode()] for n in range(12)
}
WRAPPED = "v=DKIM1; k=ed25519; p=MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

RUA = "rua=mailto:a@shop.example"
PROPOSED = [
    (txt("", "v=spf1 +all"), "spf-close-all", "FC", "spf-passes-everyone"),
    (txt("", "v=spf1 mx -all", "v=spf1 ip4:192.0.2.3"), "spf-merge-records", "EC", "spf-several-records"),
    (txt("", "v=spf1 ipv4:192.0.2.4 -all"), "spf-mend-syntax", "EC", "spf-mechanism-misspelt"),
    (txt("", "spf1 ip4:192.0.2.3 -all"), "spf-mend-version", "EC", "spf-record-absent"),
    (TOO_MANY, "spf-within-limits", "EC", "spf-too-many-lookups"),
    (txt("_dmarc"), "dmarc-first-record", "EC", "dmarc-record-absent"),
    (txt("_dmarc", "v=DMARC1; p=none"), "dmarc-ask-reports", "DC", "dmarc-no-reports"),
    (txt("_dmarc", f"v=DMARC1; p=reject; {RUA}", "v=DMARC1; p=none"), "dmarc-merge-records", "EC",
     "dmarc-several-records"),
    (txt("_dmarc", f"v=DMARC1; p=reject; {RUA}") | txt("_adsp._domainkey", "dkim=all"), "adsp-remove", "AA",
     "adsp-historic"),
    (txt("s1._domainkey", WRAPPED), "dkim-mend-key", "CC", "dkim-key-ed25519-wrapped"),
    (NULL, "spf-sends-nothing", "FA", "spf-record-absent"),
    (NULL, "dmarc-sends-nothing", "FA", "dmarc-record-absent"),
    (txt("", "v=spf1 -all") | txt("_dmarc", f"v=DMARC1; p=none; {RUA}"), "dmarc-sends-nothing", "CA",
     "dmarc-policy-none"),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "id", "grades", "finding"), PROPOSED)
def test_what_is_broken_gets_its_change(zone: Zone, id: str, grades: str, finding: str) -> None:
    found = row(MAIL | zone)
    fix = told(found)
    proposal = next(p for p in fix["proposals"] if p["id"] == id)
    assert (found.grade, fix["grade"]) == tuple(grades)
    assert finding in proposal["findings"]
    assert proposal["kind"] == "improvement"


def test_what_a_domain_that_sends_nothing_publishes() -> None:
    assert changes(told(row(MAIL | NULL))) == {
        (D, "TXT"): ([], ["v=spf1 -all"]),
        ("_dmarc.shop.example", "TXT"): ([], ["v=DMARC1; p=reject; sp=none"]),
    }
    parked = txt("", "v=spf1 -all") | txt("_dmarc", "v=DMARC1; p=none; adkim=s; rua=mailto:a@x.example")
    assert changes(told(row(MAIL | parked))) == {
        ("_dmarc.shop.example", "TXT"): (
            ["v=DMARC1; p=none; adkim=s; rua=mailto:a@x.example"],
            ["v=DMARC1; p=reject; adkim=s; rua=mailto:a@x.example; sp=none"],
        )
    }


@pytest.mark.parametrize(
    "zone",
    [
        txt("s1._domainkey", "v=DKIM1; p="),  # something is below _domainkey: mail may be signed
        txt("", "v=spf1 a:silent.test -all"),  # who may send is not known
        txt("", "v=spf1 ip4:192.0.2.3 -all"),
        {("_domainkey.shop.example", "TXT"): Status.TIMEOUT},
    ],
)
def test_a_stricter_policy_needs_the_domains_own_word_that_nothing_is_sent(zone: Zone) -> None:
    silent = {("silent.test", rdtype): Status.TIMEOUT for rdtype in ("A", "AAAA")}
    fix = told(row(MAIL | txt("", "v=spf1 -all") | silent | zone, retries=0))
    assert "dmarc-sends-nothing" not in [p["id"] for p in fix["proposals"]]
    assert "no-record-senders-unknown" in [a["id"] for a in fix["advice"]]


@pytest.mark.parametrize(
    ("zone", "line", "ids"),
    [
        ({}, "gone.example", ["no-record-domain-missing"]),
        ({}, "gmail.com", ["no-record-foreign-author"]),
        (MAIL, D, ["no-record-senders-unknown"]),
        ({**MAIL, ("_dmarc.shop.example", "TXT"): Status.TIMEOUT}, D, ["no-record-dns-silent"]),
        (MAIL | txt("_adsp._domainkey", "dkim=all"), D, ["no-record-adsp-yet", "no-record-senders-unknown"]),
        (MAIL | txt("_dmarc", "v=DMARC1; p=reject; rua=mailto:r@shop.example"), D, []),
    ],
)
def test_where_no_record_can_help_it_says_so(zone: Zone, line: str, ids: list[str]) -> None:
    fix = told(row(zone, line, retries=0))
    assert fix["proposals"] == []
    assert [advice["id"] for advice in fix["advice"]] == ids


def test_a_public_suffix_is_nobodys_to_change() -> None:
    assert told(row({}, "co.uk"))["proposals"] == []


def test_hosts_that_the_line_names_are_cured_and_keep_what_they_have() -> None:
    zone = MAIL | txt("", "v=spf1 ip4:192.0.2.5 +all") | txt("_dmarc", "v=DMARC1; p=reject; adkim=s")
    line = {"domain": D, "host": "192.0.2.5 203.0.113.9", "signers": "none"}
    fix = told(row(zone, line))
    (old,), (new,) = changes(fix)[D, "TXT"]
    assert (old, new) == ("v=spf1 ip4:192.0.2.5 +all", "v=spf1 ip4:192.0.2.5 ip4:203.0.113.9 ~all")
    zone |= txt("", "v=spf1 ip4:192.0.2.5 -all")
    found = row(zone, line)
    fix = told(found)
    assert {host.address: host.outcome for host in found.hosts}["203.0.113.9"] == "refused"
    assert fix["hosts"] == "accepted"
    first = fix["proposals"][0]
    assert (first["id"], first["kind"]) == ("spf-add-address", "cure")
    assert "gmail" in first["receivers"]
    assert first["reach"][0]["gained4"] == 1
    assert changes(fix)[D, "TXT"] == (
        ["v=spf1 ip4:192.0.2.5 -all"],
        ["v=spf1 ip4:192.0.2.5 ip4:203.0.113.9 -all"],
    )


def test_of_changes_that_stand_for_each_other_one_is_told() -> None:
    zone = MAIL | txt("_dmarc", "v=DMARC1; p=reject; rua=mailto:r@shop.example") | {
        ("letters.example", "TXT"): [b"v=spf1 ip4:198.51.100.7 -all"],
        ("letters.example", "MX"): [(10, "mx.hoster.example")],
    }  # fmt: skip
    line = {"domain": D, "host": "198.51.100.7", "mail_from": "b@letters.example", "signers": "none"}
    fix = told(row(zone, line))
    cures = [p for p in fix["proposals"] if p["kind"] == "cure"]
    assert len(cures) == 1
    assert cures[0]["settings"][0]["id"] == "mail-from"
    assert fix["hosts"] == "accepted"


def test_senders_that_other_lines_name_keep_what_they_have() -> None:
    """Each line alone would close the record for the other's host."""
    zone = MAIL | txt("", "v=spf1 +all") | txt("_dmarc", f"v=DMARC1; p=reject; {RUA}")
    senders = [Scenario(D, (host,), signers=()) for host in ("192.0.2.5", "203.0.113.9")]
    senders.append(Scenario("a@other.example", ("198.51.100.7",), f"b@{D}", signers=()))
    closed = ["v=spf1 ip4:192.0.2.5 ip4:203.0.113.9 ip4:198.51.100.7 ~all"]
    for line in (D, {"domain": D, "host": "192.0.2.5", "signers": "none"}):
        assert changes(told(row(zone, line, senders=senders)))[D, "TXT"][1] == closed
    zone |= txt("", "v=spf1 -all") | NULL  # who is named sends after all
    parked = told(row(zone))
    assert "dmarc-sends-nothing" in [p["id"] for p in parked["proposals"]]
    ids = [p["id"] for p in told(row(zone, senders=senders))["proposals"]]
    assert ids == ["dmarc-first-record"]


def test_the_next_step_is_proposed_where_all_who_are_named_pass() -> None:
    zone = MAIL | txt("s1._domainkey", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    line = {"domain": D, "host": "192.0.2.5", "signers": f"{D}:s1"}
    fix = told(row(zone, line))
    assert [p["id"] for p in fix["proposals"]] == ["dmarc-next-step"]
    assert changes(fix)["_dmarc.shop.example", "TXT"][1] == [
        "v=DMARC1; p=quarantine; rua=mailto:r@shop.example"
    ]
    assert (fix["grade"], fix["spoofable"], fix["hosts"], fix["advice"]) == ("B", "partly", "accepted", [])
    unsigned = [Scenario(D, ("203.0.113.9",), signers=())]  # would go to the junk folder
    assert "dmarc-next-step" not in [p["id"] for p in told(row(zone, line, senders=unsigned))["proposals"]]


def test_changes_that_are_needed_together_are_all_told() -> None:
    zone = MAIL | txt("_adsp._domainkey", "dkim=all")
    fix = told(row(zone, {"domain": D, "host": "203.0.113.9", "signers": "none"}))
    cures = {p["id"] for p in fix["proposals"] if p["kind"] == "cure"}
    assert (cures, fix["hosts"]) == ({"spf-add-address", "adsp-remove"}, "accepted")


def test_every_id_has_its_words() -> None:
    ids = {id for _, id, *_ in PROPOSED} | {"no-record-senders-unknown", "no-record-adsp-yet"}
    for language in LANGUAGES:
        for id in ids:
            assert wording(language).template("proposal", id, "title"), (language, id)
            assert wording(language).template("proposal", id), (language, id)


# --- that it is true ---------------------------------------------------------------------------------


def lines_of(zone: Zone, dice: random.Random) -> list[Any]:
    """Domains, every third with hosts."""
    return [
        {"domain": name, "host": "192.0.2.3 198.51.100.9", "signers": dice.choice(["none", ""])}
        if n % 3 == 0
        else name
        for n, name in enumerate(names_of(zone))
    ]


def published(zone: Zone, fix: dict[str, Any]) -> Resolver:
    """The zone with all that is proposed, as somebody would type it from the flat columns."""
    cells = flat({"fix": fix})
    there = ZoneResolver.from_records(zone)
    removed = {text.split(" ", 2)[0]: text.split(" ", 2)[1] for text in cells["fix_removed"]}
    added = {text.split(" ", 2)[0]: text.split(" ", 2)[1] for text in cells["fix_records"]}
    sets = list(cells["fix_records"])
    for name, rdtype in (removed | added).items():
        answer = drive(there.resolve(Question(name.rstrip("."), rdtype)))
        old = [f"{name} {rdtype} {rdata(rdtype, text_of(record))}" for record in answer.records]
        sets += [text for text in old if text not in cells["fix_removed"]]
    left = {text.split(" ", 2)[0] for text in sets}
    gone = [f"{name} {rdtype}" for name, rdtype in removed.items() if name not in left]
    return OverlayResolver(written_changes(sets, gone), over=there)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_proposed_does_what_it_says(seed: int) -> None:
    dice = random.Random(seed)
    zone = random_zone(dice, 30)
    lines = lines_of(zone, dice)
    found = audit_rows(lines, ZoneResolver.from_records(zone), retries=0, fix=True)
    proposed = 0
    for line, before in zip(lines, found, strict=True):
        fix = told(before)
        proposed += len(fix["proposals"])
        (after,) = audit_rows([line], published(zone, fix), retries=0)
        assert after.spoofing is not None
        assert before.spoofing is not None
        where = before.domain, fix["proposals"]
        assert (after.grade, after.spoofing.answer) == (fix["grade"], fix["spoofable"]), where
        left = {finding.id for finding in after.findings}
        gone = {id for proposal in fix["proposals"] for id in proposal["findings"]}
        assert not gone & left, where
        if all(p["kind"] == "improvement" for p in fix["proposals"]) and "unknown" not in (
            after.spoofing.answer, before.spoofing.answer
        ):  # fmt: skip
            assert EASIER.index(after.spoofing.answer) <= EASIER.index(before.spoofing.answer), where
        for one, other in zip(before.hosts, after.hosts, strict=True):
            assert OUTCOMES.index(other.outcome) <= OUTCOMES.index(one.outcome), where
    assert proposed > 20


@pytest.mark.parametrize("seed", range(3))
def test_the_rest_of_the_row_is_that_without(seed: int) -> None:
    dice = random.Random(seed)
    zone = random_zone(dice, 30)
    lines = [*lines_of(zone, dice), "not a name"]
    resolver = ZoneResolver.from_records(zone)
    fields = chosen_fields(None, with_fix=True)
    validator = jsonschema.Draft202012Validator(schema("audit"))
    summary = Summary()
    plainly = audit_rows(lines, resolver, retries=0)
    for one, other in zip(plainly, audit_rows(lines, resolver, retries=0, fix=True), strict=True):
        without, whole = document(one), document(other)
        assert "fix" not in without
        summary.add(whole)
        line = json.loads(line_of(other, fields))
        validator.validate(line)
        assert (line["fix"] is None) == (one.error is not None)
        del line["fix"]
        assert line == json.loads(line_of(one))
        assert list(line) == ["schema", *FIELDS]
    counted = summary.document(complete=True, seconds=1.0)
    jsonschema.Draft202012Validator(schema("audit-summary")).validate(counted)
    assert sum(counted["fix"]["domains"].values()) == len(lines) - 1


CASES = sorted((Path(__file__).parents[1] / "fixtures" / "cases").glob("*/scenario.toml"))
GOLDEN = Path(__file__).parents[1] / "fixtures" / "audit" / "fix.csv"


def test_every_case_gets_its_changes_or_a_plain_word() -> None:
    """Of each case the row of its domain alone, then that of its send; REWRITE_CASES=1 writes them anew."""
    fields = ("n", "given", "domain", "grade", "hosts", "fix")
    lines = [csv_header(fields)]
    for n, path in enumerate(CASES, 1):
        given = tomllib.loads(path.read_text("utf-8"))
        signers = [":".join(signer) for signer in given.get("signers", [])]
        send = {"domain": given["author"], "host": given["hosts"], "mail_from": given.get("mail_from")}
        send |= {"helo": given.get("helo"), "signers": (signers or "none") if "signers" in given else None}
        resolver = ZoneResolver.from_files(path.parent / "case.zone")
        for one in audit_rows([given["author"].rpartition("@")[2], send], resolver, retries=0, fix=True):
            fix = told(one)
            refused = any(host.outcome == "refused" for host in one.hosts)
            assert fix["proposals"] or fix["advice"] or not refused, (path.parent.name, one.domain)
            lines.append(csv_line({**document(one), "n": n, "given": path.parent.name}, fields))
    if os.environ.get("REWRITE_CASES") == "1":
        GOLDEN.write_bytes(b"".join(lines))
    assert b"".join(lines) == GOLDEN.read_bytes()


# --- what it asks ------------------------------------------------------------------------------------


class Counting:
    """Counts what is asked."""

    def __init__(self, zone: Zone) -> None:
        self.below, self.asked = ZoneResolver.from_records(zone), Counter[Question]()

    async def resolve(self, question: Question) -> Answer:
        self.asked[question] += 1
        return await self.below.resolve(question)


def ancestors(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[n:]) for n in range(1, len(labels))]


@pytest.mark.parametrize("seed", range(5))
def test_only_names_that_proposals_bring_in_are_asked_about(seed: int) -> None:
    """Each row of its own, since the answers here are good for no time at all and no row shares another's."""
    dice = random.Random(seed)
    zone = random_zone(dice, 25)
    for line in lines_of(zone, dice):
        plain, fixing = Counting(zone), Counting(zone)
        (one,) = audit_rows([line], plain, retries=0)
        (other,) = audit_rows([line], fixing, retries=0, fix=True)
        extra = fixing.asked - plain.asked
        adsp = f"_adsp._domainkey.{one.domain}"  # tried, and mostly not told
        owner = ".".join(one.domain.split(".")[-2:])  # whether a record that is none is to be mended there
        brought = {adsp, f"_dmarc.{owner}"} | {name for name, _ in changes(told(other))}
        # and whether a wildcard would say something of such a name (RFC 4592)
        brought |= {f"*.{above}" for name in brought for above in ancestors(name)}
        beyond = {question for question in extra if question.name not in brought}
        beyond -= {Question(one.domain, "A"), Question(one.domain, "AAAA")}  # is it there, without ADSP?
        beyond -= {Question(f"{one.domain.split('.')[-2]}.example", "MX")}  # whose exchanges are proposed
        assert not beyond, (one.domain, beyond, told(other)["proposals"])


def test_a_domain_in_order_costs_no_question() -> None:
    for zone in (MAIL | txt("_dmarc", "v=DMARC1; p=reject; rua=mailto:r@shop.example"), MAIL):
        plain, fixing = Counting(zone), Counting(zone)
        list(audit_rows([D], plain))
        list(audit_rows([D], fixing, fix=True))
        assert plain.asked == fixing.asked


@pytest.mark.parametrize("fix", [False, True])
def test_records_at_wrong_names_are_not_looked_for(fix: bool) -> None:
    resolver = Counting(MAIL | txt("_dmarc"))
    line = {"domain": D, "hosts": ["203.0.113.9"], "signers": [[D, "s1"]]}
    list(audit_rows([line], resolver, retries=0, fix=fix))
    assert Question(f"_dmarc.{D}", "TXT") in resolver.asked
    assert not {q.name for q in resolver.asked} & {f"dmarc.{D}", f"_dmarc.{D}.{D}", f"s1._domainkey.{D}.{D}"}


def test_what_is_unknown_is_not_waited_for_again() -> None:
    zone = MAIL | {(D, "TXT"): Status.TIMEOUT, ("_dmarc.shop.example", "TXT"): Status.TIMEOUT}
    plain, fixing = Counting(zone), Counting(zone)
    (one,) = audit_rows([D], plain, retries=0)
    (other,) = audit_rows([D], fixing, retries=0, fix=True)
    assert plain.asked == fixing.asked
    assert (one.state, one.unknown) == (other.state, other.unknown)


def test_a_shared_include_is_still_asked_once() -> None:
    zone = dict(MAIL)
    names = [f"d{n}.example" for n in range(20)]
    for name in names:
        zone[name, "TXT"] = [b"v=spf1 include:_spf.hoster.example +all"]
    zone["_spf.hoster.example", "TXT"] = [b"v=spf1 ip4:192.0.2.0/24 -all"]
    fixing = Counting(zone)
    found = list(audit_rows(names, fixing, fix=True))
    assert [told(one)["proposals"][0]["id"] for one in found] == ["spf-close-all"] * 20
    assert fixing.asked[Question("_spf.hoster.example", "TXT")] == 1


def test_without_fix_nothing_of_it_is_loaded() -> None:
    code = (
        "import sys; from senderauth import ZoneResolver, sync; zone = ZoneResolver.from_records({})\n"
        "list(sync.audit(['a.example'], zone, retries=0))\n"
        "print([name for name in sys.modules if 'proposals' in name or name.endswith('audit.fix')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- options -----------------------------------------------------------------------------------------


def test_what_proposals_are_tried_on_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="--only must name spoofing"):
        chosen_parts("spf,dmarc", with_fix=True)
    assert "adsp" in chosen_parts("spoofing", with_fix=True)
    (found,) = audit_rows([D], ZoneResolver.from_records(MAIL | TOO_MANY), only=["spoofing"], fix=True)
    assert told(found)["proposals"][0]["id"] == "spf-within-limits"


def test_fields_know_it() -> None:
    assert chosen_fields(None, with_fix=True) == (*FIELDS, "fix")
    assert chosen_fields("fix,domain", with_fix=True) == ("n", "domain", "fix")
    with pytest.raises(ValueError, match="comes with --fix"):
        chosen_fields("domain,fix")
    with pytest.raises(ValueError, match="works for nothing"):
        chosen_fields("domain", with_fix=True)


def test_check_says_of_the_hosts_what_the_row_says() -> None:
    zone = MAIL | txt("_dmarc", "v=DMARC1; p=reject; rua=mailto:r@shop.example")
    fix = told(row(zone, {"domain": D, "host": "203.0.113.9"}))
    report = drive(check(Scenario(D, ("203.0.113.9",)), published(zone, fix)))
    assert report.outcome == fix["hosts"] == "accepted"


# --- the command -------------------------------------------------------------------------------------

ZONE = """$ORIGIN example.
$TTL 300
@ SOA ns.example. root.example. 1 2 3 4 300
mx A 192.0.2.1
_spf.d0 TXT "v=spf1 ip4:198.51.100.0/24 -all"
"""
COUNT = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list, partly with hosts, and its zone; one line is no domain, one domain is not told of."""
    folder = tmp_path_factory.mktemp("fix")
    zone, lines = [ZONE], ["domain,host,signers"]
    for n in range(COUNT):
        end = ("-all", "~all", "+all", "bogus -all")[n % 4]
        zone.append(f'd{n} TXT "v=spf1 ip4:192.0.2.{n} include:_spf.d0.example {end}"\n')
        zone.append(f"d{n} MX {'0 .' if n % 5 == 0 else '10 mx'}\n")
        if n % 3:
            zone.append(f'_dmarc.d{n} TXT "v=DMARC1; p={["none", "reject"][n % 2]}"\n')
        lines.append(f"d{n}.example,{'203.0.113.9' if n % 6 == 0 else ''},{'none' if n % 12 == 0 else ''}")
    lines[7], lines[9] = "not a name,,", "elsewhere.test,,"
    (folder / "example.zone").write_text("".join(zone), "utf-8")
    (folder / "list.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def run(world: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return senderauth(
        "audit", str(world / "list.csv"), "--zone", str(world / "example.zone"), "--fix", *words
    )


@pytest.fixture(scope="module")
def whole(world: Path) -> bytes:
    target = world / "whole.jsonl"
    done = run(world, "-o", str(target))
    assert done.returncode == 1, done.stderr  # hosts that are refused
    assert "What is proposed, in domains" in done.stderr
    return target.read_bytes()


def test_the_command_writes_what_the_library_says(world: Path, whole: bytes) -> None:
    rows = [json.loads(line) for line in whole.splitlines()]
    assert [row["n"] for row in rows] == list(range(2, COUNT + 2))
    assert [row["domain"] for row in rows if row["fix"] is None] == [""]
    assert {row["state"] for row in rows} == {"ok", "unknown", "bad-input"}
    ids = Counter(proposal["id"] for row in rows if row["fix"] for proposal in row["fix"]["proposals"])
    assert ids["spf-close-all"] >= 10
    assert ids["dmarc-first-record"] >= 10
    assert ids["spf-add-address"] >= 3


@pytest.mark.parametrize("kept", [0, 1, 3_000, 30_000, -1])
def test_it_is_continued_to_the_same_bytes(world: Path, whole: bytes, tmp_path: Path, kept: int) -> None:
    target = tmp_path / "audit.jsonl"
    target.write_bytes(whole[:kept])
    run(world, "-o", str(target), "--resume", "-q")
    assert target.read_bytes() == whole


def test_several_processes_write_the_same_bytes(world: Path, whole: bytes, tmp_path: Path) -> None:
    target = tmp_path / "audit.jsonl"
    run(world, "-o", str(target), "--jobs", "2", "-q")
    assert target.read_bytes() == whole


def test_tables_hold_records_to_paste(world: Path, tmp_path: Path) -> None:
    target = tmp_path / "audit.csv"
    run(world, "-o", str(target), "-q")
    rows = list(csv.DictReader(target.read_text("utf-8").splitlines()))
    closed = rows[2]
    assert closed["fix_proposals"].split()[0] == "spf-close-all"
    assert closed["fix_records"].startswith(
        'd2.example. TXT "v=spf1 ip4:192.0.2.2 include:_spf.d0.example ~all"'
    )
    assert closed["fix_removed"].startswith(
        'd2.example. TXT "v=spf1 ip4:192.0.2.2 include:_spf.d0.example +all"'
    )
    assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "-", "@")]
    plain = senderauth(
        "audit", str(world / "list.csv"), "--zone", str(world / "example.zone"), "--format", "csv", "-q"
    )
    assert "fix" not in plain.stdout.splitlines()[0]


def test_parquet_holds_them_as_lists(world: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    target = tmp_path / "audit.parquet"
    run(world, "-o", str(target), "-q")
    table = parquet.read_table(target).to_pydict()
    assert table["fix_proposals"][2][0] == "spf-close-all"
    assert len(table["fix_records"][2]) == len(set(table["fix_records"][2])) >= 1
    assert table["fix_grade"][6] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--only", "spf,dmarc"), "--only must name spoofing"),
        (("--fields", "domain"), "name fix, too"),
    ],
)
def test_wrong_use_is_told_in_one_line(world: Path, words: tuple[str, ...], said: str) -> None:
    done = run(world, *words)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert said in done.stderr


def test_an_audit_without_fix_is_not_one_without_anything_to_change(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jsonl", tmp_path / "changes"
    source.write_text('{"schema": "senderauth/audit/1", "n": 1, "domain": "a.example"}\n')
    done = senderauth("report", str(source), "-o", str(target), "--as", "zone")
    assert (done.returncode, "without --fix" in done.stderr, target.exists()) == (2, True, False)


@pytest.mark.parametrize("form", ["zone", "nsupdate", "panel", "json"])
def test_a_whole_audit_is_handed_over_in_one_file(
    world: Path, whole: bytes, tmp_path: Path, form: str
) -> None:
    source, target = tmp_path / "a.jsonl", tmp_path / "changes"
    source.write_bytes(whole)
    assert senderauth("report", str(source), "-o", str(target), "--as", form).returncode == 0
    text = target.read_text("utf-8")
    fixes = {row["domain"]: row["fix"] for row in map(json.loads, whole.splitlines()) if row["fix"]}
    proposals = [proposal for fix in fixes.values() for proposal in fix["proposals"]]
    if form == "json":
        lines = [json.loads(line) for line in text.splitlines()]
        for one in lines:
            jsonschema.validate(one, schema("audit"))
        told = {one["domain"]: one["fix"] for one in lines}
        assert told == {domain: fix for domain, fix in fixes.items() if fix["proposals"]}
        return
    for proposal in proposals:
        for change in proposal["changes"]:
            assert all(value in text for value in change["new"])
    if form == "nsupdate":
        assert text.count("send\n") == len(proposals)
    if form == "zone":
        records = [line for line in text.splitlines() if line and not line.startswith(";")]
        assert len(written_changes(records, [])) == len(records)


def handed(*rows: dict[str, Any], form: str = "nsupdate") -> str:
    return "".join(handover_rows(rows, form, wording("en")))


def test_changes_to_the_same_records_are_not_handed_over_twice() -> None:
    rows = [
        plain_json(document(row(MAIL, {"domain": D, "host": host, "signers": "none"})))
        for host in ("203.0.113.9", "198.51.100.7")
    ]
    text = handed(*rows)
    assert text.count("update add shop.example. ") == 1
    assert "shop.example TXT is changed above already" in text


def test_other_records_at_the_name_survive_the_script() -> None:
    """nsupdate takes all TXT records away: one alone is found by its very strings only (RFC 2136 2.5.4)."""
    text = handed(plain_json(document(row(MAIL | txt("", "v=spf1 +all", "site-verification=1")))))
    assert "update delete shop.example. TXT\n" in text
    assert 'update add shop.example. 300 TXT "site-verification=1"\n' in text


@pytest.mark.parametrize(
    ("name", "rdtype"),
    [("x.example\nsend", "TXT"), ("x.example", "TXT\n"), ("x.example 1 A ;", "TXT"), ("", "A")],
)
def test_a_row_from_anywhere_writes_no_line_of_a_script(name: str, rdtype: str) -> None:
    hostile = plain_json(document(row(MAIL | txt("", "v=spf1 +all"))))
    hostile["domain"] = "x\nsend"
    proposal = hostile["fix"]["proposals"][0]
    proposal |= {"id": "x\nsend", "who": "x\nsend", "settings": [{"id": "\n", "who": "", "value": "x\nsend"}]}
    proposal["changes"][0]["new"] = ["v=spf1\nsend"]
    assert handed(hostile).count("\nsend\n") == 1
    proposal["changes"][0] |= {"name": "x.example 300 a 192.0.2.1 ;.example", "type": "MX"}
    proposal["changes"][0]["new"] = ["10\nsend b.example"]
    assert handed(hostile).count("\nsend\n") == 1
    assert "x.example " not in handed(hostile)
    proposal["changes"][0] |= {"name": name, "type": rdtype}
    with pytest.raises(ValueError, match="no change of records"):
        handed(hostile)


# --- what if -----------------------------------------------------------------------------------------


def test_an_audit_over_records_that_are_only_supposed(world: Path, tmp_path: Path) -> None:
    words = ("--set", 'd2.example TXT "v=spf1 -all"', "--unset", "_dmarc.d1.example TXT")
    one, other = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    done = run(world, *words, "-o", str(one), "--lang", "nl")
    assert "Stel dat deze records gepubliceerd zijn" in done.stderr
    run(world, *words, "-o", str(other), "--jobs", "2", "-q")
    assert one.read_bytes() == other.read_bytes()
    rows = [json.loads(line) for line in one.read_bytes().splitlines()]
    assert rows[2]["spf"]["terminal"] == "-all"
    assert rows[1]["dmarc"]["rfc9989"]["state"] == "absent"
    assert "dmarc-first-record" in [proposal["id"] for proposal in rows[1]["fix"]["proposals"]]


def test_an_audit_of_a_zone_that_is_about_to_be_published(tmp_path: Path) -> None:
    draft = tmp_path / "draft.zone"
    draft.write_text('$ORIGIN d1.test.\n@ 300 SOA ns h 1 2 3 4 300\n@ 300 TXT "v=spf1 -all"\n', "utf-8")
    live = {("d1.test", "TXT"): [b"v=spf1 +all"], ("d2.test", "TXT"): [b"v=spf1 ~all"]}
    live |= {("_dmarc.d1.test", "TXT"): [b"v=DMARC1; p=reject"]}
    words = ("--zone", str(draft), "--over-live", "--fields", "domain,spf,dmarc", "-q")
    with Server(live) as server:
        done = senderauth("audit", "-", *words, "--nameserver", server.where, stdin="d1.test\nd2.test\n")
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["spf"]["terminal"], first["dmarc"]["rfc9989"]["state"]) == ("-all", "absent")
    assert second["spf"]["terminal"] == "~all"
