"""The sum of an audit, on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senderauth.report.audit_plots import frequent, label, number
from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.wording import Wording
from senderauth.values import PLACEHOLDER

SHOWN_UNKNOWN = 10
SHOWN_FIXES = 8
OF_FIXES = {"spoofable": "spoofable", "grade": "grades", "hosts": "hosts"}
"""The tables that tell how domains stand once all changes are made, and where in that part the counts are."""

# Label, where in the summary's document the counts are, whose words they are, and their order.
TABLES = (
    ("spoofable", ("spoofable",), "spoofable", ("yes", "partly", "no", "unknown")),
    ("grade", ("grades",), "grade", ("A", "B", "C", "D", "E", "F", "none")),
    ("dmarc", ("dmarc", "rfc9989"), "dmarc", ("reject", "quarantine", "none", "absent", "unknown")),
    ("spf", ("spf",), "spf", ("found", "absent", "several", "broken", "loop", "cut", "unknown")),
    ("terminal", ("terminals",), "spf", ("-all", "~all", "?all", "+all", "redirect", "none")),
    ("dkim", ("dkim",), "dkim", ("found", "not-found", "none-possible", "unknown")),
    ("mx", ("mx",), "mx", ("mx", "address", "null-mx", "dead-mx", "none", "missing", "unknown")),
    ("hosts", ("hosts",), "outcome", ("accepted", "marked", "unknown", "deferred", "refused")),
)


def audit_summary_text(
    summary: Mapping[str, Any], words: Wording, *, width: int = 80, colour: bool = False
) -> str:
    """The summary's document for people: counts, most frequent findings, what is unknown now."""
    page = Page(width, colour)
    rows, seconds = summary["rows"], summary["seconds"]
    facts = {"rows": number(rows, words), "seconds": number(round(seconds), words)}
    page.line(words.say("audit", "done" if summary["complete"] else "stopped", facts), style="head")
    labels = {table: words.say("audit", f"label-{table}") for table, *_ in TABLES}
    indent = max(map(len, labels.values())) + 2
    for table, path, column, order in TABLES:
        counts: Any = summary
        for name in path:
            counts = counts[name]
        if counts:
            page.row(f"{labels[table]:<{indent}}", _told(counts, column, order, words))
    if bad := summary["states"].get("bad-input"):
        page.line(words.say("audit", "bad-input", {"count": number(bad, words)}))
    _findings(page, summary, words)
    _fixes(page, summary.get("fix"), words)
    _unknown(page, summary, words)
    return str(page)


def _told(counts: Mapping[str, int], column: str, order: tuple[str, ...], words: Wording) -> list[str]:
    """Each word that was counted, with its count."""
    return [
        f"{label(words, column, word)} {number(counts[word], words)}" for word in order if counts.get(word)
    ]


def _findings(page: Page, summary: Mapping[str, Any], words: Wording) -> None:
    found = frequent(summary)
    if found:
        page.line(words.say("audit", "findings"), style="head")
    said_of = {severity: label(words, "worst", severity) for _, severity, _ in found}
    width = max(map(len, said_of.values()), default=0)
    for id, severity, count in found:
        lead = f"{number(count, words):>8}  {said_of[severity]:<{width}}  "
        page.line(lead + _titled("finding", id, words), hang=10)


def _titled(kind: str, id: str, words: Wording) -> str:
    """The id, and what it says of any case."""
    said = PLACEHOLDER.sub(lambda place: place[1].upper(), words.template(kind, id, "title"))
    return f"{printable(id)}: {said}" if said else printable(id)


def _fixes(page: Page, fixes: Mapping[str, Any] | None, words: Wording) -> None:
    """What is proposed, what no record cures, and how the domains stand once all of it is made."""
    if fixes is None:
        return
    for name in ("proposals", "advice"):
        if fixes[name]:
            page.line(words.say("audit", f"fix-{name}"), style="head")
        for id, count in list(fixes[name].items())[:SHOWN_FIXES]:
            page.line(f"{number(count, words):>8}  {_titled('proposal', id, words)}", hang=10)
    if not fixes["proposals"]:
        return
    page.line(words.say("audit", "fix-then"), style="head")
    then = [(table, column, order) for table, _, column, order in TABLES if table in OF_FIXES]
    labels = {table: words.say("audit", f"label-{table}") for table, *_ in then}
    indent = max(map(len, labels.values())) + 2
    for table, column, order in then:
        if told := _told(fixes[OF_FIXES[table]], column, order, words):
            page.row(f"{labels[table]:<{indent}}", told)


def _unknown(page: Page, summary: Mapping[str, Any], words: Wording) -> None:
    again = summary["asked_again"]
    if again["rows"]:
        facts = {name: number(again[name], words) for name in ("rows", "answered")}
        page.line(words.say("audit", "asked-again", facts), hang=2)
    count = summary["states"].get("unknown", 0)
    if again["rows"] and (rest := count + again["answered"] - again["rows"]):
        page.line(words.say("audit", "not-asked-again", {"count": number(rest, words)}), hang=2)
    if count:
        shown = ", ".join(summary["unknown"][:SHOWN_UNKNOWN]) + (", …" if count > SHOWN_UNKNOWN else "")
        page.line(words.say("audit", "unknown", {"count": number(count, words), "domains": shown}), hang=2)
