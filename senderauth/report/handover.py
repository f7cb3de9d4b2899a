"""Changes as they are handed over: master file lines, an nsupdate script, a form to type from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from senderauth.report.safe import printable
from senderauth.report.wording import Wording

FORMS = ("zone", "nsupdate", "json", "panel")
TTL = 300
"""Seconds: short while a change is new; raise it once it has proven itself."""
MAX_STRING = 255


def handover(proposals: Iterable[Any], form: str, words: Wording) -> str:
    """The changes of these proposals as text to paste, each under its title as a comment. Raises ValueError
    for an unknown form ("json" is made by `proposals_document`).
    """
    makers = {"zone": _zone, "nsupdate": _nsupdate, "panel": _panel}
    if form not in makers:
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
        lines += [f"; {line}" if again else line for line in makers[form](proposal.changes, words)]
        taken |= places
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
    """Input of nsupdate (RFC 2136), one transaction for a proposal. TXT records that change are taken away
    with all at the name and the others put back: one alone is found only by the very strings that it is sent
    in (2.5.4), and else the old one would stay beside the new.
    """
    for change in changes:
        gone = [value for value in change.old if value not in change.new]
        come = [value for value in change.new if value not in change.old]
        if change.rdtype == "TXT" and gone:
            yield f"update delete {change.name}. TXT"
            come = [*change.kept, *change.new]
            gone = []
        for value in gone:
            yield f"update delete {change.name}. {change.rdtype} {rdata(change.rdtype, value)}"
        for value in come:
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


def rdata(rdtype: str, value: str) -> str:
    """A value in master file syntax: TXT in quoted strings of at most 255 octets, names with the last dot."""
    if rdtype == "TXT":
        return " ".join(f'"{_escaped(part)}"' for part in pieces(value))
    preference, space, name = value.rpartition(" ") if rdtype == "MX" else ("", "", value)
    name = _name(name)  # what DNS holds must not become a line of a script
    if rdtype in ("MX", "CNAME", "PTR", "NS") and not name.endswith("."):
        name += "."
    return f"{preference}{space}{name}"


def _name(text: str) -> str:
    """A name or address with everything escaped that a master file or nsupdate would act on."""
    return "".join(
        char if char.isascii() and (char.isalnum() or char in "-_.:*/") else f"\\{ord(char) & 255:03d}"
        for char in text
    )


def pieces(text: str) -> list[str]:
    """A text cut into strings of at most 255 octets, where possible after a space (RFC 7208 3.3)."""
    parts = []
    while len(text) > MAX_STRING:
        cut = text.rfind(" ", 0, MAX_STRING) + 1 or MAX_STRING
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text]


def _escaped(text: str) -> str:
    """One character an octet; RFC 1035 5.1 for all but printable ASCII."""
    return "".join(
        f"\\{char}" if char in '"\\' else char if " " <= char <= "~" else f"\\{ord(char):03d}"
        for char in text
    )
