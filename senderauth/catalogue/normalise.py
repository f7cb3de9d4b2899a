"""Bounce text as it is matched: quotes straight, white space single, lower case, reply codes taken out.

Places in the normalised text lead back to places in the raw text, which is what people are shown.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from senderauth.values import Span

MAX_TEXT = 65_536
"""Characters that are looked at; a bounce's reason stands long before that."""

# Curly quotes, no-break and other odd spaces to their plain twins, invisible characters to a space: one
# character for one, so that places stay.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u00b4\u0060", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u00a0\u2007\u202f\u2009\u200a\u3000\u00ad\u200b\u200c\u200d\u2060\ufeff\0", " "),
    }
)

# A reply's prefix stands on every line, and in the middle where the lines were joined (RFC 5321 4.2):
# "550-5.7.26 text 550 5.7.26 text", "553-text 553 text", "550; 5.7.515 text", "550 #5.7.1 text"; and what a
# gateway says around another's answer, "5.1.0 - Unknown address error 550-'text'".
_PREFIX = re.compile(
    r"^[ \t]{0,8}<<<[ \t]{1,4}[245]\d\d[- ][245]\.\d{1,3}\.\d{1,3}(?![\w.])|"
    r"(?<![\w.@/#-])[245]\d\d(?:-(?=[^\s\d])|[-; ]{1,2}[#(]?[245]\.\d{1,3}\.\d{1,3}\)?(?![\w.])[:;]?)|"
    r"^[ \t]{0,8}(?:<<<[ \t]{1,4})?[245]\d\d(?=[ \t]|-[ \t])-?|"
    r"^[ \t]{0,8}<<<(?=[ \t])|"
    r"^[ \t]{0,8}[245]\.\d{1,3}\.\d{1,3} - [A-Z][A-Za-z ()]{4,60} (?=[245]\d\d-)|"
    r"^[ \t]{0,8}[245]\.\d{1,3}\.\d{1,3}(?=[ \t])",
    re.MULTILINE,
)
_TOKEN = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Text:
    """Normalised text beside the raw one."""

    raw: str
    lower: str
    shown: str
    """As `lower`, with capitals: same places."""
    _starts: tuple[int, ...]
    _raw_starts: tuple[int, ...]

    def raw_span(self, start: int, end: int) -> Span:
        """The characters of the raw text that became `lower[start:end]`."""
        return Span(self._raw_place(start), self._raw_place(max(start, end - 1)) + (end > start))

    def _raw_place(self, place: int) -> int:
        if not self._starts:
            return 0
        token = max(0, bisect_right(self._starts, place) - 1)
        return self._raw_starts[token] + place - self._starts[token]


def normalise(raw: str) -> Text:
    """The text for matching; at most MAX_TEXT characters are read."""
    raw = raw[:MAX_TEXT]
    plain = _PREFIX.sub(lambda found: " " * len(found[0]), raw.translate(_PLAIN))
    starts, raw_starts, shown, lower = [], [], [], []
    at = 0
    for token in _TOKEN.finditer(plain):
        word = token[0]
        low = word.lower()
        starts.append(at)
        raw_starts.append(token.start())
        shown.append(word)
        lower.append(low if len(low) == len(word) else word)  # as long as the raw word, whatever the letter
        at += len(word) + 1
    return Text(raw, " ".join(lower), " ".join(shown), tuple(starts), tuple(raw_starts))
