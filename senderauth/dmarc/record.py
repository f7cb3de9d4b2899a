"""DMARC records: text to value and back (RFC 9989 4.7, 4.8; RFC 7489 6.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args
from urllib.parse import SplitResult

from senderauth.values import Problem, Span

PolicyWord = Literal["none", "quarantine", "reject"]
Standard = Literal["rfc9989", "rfc7489"]

MAX_RECORD = 65_536
MAX_TAGS = 200
MAX_URIS = 50
KNOWN = frozenset(["v", "p", "sp", "np", "adkim", "aspf", "t", "psd", "fo", "rua", "ruf", "pct", "rf", "ri"])
# What people write for what they mean.
LOOKALIKES = {
    "policy": "p",
    "subpolicy": "sp",
    "rau": "rua",
    "ruaa": "rua",
    "rfu": "ruf",
    "dkim": "adkim",
    "spf": "aspf",
}

_TAG = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t]*=[ \t]*(.*?)[ \t]*\Z", re.DOTALL)
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):([^!\s,;]+)(?:!([0-9]+)([kmgtKMGT]?))?\Z")
_VERSION = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag as written."""

    name: str
    """In lower case."""
    value: str
    span: Span = field(default=Span(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class ReportUri:
    """Where reports go."""

    uri: str
    host: str
    """The domain of a mailto: or the host of a URL, lower case; empty where there is none."""
    size: str = ""
    """The obsolete size suffix, e.g. "10m"."""


@dataclass(frozen=True, slots=True)
class Record:
    """A DMARC record, parsed whole. Values outside their grammar have become the defaults (RFC 9989 4.8)."""

    tags: tuple[Tag, ...]
    p: PolicyWord | None = None
    """None: absent or invalid."""
    sp: PolicyWord | None = None
    np: PolicyWord | None = None
    adkim: Literal["r", "s"] = "r"
    aspf: Literal["r", "s"] = "r"
    t: bool = False
    psd: Literal["y", "n", "u"] = "u"
    pct: int = 100
    """Percent; RFC 7489 only."""
    rua: tuple[ReportUri, ...] = ()
    ruf: tuple[ReportUri, ...] = ()
    problems: tuple[Problem, ...] = ()
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return "; ".join(f"{tag.name}={tag.value}" for tag in self.tags)

    def has(self, name: str) -> bool:
        """Whether the tag is written, with a valid value or not."""
        return any(tag.name == name for tag in self.tags)

    def value(self, name: str) -> str:
        """The tag as written, empty where it is not."""
        return next((tag.value for tag in self.tags if tag.name == name), "")

    @property
    def spoilt(self) -> tuple[str, ...]:
        """Policy tags that are missing or invalid, so that the record counts as p=none with rua, or as
        nothing without (RFC 9989 4.10.1, RFC 7489 6.6.3).
        """
        bad = [name for name in ("sp", "np") if self.has(name) and getattr(self, name) is None]
        return tuple(["p"] * (self.p is None) + bad)

    @property
    def usable(self) -> bool:
        """Whether it gives a policy at all."""
        return not self.spoilt or bool(self.rua)


def is_dmarc(text: bytes) -> bool:
    """Whether a TXT record is a DMARC record: the version tag first, in exactly these letters."""
    return _VERSION.match(text[:64]) is not None


def select(texts: Iterable[bytes]) -> list[bytes]:
    """The DMARC records among TXT records; others are discarded (RFC 9989 4.10, RFC 7489 6.6.3)."""
    return [text for text in texts if is_dmarc(text)]


@lru_cache(maxsize=4_096)
def parse(given: bytes | str) -> Record:
    """Takes a DMARC record apart. What is none has the one problem "dmarc-not-a-record"."""
    text = given.decode("latin-1") if isinstance(given, bytes) else given
    if not is_dmarc(text[:64].encode("utf-8", "replace")):
        return Record(
            (), problems=(Problem("dmarc-not-a-record", Span(0, min(8, len(text)))),), text=text[:256]
        )
    if len(text) > MAX_RECORD:
        facts = {"length": len(text)}
        return Record((), problems=(Problem("dmarc-record-oversized", Span(0, 8), facts),), text=text[:256])
    tags, problems = _tags(text)
    first: dict[str, Tag] = {}
    for tag in tags:
        if tag.name in first:
            problems.append(Problem("dmarc-tag-twice", tag.span, {"tag": tag.name, "value": tag.value[:100]}))
        first.setdefault(tag.name, tag)
    return _typed(tuple(tags), first, problems, text)


def _tags(text: str) -> tuple[list[Tag], list[Problem]]:
    tags: list[Tag] = []
    problems: list[Problem] = []
    position = 0
    for part in text.split(";")[:MAX_TAGS]:
        start, position = position, position + len(part) + 1
        if not part.strip(" \t"):
            continue
        span = Span(start, start + len(part))
        match = _TAG.match(part)
        if match is None or not part.isprintable() or not part.isascii():
            problems.append(Problem("dmarc-not-a-tag", span, {"written": part.strip()[:100]}))
            continue
        tags.append(Tag(match[1].lower(), match[2], span))
    return tags, problems


def _typed(tags: tuple[Tag, ...], first: dict[str, Tag], problems: list[Problem], text: str) -> Record:
    def one_of(name: str, words: tuple[str, ...], default: str | None) -> str | None:
        tag = first.get(name)
        if tag is None:
            return default
        if tag.value.lower() in words:
            return tag.value.lower()
        facts = {"tag": name, "value": tag.value[:100], "allowed": list(words)}
        problems.append(Problem("dmarc-invalid-value", tag.span, facts))
        return default

    words = get_args(PolicyWord)
    pct = first.get("pct")
    percent = 100
    if pct is not None:
        if pct.value.isdigit() and len(pct.value) <= 3 and int(pct.value) <= 100:
            percent = int(pct.value)
        else:
            facts = {"tag": "pct", "value": pct.value[:100], "allowed": ["0-100"]}
            problems.append(Problem("dmarc-invalid-value", pct.span, facts))
    return Record(
        tags,
        p=one_of("p", words, None),  # type: ignore[arg-type]
        sp=one_of("sp", words, None),  # type: ignore[arg-type]
        np=one_of("np", words, None),  # type: ignore[arg-type]
        adkim=one_of("adkim", ("r", "s"), "r"),  # type: ignore[arg-type]
        aspf=one_of("aspf", ("r", "s"), "r"),  # type: ignore[arg-type]
        t=one_of("t", ("y", "n"), "n") == "y",
        psd=one_of("psd", ("y", "n", "u"), "u"),  # type: ignore[arg-type]
        pct=percent,
        rua=_uris(first.get("rua"), problems),
        ruf=_uris(first.get("ruf"), problems),
        problems=tuple(problems),
        text=text,
    )


def _uris(tag: Tag | None, problems: list[Problem]) -> tuple[ReportUri, ...]:
    if tag is None:
        return ()
    found = []
    for written in tag.value.split(",")[:MAX_URIS]:
        match = _URI.match(written.strip())
        if match is None or not match[2]:
            facts = {"tag": tag.name, "value": written.strip()[:200]}
            problems.append(Problem("dmarc-invalid-uri", tag.span, facts))
            continue
        uri = f"{match[1]}:{match[2]}"
        found.append(ReportUri(uri, _host(match[1].lower(), match[2]), (match[3] or "") + (match[4] or "")))
    return tuple(found)


def _host(scheme: str, rest: str) -> str:
    if scheme == "mailto":
        return rest.partition("?")[0].rpartition("@")[2].lower().removesuffix(".")
    authority = rest.removeprefix("//").partition("/")[0]
    return (SplitResult("", authority, "", "", "").hostname or "") if authority else ""
