"""Audits: rows, order, strangers, grades, retries; on zones that answer at once."""

import asyncio
import io
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

import jsonschema
import pytest

from senderauth import sync
from senderauth.advice import check
from senderauth.audit import (
    FIELDS,
    Row,
    Summary,
    audit,
    audit_rows,
    chosen_fields,
    chosen_parts,
    compare,
    document,
    load_rows,
)
from senderauth.audit.asks import Asks
from senderauth.audit.columns import flat, told
from senderauth.audit.line import line_of
from senderauth.audit.load import MAX_LINE
from senderauth.audit.mx import mail_exchange
from senderauth.audit.recover import recovered
from senderauth.audit.stranger import HOST, STRANGER
from senderauth.audit.summary import tally_of, tally_of_document
from senderauth.audit.write import csv_cell, csv_header, csv_line
from senderauth.dns import (
    Answer,
    LiveResolver,
    OverlayResolver,
    Question,
    Status,
    ZoneResolver,
    drive,
    pause,
    share_rate,
)
from senderauth.report import schema
from senderauth.simulation import Scenario, mail_domain

Zone = dict[tuple[str, str], Any]
D = "example.com"


def rows(zone: Zone, *domains: Any, **options: Any) -> list[Row]:
    return list(audit_rows(domains, ZoneResolver.from_records(zone), **options))


def row(zone: Zone, domain: Any = D, **options: Any) -> Row:
    return rows(zone, domain, **options)[0]


def base(**extra: Any) -> Zone:
    return {
        (D, "TXT"): [b"v=spf1 ip4:192.0.2.0/24 -all"],
        (D, "MX"): [(10, "mx.example.net")],
        ("mx.example.net", "A"): ["192.0.2.1"],
        **extra,
    }


# --- rows ------------------------------------------------------------------------------------------


def test_a_row_says_what_stands_in_dns() -> None:
    key = b"v=DKIM1; k=ed25519; p=" + b"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    zone = base() | {
        ("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=reject; rua=mailto:r@example.com"],
        ("_adsp._domainkey.example.com", "TXT"): [b"dkim=all"],
        ("s1._domainkey.example.com", "TXT"): [key],
        ("_mta-sts.example.com", "TXT"): [b"v=STSv1; id=1"],
        ("_smtp._tls.example.com", "TXT"): [b"v=TLSRPTv1; rua=mailto:t@example.com"],
    }
    found = row(zone)
    assert found.spf
    assert found.dmarc
    assert found.adsp
    assert found.dkim
    assert found.mx
    assert found.spoofing
    assert (found.state, found.grade, found.spoofing.answer) == ("ok", "A", "no")
    assert (found.spf.terminal, found.spf.addresses4, found.spf.exact) == ("-all", 256, True)
    assert (found.dmarc.rfc9989.policy, found.dmarc.rfc7489.policy, found.dmarc.reports) == (
        "reject", "reject", True,
    )  # fmt: skip
    assert (found.adsp.practice, found.mx.state, found.mx.hosts) == ("all", "mx", ("mx.example.net",))
    assert [(k.selector, k.type, k.bits) for k in found.dkim.keys] == [("s1", "ed25519", 256)]
    assert (found.mta_sts, found.tls_rpt) == ("present", "present")


