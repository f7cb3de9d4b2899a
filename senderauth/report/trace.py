"""A trace as indented lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from senderauth.report.safe import printable
from senderauth.report.wording import Wording
from senderauth.values import Step

MAX_DEPTH = 24
MAX_LINES = 2_000


def trace_lines(step: Step, words: Wording, verbose: int) -> Iterator[str]:
    """The steps inside, each on a line with its result; DNS answers only from verbose 2 on."""
    for count, line in enumerate(_lines(step, words, verbose, 0)):
        if count == MAX_LINES:
            yield "…"
            return
        yield line


def _lines(step: Step, words: Wording, verbose: int, depth: int) -> Iterator[str]:
    for inner in step.inner:
        if inner.id == "dns":
            if verbose > 1:
                yield "  " * depth + dns_line(inner.facts)
            continue
        yield "  " * depth + words.step(inner) + _counters(inner.facts)
        if depth < MAX_DEPTH:
            yield from _lines(inner, words, verbose, depth + 1)


def _counters(facts: dict[str, Any]) -> str:
    """What a term did, and the counters after it: the same signs in every language."""
    shown = []
    if "matched" in facts:
        shown.append("=> " + ("match" if facts["matched"] else "no match"))
    if "result" in facts and "mechanism" not in facts:
        shown.append(f"({facts['result']})")
    if facts.get("compared"):
        shown.append("~ " + ", ".join(printable(a) for a in facts["compared"][:6]))
    if "lookups" in facts:
        shown.append(f"[{facts['lookups']}/10, void {facts['voids']}/2]")
    return " " + " ".join(shown) if shown else ""


def dns_line(facts: dict[str, Any]) -> str:
    """One question and its answer, as dig would put it."""
    records = list(facts.get("records", ()))
    shown = [printable(r.decode("latin-1") if isinstance(r, bytes) else r, 120) for r in records[:8]]
    more = f" (+{len(records) - 8})" if len(records) > 8 else ""
    return f"{printable(facts['name'])} {facts['type']} {facts['status']} {' | '.join(shown)}{more}".rstrip()
