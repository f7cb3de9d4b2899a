"""What changed between two audits, and what it is called."""

import io
import json
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from senderauth.advice import SILENT
from senderauth.audit import Summary, compare, load_rows
from senderauth.report import audit_page, audit_summary_text, diff_text, document, schema, wording
from tests.test_cli import refusal, senderauth


def row(domain: str, **changes: Any) -> dict[str, Any]:
    """A row in good order; changes as part_field=value, or whole parts."""
    policy = {"state": "found", "policy": "reject", "location": f"_dmarc.{domain}", "inherited": False}
    policy |= {"organizational_domain": domain, "reason": {"id": "dmarc-policy-own", "facts": {}}}
    whole: dict[str, Any] = {
        "schema": "senderauth/audit/1",
        "n": 1,
        "given": domain,
        "domain": domain,
        "state": "ok",
        "error": None,
        "grade": "A",
        "spoofing": {
            "answer": "no", "reason": {"id": "spoofing-policy-reject", "facts": {}}, "address": "240.0.0.1",
            "spf": "fail", "forged": {"gmail": "refused", "gmx": "refused"}, "own": {"gmail": "refused"},
        },
        "spf": {
            "state": "found", "record": "v=spf1 -all", "terminal": "-all", "lookups": 0, "void_lookups": 0,
            "addresses4": 0, "addresses6": 2**128, "exact": True, "includes": [], "problems": [],
        },
        "dmarc": {
            "rfc9989": dict(policy), "rfc7489": dict(policy), "record": "v=DMARC1; p=reject",
            "reports": False, "pct": 100, "testing": False,
        },
        "adsp": {"state": "absent", "practice": None},
        "dkim": {"state": "found", "asked": [], "tried": [], "keys": [
            {"selector": "s1", "state": "valid", "type": "rsa", "bits": 2048, "testing": False}
        ]},
        "mx": {"state": "mx", "hosts": ["mail." + domain]},
        "mta_sts": "absent",
        "tls_rpt": "absent",
        "hosts": [],
        "findings": [],
        "unknown": [],
        "elapsed": None,
    }  # fmt: skip
    for name, value in changes.items():
        part, _, field = name.partition("__")
        if field:
            whole[part] = {**whole[part], field: value}
        else:
            whole[part] = value
    return whole


@pytest.mark.parametrize(("count", "told"), [(200, 0), (1_300, 2)])
def test_what_is_not_listed_is_counted_with_the_way_to_it(count: int, told: int) -> None:
    worse = [row(f"{n}.example", grade="F") for n in range(count)]
    new = [row(f"{n}.new") for n in range(40 if told == 0 else 1_140)]
    text = diff_text(compare([row(f"{n}.example") for n in range(count)], worse + new), wording("en"))
    assert text.count("\n  … and 1,100 more; --json tells all\n") == told


def finding(id: str, severity: str = "high", subject: str = "a.example", **evidence: Any) -> dict[str, Any]:
    told = {"id": id, "severity": severity, "subject": subject}
    return {**told, "evidence": evidence, "rfc": "", "source": "x"}


def host(outcome: str) -> dict[str, Any]:
    told = {"host": "h", "address": "192.0.2.1", "signing": "unsigned", "spf": "pass", "dmarc": "pass"}
    return {**told, "outcome": outcome, "receiver": "", "code": "", "entry": ""}


def policy(word: str | None, state: str = "found") -> dict[str, Any]:
    return {**row("a.example")["dmarc"]["rfc9989"], "policy": word, "state": state}


