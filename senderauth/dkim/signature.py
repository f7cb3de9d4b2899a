"""The DKIM-Signature field: text to value, with every fault of RFC 6376 6.1.1 that its text shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import field

from senderauth import names
from senderauth.dkim.canonical import Canonicalization
from senderauth.dkim.record import TagList, base64_of, international, tag_list
from senderauth.values import Problem, frozen

MAX_NUMBER = 12
"""Digits of t= and x= (RFC 6376 3.5)."""
MAX_LENGTH = 76
"""Digits of l=."""
ALGORITHMS = ("rsa-sha256", "rsa-sha1", "ed25519-sha256")
CANONICALIZATIONS: dict[str, Canonicalization] = {"simple": "simple", "relaxed": "relaxed"}

_QUOTED = re.compile(r"=([0-9A-F]{2})")


@frozen
class Signature:
    """A signature field's value. What could not be read is empty, and a problem says why."""

    tags: TagList
    algorithm: str
    """"rsa-sha256", "rsa-sha1", "ed25519-sha256"; another word where it is none of them."""
    octets: bytes = field(repr=False)
    """b= decoded."""
    body_hash: bytes = field(repr=False)
    """bh= decoded."""
    header_how: Canonicalization
    body_how: Canonicalization
    domain: str
    """d= as written; U-labels are allowed (RFC 8616)."""
    selector: str
    identity: str
    """i= decoded, "@" and d= where it is not said."""
    names: tuple[bytes, ...]
    """h=, lower case, in order, repetitions and all."""
    length: int | None
    """l= in octets; None: the whole body."""
    signed_at: int | None
    """t= in seconds since 1970."""
    expires_at: int | None
    """x=, likewise."""
    problems: tuple[Problem, ...]
    """Faults for which it must not be accepted."""
    computable: bool
    """Whether all is there that hashing needs, so that it can be told whether it would have verified."""

    @property
    def hash(self) -> str:
        """ "sha256" or "sha1"."""
        return self.algorithm.rpartition("-")[2]

    @property
    def key_type(self) -> str:
        """ "rsa" or "ed25519"."""
        return self.algorithm.partition("-")[0]

    @property
    def key_name(self) -> str | None:
        """Where its key stands, None where that is no name."""
        if not self.domain or not self.selector:
            return None
        return names.normalise(f"{self.selector}._domainkey.{self.domain}")

    @property
    def copied(self) -> tuple[tuple[str, str], ...]:
        """z=: name and value of fields as they were when it was signed."""
        pairs = (unquoted(part).partition(":") for part in (self.tags.get("z") or "").split("|"))
        return tuple((name, value) for name, colon, value in pairs if colon)

    def __str__(self) -> str:
        return str(self.tags)


