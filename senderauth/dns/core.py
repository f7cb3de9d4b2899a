"""Question, Answer and the Resolver protocol: all that an evaluator knows of DNS."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Protocol, runtime_checkable

from senderauth.values import frozen


class Status(enum.Enum):
    """How a question ended. NOERROR without records is "no data"."""

    NOERROR = "NOERROR"
    NXDOMAIN = "NXDOMAIN"
    SERVFAIL = "SERVFAIL"
    """Any RCODE other than NOERROR, NXDOMAIN and REFUSED, a CNAME loop, an answer that makes no sense."""
    REFUSED = "REFUSED"
    TIMEOUT = "TIMEOUT"
    """Nobody answered in time; also a name that the data at hand says nothing about."""

    def __init__(self, word: str) -> None:
        self.word = word
        """As `value`, which costs a call each time."""


_NOERROR, _NXDOMAIN = (
    Status.NOERROR,
    Status.NXDOMAIN,
)  # reading a member off its class costs as much as a call


@frozen
class Question:
    """One question to DNS, class IN."""

    name: str
    """Lower case, A-labels, no trailing dot."""
    rdtype: str
    """"TXT", "A", "AAAA", "MX", "PTR", "CNAME", "NS", "SOA"."""

    def __hash__(self) -> int:  # a name is asked for few types, and its own hash is kept
        return hash(self.name)


Key = tuple[str, str]
"""A question's name and type, as what is kept by question is found: hashed in C, a Question in Python (75 ns
against 150, five times each)."""


@frozen
class Answer:
    """What DNS said, or why it said nothing. A failure is an answer, never an exception."""

    status: Status
    records: tuple[Any, ...] = ()
    """TXT bytes (strings joined); A, AAAA str; MX (preference, host); PTR, CNAME, NS str; SOA str. Names
    in the form of `Question.name`."""
    ttl: int = 0
    """Seconds; of a negative answer the negative TTL (RFC 2308)."""
    canonical_name: str | None = None
    """The last name of a CNAME chain, where one was followed."""
    strings: tuple[tuple[bytes, ...], ...] = ()
    """TXT as sent, string by string, in the order of `records`."""
    server: str = ""
    elapsed: float | None = None
    """Seconds."""
    note: str = ""
    """More about a failure: an extended error (RFC 8914), "not-on-tape", "outside-zones", "cname-loop"."""
    source: str = "live"
    """"live", "zone", "tape", "proposed", "cache"."""
    chain: tuple[str, ...] = ()
    """The names that the CNAMEs lead to, in order; `canonical_name` is the last."""

    @property
    def unknown(self) -> bool:
        """Broken or silent: nothing may be concluded about the name."""
        return self.status is not _NOERROR and self.status is not _NXDOMAIN

    @property
    def absent(self) -> bool:
        """DNS knows, and there are no such records."""
        return not self.records and (self.status is _NOERROR or self.status is _NXDOMAIN)

    @property
    def name_missing(self) -> bool:
        """NXDOMAIN for the very name asked; a dangling CNAME's owner exists (RFC 8020, RFC 9989 3.2.13)."""
        return self.status is _NXDOMAIN and self.canonical_name is None


def with_source(answer: Answer, source: str) -> Answer:
    """The same answer, said to come from elsewhere. As dataclasses.replace, in a fifth of the time."""
    return Answer(
        answer.status, answer.records, answer.ttl, answer.canonical_name, answer.strings, answer.server,
        answer.elapsed, answer.note, source, answer.chain,
    )  # fmt: skip


@runtime_checkable
class Resolver(Protocol):
    """Anything that answers questions. The only thing an evaluator awaits.

    A resolver may also have `prefetch(questions)`, see `prefetch` below.
    """

    async def resolve(self, question: Question) -> Answer:
        """The answer, whatever it is. Never raises on what DNS says or fails to say."""
        ...


def prefetch(resolver: Resolver, questions: Iterable[Question]) -> None:
    """Announces what will probably be asked next. Never awaited, no effect on any answer; resolvers
    without a use for it do not have the method.
    """
    announce = getattr(resolver, "prefetch", None)
    if announce is not None:
        announce(questions)
