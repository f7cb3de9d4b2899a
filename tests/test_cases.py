"""Whole cases: a scenario and a zone in, the report as JSON and as text out.

`REWRITE_CASES=1 pytest tests/test_cases.py` writes the expectations anew; git shows the difference.
"""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from senderauth import Scenario, ZoneResolver, sync
from senderauth.advice import Report
from senderauth.report import check_text, document, schema, wording

CASES = sorted(
    path.parent for path in (Path(__file__).parents[1] / "fixtures" / "cases").glob("*/scenario.toml")
)
REWRITE = os.environ.get("REWRITE_CASES") == "1"


def judge(folder: Path) -> tuple[Report, dict[str, Any]]:
    given = tomllib.loads((folder / "scenario.toml").read_text("utf-8"))
    signers = given.get("signers")
    scenario = Scenario(
        given["author"],
        tuple(given["hosts"]),
        given.get("mail_from"),
        given.get("helo"),
        None if signers is None else tuple((s[0], s[1] if len(s) > 1 else None) for s in signers),
        given.get("login"),
    )
    zone = ZoneResolver.from_files(folder / "case.zone")
    return sync.check(scenario, zone, receivers=given.get("receivers")), given


def summary(report: Report) -> dict[str, Any]:
    """What a case is about, without the traces: a difference can be read."""
    whole = document(report)
    for verdict in whole["verdicts"]:
        for part in ("spf", "spf_helo", "dmarc", "dmarc_rfc7489", "adsp"):
            verdict[part] = {
                key: verdict[part].get(key)
                for key in (
                    "result",
                    "reason",
                    "disposition",
                    "practice",
                    "mechanism",
                    "lookups",
                    "void_lookups",
                )
                if verdict[part].get(key) is not None
            }
        verdict["dkim"] = [
            {key: s[key] for key in ("domain", "selector", "result", "reason")} for s in verdict["dkim"]
        ]
    predictions = [
        {key: p[key] for key in ("receiver", "address", "signing", "outcome", "code", "text", "entry_id")}
        for p in whole["predictions"]
        if p["outcome"] != "accepted"
    ]
    remedies = [
        {"entry_id": r["entry_id"], "actions": [a["id"] for a in r["actions"]]} for r in whole["remedies"]
    ]
    return {
        "schema": whole["schema"],
        "outcome": whole["outcome"],
        "exit_code": report.exit_code(),
        "verdicts": whole["verdicts"],
        "predictions": predictions,
        "findings": whole["findings"],
        "remedies": remedies,
    }


def compare(path: Path, text: str) -> None:
    if REWRITE:
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    report, given = judge(folder)

    compare(folder / "expected.json", json.dumps(summary(report), indent=1, ensure_ascii=False) + "\n")
    for language in given["languages"]:
        text = check_text(report, wording(language), width=80)
        compare(folder / f"expected.{language}.txt", text)
        assert all(line.isprintable() for line in text.splitlines())
        assert max(map(len, text.splitlines())) <= 200


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_the_document_keeps_to_its_schema(folder: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    report, _ = judge(folder)
    whole = json.loads(json.dumps(document(report)))

    assert next(iter(whole)) == "schema"
    jsonschema.Draft202012Validator(schema("check")).validate(whole)


@pytest.mark.parametrize("language", ["en", "nl", "de"])
@pytest.mark.parametrize("verbose", [0, 1, 2])
def test_no_report_shows_an_id_for_want_of_words(language: str, verbose: int) -> None:
    for folder in CASES:
        report, _ = judge(folder)
        text = check_text(report, wording(language), verbose=verbose)
        assert "{" not in text.replace("%{", ""), folder.name


def test_there_are_cases() -> None:
    assert len(CASES) >= 20
