"""A record made ready for evaluation: what can be worked out without a client, worked out once.

A record that thousands of domains include is evaluated over and over; its names are normalised and its
networks made numbers here, so that one term costs a comparison.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from senderauth import names
from senderauth.spf.macro import shorten
from senderauth.spf.record import MAX_KEPT, MacroString, Mechanism, Record, parse

Word = Literal["none", "neutral", "pass", "fail", "softfail", "temperror", "permerror"]

RESULTS: dict[str, Word] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}  # RFC 7208 4.6.2


@dataclass(frozen=True, slots=True)
class Directive:
    """One mechanism, ready to be matched."""

    kind: str
    """The mechanism's name; "network" for ip4 and ip6."""
    text: str
    """As written."""
    result: Word
    """Of a match."""
    term: Mechanism
    version: int
    """Of ip4 and ip6: 4 or 6."""
    shift: int
    """Of ip4 and ip6: the bits that do not count."""
    prefix: int
    """Of ip4 and ip6: the bits that count, as a number."""
    target: str | None
    """The name that it asks about: empty if malformed, None if it is the current domain or has macros."""


@dataclass(frozen=True, slots=True)
class Program:
    """A record, ready to be evaluated."""

    record: Record
    directives: tuple[Directive, ...]
    redirect: MacroString | None
    exp: MacroString | None
    asks: bool
    """Whether any of it needs DNS."""


def literal_name(spec: MacroString | None) -> str | None:
    """The name that a domain-spec without macros stands for, empty where that is none; None otherwise."""
    if spec is None or (text := spec.literal) is None:
        return None
    return _named(text) if len(text) <= names.MAX_NAME else names.normalise(shorten(text)) or ""


@lru_cache(maxsize=4_096)
def _named(text: str) -> str:
    return names.normalise(shorten(text)) or ""


def compiled(text: bytes) -> Program:
    """The record of that text, ready to be evaluated."""
    return _kept(text) if len(text) <= MAX_KEPT else _compiled(text)


def _compiled(text: bytes) -> Program:
    record = parse(text)
    mechanisms, redirect = record.mechanisms, record.redirect
    asks = redirect is not None or any(term.costs_lookup for term in mechanisms)
    return Program(record, tuple(map(_directive, mechanisms)), redirect, record.exp, asks)


_kept = lru_cache(maxsize=1_024)(_compiled)


def _directive(term: Mechanism) -> Directive:
    network = term.network
    if network is None:
        name, result = term.name, RESULTS[term.qualifier]
        return Directive(name, term.written, result, term, 0, 0, 0, literal_name(term.domain))
    shift = network.max_prefixlen - network.prefixlen
    prefix = int(network.network_address) >> shift
    return Directive(
        "network", term.written, RESULTS[term.qualifier], term, network.version, shift, prefix, None
    )
