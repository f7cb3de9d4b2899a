"""SPF records: text to value and back (RFC 7208 4.6, 7.1, 12).

A record is parsed whole before any of it is evaluated, and every fault is kept with its place: an
evaluator stops at the first, a person wants them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal

from senderauth import names
from senderauth.values import Problem, Span

Qualifier = Literal["+", "-", "~", "?"]
MechanismName = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]

MAX_RECORD = 65_536
MAX_PROBLEMS = 100
LOOKUP_TERMS = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})  # RFC 7208 4.6.4

# What people write for what they mean.
LOOKALIKES = {
    "ip": "ip4",
    "ipv4": "ip4",
    "ipv6": "ip6",
    "ipaddress": "ip4",
    "includes": "include",
    "incude": "include",
    "inlcude": "include",
    "host": "a",
    "domain": "include",
    "aaaa": "a",
    "exist": "exists",
    "al": "all",
}

_TERM = re.compile(r"([+\-~?]?)([A-Za-z][A-Za-z0-9\-_.]*)([:=/]?)(.*)", re.DOTALL)
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]{0,2}))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_MACRO = re.compile(r"\{([A-Za-z])([0-9]*)([rR]?)([.\-+,/_=]*)\}")
_TOP_LABEL = re.compile(r"\.([A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?)\.?\Z")
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}  # RFC 7208 7.1


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro-expand, e.g. `%{d1r-}` (RFC 7208 7.1)."""

    letter: str
    """In lower case."""
    keep: int = 0
    """How many parts from the right; 0: all."""
    reverse: bool = False
    delimiters: str = "."
    escape: bool = False
    """An upper-case letter: what comes out is URL-escaped."""


@dataclass(frozen=True, slots=True)
class MacroString:
    """A macro-string or domain-spec, taken apart."""

    text: str
    parts: tuple[str | Macro, ...] = field(compare=False)
    literal: str | None = field(compare=False)
    """The text without escapes where there is no macro in it, else None."""

    @property
    def letters(self) -> frozenset[str]:
        """The macro letters in use."""
        return frozenset(part.letter for part in self.parts if isinstance(part, Macro))


@dataclass(frozen=True, slots=True)
class Mechanism:
    """A directive: what it matches and what a match means (RFC 7208 4.6.1)."""

    name: MechanismName
    qualifier: Qualifier = "+"
    domain: MacroString | None = None
    network: IPv4Network | IPv6Network | None = None
    """Of ip4 and ip6."""
    prefix4: int | None = None
    """The ip4-cidr-length of a and mx, where written."""
    prefix6: int | None = None
    span: Span = field(default=Span(0, 0), compare=False)
    written: str = field(default="", compare=False)
    """As it stands in the record."""

    def __str__(self) -> str:
        text = ("" if self.qualifier == "+" else self.qualifier) + self.name
        if self.network is not None:
            single = self.network.prefixlen == self.network.max_prefixlen
            return f"{text}:{self.network.network_address if single else self.network}"
        if self.domain is not None:
            text += ":" + self.domain.text
        if self.prefix4 is not None:
            text += f"/{self.prefix4}"
        if self.prefix6 is not None:
            text += f"//{self.prefix6}"
        return text

    @property
    def costs_lookup(self) -> bool:
        """Whether it counts towards the ten (RFC 7208 4.6.4)."""
        return self.name in LOOKUP_TERMS


@dataclass(frozen=True, slots=True)
class Modifier:
    """redirect, exp, or one that nobody knows (RFC 7208 6)."""

    name: str
    """In lower case."""
    value: MacroString
    span: Span = field(default=Span(0, 0), compare=False)
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name}={self.value.text}"


Term = Mechanism | Modifier


@dataclass(frozen=True, slots=True)
class Record:
    """A record, parsed whole."""

    terms: tuple[Term, ...]
    """In the order in which they stand. Terms with faults are left out."""
    problems: tuple[Problem, ...] = ()
    """Syntax errors, each of which alone makes the record a permerror."""
    text: str = field(default="", compare=False)
    mechanisms: tuple[Mechanism, ...] = field(init=False, compare=False, repr=False)
    """The directives, in order."""
    redirect: MacroString | None = field(init=False, compare=False, repr=False)
    """Where to go on if nothing matched; None if there is an `all` anywhere (RFC 7208 6.1)."""
    exp: MacroString | None = field(init=False, compare=False, repr=False)
    """Where the explanation stands."""

    def __post_init__(self) -> None:
        # worked out once: a record that others include is evaluated over and over
        mechanisms = tuple(term for term in self.terms if isinstance(term, Mechanism))
        modifiers = {term.name: term.value for term in self.terms if isinstance(term, Modifier)}
        ends = any(term.name == "all" for term in mechanisms)
        object.__setattr__(self, "mechanisms", mechanisms)
        object.__setattr__(self, "redirect", None if ends else modifiers.get("redirect"))
        object.__setattr__(self, "exp", modifiers.get("exp"))

    def __str__(self) -> str:
        return " ".join(("v=spf1", *map(str, self.terms)))


