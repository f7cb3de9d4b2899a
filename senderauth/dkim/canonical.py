"""Messages taken apart and made canonical, as octets (RFC 6376 3.4).

Theory of operation. The header is split once into fields, bare LF made CRLF (a message kept by a file
system). The body is never copied whole: it is walked in chunks that end at a line, small enough to stay
in the processor's cache. Everything is `bytes.find`, `bytes.replace` and `bytes.split`, all linear; a
run of blanks is halved by each `replace`, so a megabyte of them costs two passes, where a regular
expression for blanks before a line end would try every start.

Whether a body of CRLF lines has a bare LF among them is not looked for before its hash is wrong: hashing
is as fast as counting. See `Message.bare`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

from senderauth.values import frozen

Canonicalization = Literal["simple", "relaxed"]

CHUNK = 131_072
CRLF = b"\r\n"

_EMPTY_LINES = CRLF * 4_096
_HEADER_END = re.compile(rb"\n\r?\n")
HASHES = {"sha256": hashlib.sha256, "sha1": hashlib.sha1}
_FIELD_END = re.compile(rb"\r\n(?![ \t])")


class Field(NamedTuple):
    """A header field as it stands, without its last line end."""

    name: bytes
    """Lower case."""
    raw: bytes

    @property
    def value(self) -> bytes:
        """What follows the colon, folding kept."""
        return self.raw[self.raw.find(b":") + 1 :]


@frozen
class Message:
    """A message taken apart."""

    octets: bytes
    fields: tuple[Field, ...]
    """In the order in which they stand, lines ending in CRLF. Lines that are no fields are left out."""
    body_start: int
    bare: bool
    """Whether the header has a line ending in bare LF; then the body's are made CRLF too."""
    plain: bool
    """Whether all white space in the header is SP, HTAB and CRLF, so that `bytes.split` may part words."""


def split(octets: bytes) -> Message:
    """Header fields and the place where the body starts. A message without an empty line is all header."""
    if octets.startswith((b"\n", CRLF)):
        return Message(octets, (), octets.index(b"\n") + 1, octets[0] == 10, True)
    found = _HEADER_END.search(octets)
    header = octets[: found.start() + 1] if found else octets
    ends = header.count(CRLF)
    bare = header.count(b"\n") != ends
    if bare:
        header = _repaired(header)
        ends = header.count(CRLF)
    plain = header.count(b"\r") == ends and b"\x0b" not in header and b"\x0c" not in header
    lines = _FIELD_END.split(header.removesuffix(CRLF)) if header else []
    return Message(octets, _fields(lines), found.end() if found else len(octets), bare, plain)


def _fields(lines: list[bytes]) -> tuple[Field, ...]:
    new = tuple.__new__  # what a NamedTuple's constructor calls, at a third of its cost
    fields = []
    for line in lines:
        name, colon, _ = line.partition(b":")
        if colon:
            fields.append(new(Field, (name.rstrip(b" \t").lower(), line)))
    if fields and fields[0].name.startswith((b" ", b"\t")):  # a first line that is folded belongs to nothing
        del fields[0]
    return tuple(fields)


def _repaired(octets: bytes) -> bytes:
    return octets.replace(CRLF, b"\n").replace(b"\n", CRLF)


# --- header (RFC 6376 3.4.1, 3.4.2) ---------------------------------------------------------------


def canonical_field(raw: bytes, how: Canonicalization) -> bytes:
    """The field as it is hashed, without its last CRLF."""
    if how == "simple":
        return raw
    name, _, value = raw.partition(b":")
    return name.rstrip(b" \t").lower() + b":" + _relaxed_value(value)


def relaxed_plain(name: bytes, raw: bytes) -> bytes:
    """The same for `relaxed`, of a message that is `plain`."""
    return name + b":" + b" ".join(raw[raw.find(b":") + 1 :].split())


def _relaxed_value(value: bytes) -> bytes:
    if b"\x0b" not in value and b"\x0c" not in value and value.count(b"\r") == value.count(CRLF):
        return b" ".join(value.split())  # white space is then just SP, HTAB and folding
    return _narrow(value.replace(CRLF, b"")).strip(b" ")


def _narrow(text: bytes) -> bytes:
    """Runs of SP and HTAB as one SP."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


# --- body (RFC 6376 3.4.3, 3.4.4) -----------------------------------------------------------------


def canonical_body(
    octets: bytes, start: int, how: Canonicalization, *, repair: bool
) -> Iterator[bytes | memoryview]:
    """The body from `start` on as it is hashed, piece by piece. `repair` makes bare LF CRLF."""
    if how == "simple" and not repair:
        end = _without_empty_lines(octets, start)
        yield memoryview(octets)[start:end]
        yield CRLF  # 3.4.3: also of an empty body
        return
    written = False
    held = 0
    for chunk in _chunks(octets, start):
        piece = _repaired(chunk) if repair else chunk
        if how == "relaxed":
            piece = _relaxed(piece)
        end = _without_empty_lines(piece, 0)
        if end:
            if held:
                yield bytes(CRLF * (held // 2))
            yield piece[:end]
            written, held = True, 0
        held += len(piece) - end
    if written or how == "simple":
        yield CRLF


def _relaxed(piece: bytes) -> bytes:
    """No white space at line ends, runs of it as one SP. Line by line is quicker than searching for blanks.

    A last line that does not end keeps a blank: 3.4.4 does not say whether it is at the end of a line;
    deployed verifiers take it that it is not.
    """
    lines = piece.split(CRLF)
    last = lines.pop()
    return _narrow(CRLF.join([*[line.rstrip(b" \t") for line in lines], last]))


def _chunks(octets: bytes, start: int) -> Iterator[bytes]:
    """Pieces that end with a line, in one pass."""
    total = len(octets)
    while start < total:
        end = octets.find(b"\n", min(start + CHUNK, total)) + 1 or total
        yield octets[start:end]
        start = end


def _without_empty_lines(octets: bytes, start: int) -> int:
    """Where the octets end without the empty lines, and the line end, at the end of them."""
    end = len(octets)
    for block in (_EMPTY_LINES, CRLF):
        while octets.endswith(block, start, end):
            end -= len(block)
    return end


def body_digests(
    message: Message, how: Canonicalization, algorithm: str, limits: Collection[int | None], *, repair: bool
) -> tuple[dict[int | None, bytes], int]:
    """The body's hash for each l= (None: whole), in one pass, and the size of the canonical body."""
    running = HASHES[algorithm](usedforsecurity=False)
    due = sorted({limit for limit in limits if limit is not None}, reverse=True)
    digests: dict[int | None, bytes] = {}
    size = 0
    for piece in canonical_body(message.octets, message.body_start, how, repair=repair):
        done = 0
        while due and due[-1] <= size + len(piece):
            limit = due.pop()
            running.update(piece[done : limit - size])
            done = limit - size
            digests[limit] = running.digest()
        running.update(piece[done:] if done else piece)
        size += len(piece)
    for limit in due:  # RFC 6376 3.5: beyond the body; the caller refuses it
        digests[limit] = running.digest()
    digests[None] = running.digest()
    return digests, size


def has_bare_line_ends(message: Message) -> bool:
    """Whether the body has an LF without CR."""
    octets, start = message.octets, message.body_start
    return octets.count(b"\n", start) != octets.count(CRLF, start)
