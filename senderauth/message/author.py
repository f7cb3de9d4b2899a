"""The author domain of a message, out of From as RFC 5322 3.4 writes it and as attackers do (RFC 9989 5.3.1).

Theory of operation. One pass cuts the field into tokens (words, quoted strings, specials; comments are
skipped), a second groups them into mailboxes. Whatever is not an address in the end has no domain: no
guess is made that a mail program might make another way. There is an author domain only where one field
holds one domain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from senderauth import names
from senderauth.message.words import decode_words
from senderauth.values import Finding, Reason, Severity

MAX_FIELD = 65_536
"""Octets of a From field that are read; a longer one has no author."""
MAX_MAILBOXES = 200
MAX_SHOWN = 20

State = Literal["one", "same-domain", "several", "several-fields", "missing", "empty", "broken"]
Problem = Literal["", "syntax", "no-domain", "domain-literal", "domain-unusable"]


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox of From."""

    local: str
    """Without the quotes of a quoted local part."""
    domain: str | None
    """In normal form; None where there is none that DNS could know."""
    display: str
    """The display name, encoded words decoded."""
    written: str
    """As it stands, on one line, cut after 320 characters."""
    problem: Problem

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}" if self.domain else self.written


@dataclass(frozen=True, slots=True)
class Author:
    """Who a message says it is from."""

    state: State
    """"same-domain": several authors of one domain; DMARC applies to "one" and "same-domain" only."""
    domain: str | None
    """The author domain."""
    address: str | None
    """The address of the one author; of several the first."""
    mailboxes: tuple[Mailbox, ...]
    fields: int
    """How many From fields there are."""
    reason: Reason
    findings: tuple[Finding, ...]


def read_author(values: Sequence[bytes]) -> Author:
    """The author, from the values of all From fields. Never raises."""
    boxes: list[Mailbox] = []
    broken = False
    for value in values[:MAX_SHOWN]:
        found = _mailboxes(value)
        broken = broken or found is None
        boxes += (found or [])[:MAX_MAILBOXES]
    state = _state(len(values), boxes, broken)
    judged = state in ("one", "same-domain")
    domains = list(dict.fromkeys(box.domain for box in boxes if box.domain))
    problems = list(dict.fromkeys(box.problem for box in boxes if box.problem)) or (
        ["syntax"] if broken else []
    )
    facts: dict[str, object] = {
        "fields": len(values),
        "authors": len(boxes),
        "domains": domains[:MAX_SHOWN],
        "problem": problems[0] if problems else "",
        "written": boxes[0].written if boxes else "",
    }
    reason = Reason(RULES[state][0], facts)
    return Author(
        state,
        domains[0] if judged else None,
        str(boxes[0]) if judged else None,
        tuple(boxes[:MAX_SHOWN]),
        len(values),
        reason,
        tuple(_findings(state, reason, boxes)),
    )


def _state(fields: int, boxes: list[Mailbox], broken: bool) -> State:
    if not fields:
        return "missing"
    if fields > 1:
        return "several-fields"
    if broken or any(box.problem for box in boxes):
        return "broken"
    if not boxes:
        return "empty"
    if len({box.domain for box in boxes}) > 1:
        return "several"
    return "one" if len(boxes) == 1 else "same-domain"


RULES: dict[State, tuple[str, Severity, str]] = {
    "one": ("message-from-one", "info", ""),
    "same-domain": ("message-from-same-domain", "low", "RFC 5322 3.6.2"),
    "several": ("message-from-several", "high", "RFC 9989 5.3.1"),
    "several-fields": ("message-from-several-fields", "high", "RFC 5322 3.6"),
    "missing": ("message-from-missing", "high", "RFC 5322 3.6"),
    "empty": ("message-from-empty", "high", "RFC 5322 3.6.2"),
    "broken": ("message-from-broken", "high", "RFC 5322 3.6.2"),
}


def _findings(state: State, reason: Reason, boxes: list[Mailbox]) -> Iterator[Finding]:
    if state != "one":
        id, severity, rfc = RULES[state]
        yield Finding(id, severity, "From", reason.facts, rfc)
    for box in boxes[:MAX_SHOWN]:
        shown = _address_in(box.display)
        if shown and box.domain and names.registrable(shown) != names.registrable(box.domain):
            facts: dict[str, object] = {"display": box.display[:200], "shown": shown, "domain": box.domain}
            yield Finding("message-display-name-address", "medium", box.domain, facts, "RFC 9989 11.4")
        if any(unicodedata.category(char) in ("Cc", "Cf") for char in box.display):
            yield Finding(
                "message-display-name-controls",
                "low",
                box.domain or "From",
                {"display": box.display[:200]},
                "RFC 5322 3.4",
            )


_SHOWN_ADDRESS = re.compile(r"[^\s<>\"'(),;:@]{1,64}@([\w-]{1,63}(?:\.[\w-]{1,63}){1,8})")


def _address_in(display: str) -> str | None:
    """The domain of the first thing in a display name that looks like an address."""
    found = _SHOWN_ADDRESS.search(display[:1_000])
    return names.hostname(found[1]) if found else None


# --- the grammar (RFC 5322 3.4, 4.4) ---------------------------------------------------------------


class _Token(NamedTuple):
    kind: Literal["word", "quoted", "literal", "special"]
    text: str
    spaced: bool
    """White space or a comment stands before it."""


_PIECE = re.compile(r'[()<>\[\]:;@\\,."]|[^()<>\[\]:;@\\,." \t]+|[ \t]+')
_QUOTED = re.compile(r'([^"\\]|\\.)*"', re.DOTALL)
_LITERAL = re.compile(r"[^\[\]\\]*\]")


