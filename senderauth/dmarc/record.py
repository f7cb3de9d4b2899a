"""DMARC records: text to value and back (RFC 9989 4.7, 4.8; RFC 7489 6.3).

The version tag stands first, its value exactly `DMARC1`; its name, a plain literal in both grammars, may
be `V` (RFC 7489 6.4; RFC 9989 4.8 makes but the value `%s`). What else a record says is read as far as it
can be. A value outside its grammar becomes the default (RFC 9989 4.8), and every fault is kept as a problem
with its place. One pass, bounded: no text of any length costs more than its length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import field
from functools import lru_cache
from typing import Any, Literal, get_args

from senderauth.values import Problem, Span, frozen

PolicyWord = Literal["none", "quarantine", "reject"]
Standard = Literal["rfc9989", "rfc7489"]
PolicyTag = Literal["p", "sp", "np", "default"]

MAX_RECORD = 65_536
MAX_TAGS = 200
MAX_URIS = 50
CACHED = 2_048
"""Longer texts are parsed anew each time: the cache stays small whatever DNS holds."""

SHORT = 20
"""Characters of a tag that other records may have, too."""

POLICY_TAGS = ("p", "sp", "np")
KNOWN = frozenset(["v", "p", "sp", "np", "adkim", "aspf", "t", "psd", "fo", "rua", "ruf", "pct", "rf", "ri"])

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_URI = re.compile(
    r"([A-Za-z][A-Za-z0-9+.\-]*):((?:[A-Za-z0-9\-._~:/?#\[\]@$&'()*+=]|%[0-9A-Fa-f]{2})+)\Z"  # RFC 3986 2
)
_SIZE = re.compile(r"[0-9]+[kmgtKMGT]?\Z")
_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_ANY_CASE = re.compile(rb"v\s*=\s*dmarc1\s*(?:;|\Z)", re.IGNORECASE)
_VERSION_AND_MORE = re.compile(rb"v\s*=\s*dmarc", re.IGNORECASE)
_VERSION_LATER = re.compile(rb";\s*v\s*=\s*dmarc1", re.IGNORECASE)
_POLICY_FIRST = re.compile(rb"s?p\s*=\s*(?:none|quarantine|reject)\b", re.IGNORECASE)

NearMiss = Literal["case", "start", "version", "not-first", "no-version"]


@frozen
class Tag:
    """One tag."""

    name: str
    """In lower case. RFC 6376 3.2 wants names exact, the ABNF of RFC 7489 and RFC 9989 does not."""
    value: str
    """As written, without the blanks around it."""
    written: str = field(default="", compare=False)
    """The name as written."""
    span: Span = field(default=Span(0, 0), compare=False)


@frozen
class ReportUri:
    """Where reports go."""

    uri: str
    scheme: str
    """Lower case."""
    host: str
    """The domain of a mailto: or the host of a URL, lower case; empty where there is none."""
    size: str = ""
    """The obsolete size suffix, e.g. "10m" (RFC 9989 4.8)."""


@frozen
class Record:
    """A DMARC record, parsed whole. Values outside their grammar have become the defaults (RFC 9989 4.8)."""

    tags: tuple[Tag, ...]
    p: PolicyWord | None = None
    """None: absent or invalid."""
    sp: PolicyWord | None = None
    np: PolicyWord | None = None
    """RFC 9989 only."""
    adkim: Literal["r", "s"] = "r"
    aspf: Literal["r", "s"] = "r"
    t: bool = False
    """Test mode; RFC 9989 only."""
    psd: Literal["y", "n", "u"] = "u"
    """RFC 9989 only."""
    fo: tuple[str, ...] = ("0",)
    rua: tuple[ReportUri, ...] = ()
    ruf: tuple[ReportUri, ...] = ()
    pct: int = 100
    """Percent; RFC 7489 only."""
    rf: tuple[str, ...] = ("afrf",)
    """RFC 7489 only."""
    ri: int = 86_400
    """Seconds; RFC 7489 only."""
    problems: tuple[Problem, ...] = field(default=(), compare=False)
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return "; ".join(f"{tag.name}={tag.value}" for tag in self.tags)

    @property
    def is_record(self) -> bool:
        """Whether the text was a DMARC record at all."""
        return bool(self.tags)

    def has(self, name: str) -> bool:
        """Whether the tag is written, with a valid value or not."""
        for tag in self.tags:  # noqa: SIM110 - any() costs twice as much
            if tag.name == name:
                return True
        return False

    def value(self, name: str) -> str:
        """The tag as written, empty where it is not."""
        return next((tag.value for tag in self.tags if tag.name == name), "")

    def spoilt(self, standard: Standard) -> tuple[str, ...]:
        """The policy tags that are missing or invalid (RFC 9989 4.10.1, RFC 7489 6.6.3). One is enough: the
        record then counts as p=none with a usable rua, and as nothing without.
        """
        bad: tuple[str, ...] = ("p",) if self.p is None else ()
        if self.sp is None and self.has("sp"):
            bad += ("sp",)
        if self.np is None and standard == "rfc9989" and self.has("np"):  # RFC 7489 knows no np
            bad += ("np",)
        return bad

    def usable(self, standard: Standard) -> bool:
        """Whether the record gives any policy."""
        return self.is_record and (not self.spoilt(standard) or bool(self.rua))

    def policy_for(
        self, standard: Standard, *, inherited: bool = False, exists: bool = True
    ) -> tuple[PolicyWord, PolicyTag] | None:
        """What the record asks for, and which tag says so, before t and pct; None: no DMARC by this record.

        inherited: for a name below the record's; exists: whether that name does (RFC 9989 3.2.13).
        """
        spoilt = self.spoilt(standard)
        if not self.is_record or (spoilt and not self.rua):  # as `usable`
            return None
        if spoilt or self.p is None:
            return "none", "default"
        if inherited and not exists and standard == "rfc9989" and self.np is not None:
            return self.np, "np"
        if inherited and self.sp is not None:
            return self.sp, "sp"
        return self.p, "p"


def is_dmarc(text: bytes) -> bool:
    """Whether a TXT record is a DMARC record: the version tag first, its value in exactly these letters."""
    return _VERSION.match(text) is not None


def near_miss(text: bytes) -> NearMiss | None:
    """What keeps a TXT record that was meant as a DMARC record from being one; None: it was not meant so."""
    head = text[:512]
    bare = head.lstrip(b" \t\r\n\"'\\\xef\xbb\xbf")
    if is_dmarc(head):
        return None
    if bare != head and is_dmarc(bare.rstrip(b" \t\r\n\"'\\")):
        return "start"
    if _ANY_CASE.match(bare):
        return "case"
    if _VERSION_AND_MORE.match(bare):
        return "version"
    if _VERSION_LATER.search(bare):
        return "not-first"
    return "no-version" if _POLICY_FIRST.match(bare) else None


def parse(given: bytes | str) -> Record:
    """Takes a DMARC record apart. What is none has no tags and the one problem "dmarc-not-a-record"."""
    text = given.decode("latin-1") if isinstance(given, bytes) else given
    return _parse_cached(text) if len(text) <= CACHED else _parse(text)


def _parse(text: str) -> Record:
    if not is_dmarc(text[:MAX_RECORD].encode("latin-1", "replace")):
        problem = Problem("dmarc-not-a-record", Span(0, min(8, len(text))))
        return Record((), problems=(problem,), text=text[:256])
    if len(text) > MAX_RECORD or text.count(";") > MAX_TAGS:
        problem = Problem("dmarc-record-oversized", Span(0, 8), {"length": len(text)})
        return Record((), problems=(problem,), text=text[:256])
    reading = _Reading(text)
    reading.split()
    return reading.record()


_parse_cached = lru_cache(maxsize=1_024)(_parse)


def _span(start: int, part: str) -> Span:
    """Where the text of a part is, without the blanks around it."""
    return Span(start + len(part) - len(part.lstrip(" \t")), start + len(part.rstrip(" \t")))


def _tag(start: int, part: str) -> Tag | None:
    """The tag between two semicolons, None where none is."""
    written, equals, value = part.partition("=")
    written, value = written.strip(" \t"), value.strip(" \t")
    name = written.lower()
    printable = part.isascii() and (part.isprintable() or part.replace("\t", " ").isprintable())
    if not printable or not (name in KNOWN or _NAME.match(written)):
        return None
    if not value and not (equals and name in POLICY_TAGS):  # those must be valid (4.10.1): nothing is not
        return None
    return Tag(name, value, written, _span(start, part))


_tag_cached = lru_cache(maxsize=4_096)(_tag)  # records differ in their URIs, the rest is much the same


class _Reading:
    """One record on its way from text to value."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tags: list[Tag] = []
        self.first: dict[str, Tag] = {}
        self.problems: list[Problem] = []

    def split(self) -> None:
        """The tags in order; of two of a name the first counts, since what follows is the error (4.8)."""
        position = 0
        for part in self.text.split(";"):
            start, position = position, position + len(part) + 1
            tag = _tag_cached(start, part) if len(part) <= SHORT else _tag(start, part)
            if tag is None:
                if part.strip(" \t"):
                    self.problem("dmarc-not-a-tag", _span(start, part), written=part.strip()[:100])
                continue
            self.tags.append(tag)
            if tag.name in self.first:
                self.problem("dmarc-tag-twice", tag.span, tag=tag.name, value=tag.value[:100])
            else:
                self.first[tag.name] = tag

    def problem(self, id: str, span: Span, **facts: object) -> None:
        self.problems.append(Problem(id, span, facts))

    def invalid(self, tag: Tag, *allowed: str) -> None:
        self.problem(
            "dmarc-invalid-value", tag.span, tag=tag.name, value=tag.value[:100], allowed=list(allowed)
        )

    def record(self) -> Record:
        """What the tags say; where they say nothing valid, the default stands (4.8)."""
        said: dict[str, Any] = {}
        for name, read in _READ.items():
            if name in self.first and (value := read(self, self.first[name])) is not None:
                said[name] = value
        said["t"] = said.get("t") == "y"
        return Record(tuple(self.tags), **said, problems=tuple(self.problems), text=self.text)

    def one_of(self, tag: Tag) -> str | None:
        """A tag whose value is one of a few words, in any case (ABNF literals, RFC 5234 2.3)."""
        value, words = tag.value.lower(), _WORDS[tag.name]
        if value in words:
            return value
        self.invalid(tag, *words)
        return None

    def number(self, tag: Tag) -> int | None:
        most = _MOST[tag.name]
        if tag.value.isdigit() and len(tag.value) <= len(str(most)) and int(tag.value) <= most:
            return int(tag.value)
        self.invalid(tag, f"0-{most}")
        return None

    def failure_options(self, tag: Tag) -> tuple[str, ...] | None:
        """fo: 0 and 1 exclude each other, none may stand twice (RFC 9989 4.7, 4.8)."""
        options = tuple([option.strip(" \t").lower() for option in tag.value.split(":", 8)])
        chosen = set(options)
        if chosen <= _FAILURE_OPTIONS and len(chosen) == len(options) and not chosen >= {"0", "1"}:
            return options
        self.invalid(tag, "0", "1", "d", "s")
        return None

    def formats(self, tag: Tag) -> tuple[str, ...] | None:
        formats = tuple([word.strip(" \t").lower() for word in tag.value.split(":", 8)])
        if "afrf" in formats:  # RFC 7489 6.3: the only one there is
            return formats
        self.invalid(tag, "afrf")
        return None

    def uris(self, tag: Tag) -> tuple[ReportUri, ...]:
        name = tag.name
        found: list[ReportUri] = []
        written = tag.value.split(",", MAX_URIS)
        if len(written) > MAX_URIS:
            self.problem("dmarc-many-uris", tag.span, tag=name, most=MAX_URIS)
        for one in written[:MAX_URIS]:
            uri, mark, size = one.strip(" \t").partition("!")
            match = _URI.match(uri)
            if match is None or (mark and not _SIZE.match(size)):
                id = "dmarc-uri-without-scheme" if _is_mailbox(uri) else "dmarc-invalid-uri"
                self.problem(id, tag.span, tag=name, value=one.strip(" \t")[:200])
                continue
            scheme = match[1].lower()
            found.append(ReportUri(uri, scheme, _host(scheme, match[2]), size))
        return tuple(found)


