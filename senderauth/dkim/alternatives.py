"""Forms that a header field may have had before it was changed on the way."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from senderauth.dkim.canonical import CRLF, Canonicalization, Message

MAX_VALUE = 10_000
"""Octets; of longer values no form is tried."""
MAX_WORDS = 8
MAX_ADDRESSES = 12

ADDRESSES = (b"from", b"sender", b"reply-to", b"to", b"cc")
ORIGINS = (
    b"x-original-from", b"x-original-sender", b"original-from", b"reply-to", b"x-google-original-from",
    b"x-mailfrom", b"x-from", b"sender", b"resent-from", b"cc", b"return-path", b"x-authenticated-sender",
)  # fmt: skip
"""Where mailing lists and gateways keep the author that they replaced."""

_GROUP = re.compile(rb"[\[({<*][^\[\](){}<>*]{1,60}[\])}>*]+:?[ \t]*")
_ADDRESS = re.compile(rb"[^\s<>,;:\"()]{1,64}@[^\s<>,;:\"()]{1,255}")
_VIA = re.compile(rb"(?:\(?\bvia |- via ).*", re.IGNORECASE | re.DOTALL)
_QUOTED_NAME = re.compile(rb'"([^"\\]{0,200})"(?=[ \t]*<)')
_BARE_NAME = re.compile(rb'(^|,)( ?)([^",<>@ ][^",<>@]{0,100}?)( ?<)')
_PARAMETER = re.compile(rb'=("?)([^";\s]{1,200})\1(?=[ \t]*(?:;|$|\r))')
_WORD = re.compile(rb"=\?([A-Za-z0-9_-]{1,30})\?([BbQq])\?([^?\s]{0,200})\?=")
_BOUNDARY_HEAD = re.compile(rb"(?im)^content-type[ \t]*:((?:[^\r\n]|\r\n[ \t]){1,500})")

GUESSES: dict[bytes, tuple[bytes, ...]] = {
    b"mime-version": (b"1.0",),
    b"content-transfer-encoding": (b"7bit", b"8bit", b"quoted-printable", b"base64", b"binary"),
    b"content-type": (
        b"text/plain", b"text/plain; charset=utf-8", b'text/plain; charset="utf-8"',
        b"text/plain; charset=us-ascii", b'text/plain; charset="us-ascii"',
    ),
    b"precedence": (b"bulk", b"list", b"first-class"),
    b"content-disposition": (b"inline",),
    b"content-language": (b"en-US", b"en", b"de-DE", b"nl-NL"),
    b"x-priority": (b"3", b"1"),
    b"importance": (b"normal", b"Normal"),
}  # fmt: skip
"""Values that fields have which were removed or replaced."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A form that one signed field may have had."""

    place: int
    """In the order of h=."""
    raw: bytes | None
    """The whole field; None: it was not there."""
    id: str
    facts: dict[str, object] = field(default_factory=dict)


def alternatives(
    message: Message, names: Sequence[bytes], raws: Sequence[bytes | None], how: Canonicalization
) -> Iterator[Alternative]:
    """All alternatives, the likely ones first."""
    context = _Context(message, names, raws)
    present = [(place, raw) for place, raw in enumerate(raws) if raw is not None and len(raw) <= MAX_VALUE]
    for place, raw in present:
        if names[place] == b"subject":
            yield from _values(place, raw, "dkim-broke-subject", _subjects(_value(raw)))
        elif names[place] == b"from":
            yield from _values(place, raw, "dkim-broke-from", context.authors(_value(raw)))
    for place, raw in present:
        yield Alternative(place, None, "dkim-broke-field-added")
        for other in context.others(names[place], raw):
            yield Alternative(place, other, "dkim-broke-order")
        if names[place] in ADDRESSES:
            yield from _values(place, raw, "dkim-broke-requoted", _requoted(_value(raw)))
        if names[place] == b"content-type":
            yield from _values(place, raw, "dkim-broke-content-type", context.content_types(_value(raw)))
        yield from _values(place, raw, "dkim-broke-field-value", GUESSES.get(names[place], ()))
        yield from _values(place, raw, "dkim-broke-encoded-words", _encoded(_value(raw)))
        if how == "simple":
            for folded in _refolded(raw):
                yield Alternative(place, folded, "dkim-broke-refolded")
    for place, lost in enumerate(raws):
        if lost is None:
            for value in context.lost(names[place]):
                written = b"-".join(part.capitalize() for part in names[place].split(b"-"))
                yield Alternative(place, written + b": " + value, "dkim-broke-field-removed")


