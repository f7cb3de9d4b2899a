"""Master files (RFC 1035 5): text to records.

Theory of operation. The file is cut into entries, one record or directive each, with the line it begins
on. Entries of common shape (A, AAAA, MX, TXT, PTR, CNAME, NS, SOA; ordinary names) are read here; any other
entry, and one with a fault, is given to dnspython, which reads it or says what is wrong. So a plain zone
costs neither dnspython's import nor its time, and all notation that it knows is understood; a test holds
both ways together.

Comments that begin with `senderauth:` make names fail, which no record can:

    ; senderauth: timeout slow.example.com          every type at this name
    ; senderauth: servfail broken.example.com TXT   this type only
    ; senderauth: refused *.closed.example.com      every name below closed.example.com
"""

from __future__ import annotations

import re
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any, NamedTuple

from senderauth.dns.core import Status
from senderauth.dns.tokens import FaultError, Line, UncommonError, lines, ttl_seconds, unescaped

MAX_SIZE = 64 * 1024 * 1024
"""Octets of a file and all that it includes."""
MAX_INCLUDES = 100
MAX_GENERATED = 65_536
MAX_ALL_GENERATED = 4 * MAX_GENERATED
"""By all directives of a file and what it includes: 20 s and 250 MB, out of a few lines."""
DEFAULT_TTL = 300
"""Where neither the record, nor $TTL, nor an earlier record, nor an SOA says (RFC 2308 4)."""


class ZoneFileError(ValueError):
    """A zone file cannot be used: which, where, and why, in one line."""

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")
        self.file, self.line, self.what = file, line, what


class Entry(NamedTuple):
    """One record."""

    owner: str
    rdtype: str
    ttl: int
    value: Any
    """As in `Answer.records`; TXT as a tuple of strings."""
    place: tuple[str, int]
    """File and line."""


class Failure(NamedTuple):
    """A directive that makes a name fail."""

    status: Status
    name: str
    below: bool
    rdtype: str | None


class Master(NamedTuple):
    """What a file holds, its includes too."""

    origin: str | None
    """What the file's name or its first $ORIGIN says."""
    entries: list[Entry]
    failures: list[Failure]


def read(path: str | PathLike[str]) -> Master:
    """Reads a file. ZoneFileError if it cannot be used."""
    reader = _Reader(Path(path))
    reader.read(Path(path), 0)
    if not reader.entries and not reader.failures:
        raise ZoneFileError(str(path), 0, "there is no record in this file")
    return Master(reader.origin, reader.entries, reader.failures)


def entry_of(text: str) -> Entry:
    """One record written by itself, its names absolute with or without the last dot. Raises FaultError."""
    reader = _Reader(Path("record"))
    reader.origin = reader._current = ""
    for line in lines(text, []):
        if line.tokens[0][0] == "$":
            raise FaultError("a directive is no record")
        reader._entry(line)
    if len(reader.entries) != 1 or not reader.entries[0].owner:
        raise FaultError("not one record")
    return reader.entries[0]


_DIRECTIVE = re.compile(r"\s*senderauth\s*:(.*)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_*/-]+(?:\.[A-Za-z0-9_*/-]+)*\.?")


def origin_of(path: Path) -> str | None:
    """The zone that a file's name speaks of: example.com.zone, db.example.com, example.com."""
    name = path.name.lower()
    for ending in (".zone", ".db", ".txt", ".hosts", ".dns", ".master"):
        name = name.removesuffix(ending)
    name = name.removeprefix("db.")
    return name if "." in name and _NAME.fullmatch(name) else None


