"""Rows as lines: the same octets as the JSON of their documents."""

import json
import pickle
import random
import re
from dataclasses import replace
from typing import Any

import pytest

from senderauth.audit import FIELDS, Row, audit_rows, document
from senderauth.audit.carry import Carrier, unpacked
from senderauth.audit.line import line_of
from senderauth.audit.row import FIX
from senderauth.audit.summary import tally_of, tally_of_document
from senderauth.dns import ZoneResolver
from senderauth.values import Finding, Reason
from tests.test_audit import random_zone
from tests.test_audit_fix import lines_of


def json_line(whole: dict[str, Any], fields: tuple[str, ...]) -> bytes:
    """The general way."""
    told = {"schema": whole["schema"], **{field: whole.get(field) for field in fields}}
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    text = re.sub("[^\x00-\x7e]", lambda c: c[0] if c[0].isprintable() else json.dumps(c[0])[1:-1], text)
    return text.encode() + b"\n"


def same(row: Row, *fields: str) -> bytes:
    """The line, which says what the document says."""
    whole = document(row)
    line = line_of(row)
    assert line == json_line(whole, (*FIELDS, FIX) if FIX in whole else FIELDS)
    assert tally_of(row) == tally_of_document(whole)
    carrier = pickle.loads(pickle.dumps(Carrier(fields=fields or FIELDS)))
    assert unpacked(carrier(row)) == (tally_of(row), line_of(row, fields or FIELDS))
    chosen = fields or ("n", "domain", "findings", FIX)
    assert line_of(row, chosen) == json_line(whole, chosen)
    return line


@pytest.mark.parametrize("fix", [False, True])
def test_the_line_of_a_row_is_its_document(fix: bool) -> None:
    dice = random.Random(11)
    zone = random_zone(dice, 40)
    lines = [*lines_of(zone, dice), "not a name", "nothing.example", {"domain": "d1.example", "signers": 3}]
    seen = ""
    for row in audit_rows(lines, ZoneResolver.from_records(zone), retries=0, fix=fix):
        seen += same(replace(row, elapsed=0.25 if row.n % 2 else 0.0)).decode()
    for words in ('"state":"unknown"', '"state":"bad-input"', '"outcome":', '"grade":null', '"elapsed":0.0'):
        assert words in seen
    assert ('"proposals":[{' in seen) is fix


@pytest.mark.parametrize("only", ["spf", "dmarc", "dkim", "mx", "adsp", "mta_sts"])
def test_parts_that_nobody_wants_are_null(only: str) -> None:
    zone = ZoneResolver.from_records(random_zone(random.Random(12), 10))
    for row in audit_rows([f"d{n}.example" for n in range(10)], zone, only=[only], retries=0):
        same(row, "n", only, "unknown")


@pytest.mark.parametrize(
    "value",
    [
        'a "b" \\ c', "\x00\x1f\x7f\u2028", "\x9b2J\u202e", "ä\U0001f4e7", "\udce4", "", 0, -5, 2**128, True,
        False, None, 1.5, b"\xff", [], ["a", 'b"', 3, True, None], (("x", 1),), {"x": ["y"], "z": {}},
        {"set"}, Reason("r", {"a": 1}),
    ],
)  # fmt: skip
def test_facts_of_every_kind(value: Any) -> None:
    (row,) = audit_rows(["example.com"], ZoneResolver.from_records({}), retries=0)
    finding = Finding("some-id", "low", str(value), {"one": value, "two": "x"}, "RFC 1", "checkdmarc")
    assert row.spf
    assert row.dmarc
    assert row.mx
    assert row.spoofing
    text = str(value)
    reason = Reason("some-reason", {"fact": value})
    same(
        replace(
            row,
            given=text,
            error=reason,
            findings=(finding, finding),
            spf=replace(row.spf, record=text, includes=(text, "b"), problems=("p",)),
            dmarc=replace(row.dmarc, record=text, rfc9989=replace(row.dmarc.rfc9989, reason=reason)),
            mx=replace(row.mx, hosts=(text,)),
            spoofing=replace(row.spoofing, reason=reason),
        )
    )
