"""What changed a body, found by undoing what is known to happen on the way until the hash is right again.

Theory of operation. The canonical body is cut into lines once. A text that was added somewhere is undone
by hashing what stands before it and what comes after it; hashes of what stands before are kept running, so
that a footer costs one look per line. Changes to the whole body are undone by functions, each hashed once.
Nothing is claimed that the hash bh= does not prove, and the octets hashed are bounded by a multiple of the
body's size.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, product

from senderauth.dkim.budget import Search
from senderauth.dkim.canonical import CRLF, Canonicalization, Message, canonical_body
from senderauth.dkim.html_search import search_html
from senderauth.dkim.transforms import encodings_undone, undoings
from senderauth.values import Reason

TOP_LINES = 40
"""How many lines of a banner or of a footer inside a part are looked for."""
MAX_PLACES = 24
"""How many places where parts start or end are tried."""
MAX_LINES = 1_000_000
"""Beyond it nothing is looked for line by line."""
EXCERPT = 200

_BOUNDARY = re.compile(rb"boundary[ \t]*=[ \t]*\"?([^\"\r\n;]{1,70})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Goal:
    """What the body must hash to."""

    digest: bytes
    algorithm: str
    how: Canonicalization
    length: int | None

    def met_by(self, octets: bytes) -> bool:
        """Whether this body, not canonical yet, is the one that was signed."""
        running = hashlib.new(self.algorithm, usedforsecurity=False)
        left = self.length
        for piece in canonical_body(octets, 0, self.how, repair=False):
            running.update(piece if left is None else piece[:left])
            left = None if left is None else max(0, left - len(piece))
        return running.digest() == self.digest


class Lines:
    """A canonical body by its lines."""

    def __init__(self, octets: bytes, goal: Goal) -> None:
        self.octets = octets
        self.goal = goal
        self.starts = [0]
        position = octets.find(CRLF)
        while position >= 0 and len(self.starts) <= MAX_LINES:
            self.starts.append(position + 2)
            position = octets.find(CRLF, position + 2)

        if position >= 0:
            self.starts = [0]
        self.usable = goal.length is None and len(self.starts) > 1
        """Whether lines can be taken out; not where l= left the end unsigned anyway."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def line(self, number: int) -> bytes:
        """Without its line end."""
        return self.octets[self.starts[number] : self.starts[number + 1] - 2]

    def text(self, start: int, end: int) -> str:
        """The beginning of these lines, for people."""
        octets = self.octets[self.starts[start] : min(self.starts[end], self.starts[start] + EXCERPT)]
        text = octets.decode("utf-8", "replace").strip()
        return " / ".join(line for line in text.splitlines() if line.strip())

    def hashed(self, *ranges: tuple[int, int]) -> bool:
        """Whether these ranges of octets, one after another, are the body that was signed."""
        running = hashlib.new(self.goal.algorithm, usedforsecurity=False)
        view = memoryview(self.octets)
        for start, end in ranges:
            running.update(view[start:end])
        return running.digest() == self.goal.digest


@dataclass(frozen=True, slots=True)
class Cut:
    """Lines that may have been added: from `start` up to, not including, `end`."""

    start: int
    end: int
    id: str


def search_body(message: Message, goal: Goal, search: Search) -> Reason | None:
    """What changed the body, proven by its hash; None where nothing that was tried is it."""
    octets = message.octets[message.body_start :]
    bare = octets.count(b"\n") != octets.count(CRLF)
    repaired = octets.replace(CRLF, b"\n").replace(b"\n", CRLF) if bare else octets
    lines = Lines(b"".join(canonical_body(repaired, 0, goal.how, repair=False)), goal)
    parts = _delimiters(message, lines)
    ways: tuple[Callable[[], None], ...] = (
        lambda: _footer(lines, 0, "dkim-broke-footer", search),
        lambda: _transforms("dkim-tried-whole-body", undoings(octets, repaired), goal, search),
        lambda: _canonicalization(repaired, goal, search),
        lambda: _cuts(lines, _banners(lines, parts), "dkim-tried-banner", search),
        lambda: _cuts(lines, _inner_footers(parts), "dkim-tried-inner-footer", search),
        lambda: _cuts(lines, _parts(parts), "dkim-tried-parts", search),
        lambda: _wrapped(lines, parts, search),
        lambda: _transforms("dkim-tried-encoding", encodings_undone(message, repaired), goal, search),
        lambda: _html(lines, parts, search),
        lambda: _banner_and_footer(lines, search),
        lambda: _pairs(lines, parts, search),
    )
    for way in ways:
        way()
        if search.proven is not None:
            break
    return search.proven


