"""Whole messages: a message and a zone in, the report as JSON and as text out, in fixtures/messages.

`REWRITE_CASES=1 pytest tests/test_message_cases.py` writes the expectations anew; git shows the difference.
"""

import json
import os
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from senderauth import MessageReport, ZoneResolver, sync
from senderauth.report import message_document, message_text, schema, wording

CASES = sorted(p.parent for p in (Path(__file__).parents[1] / "fixtures" / "messages").glob("*/case.toml"))
REWRITE = os.environ.get("REWRITE_CASES") == "1"


@lru_cache(maxsize=64)
def judge(folder: Path) -> tuple[MessageReport, dict[str, Any]]:
    given = tomllib.loads((folder / "case.toml").read_text("utf-8"))
    report = sync.verify_message(
        (folder / "message.eml").read_bytes(),
        ZoneResolver.from_files(folder / "case.zone"),
        ip=given.get("ip"),
        mail_from=given.get("mail_from"),
        helo=given.get("helo"),
        trusted=given.get("trusted", ()),
        now=given["now"],
        with_second_opinion=True,
    )
    return report, given


def summary(report: MessageReport) -> dict[str, Any]:
    """What a case is about, without traces and records: a difference can be read."""
    whole = message_document(report)
    signatures = [
        {
            key: one[key]
            for key in ("result", "reason", "domain", "selector", "header_ok", "body_ok", "aligned")
        }
        | {"causes": one["diagnosis"]["causes"] if one["diagnosis"] else None}
        | {"second": one["opinion"]["verdict"] if one["opinion"] else None}
        for one in whole["signatures"]
    ]
    verdicts = [
        {"spf": v["spf"]["result"], "dmarc": v["dmarc"]["result"], "disposition": v["dmarc"]["disposition"]}
        | {"dmarc_rfc7489": v["dmarc_rfc7489"]["result"], "adsp": v["adsp"]["result"]}
        for v in whole["verdicts"]
    ]
    return {
        "schema": whole["schema"],
        "outcome": whole["outcome"],
        "exit_code": report.exit_code(),
        "author": whole["facts"]["author"]["domain"],
        "envelope": whole["facts"]["envelope"],
        "signatures": signatures,
        "arc": whole["arc"]["result"],
        "claims": whole["claims"],
        "verdicts": verdicts,
        "predictions": {p["receiver"]: f"{p['outcome']} {p['code']}".strip() for p in whole["predictions"]},
        "findings": [{key: f[key] for key in ("id", "severity", "subject")} for f in whole["findings"]],
        "remedies": {r["entry_id"]: [a["id"] for a in r["actions"]] for r in whole["remedies"]},
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
        text = message_text(report, wording(language), width=80)
        compare(folder / f"expected.{language}.txt", text)
        assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_the_document_keeps_to_its_schema(folder: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    report, _ = judge(folder)
    whole = json.loads(json.dumps(message_document(report, "x.eml")))

    assert next(iter(whole)) == "schema"
    jsonschema.Draft202012Validator(schema("message")).validate(whole)


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_no_report_shows_an_id_for_want_of_words(language: str) -> None:
    for folder in CASES:
        report, _ = judge(folder)
        for verbose in (0, 2):
            text = message_text(report, wording(language), verbose=verbose)
            assert "{" not in text.replace("%{", ""), folder.name
            assert "message-from-" not in text, folder.name


def test_there_are_cases() -> None:
    assert len(CASES) >= 20
