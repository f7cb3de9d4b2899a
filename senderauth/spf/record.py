"""SPF records: text to value and back (RFC 7208 4.6, 7.1, 12).

A record is parsed whole before any of it is evaluated, and every fault is kept with its place: an
evaluator stops at the first, a person wants them all. The grammar is here; what people mean by what is
outside the grammar is in `mistakes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import field
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from socket import AF_INET, inet_pton
from typing import Literal

from senderauth.spf import mistakes
from senderauth.spf.fault import FaultError
from senderauth.values import Problem, Span, frozen

Qualifier = Literal["+", "-", "~", "?"]
MechanismName = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]

LOOKUP_TERMS = frozenset({"include", "a", "mx", "ptr", "exists", "redirect"})  # RFC 7208 4.6.4
NAME_LETTERS = frozenset("slodiphv")
EXPLANATION_LETTERS = NAME_LETTERS | {"c", "r", "t"}  # RFC 7208 7.2

MAX_RECORD = 65_535
"""Octets; one DNS message holds no more."""
MAX_PROBLEMS = 100
MAX_SHOWN = 200
"""Characters of a faulty term that its problem quotes."""

_TERM = re.compile(r"([+\-~?]?)([A-Za-z][A-Za-z0-9\-_.]*)([:=/]?)(.*)")
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]{0,2}))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_PREFIX = re.compile(r"0|[1-9][0-9]{0,2}")
_MACRO = re.compile(r"\{([A-Za-z])([0-9]*)([rR]?)([.\-+,/_=]*)\}")
_TOP_LABEL = re.compile(r"\.([A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?)\.?\Z")
_ESCAPED_END = re.compile(r"(?<!%)(?:%%)*(?:%%|%[_-])\Z")  # "%%_" ends with an underscore
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}  # RFC 7208 7.1


@frozen
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


@frozen
class MacroString:
    """A macro-string or domain-spec, taken apart."""

    text: str
    parts: tuple[str | Macro, ...] = field(compare=False)
    literal: str | None = field(compare=False)
    """The text without escapes where there is no macro in it, else None."""
    letters: frozenset[str] = field(default=frozenset(), compare=False)
    """The macro letters in use."""


@frozen
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
    """Its place in the record's text."""
    written: str = field(default="", compare=False)
    """As it stands in the record."""

    def __str__(self) -> str:
        return _as_written(self)

    @property
    def canonical(self) -> str:
        """The shortest way to write it."""
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


@frozen
class Modifier:
    """redirect, exp, or one that nobody knows (RFC 7208 6)."""

    name: str
    """In lower case."""
    value: MacroString
    span: Span = field(default=Span(0, 0), compare=False)
    written: str = field(default="", compare=False)

    def __str__(self) -> str:
        return _as_written(self)

    @property
    def canonical(self) -> str:
        """The name in lower case, and the value."""
        return f"{self.name}={self.value.text}"


Term = Mechanism | Modifier


@frozen
class Record:
    """A record, parsed whole. Edit it with `dataclasses.replace`: a term left as it was is written so."""

    terms: tuple[Term, ...]
    """In the order in which they stand. Terms with faults are left out."""
    problems: tuple[Problem, ...] = ()
    """Syntax errors, each of which alone makes the record a permerror (RFC 7208 4.6)."""
    text: str = field(default="", compare=False)
    """As published, one character an octet; str() of the record is the text of its terms."""

    def __str__(self) -> str:
        return " ".join(("v=spf1", *map(str, self.terms)))

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        """The directives, in order."""
        return tuple([term for term in self.terms if isinstance(term, Mechanism)])

    @property
    def redirect(self) -> MacroString | None:
        """Where to go on if nothing matched; None if there is an `all` anywhere (RFC 7208 6.1)."""
        found = self._modifier("redirect")
        if found is None or any(t.name == "all" and isinstance(t, Mechanism) for t in self.terms):
            return None
        return found

    @property
    def exp(self) -> MacroString | None:
        """Where the explanation stands (RFC 7208 6.2)."""
        return self._modifier("exp")

    def _modifier(self, name: str) -> MacroString | None:
        for term in self.terms:
            if term.name == name and isinstance(term, Modifier):
                return term.value
        return None


_VERSIONS = (b"v=spf1 ", b"v=spf1")


def is_spf(text: bytes) -> bool:
    """Whether a TXT record is an SPF record: "v=spf1", then a space or nothing (RFC 7208 4.5)."""
    return text[:7].lower() in _VERSIONS


def select(texts: Iterable[bytes]) -> list[bytes]:
    """The SPF records among TXT records (RFC 7208 4.5)."""
    return [text for text in texts if is_spf(text)]


def parse(text: bytes | str) -> Record:
    """Takes a record apart. Octets beyond ASCII are faults with their place, as is all else that RFC 7208
    12 does not allow. The version section is expected; what is not an SPF record has one problem.
    """
    given = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return _kept(given) if len(given) <= MAX_KEPT else _parse(given)


MAX_KEPT = 2_048
"""Octets; longer records are parsed anew each time, so that hostile ones do not fill the memory."""


