"""DKIM tag lists and key records: text to value and back (RFC 6376 3.2, 3.6.1; RFC 8463 4)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache

from senderauth.values import Problem, Span, frozen

MAX_RECORD = 65_536
MAX_TAGS = 1_000
MAX_CACHED = 2_048
SPACE = " \t\r\n"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/= \t\r\n]")


@frozen
class TagList:
    """A tag list, taken apart whole (RFC 6376 3.2)."""

    values: Mapping[str, str]
    """By name as written, for names are case-sensitive, in their order, white space around taken off."""
    problems: tuple[Problem, ...] = ()
    """Faults that make the whole list invalid."""
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        """The list in one line; as written where it has faults, which have no other form."""
        return self.text if self.problems else "; ".join(map("=".join, self.values.items()))

    def get(self, name: str) -> str | None:
        """The tag's value, None where it is not there. An empty value is not an absent tag."""
        return self.values.get(name)

    def span(self, name: str) -> Span:
        """Where the first tag of this name stands, white space and all; an empty span where there is none."""
        start = 0
        for part in self.text.split(";"):
            if part.partition("=")[0].strip(SPACE) == name:
                return Span(start, start + len(part))
            start += len(part) + 1
        return Span(0, 0)

    def words(self, name: str) -> tuple[str, ...] | None:
        """A colon-separated value as lower-case words."""
        value = self.values.get(name)
        return None if value is None else tuple(word.strip(SPACE).lower() for word in value.split(":"))


def tag_list(text: str) -> TagList:
    """Takes a tag list apart. A tag without "=" or with an odd name, and a name twice, are faults."""
    problems: list[Problem] = []
    values: dict[str, str] = {}
    position = 0
    parts = text.split(";")
    if not parts[-1].strip(SPACE):
        parts.pop()  # a closing ";" is allowed
    if len(parts) > MAX_TAGS:
        problems.append(Problem("dkim-too-many-tags", Span(0, 1), {"count": len(parts), "limit": MAX_TAGS}))
        del parts[MAX_TAGS:]
    for part in parts:
        start, position = position, position + len(part) + 1
        name, equals, value = part.partition("=")
        name = name.strip(SPACE)
        if not equals or not ((name.isalpha() and name.isascii()) or _NAME.match(name)):
            problems.append(_no_tag(part.strip(SPACE), Span(start, position - 1)))
        elif name in values:  # RFC 6376 3.2: the whole list is invalid
            problems.append(Problem("dkim-tag-twice", Span(start, position - 1), {"tag": name}))
        else:
            values[name] = value.strip(SPACE)
    return TagList(values, tuple(problems), text)


def _no_tag(written: str, span: Span) -> Problem:
    if not written:
        return Problem("dkim-tag-empty", span)
    return Problem("dkim-not-a-tag", span, {"written": written[:100]})


def international(value: str) -> str:
    """Octets above 127 as the UTF-8 that they are (RFC 8616 3), or as they stand where they are none."""
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


@frozen
class KeyRecord:
    """A key record as written (RFC 6376 3.6.1)."""

    tags: TagList
    type: str
    """k=, "rsa" where it is not said."""
    octets: bytes | None = field(repr=False)
    """p= decoded; None where it is absent or no base64."""
    revoked: bool
    """p= is there and empty."""
    flags: tuple[str, ...]
    hashes: tuple[str, ...] | None
    """h=; None: all."""
    services: tuple[str, ...]
    """s=; ("*",) where it is not said."""
    notes: str
    """n=, for people."""
    problems: tuple[Problem, ...]
    """Faults for which the record must be discarded."""
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return str(self.tags)


def parse_key(given: bytes | str) -> KeyRecord:
    """Takes a key record apart. Spans count octets, which are characters here (latin-1)."""
    text = given.decode("latin-1") if isinstance(given, bytes) else given
    # Nothing that long is shared by many domains, and the cache must not keep what hostile zones hold
    return _parse_cached(text) if len(text) <= MAX_CACHED else _parse(text)


def _parse(text: str) -> KeyRecord:
    tags = tag_list(text[:MAX_RECORD])
    problems = list(tags.problems)
    if len(text) > MAX_RECORD:
        problems.append(Problem("dkim-key-oversized", Span(0, 1), {"length": len(text)}))
    version = tags.get("v")
    if version is not None:
        if version != "DKIM1":
            problems.append(Problem("dkim-key-version", tags.span("v"), {"version": version[:50]}))
        elif next(iter(tags.values)) != "v":  # RFC 6376 3.6.1: first, if at all
            problems.append(Problem("dkim-key-version-not-first", tags.span("v"), {}))
    written = tags.get("p")
    octets: bytes | None = None
    if written is None:
        problems.append(Problem("dkim-key-without-p", Span(0, len(text[:200])), {}))
    elif written:
        octets = base64_of(written)
        if octets is None:
            problems.append(Problem("dkim-key-not-base64", tags.span("p"), {"character": _foreign(written)}))
    values = tags.values
    return KeyRecord(
        tags,
        values["k"].lower() if "k" in values else "rsa",
        octets,
        written == "",
        tuple([flag for flag in tags.words("t") or () if flag]) if "t" in values else (),
        tags.words("h") if "h" in values else None,
        (tags.words("s") if "s" in values else None) or ("*",),
        international(values["n"]) if "n" in values else "",
        tuple(problems),
        text[:MAX_RECORD],
    )


_parse_cached = lru_cache(maxsize=256)(_parse)


def base64_of(text: str) -> bytes | None:
    """The octets; white space inside is allowed (RFC 6376 2.10), missing padding is mended."""
    written = text.encode("latin-1", "replace")
    try:
        return binascii.a2b_base64(written, strict_mode=True)  # nearly always there is nothing to mend
    except (binascii.Error, ValueError):
        compact = written.translate(None, b" \t\r\n")
    try:
        return binascii.a2b_base64(compact + b"=" * (-len(compact) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def _foreign(text: str) -> str:
    """The first character that base64 does not have; empty where only the length is wrong."""
    found = _NOT_BASE64.search(text)
    return found[0] if found else ""


@lru_cache(maxsize=1_024)
def rsa_numbers(der: bytes) -> tuple[int, int] | None:
    """Modulus and exponent of an RSA public key, as SubjectPublicKeyInfo or bare RSAPublicKey (RFC 6376
    3.6.1 says the one, practice the other); None where it is neither. A few lines of DER instead of the
    cryptography library, whose import would double the time of a check; a test holds both together.
    """
    try:
        body, rest = _der(der, 0x30)
        if rest:
            return None
        if body[:1] == b"\x30":  # SubjectPublicKeyInfo: algorithm, then the key in a bit string
            algorithm, bits = _der(body, 0x30)
            oid, _ = _der(algorithm, 0x06)
            inner, rest = _der(bits, 0x03)
            if oid != b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01" or inner[:1] != b"\x00" or rest:
                return None
            body, rest = _der(inner[1:], 0x30)
            if rest:
                return None
        modulus, body = _der(body, 0x02)
        exponent, body = _der(body, 0x02)
        if body or not modulus or not exponent:
            return None
        return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    except IndexError:
        return None


def _der(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the element at the start, and what follows it. IndexError where it is not there."""
    if data[0] != tag:
        raise IndexError
    length, start = data[1], 2
    if length & 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise IndexError
        length, start = int.from_bytes(data[2 : 2 + count], "big"), 2 + count
    if start + length > len(data):
        raise IndexError
    return data[start : start + length], data[start + length :]
