"""SPF evaluation alone: the openspf suite with answers in memory, against pyspf, trace included.

Both get their answers from a dictionary and both are checked to give the suite's results first. Each of our
checks records its trace; it becomes a tree when somebody reads it, which the second row does every time.
Goal: at least three times pyspf's checks per second.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.side import in_turn, table
from senderauth.dns import Answer, Question, Resolver, drive

SUITE = Path(__file__).resolve().parents[2] / "shared" / "conformance" / "openspf-rfc7208" / "cases.json"


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


def main(rounds: int = 25) -> None:
    """Measures both in turn, the whole suite a round."""
    data = json.loads(SUITE.read_text("utf-8"))
    count = len(data["cases"])
    engines = {
        "senderauth": ours(data),
        "senderauth, every trace read": ours(data, read=True),
        "pyspf": pyspf(data),
    }
    for name, engine in engines.items():
        wrong = [
            (case["id"], result)
            for case, result in zip(data["cases"], engine(), strict=True)
            if result not in case["expect"]["result"]
        ]
        print(f"{name}: {count - len(wrong)} of {count} as the suite expects {wrong or ''}")
    medians = in_turn(engines, rounds)
    print(table(f"SPF, {count} checks of the openspf suite a round", medians, "senderauth"))
    for name, seconds in medians.items():
        print(f"  {name}: {seconds / count * 1e6:.1f} µs a check, {count / seconds:,.0f} checks a second")


if __name__ == "__main__":
    main()