def _html(lines: Lines, delimiters: list[int], search: Search) -> None:
    """Marks inside the line of an HTML part, alone or together with lines of the text part."""
    if lines.usable and b"<" in lines.octets:
        cuts = ((lines.starts[cut.start], lines.starts[cut.end]) for cut in _banners(lines, delimiters))
        footers = ((lines.starts[cut.start], lines.starts[cut.end]) for cut in _inner_footers(delimiters))
        near = chain(islice(cuts, 2 * TOP_LINES), islice(footers, TOP_LINES))
        search_html(lines.octets, lines.hashed, near, search)


def _canonicalization(octets: bytes, goal: Goal, search: Search) -> None:
    """Only white space was changed, which simple does not bear; or the signer said relaxed and hashed
    by simple.
    """
    before = search.budget.used
    strict = goal.how == "simple"
    other = Goal(goal.digest, goal.algorithm, "relaxed" if strict else "simple", goal.length)
    if search.budget.take(len(octets)) and other.met_by(octets):
        id = "dkim-broke-white-space" if strict else "dkim-broke-canonicalization"
        search.proven = Reason(id, {"said": goal.how, "right": other.how})
    search.note("dkim-tried-canonicalization", before)


def _transforms(
    step: str, candidates: Iterator[tuple[str, dict[str, object], bytes]], goal: Goal, search: Search
) -> None:
    before = search.budget.used
    for id, facts, octets in candidates:
        if not search.budget.take(len(octets)):
            break
        if goal.met_by(octets):
            search.proven = Reason(id, facts)
            break
    search.note(step, before)


def _footer(lines: Lines, first: int, id: str, search: Search, top: str = "") -> None:
    """Lines appended at the end: the hash is looked at after every line that is not empty."""
    if not lines.usable or not search.budget.take(len(lines.octets) - lines.starts[first]):
        return
    goal, view = lines.goal, memoryview(lines.octets)
    running = hashlib.new(goal.algorithm, usedforsecurity=False)
    nothing = hashlib.new(goal.algorithm, CRLF if goal.how == "simple" else b"", usedforsecurity=False)
    kept = first if nothing.digest() == goal.digest else -1
    hashed = lines.starts[first]
    for number in range(first, len(lines) if kept < 0 else 0):
        start, end = lines.starts[number], lines.starts[number + 1]
        if end - start == 2:  # an empty line is only hashed when more follows
            continue
        running.update(view[hashed:end])
        hashed = end
        if running.copy().digest() == goal.digest:
            kept = number + 1
            break
    if kept >= 0 and kept < len(lines):
        facts: dict[str, object] = {
            "first": kept + 1,
            "count": len(lines) - kept,
            "text": lines.text(kept, len(lines)),
        }
        if top:
            facts |= {"top": top, "top_count": first}
        search.proven = Reason(id, facts)
    if not top:
        search.note("dkim-tried-footer", search.budget.used - 1)


def _banner_and_footer(lines: Lines, search: Search) -> None:
    """Both: lines at the top and at the end."""
    before = search.budget.used
    for first in range(1, min(TOP_LINES, len(lines))):
        _footer(lines, first, "dkim-broke-banner-and-footer", search, lines.text(0, first))
        if search.proven is not None or search.budget.exhausted:
            break
    search.note("dkim-tried-banner-and-footer", before)


# --- lines taken out ------------------------------------------------------------------------------


