"""Refusals in words of their own: a topic and what became of it, wherever they stand in the sentence.

Theory of operation. Sentences are countless, what they speak of is not: SPF, DKIM, DMARC, a full mailbox. A
cue of `cues.toml` names topics and the outcomes that must stand near. Addresses, URLs and host names are
blanked before, so that `spf@example.org` is no topic; so is a topic that passed. Each set of words is one
expression of plain alternatives, tried only where one of its words is in the text: linear in the text.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

_NEAR = 90
"""Characters between a topic and its outcome, at most: one sentence."""
_MAX_PLACES = 32
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\S+")
_HOST = re.compile(r"(?<![\w.-])(?:[\w-]{1,63}\.){1,10}[a-z][\w-]{1,62}(?![\w-])(?:[/?#].*)?")
# "(in reply to EHLO command)": when it was said, not what of; "helo=<…>" is a log's.
_WHEN = re.compile(
    r"(?:reply|response|answer) to (?:\w{1,12} ){0,3}(?:helo|ehlo|from|to|data|command)\b(?: command)?|"
    r"\(ehlo\)|after (?:helo|ehlo)|(?:helo|ehlo) or (?:a )?mail from|"
    r"(?:helo|ehlo)(?:/ehlo)? command(?! reject)|"
    r"(?<![\w-])(?:from|to|proto|helo|ehlo)="
)
_ADDRESS = r"(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-f]{1,4}:){2,7}[0-9a-f:]{0,40}"
# "SPF passed, but your address is listed", "despite passing DKIM": not what was wrong.
_PASSED = re.compile(
    r"[ :=]{1,3}(?:(?:check|record|authentication|validation|verification|is|was|and|has) ){0,3}"
    r"(?:pass|passed|passes|ok|okay|valid|correct)(?!\w)"
)
_NEGATED = re.compile(r"(?:neither|nor|no|not|without|unless|either|if) (?:\w{1,8} ){0,2}\Z")
_WHATEVER = re.compile(r"(?:whatever|regardless of|irrespective of) (?:\w{1,8} ){0,2}\Z")
_PASSING = re.compile(r"(?:passing|passed|passes) (?:\w{1,8} and )?\Z")


@dataclass(frozen=True)
class Words:
    """A set of words and phrases, as one expression."""

    listed: tuple[str, ...]

    @cached_property
    def _first(self) -> frozenset[str]:
        """Beginnings, one of which begins a word of any text with one of the words; empty: there is none."""
        words = [_WORD.search(word) for word in self.listed]
        return (
            frozenset(word[0][:3] for word in words if word)
            if "{address}" not in self.listed
            else frozenset()
        )

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        longest = sorted(self.listed, key=len, reverse=True)
        return re.compile(r"(?<!\w)(?:" + "|".join(map(_expression, longest)) + r")(?!\w)")

    def places(self, text: str, begun: set[str]) -> list[tuple[int, int]]:
        """Where the words stand in a blanked text; `begun` are the first three letters of its words."""
        if self._first and self._first.isdisjoint(begun):
            return []
        found = []
        for place in self._regex.finditer(text):
            found.append(place.span())
            if len(found) >= _MAX_PLACES:
                break
        return found


def _expression(word: str) -> str:
    if word == "{address}":
        return _ADDRESS
    if word.endswith("*"):
        return re.escape(word[:-1]) + r"\w{0,20}"
    return re.escape(word)


@dataclass(frozen=True, slots=True)
class Cue:
    """A topic with its outcome, and the entry that they mean."""

    id: str
    topics: tuple[str, ...]
    beside: tuple[str, ...]
    """Sets of which one word must stand near; empty: the topic is enough."""
    passing: tuple[str, ...]
    """As `beside`, in a refusal that is not final."""
    unless: tuple[str, ...]
    entry: str
    over: frozenset[str]
    """Families and entries whose own words give way, where many use them."""
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A cue in a text, and where."""

    cue: Cue
    start: int
    end: int


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(files("senderauth.catalogue").joinpath("cues.toml").read_text("utf-8"))


@cache
def _sets() -> Mapping[str, Words]:
    return {name: Words(tuple(listed)) for name, listed in _data()["words"].items()}


@cache
def cues() -> tuple[Cue, ...]:
    """All cues, those that count first before the others."""
    return tuple(
        Cue(
            row["id"],
            tuple(row["topics"]),
            tuple(row.get("beside", ())),
            tuple(row.get("passing", ())),
            tuple(row.get("unless", ())),
            row["entry"],
            frozenset(row.get("over", ())),
            tuple(row["samples"]),
        )
        for row in _data()["cues"]
    )


def blanked(lower: str) -> str:
    """Normalised text with blanks for addresses, URLs and host names: same places."""
    named = _TOKEN.sub(_without_names, lower)
    return _WHEN.sub(lambda found: " " * len(found[0]), named)


def _without_names(token: re.Match[str]) -> str:
    text = token[0]
    if "@" in text or "://" in text:
        return " " * len(text)
    return _HOST.sub(lambda found: " " * len(found[0]), text) if "." in text else text


def find_cue(text: str, *, passing: bool = False) -> Found | None:
    """The first cue in a blanked text; `passing`: of a refusal that is not final."""
    begun = {word[:3] for word in _WORD.findall(text)}
    seen: dict[str, list[tuple[int, int]]] = {}

    def places(name: str) -> list[tuple[int, int]]:
        if name not in seen:
            seen[name] = _sets()[name].places(text, begun)
        return seen[name]

    for cue in cues():
        topics = [_open(text, places(name)) for name in cue.topics]
        if not all(topics) or any(places(name) for name in cue.unless):
            continue
        if not cue.beside and not cue.passing:
            return Found(cue, *topics[0][0])
        sets = (*cue.beside, *cue.passing) if passing else cue.beside
        outcomes = [place for name in sets for place in places(name)]
        near = next(_near((place for found in topics for place in found), outcomes), None)
        if near:
            return Found(cue, *near)
    return None


def without_passed(text: str) -> str:
    """A blanked text with blanks for the checks that passed, too: same places."""
    begun = {word[:3] for word in _WORD.findall(text)}
    for name in ("spf", "dkim", "dmarc", "adsp"):
        for start, end in _sets()[name].places(text, begun):
            if _passed(text, start, end):
                text = text[:start] + " " * (end - start) + text[end:]
    return text


def _open(text: str, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The topics that did not pass, and of which something is said to depend."""
    return [place for place in places if not _passed(text, *place)]


def _passed(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - 30) : start]
    if _WHATEVER.search(before):
        return True
    said = _PASSED.match(text, end) or _PASSING.search(before)
    return bool(said) and not _NEGATED.search(before)


def _near(topics: Iterator[tuple[int, int]], outcomes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, end in topics:
        for one, other in outcomes:
            apart = one >= end or other <= start  # a word of both sets says only one thing
            if apart and one - end <= _NEAR and start - other <= _NEAR:
                yield min(start, one), max(end, other)