@lru_cache(maxsize=1_024)
def _kept(given: bytes) -> Record:
    return _parse(given)


def _parse(given: bytes) -> Record:
    text = given.decode("latin-1")
    if not is_spf(given):
        return Record((), (Problem("spf-not-a-record", Span(0, min(6, len(text)))),), text)
    if len(text) > MAX_RECORD:
        return Record((), (Problem("spf-record-oversized", Span(0, 6), {"length": len(text)}),), text[:256])
    terms = _sound_terms(text)
    if terms is not None:
        return Record(tuple(terms), (), text)
    terms = []
    problems: list[Problem] = []
    words = _words(text)
    index = 0
    while index < len(words) and len(problems) < MAX_PROBLEMS:
        start, word = words[index]
        index += 1
        try:
            term = parse_term(word, start)
            if term.name in _ONCE and any(term.name == other.name for other in terms):  # RFC 7208 6
                raise FaultError("spf-modifier-twice", modifier=term.name)
            terms.append(term)
        except FaultError as strict:
            following = words[index][1] if index < len(words) else ""
            fault = mistakes.recognised(word, following, strict)
            end = len(word) if fault.end is None else fault.end
            if fault.takes_next:
                end = words[index][0] + len(following) - start
                index += 1
            facts = {"term": text[start : start + max(len(word), end)][:MAX_SHOWN], **fault.facts}
            problems.append(Problem(fault.id, Span(start + fault.start, start + end), facts))
    return Record(tuple(terms), tuple(problems), text)


_ONCE = ("redirect", "exp")


def _sound_terms(text: str) -> list[Term] | None:
    """The terms of a record without faults, as nearly all are; None where something has to be told of one."""
    terms: list[Term] = []
    position = 6
    try:
        for word in text[6:].split(" "):
            length = len(word)
            if length:
                kept = length <= MAX_KEPT_TERM
                terms.append(_known_term(word, position) if kept else _parse_term(word, position))
            position += length + 1
    except FaultError:
        return None
    if "=" in text[6:]:
        once = [term.name for term in terms if term.name in _ONCE]
        return terms if len(set(once)) == len(once) else None  # RFC 7208 6
    return terms


def _words(text: str) -> list[tuple[int, str]]:
    """What stands between spaces after the version, and where. Only SP separates (RFC 7208 4.6.1)."""
    words, position = [], 6
    for word in text[6:].split(" "):
        if word:
            words.append((position, word))
        position += len(word) + 1
    return words


def parse_term(word: str, start: int = 0) -> Term:
    """One term of a record. Raises FaultError, which `parse` makes a problem."""
    return _known_term(word, start) if len(word) <= MAX_KEPT_TERM else _parse_term(word, start)


MAX_KEPT_TERM = 64
"""Characters; `~all` and the providers' includes come again and again."""


@lru_cache(maxsize=2_048)
def _known_term(word: str, start: int) -> Term:
    return _parse_term(word, start)


def _parse_term(word: str, start: int) -> Term:
    if not word.isascii() or not word.isprintable() or " " in word:
        bad = next(i for i, char in enumerate(word) if not "!" <= char <= "~")
        kind = "spf-not-ascii" if word[bad] > "\x7f" else "spf-control-character"
        raise FaultError(kind, bad, bad + 1, code=f"0x{ord(word[bad]):02x}")
    match = _TERM.fullmatch(word)
    if match is None:
        raise FaultError("spf-not-a-term")
    qualifier, name, separator, rest = match.groups()
    span, offset = Span(start, start + len(word)), match.start(4)
    if separator == "=":
        if qualifier:
            raise FaultError("spf-qualified-modifier", 0, 1, meant=f"{word[1:]}")
        return _modifier(name.lower(), rest, offset, span, word)
    argument = separator + rest
    return _mechanism(qualifier or "+", name.lower(), argument, offset - len(separator), span, word)


def _modifier(name: str, value: str, offset: int, span: Span, word: str) -> Modifier:
    if name in _ONCE:
        return Modifier(name, _domain_spec(value, offset), span, word)
    return Modifier(name, macro_string(value, offset), span, word)


def _mechanism(qualifier: str, name: str, argument: str, offset: int, span: Span, word: str) -> Mechanism:
    q: Qualifier = qualifier  # type: ignore[assignment]
    match name:  # the commonest first
        case "ip4" | "ip6":
            if not argument.startswith(":") or argument == ":":
                raise FaultError("spf-argument-missing", mechanism=name)
            return Mechanism(name, q, None, _network(name, argument[1:], offset + 1), None, None, span, word)
        case "all":
            if argument:
                raise FaultError("spf-all-with-argument", offset)
            return Mechanism("all", q, span=span, written=word)
        case "include" | "exists":
            if not argument.startswith(":"):
                raise FaultError("spf-argument-missing", mechanism=name)
            return Mechanism(name, q, _domain_spec(argument[1:], offset + 1), span=span, written=word)
        case "ptr":
            domain = _domain_spec(argument[1:], offset + 1) if argument.startswith(":") else None
            if argument and domain is None:
                raise FaultError("spf-prefix-not-allowed", offset, mechanism=name)
            return Mechanism("ptr", q, domain, span=span, written=word)
        case "a" | "mx":
            return _a_or_mx(name, q, argument, offset, span, word)
    raise FaultError("spf-unknown-mechanism", mechanism=name[:MAX_SHOWN])


