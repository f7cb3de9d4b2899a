"""Undoing what is known to be done to whole bodies on the way.

Each function gives candidates: the id of what would have been done, its facts, and the body before it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from senderauth.dkim.canonical import CRLF, Message

Candidate = tuple[str, dict[str, object], bytes]

MAX_DECODED = 64_000_000
WRAP = (60, 998)

_ENCODING = re.compile(rb"(?im)^(content-transfer-encoding[ \t]*:[ \t]*)([a-z0-9-]+)[ \t]*\r$")
_QP = re.compile(rb"=([0-9A-Fa-f]{2})")
_SOFT = re.compile(rb"=[ \t]*\r\n")
_TRAILING = re.compile(rb"(?<![ \t])[ \t]+\r\n")
_OUTSIDE = re.compile(rb"[^\x00-\x7f]")


def undoings(octets: bytes, repaired: bytes) -> Iterator[Candidate]:
    """The whole body before one simple change. `octets` as they are, `repaired` with CRLF line ends."""
    yield from _line_ends(octets, repaired)
    yield from _blanks(repaired)
    yield from _mangled(repaired)
    yield from _rewrapped(repaired)
    yield from _charsets(repaired)


def _changed(id: str, repaired: bytes, before: bytes, **facts: object) -> Iterator[Candidate]:
    if before != repaired:
        yield id, facts, before


def _line_ends(octets: bytes, repaired: bytes) -> Iterator[Candidate]:
    id = "dkim-broke-line-ends"
    yield from _changed(id, repaired, octets, signed="as-stored")
    yield from _changed(id, repaired, repaired.replace(CRLF, b"\n"), signed="LF")
    yield from _changed(id, repaired, repaired.replace(CRLF, b"\r"), signed="CR")
    yield from _changed(id, repaired, repaired.replace(b"\r\r\n", CRLF), signed="CRLF")
    if b"\r" in repaired.replace(CRLF, b""):
        lone = repaired.replace(CRLF, b"\n")
        yield id, {"signed": "CRLF"}, lone.replace(b"\r", b"\n").replace(b"\n", CRLF)
        yield id, {"signed": "CRLF"}, lone.replace(b"\r", b"").replace(b"\n", CRLF)


def _blanks(repaired: bytes) -> Iterator[Candidate]:
    lines = "dkim-broke-blank-lines"
    yield from _changed(lines, repaired, repaired.lstrip(b"\r\n"), change="added-at-top")
    for count in (1, 2):
        yield lines, {"change": "removed-at-top"}, CRLF * count + repaired
    yield from _changed(lines, repaired, repaired.replace(CRLF + CRLF, CRLF), change="doubled")
    yield from _changed(lines, repaired, repaired.replace(CRLF, CRLF + CRLF), change="halved")
    space = "dkim-broke-trailing-space"
    stripped = _TRAILING.sub(CRLF, repaired)
    yield from _changed(space, repaired, stripped, change="added")
    signed = stripped.replace(b"\r\n--\r\n", b"\r\n-- \r\n")  # the mark before a signature keeps its blank
    yield from _changed(space, repaired, signed, change="added")
    yield from _changed(space, repaired, repaired.replace(b"\r\n--\r\n", b"\r\n-- \r\n"), change="removed")
    yield from _changed(space, repaired, repaired.replace(CRLF, b" \r\n"), change="removed")
    yield from _changed("dkim-broke-tabs", repaired, repaired.replace(b"\t", b"        "), signed="spaces")
    yield from _changed("dkim-broke-tabs", repaired, repaired.replace(b"        ", b"\t"), signed="tabs")


def _mangled(repaired: bytes) -> Iterator[Candidate]:
    """Dots of SMTP (RFC 5321 4.5.2) taken twice or left in, and ">From " of mbox files."""
    body = CRLF + repaired
    for id, now, before in (
        ("dkim-broke-dots", b"\r\n..", b"\r\n."),
        ("dkim-broke-dots", b"\r\n.", b"\r\n.."),
        ("dkim-broke-from-lines", b"\r\n>From ", b"\r\nFrom "),
        ("dkim-broke-from-lines", b"\r\nFrom ", b"\r\n>From "),
        ("dkim-broke-nul", b"\x00", b""),
    ):
        if now in body:
            facts: dict[str, object] = {"count": body.count(now)}
            yield id, facts, body.replace(now, before)[2:]


def _rewrapped(repaired: bytes) -> Iterator[Candidate]:
    """Lines that were folded: long ones for SMTP (RFC 5321 4.5.3.1.6), or text for the eye."""
    id = "dkim-broke-rewrapped"
    if b"!\r\n" in repaired:  # Sendmail's way
        yield id, {"width": 990}, repaired.replace(b"!\r\n ", b"")
        yield id, {"width": 990}, repaired.replace(b"!\r\n", b"")
    lines = repaired.split(CRLF)
    width = max(map(len, lines))
    if not WRAP[0] <= width <= WRAP[1] + 2:
        return
    if width > 200:  # cut at a fixed place
        for joint in (b"", b" "):
            yield id, {"width": width}, _joined(lines, lambda a, _: len(a) == width, joint)
    fits = _would_not_fit(width)
    yield id, {"width": width}, _joined(lines, fits, b" ")
    yield id, {"width": width}, _joined(lines, lambda a, b: bool(a and b), b" ")
    yield id, {"width": width}, _joined(lines, lambda a, _: a.endswith(b" "), b"")  # format=flowed
    for columns in (64, 65, 70, 72, 74, 75, 76, 78, 79, 80):
        if columns != width and width <= columns:
            yield id, {"width": columns}, _joined(lines, _would_not_fit(columns), b" ")


def _would_not_fit(width: int) -> Callable[[bytes, bytes], bool]:
    """Whether the next line's first word had no room on this one."""

    def broken(line: bytes, following: bytes) -> bool:
        word = following.partition(b" ")[0]
        return bool(line and word) and len(line) + 1 + len(word) > width

    return broken