class _FaultError(Exception):
    """One syntax error; never leaves this file."""

    def __init__(self, id: str, start: int = 0, end: int | None = None, **facts: object) -> None:
        super().__init__(id)
        self.id, self.start, self.end, self.facts = id, start, end, facts


def is_spf(text: bytes) -> bool:
    """Whether a TXT record is an SPF record: "v=spf1", then a space or nothing (RFC 7208 4.5)."""
    return text[:6].lower() == b"v=spf1" and (len(text) == 6 or text[6:7] == b" ")


def select(texts: Iterable[bytes]) -> list[bytes]:
    """The SPF records among TXT records (RFC 7208 4.5)."""
    return [text for text in texts if is_spf(text)]


def parse(text: bytes | str) -> Record:
    """Takes a record apart. Octets beyond ASCII are faults with their place, as all else that RFC 7208
    12 does not allow. The version section is expected; what is not an SPF record has one problem.
    """
    return _parse(text)


@lru_cache(maxsize=4_096)
def _parse(given: bytes | str) -> Record:
    text = given.decode("latin-1") if isinstance(given, bytes) else given
    if not is_spf(text[:7].encode("utf-8", "replace")):
        return Record((), (Problem("spf-not-a-record", Span(0, min(6, len(text)))),), text)
    if len(text) > MAX_RECORD:
        return Record((), (Problem("spf-record-oversized", Span(0, 6), {"length": len(text)}),), text[:256])
    terms: list[Term] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    position = 6
    for word in text[6:].split(" "):
        start, position = position, position + len(word) + 1
        if not word:
            continue
        try:
            term = _term(word, start)
            if isinstance(term, Modifier) and term.name in ("redirect", "exp"):
                if term.name in seen:  # RFC 7208 6
                    raise _FaultError("spf-modifier-twice", modifier=term.name)
                seen.add(term.name)
            terms.append(term)
        except _FaultError as fault:
            end = len(word) if fault.end is None else fault.end
            facts = {"term": word[:200], **fault.facts}
            problems.append(Problem(fault.id, Span(start + fault.start, start + end), facts))
            if len(problems) == MAX_PROBLEMS:
                break
    return Record(tuple(terms), tuple(problems), text)


def _term(word: str, start: int) -> Term:
    if not word.isascii() or not word.isprintable():
        bad = next(i for i, char in enumerate(word) if not "!" <= char <= "~")
        kind = "spf-not-ascii" if word[bad] > "\x7f" else "spf-control-character"
        raise _FaultError(kind, bad, bad + 1, code=f"0x{ord(word[bad]):02x}")
    match = _TERM.fullmatch(word)
    if match is None:
        raise _FaultError("spf-not-a-term")
    qualifier, name, separator, rest = match.groups()
    span, offset = Span(start, start + len(word)), match.start(4)
    if separator == "=":
        if qualifier:
            raise _FaultError("spf-qualified-modifier", 0, 1)
        return _modifier(name.lower(), rest, offset, span, word)
    argument = separator + rest
    return _mechanism(qualifier or "+", name.lower(), argument, offset - len(separator), span, word)


def _modifier(name: str, value: str, offset: int, span: Span, word: str) -> Modifier:
    if name in ("redirect", "exp"):
        return Modifier(name, _domain_spec(value, offset), span, word)
    return Modifier(name, macro_string(value, offset, "slodiphcrtv"), span, word)


def _mechanism(qualifier: str, name: str, argument: str, offset: int, span: Span, word: str) -> Mechanism:
    q: Qualifier = qualifier  # type: ignore[assignment]
    match name:
        case "all":
            if argument:
                raise _FaultError("spf-all-with-argument", offset)
            return Mechanism("all", q, span=span, written=word)
        case "include" | "exists":
            if not argument.startswith(":"):
                raise _FaultError("spf-argument-missing", mechanism=name)
            return Mechanism(name, q, _domain_spec(argument[1:], offset + 1), span=span, written=word)
        case "ptr":
            domain = _domain_spec(argument[1:], offset + 1) if argument.startswith(":") else None
            if argument and domain is None:
                raise _FaultError("spf-not-a-term", offset)
            return Mechanism("ptr", q, domain, span=span, written=word)
        case "a" | "mx":
            return _a_or_mx(name, q, argument, offset, span, word)
        case "ip4" | "ip6":
            if not argument.startswith(":") or argument == ":":
                raise _FaultError("spf-argument-missing", mechanism=name)
            return Mechanism(
                name, q, network=_network(name, argument[1:], offset + 1), span=span, written=word
            )
    meant = LOOKALIKES.get(name) or (name.rstrip(".") if name.rstrip(".") in ("all", "a", "mx") else None)
    if meant is not None:
        raise _FaultError("spf-mechanism-misspelt", 0, None, mechanism=name, meant=meant)
    if names.hostname(name) is not None:
        raise _FaultError("spf-bare-domain", 0, None, written=name)
    raise _FaultError("spf-mechanism-unknown", mechanism=name)


