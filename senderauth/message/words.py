"""Octets to text: charsets of unknown honesty, encoded words (RFC 2047), comments (RFC 5322 3.2.2)."""

from __future__ import annotations

import binascii
import codecs
import re

MAX_COMMENTS = 100
_WORD = re.compile(r"=\?([\w.:*-]{1,40})\?([bq])\?([^? ]{0,2000})\?=", re.IGNORECASE)
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]{1,20}(=\?)")
_COMMENT_MARK = re.compile(r'[()"]|\\.', re.DOTALL)


_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
"""Codecs of Python that no mail is in; some take quadratic time."""


def decode(data: bytes, charset: str = "") -> str:
    """Text of unknown honesty: UTF-8 where it is that, else the charset said, else Latin-1."""
    wide = charset.lower().startswith(("utf-16", "utf-32"))  # valid UTF-8, too: every other byte is zero
    try:
        return data.decode(charset if wide else "utf-8")
    except (LookupError, ValueError):  # ValueError: a name with a NUL in it
        pass
    try:
        if charset and codecs.lookup(charset).name not in _NO_CHARSETS:
            text = data.decode(charset, "replace")
            return text.encode("utf-8", "replace").decode("utf-8")  # UTF-7 knows half characters
    except (LookupError, ValueError):
        pass
    return data.decode("latin-1")


def decode_words(text: str) -> str:
    """The text with its encoded words decoded; what cannot be decoded is replaced."""
    if "=?" not in text:
        return text
    return _WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1\2", text))


def _decode_word(word: re.Match[str]) -> str:
    raw = word[3].encode("ascii", "replace")
    if word[2] in "bB":
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        kept = kept[: len(kept) - (len(kept) % 4 == 1)]
        data = binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
    else:
        data = binascii.a2b_qp(raw.replace(b"_", b" "), header=False)
    return decode(data, word[1].partition("*")[0])


def unfold(value: bytes, limit: int) -> str:
    """A field's value as one line of text, at most `limit` octets of it read."""
    return " ".join(decode(value[:limit]).split())


def without_comments(text: str) -> tuple[str, list[str]]:
    """The text without its comments, and these, nested ones as part of the outermost. One that does not
    end reaches to the end of the text.
    """
    kept: list[str] = []
    comments: list[str] = []
    depth = done = start = 0
    quoted = False
    for mark in _COMMENT_MARK.finditer(text):
        sign = mark[0]
        if sign == '"' and not depth:
            quoted = not quoted
        elif sign == "(" and not quoted:
            if not depth:
                kept.append(text[done : mark.start()])
                start = mark.end()
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
            if not depth:
                done = mark.end()
                comments.append(text[start : mark.start()])
                kept.append(" ")
    if depth:
        comments.append(text[start:])
    else:
        kept.append(text[done:])
    return "".join(kept), comments[:MAX_COMMENTS]