@pytest.mark.parametrize(
    ("mta_sts", "tls_rpt", "states"),
    [
        ([b"v=STSv1;id=2026a;"], [b"v=TLSRPTv1;rua=https://t.example/x"], ("present", "present")),
        ([b"v=STSv1"], [b"v=TLSRPTv1"], ("broken", "broken")),  # RFC 8461 3.1, RFC 8460 3
        ([b"v=STSv1; id="], [b"v=TLSRPTv1; rua=t@example.com"], ("broken", "broken")),
        ([b"v=STSv1; id=a-b"], [b"v=TLSRPTv1; rua="], ("broken", "broken")),
        ([b"v=STSv1; id=1"] * 2, [b"v=TLSRPTv1; rua=mailto:a@b.example"] * 2, ("broken", "broken")),
        ([b"v=STSv10; id=1"], [b" v=TLSRPTv1; rua=mailto:a@b.example"], ("absent", "absent")),
    ],
)
def test_records_of_transport_security(
    mta_sts: list[bytes], tls_rpt: list[bytes], states: tuple[str, str]
) -> None:
    found = row(base() | {(f"_mta-sts.{D}", "TXT"): mta_sts, (f"_smtp._tls.{D}", "TXT"): tls_rpt})
    assert (found.mta_sts, found.tls_rpt) == states


class Noting:
    """Notes what is asked."""

    def __init__(self, zone: Zone) -> None:
        self.below, self.asked = ZoneResolver.from_records(zone), list[tuple[str, str]]()

    async def resolve(self, question: Question) -> Answer:
        self.asked.append((question.name, question.rdtype))
        return await self.below.resolve(question)


def test_a_row_is_never_longer_than_its_readers_take(tmp_path: Path) -> None:
    """Else one record made to be large would keep the whole audit from being shown, compared or continued."""
    junk = b" \x01" * 30_000
    includes = b" ".join(b"include:i%d.example.com" % n for n in range(10))
    zone = base() | {
        (D, "TXT"): [b"v=spf1 " + includes + b" ip4:192.0.2.1" * 3_000],
        ("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=none; rua=" + b",mailto:\x01" * 6_000],
        **{(f"i{n}.example.com", "TXT"): [b"v=spf1" + junk] for n in range(10)},
    }
    made = row(zone)
    assert len(made.findings) > 500
    line = line_of(made)
    assert len(line) < MAX_LINE
    assert len(list(load_rows(io.BytesIO(line), "x"))) == 1
    (tmp_path / "rows").write_bytes(line + line)
    assert len(list(recovered(tmp_path / "rows", "jsonl", FIELDS))) == 2
    silent = [{"name": "x" * 250, "type": "TXT", "status": "TIMEOUT"}] * 1_000
    cells = csv_line(document(made) | {"state": "unknown", "unknown": silent}, FIELDS)
    (tmp_path / "cells").write_bytes(csv_header(FIELDS) + cells)
    assert len(list(recovered(tmp_path / "cells", "csv", FIELDS))) == 1


@pytest.mark.parametrize(
    "given", ["\ud800.example", "\udfff@example.com", {"domain": D, "host": "\ud83d"}, "é"]
)
def test_a_row_of_any_text_can_be_read_again(given: Any) -> None:
    made = row(base(), given)
    (found,) = load_rows(io.BytesIO(line_of(made)), "x")
    assert found == json.loads(json.dumps(document(made)))


@pytest.mark.parametrize(
    "changes", [{"findings": [7]}, {"state": ["ok"]}, {"unknown": 5, "state": "unknown"}, {"n": "1"}]
)
def test_a_file_that_was_tampered_with_is_not_continued(tmp_path: Path, changes: dict[str, Any]) -> None:
    target = tmp_path / "rows.jsonl"
    target.write_text(json.dumps(document(row(base())) | changes) + "\n")
    with pytest.raises(ValueError, match="line 1: not a row of an audit"):
        list(recovered(target, "jsonl", FIELDS))