def _a_or_mx(
    name: Literal["a", "mx"], qualifier: Qualifier, argument: str, offset: int, span: Span, word: str
) -> Mechanism:
    cidr = _DUAL_CIDR.search(argument)
    assert cidr is not None  # the empty match at the end always is there
    prefix4 = None if cidr[1] is None else int(cidr[1])
    prefix6 = None if cidr[2] is None else int(cidr[2])
    if (prefix4 or 0) > 32 or (prefix6 or 0) > 128:
        raise FaultError("spf-prefix-too-long", offset + cidr.start())
    spec = argument[: cidr.start()]
    domain = None
    if spec.startswith(":"):
        domain = _domain_spec(spec[1:], offset + 1)
    elif spec:
        raise FaultError("spf-prefix-malformed", offset)
    return Mechanism(name, qualifier, domain, None, prefix4, prefix6, span, word)


def _network(name: str, text: str, offset: int) -> IPv4Network | IPv6Network:
    address, slash, prefix = text.partition("/")
    longest = 32 if name == "ip4" else 128
    length = longest
    try:
        if name == "ip4":
            number = _number4(address)
        else:
            if "%" in address:  # a scope (RFC 4007), which is no part of RFC 4291's text forms
                raise AddressValueError
            number = int(IPv6Address(address))
    except AddressValueError:
        raise FaultError("spf-not-an-address", offset, offset + len(address), family=name) from None
    if slash:
        if not _PREFIX.fullmatch(prefix):  # no leading zeros (RFC 7208 12)
            raise FaultError("spf-prefix-malformed", offset + len(address))
        length = int(prefix)
        if length > longest:
            raise FaultError("spf-prefix-too-long", offset + len(address))
    number = number >> (longest - length) << (longest - length)
    return IPv4Network((number, length)) if name == "ip4" else IPv6Network((number, length))


def _number4(address: str) -> int:
    """By the system's own parser, in a tenth of the time; what that does not take, IPv4Address judges."""
    try:
        return int.from_bytes(inet_pton(AF_INET, address))
    except OSError:
        return int(IPv4Address(address))


def _domain_spec(text: str, offset: int) -> MacroString:
    """domain-spec = macro-string domain-end (RFC 7208 7.1)."""
    if not text:
        raise FaultError("spf-domain-missing", offset - 1, offset)
    spec = macro_string(text, offset, NAME_LETTERS)
    last = spec.parts[-1]
    if isinstance(last, str) and not _ESCAPED_END.search(text):
        top = _TOP_LABEL.search(last)
        if top is None or top[1].isdigit():
            raise FaultError("spf-domain-malformed", offset, written=text[:MAX_SHOWN])
    return spec


def macro_string(text: str, offset: int = 0, letters: frozenset[str] = EXPLANATION_LETTERS) -> MacroString:
    """Takes a macro-string apart (RFC 7208 7.1). Raises FaultError with its place, counted from offset."""
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
        if following and following in _ESCAPES:
            literal.append(_ESCAPES[following])
            position = percent + 2
            continue
        match = _MACRO.match(text, percent + 1)
        keep = match and match[2].lstrip("0")
        if match is None or (match[2] and not keep):  # zero parts are none (RFC 7208 7.3)
            end = min(percent + 2, len(text))
            raise FaultError("spf-macro-malformed", offset + percent, offset + end)
        letter = match[1].lower()
        if letter not in EXPLANATION_LETTERS:
            raise FaultError("spf-macro-malformed", offset + percent, offset + match.end())
        if letter not in letters:
            raise FaultError("spf-macro-not-allowed", offset + percent, offset + match.end(), letter=letter)
        parts += filter(None, ("".join(literal),))
        literal = []
        # a thousand is more parts than any value has, and int() of a long text takes quadratic time
        count = int(keep) if keep and len(keep) < 4 else 1_000 if keep else 0
        parts.append(Macro(letter, count, bool(match[3]), match[4] or ".", match[1].isupper()))
        position = match.end()
    parts += filter(None, ("".join(literal),))
    used = frozenset(part.letter for part in parts if isinstance(part, Macro))
    return MacroString(text, tuple(parts), None if used else "".join(literal), used)


@lru_cache(maxsize=512)
def explanation_string(text: str) -> MacroString | None:
    """An explain-string: macro-strings and spaces (RFC 7208 6.2); None where it is malformed."""
    if not text.isprintable() or not text.isascii():
        return None
    try:
        return macro_string(text)
    except FaultError:
        return None


def _as_written(term: Term) -> str:
    """As it stood in the record if it still says that, so that an edit leaves the rest of a record alone."""
    if term.written:
        try:
            if parse_term(term.written) == term:
                return term.written
        except FaultError:
            pass
    return term.canonical
