"""Bounces in free text: where the answer stands, whom it concerns, and where the returned message begins.

Every program words its notices in its own way, but nearly all give each recipient a line of its own and
the answer after it: qmail and Postfix `<a@b>:`, Exim an indented address, Sendmail a list and then a
transcript, Exchange and Gmail an address and then a paragraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TEXT = 262_144
MAX_SECTIONS = 200
_MAX_SECTION = 8_192
_MAX_AHEAD = 2_000
"""Characters between the words that announce a returned message and its header."""

_RETURNED = re.compile(
    r"^[ \t>]{0,8}(?:[-=_*]{2,80}[ \t]{0,8})?(?:"
    r"below (?:this line )?is a copy of the (?:original )?message|this is a copy of (?:the|your) message|"
    r"(?:the )?(?:header|body) of (?:the|your) original message|"
    r"original (?:message|mail)(?! details)(?: headers?| follows)?\b|original message headers|"
    r"ursprüngliche nachrichtenk|oorspronkelijke bericht|"
    r"undelivered message follows|unsent message below|message (?:header|headers|text) follows?|"
    r"returned message|received header|included is a copy of the message header|"
    r"the following is the original|here is a copy|copy of (?:the|your) (?:original )?message|"
    r"enclosed is a copy|reporting-mta:"
    r").{0,200}$",
    re.IGNORECASE | re.MULTILINE,
)
_HEADER_BLOCK = re.compile(
    r"^(?:Received|Return-Path|From|To|Subject|Message-I[Dd]|Date|MIME-Version): ?\S", re.MULTILINE
)

_ADDRESS = r"[^\s<>()\[\]:;,\"'=]{1,128}@[A-Za-z0-9\u0080-\uffff][A-Za-z0-9.\u0080-\uffff-]{0,250}"
_AFTER = r"(?=[ \t]{0,8}(?:$|[:;(]|\.\.\.|on \w|- )|[ \t]{2})"
_RECIPIENT_LINE = re.compile(
    r"^[ \t>*]{0,12}(?:(?:to|recipient|recipient address|failed recipient|address|e-?mail|original recipient|"
    rf"final recipient)\s{{0,4}}[:=]\s{{0,4}})?[<\"]?({_ADDRESS})[>\"]?[,.]?{_AFTER}(.{{0,400}})$",
    re.IGNORECASE,
)
_ENVELOPE = re.compile(
    rf"(?:RCPT TO: ?|for |to |recipient |user )<({_ADDRESS})>|"
    rf"\b(?:delivered to|zugestellt an|bezorgd (?:bij|aan)|(?:message|bericht|nachricht) (?:to|aan|an)) "
    rf"({_ADDRESS}) ",
    re.IGNORECASE,
)
_REPLY_LINE = re.compile(r"^[ \t>]{0,8}(?:<<< ?|\(reason: |smtp;\s?|#)?[245]\d\d[- ]", re.MULTILINE)

_TRANSCRIPT = re.compile(r"^[ \t>-]{0,12}Transcript of session follows.{0,20}$", re.MULTILINE | re.IGNORECASE)

_IP = r"[\da-fA-F:.]{2,45}"
_NAME = r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}"
_WHO = r"Remote[- ](?:host|server|mta)|(?:from remote |by )?server|connect(?:ed)? to"
# Exchange: the server that wrote the notice. The answer may be its own or another's: "Remote Server
# returned" stands before both.
_WRITER = re.compile(
    rf"^[^\n:]{{0,40}}(?:generat|generier|gegenereerd)[^\n:]{{0,40}}: ({_NAME})[^\n]{{0,300}}$", re.I | re.M
)
_HOSTS = (
    re.compile(rf"\bremote server at ({_NAME}) \(({_IP})\)", re.IGNORECASE),
    re.compile(rf"\breturned '<({_NAME}) #"),
    re.compile(rf"\bmessage rejected by: ({_NAME})", re.IGNORECASE),
    re.compile(rf"\b[Hh]ost:? ([\w.-]{{3,255}})\s?\[({_IP})\]"),
    re.compile(rf"\bhost:? ([\w.-]{{3,255}})\s\(({_IP})\)"),
    re.compile(rf"^[ \t]{{1,8}}({_NAME}) \[({_IP})\]:$", re.MULTILINE),
    re.compile(
        rf"^[ \t]{{0,8}}({_NAME})[ \t]{{0,8}}\n\s{{0,8}}Remote Server returned", re.MULTILINE | re.IGNORECASE
    ),
    re.compile(r"\bwhile talking to ([\w.-]{3,255}?)\.?:?(?=\s|$)"),
    re.compile(rf"\brecipient domain \S{{1,255}} by ({_NAME})\.? \[({_IP})\]"),
    re.compile(rf"\b(?:{_WHO}) ?:? ?'?({_NAME})(?:\s?\[({_IP})\])?", re.IGNORECASE),
    re.compile(rf"\b({_NAME})\s?\[({_IP})\] (?:said|refused)"),
)


_PROBE = re.compile(
    r"(?<=sender address rejected: )un(?:deliverable|verified) address:|"
    r"(?<![a-z] )\b(?:callback setup failed while verifying|verification failed for) <",
    re.IGNORECASE,
)
_BARE = re.compile(rf"^Giving up on ({_IP}?)\.?$", re.MULTILINE)  # qmail tells no name
_OWN_CODE = re.compile(r"\(#[245]\.\d{1,3}\.\d{1,3}\)")


@dataclass(frozen=True, slots=True)
class Section:
    """What a notice says of one recipient; the address is empty where no recipient is named."""

    address: str
    text: str
    host: str
    host_address: str
    writer: str = ""
    """The host that says of itself that it wrote the notice."""


def cut(text: str) -> tuple[str, str]:
    """The notice itself, and the returned message or header behind it (empty if there is none)."""
    text = _unquoted(text[:MAX_TEXT])
    for found in _RETURNED.finditer(text):
        block = _HEADER_BLOCK.search(text, found.end(), found.end() + _MAX_AHEAD)
        if block:
            return text[: found.start()], text[block.start() :]
    return text, ""


def _unquoted(text: str) -> str:
    """The text without the marks of a reply or forward, where most of it is quoted."""
    lines = text.split("\n")
    quoted = sum(line.startswith("> ") or line == ">" for line in lines)
    return (
        "\n".join(line.removeprefix(">").removeprefix(" ") for line in lines)
        if quoted * 2 > len(lines)
        else text
    )


def sections(notice: str) -> tuple[Section, ...]:
    """One section for each recipient that has a line of its own; without any, the whole text as one."""
    lines = notice.split("\n")
    starts: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines[:5_000]):
        found = _RECIPIENT_LINE.match(line[:1_000])
        if found:
            starts.append((number, found[1], found[2].lstrip(" :;,.-")))
    if not starts:
        return (_section(_first_address(notice), notice),)
    found_sections: dict[str, list[str]] = {}
    for (number, address, rest), following in zip(starts, [*starts[1:], (len(lines), "", "")], strict=True):
        body = "\n".join([rest, *lines[number + 1 : following[0]]])[:_MAX_SECTION]
        found_sections.setdefault(address.lower(), [address]).append(body)
        if len(found_sections) >= MAX_SECTIONS:
            break
    bodies = [body for parts in found_sections.values() for body in parts[1:]]
    answered = any(regex.search(body) for body in bodies for regex in (_REPLY_LINE, _OWN_CODE, *_MARKS))
    shared = "" if answered else notice
    session = _TRANSCRIPT.search(notice)
    talk = notice[session.end() :][:_MAX_SECTION] if session else ""
    told = {address: "\n".join(parts[1:])[:_MAX_SECTION] for address, parts in found_sections.items()}
    return tuple(
        _section(parts[0], shared[: 2 * _MAX_SECTION] or told[address] + "\n" * 2 + talk)
        for address, parts in found_sections.items()
    )


def _section(address: str, text: str) -> Section:
    writer = _WRITER.search(text)
    said = _before_probe(_WRITER.sub("", text) if writer else text)
    wrote = writer[1].lower() if writer else ""
    for regex in _HOSTS:
        found = regex.search(said)
        if found and not found[1].replace(".", "").isdigit():
            return Section(address, text, found[1].strip(".").lower(), _group(found, 2), wrote)
    bare = _BARE.search(text)
    return Section(address, text, "", bare[1] if bare else "", wrote)


def _before_probe(text: str) -> str:
    """The text up to what Postfix or Exim was told when it asked the sender's server whether the sender
    exists.
    """
    probe = _PROBE.search(text)
    return text[: probe.start()] if probe else text


def _group(found: re.Match[str], number: int) -> str:
    return (found[number] or "") if found.re.groups >= number else ""


def _first_address(text: str) -> str:
    found = _ENVELOPE.search(_before_probe(text)[: _MAX_SECTION * 4])
    return found[1] or found[2] if found else ""


def answers(text: str) -> tuple[str, ...]:
    """Where a section's real answer may stand, the likeliest first: behind a mark, at a line that begins
    with a reply code, anywhere.
    """
    found = []
    outer = _before_probe(text)
    for mark in _MARKS:
        place = mark.search(outer)
        if place:
            found.append(_paragraph(text[place.end() :]))
    reply = _REPLY_LINE.search(text)
    if reply:
        found.append(_paragraph(text[reply.start() :]))
    found.append(text.strip())
    return tuple(dict.fromkeys(part for part in found if part)) or ("",)


def _paragraph(text: str) -> str:
    return re.split(r"\n[ \t]*\n", text.lstrip(), maxsplit=1)[0].strip()


_MARKS = (
    re.compile(r"\ADeferred: (?=[45]\d\d)"),  # Sendmail: what it made of the session, which may go on
    re.compile(r"\(reason: "),
    re.compile(r"\b[45]\.\d\.\d - [A-Za-z ()]{4,60} (?=[45]\d\d-)"),  # a gateway's wrapping
    re.compile(
        r"\b(?:said|responded with|replied|antwortete|returned was|with response)\s{0,8}:\s", re.IGNORECASE
    ),
    re.compile(r"^<<< ", re.MULTILINE),
    re.compile(
        r"SMTP error from remote (?:mail ?)?server after [^\n:]{1,60}:(?:[^\n]{0,300}:)?\s", re.IGNORECASE
    ),
)
_TAG = re.compile(r"<(?:/?[a-zA-Z][^<>]{0,1000}|!--[^<>]{0,1000})>")
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d|/td)\b[^<>]{0,200}>", re.IGNORECASE)
_ENTITIES = {
    "&nbsp;": " ",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&#39;": "'",
    "&apos;": "'",
    "&amp;": "&",
}


def plain(html: str) -> str:
    """The text of an HTML part, lines kept, links and styles gone."""
    html = html[:MAX_TEXT]
    for start, end in (("<style", "</style>"), ("<head", "</head>"), ("<script", "</script>")):
        at = html.lower().find(start)
        stop = html.lower().find(end, at) if at >= 0 else -1
        if stop >= 0:
            html = html[:at] + html[stop + len(end) :]
    text = _TAG.sub(" ", _BREAK.sub("\n", html.replace("\n", " ")))
    for entity, char in _ENTITIES.items():
        text = text.replace(entity, char)
    return "\n".join(" ".join(line.split()) for line in text.split("\n"))