@pytest.mark.parametrize(
    ("only", "asked"),
    [
        (("spf",), [(D, "TXT")]),
        (("spf", "dmarc"), [(D, "TXT"), (f"_dmarc.{D}", "TXT"), ("_dmarc.com", "TXT")]),
        (("mx",), [(D, "MX"), ("mx.example.net", "A")]),
        (("dkim",), [(f"s9._domainkey.{D}", "TXT")]),
        (("mta-sts", "tls_rpt"), [(f"_mta-sts.{D}", "TXT"), (f"_smtp._tls.{D}", "TXT")]),
        (("adsp",), [(f"_adsp._domainkey.{D}", "TXT"), (D, "MX")]),
    ],
)
def test_only_what_is_wanted_is_asked_and_says_the_same(
    only: tuple[str, ...], asked: list[tuple[str, str]]
) -> None:
    resolver = Noting(base())
    (found,) = audit_rows([D], resolver, only=only, selectors=["s9"])
    assert sorted(set(resolver.asked)) == sorted(asked)
    whole, part = document(row(base(), selectors=["s9"])), document(found)
    wanted = {word.replace("-", "_") for word in only}
    for name in ("spf", "dmarc", "mx", "dkim", "adsp", "mta_sts", "tls_rpt"):
        assert part[name] == (whole[name] if name in wanted else None)
    assert (found.grade, found.spoofing) == (None, None)
    assert {f["id"] for f in part["findings"]} <= {f["id"] for f in whole["findings"]}


def test_spoofing_brings_what_it_needs() -> None:
    (found,) = audit_rows([D], ZoneResolver.from_records(base()), only=["spoofing"])
    whole = row(base())
    assert (found.spoofing, found.grade, found.spf, found.mx) == (
        whole.spoofing, whole.grade, whole.spf, whole.mx,
    )  # fmt: skip
    assert (found.dkim, found.mta_sts) == (None, None)


def test_fields_follow_what_is_asked() -> None:
    parts = chosen_parts("spf, MTA-STS")
    assert chosen_fields(None, parts) == (
        "n", "given", "domain", "state", "error", "spf", "mta_sts", "findings", "unknown", "elapsed",
    )  # fmt: skip
    for words in ("spf,nothing", " , "):
        with pytest.raises(ValueError, match="--only"):
            chosen_parts(words)
    with pytest.raises(ValueError, match="--fields: 'grade' needs spoofing in --only"):
        chosen_fields("grade", parts)


@pytest.mark.parametrize(
    ("spf", "dmarc", "grade", "spoofable"),
    [
        (b"v=spf1 -all", b"v=DMARC1; p=reject", "A", "no"),
        (b"v=spf1 -all", b"v=DMARC1; p=quarantine", "B", "partly"),
        (b"v=spf1 -all", b"v=DMARC1; p=none; rua=mailto:r@example.com", "C", "yes"),
        (b"v=spf1 -all", b"v=DMARC1; p=none", "D", "yes"),
        (b"v=spf1 -all", None, "E", "yes"),
        (b"v=spf1 include:nothing.example -all", b"v=DMARC1; p=none", "E", "yes"),
        (None, None, "F", "yes"),
        (b"v=spf1 +all", b"v=DMARC1; p=reject", "F", "yes"),
    ],
)
def test_every_letter_has_its_rule(
    spf: bytes | None, dmarc: bytes | None, grade: str, spoofable: str
) -> None:
    zone = base() | {(D, "TXT"): [spf] if spf else []}
    if dmarc:
        zone["_dmarc.example.com", "TXT"] = [dmarc]
    found = row(zone)
    assert found.spoofing is not None
    assert (found.grade, found.spoofing.answer) == (grade, spoofable)


def test_a_domain_that_does_not_exist_has_no_grade_and_costs_few_questions() -> None:
    asked: list[Question] = []

    class Counting:
        async def resolve(self, question: Question) -> Answer:
            asked.append(question)
            return Answer(Status.NXDOMAIN)

    (found,) = audit_rows(["gone.example"], Counting(), retries=0)
    assert found.grade is None
    told = document(found)
    assert (told["mx"]["state"], told["dkim"]["state"]) == ("missing", "none-possible")
    # nothing is below a name that does not exist (RFC 8020)
    assert not {q.name for q in asked} & {"_mta-sts.gone.example", "s1._domainkey.gone.example"}


