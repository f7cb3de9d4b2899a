"""What if, and what to publish: the changes tried, the proposals, their proof, and forms to hand over."""

from __future__ import annotations

from typing import Any

from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.text import answers
from senderauth.report.wording import Wording
from senderauth.values import plain


def what_if_text(what_if: Any, words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """What was supposed, and the answers without it. The report that follows is the one with it."""
    page = Page(width, colour)
    page.line(words.say("proposals", "what-if"), style="head")
    for zone in what_if.zones:
        page.line(words.say("proposals", "what-if-zone", {"zone": zone}), indent=2, hang=2)
    for change in what_if.changes:
        place = f"{printable(change.name)} {change.rdtype}"
        if not change.records:
            page.line(f"{place}: {words.say('proposals', 'removed')}", indent=2, hang=2)
        for record in change.records:
            page.line(f"{place} {shown_record(change.rdtype, record)}", indent=2, hang=4)
    page.line()
    page.line(words.say("proposals", "before"), style="head")
    answers(page, what_if.before, words)
    page.line()
    page.line(words.say("proposals", "after"), style="head")
    return str(page)


def what_if_document(what_if: Any) -> dict[str, Any]:
    """What was supposed and what it changes, for the document of the report with it."""
    return {
        "changes": plain(what_if.changes),
        "zones": list(what_if.zones),
        "before": what_if.before.outcome,
        "after": what_if.after.outcome,
        "cures": plain(what_if.cures),
        "leaves": plain(what_if.leaves),
        "worse": plain(what_if.worse),
    }


def shown_record(rdtype: str, value: str) -> str:
    """A record for people."""
    return f'"{printable(value, 2_000)}"' if rdtype == "TXT" else printable(value)
