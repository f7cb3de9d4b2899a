"""What can be changed, by whom, and what was proven of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from senderauth.advice.action import Actor
from senderauth.dns import Question
from senderauth.simulation import Outcome, Scenario
from senderauth.values import Facts, Reason

Kind = Literal["cure", "part", "improvement", "advice"]
"""A "part" cures nothing by itself, but together with others."""
EITHER: tuple[Kind, ...] = ("cure", "improvement")
"""As a cure if some receiver refuses for it, else as worth doing: not all who refuse say so."""

MAX_STRING = 255
"""Octets of one string of a TXT record (RFC 1035 3.3)."""


@dataclass(frozen=True, slots=True)
class Change:
    """The records of one name and type, before and after. Other TXT records at the name stay as they are
    and are not named.
    """

    name: str
    rdtype: str
    old: tuple[str, ...]
    """TXT with its strings joined, one character an octet; MX as "10 mail.example.com"; the rest as text."""
    new: tuple[str, ...]
    kept: tuple[str, ...] = ()
    """The other TXT records at the name."""

    @property
    def records(self) -> tuple[Any, ...]:
        """What stands there afterwards, in the form that an OverlayResolver takes."""
        return tuple(record_of(self.rdtype, value) for value in (*self.kept, *self.new))


def record_of(rdtype: str, value: str) -> Any:
    """A value in the form that resolvers take."""
    if rdtype == "TXT":
        return strings(value)
    if rdtype == "MX":
        preference, _, host = value.partition(" ")
        return int(preference), host.removesuffix(".")
    return value


def text_of(record: Any) -> str:
    """A record of an answer as text: the other way round."""
    if isinstance(record, bytes):
        return record.decode("latin-1")
    if isinstance(record, tuple):
        return f"{record[0]} {record[1] or '.'}"
    return str(record)


def strings(text: str) -> tuple[bytes, ...]:
    """A TXT record cut into strings of at most 255 octets (RFC 7208 3.3), where possible after a space, so
    that nobody takes two terms for glued.
    """
    parts: list[bytes] = []
    octets = text.encode("latin-1", "replace")
    while len(octets) > MAX_STRING:
        cut = octets.rfind(b" ", 0, MAX_STRING) + 1 or MAX_STRING
        parts.append(octets[:cut])
        octets = octets[cut:]
    return (*parts, octets)


@dataclass(frozen=True, slots=True)
class Setting:
    """What must be set outside DNS for a proposal to work."""

    id: str
    """"mail-from", "dkim", "helo", "sign"."""
    who: Actor
    value: str


@dataclass(frozen=True, slots=True)
class Case:
    """One predicted answer that is no acceptance."""

    receiver: str
    entry_id: str
    address: str
    signing: str
    outcome: Outcome
    optional: bool
    only_spf: bool = False
    """The receiver judges SPF by itself: no signature helps."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an SPF record lets through before and after (RFC 7208), as far as networks tell."""

    domain: str
    lost: int
    """Addresses that were authorised and no longer are."""
    gained4: int
    gained6: int
    lookups: tuple[int, int]
    """Worst case, before and after."""
    voids: tuple[int, int]
    uncovered: tuple[str, ...]
    """Terms that say nothing without a client, or that DNS would not tell: not compared."""

    @property
    def remaining(self) -> int:
        """Lookups that are left of the ten afterwards."""
        return 10 - self.lookups[1]


@dataclass(frozen=True, slots=True)
class Other:
    """Another send that the change must not harm."""

    scenario: Scenario
    before: Outcome
    after: Outcome
    worse: tuple[str, ...]
    """Receivers that answer worse than before."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What came out when everything was judged again with the change."""

    holds: bool
    """It cures at least one answer (of an improvement: it does what it says), and breaks nothing."""
    before: Outcome
    after: Outcome
    worse: tuple[Case, ...]
    """Answers that are worse than before."""
    reach: tuple[Reach, ...]
    others: tuple[Other, ...]
    laxer: tuple[Reason, ...]
    """Policies that ask for less afterwards."""
    uncovered: tuple[Reason, ...]
    """What the proof does not cover."""
    broken: tuple[Reason, ...]
    """Why it does not hold; empty where it does."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that was tried, or the plain word that no change of records helps."""

    id: str
    kind: Kind
    who: Actor
    facts: Facts
    changes: tuple[Change, ...]
    settings: tuple[Setting, ...] = ()
    cures: tuple[Case, ...] = ()
    leaves: tuple[Case, ...] = ()
    proof: Proof | None = None
    """None for plain advice."""
    cautions: tuple[Reason, ...] = ()
    narrows: bool = False
    """It is meant to authorise fewer addresses."""
    relaxes: bool = False
    """It is meant to ask for less: a policy that is laxer afterwards."""


def overlay(changes: Iterable[Change]) -> dict[Question | tuple[str, str], Any]:
    """The changes as an OverlayResolver takes them."""
    return {(c.name, c.rdtype): c.records or None for c in changes}