def _joined(lines: list[bytes], join: Callable[[bytes, bytes], bool], joint: bytes) -> bytes:
    out: list[bytes] = []
    for line, following in zip(lines, [*lines[1:], b""], strict=True):
        out += (line, joint if join(line, following) else CRLF)
    return b"".join(out[:-1])


def _charsets(repaired: bytes) -> Iterator[Candidate]:
    if _OUTSIDE.search(repaired) is None:
        return
    for now, before in (("utf-8", "latin-1"), ("utf-8", "cp1252"), ("latin-1", "utf-8"), ("cp1252", "utf-8")):
        try:
            body = repaired.decode(now).encode(before)
        except UnicodeError:
            continue
        yield from _changed("dkim-broke-charset", repaired, body, now=now, signed=before)


# --- content transfer encoding (RFC 2045 6) -------------------------------------------------------


def encodings_undone(message: Message, repaired: bytes) -> Iterator[Candidate]:
    """The body before it was encoded or decoded on the way: as a whole, and part by part."""
    field = next((one for one in message.fields if one.name == b"content-transfer-encoding"), None)
    now = field.value.strip().lower().decode("latin-1") if field is not None else "7bit"
    id = "dkim-broke-encoding"
    for signed, body in _other_encodings(repaired, now):
        yield id, {"now": now[:30], "signed": signed}, body
    if _ENCODING.search(repaired) is None:
        return
    for signed in ("8bit", "7bit", "quoted-printable", "base64"):
        body = _parts_encoded(repaired, signed)
        if body != repaired:
            yield id, {"now": "", "signed": signed}, body


def _other_encodings(body: bytes, now: str) -> Iterator[tuple[str, bytes]]:
    plain = _decoded(body, now)
    if plain is None:
        return
    if plain != body:
        yield "8bit", plain
        if not plain.endswith(CRLF):
            yield "8bit", plain + CRLF
    if now != "base64":
        yield "base64", _base64(plain)
    else:  # the same octets in lines of another length
        for width in (76, 72, 64, 60):
            yield "base64", _wrapped_base64(body, width)
    if now != "quoted-printable":
        yield "quoted-printable", _quoted(plain)


def _decoded(body: bytes, now: str) -> bytes | None:
    """Without its encoding, lines ending in CRLF; None where it cannot be decoded."""
    if now == "quoted-printable":
        plain = _QP.sub(lambda found: bytes((int(found[1], 16),)), _SOFT.sub(b"", body))
    elif now == "base64":
        try:
            plain = base64.b64decode(body[:MAX_DECODED], validate=False)
        except (binascii.Error, ValueError):
            return None
    else:
        return body
    return plain.replace(CRLF, b"\n").replace(b"\n", CRLF)


def _base64(plain: bytes) -> bytes:
    return base64.encodebytes(plain).replace(b"\n", CRLF)


def _wrapped_base64(body: bytes, width: int) -> bytes:
    compact = b"".join(body.split())
    return b"".join(compact[at : at + width] + CRLF for at in range(0, len(compact), width))


def _quoted(plain: bytes) -> bytes:
    """As most programs write it: lines of at most 76, "=" and what is not printable encoded."""
    text = plain.replace(CRLF, b"\n")
    return binascii.b2a_qp(text, quotetabs=False, istext=True, header=False).replace(b"\n", CRLF)


def _parts_encoded(body: bytes, signed: str) -> bytes:
    """The body with every part's encoding, said in its header, as `signed`; multiparts have none."""
    out: list[bytes] = []
    position = 0
    for found in _ENCODING.finditer(body):
        now = found[2].lower().decode("ascii")
        start = body.find(b"\r\n\r\n", found.end() - 1) + 4
        if found.start() < position or start < 4 or now == signed:
            continue
        end = body.find(b"\r\n--", start)
        if end < 0:
            continue
        plain = _decoded(body[start:end], now)
        if plain is None:
            continue
        if signed == "base64":
            coded = _base64(plain).removesuffix(CRLF)
        elif signed == "quoted-printable":
            coded = _quoted(plain)
        else:
            coded = plain
        out += (
            body[position : found.start()],
            found[1],
            signed.encode(),
            body[found.end() - 1 : start],
            coded,
        )
        position = end
    return b"".join((*out, body[position:]))
