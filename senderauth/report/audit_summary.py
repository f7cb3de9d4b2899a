"""The sum of an audit, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senderauth.report.page import Page
from senderauth.report.wording import Wording

SHOWN_FINDINGS = 8
SHOWN_UNKNOWN = 10

# Label, and where in the summary's document the counts are.
TABLES = (
    ("spoofable", ("spoofable",), ("yes", "partly", "no", "unknown")),
    ("grade", ("grades",), ("A", "B", "C", "D", "E", "F", "none")),
    ("dmarc", ("dmarc", "rfc9989"), ("reject", "quarantine", "none", "absent", "unknown")),
    ("spf", ("spf",), ("found", "absent", "several", "broken", "unknown")),
    ("terminal", ("terminals",), ("-all", "~all", "?all", "+all", "redirect", "none")),
    ("dkim", ("dkim",), ("found", "not-found", "none-possible", "unknown")),
    ("mx", ("mx",), ("mx", "address", "null-mx", "dead-mx", "none", "missing", "unknown")),
    ("hosts", ("hosts",), ("accepted", "marked", "unknown", "deferred", "refused")),
)


def audit_summary_text(
    summary: Mapping[str, Any], words: Wording, *, width: int = 80, colour: bool = False
) -> str:
    """The summary's document for people: counts, most frequent findings, what is unknown now."""
    page = Page(width, colour)
    rows, seconds = summary["rows"], summary["seconds"]
    facts = {"rows": f"{rows:,}", "seconds": f"{seconds:,.0f}"}
    page.line(words.say("audit", "done" if summary["complete"] else "stopped", facts), style="head")
    labels = {label: words.say("audit", f"label-{label}") for label, _, _ in TABLES}
    indent = max(map(len, labels.values())) + 2
    for label, path, order in TABLES:
        counts: Any = summary
        for name in path:
            counts = counts[name]
        if counts:
            told = "   ".join(f"{word} {counts[word]:,}" for word in order if counts.get(word))
            page.line(f"{labels[label]:<{indent}}{told}", hang=indent)
    if bad := summary["states"].get("bad-input"):
        page.line(words.say("audit", "bad-input", {"count": bad}))
    _findings(page, summary, words)
    _fixes(page, summary.get("fix"), words)
    _unknown(page, summary, words)
    return str(page)


def _findings(page: Page, summary: Mapping[str, Any], words: Wording) -> None:
    worst = [(id, told) for id, told in summary["findings"].items() if told["severity"] in ("high", "medium")]
    if worst:
        page.line(words.say("audit", "findings"), style="head")
    for id, told in worst[:SHOWN_FINDINGS]:
        page.line(f"{told['count']:>8,}  {told['severity']:<6}  {id}")


def _fixes(page: Page, fixes: Mapping[str, Any] | None, words: Wording) -> None:
    """What is proposed, what no record cures, and how the domains stand once all of it is made."""
    if fixes is None:
        return
    for name in ("proposals", "advice"):
        if fixes[name]:
            page.line(words.say("audit", f"fix-{name}"), style="head")
        for id, count in list(fixes[name].items())[:SHOWN_FINDINGS]:
            page.line(f"{count:>8,}  {id}")
    if not fixes["proposals"]:
        return
    page.line(words.say("audit", "fix-then"), style="head")
    chosen = [("spoofable", "spoofable"), ("grade", "grades"), ("hosts", "hosts")]
    orders = {label: order for label, _, order in TABLES}
    labels = {label: words.say("audit", f"label-{label}") for label, _ in chosen}
    indent = max(map(len, labels.values())) + 2
    for label, name in chosen:
        if told := [f"{word} {fixes[name][word]:,}" for word in orders[label] if fixes[name].get(word)]:
            page.line(f"{labels[label]:<{indent}}{'   '.join(told)}", hang=indent)


def _unknown(page: Page, summary: Mapping[str, Any], words: Wording) -> None:
    again = summary["asked_again"]
    if again["rows"]:
        facts = {name: f"{again[name]:,}" for name in ("rows", "answered")}
        page.line(words.say("audit", "asked-again", facts), hang=2)
    count = summary["states"].get("unknown", 0)
    if again["rows"] and (rest := count + again["answered"] - again["rows"]):
        page.line(words.say("audit", "not-asked-again", {"count": f"{rest:,}"}), hang=2)
    if count:
        shown = ", ".join(summary["unknown"][:SHOWN_UNKNOWN]) + (", …" if count > SHOWN_UNKNOWN else "")
        page.line(words.say("audit", "unknown", {"count": f"{count:,}", "domains": shown}), hang=2)