class _Reader:
    """Reads one file and what it includes."""

    def __init__(self, path: Path) -> None:
        self.entries: list[Entry] = []
        self.failures: list[Failure] = []
        self.origin = origin_of(path)
        self._root = path.resolve().parent
        self._size = self._files = self._generated = 0
        self._file = str(path)
        self._current: str | None = self.origin
        self._given = False
        self._owner: str | None = None
        self._default: int | None = None
        self._last: int | None = None
        self._minimum: int | None = None
        self._names: dict[str, str] = {}

    def read(self, path: Path, line: int) -> None:
        """Reads a file into the lists; `line` is that of the $INCLUDE."""
        shown, self._file = self._file, str(path)
        comments: list[tuple[int, str]] = []
        text = self._text(path, shown, line)
        number = 0
        try:
            for entry in lines(text, comments):
                number = entry.number
                self._entry(entry)
            for number, comment in comments:  # noqa: B007 - for the error below
                if "senderauth" in comment.lower():
                    self._comment(comment)
        except FaultError as error:
            at, what = error.args if len(error.args) == 2 else (number, error.args[0])
            raise ZoneFileError(self._file, at, what) from None
        self._file = shown

    def _text(self, path: Path, asked_by: str, line: int) -> str:
        where = (asked_by, line) if line else (str(path), 0)
        try:
            with path.open("rb") as file:
                octets = file.read(MAX_SIZE + 1 - self._size)
        except OSError as error:
            why = (error.strerror or "cannot be read").lower()
            raise ZoneFileError(*where, f"{path}: {why}" if line else why) from None
        self._size += len(octets)
        if self._size > MAX_SIZE:
            raise ZoneFileError(*where, f"larger than {MAX_SIZE >> 20} MB")
        if b"\0" in octets:
            raise ZoneFileError(str(path), octets[: octets.index(b"\0")].count(b"\n") + 1, "not a text file")
        try:
            return octets.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            at = octets[: error.start].count(b"\n") + 1
            raise ZoneFileError(str(path), at, f"octet {octets[error.start]:#04x} is not UTF-8") from None

    def _entry(self, line: Line) -> None:
        first = line.tokens[0]
        if first[0] == "$" and not line.continues:
            self._directive(line, first.upper(), line.tokens[1:])
            return
        try:
            self._record(line)
        except UncommonError:
            self._by_dnspython(line, self._spelled(line))

    def _record(self, line: Line) -> None:
        tokens = line.tokens
        position = 0
        if line.continues:
            if self._owner is None:
                raise FaultError("the first record has no owner name")
        else:
            self._owner = self._name(tokens[0], owner=True)
            position = 1
        ttl = None
        for _ in range(2):  # TTL and class, in either order
            token = tokens[position] if position < len(tokens) else ""
            if ttl is None and token[:1].isdigit() and (seconds := ttl_seconds(token)) is not None:
                ttl = self._last = seconds
                position += 1
            elif token in ("IN", "in"):
                position += 1
        if position >= len(tokens):
            raise FaultError("a record type is missing")
        rdtype = tokens[position].upper()
        read = _RDATA.get(rdtype)
        if read is None:
            raise UncommonError
        value = read(self, tokens[position + 1 :])
        if rdtype == "SOA":
            self._know_minimum(value)
        assert self._owner is not None
        self._add(line, self._owner, rdtype, self._ttl() if ttl is None else ttl, value)

    def _by_dnspython(self, line: Line, text: str) -> None:
        """An uncommon entry. A new SOA gives its own TTL if it must."""
        ttl: int | None = self._ttl()
        if self._default is self._last is self._minimum is None and "SOA" in map(str.upper, line.tokens):
            ttl = None
        try:
            found, last = _by_dnspython(text, self._current, ttl)
        except FaultError as error:
            shown = "".join(char for char in " ".join(line.tokens)[:60] if char.isprintable())
            raise FaultError(f"{shown}: {error.args[0]}") from None
        self._last = self._last if last is None else last
        for owner, rdtype, seconds, value in found:
            if rdtype == "SOA":
                self._know_minimum(value)
            self._add(line, owner, rdtype, seconds, value)

    def _know_minimum(self, soa: Any) -> None:
        if self._minimum is None:
            self._minimum = int(soa.rpartition(" ")[2])

    def _add(self, line: Line, owner: str, rdtype: str, ttl: int, value: Any) -> None:
        self.entries.append(Entry(owner, rdtype, ttl, value, (self._file, line.number)))

    def _ttl(self) -> int:
        for seconds in (self._default, self._last, self._minimum):
            if seconds is not None:
                return seconds
        return DEFAULT_TTL

    def _name(self, token: str, *, owner: bool = False) -> str:
        """A name, made absolute."""
        known = self._names.get(token)
        if known is not None:
            return known
        if token == "@" and self._current is not None:
            return self._current
        if token == ".":
            return ""
        if token != "@" and not _NAME.fullmatch(token):
            raise UncommonError
        if token[-1] == ".":
            name = token[:-1].lower()
        elif self._current is None:
            raise FaultError(f"{token!r} is relative, and neither $ORIGIN nor the file's name gives the zone")
        else:
            name = f"{token}.{self._current}".lower().removesuffix(".")
        if len(name) > 253 or any(len(label) > 63 for label in name.split(".")):
            raise FaultError(f"the name {name[:80]!r} is too long")
        if owner:  # owners repeat, and so do hosts; bounded by the file's size
            self._names[token] = name
        return name

    def _spelled(self, line: Line) -> str:
        """The entry with its owner written out, so that dnspython needs no memory."""
        if not line.continues:
            try:
                self._owner = self._name(line.tokens[0], owner=True)
            except UncommonError:
                self._owner = _odd_name(line.tokens[0], self._current)
            return line.text
        return f"{self._owner or ''}.{line.text}"

    def _directive(self, line: Line, name: str, tokens: list[str]) -> None:
        if name == "$TTL":
            self._default = ttl_seconds(tokens[0]) if len(tokens) == 1 else None
            if self._default is None:
                raise FaultError("$TTL needs one time, such as 3600 or 1h")
        elif name == "$ORIGIN":
            if len(tokens) != 1:
                raise FaultError("$ORIGIN needs one name")
            self._set_origin(tokens[0])
            if not self._given:
                self._given, self.origin = True, self._current
        elif name == "$INCLUDE":
            self._include(line, tokens)
        elif name == "$GENERATE":
            self._generate(line, tokens)
        else:
            raise FaultError(f"unknown directive {name[:20]!r}")

    def _set_origin(self, token: str) -> None:
        try:
            self._current = self._name(token)
        except UncommonError:
            self._current = _odd_name(token, self._current)
        self._names.clear()

    def _include(self, line: Line, tokens: list[str]) -> None:
        """$INCLUDE file [origin]: the origin of what follows stays as it was (RFC 1035 5.1)."""
        if not 1 <= len(tokens) <= 2:
            raise FaultError("$INCLUDE needs a file and perhaps an origin")
        path = Path(self._file).parent / unescaped(tokens[0].removeprefix('"')).decode("utf-8", "replace")
        self._files += 1
        if self._files > MAX_INCLUDES:
            raise FaultError(f"more than {MAX_INCLUDES} files are included")
        if not path.resolve().is_relative_to(self._root):
            raise FaultError("only files beside this one or below may be included")
        before = self._current, self._owner, self._default
        if len(tokens) == 2:
            self._set_origin(tokens[1])
        self.read(path, line.number)
        self._current, self._owner, self._default = before
        self._names.clear()

    def _generate(self, line: Line, tokens: list[str]) -> None:
        found = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,9})(?:/([0-9]{1,9}))?", tokens[0]) if tokens else None
        if found is None:
            raise FaultError("$GENERATE needs a range such as 1-20")
        count = (int(found[2]) - int(found[1])) // max(int(found[3] or 1), 1) + 1
        if count > MAX_GENERATED:
            raise FaultError(f"$GENERATE of more than {MAX_GENERATED} records")
        self._generated += max(count, 0)
        if self._generated > MAX_ALL_GENERATED:
            raise FaultError(f"$GENERATE of more than {MAX_ALL_GENERATED} records in all")
        self._by_dnspython(line, line.text)

    def _comment(self, comment: str) -> None:
        found = _DIRECTIVE.match(comment)
        if found is None:
            return
        words = found[1].split()
        status = {"timeout": Status.TIMEOUT, "servfail": Status.SERVFAIL, "refused": Status.REFUSED}.get(
            words[0].lower() if words else ""
        )
        if status is None or not 2 <= len(words) <= 3:
            raise FaultError("write ; senderauth: timeout|servfail|refused NAME [TYPE]")
        name = words[1].lower().removesuffix(".")
        rdtype = words[2].upper() if len(words) == 3 else None
        self.failures.append(Failure(status, name.removeprefix("*."), name.startswith("*."), rdtype))

    # --- record data ------------------------------------------------------------------------------

    def _a(self, tokens: list[str]) -> str:
        return self._address(AF_INET, tokens)

    def _aaaa(self, tokens: list[str]) -> str:
        return self._address(AF_INET6, tokens)

    def _address(self, family: Any, tokens: list[str]) -> str:
        try:
            (token,) = tokens
            return inet_ntop(family, inet_pton(family, token))
        except (ValueError, OSError):
            raise UncommonError from None

    def _host(self, tokens: list[str]) -> str:
        if len(tokens) != 1:
            raise UncommonError
        return self._name(tokens[0])

    def _mx(self, tokens: list[str]) -> tuple[int, str]:
        if len(tokens) != 2 or not _number(tokens[0], 65_535):
            raise UncommonError
        return int(tokens[0]), self._name(tokens[1])

    def _txt(self, tokens: list[str]) -> tuple[bytes, ...]:
        strings = tuple([unescaped(token.removeprefix('"')) for token in tokens])
        if not strings or max(map(len, strings)) > 255:
            raise UncommonError
        return strings

    def _soa(self, tokens: list[str]) -> str:
        if len(tokens) != 7 or not _number(tokens[2], (1 << 32) - 1):
            raise UncommonError
        hosts = [self._name(token) or "." for token in tokens[:2]]
        times = [ttl_seconds(token) for token in tokens[3:]]
        if None in times:
            raise UncommonError
        return " ".join([*hosts, str(int(tokens[2])), *map(str, times)])