class Reader:
    """Reads tags of a signature and collects what is wrong with them. ARC reads its own fields with it."""

    def __init__(self, tags: TagList) -> None:
        self.tags = tags
        self._get = tags.values.get
        self.problems: list[Problem] = list(tags.problems)
        self.computable = not tags.problems

    def problem(self, id: str, tag: str, *, fatal: bool = True, **facts: object) -> None:
        """Notes a fault in this tag; a fatal one leaves nothing to compute."""
        self.problems.append(Problem(id, self.tags.span(tag), {"tag": tag, **facts}))
        self.computable &= not fatal

    def required(self, tag: str) -> str:
        """The tag's value; a fault where it is not there or empty (RFC 6376 6.1.1)."""
        value = self._get(tag)
        if value:
            return value
        self.problem("dkim-tag-missing" if value is None else "dkim-tag-without-value", tag)
        return ""

    def version(self) -> None:
        """v=, which must be 1."""
        if (version := self.required("v")) and version != "1":
            self.problem("dkim-version-unknown", "v", version=version[:50])

    def algorithm(self, known: Sequence[str] = ALGORITHMS) -> str:
        """a=, one of these."""
        written = self.required("a").lower()
        if written and written not in known:
            self.problem("dkim-algorithm-unknown", "a", algorithm=written[:50])
        return written

    def base64(self, tag: str) -> bytes:
        """The octets of a tag that must be there."""
        written = self.required(tag)
        octets = base64_of(written)
        if written and not octets:
            self.problem("dkim-tag-not-base64", tag)
        return octets or b""

    def canonicalization(self) -> tuple[Canonicalization, Canonicalization]:
        """c= of header and body."""
        written = self._get("c")
        header, slash, body = ("simple" if written is None else written.lower()).partition("/")
        pair = CANONICALIZATIONS.get(header), CANONICALIZATIONS.get(body if slash else "simple")
        if pair[0] is None or pair[1] is None:
            self.problem("dkim-canonicalization-unknown", "c", written=(written or "")[:50])
        return pair[0] or "simple", pair[1] or "simple"

    def place(self) -> tuple[str, str]:
        """d= and s=, which must make a name."""
        domain, selector = international(self.required("d")), international(self.required("s"))
        for tag, value in (("d", domain), ("s", selector)):
            if value and (names.normalise(value) is None or "@" in value or len(value.split()) > 1):
                self.problem("dkim-name-unusable", tag, written=value[:100])
        if self.computable and names.normalise(f"{selector}._domainkey.{domain}") is None:  # too long
            self.problem("dkim-name-unusable", "s", written=selector[:100])
        return domain.removesuffix("."), selector

    def names(self, tag: str = "h") -> tuple[bytes, ...]:
        """The field names of h=, lower case."""
        listed = self.required(tag).lower().encode("latin-1", "replace")
        return tuple([name.strip() for name in listed.split(b":")])

    def number(self, tag: str, digits: int) -> int | None:
        """An unsigned decimal number, None where the tag is not there."""
        written = self._get(tag)
        if written is None:
            return None
        if not written.isascii() or not written.isdigit() or len(written) > digits:
            self.problem("dkim-tag-not-a-number", tag, written=written[:50])
            return None
        return int(written)


def parse_signature(value: bytes) -> Signature:
    """Takes the field's value apart: all checks of RFC 6376 6.1.1 that need neither DNS nor a clock."""
    tags = tag_list(value.decode("latin-1"))
    read = Reader(tags)
    read.version()
    algorithm = read.algorithm()
    octets, body_hash = read.base64("b"), read.base64("bh")
    how = read.canonicalization()
    domain, selector = read.place()
    listed = read.names()
    if listed and tags.get("h") and b"from" not in listed:
        read.problem("dkim-from-not-signed", "h", fatal=False)
    identity = _identity(read, domain)
    length = read.number("l", MAX_LENGTH)
    signed_at, expires_at = read.number("t", MAX_NUMBER), read.number("x", MAX_NUMBER)
    if signed_at is not None and expires_at is not None and expires_at <= signed_at:
        read.problem("dkim-expires-before-signed", "x", fatal=False)
    methods = tags.words("q")
    if methods is not None and "dns/txt" not in methods:
        read.problem("dkim-query-unknown", "q", methods=list(methods)[:10])
    return Signature(
        tags, algorithm, octets, body_hash, *how, domain, selector, identity, listed, length,
        signed_at, expires_at, tuple(read.problems), read.computable,
    )  # fmt: skip


def _identity(read: Reader, domain: str) -> str:
    """i=, which must be d= or below it."""
    written = read.tags.get("i")
    if written is None:
        return "@" + domain
    identity = unquoted(written)
    below, above = names.normalise(identity.rpartition("@")[2]), names.normalise(domain)
    if below is None or above is None or "@" not in identity or not names.is_below(below, above):
        read.problem("dkim-identity-outside", "i", fatal=False, identity=identity[:100], domain=domain[:256])
    return identity


def unquoted(text: str) -> str:
    """DKIM quoted-printable decoded (RFC 6376 2.11), UTF-8 where it is."""
    compact = "".join(text.split())
    if "=" in compact:
        compact = _QUOTED.sub(lambda found: chr(int(found[1], 16)), compact)
    return international(compact)


def without_signature(raw: bytes, tags: TagList) -> bytes:
    """The field with b= empty, as it was when it was signed (RFC 6376 3.7)."""
    span = tags.span("b")
    if span.start == span.end:
        return raw
    value_start = raw.index(b":") + 1
    equals = raw.index(b"=", value_start + span.start)
    return raw[: equals + 1] + raw[value_start + span.end :]
