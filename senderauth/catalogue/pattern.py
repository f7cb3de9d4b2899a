"""The catalogue's patterns: literal text with slots, compiled so that they cannot backtrack.

Theory of operation. A pattern is written in lower case, as the text looks after `normalise`:

    spf-check failed: {mail_from_domain} doesn't allow sending {mail|mails} from {address}

`{name}` takes one word, without the brackets or quotes around it, and gives it that name; `{*}` takes any
one word; `{...}` skips at most 200 characters; `{a|b}` is one of several literals, maybe an empty one. A
pattern begins and ends where words do. There are no other quantifiers, so the time at one place is
bounded, and a pattern is only tried where a literal of it was found: the whole is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

_ELEMENT = re.compile(r"\{([^{}]*)\}")
_WORD = re.compile(r"[a-z0-9]+")
_DELIMITERS = r"\s<>()\[\]\"',;"
_SLOT = rf"[\[<(\"']?(?P<%s>[^{_DELIMITERS}]{{1,255}})[\])>\"']?"
_ONE_WORD = r"\S{1,200}?"
_GAP = r".{0,200}?"
_WINDOW = 1_200
"""More than a pattern's slots can span, before and after its literal."""
_MAX_PLACES = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """Where a pattern matched, in normalised text, and what its slots hold."""

    start: int
    end: int
    slots: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Pattern:
    """One pattern of an entry or message."""

    id: str
    """The entry's or message's id, a slash and the pattern's number in it."""
    text: str
    weak: bool = False
    """Gives way to every pattern that is not."""

    @cached_property
    def elements(self) -> tuple[str | tuple[str, ...] | None, ...]:
        """Literals as str, alternatives as tuples, slots as None."""
        found: list[str | tuple[str, ...] | None] = []
        at = 0
        for element in _ELEMENT.finditer(self.text):
            if element.start() > at:
                found.append(self.text[at : element.start()])
            found.append(tuple(element[1].split("|")) if "|" in element[1] else None)
            at = element.end()
        if at < len(self.text):
            found.append(self.text[at:])
        return tuple(found)

    @cached_property
    def _literals(self) -> tuple[str, ...]:
        return tuple(element for element in self.elements if isinstance(element, str))

    @cached_property
    def weight(self) -> int:
        """How many literal characters must be there: the longer, the surer."""
        size = 0
        for element in self.elements:
            if isinstance(element, str):
                size += len(element)
            elif element is not None:
                size += min(map(len, element))
        return size

    @cached_property
    def hooks(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """The ways to notice that this pattern may match: literals of which one must be in the text, and a
        whole word of each.
        """
        ways: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        last = len(self.elements) - 1
        for i, element in enumerate(self.elements):
            if element is None:
                continue
            options = (element,) if isinstance(element, str) else element
            bare_before = i == 0 or _ends_bare(self.elements[i - 1])
            bare_after = i == last or _starts_bare(self.elements[i + 1])
            words = [_whole_words(option, bare_before, bare_after) for option in options]
            if isinstance(element, str):
                ways += [((element,), (word,)) for word in words[0]]
            elif all(words):
                ways.append((options, tuple(max(found, key=len) for found in words)))
        return tuple(ways)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Compiled when first tried: most patterns never are."""
        parts = []
        for element in _ELEMENT.split(self.text)[1::2]:
            if "|" in element:
                parts.append("(?:" + "|".join(map(re.escape, element.split("|"))) + ")")
            else:
                parts.append({"*": _ONE_WORD, "...": _GAP}.get(element) or _SLOT % element)
        literals = [re.escape(literal) for literal in _ELEMENT.split(self.text)[::2]]
        body = literals[0] + "".join(map("".join, zip(parts, literals[1:], strict=True)))
        first, last = self.elements[0], self.elements[-1]
        before = rf"(?<![^{_DELIMITERS}=])" if first is None else r"(?<!\w)" if _edge(first, 0) else ""
        after = r"(?!\w)" if last is not None and _edge(last, -1) else ""
        return re.compile(before + body + after)

    def search(self, text: str, anchors: Iterable[str]) -> Hit | None:
        """The first match in normalised text; `anchors` are the literals of one of the hooks."""
        for literal in self._literals:  # far quicker than the expression, and nearly always the answer
            if literal not in text:
                return None
        for anchor in anchors:
            for at in _places(text, anchor):
                found = self.regex.search(text, max(0, at - _WINDOW), at + len(anchor) + _WINDOW)
                if found:
                    names = self.regex.groupindex
                    slots = tuple((name, *found.span(name)) for name in names)
                    return Hit(found.start(), found.end(), slots)
        return None


def _places(text: str, anchor: str) -> Iterator[int]:
    at = text.find(anchor)
    for _ in range(_MAX_PLACES):
        if at < 0:
            return
        yield at
        at = text.find(anchor, at + len(anchor))


def _edge(element: str | tuple[str, ...], at: int) -> bool:
    """Whether the element's text begins or ends with a letter or digit."""
    options = (element,) if isinstance(element, str) else element
    return all(option and (option[at].isalnum() or option[at] == "_") for option in options)


def _ends_bare(element: str | tuple[str, ...] | None) -> bool:
    options = (element,) if isinstance(element, str) else element or ("a",)
    return all(option and not option[-1].isalnum() for option in options)


def _starts_bare(element: str | tuple[str, ...] | None) -> bool:
    options = (element,) if isinstance(element, str) else element or ("a",)
    return all(option and not option[0].isalnum() for option in options)


def _whole_words(literal: str, bare_before: bool, bare_after: bool) -> list[str]:
    return [
        word[0]
        for word in _WORD.finditer(literal)
        if (word.start() > 0 or bare_before) and (word.end() < len(literal) or bare_after)
    ]


class Index:
    """All patterns, by the rarest whole word of each."""

    __slots__ = ("_by_word", "words")

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        listed = list(patterns)
        count: dict[str, int] = {}
        for pattern in listed:
            for word in {word for _, words in pattern.hooks for word in words}:
                count[word] = count.get(word, 0) + 1
        self._by_word: dict[str, list[tuple[Pattern, tuple[str, ...]]]] = {}
        for pattern in listed:
            if not pattern.hooks:
                raise ValueError(f"no whole word in {pattern.id}: {pattern.text}")
            anchors, words = min(
                pattern.hooks, key=lambda hook: (max(count[w] for w in hook[1]), -min(map(len, hook[1])))
            )
            for word in set(words):
                self._by_word.setdefault(word, []).append((pattern, anchors))
        self.words = self._by_word.keys()

    def hits(self, text: str) -> Iterator[tuple[Pattern, Hit]]:
        """Every pattern that matches the normalised text, with its first place."""
        tried = set()
        for word in self.words & set(_WORD.findall(text)):
            for pattern, anchors in self._by_word[word]:
                if pattern.id in tried:
                    continue
                tried.add(pattern.id)
                hit = pattern.search(text, anchors)
                if hit:
                    yield pattern, hit