def _value(raw: bytes) -> bytes:
    return raw.partition(b":")[2].replace(CRLF, b"").strip(b" \t")


def _values(
    place: int, raw: bytes, id: str, values: Sequence[bytes] | Iterator[bytes]
) -> Iterator[Alternative]:
    name = raw.partition(b":")[0]
    for value in values:
        yield Alternative(place, name + b": " + value, id)


def _subjects(value: bytes) -> Iterator[bytes]:
    """Without a tag in brackets, without the first or the last words."""
    for found in list(_GROUP.finditer(value))[:4]:
        yield value[: found.start()] + value[found.end() :]
        yield (value[: found.start()] + value[found.end() :]).strip(b" \t")
    words = value.split(b" ")
    for count in range(1, min(MAX_WORDS, len(words))):
        yield b" ".join(words[count:]).lstrip(b" \t")
        yield b" ".join(words[:-count]).rstrip(b" \t")
    colon = value.find(b":")
    if colon >= 0:
        yield value[colon + 1 :].lstrip(b" \t")


def _requoted(value: bytes) -> Iterator[bytes]:
    """Quotes around display names put on or taken off; angle brackets likewise."""
    value = b" ".join(value.split())
    yield _QUOTED_NAME.sub(rb"\1", value)
    yield _BARE_NAME.sub(rb'\1\2"\3"\4', value)
    found = _ADDRESS.search(value)
    if found:
        address = found[0]
        name = value[: found.start()].strip(b' \t<"')
        yield address
        yield b"<" + address + b">"
        if name:
            yield address + b" (" + name + b")"
            yield name + b" <" + address + b">"
            yield b'"' + name + b'" <' + address + b">"
    yield value.replace(b",", b", ").replace(b",  ", b", ")
    yield value.replace(b", ", b",")


def _refolded(raw: bytes) -> Iterator[bytes]:
    lines = [
        line.strip(b" \t") if number else line.rstrip(b" \t") for number, line in enumerate(raw.split(CRLF))
    ]
    for joint in (b" ", b"", CRLF + b" ", CRLF + b"\t", CRLF + b"    ", CRLF + b"        "):
        yield joint.join(lines)
    name, _, value = raw.partition(b":")
    bare = value.strip(b" \t")
    yield name + b":" + bare
    yield name + b":  " + bare
    yield name + b": " + bare
    yield name + b":" + value + b" "
    if len(lines) == 1:
        words = value.split(b" ")
        for count in range(2, min(len(words), 12)):
            for blank in (b" ", b"\t"):
                yield name + b":" + b" ".join(words[:count]) + CRLF + blank + b" ".join(words[count:])


def _encoded(value: bytes) -> Iterator[bytes]:
    """Encoded words (RFC 2047) decoded, encoded, or written otherwise."""
    if b"=?" in value:
        yield _WORD.sub(_decoded_word, re.sub(rb"\?=[ \t]+=\?", b"?==?", value))
        yield _WORD.sub(lambda f: b"=?" + f[1].lower() + b"?" + f[2].upper() + b"?" + f[3] + b"?=", value)
        yield _WORD.sub(lambda f: b"=?" + f[1].upper() + b"?" + f[2].upper() + b"?" + f[3] + b"?=", value)
        yield _WORD.sub(lambda f: b"=?" + f[1].lower() + b"?" + f[2].lower() + b"?" + f[3] + b"?=", value)
    elif not value.isascii():
        for charset in (b"utf-8", b"UTF-8"):
            yield b"=?" + charset + b"?B?" + base64.b64encode(value) + b"?="
            quoted = binascii.b2a_qp(value, quotetabs=True, istext=False, header=True).replace(b"=\n", b"")
            yield b"=?" + charset + b"?Q?" + quoted + b"?="