@pytest.mark.parametrize(
    ("zone", "what"),
    [
        ({(D, "TXT"): Status.SERVFAIL}, "spf"),
        ({("_dmarc.example.com", "TXT"): Status.TIMEOUT}, "dmarc"),
        ({("_mta-sts.example.com", "TXT"): Status.TIMEOUT}, "mta_sts"),
        ({("s1._domainkey.example.com", "TXT"): Status.SERVFAIL}, "dkim"),
        ({("mx.example.net", "A"): Status.TIMEOUT}, "mx"),
    ],
)
def test_unknown_is_never_absent(zone: Zone, what: str) -> None:
    found = row(base() | zone, selectors=["s1"])
    told = document(found)
    assert found.state == "unknown"
    assert found.unknown
    part = told[what] if isinstance(told[what], str) else told[what].get("state")
    assert (told["dmarc"]["rfc9989"]["state"] if what == "dmarc" else part) == "unknown"


def test_a_silent_zone_is_waited_for_once() -> None:
    asked: list[Question] = []

    class Silent:
        async def resolve(self, question: Question) -> Answer:
            asked.append(question)
            return Answer(Status.TIMEOUT)

    (found,) = audit_rows(["dead.example"], Silent(), retries=0)
    assert found.state == "unknown"
    assert found.grade is None
    own = {q.name for q in asked if q.name.endswith("dead.example")}
    assert own == {"dead.example", "_dmarc.dead.example", "_domainkey.dead.example"}


def test_shared_names_are_asked_once() -> None:
    asked: list[str] = []
    zone: Zone = {("_spf.provider.example", "TXT"): [b"v=spf1 ip4:192.0.2.0/24 -all"]}
    names = [f"d{n}.example" for n in range(40)]
    for name in names:
        zone[name, "TXT"] = [b"v=spf1 include:_spf.provider.example -all"]
    within = ZoneResolver.from_records(zone)

    class Counting:
        async def resolve(self, question: Question) -> Answer:
            asked.append(f"{question.name} {question.rdtype}")
            return await within.resolve(question)

    found = list(audit_rows(names, Counting(), retries=0))
    assert [r.spf.addresses4 for r in found if r.spf] == [256] * 40
    assert asked.count("_spf.provider.example TXT") == 1
    own = [question for question in asked if question != "_dmarc.example TXT"]  # its TTL is 0 here
    assert len(own) == len(set(own))


def test_hosts_that_the_input_names_are_checked_with_their_remedy() -> None:
    zone = base() | {("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=reject"]}
    found = row(zone, {"domain": D, "host": "203.0.113.9 192.0.2.5", "signers": ""})
    outcomes = {(host.address, host.signing): host for host in found.hosts}
    assert outcomes["203.0.113.9", "unsigned"].outcome == "refused"
    assert outcomes["203.0.113.9", "unsigned"].entry
    report = drive(check(Scenario(D, ("203.0.113.9",)), ZoneResolver.from_records(zone)))
    assert report.outcome == "refused"


def test_a_revoked_key_is_a_fault_only_where_the_line_names_it() -> None:
    zone = base() | {("default._domainkey.example.com", "TXT"): [b"v=DKIM1; p="]}
    for domain, ids in ((D, []), ({"domain": D, "selectors": "default"}, ["dkim-key-revoked"])):
        found = row(zone, domain)
        assert [finding.id for finding in found.findings if finding.id.startswith("dkim")] == ids
        assert found.dkim is not None
        assert [(key.selector, key.state) for key in found.dkim.keys] == [("default", "revoked")]


