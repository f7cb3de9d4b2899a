"""What changed between two audits, for people: newest trouble first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senderauth.report.audit_plots import label, number
from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.text import shown
from senderauth.report.wording import Wording

STYLE = {"worse": "refused", "unknown": "unknown", "better": "accepted"}
MAX_SHOWN = 200
"""Domains of one direction; JSON has them all."""
MAX_LISTED = 40
"""Of domains that only came or went."""


def diff_text(comparison: Any, words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """The comparison: counts, then every domain with what changed."""
    page = Page(width, colour)
    page.row(
        "",
        (
            f"{words.say('page', f'diff-{kind}')} {number(count, words)}"
            for kind, count in comparison.counts.items()
            if count or kind == "worse"
        ),
    )
    for direction in ("worse", "unknown", "better", "changed"):
        chosen = [d for d in comparison.differences if d.direction == direction]
        if chosen:
            page.head(words.say("page", f"diff-{direction}"))
        for difference in chosen[:MAX_SHOWN]:
            _difference(page, difference, words)
        _more(page, len(chosen) - MAX_SHOWN, words)
    for direction in ("new", "gone"):
        domains = [shown(d.domain) for d in comparison.differences if d.direction == direction]
        if domains:
            page.head(words.say("page", f"diff-{direction}"))
            page.line(", ".join(domains[:MAX_LISTED]), indent=2)
            _more(page, len(domains) - MAX_LISTED, words)
    return str(page)


def _more(page: Page, count: int, words: Wording) -> None:
    if count > 0:
        page.line(words.say("page", "diff-not-told", {"count": number(count, words)}), indent=2)


def _difference(page: Page, difference: Any, words: Wording) -> None:
    page.line(shown(difference.domain), indent=2, style=STYLE.get(difference.direction, "head"))
    for change in told_changes(difference):
        style = "refused" if change.direction == "worse" else ""
        name, text = change_texts(change, words)
        before, arrow, after = text.partition(" → ")
        if arrow and change.field.endswith("_record"):  # one below the other the eye finds what differs
            page.line(f"{name}:", indent=4, style=style)
            page.line(f"− {before}", indent=6, hang=2, style=style)
            page.line(f"+ {after}", indent=6, hang=2, style=style)
        else:
            page.line(f"{name}: {text}", indent=4, hang=2, style=style)


def told_changes(difference: Any) -> list[Any]:
    """Those worth telling: the older standard's policy only where it changed otherwise."""
    before_after = {change.field: (change.before, change.after) for change in difference.changes}
    same = before_after.get("dmarc") == before_after.get("dmarc_rfc7489")
    return [change for change in difference.changes if not (same and change.field == "dmarc_rfc7489")]


def change_texts(change: Any, words: Wording) -> tuple[str, str]:
    """The field and what became of it."""
    return words.say("page", f"field-{change.field}"), change_text(change, words)


SAID_AS = {"dmarc_rfc7489": "dmarc", "spf_terminal": "spf", "mta_sts": "record", "tls_rpt": "record"}
"""Fields whose words are those of another."""


def change_text(change: Any, words: Wording) -> str:
    """What was before and is now; of findings what came or went."""
    before, after = (_value_text(change.field, value, words) for value in (change.before, change.after))
    if change.field.startswith("findings_"):
        return f"+ {after}" if change.after else f"− {before}"
    return f"{before} → {after}"


def _value_text(field: str, value: Any, words: Wording) -> str:
    """One side of a change: findings by their titles, words of ours in the language."""
    if isinstance(value, list):
        return "; ".join(_one_text(one, words) for one in value) or "–"
    if value in (None, ""):
        return "–"
    if field == "hosts":
        host, _, outcome = value.rpartition(": ")
        return f"{printable(host)}: {label(words, 'outcome', printable(outcome))}"
    return label(words, SAID_AS.get(field, field), printable(value))


def _one_text(value: Any, words: Wording) -> str:
    if not isinstance(value, Mapping):
        return printable(value)
    id, subject = value["id"], value["subject"]
    if not words.template("finding", id, "title"):
        return printable(f"{id} {subject}")
    return words.say("finding", id, {"subject": subject, **value["evidence"]}, "title")
