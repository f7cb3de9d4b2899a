"""Banners and footers put into the line of an HTML part: behind <body>, or before </body>.

Filters that mark mail from outside do this. What was put in begins or ends at the body's tag, and its other
end is a tag, too, so a few dozen hashes per part tell; with the marks that the same filter puts into the
text part, the product of both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from senderauth.dkim.budget import Search
from senderauth.values import Reason

MAX_SPAN = 16_384
"""Octets of HTML that are looked at behind and before the body's tags."""
MAX_ENDS = 60
"""Places there where what was put in may end."""
MAX_BODIES = 4
MAX_TEXT_CUTS = 120

_OPEN = re.compile(rb"<body(?:[ \t\r\n][^<>]{0,1000})?>", re.IGNORECASE)
_CLOSE = re.compile(rb"</body[ \t\r\n]{0,10}>", re.IGNORECASE)
_ENDS = re.compile(
    rb"(?:</(?:div|table|p|span|blockquote|center|font|h[1-6])>|<[bh]r ?/?>)(\s{0,4})", re.IGNORECASE
)
_STARTS = re.compile(rb"(\s{0,4})<(?:div|table|p|span|hr|br|center|font)\b", re.IGNORECASE)
_TAG = re.compile(rb"<[^<>]{0,2000}>")

Span = tuple[int, int]


def search_html(
    octets: bytes, hashed: Callable[..., bool], text_cuts: Iterable[Span], search: Search
) -> None:
    """Tries each place alone, then with each of the spans that may have been put into the text part."""
    before = search.budget.used
    spans = list(_spans(octets))
    total = len(octets)
    for start, end in spans:
        if not search.budget.take(total):
            break
        if hashed((0, start), (end, total)):
            search.proven = _reason(octets, (start, end))
            break
    if spans and search.proven is None:
        _with_text(octets, hashed, list(text_cuts)[:MAX_TEXT_CUTS], spans, search)
    search.note("dkim-tried-html", before)


def _with_text(
    octets: bytes, hashed: Callable[..., bool], cuts: list[Span], spans: list[Span], search: Search
) -> None:
    total = len(octets)
    for top, bottom in cuts:
        for start, end in spans:
            if start < bottom:
                continue
            if not search.budget.take(total):
                return
            if hashed((0, top), (bottom, start), (end, total)):
                search.proven = _reason(octets, (start, end))
                return


def _reason(octets: bytes, span: Span) -> Reason:
    start, end = span
    text = " ".join(_TAG.sub(b" ", octets[start:end]).decode("utf-8", "replace").split())
    return Reason("dkim-broke-html", {"octets": end - start, "text": text[:200]})


def _spans(octets: bytes) -> Iterator[Span]:
    """What may have been put in, the shortest of each place first."""
    for number, tag in enumerate(_OPEN.finditer(octets)):
        if number == MAX_BODIES:
            break
        yield from _after(octets, tag.end())
    for number, tag in enumerate(_CLOSE.finditer(octets)):
        if number == MAX_BODIES:
            break
        yield from _before(octets, tag.start())


def _after(octets: bytes, start: int) -> Iterator[Span]:
    for count, end in enumerate(_ENDS.finditer(octets, start, start + MAX_SPAN)):
        if count == MAX_ENDS:
            return
        yield start, end.start(1)
        if end[1]:
            yield start, end.end(1)


def _before(octets: bytes, end: int) -> Iterator[Span]:
    found = list(_STARTS.finditer(octets, max(0, end - MAX_SPAN), end))
    for begin in reversed(found[-MAX_ENDS:]):
        yield begin.end(1), end
        if begin[1]:
            yield begin.start(1), end