def test_a_practice_that_is_called_unknown_is_not_what_dns_would_not_tell() -> None:
    zone = base() | {("_adsp._domainkey.example.com", "TXT"): [b"dkim=unknown"]}
    silent = base() | {("_adsp._domainkey.example.com", "TXT"): Status.TIMEOUT}
    for source, word in ((zone, "dkim=unknown"), (silent, "unknown"), (base(), "absent")):
        found = row(source, retries=0)
        cells = flat(document(found))
        text = {name: csv_cell(value) for name, value in cells.items()}
        counts = [dict(tally.words)["adsp"] for tally in (tally_of(found), tally_of_document(told(text)))]
        assert (cells["adsp"], counts) == (word, [word, word])
    changed = compare([document(row(base()))], [document(row(zone))])
    assert [c.direction for c in changed.differences[0].changes if c.field == "adsp"] == ["changed"]


def test_documents_follow_the_schema_and_summary_counts() -> None:
    jsonschema.Draft202012Validator.check_schema(schema("audit"))
    validator = jsonschema.Draft202012Validator(schema("audit"))
    zone = random_zone(random.Random(5), 40)
    summary = Summary()
    for found in rows(zone, *names_of(zone), "not a name", {"domain": "d1.example", "host": "192.0.2.1"}):
        told = document(found)
        validator.validate(plain_json(told))
        summary.add(told)
    told = summary.document(complete=True, seconds=1.0)
    jsonschema.Draft202012Validator(schema("audit-summary")).validate(told)
    assert told["rows"] == sum(told["states"].values()) == 42
    assert sum(told["grades"].values()) == 41


def plain_json(value: Any) -> Any:
    import json

    return json.loads(json.dumps(value))


# --- order, drivers --------------------------------------------------------------------------------


class Late:
    """Some domains are slow."""

    def __init__(self, zone: ZoneResolver, slow: frozenset[str]) -> None:
        self.zone, self.slow = zone, slow
        self.asked = 0

    async def resolve(self, question: Question) -> Answer:
        from senderauth.dns import pause

        self.asked += 1
        if question.name in self.slow:
            await pause(0.05)
        return await self.zone.resolve(question)


def many(count: int) -> tuple[ZoneResolver, list[str]]:
    names = [f"d{n}.example" for n in range(count)]
    zone: Zone = {(name, "TXT"): [b"v=spf1 -all"] for name in names}
    return ZoneResolver.from_records(zone), names


def test_rows_come_in_the_order_of_the_input_whatever_was_first() -> None:
    zone, names = many(60)
    resolver = Late(zone, frozenset(names[::7]))
    assert [r.n for r in audit_rows(names, resolver, width=10)] == list(range(1, 61))
    assert [r.domain for r in sync.audit(names, resolver, width=3)] == names


def test_the_asyncio_iterator_gives_the_same_rows() -> None:
    zone, names = many(30)
    resolver = Late(zone, frozenset(names[::7]))

    async def main() -> list[Row]:
        return [found async for found in audit(names, resolver, width=8)]

    assert asyncio.run(main()) == list(audit_rows(names, resolver))


def test_one_name_is_no_list_of_its_letters() -> None:
    with pytest.raises(TypeError, match=r"not a list of domains but one: 'example\.com'"):
        next(sync.audit("example.com", ZoneResolver.from_records(base()), cache_size=100))
    for wrong in ({"only": "spf"}, {"selectors": "s1"}):
        with pytest.raises(TypeError, match="lists of texts"):
            audit_rows([D], ZoneResolver.from_records({}), **wrong)  # type: ignore[arg-type]


def test_an_endless_list_is_read_as_far_as_there_is_room() -> None:
    zone, _ = many(1)
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield "d0.example"

    found = audit_rows(endless(), zone, width=5)
    for _ in range(20):
        next(found)
    assert read < 60


def test_what_was_unknown_is_asked_again_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senderauth.audit.run.WAIT", 0.01)
    asked: list[Question] = []
    zone = ZoneResolver.from_records(base())

    class Shaky:
        async def resolve(self, question: Question) -> Answer:
            asked.append(question)
            if question.name == "_dmarc.example.com" and asked.count(question) == 1:
                return Answer(Status.TIMEOUT)
            return await zone.resolve(question)

    (found,) = audit_rows([D], Shaky(), retries=1)
    assert found.state == "ok"
    assert {q for q in asked if asked.count(q) > 1 and q.name.endswith(D)} == {
        Question("_dmarc.example.com", "TXT")
    }


