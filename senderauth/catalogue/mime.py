"""Messages as trees of parts, read with bounds: hostile nesting costs nothing and nothing raises.

The standard library's parser recurses with the nesting of the message and has no bound; bounces come
from anywhere. This one reads header fields and multipart boundaries, and that is all a bounce needs.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from senderauth.message import decode, decode_words

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 6
MAX_PARTS = 64
MAX_HEADER = 256 * 1024
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]{0,8}:(.*)", re.DOTALL)
_PARAMETER = re.compile(r";\s{0,80}([\w*-]{1,40})\s{0,8}=\s{0,8}(?:\"([^\"]{0,400})\"|([^\s;\"]{1,400}))")


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its header fields, its type and its body as sent."""

    fields: tuple[tuple[str, str], ...]
    """Names in lower case, values unfolded, encoded words decoded."""
    type: str
    """Media type in lower case."""
    parameters: dict[str, str]
    body: bytes
    parts: tuple[Part, ...]

    def field(self, name: str) -> str:
        """The first field of that name, or empty."""
        return next((value for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every field of that name, in order."""
        return [value for key, value in self.fields if key == name]

    def content(self) -> bytes:
        """The body with its transfer encoding undone, as far as that goes."""
        encoding = self.field("content-transfer-encoding").strip().lower()
        if encoding == "base64":
            kept = re.sub(rb"[^A-Za-z0-9+/]", b"", self.body)
            kept = kept[: len(kept) - (len(kept) % 4 == 1)]
            return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))
        if encoding == "quoted-printable":
            return binascii.a2b_qp(self.body)
        return self.body

    def text(self) -> str:
        """The content as text; what its charset cannot say is replaced."""
        return decode(self.content(), self.parameters.get("charset", ""))

    def walk(self) -> Iterator[Part]:
        """This part and all inside it, in order. A message inside is one part."""
        yield self
        for part in self.parts:
            yield from part.walk()


def parse(data: bytes) -> Part:
    """The message, at most MAX_BYTES of it."""
    budget = [MAX_PARTS]
    return _part(data[:MAX_BYTES].replace(b"\r\n", b"\n"), 0, budget, "text/plain")


def _part(data: bytes, depth: int, budget: list[int], default: str) -> Part:
    fields, body = split_header(data)
    kind, parameters = _media_type(next((v for k, v in fields if k == "content-type"), ""), default)
    parts: tuple[Part, ...] = ()
    boundary = parameters.get("boundary", "")
    if kind.startswith("multipart/") and boundary and depth < MAX_DEPTH:
        inner = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        found = []
        for piece in _split(body, boundary.encode("latin-1", "replace")):
            if budget[0] <= 0:
                break
            budget[0] -= 1
            found.append(_part(piece, depth + 1, budget, inner))
        parts = tuple(found)
    if kind.startswith("multipart/") and not parts:  # no boundary, or none that is there: read it as text
        kind = "text/plain"
    return Part(fields, kind, parameters, body, parts)


def split_header(data: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Header fields and the rest. A part that begins with an empty line has no fields."""
    if data.startswith(b"\n"):
        return (), data[1:]
    head, _, body = data.partition(b"\n\n")
    lines: list[bytes] = []
    size = 0
    for line in head[:MAX_HEADER].split(b"\n"):
        size += 1
        if line[:1] in (b" ", b"\t") and lines:
            lines.append(lines.pop() + b"\n" + line if len(lines[-1]) < 16_384 else lines[-1])
        elif line.startswith((b"From ", b">From ")) and size == 1:
            continue
        else:
            lines.append(line)
    fields = []
    for line in lines[:1_000]:
        field = _FIELD.fullmatch(line)
        if field:
            fields.append((field[1].decode("ascii").lower(), _value(decode(field[2]))))
    return tuple(fields), body


def _value(text: str) -> str:
    return decode_words(" ".join(text.split()))


def _media_type(value: str, default: str) -> tuple[str, dict[str, str]]:
    kind = value.partition(";")[0].strip().lower() or default
    found: dict[str, str] = {}
    for name, quoted, token in _PARAMETER.findall(value[:4_000]):
        found.setdefault(name.lower(), quoted or token)
    return kind, found


def _split(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The pieces between boundary lines; a last one without its end counts, too. A line that goes on is
    another's boundary (RFC 2046 5.1.1).
    """
    data = b"\n" + body
    start = -1
    for found in re.finditer(rb"\n--" + re.escape(boundary) + rb"(?:(--)|[ \t\r]*(?=\n|\Z))", data):
        if start >= 0:
            yield data[start : found.start()]
        start = found.end() + 1
        if found[1] or start > len(data):
            return
    if start >= 0:
        yield data[start:]