CASES = [
    ({}, {}, None),
    ({}, {"grade": "B"}, "worse"),
    ({"grade": "B"}, {}, "better"),
    ({}, {"grade": None}, "changed"),
    ({}, {"grade": None, "state": "unknown"}, "unknown"),
    ({}, {"spoofing__answer": "yes"}, "worse"),
    ({}, {"spoofing__answer": "unknown"}, "unknown"),
    ({"spoofing__answer": "unknown"}, {}, "changed"),
    ({}, {"dmarc__rfc9989": policy("none")}, "worse"),
    ({}, {"dmarc__rfc7489": policy(None, "absent")}, "worse"),
    ({}, {"dmarc__rfc9989": policy(None, "unknown")}, "unknown"),
    ({"dmarc__rfc9989": policy("none")}, {"dmarc__rfc9989": policy("quarantine")}, "better"),
    ({}, {"dmarc__record": "v=DMARC1; p=reject; rua=mailto:x@y"}, "changed"),
    ({}, {"spf__terminal": "+all"}, "worse"),
    ({}, {"spf__lookups": 11}, "worse"),
    ({}, {"spf__lookups": 9}, None),
    ({}, {"spf__state": "several"}, "worse"),
    ({}, {"dkim__state": "not-found"}, "worse"),
    ({}, {"mx__state": "dead-mx"}, "worse"),
    ({}, {"mx__hosts": ["other.example"]}, "changed"),
    ({}, {"mta_sts": "present"}, "better"),
    ({}, {"findings": [finding("spf-broken")]}, "worse"),
    ({"findings": [finding("spf-broken")]}, {}, "better"),
    ({"findings": [finding("spf-broken")]}, {"state": "unknown"}, None),  # not seen is not gone
    ({"state": "unknown"}, {"findings": [finding("spf-broken")]}, "changed"),
    ({}, {"findings": [finding("spf-record-unknown")]}, "unknown"),
    ({"findings": [finding("spf-record-unknown")]}, {}, "changed"),
    ({}, {"findings": [finding("dkim-key-type-unknown")]}, "worse"),  # a fault, not a silence
    ({"findings": [finding("x", "medium")]}, {"findings": [finding("x")]}, "worse"),
    ({"findings": [finding("x")]}, {"findings": [finding("x", "medium")]}, "better"),
    (
        {"findings": [finding("x")]},
        {"findings": [finding("x"), finding("x", subject="s2.a.example")]},
        "worse",
    ),
    ({"findings": [finding("x")]}, {"findings": [finding("x", bits=512)]}, None),
    ({}, {"spf__terminal": "redirect"}, "changed"),  # where it leads cannot be told
    ({}, {"findings": [finding("x", "low")]}, None),
    ({"hosts": [host("accepted")]}, {"hosts": [host("refused")]}, "worse"),
    ({"hosts": [host("refused")]}, {"hosts": [host("marked")]}, "better"),
    ({}, {"grade": "B", "mta_sts": "present"}, "worse"),  # the worst of a row is what it is called
]


@pytest.mark.parametrize(("old", "new", "direction"), CASES)
def test_a_change_is_worse_better_unknown_or_just_a_change(
    old: dict[str, Any], new: dict[str, Any], direction: str | None
) -> None:
    found = compare([row("a.example", **old)], [row("a.example", **new)])
    assert [d.direction for d in found.differences] == ([direction] if direction else [])


@pytest.mark.parametrize(
    ("directions", "code"), [(["worse", "unknown"], 1), (["unknown", "better"], 3), (["better"], 0), ([], 0)]
)
def test_the_exit_code_is_for_cron(directions: list[str], code: int) -> None:
    made = {"worse": {"grade": "F"}, "unknown": {"mta_sts": "unknown"}, "better": {"mta_sts": "present"}}
    new = [row(f"{d}.example", **made[d]) for d in directions]  # type: ignore[arg-type]
    assert compare([row(f"{d}.example") for d in directions], new).exit_code == code


def test_newest_trouble_stands_first_and_the_gravest_before_the_rest() -> None:
    old = [row(f"{n}.example") for n in "abcd"]
    new = [
        row("a.example", mta_sts="present"),
        row("b.example", grade="B"),
        row("c.example", spoofing__answer="yes"),
        row("e.example"),
    ]
    found = compare(old, new)
    assert [d.domain for d in found.differences] == [f"{n}.example" for n in "cbaed"]
    assert found.counts == {
        "worse": 2,
        "unknown": 0,
        "better": 1,
        "changed": 0,
        "new": 1,
        "gone": 1,
        "same": 0,
    }


def test_lists_in_another_order_and_domains_named_twice_are_joined_rightly() -> None:
    old = [row("a.example"), row("b.example"), row("a.example", grade="C")]
    assert not compare(old, [old[1], old[0], old[2]]).differences
    assert compare(old, [old[1], old[0]]).counts["gone"] == 1