def _decoded_word(found: re.Match[bytes]) -> bytes:
    try:
        if found[2] in b"Bb":
            return base64.b64decode(found[3] + b"=" * (-len(found[3]) % 4), validate=True)
        return binascii.a2b_qp(found[3], header=True)
    except (binascii.Error, ValueError):
        return found[0]


class _Context:
    """What the rest of the message tells of fields that were changed."""

    def __init__(self, message: Message, names: Sequence[bytes], raws: Sequence[bytes | None]) -> None:
        self.message = message
        self.picked = {raw for raw in raws if raw is not None}
        self.by_name: dict[bytes, list[bytes]] = {}
        wanted = {*ORIGINS, *names, b"references", b"in-reply-to", b"from"}
        for one in message.fields:
            if one.name in wanted and len(one.raw) <= MAX_VALUE:
                kept = self.by_name.setdefault(one.name, [])
                if len(kept) < MAX_ADDRESSES:
                    kept.append(one.raw)

    def others(self, name: bytes, raw: bytes) -> Iterator[bytes]:
        """Other fields of this name, in case their order was changed."""
        for other in self.by_name.get(name, ()):
            if other != raw:
                yield other

    def authors(self, value: bytes) -> Iterator[bytes]:
        """What From may have been before a mailing list wrote itself in."""
        shown = _shown(value)
        sources = [_value(raw) for name in ORIGINS for raw in self.by_name.get(name, ())]
        yield from sources
        addresses = dict.fromkeys(
            found[0] for source in sources for found in list(_ADDRESS.finditer(source))[:4]
        )
        for hidden in _hidden(value):
            addresses.setdefault(hidden)
        names = dict.fromkeys((shown, *(_shown(source) for source in sources)))
        for address in list(addresses)[:MAX_ADDRESSES]:
            yield address
            yield b"<" + address + b">"
            for name in list(names)[:6]:
                if name:
                    yield name + b" <" + address + b">"
                    yield b'"' + name + b'" <' + address + b">"

    def content_types(self, value: bytes) -> Iterator[bytes]:
        """Quotes on or off, letters small, or what a part says now that was the whole message."""
        yield _PARAMETER.sub(rb'="\2"', value)
        yield _PARAMETER.sub(rb"=\2", value)
        yield value.lower()
        yield value.rstrip(b"; ")
        octets, start = self.message.octets, self.message.body_start
        for number, found in enumerate(_BOUNDARY_HEAD.finditer(octets, start, start + 500_000)):
            yield found[1].replace(CRLF, b"").replace(b"\n", b"").strip(b" \t")
            if number >= MAX_WORDS:
                break

    def lost(self, name: bytes) -> Iterator[bytes]:
        """What a field may have said that is gone."""
        yield from GUESSES.get(name, ())
        if name in (b"sender", b"reply-to", b"cc", b"to", b"return-path"):
            for raw in self.by_name.get(b"from", ()):
                value = _value(raw)
                yield value
                for found in list(_ADDRESS.finditer(value))[:2]:
                    yield found[0]
                    yield b"<" + found[0] + b">"
        pair = {b"in-reply-to": b"references", b"references": b"in-reply-to"}.get(name)
        for raw in self.by_name.get(pair or b"", ()):
            yield _value(raw)
            yield _value(raw).rpartition(b" ")[2]


def _shown(value: bytes) -> bytes:
    """The display name, without quotes and without "via" and what follows."""
    name = value.partition(b"<")[0].strip(b" \t")
    return _VIA.sub(b"", name.strip(b'"')).strip(b" \t\"'")


def _hidden(value: bytes) -> Iterator[bytes]:
    """Addresses written into the local part of the list's own."""
    found = _ADDRESS.search(value)
    if found is None:
        return
    local = found[0].rpartition(b"@")[0]
    for joint in (b"=", b"=40", b"_at_", b".at.", b"%", b"#"):
        user, sign, host = local.rpartition(joint)
        if sign and b"." in host:
            yield user + b"@" + host
            yield user.rpartition(b"+")[2] + b"@" + host