def _a_or_mx(
    name: Literal["a", "mx"], qualifier: Qualifier, argument: str, offset: int, span: Span, word: str
) -> Mechanism:
    cidr = _DUAL_CIDR.search(argument)
    assert cidr is not None  # the empty match at the end always is there
    prefix4 = None if cidr[1] is None else int(cidr[1])
    prefix6 = None if cidr[2] is None else int(cidr[2])
    if (prefix4 or 0) > 32 or (prefix6 or 0) > 128:
        raise _FaultError("spf-prefix-too-long", offset + cidr.start())
    spec = argument[: cidr.start()]
    domain = None
    if spec.startswith(":"):
        domain = _domain_spec(spec[1:], offset + 1)
    elif spec:
        raise _FaultError("spf-prefix-malformed", offset)
    return Mechanism(name, qualifier, domain, None, prefix4, prefix6, span, word)


def _network(name: str, text: str, offset: int) -> IPv4Network | IPv6Network:
    address, slash, prefix = text.partition("/")
    longest = 32 if name == "ip4" else 128
    length = longest
    if slash:
        # a leading zero is outside the grammar (RFC 7208 12, ip4-cidr-length)
        if not prefix.isdigit() or (len(prefix) > 1 and prefix[0] == "0") or len(prefix) > 3:
            raise _FaultError("spf-prefix-malformed", offset + len(address))
        length = int(prefix)
        if length > longest:
            raise _FaultError("spf-prefix-too-long", offset + len(address))
    try:
        if name == "ip4":
            return IPv4Network((int(IPv4Address(address)) >> (32 - length) << (32 - length), length))
        if "%" in address:
            raise AddressValueError
        return IPv6Network((int(IPv6Address(address)) >> (128 - length) << (128 - length), length))
    except AddressValueError:
        other = "ip6" if name == "ip4" else "ip4"
        raise _FaultError(
            "spf-not-an-address", offset, offset + len(address), family=name, other=other
        ) from None


def _domain_spec(text: str, offset: int) -> MacroString:
    """domain-spec = macro-string domain-end (RFC 7208 7.1)."""
    if not text:
        raise _FaultError("spf-domain-missing", max(0, offset - 1))
    spec = macro_string(text, offset, "slodiphv")  # c, r, t only in explanations (RFC 7208 7.2)
    last = spec.parts[-1]
    if isinstance(last, str) and not text.endswith(("%%", "%_", "%-")):
        top = _TOP_LABEL.search(last)
        if top is None:
            raise _FaultError("spf-domain-malformed", offset, written=text[:200])
        if top[1].isdigit():
            raise _FaultError("spf-address-as-domain", offset, written=text[:200])
    return spec


def macro_string(text: str, offset: int = 0, letters: str = "slodiphcrtv") -> MacroString:
    """Takes a macro-string apart (RFC 7208 7.1). Raises the fault that parse() reports."""
    if "%" not in text:
        return MacroString(text, (text,) if text else (), text)
    parts: list[str | Macro] = []
    literal: list[str] = []
    position = 0
    while position < len(text):
        percent = text.find("%", position)
        if percent < 0:
            literal.append(text[position:])
            break
        literal.append(text[position:percent])
        following = text[percent + 1 : percent + 2]
        if following in _ESCAPES and following:
            literal.append(_ESCAPES[following])
            position = percent + 2
            continue
        match = _MACRO.match(text, percent + 1)
        if match is None or (match[2] and int(match[2][:9]) == 0):
            raise _FaultError("spf-macro-malformed", offset + percent, offset + percent + 2)
        letter = match[1].lower()
        if letter not in letters:
            raise _FaultError("spf-macro-not-allowed", offset + percent, offset + match.end(), letter=letter)
        if any(literal):
            parts.append("".join(literal))
        literal = []
        keep = min(int(match[2][:9] or 0), 1_000)
        parts.append(Macro(letter, keep, bool(match[3]), match[4] or ".", match[1].isupper()))
        position = match.end()
    if any(literal):
        parts.append("".join(literal))
    whole = parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None
    return MacroString(text, tuple(parts), whole)


def explanation_string(text: str) -> MacroString | None:
    """An explain-string: macro-strings and spaces (RFC 7208 6.2); None where it is malformed."""
    try:
        return macro_string(text)
    except _FaultError:
        return None