_POLICIES = get_args(PolicyWord)
_WORDS: Mapping[str, tuple[str, ...]] = {
    "p": _POLICIES, "sp": _POLICIES, "np": _POLICIES,
    "adkim": ("r", "s"), "aspf": ("r", "s"), "t": ("y", "n"), "psd": ("y", "n", "u"),
}  # fmt: skip
_MOST = {"pct": 100, "ri": 2**32 - 1}
_FAILURE_OPTIONS = frozenset("01ds")
_READ: Mapping[str, Callable[[_Reading, Tag], Any]] = {
    **dict.fromkeys(_WORDS, _Reading.one_of),
    "fo": _Reading.failure_options,
    "rua": _Reading.uris,
    "ruf": _Reading.uris,
    "pct": _Reading.number,
    "rf": _Reading.formats,
    "ri": _Reading.number,
}
"""How each tag is read, in the order in which their faults are told."""


def _is_mailbox(text: str) -> bool:
    """An address where a URI should be: the mailto: was forgotten."""
    local, at, domain = text.partition("@")
    return bool(at) and bool(local) and "." in domain and ":" not in text and " " not in text


def _host(scheme: str, rest: str) -> str:
    """The host part of the URI's authority; of a mailto: the domain of its first address (RFC 6068)."""
    if scheme == "mailto":
        return rest.partition("?")[0].rpartition("@")[2].lower().removesuffix(".")
    if not rest.startswith("//"):
        return ""
    authority = re.split(r"[/?#]", rest[2:], maxsplit=1)[0].rpartition("@")[2]
    if authority.startswith("["):
        return authority.partition("]")[0] + "]"
    return authority.partition(":")[0].lower().removesuffix(".")
