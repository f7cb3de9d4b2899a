"""SPF evaluation alone: the openspf suite with answers in memory, beside pyspf, trace included."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.installed import python
from benchmarks.table import OURS, Bench, Goal
from senderauth.dns import Answer, Question, Resolver, drive

SUITE = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "openspf-rfc7208" / "cases.json"


def cases() -> Any:
    """The suite."""
    return json.loads(SUITE.read_text("utf-8"))


class Memory:
    """Every answer that a resolver gave, from a dictionary, as pyspf has them."""

    def __init__(self, over: Resolver) -> None:
        self.over = over
        self.answers: dict[tuple[str, str], Answer] = {}

    async def resolve(self, question: Question) -> Answer:
        """The answer, asked for at most once."""
        key = question.name, question.rdtype
        answer = self.answers.get(key)
        if answer is None:
            answer = self.answers[key] = await self.over.resolve(question)
        return answer


def ours(data: Any, read: bool = False) -> Callable[[], list[str]]:
    """All checks of the suite through check_host; with `read`, somebody also looks at each trace."""
    from senderauth.spf import check_host, mail_from_identity
    from tests.conformance import resolver

    zones = {id: Memory(resolver(zone["records"], zone.get("default"))) for id, zone in data["zones"].items()}
    checks = [
        (zones[c["zone"]], c["ip"], *mail_from_identity(c["mailfrom"], c["helo"]), c["helo"])
        for c in data["cases"]
    ]

    def go() -> list[str]:
        return [drive(check_host(*check)).result for check in checks]

    def go_and_read() -> list[str]:
        results = [drive(check_host(*check)) for check in checks]
        return [result.result for result in results if result.trace.inner is not None]

    return go_and_read if read else go


def pyspf(data: Any) -> Callable[[], list[str]]:
    """The same through pyspf, answers from a dictionary as its own tests give them."""
    import spf

    zones = {id: _pyspf_answers(zone["records"]) for id, zone in data["zones"].items()}
    current: dict[tuple[str, str], list[Any]] = {}

    def lookup(name: str, qtype: str, *_: object) -> list[Any]:
        found = current.get((name.lower().rstrip("."), qtype), [])
        if found == [_FAILS]:
            raise spf.TempError("DNS timeout")
        return found

    spf.DNSLookup = lookup

    def go() -> list[str]:
        nonlocal current
        results = []
        for c in data["cases"]:
            current = zones[c["zone"]]
            query = spf.query(i=c["ip"], s=c["mailfrom"], h=c["helo"], strict=1, verbose=False)
            results.append(query.check()[0])
        return results

    return go


_FAILS = ("fails",)


def _pyspf_answers(records: Any) -> dict[tuple[str, str], list[Any]]:
    answers: dict[tuple[str, str], list[Any]] = {}
    for name, node in records.items():
        for rdtype in ("A", "AAAA", "TXT", "MX", "PTR"):
            key = name.lower(), rdtype
            if "CNAME" in node:
                answers[key] = [((name, "CNAME"), node["CNAME"])]
            elif rdtype in node:
                values: list[Any] = node[rdtype]
                if rdtype == "TXT":
                    values = [tuple(part.encode("latin-1", "replace") for part in v) for v in values]
                elif rdtype == "MX":
                    values = [(p, h) for p, h in values]
                answers[key] = [((name, rdtype), value) for value in values]
            elif "error" in node:
                answers[key] = [_FAILS]
    return answers


def ours_read(data: Any) -> Callable[[], list[str]]:
    """As `ours`, and somebody looks at each trace."""
    return ours(data, read=True)


ENGINES = {"ours": ours, "ours-read": ours_read, "pyspf": pyspf}


def wrong(data: Any, results: list[str]) -> list[str]:
    """The cases that have another result than the suite expects."""
    return [
        case["id"]
        for case, result in zip(data["cases"], results, strict=True)
        if result not in case["expect"]["result"]
    ]


def suite(bench: Bench) -> None:
    """The checks of the openspf suite with answers from a dictionary; each of ours records its trace,
    which becomes a tree when somebody reads it: the row "every trace read" does that every time.
    """
    if not SUITE.exists():
        bench.skip("SPF evaluation alone: the openspf suite is not beside the checkout (shared/conformance)")
        return
    if not bench.has("pyspf"):
        return
    times = 20
    names = {OURS: "ours", "ours, every trace read": "ours-read", "pyspf": "pyspf"}
    count = times * len(cases()["cases"])
    contestants = [python(name, "suite", engine, str(times), count=count) for name, engine in names.items()]
    bench.rates("SPF evaluation alone, checks", bench.race(contestants), {"pyspf": Goal("≥", 3)})