def test_a_run_whose_name_servers_are_gone_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    from senderauth.audit import NameServersGone

    monkeypatch.setattr("senderauth.audit.run.WAIT", 0.001)
    monkeypatch.setattr("senderauth.audit.run.PATIENCE", 0.05)
    monkeypatch.setattr("senderauth.audit.run.DEAF", 5)

    class Nobody:
        async def resolve(self, _: Question) -> Answer:
            return Answer(Status.TIMEOUT)

    with pytest.raises(NameServersGone):
        list(audit_rows([f"d{n}.example" for n in range(100)], Nobody(), width=10))


def test_name_servers_that_are_gone_are_told_once_and_not_waited_for_by_a_run_that_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from senderauth.audit import NameServersGone
    from senderauth.audit.read import from_domains
    from senderauth.audit.run import Audit

    monkeypatch.setattr("senderauth.audit.run.DEAF", 5)
    told = []

    class Nobody:
        async def resolve(self, _: Question) -> Answer:
            return Answer(Status.TIMEOUT)

    def stop() -> None:
        told.append(1)
        audit.stop()

    audit = Audit(Nobody(), lambda row: row, retries=9)
    audit.on_silence = stop
    begun = monotonic()
    with pytest.raises(NameServersGone):
        list(audit.rows(from_domains(f"d{n}.example" for n in range(20)), width=10))
    assert (told, monotonic() - begun < 20) == ([1], True)


