"""`explain`, whole cases: a bounce and a zone in; readings, facts, proof and three reports out.

`REWRITE_CASES=1 pytest tests/test_explain.py` writes the expectations anew; git shows the difference.
"""

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from senderauth import Explanation, ZoneResolver, catalogue, sync
from senderauth.report import explain_document, explain_text, schema, wording

CASES = sorted(
    path for path in (Path(__file__).parents[1] / "fixtures" / "explain").iterdir() if path.is_dir()
)
REWRITE = os.environ.get("REWRITE_CASES") == "1"


def explained(folder: Path) -> Explanation:
    (bounce,) = folder.glob("bounce.*")
    given: dict[str, Any] = {}
    if (folder / "given.toml").exists():
        given = tomllib.loads((folder / "given.toml").read_text("utf-8"))
    zone = folder / "case.zone"
    resolver = ZoneResolver.from_files(zone) if zone.exists() else None
    return sync.explain(bounce.read_bytes(), resolver, **given)


def compare(path: Path, text: str) -> None:
    if REWRITE:
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8"), f"{path}: REWRITE_CASES=1 writes it anew"


@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    report = explained(folder)

    whole = explain_document(report.bounces, report.groups, with_check=False)
    whole["exit_code"] = report.exit_code()
    compare(folder / "expected.json", json.dumps(whole, ensure_ascii=False, indent=1) + "\n")
    for language in catalogue.LANGUAGES:
        text = explain_text(report, wording(language))
        assert all(line.isprintable() for line in text.split("\n")), "nothing that a terminal acts on"
        assert max(map(len, text.split("\n"))) < 80
        compare(folder / f"expected.{language}.txt", text)


def test_documents_are_what_their_schema_says() -> None:
    validator = jsonschema.Draft202012Validator(schema("explain"))
    for folder in CASES:
        report = explained(folder)
        for with_check in (False, True):
            document = explain_document(report.bounces, report.groups, with_check=with_check)
            validator.validate(json.loads(json.dumps(document)))


def test_every_family_of_the_catalogue_has_a_case() -> None:
    told = {e.id for folder in CASES for bounce in explained(folder).bounces for e in bounce.entries[:1]}
    families = {catalogue.entry(id).family for id in told if id}
    silent = {"client"}  # causes that no server speaks of
    assert families >= {entry.family for entry in catalogue.entries().values()} - silent
