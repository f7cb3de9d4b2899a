"""Changes as they are handed over: master file lines, an nsupdate script, a form to type from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from senderauth import names
from senderauth.dns import owner, rdata
from senderauth.report.safe import json_text, printable
from senderauth.report.wording import Wording

FORMS = ("zone", "nsupdate", "json", "panel")
TYPES = ("TXT", "MX", "A", "AAAA", "PTR", "CNAME")
TTL = 300
"""Seconds: short while a change is new; raise it once it has proven itself."""


def handover(proposals: Iterable[Any], form: str, words: Wording) -> str:
    """The changes of these proposals as text to paste, each under its title as a comment. Raises ValueError
    for an unknown form ("json" is made by `proposals_document`).
    """
    if form not in _MAKERS:
        raise ValueError(f"--as: {form!r} is none of {', '.join(FORMS)}")
    comment = "#" if form == "panel" else ";"
    lines: list[str] = []
    taken: set[tuple[str, str]] = set()
    offered = [(n, p) for n, p in enumerate(proposals, 1) if p.changes and p.id != "all-together"]
    if len(offered) > 1:
        lines.append(f"{comment} {words.say('proposals', 'alternatives')}")
    for number, proposal in offered:
        title = words.say("proposal", proposal.id, proposal.facts, "title")
        lines += [*([""] if lines else []), f"{comment} {number}. {title}"]
        if proposal.kind == "part":
            lines.append(f"{comment} {words.say('proposals', 'head-part')}")
        for setting in proposal.settings:
            lines.append(f"{comment} {words.say('setting', setting.id, {'value': setting.value})}")
        places = {(change.name, change.rdtype) for change in proposal.changes}
        again = form != "panel" and bool(places & taken)  # or whoever pastes all has two records there
        lines += [f"; {line}" if again else line for line in _MAKERS[form](proposal.changes, words)]
        taken |= places
    return "\n".join(lines) + "\n" if lines else ""


def handover_rows(rows: Iterable[Mapping[str, Any]], form: str, words: Wording) -> Iterator[str]:
    """The changes that the rows of an audit propose, in one of the forms, under their domains; "json": a line
    for each row with its `fix`. Of changes to the same records the first is told, since two would not go
    together. Raises ValueError for an unknown form, and for an audit without `fix`.
    """
    if form not in FORMS:
        raise ValueError(f"--as: {form!r} is none of {', '.join(FORMS)}")
    comment, told = "#" if form == "panel" else ";", set[tuple[str, str]]()
    tried = False
    for row in rows:
        tried = tried or "fix" in row
        fix = row.get("fix") or {}
        if not fix.get("proposals"):
            continue
        domain = row.get("domain") or row.get("given") or ""
        if form == "json":
            told_row = {"schema": row["schema"], "domain": domain, "fix": fix}
            yield json_text(told_row, None) + "\n"
            continue
        lines = [f"{comment} {printable(domain)}"]
        for proposal in fix["proposals"]:
            title = words.say("proposal", printable(proposal["id"]), proposal["facts"], "title")
            lines.append(f"{comment} {title} [{words.say('actor', printable(proposal['who']))}]")
            for caution in proposal["cautions"]:
                said = words.say("reason", printable(caution["id"]), caution["facts"])
                lines.append(f"{comment}   {words.say('proposals', 'mind')} {said}")
            for setting in proposal["settings"]:
                said = words.say("setting", printable(setting["id"]), {"value": setting["value"]})
                lines.append(f"{comment}   {said}")
            places = [_place(change) for change in proposal["changes"]]
            if taken := next((place for place in places if place in told), None):
                facts = {"name": taken[0], "type": taken[1]}
                lines.append(f"{comment}   {words.say('proposals', 'changed-above', facts)}")
                continue
            told.update(places)
            changes = [SimpleNamespace(**one, rdtype=one["type"]) for one in proposal["changes"]]
            lines += _MAKERS[form](changes, words) if changes else ()
        yield "\n".join(lines) + "\n\n"
    if not tried:  # nothing to do is another thing
        raise ValueError("the audit does not say what to change: it was made without --fix")


def _place(change: Mapping[str, Any]) -> tuple[str, str]:
    """Name and type; of a file from anywhere only such as may stand in a script."""
    name, rdtype = change["name"], change["type"]
    if names.normalise(name) != name or rdtype not in TYPES:
        raise ValueError(f"no change of records: {printable(name)} {printable(rdtype)}")
    return name, rdtype


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
    """Input of nsupdate (RFC 2136), one transaction for a proposal. TXT records that change are taken away
    with all at the name and the others put back: one alone is found only by the very strings that it is sent
    in (2.5.4), and else the old one would stay beside the new.
    """
    for change in changes:
        gone = [value for value in change.old if value not in change.new]
        come = [value for value in change.new if value not in change.old]
        if change.rdtype == "TXT" and gone:
            yield f"update delete {owner(change.name)} TXT"
            come = [*change.kept, *change.new]
            gone = []
        for value in gone:
            yield f"update delete {owner(change.name)} {change.rdtype} {rdata(change.rdtype, value)}"
        for value in come:
            yield f"update add {owner(change.name)} {TTL} {change.rdtype} {rdata(change.rdtype, value)}"
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
    return f"{owner(change.name)} {TTL} IN {change.rdtype} {rdata(change.rdtype, value)}"


_MAKERS = {"zone": _zone, "nsupdate": _nsupdate, "panel": _panel}