def test_name_servers_that_come_back_leave_nothing_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that had some of their answers already were written as unknown, a whole crowd of them."""
    monkeypatch.setattr("senderauth.audit.run.WAIT", 1.0)  # within which the whole crowd has met the silence
    names = [f"d{n}.example" for n in range(800)]
    zone = ZoneResolver.from_records({(name, "TXT"): [b"v=spf1 -all"] for name in names})
    asked = 0

    class Outage:
        async def resolve(self, question: Question) -> Answer:
            nonlocal asked
            asked += 1
            await pause(0.001 * (asked % 7))
            if asked > 2_500 and monotonic() < until:
                return Answer(Status.TIMEOUT)
            return await zone.resolve(question)

    until = monotonic() + 6
    found = list(audit_rows(names, Outage()))
    assert monotonic() > until
    assert {r.state for r in found} == {"ok"}


def test_many_dead_domains_in_a_row_are_no_dead_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senderauth.audit.run.WAIT", 0.001)
    monkeypatch.setattr("senderauth.audit.run.PATIENCE", 0.05)
    monkeypatch.setattr("senderauth.audit.run.DEAF", 5)

    class Parked:
        async def resolve(self, question: Question) -> Answer:
            return Answer(Status.TIMEOUT if question.name.endswith("example") else Status.REFUSED)

    found = list(audit_rows([f"d{n}.example" for n in range(100)], Parked(), width=10))
    assert [r.state for r in found] == ["unknown"] * 100


def test_domains_outside_the_zone_files_are_not_waited_for(tmp_path: Path) -> None:
    """They were, for two minutes, and then the name servers were said to be gone."""
    zone = tmp_path / "example.zone"
    zone.write_text("$ORIGIN example.\n$TTL 300\n@ SOA ns root 1 2 3 4 300\n")
    names = [f"d{n}.test" for n in range(80)]
    begun = monotonic()
    found = list(audit_rows(names, ZoneResolver.from_files(zone), retries=0))
    assert monotonic() - begun < 30
    assert [r.state for r in found] == ["unknown"] * 80


# --- the stranger: the lean way against the whole simulation ------------------------------------------

SPF = [
    b"v=spf1 -all", b"v=spf1 +all", b"v=spf1 ip4:192.0.2.0/24 ~all", b"v=spf1 a mx ?all", b"v=spf1 mx",
    b"v=spf1 include:inc.example -all", b"v=spf1 include:bad.example -all", b"v=spf1 redirect=inc.example",
    b"v=spf1 include:void.example include:inc.example ~all", b"v=spf1 ?ip4:240.0.0.0/8 -all",
    b"v=spf1 ip4:240.0.0.0/4 -all", b"v=spf1 ip4:0.0.0.0/0 -all", b"v=spf1 exists:%{i}.ok.example -all",
    b"v=spf1 ptr -all", b"v=spf1 a:x1.example a:x2.example a:x3.example -all", b"v=spf1 include:loop.example",
    b"v=spf1 ipv4:1.2.3.4 -all", b"v=spf1 include:many.example include:many.example mx:many.example -all",
    b"v=spf1 exists:yes.example -all", b"v=spf1 -include:inc.example +all", b"v=spf1 a:slow.example -all",
    b"v=spf1 redirect=nothing.example", b"v=spf1 -ip4:240.0.0.1 +all", b"v=spf1 include:inc.example +all",
]  # fmt: skip
DMARC = [
    b"v=DMARC1; p=none", b"v=DMARC1; p=quarantine", b"v=DMARC1; p=reject", b"v=DMARC1; p=reject; pct=0",
    b"v=DMARC1; p=reject; pct=40", b"v=DMARC1; p=reject; t=y", b"v=DMARC1; p=quarantine; t=y; sp=reject",
    b"v=DMARC1; p=bad; rua=mailto:a@b.example", b"v=DMARC1; p=bad", b"v=DMARC1; p=reject; psd=n",
]  # fmt: skip
SHARED: Zone = {
    ("inc.example", "TXT"): [b"v=spf1 ip4:198.51.100.0/24 include:deep.example ~all"],
    ("deep.example", "TXT"): [b"v=spf1 ip4:203.0.113.0/25 ip6:2001:db8::/32 -all"],
    ("bad.example", "TXT"): [b"v=spf1 ip4:1.2.3 -all"],
    ("void.example", "TXT"): [b"v=spf1 a:x1.example ~all"],
    ("loop.example", "TXT"): [b"v=spf1 include:loop.example -all"],
    ("many.example", "TXT"): [b"v=spf1 include:inc.example a:yes.example mx:mx.example -all"],
    ("yes.example", "A"): ["192.0.2.77"],
    ("mx.example", "MX"): [(1, "yes.example")],
    ("slow.example", "A"): Status.TIMEOUT,
    (f"{STRANGER}.ok.example", "A"): ["127.0.0.2"],
}


def random_zone(dice: random.Random, count: int) -> Zone:
    """Domains with records of every kind, some unknown now."""
    zone: Zone = dict(SHARED)
    for n in range(count):
        name = f"sub.d{n}.example" if dice.random() < 0.2 else f"d{n}.example"
        zone[name, "TXT"] = dice.choice(
            [[dice.choice(SPF)]] * 12 + [[], [SPF[0], SPF[2]], Status.SERVFAIL, [b"other"]]
        )
        if dice.random() < 0.7:
            zone[f"_dmarc.{name}", "TXT"] = dice.choice(
                [[dice.choice(DMARC)]] * 10 + [[DMARC[0], DMARC[2]], Status.TIMEOUT]
            )
        if "sub." in name and dice.random() < 0.7:
            zone[f"_dmarc.d{n}.example", "TXT"] = [dice.choice(DMARC)]
        if dice.random() < 0.3:
            zone[f"_adsp._domainkey.{name}", "TXT"] = dice.choice(
                [[b"dkim=all"], [b"dkim=discardable"], [b"dkim=unknown"], Status.SERVFAIL, [b"dkim=all"] * 2]
            )
        mx: Any = dice.choice(
            [[(10, "yes.example")], [(10, "nowhere.example"), (20, "yes.example")], [(0, "")], [],
             [(5, "slow.example")], [(5, "nowhere.example")], Status.TIMEOUT]
        )  # fmt: skip
        zone[name, "MX"] = mx
        if dice.random() < 0.6:
            zone[name, "A"] = ["192.0.2.9"]
    return zone


def names_of(zone: Zone) -> list[str]:
    return [name for name, rdtype in zone if rdtype == "MX" and name != "mx.example"]


def with_stranger(zone: Zone, address: str) -> Zone:
    reverse = ".".join(reversed(address.split("."))) + ".in-addr.arpa"
    return zone | {
        (reverse, "PTR"): [HOST],
        (HOST, "A"): [address],
        (HOST, "TXT"): [f"v=spf1 ip4:{address} -all".encode()],
        (HOST, "MX"): [(1, HOST)],
    }


def predicted(zone: Zone, name: str, address: str, mail_from: str | None) -> Mapping[str, str]:
    scenario = Scenario(name, (address,), mail_from=mail_from, signers=())
    report = drive(check(scenario, ZoneResolver.from_records(with_stranger(zone, address))))
    return {p.receiver: p.outcome for p in report.predictions if not p.optional}


@pytest.mark.parametrize("seed", range(8))
def test_the_stranger_gets_what_check_predicts(seed: int) -> None:
    zone = random_zone(random.Random(seed), 40)
    for found in rows(zone, *names_of(zone), retries=0):
        spoofing = found.spoofing
        assert spoofing is not None
        address = spoofing.address or STRANGER
        told = (found.domain, zone[found.domain, "TXT"], zone.get((f"_dmarc.{found.domain}", "TXT")))
        assert predicted(zone, found.domain, address, None) == spoofing.forged, told
        assert predicted(zone, found.domain, address, f"a@{HOST}") == spoofing.own, told


@pytest.mark.parametrize("seed", range(4))
def test_the_mail_exchange_is_the_simulations(seed: int) -> None:
    zone = random_zone(random.Random(100 + seed), 40)
    resolver = ZoneResolver.from_records(zone)
    for name in names_of(zone):
        lean = drive(mail_exchange(Asks(name, resolver, resolver), name))
        whole = drive(mail_domain(resolver, name, "author"))
        assert (lean.state, lean.exchanges) == (whole.state, whole.exchanges), (name, zone[name, "MX"])


@pytest.mark.parametrize("seed", range(4))
def test_kept_branches_change_nothing(seed: int) -> None:
    zone = random_zone(random.Random(200 + seed), 40)
    together = rows(zone, *names_of(zone), retries=0)
    alone = [row(zone, name, retries=0) for name in names_of(zone)]
    for one, other in zip(together, alone, strict=True):
        assert document(one) | {"n": 1} == document(other)


def test_a_finding_of_two_severities_is_counted_whole_under_the_worse() -> None:
    summary = Summary()
    for severity in ("medium", "high", "medium"):
        summary.add({"state": "ok", "findings": [{"id": "dmarc-tag-twice", "severity": severity}]})
    found = summary.document(complete=True, seconds=0)["findings"]
    assert found == {"dmarc-tag-twice": {"severity": "high", "count": 3}}


def test_processes_share_one_rate() -> None:
    """`--jobs 4 --rate 2000` asks each server 2,000 questions a second, not 8,000."""
    live = LiveResolver(["192.0.2.53", "192.0.2.54"], rate=2000)
    share_rate(OverlayResolver({(D, "TXT"): None}, over=live), 4)
    assert [round(server.interval, 6) for server in live._known_servers()] == [0.002, 0.002]
    share_rate(live, 1)
    assert [round(server.interval, 6) for server in live._known_servers()] == [0.0005, 0.0005]
    share_rate(ZoneResolver.from_records({}), 4)  # has no pace
