"""SPF evaluation alone: the openspf suite with answers in memory, against pyspf, trace included.

Goal: at least three times pyspf's checks per second.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.side import in_turn, table

SUITE = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "openspf-rfc7208" / "cases.json"


def ours(data: Any) -> Callable[[], object]:
    """All checks of the suite through check_host."""
    from senderauth.dns import drive
    from senderauth.spf import check_host
    from tests.conformance import resolver

    zones = {id: resolver(zone["records"], zone.get("default")) for id, zone in data["zones"].items()}
    checks = [
        (zones[c["zone"]], c["ip"], s.rpartition("@")[2], s, c["helo"])
        for c in data["cases"]
        for s in [c["mailfrom"] or f"postmaster@{c['helo']}"]
    ]

    def go() -> None:
        for zone, ip, domain, sender, helo in checks:
            drive(check_host(zone, ip, domain, sender, helo))

    return go


def pyspf(data: Any) -> Callable[[], object]:
    """The same through pyspf, answers from a dictionary as its own tests give them."""
    import spf

    zones: dict[str, dict[tuple[str, str], list[Any]]] = {}
    for id, zone in data["zones"].items():
        answers: dict[tuple[str, str], list[Any]] = {}
        for name, node in zone["records"].items():
            for rdtype, values in node.items():
                if not isinstance(values, list):
                    continue
                if rdtype in ("TXT", "SPF"):
                    made: list[Any] = [tuple(part.encode("latin-1", "replace") for part in v) for v in values]
                elif rdtype == "MX":
                    made = [(p, h) for p, h in values]
                else:
                    made = values
                answers[name.lower(), rdtype] = [((name, rdtype), value) for value in made]
        zones[id] = answers
    current: dict[tuple[str, str], list[Any]] = {}

    def lookup(name: str, qtype: str, tcpfallback: bool = True, timeout: int = 30) -> list[Any]:
        return current.get((name.lower().rstrip("."), qtype), [])

    spf.DNSLookup = lookup

    def go() -> None:
        nonlocal current
        for c in data["cases"]:
            current = zones[c["zone"]]
            q = spf.query(i=c["ip"], s=c["mailfrom"], h=c["helo"], strict=1, verbose=False)
            q.check()

    return go


def main(rounds: int = 9) -> None:
    """Measures both in turn, the whole suite a round."""
    data = json.loads(SUITE.read_text("utf-8"))
    count = len(data["cases"])
    medians = in_turn({"senderauth": ours(data), "pyspf": pyspf(data)}, rounds)
    print(table(f"SPF, {count} checks of the openspf suite a round", medians, "senderauth"))
    for name, seconds in medians.items():
        print(f"  {name}: {seconds / count * 1e6:.0f} µs a check")


if __name__ == "__main__":
    main()
