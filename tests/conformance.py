"""Test suites of others, read where they lie: beside the checkout, never copied into it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from senderauth.dns import Status, ZoneResolver

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
    """The octets of a character-string: the suites store octets above 127 as the characters of that number."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8")


def resolver(zone: dict[str, Any], default: Any = None) -> ZoneResolver:
    """A zone of the suites' common format (FORMAT.md) as a resolver."""
    records: dict[tuple[str, str], Any] = {}
    for name, node in zone.items():
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
                if rdtype not in node:
                    records[name, rdtype] = Status[node["error"]]
        for rdtype, error in node.get("type_error", {}).items():
            records[name, rdtype] = Status[error]
        if "rcode" in node:
            records[name, "TXT"] = records[name, "A"] = Status[node["rcode"]]
        if node.get("exists") or not any(owner == name for owner, _ in records):
            records.setdefault((name, "SPF"), [])
    elsewhere = Status.NOERROR if default == "NODATA" else Status.NXDOMAIN
    return ZoneResolver.from_records(records, elsewhere=elsewhere)
