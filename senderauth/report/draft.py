"""The report of `lint`: a line for each sender, the records to blame with their places, then findings."""

from __future__ import annotations

from typing import Any

from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.wording import Wording
from senderauth.values import SEVERITIES

MAX_RECEIVERS = 6


def draft_text(report: Any, words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """Senders in the order of their file; places are written as compilers write them, file:line."""
    page = Page(width, colour)
    for sender in report.senders:
        where = f"{_at(sender.place)}: {_send(sender.scenario)}"
        outcome = page.style(words.ui(f"outcome-{sender.outcome}"), sender.outcome)
        page.lines.append(f"{outcome}  {where}")
        receivers = list(dict.fromkeys(p.receiver for p in sender.refusals))
        if receivers:
            more = f" (+{len(receivers) - MAX_RECEIVERS})" if len(receivers) > MAX_RECEIVERS else ""
            named = ", ".join(receivers[:MAX_RECEIVERS]) + more
            page.line(words.say("proposals", "draft-refused-by", {"receivers": named}), indent=2, hang=2)
        for blamed in sender.blamed:
            facts = {"name": blamed.name, "type": blamed.rdtype}
            told = words.say("proposals", "draft-blamed" if blamed.place else "draft-missing", facts)
            # not wrapped: editors and CI find the place by the shape of the line
            page.lines.append(f"  {_at(blamed.place)}: {told}" if blamed.place else f"  {told}")
    if report.findings:
        page.head(words.ui("head-findings"))
    for severity in reversed(SEVERITIES):
        for one in report.findings:
            if one.finding.severity == severity:
                title, _ = words.finding(one.finding)
                place = f"{_at(one.place)}: " if one.place else ""
                told = f"{place}[{words.ui('severity-' + severity)}] {title} ({one.finding.id})"
                page.lines.append(f"  {told}")
    return str(page)


def _at(place: Any) -> str:
    return f"{printable(place[0])}:{place[1]}"


def _send(scenario: Any) -> str:
    """The facts of a row in short."""
    signers = scenario.signers
    parts = [
        printable(scenario.author_address),
        ", ".join(map(printable, scenario.hosts)),
        *([f"MAIL FROM {printable(scenario.mail_from)}"] if scenario.mail_from is not None else []),
        *([f"HELO {printable(scenario.helo)}"] if scenario.helo else []),
        *(f"DKIM {printable(':'.join(filter(None, signer)))}" for signer in signers or ()),
    ]
    return "  ".join(parts)
