"""What if, and what to publish: the changes tried, the proposals, their proof, and forms to hand over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.text import answers
from senderauth.report.wording import Wording
from senderauth.values import plain


def what_if_text(
    what_if: Any, words: Wording, *, said: str = "", width: int = 80, colour: bool = False
) -> str:
    """What was supposed, and the answers without it, after what is `said` besides. The report that follows
    is the one with it.
    """
    page = Page(width, colour)
    page.lines += supposed_text(what_if, words, width=width, colour=colour).splitlines()
    page.line()
    page.line(words.say("proposals", "before"), style="head")
    page.lines += said.splitlines()
    if what_if.before is not None:
        answers(page, what_if.before, words)
    page.line()
    page.line(words.say("proposals", "after"), style="head")
    return str(page)


def supposed_text(what_if: Any, words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """What was supposed."""
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
    return str(page)


def what_if_document(what_if: Any) -> dict[str, Any]:
    """What was supposed and what it changes, for the document of the report with it."""
    before, after = what_if.outcomes
    return {
        "changes": plain(what_if.changes),
        "zones": list(what_if.zones),
        "before": before,
        "after": after,
        "cures": plain(what_if.cures),
        "leaves": plain(what_if.leaves),
        "worse": plain(what_if.worse),
    }


def shown_record(rdtype: str, value: str) -> str:
    """A record for people."""
    return f'"{printable(value, 2_000)}"' if rdtype == "TXT" else printable(value)


MAX_NAMED = 6


def proposals_document(proposals: Iterable[Any]) -> dict[str, Any]:
    """Proposals as a JSON document."""
    return {"schema": "senderauth/proposals/1", "proposals": plain(tuple(proposals))}


def proposals_text(proposals: Iterable[Any], words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """Proposals for people: what to change, what was tried and came out, what to mind; then what no record
    can help.
    """
    page = Page(width, colour)
    offered = list(proposals)
    heading = ""
    for number, proposal in enumerate(offered, 1):
        if proposal.kind != heading:
            heading = proposal.kind
            page.line()
            page.line(words.say("proposals", f"head-{heading}"), style="head")
        facts = proposal.facts
        if proposal.id == "all-together":
            facts = {**facts, "proposals": _parts(proposal, offered)}
        title = words.say("proposal", proposal.id, facts, "title")
        who = words.say("actor", proposal.who)
        page.line(f"{number}. {title} [{who}]", indent=2, hang=3, style="head")
        text = words.say("proposal", proposal.id, proposal.facts)
        page.line(text, indent=5)
        for change in proposal.changes if proposal.id != "all-together" else ():
            _change(page, change)
        for setting in proposal.settings:
            said = words.say("setting", setting.id, {"value": setting.value})
            page.line(f"{said} [{words.say('actor', setting.who)}]", indent=5, hang=2)
        _proof(page, proposal, words)
        for caution in proposal.cautions:
            page.line(f"{words.say('proposals', 'mind')} {words.reason(caution)}", indent=5, hang=2)
        if proposal.kind == "advice" and proposal.leaves:
            line = _receivers(proposal.leaves, words)
            page.line(f"{words.say('proposals', 'concerns')} {line}", indent=5, hang=2)
    if not offered:
        page.line()
        page.line(words.say("proposals", "none"))
    return str(page)


def _parts(together: Any, offered: list[Any]) -> list[int]:
    """The numbers of the proposals that are put together."""
    return [
        number
        for number, one in enumerate(offered, 1)
        if one.id in together.facts["proposals"]
        and one.id != together.id
        and set(one.changes) <= set(together.changes)
        and set(one.settings) <= set(together.settings)
    ]


def _proof(page: Page, proposal: Any, words: Wording) -> None:
    proof = proposal.proof
    if proof is None:
        return

    def said(id: str, **facts: object) -> None:
        page.line(words.say("proposals", id, facts), indent=5, hang=2)

    if proposal.cures:
        said("cures", receivers=_receivers(proposal.cures, words))
    if proposal.leaves and proposal.kind == "cure":
        said("leaves", receivers=_receivers(proposal.leaves, words))
    for reach in proof.reach:
        lost = "reach-lost" if reach.lost else "reach-kept"
        facts = {"lost": _large(reach.lost), "gained4": reach.gained4, "gained6": _large(reach.gained6)}
        said(lost, domain=reach.domain, **facts)
        over = reach.remaining < 0 or reach.voids[1] > 2  # RFC 7208 4.6.4
        said(
            "reach-limits-over" if over else "reach-limits",
            lookups=reach.lookups[1],
            remaining=reach.remaining,
            voids=reach.voids[1],
        )
    if not proof.reach and not proposal.narrows:
        said("no-spf-touched")
    for other in proof.others:
        said("other-kept", author=other.scenario.author, before=_outcome(other.before, words),
             after=_outcome(other.after, words))  # fmt: skip
    for reason in (*proof.laxer, *proof.uncovered):
        page.line(words.reason(reason), indent=5, hang=2)


def _outcome(outcome: str, words: Wording) -> str:
    return words.ui(f"outcome-{outcome}")


def _large(number: int) -> str:
    """A number of addresses; of IPv6 as a power of two where it would be long."""
    return str(number) if number < 10**6 else f"2^{number.bit_length() - 1}"


def _receivers(cases: Iterable[Any], words: Wording) -> str:
    usual = dict.fromkeys(case.receiver for case in cases if not case.optional)
    names = list(usual or dict.fromkeys(case.receiver for case in cases))
    shown = ", ".join(names[:MAX_NAMED]) + (f" (+{len(names) - MAX_NAMED})" if len(names) > MAX_NAMED else "")
    return shown if usual else words.say("proposals", "only-optional", {"receivers": shown})


def _change(page: Page, change: Any) -> None:
    """Old and new, one below the other, with a mark under what changed."""
    page.line(f"{printable(change.name)} {change.rdtype}", indent=5, style="head")
    gone = [value for value in change.old if value not in change.new]
    come = [value for value in change.new if value not in change.old]
    if len(gone) == len(come) == 1:
        start, old_end, new_end = difference(gone[0], come[0])
        _marked(page, "-", gone[0], start, old_end)
        _marked(page, "+", come[0], start, new_end)
        return
    for value in gone:
        _marked(page, "-", value, 0, 0)
    for value in come:
        _marked(page, "+", value, 0, 0)


def difference(old: str, new: str) -> tuple[int, int, int]:
    """Where two records begin to differ and where they end to, in whole words."""
    start = 0
    limit = min(len(old), len(new))
    while start < limit and old[start] == new[start]:
        start += 1
    whole = all(start == len(text) or text[start] == " " for text in (old, new))
    if not whole:  # in the middle of a word
        start = new.rfind(" ", 0, start) + 1
    end = 0
    while end <= limit - start and end < limit and old[-1 - end] == new[-1 - end]:
        end += 1
    while end and new[len(new) - end] != " ":
        end -= 1
    return start, len(old) - end, len(new) - end


def _marked(page: Page, sign: str, value: str, start: int, end: int) -> None:
    """A record in rows of the page's width, a mark under its changed part."""
    room = page.width - 10
    text = "".join(char if char.isprintable() else "?" for char in value)
    first = 0
    while first < len(text):
        last = first + room
        if last < len(text):  # between two words, where there are any
            last = text.rfind(" ", first, last) + 1 or last
        page.lines.append(f"       {' ' if first else sign} {text[first:last].rstrip()}")
        low, high = max(start, first), min(end, last)
        if low < high:
            page.lines.append(" " * (9 + low - first) + "~" * (high - low))
        first = last
