"""Changes as they are handed over: master file lines, an nsupdate script, a form to type from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from senderauth.dns import rdata
from senderauth.report.safe import printable
from senderauth.report.wording import Wording

FORMS = ("zone", "nsupdate", "json", "panel")
TTL = 300
"""Seconds: short while a change is new; raise it once it has proven itself."""


def handover(proposals: Iterable[Any], form: str, words: Wording) -> str:
    """The changes of these proposals as text to paste, each under its title as a comment. Raises ValueError
    for an unknown form ("json" is made by `proposals_document`).
    """
    makers = {"zone": _zone, "nsupdate": _nsupdate, "panel": _panel}
    if form not in makers:
        raise ValueError(f"--as: {form!r} is none of {', '.join(FORMS)}")
    comment = "#" if form == "panel" else ";"
    lines: list[str] = []
    offered = [p for p in proposals if p.changes and p.id != "all-together"]
    if len(offered) > 1:
        lines.append(f"{comment} {words.say('proposals', 'alternatives')}")
    for number, proposal in enumerate(offered, 1):
        title = words.say("proposal", proposal.id, proposal.facts, "title")
        lines += [*([""] if lines else []), f"{comment} {number}. {title}"]
        lines += makers[form](proposal.changes, words)
    return "\n".join(lines) + "\n" if lines else ""


def _zone(changes: Iterable[Any], _: Wording) -> Iterator[str]:
    """Master file lines (RFC 1035 5); what goes stands as a comment."""
    for change in changes:
        for value in change.old:
            if value not in change.new:
                yield f"; - {_line(change, value)}"
        for value in change.new:
            if value not in change.old:
                yield _line(change, value)


def _nsupdate(changes: Iterable[Any], _: Wording) -> Iterator[str]:
    """Input of nsupdate (RFC 2136): only the records that change, one transaction for a proposal."""
    for change in changes:
        for value in change.old:
            if value not in change.new:
                yield f"update delete {change.name}. {change.rdtype} {rdata(change.rdtype, value)}"
        for value in change.new:
            if value not in change.old:
                yield f"update add {change.name}. {TTL} {change.rdtype} {rdata(change.rdtype, value)}"
    yield "send"


def _panel(changes: Iterable[Any], words: Wording) -> Iterator[str]:
    """Name, type and value as the fields of a provider's form, without quotes: those add their own."""
    for change in changes:
        labels = [words.say("proposals", f"panel-{field}") for field in ("name", "type", "value", "remove")]
        width = max(map(len, labels)) + 2
        yield f"{labels[0] + ':':<{width}}{change.name}"
        yield f"{labels[1] + ':':<{width}}{change.rdtype}"
        for value in change.old:
            if value not in change.new:
                yield f"{labels[3] + ':':<{width}}{printable(value, 4_000)}"
        for value in change.new:
            if value not in change.old:
                yield f"{labels[2] + ':':<{width}}{printable(value, 4_000)}"


def _line(change: Any, value: str) -> str:
    return f"{change.name}. {TTL} IN {change.rdtype} {rdata(change.rdtype, value)}"
