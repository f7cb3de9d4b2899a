"""What changed between two audits, for people: newest trouble first."""

from __future__ import annotations

from typing import Any

from senderauth import names
from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.wording import Wording

STYLE = {"worse": "refused", "unknown": "unknown", "better": "accepted"}
MAX_SHOWN = 200
MAX_LISTED = 40
"""Of domains that only came or went."""


def diff_text(comparison: Any, words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """The comparison: counts, then every domain with what changed."""
    page = Page(width, colour)
    counts = "   ".join(
        f"{words.say('page', f'diff-{kind}')} {count:,}" for kind, count in comparison.counts.items()
    )
    page.line(counts, style="head")
    for direction in ("worse", "unknown", "better", "changed"):
        chosen = [d for d in comparison.differences if d.direction == direction]
        if not chosen:
            continue
        page.head(words.say("page", f"diff-{direction}"))
        for difference in chosen[:MAX_SHOWN]:
            _difference(page, difference, words)
        if len(chosen) > MAX_SHOWN:
            page.line(words.say("page", "diff-more", {"count": len(chosen) - MAX_SHOWN}), indent=2)
    for direction in ("new", "gone"):
        domains = [shown(d.domain) for d in comparison.differences if d.direction == direction]
        if domains:
            page.head(words.say("page", f"diff-{direction}"))
            more = f", … (+{len(domains) - MAX_LISTED})" if len(domains) > MAX_LISTED else ""
            page.line(", ".join(domains[:MAX_LISTED]) + more, indent=2)
    return str(page)


def _difference(page: Page, difference: Any, words: Wording) -> None:
    page.line(page.style(shown(difference.domain), STYLE.get(difference.direction, "head")), indent=2)
    for change in difference.changes:
        label = words.say("page", f"field-{change.field}")
        text = f"{label}: {_value(change.before)} → {_value(change.after)}"
        page.line(text, indent=4, hang=2, style="" if change.direction != "worse" else "refused")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(printable(one) for one in value) or "–"
    return "–" if value in (None, "") else printable(value)


def shown(domain: str) -> str:
    """A domain for people, with its A-labels where it has others."""
    unicode = names.display(domain)
    return printable(domain if unicode == domain else f"{unicode} ({domain})")