_RDATA: dict[str, Callable[[_Reader, list[str]], Any]] = {
    "A": _Reader._a,
    "AAAA": _Reader._aaaa,
    "CNAME": _Reader._host,
    "NS": _Reader._host,
    "PTR": _Reader._host,
    "MX": _Reader._mx,
    "TXT": _Reader._txt,
    "SOA": _Reader._soa,
}


def _number(text: str, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= most


# --- dnspython -------------------------------------------------------------------------------------


def _odd_name(token: str, origin: str | None) -> str:
    """A name with escapes or characters beyond ASCII."""
    import dns.exception
    import dns.name

    from senderauth.dns.guest import host_text

    base = dns.name.root if not origin else dns.name.from_text(origin)
    try:
        return host_text(dns.name.from_text(token, base))
    except (dns.exception.DNSException, UnicodeError, ValueError) as error:
        raise FaultError(f"{token[:80]!r} is not a name: {_first_line(error)}") from None


class _Collector:
    """As much of dnspython's transaction as its reader of master files uses."""

    def __init__(self) -> None:
        self.manager = self
        self.found: list[tuple[Any, int, Any]] = []

    def origin_information(self) -> tuple[Any, bool, Any]:
        """Names stay absolute, whatever zone they are in."""
        import dns.name

        return dns.name.root, False, dns.name.root

    def check_put_rdataset(self, _: object) -> None:
        """Its checks are made elsewhere."""

    def add(self, name: Any, ttl: int, rdata: Any) -> None:
        """Takes a record."""
        self.found.append((name, ttl, rdata))


def _by_dnspython(
    text: str, origin: str | None, ttl: int | None
) -> tuple[list[tuple[str, str, int, Any]], int | None]:
    """The records of one entry, and the TTL that it states."""
    import dns.exception
    import dns.name
    import dns.rdataclass
    import dns.rdatatype
    import dns.tokenizer
    import dns.zonefile

    from senderauth.dns.guest import host_text, values

    collector = _Collector()
    reader = dns.zonefile.Reader(
        dns.tokenizer.Tokenizer(text + "\n", "record"),
        dns.rdataclass.IN,
        collector,  # type: ignore[arg-type]
        default_ttl=ttl,
    )
    reader.current_origin = dns.name.from_text(origin) if origin else dns.name.root
    try:
        reader.read()
    except (dns.exception.DNSException, ValueError) as error:
        raise FaultError(_first_line(error)) from None
    found: list[tuple[str, str, int, Any]] = []
    for name, seconds, rdata in collector.found:
        records, strings = values([rdata])
        value = (strings or records)[0]
        found.append((host_text(name), dns.rdatatype.to_text(rdata.rdtype), seconds, value))
    return found, reader.last_ttl if reader.last_ttl_known else None


def _first_line(error: BaseException) -> str:
    """dnspython's words without its own file and line."""
    text = str(error).partition("\n")[0] or type(error).__name__
    text = re.sub(r"^record:[0-9]+: ", "", text)
    text = re.sub(r"^caught exception <class '[\w.]*?(\w+)'>: ?", r"\1: ", text)
    return "".join(char for char in text if char.isprintable())[:200] or "syntax error"