def test_only_rows_without_a_counterpart_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from senderauth.audit import compare as compared  # the function hides its module

    module = __import__("sys").modules[compared.__module__]
    most, waiting = 0, module._joined

    def rows() -> Iterable[dict[str, Any]]:
        return (row(f"{n}.example") for n in range(500))

    joined = waiting(rows(), rows())
    for _ in joined:
        most = max(most, *(len(kept) for kept in joined.gi_frame.f_locals["waiting"]))
    assert most <= 1


LINES = [
    (b'{"schema": "senderauth/check/1"}\n', "x:1: not a row of an audit"),
    (b"[]\n", "x:1: not a row of an audit"),
    (b'{"schema":"senderauth/audit/1","given":"\\ud800"}\n', "x:1: not a row of an audit: half a character"),
    (b"{}\n", "x:1: not a row of an audit"),
    (b'{"schema": "senderauth/audit/2"}\n', "x:1: not a row of an audit"),
    (b"domain,grade\nexample.com,A", "x:1: not a row of JSON lines"),
    (b"no row, and no end of line", "x:1: not a row of JSON lines"),  # torn off nothing
    (b"[" * 16_000_001, "x:1: longer than any row"),
    (b"\xff\xfe\n", "x:1: not a row of JSON lines"),
    (b"[" * 100_000 + b"\n", "x:1: not a row of JSON lines"),
    (b'{"schema":"senderauth/audit/1"}\n{"torn\n{"schema":"senderauth/audit/1"}\n', "x:2: not a row"),
]


