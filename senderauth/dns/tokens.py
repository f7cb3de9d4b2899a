"""Master files (RFC 1035 5): text to entries of tokens, and what tokens mean by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\f]+)|(?P<bare>(?:[^\s"();\\]|\\.)+)|"(?P<quoted>(?:[^"\\\n]|\\[^\n])*)"
    |(?P<newline>\n)|;(?P<comment>[^\n]*)|(?P<paren>[()])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:([0-9]{3})|(.))")
_TTL = re.compile(r"(?:[0-9]{1,10}[wdhms]?)+", re.IGNORECASE)
_TTL_PART = re.compile(r"([0-9]+)([wdhms]?)", re.IGNORECASE)
_UNREAD = {'"': "a quoted string is not closed in its line", "\\": "a backslash at the end of the line"}
_UNIT = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Line(NamedTuple):
    """An entry's tokens; those of quoted strings begin with a quote."""

    number: int
    tokens: list[str]
    continues: bool
    """It begins with a blank: the owner is that of the record before."""
    text: str


class UncommonError(Exception):
    """Left to dnspython."""


class FaultError(Exception):
    """What is wrong."""


def lines(text: str, comments: list[tuple[int, str]]) -> Iterator[Line]:
    """The entries of a text. Comments are collected by line."""
    number = first = 1
    tokens: list[str] = []
    continues, depth, start, position = False, 0, 0, 0
    match = _TOKEN.match
    while position < len(text):
        found = match(text, position)
        if found is None:
            char = text[position]
            what = _UNREAD.get(char, f"a blank that master files do not know: U+{ord(char):04X}")
            raise FaultError(number, what)
        kind = found.lastgroup
        position = found.end()
        if kind == "bare":
            tokens.append(found[0])
        elif kind == "quoted":
            tokens.append(found[0][:-1])
        elif kind == "space":
            continues |= found.start() == start
        elif kind == "comment":
            comments.append((number, found["comment"]))
        elif kind == "paren":
            depth += 1 if found[0] == "(" else -1
            if depth < 0:
                raise FaultError(number, "a closing parenthesis without an opening one")
        else:
            number += 1
            if depth:
                continue
            if tokens:
                yield Line(first, tokens, continues, text[start : found.start()])
                tokens = []
            continues, start, first = False, position, number
    if depth:
        raise FaultError(first, "a parenthesis is not closed")
    if tokens:
        yield Line(first, tokens, continues, text[start:])


def unescaped(text: str) -> bytes:
    """A character-string's octets: \\DDD is an octet, \\X is X (RFC 1035 5.1)."""
    if "\\" not in text:
        return text.encode("utf-8")
    octets = bytearray()
    position = 0
    for found in _ESCAPE.finditer(text):
        octets += text[position : found.start()].encode("utf-8")
        if found[1] is None:
            octets += found[2].encode("utf-8")
        elif int(found[1]) < 256:
            octets.append(int(found[1]))
        else:
            raise UncommonError
        position = found.end()
    return bytes(octets + text[position:].encode("utf-8"))


def ttl_seconds(text: str) -> int | None:
    """A TTL, with BIND's units."""
    if not _TTL.fullmatch(text):
        return None
    seconds = sum(int(number) * _UNIT[unit.lower()] for number, unit in _TTL_PART.findall(text))
    return seconds if seconds < 1 << 31 else None
