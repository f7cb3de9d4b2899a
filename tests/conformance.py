"""Test suites of others, read where they lie: beside the checkout, never copied into it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from senderauth.dns import Answer, Question, Resolver, Status, ZoneResolver

ROOT = Path(__file__).resolve().parents[2] / "shared" / "conformance"


def folder(name: str) -> Path:
    """The suite's folder. Where it is absent the test skips; in CI it must be there."""
    path = ROOT / name
    if not path.is_dir():
        why = f"the conformance suites are not here: {name} belongs in shared/conformance beside the checkout"
        if os.environ.get("CI") == "true":
            pytest.fail(why, pytrace=False)
        pytest.skip(why, allow_module_level=True)
    return path


def suite(name: str, file: str = "cases.json") -> Any:
    """One of the suite's JSON files."""
    return json.loads((folder(name) / file).read_text("utf-8"))


def octets(text: str) -> bytes:
    """The octets of a character-string: suites store octets above 127 as the characters of that number."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def resolver(zone: dict[str, Any], default: Any = None) -> Resolver:
    """A zone of the suites' common format (FORMAT.md) as a resolver."""
    records: dict[tuple[str, str], Any] = {}
    for name, node in zone.items():
        records |= _node(name, node)
    elsewhere = Status.NOERROR if default == "NODATA" else Status.NXDOMAIN
    base = ZoneResolver.from_records(records, elsewhere=elsewhere)
    if isinstance(default, dict):
        return AnyName(base, set(zone), default["any_name"])
    return base


class AnyName:
    """Every name that the zone does not hold answers alike, as the stubs of some suites do."""

    def __init__(self, zone: ZoneResolver, held: set[str], node: dict[str, Any]) -> None:
        self.zone, self.held = zone, held
        self.stub = ZoneResolver.from_records(_node("any.example", node))

    async def resolve(self, question: Question) -> Answer:
        if question.name in self.held:
            return await self.zone.resolve(question)
        return await self.stub.resolve(Question("any.example", question.rdtype))


def _node(name: str, node: dict[str, Any]) -> dict[tuple[str, str], Any]:
    records: dict[tuple[str, str], Any] = {}
    for rdtype in ("A", "AAAA", "PTR", "NS"):
        if rdtype in node:
            records[name, rdtype] = node[rdtype]
    if "TXT" in node:
        records[name, "TXT"] = [tuple(octets(part) for part in strings) for strings in node["TXT"]]
    if "MX" in node:
        records[name, "MX"] = [(preference, host) for preference, host in node["MX"]]
    if "CNAME" in node:
        records[name, "CNAME"] = [node["CNAME"]]
    if "error" in node:
        for rdtype in ("TXT", "A", "AAAA", "PTR", "MX", "CNAME", "NS"):
            records.setdefault((name, rdtype), Status[node["error"]])
    for rdtype, error in node.get("type_error", {}).items():
        records[name, rdtype] = Status[error]
    if "rcode" in node:
        records[name, "TXT"] = records[name, "A"] = Status[node["rcode"]]
    if node.get("exists") or not records:
        records[name, "SPF"] = []
    return records