def _delimiters(message: Message, lines: Lines) -> list[int]:
    """The lines that separate MIME parts, at most so many."""
    if len(lines) == 0 or b"--" not in lines.octets:
        return []
    named = set()
    for one in message.fields:
        if one.name == b"content-type" and (found := _BOUNDARY.search(one.raw)):
            named.add(b"--" + found[1].rstrip())
    for found in _BOUNDARY.finditer(lines.octets, 0, 1_000_000):
        named.add(b"--" + found[1].rstrip())
        if len(named) >= MAX_PLACES:
            break
    places = []
    for number in range(len(lines)):
        start = lines.starts[number]
        if lines.octets.startswith(b"--", start):
            line = lines.line(number).rstrip()
            if line in named or line.removesuffix(b"--") in named:
                places.append(number)
                if len(places) >= MAX_PLACES:
                    break
    return places


def _text_starts(lines: Lines, delimiters: list[int]) -> list[int]:
    """Where text may start: the body's first line, and after the empty line of each part's header."""
    starts = [0]
    for number in delimiters:
        for place in range(number + 1, min(number + 30, len(lines))):
            if lines.starts[place + 1] - lines.starts[place] == 2:
                starts.append(place + 1)
                break
    return starts


def _banners(lines: Lines, delimiters: list[int]) -> Iterator[Cut]:
    """Lines put in at the top, of the body or of a part."""
    for start in _text_starts(lines, delimiters):
        for end in range(start + 1, min(start + TOP_LINES, len(lines)) + 1):
            yield Cut(start, end, "dkim-broke-banner")


def _inner_footers(delimiters: list[int]) -> Iterator[Cut]:
    """Lines put in at the end of a part, before the line that closes it."""
    for end in delimiters:
        for start in range(end - 1, max(end - TOP_LINES, 0) - 1, -1):
            yield Cut(start, end, "dkim-broke-footer-in-part")


def _parts(delimiters: list[int]) -> Iterator[Cut]:
    """Whole parts, from one separating line to another."""
    for index, start in enumerate(delimiters):
        for end in delimiters[index + 1 :]:
            yield Cut(start, end, "dkim-broke-part-added")


def _cuts(lines: Lines, cuts: Iterable[Cut], step: str, search: Search) -> None:
    """Each cut alone."""
    if not lines.usable:
        return
    before = search.budget.used
    total = lines.starts[-1]
    for cut in cuts:
        if not search.budget.take(total):
            break
        if lines.hashed((0, lines.starts[cut.start]), (lines.starts[cut.end], total)):
            search.proven = Reason(cut.id, _cut_facts(lines, cut))
            break
    search.note(step, before)


def _cut_facts(lines: Lines, cut: Cut) -> dict[str, object]:
    return {"first": cut.start + 1, "count": cut.end - cut.start, "text": lines.text(cut.start, cut.end)}


def _pairs(lines: Lines, delimiters: list[int], search: Search) -> None:
    """The same in two parts, as filters do that mark both text and HTML."""
    if not lines.usable or not delimiters:
        return
    before = search.budget.used
    starts, total = lines.starts, lines.starts[-1]
    for cuts in (list(_banners(lines, delimiters)), list(_inner_footers(delimiters))):
        for one, other in product(cuts, cuts):
            if other.start < one.end:
                continue
            if search.proven is not None or not search.budget.take(total):
                break
            if lines.hashed(
                (0, starts[one.start]), (starts[one.end], starts[other.start]), (starts[other.end], total)
            ):
                facts = {**_cut_facts(lines, one), "again": other.start + 1}
                search.proven = Reason("dkim-broke-several-parts", facts)
    search.note("dkim-tried-several-parts", before)


def _wrapped(lines: Lines, delimiters: list[int], search: Search) -> None:
    """The signed body is one part of what stands here now; or the line that closes it is lost."""
    if not lines.usable:
        return
    before = search.budget.used
    for start in _text_starts(lines, delimiters)[1:]:
        for end in delimiters:
            if end <= start or not search.budget.take(lines.starts[end] - lines.starts[start]):
                continue
            inner = lines.octets[lines.starts[start] : lines.starts[end]]
            if lines.goal.met_by(inner):
                search.proven = Reason("dkim-broke-wrapped", {"first": start + 1, "count": end - start})
                break
        if search.proven is not None:
            break
    search.note("dkim-tried-wrapped", before)