def _mailboxes(value: bytes) -> list[Mailbox] | None:
    """The mailboxes of one field; None where it cannot be read as a list of them."""
    if len(value) > MAX_FIELD:
        return None
    text = value.decode("utf-8", "replace").replace("\r\n", "").replace("\n", "")  # RFC 6532 3.2
    if any(char < " " and char != "\t" for char in text) or "\x7f" in text:
        return None
    tokens = _tokens(text)
    if tokens is None:
        return None
    groups = _split(tokens)
    return None if groups is None else [_mailbox(group) for group in groups]


def _tokens(text: str) -> list[_Token] | None:
    """The field's tokens without white space and comments; None where something does not end."""
    tokens: list[_Token] = []
    at, spaced = 0, False
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:  # pragma: no cover - every character is a piece
            return None
        sign, at = piece[0], piece.end()
        if sign[0] in " \t":
            spaced = True
            continue
        if sign == "(":
            end = _comment_end(text, at)
            if end is None:
                return None
            at, spaced = end, True
            continue
        kind: Literal["word", "quoted", "literal", "special"] = "special"
        if sign in '"[':
            whole = (_QUOTED if sign == '"' else _LITERAL).match(text, at)
            if whole is None:
                return None
            kind, sign, at = ("quoted" if sign == '"' else "literal"), whole[0][:-1], whole.end()
            if kind == "quoted":
                sign = re.sub(r"\\(.)", r"\1", sign)
        elif sign in ")\\]":
            return None
        elif sign not in "<>:;@,.":
            kind = "word"
        tokens.append(_Token(kind, sign, spaced))
        spaced = False
    return tokens


_COMMENT = re.compile(r"[()]|\\.", re.DOTALL)


def _comment_end(text: str, at: int) -> int | None:
    depth = 1
    for mark in _COMMENT.finditer(text, at):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if not depth:
            return mark.end()
    return None


def _is(token: _Token, sign: str) -> bool:
    return token.kind == "special" and token.text == sign


def _split(tokens: list[_Token]) -> list[list[_Token]] | None:
    """The tokens of each mailbox; groups are opened (RFC 6854 allows them in From)."""
    found: list[list[_Token]] = []
    current: list[_Token] = []
    angle = group = False
    for token in tokens:
        if _is(token, "<"):
            if angle:
                return None
            angle = True
        elif _is(token, ">"):
            if not angle:
                return None
            angle = False
        elif not angle and _is(token, ","):
            found.append(current)
            current = []
            continue
        elif not angle and _is(token, ":"):
            if group or not current or any(t.kind == "special" and t.text != "." for t in current):
                return None
            group, current = True, []  # what stood there was the group's name
            continue
        elif not angle and _is(token, ";"):
            if not group:
                return None
            group = False
            found.append(current)
            current = []
            continue
        current.append(token)
    if angle or group:
        return None
    found.append(current)
    return [one for one in found if one]  # 4.4: empty elements of a list


def _mailbox(tokens: list[_Token]) -> Mailbox:
    written = _joined(tokens)[:320]
    opening = next((place for place, token in enumerate(tokens) if _is(token, "<")), None)
    display, inner = "", tokens
    if opening is not None:
        display = decode_words(_joined(tokens[:opening]).strip())[:1_000]
        if not _is(tokens[-1], ">") or any(_is(token, ">") for token in tokens[:-1]):
            return Mailbox("", None, display, written, "syntax")
        inner = _without_route(tokens[opening + 1 : -1])
    local, domain, problem = _address(inner)
    return Mailbox(local, domain, display, written, problem)


def _joined(tokens: Sequence[_Token]) -> str:
    """The tokens as text, one space where there was any."""
    shown = {"quoted": '"{}"', "literal": "[{}]"}
    whole = "".join(
        (" " if token.spaced else "") + shown.get(token.kind, "{}").format(token.text) for token in tokens
    ).strip()
    if len(tokens) == 1 and tokens[0].kind == "quoted":
        return tokens[0].text
    return whole


def _without_route(tokens: list[_Token]) -> list[_Token]:
    """RFC 5322 4.4: <@one,@two:user@domain>."""
    if tokens and _is(tokens[0], "@"):
        for place, token in enumerate(tokens):
            if _is(token, ":"):
                return tokens[place + 1 :]
    return tokens


def _address(tokens: list[_Token]) -> tuple[str, str | None, Problem]:
    """Local part, domain in normal form, and what is wrong."""
    signs = [place for place, token in enumerate(tokens) if _is(token, "@")]
    if not signs:
        return "", None, "no-domain"
    if len(signs) > 1:
        return "", None, "syntax"
    local = _dotted(tokens[: signs[0]], ("word", "quoted"), strict=False)
    rest = tokens[signs[0] + 1 :]
    if not local or len(local.encode("utf-8", "replace")) > 255:
        return "", None, "syntax"
    if len(rest) == 1 and rest[0].kind == "literal":
        return local, None, "domain-literal"
    text = _dotted(rest, ("word",), strict=True)
    if text is None:
        return local, None, "syntax"
    domain = names.mail_domain(text)
    return local, domain, "" if domain else "domain-unusable"


def _dotted(tokens: list[_Token], kinds: tuple[str, ...], *, strict: bool) -> str | None:
    """Words between dots as one text; None where two words touch or, strictly, two dots do."""
    before = "."
    for token in tokens:
        if token.kind in kinds:
            if before == "word":
                return None
            before = "word"
        elif _is(token, "."):
            if strict and before == ".":
                return None
            before = "."
        else:
            return None
    return "".join(token.text for token in tokens) or None
