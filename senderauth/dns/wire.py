"""DNS messages: questions to octets, octets to what they say about the question.

Theory of operation. `read` takes the common shapes itself (A, AAAA, MX, TXT, PTR, CNAME, NS, SOA in any
section, compressed names of ordinary letters, an OPT record with extended errors) and gives up with
None on anything else: other types or classes, escapes in names, several questions, whatever is wrong.
`guest.interpret` then asks dnspython. Both give the same `Reply`, which a fuzz test over generated and
mutated messages proves; so the short way is only speed, a fiftieth of the cost, and never a matter of
judgement.

Names are in lower case and A-labels without the final dot; the root, thus the host of a null MX
(RFC 7505), is "". A label with a dot or another special character inside is in master file notation
(RFC 1035 5.1), as dnspython writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from socket import AF_INET, AF_INET6, inet_ntop
from struct import Struct, error
from typing import Any, NamedTuple

MAX_CHAIN = 16
"""CNAMEs followed for one question."""
MAX_NOTE = 200
UDP_SIZE = 1232
"""Octets offered by EDNS: fits every path without fragments."""

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, OPT = 1, 2, 5, 6, 12, 15, 16, 28, 41
TYPES = {"A": A, "NS": NS, "CNAME": CNAME, "SOA": SOA, "PTR": PTR, "MX": MX, "TXT": TXT, "AAAA": AAAA}

HEAD = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
"""Of a query, after its id: recursion desired, one question, one additional record."""
OPTION = b"\x00\x00\x29" + UDP_SIZE.to_bytes(2, "big") + bytes(6)
"""The additional record: EDNS."""
_TAILS = {number: number.to_bytes(2, "big") + b"\x00\x01" for number in TYPES.values()}
LETTER_BITS = bytes(0x20 if chr(c).isascii() and chr(c).isalpha() else 0 for c in range(256))
_PLAIN = bytes(c for c in range(0x21, 0x7F) if c not in b'".;\\@$()')


class Reply(NamedTuple):
    """What a message says about its question, CNAMEs inside it followed."""

    rcode: int
    records: tuple[Any, ...] = ()
    strings: tuple[tuple[bytes, ...], ...] = ()
    ttl: int = 0
    chain: tuple[str, ...] = ()
    """Where the CNAMEs lead, name by name."""
    partial: bool = False
    """The chain leads to a name of which the message says nothing."""
    loop: bool = False
    referral: bool = False
    """It names other servers and answers nothing: not meant for a stub resolver."""
    note: str = ""
    """Extended error (RFC 8914): "ede-22: text"."""


class Section(NamedTuple):
    """The records of a message that bear on the question, by owner."""

    answers: dict[str, tuple[int, tuple[Any, ...], tuple[tuple[bytes, ...], ...]]]
    """ttl, records, strings; of the type asked for."""
    aliases: dict[str, tuple[int, str]]
    soas: dict[str, int]
    """Zones of the SOA records in the authority section, and their negative TTL (RFC 2308 5)."""
    delegates: bool
    """NS records in the authority section."""


# --- questions -------------------------------------------------------------------------------------


MAX_SUFFIXES = 2_048
_LENGTH = {n: bytes((n,)) for n in range(1, 64)}
_suffixes: dict[str, bytes] = {}


def encode_name(name: str) -> bytes | None:
    """The name as octets, None if it is none (an empty or long label, over 255 octets).

    What is behind the first label is remembered for a while, since a domain's names are asked together:
    0.35 µs instead of 1.2.
    """
    label, _, rest = name.partition(".")
    try:
        wire = _LENGTH[len(label)] + label.encode("ascii") + _suffixes[rest]
    except (KeyError, UnicodeEncodeError):
        return _encode_new(name, label, rest)
    if "\\" in label:
        return _encode_odd(name)
    return wire if len(wire) <= 255 else None


def _encode_new(name: str, label: str, rest: str) -> bytes | None:
    if "\\" in name or not name.isascii() or not name:
        return _encode_odd(name)
    try:
        wire = b"".join([_LENGTH[len(part)] + part for part in name.encode("ascii").split(b".")]) + b"\0"
    except KeyError:
        return None
    if len(wire) > 255:
        return None
    if rest:
        if len(_suffixes) >= MAX_SUFFIXES:
            _suffixes.clear()
        _suffixes[rest] = wire[len(label) + 1 :]
    return wire


def _encode_odd(name: str) -> bytes | None:
    if not name:
        return b"\0"
    from senderauth.dns.guest import encode_odd_name

    return encode_odd_name(name)


def rdtype_number(rdtype: str) -> int:
    """The number of a record type; ValueError if there is no such type."""
    number = TYPES.get(rdtype)
    if number is not None:
        return number
    from senderauth.dns.guest import odd_type

    return odd_type(rdtype)


def question(name: bytes, number: int) -> bytes:
    """The question section, class IN."""
    return name + (_TAILS.get(number) or number.to_bytes(2, "big") + b"\x00\x01")


def plain(id: bytes, section: bytes) -> bytes:
    """A whole query without EDNS. One with it is id, HEAD, section and OPTION."""
    return id + HEAD[:-1] + b"\0" + section


def mixed_case(section: bytes, dice: bytes) -> bytes:
    """The question section with each letter's case thrown by `dice`, as many octets (0x20): an answer must
    repeat it, so a forger has to guess it. One xor of long integers, since a loop costs six times as much.
    """
    name = section[:-4]
    bits = int.from_bytes(name.translate(LETTER_BITS), "big") & int.from_bytes(dice, "big")
    return (int.from_bytes(name, "big") ^ bits).to_bytes(len(name), "big") + section[-4:]


# --- answers ---------------------------------------------------------------------------------------


def read(wire: bytes, end: int, name: str, rdtype: str) -> Reply | None:
    """What the message says; None if its shape is uncommon. `end` is where its question section ends, which
    must have been compared with the question sent (name, rdtype).
    """
    asked = TYPES.get(rdtype)
    if asked is None or "\\" in name or wire[4:6] != b"\0\1" or wire[2] & 0xF8 != 0x80:
        return None
    try:
        return _read(wire, end, name, rdtype, asked)
    except (UncommonError, IndexError, KeyError, ValueError, error):
        return None


class UncommonError(Exception):
    """Left to dnspython."""


FRAME = Struct("!HHIH").unpack_from
"""Type, class, TTL, length of the data."""


def _read(wire: bytes, end: int, name: str, rdtype: str, asked: int) -> Reply:
    texts = {12: name}  # names already read, by offset
    found: dict[str, list[tuple[int, Any]]] = {}
    aliases: dict[str, tuple[int, str]] = {}
    position, size = end, len(wire)
    for _ in range(wire[6] << 8 | wire[7]):
        if wire[position] == 0xC0 and wire[position + 1] == 12:
            owner = name
            position += 2
        else:
            owner, position = _name(wire, position, size, texts)
        number, ttl, body, position = _frame(wire, position, size)
        value = RDATA[number](wire, body, position, texts)
        if number == asked:
            if owner in found:
                found[owner].append((ttl, value))
            else:
                found[owner] = [(ttl, value)]
        if number == CNAME and aliases.setdefault(owner, (ttl, value)) != (ttl, value):
            raise UncommonError
    soas, delegates, position = _authority(wire, position, texts)
    rcode, note = _additional(wire, position, texts)
    if asked in (SOA, CNAME) and any(len(values) > 1 for values in found.values()):
        raise UncommonError  # there can be only one
    if name in found:  # by far the most frequent; `follow` would say the same
        ttl, records, strings = _rrset(found[name], asked)
        return Reply(rcode, records, strings, ttl, (), False, False, False, note)
    answers = {owner: _rrset(values, asked) for owner, values in found.items()}
    return follow(Section(answers, aliases, soas, delegates), name, rdtype, rcode, wire[2] & 4 != 0, note)


def _frame(wire: bytes, position: int, size: int) -> tuple[int, int, int, int]:
    """Type, TTL, where the data begins and ends, of the record whose owner ends at `position`."""
    number, rdclass, ttl, length = FRAME(wire, position)
    end = position + 10 + length
    if rdclass != 1 or ttl >= 1 << 31 or end > size:  # class IN; RFC 2181 8
        raise UncommonError
    return number, ttl, position + 10, end


def _authority(wire: bytes, position: int, texts: dict[int, str]) -> tuple[dict[str, int], bool, int]:
    """Negative TTLs by zone, whether there are NS records, and where the section ends."""
    soas: dict[str, int] = {}
    delegates, size = False, len(wire)
    for _ in range(wire[8] << 8 | wire[9]):
        owner, position = _name(wire, position, size, texts)
        number, ttl, body, position = _frame(wire, position, size)
        _CHECKS[number](wire, body, position, texts)
        if number == SOA:
            if owner in soas:
                raise UncommonError
            soas[owner] = min(ttl, int.from_bytes(wire[position - 4 : position], "big"))  # RFC 2308 5
        delegates |= number == NS
    return soas, delegates, position


def _additional(wire: bytes, position: int, texts: dict[int, str]) -> tuple[int, str]:
    """The whole RCODE and the extended errors."""
    rcode, note, edns, size = wire[3] & 15, "", False, len(wire)
    for _ in range(wire[10] << 8 | wire[11]):
        if wire[position : position + 3] == b"\0\0\x29":  # OPT at the root
            if edns:
                raise UncommonError
            edns = True
            rcode |= wire[position + 5] << 4
            length = wire[position + 9] << 8 | wire[position + 10]
            if position + 11 + length > size:
                raise UncommonError
            if length:
                note = _extended_error(wire, position + 11, position + 11 + length)
            position += 11 + length
        else:
            position = _skip_name(wire, position, size, texts)
            number, _, body, position = _frame(wire, position, size)
            _CHECKS[number](wire, body, position, texts)
    return rcode, note


def _rrset(
    values: list[tuple[int, Any]], number: int
) -> tuple[int, tuple[Any, ...], tuple[tuple[bytes, ...], ...]]:
    if len(values) == 1:
        ttl, value = values[0]
        return (ttl, (b"".join(value),), (value,)) if number == TXT else (ttl, (value,), ())
    ttl = min([ttl for ttl, _ in values])  # RFC 2181 5.2
    records: Iterable[Any] = dict.fromkeys(value for _, value in values)
    if number == TXT:
        strings = tuple(records)
        return ttl, tuple([b"".join(parts) for parts in strings]), strings
    return ttl, tuple(records), ()


def _name(wire: bytes, start: int, limit: int, texts: dict[int, str]) -> tuple[str, int]:
    """The name at `start`, and where it ends. Pointers lead backwards only, so it ends."""
    first = wire[start]
    if not first and start < limit:
        return "", start + 1
    if first >= 0xC0:  # nothing but a pointer, by far the most frequent
        target = (first & 0x3F) << 8 | wire[start + 1]
        text = texts.get(target)
        if text is not None:
            if start + 2 > limit:
                raise UncommonError
            return text, start + 2
    labels: list[bytes] = []
    position, lowest, after, total = start, start, 0, 1
    while count := wire[position]:
        if count < 64:
            labels.append(wire[position + 1 : position + 1 + count])
            position += 1 + count
            total += 1 + count
        else:
            target = (count & 0x3F) << 8 | wire[position + 1]
            if count < 0xC0 or target >= lowest:
                raise UncommonError
            after = after or position + 2
            position = lowest = target
        if position >= limit:
            raise UncommonError
    after = after or position + 1
    if total > 255 or after > limit or b"".join(labels).translate(None, _PLAIN):
        raise UncommonError
    text = texts[start] = b".".join(labels).lower().decode("ascii")
    return text, after


def _skip_name(wire: bytes, start: int, limit: int, texts: dict[int, str]) -> int:
    """Where the name at `start` ends, which must be a name that dnspython can read."""
    position = start
    while count := wire[position]:
        if count >= 0xC0:
            text = texts.get((count & 0x3F) << 8 | wire[position + 1])
            if text is None:
                return _name(wire, start, limit, texts)[1]
            position += 2
            if position > limit or position - start + len(text) > 255:
                raise UncommonError
            return position
        if count > 63:
            raise UncommonError
        position += 1 + count
    if position >= limit or position - start > 254:
        raise UncommonError
    return position + 1


def _extended_error(wire: bytes, start: int, end: int) -> str:
    notes: list[str] = []
    while start < end:
        size = wire[start + 2] << 8 | wire[start + 3]
        if wire[start] or wire[start + 1] != 15 or size < 2 or start + 4 + size > end:
            raise UncommonError
        text = wire[start + 6 : start + 4 + size].decode("utf-8")
        if text.endswith("\0"):
            raise UncommonError
        notes.append(ede_note(wire[start + 4] << 8 | wire[start + 5], text))
        start += 4 + size
    return "; ".join(notes)[:MAX_NOTE]


def ede_note(code: int, text: str | None) -> str:
    """An extended error as a note: its number (RFC 8914 5.2), and what the server adds to it."""
    shown = "".join(char for char in (text or "")[:MAX_NOTE] if char.isprintable())
    return f"ede-{code}: {shown}" if shown else f"ede-{code}"


def _a(wire: bytes, start: int, end: int, _: dict[int, str]) -> str:
    return inet_ntop(AF_INET, wire[start:end])


def _aaaa(wire: bytes, start: int, end: int, _: dict[int, str]) -> str:
    return inet_ntop(AF_INET6, wire[start:end])


def _host(wire: bytes, start: int, end: int, texts: dict[int, str]) -> str:
    text, after = _name(wire, start, end, texts)
    if after != end:
        raise UncommonError
    return text


def _mx(wire: bytes, start: int, end: int, texts: dict[int, str]) -> tuple[int, str]:
    return wire[start] << 8 | wire[start + 1], _host(wire, start + 2, end, texts)


def _txt(wire: bytes, start: int, end: int, _: dict[int, str]) -> tuple[bytes, ...]:
    if wire[start] + 1 == end - start:
        return (wire[start + 1 : end],)
    parts: list[bytes] = []
    while start < end:
        after = start + 1 + wire[start]
        parts.append(wire[start + 1 : after])
        start = after
    if start != end or not parts:
        raise UncommonError
    return tuple(parts)


def _soa(wire: bytes, start: int, end: int, texts: dict[int, str]) -> str:
    primary, start = _name(wire, start, end, texts)
    mailbox, start = _name(wire, start, end, texts)
    if end - start != 20:
        raise UncommonError
    numbers = [int.from_bytes(wire[i : i + 4], "big") for i in range(start, end, 4)]
    return " ".join([primary or ".", mailbox or ".", *map(str, numbers)])


RDATA: dict[int, Callable[[bytes, int, int, dict[int, str]], Any]] = {
    A: _a,
    NS: _host,
    CNAME: _host,
    SOA: _soa,
    PTR: _host,
    MX: _mx,
    TXT: _txt,
    AAAA: _aaaa,
}


# Records beside the answer are not used, but a message with a fault in them is not to be trusted.


def _check_size(size: int) -> Callable[[bytes, int, int, dict[int, str]], None]:
    def check(_: bytes, start: int, end: int, __: dict[int, str]) -> None:
        if end - start != size:
            raise UncommonError

    return check


def _check_host(wire: bytes, start: int, end: int, texts: dict[int, str]) -> None:
    if _skip_name(wire, start, end, texts) != end:
        raise UncommonError


def _check_mx(wire: bytes, start: int, end: int, texts: dict[int, str]) -> None:
    _check_host(wire, start + 2, end, texts)


def _check_soa(wire: bytes, start: int, end: int, texts: dict[int, str]) -> None:
    if _skip_name(wire, _skip_name(wire, start, end, texts), end, texts) + 20 != end:
        raise UncommonError


_CHECKS = RDATA | {
    A: _check_size(4),
    NS: _check_host,
    CNAME: _check_host,
    SOA: _check_soa,
    PTR: _check_host,
    MX: _check_mx,
    AAAA: _check_size(16),
}


def follow(section: Section, name: str, rdtype: str, rcode: int, authoritative: bool, note: str) -> Reply:
    """The records at the end of the CNAME chain, or what their absence means."""
    answers, aliases = section.answers, section.aliases
    direct = answers.get(name)
    if direct is not None:
        return Reply(rcode, direct[1], direct[2], direct[0], (), False, False, False, note)
    if name in aliases and rdtype != "CNAME":
        return _follow(section, name, rcode, note)
    ttl = _negative_ttl(section.soas, name)
    referral = rcode == 0 and section.delegates and not section.soas and not authoritative
    return Reply(rcode, (), (), ttl or 0, (), False, False, referral, note)


def _follow(section: Section, name: str, rcode: int, note: str) -> Reply:
    answers, aliases = section.answers, section.aliases
    ttls: list[int] = []
    chain: list[str] = []
    start = name
    while name in aliases and name not in answers:
        ttl, name = aliases[name]
        ttls.append(ttl)
        loop = name == start or name in chain or len(chain) >= MAX_CHAIN
        chain.append(name)
        if loop:
            return Reply(rcode, chain=tuple(chain), loop=True, note=note)
    if name in answers:
        ttl, records, strings = answers[name]
        return Reply(rcode, records, strings, min(ttl, *ttls), tuple(chain), note=note)
    negative = _negative_ttl(section.soas, name)
    partial = rcode == 0 and negative is None
    ttl = min(ttls) if partial else 0 if negative is None else min(*ttls, negative)
    return Reply(rcode, ttl=ttl, chain=tuple(chain), partial=partial, note=note)


def _negative_ttl(soas: dict[str, int], name: str) -> int | None:
    """How long it is known that there is nothing; None where no SOA says that there is nothing."""
    for zone, ttl in soas.items():
        if not zone or name == zone or name.endswith(f".{zone}"):
            return ttl
    return None