@pytest.mark.parametrize(("data", "problem"), LINES)
def test_what_is_no_row_is_told_with_its_place(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        list(load_rows(io.BytesIO(data), "x"))


def test_a_torn_last_line_is_left_out() -> None:
    data = json.dumps(row("a.example")).encode() + b'\n{"schema": "sender'
    told: list[int] = []
    assert len(list(load_rows(io.BytesIO(data), "x", torn=told.append))) == 1
    assert told == [2]


def mutations(value: Any, replacement: Any) -> Iterator[Any]:
    """The value with one thing in it replaced, for each thing in it."""
    yield replacement
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for place, one in inner:
        for changed in mutations(one, replacement):
            copy = value.copy()
            copy[place] = changed
            yield copy


def test_what_is_let_through_nobody_stumbles_over() -> None:
    full = row(
        "a.example",
        hosts=[host("refused")],
        findings=[finding("spf-several-records", count=2)],
        unknown=[{"name": "a.example", "type": "A", "status": "TIMEOUT"}],
        error={"id": "audit-not-a-domain", "facts": {"value": "x", "line": 1}},
    )
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    good: list[dict[str, Any]] = [full]
    for wrong in (None, "", "\ud800</script>", 10**40, -1, True, 0.5, [], [{}], {}, {"x": deep}, deep):
        for changed in mutations(full, wrong):
            line = json.dumps(changed).encode() + b"\n"
            try:
                good += load_rows(io.BytesIO(line), "x")
            except ValueError as error:
                assert str(error).startswith("x:1: not a row of an audit")  # noqa: PT017 - or it is let through
    assert len(good) > 100
    summary = Summary()
    for one in good:
        summary.add(one)
    words = wording("en")
    counts = summary.document(complete=True, seconds=0)
    changed = compare([full] * len(good), good)
    assert diff_text(changed, words)
    pieces = audit_page(lambda: iter(good), counts, words, title="x", comparison=changed)
    "".join(pieces).encode("utf-8", "backslashreplace")


def test_silence_is_told_apart_from_faults_for_every_finding() -> None:
    """Of a finding that says that something is unknown it must be said whether DNS or we do not know it."""
    faults = {
        "arc-chain-word-unknown", "dkim-algorithm-unknown", "dkim-canonicalization-unknown",
        "dkim-key-type-unknown", "dkim-query-unknown", "dkim-version-unknown",
    }  # fmt: skip
    texts = Path(__file__).parents[1] / "senderauth" / "report" / "text" / "en"
    told = {id for file in texts.glob("*.toml") for id in tomllib.loads(file.read_text()).get("finding", ())}
    assert {id for id in told if id.endswith("-unknown")} == faults | SILENT


def test_the_document_keeps_to_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    found = compare(
        [row("a.example"), row("b.example")],
        [row("a.example", grade="B", mx__hosts=[], findings=[finding("x")]), row("c.example")],
    )
    whole = json.loads(json.dumps(document(found)))
    assert next(iter(whole)) == "schema"
    jsonschema.Draft202012Validator(schema("diff")).validate(whole)


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_every_field_and_direction_has_words(language: str) -> None:
    hostile = "evil\x1b[31m.example"
    found = compare(
        [row(hostile), *(row(f"{n}.example", **old) for n, (old, _, _) in enumerate(CASES))],
        [row(hostile, grade="B"), *(row(f"{n}.example", **new) for n, (_, new, _) in enumerate(CASES))],
    )
    text = diff_text(found, wording(language))
    assert "field-" not in text
    assert "diff-" not in text
    assert "\x1b" not in text


def test_the_command(tmp_path: Path) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_text(json.dumps(row("a.example")) + "\n")
    new.write_text(json.dumps(row("a.example", spoofing__answer="yes")) + "\n")
    done = senderauth("diff", str(old), str(new))
    assert (done.returncode, "can be spoofed: no → yes" in done.stdout) == (1, True)
    done = senderauth("diff", str(old), str(new), "--json")
    assert json.loads(done.stdout)["counts"]["worse"] == 1
    assert senderauth("diff", str(old), str(old)).returncode == 0
    done = senderauth("diff", str(old), str(tmp_path / "none"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    new.write_text(new.read_text() + '{"schema": "senderauth/audit/1", "doma')
    done = senderauth("diff", str(old), str(new))
    assert done.returncode == 1
    assert f"{new}: line 2 is torn off" in done.stderr
    new.write_text('{"schema": "senderauth/check/1"}\n')
    done = senderauth("diff", str(old), str(new))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{new}:1: not a row of an audit" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["diff", "-", "-"], "standard input"),
        (["report", "-", "--previous", "-", "-o", "page.html"], "standard input"),
        (["diff", "rows.jsonl", "no-domains.jsonl"], "without the field domain"),
        (["report", "rows.jsonl", "-o", "none/page.html"], "senderauth: none/page.html: No such file"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(tmp_path)
    line = json.dumps(row("a.example")) + "\n"
    Path("rows.jsonl").write_text(line)
    Path("no-domains.jsonl").write_text('{"schema": "senderauth/audit/1", "n": 1, "grade": "A"}\n')
    assert told in refusal(senderauth(*words, stdin=line * 3))


def test_a_changed_record_stands_below_what_it_was() -> None:
    before = row("a.example", spf__record="v=spf1 -all")
    after = row("a.example", spf__record="v=spf1 +all", spf__terminal="+all")
    told = diff_text(compare([before], [after]), wording("en")).splitlines()
    place = told.index("    SPF record:")
    assert told[place + 1 : place + 3] == ["      − v=spf1 -all", "      + v=spf1 +all"]


def test_the_policy_of_the_older_standard_is_told_only_where_it_differs() -> None:
    none = policy("none")
    before = row("a.example")
    both = row("a.example", dmarc__rfc9989=none, dmarc__rfc7489=none)
    older = row("a.example", dmarc__rfc7489=none)
    assert "RFC 7489" not in diff_text(compare([before], [both]), wording("en"))
    assert "RFC 7489" in diff_text(compare([before], [older]), wording("en"))


def test_the_sum_is_told_in_the_language() -> None:
    summary = Summary()
    for _ in range(1_234):
        summary.add(row("a.example", findings=[finding("spf-several-records")]))
    summary.add(row("b.example", spoofing__answer="yes", findings=[finding("dmarc-record-absent", "medium")]))
    told = audit_summary_text(summary.document(complete=True, seconds=1), wording("de"))
    assert "ja 1   nein 1.234" in told
    assert "   1.234  hoch" in told
    assert "spf-several-records: COUNT SPF-Einträge" in told
    assert "dmarc-record-absent: " in told  # of medium severity, though there are graver ones
    assert not any(line.endswith(" ja") for line in told.splitlines())
