"""What changed between two audits, and what it is called."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from senderauth.audit import compare, load_rows
from senderauth.report import diff_text, document, schema, wording
from tests.test_cli import senderauth


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
        "spoofing": {"answer": "no", "reason": {"id": "spoofing-policy-reject", "facts": {}}},
        "spf": {
            "state": "found", "record": "v=spf1 -all", "terminal": "-all", "lookups": 0, "void_lookups": 0,
            "problems": [],
        },
        "dmarc": {"rfc9989": dict(policy), "rfc7489": dict(policy), "record": "v=DMARC1; p=reject"},
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
    }  # fmt: skip
    for name, value in changes.items():
        part, _, field = name.partition("__")
        if field:
            whole[part] = {**whole[part], field: value}
        else:
            whole[part] = value
    return whole


def finding(id: str, severity: str = "high") -> dict[str, Any]:
    return {"id": id, "severity": severity, "subject": "a.example", "evidence": {}, "rfc": "", "source": "x"}


def host(outcome: str) -> dict[str, Any]:
    return {"host": "h", "address": "192.0.2.1", "signing": "unsigned", "outcome": outcome, "code": ""}


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
    (b"{}\n", "x:1: not a row of an audit"),
    (b"\xff\xfe\n", "x:1: not a row of JSON lines"),
    (b"[" * 100_000 + b"\n", "x:1: not a row of JSON lines"),
    (b'{"schema":"senderauth/audit/1"}\n{"torn\n{"schema":"senderauth/audit/1"}\n', "x:2: not a row"),
]


@pytest.mark.parametrize(("data", "problem"), LINES)
def test_what_is_no_row_is_told_with_its_place(data: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        list(load_rows(data.splitlines(keepends=True), "x"))


def test_a_torn_last_line_is_left_out() -> None:
    data = json.dumps(row("a.example")).encode() + b'\n{"schema": "sender'
    assert len(list(load_rows(data.splitlines(keepends=True), "x"))) == 1


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
