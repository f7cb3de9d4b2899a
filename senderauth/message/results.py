"""Authentication-Results (RFC 8601): what others say they found, read; what we found, written.

Theory of operation. The field is cut at the semicolons outside of quoted strings, each result is read by
itself, so that a broken one costs only itself. Values are taken as they are written: <>, addresses in UTF-8
(EAI), https://… without quotes; a word that is neither a reason nor a property is passed over. A field
without an authserv-id is Microsoft's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from senderauth.message.words import unfold, without_comments

MAX_FIELD = 8_192
MAX_FIELDS = 50
MAX_RESULTS = 50
MAX_PROPERTIES = 20
_INSTANCE = re.compile(r"\s*i\s*=\s*(\d{1,4})\s*;\s*", re.IGNORECASE)
_CLIENT = re.compile(
    r"(?:designates|sender ip is|client-ip=|remote-ip=|ip=)\s{0,3}([0-9A-Fa-f:.]{3,45})", re.IGNORECASE
)
_SERVER = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;="]+))(?:\s+(\d+))?\s*;')
_MARK = re.compile(r'[";]|\\.')
_METHOD = re.compile(r"([\w-]{1,40})(?:\s*/\s*(\d{1,3}))?\s*=\s*([\w-]{1,40})(?!\S)")
_PROPERTY = re.compile(
    r"""(?:(?P<reason>reason)|(?P<type>[\w-]{1,60})\s*\.\s*(?P<property>[\w-]{1,60}))\s*=\s*
        (?:"(?P<quoted>(?:[^"\\]|\\.)*)"?)?(?P<plain>[^\s"]*)
    | "(?:[^"\\]|\\.)*"? | [^\s"]+""",
    re.VERBOSE | re.IGNORECASE,
)
"""A reason, a property with its value, or another word. A quoted string may lack its end, for linear time."""


@dataclass(frozen=True, slots=True)
class MethodResult:
    """One method's result as a field states it."""

    method: str
    result: str
    properties: tuple[tuple[str, str], ...]
    """ "header.d" and the like, with the value."""
    reason: str

    def get(self, name: str) -> str:
        """A property's value, or empty."""
        return next((value for key, value in self.properties if key == name), "")


@dataclass(frozen=True, slots=True)
class ResultsField:
    """One Authentication-Results or ARC-Authentication-Results field."""

    authserv_id: str
    """Who says so; empty where the field does not say."""
    instance: int | None
    """Of an ARC set."""
    results: tuple[MethodResult, ...]
    client: str | None
    """The address that SPF was judged for, where a comment or property tells."""
    place: int
    """How many Received fields stand above it: 0 is the last host's own."""


def read_results(fields: Sequence[tuple[str, bytes]]) -> tuple[ResultsField, ...]:
    """All such fields of a header that can be read, from the top."""
    found: list[ResultsField] = []
    place = 0
    for name, value in fields:
        if name == "received":
            place += 1
        elif name in ("authentication-results", "arc-authentication-results") and len(found) < MAX_FIELDS:
            one = _read(value, name.startswith("arc-"), place)
            if one is not None:
                found.append(one)
    return tuple(found)


def _read(value: bytes, is_arc: bool, place: int) -> ResultsField | None:
    text, comments = without_comments(unfold(value, MAX_FIELD))
    instance = None
    if is_arc and (number := _INSTANCE.match(text)):
        instance, text = int(number[1]), text[number.end() :]
    name, version = "", "1"
    if server := _SERVER.match(text):
        name, version = (server[1] or server[2] or "").lower()[:255], server[3] or "1"
        text = text[server.end() :]
    elif "=" not in text.partition(";")[0]:
        return None
    parts = [part.strip() for part in _parts(text) if part.strip()]
    if not parts or version != "1":  # 2.3: another version may mean anything
        return None
    results = tuple(found for part in parts[:MAX_RESULTS] if (found := _result(part)) is not None)
    if not results and parts != ["none"]:
        return None
    return ResultsField(name, instance, results, _client(results, comments), place)


def _parts(text: str) -> list[str]:
    """What stands between semicolons; those in quoted strings do not count."""
    parts, start, quoted = [], 0, False
    for mark in _MARK.finditer(text):
        if mark[0] == '"':
            quoted = not quoted
        elif mark[0] == ";" and not quoted:
            parts.append(text[start : mark.start()])
            start = mark.end()
    return [*parts, text[start:]]


def _result(part: str) -> MethodResult | None:
    """One result; None for "none", for what cannot be read as one, and for one of a method's later version,
    where the words may mean anything (RFC 8601 2.6).
    """
    found = _METHOD.match(part)
    if found is None or int(found[2] or 1) != 1:
        return None
    reason = ""
    properties: list[tuple[str, str]] = []
    for one in _PROPERTY.finditer(part, found.end()):
        value = re.sub(r"\\(.)", r"\1", one["quoted"] or "") + (one["plain"] or "")
        if one["reason"]:
            reason = value[:200]
        elif one["type"] and len(properties) < MAX_PROPERTIES:
            properties.append((f"{one['type']}.{one['property']}".lower(), value[:400]))
    return MethodResult(found[1].lower(), found[3].lower(), tuple(properties), reason)


def _client(results: Iterable[MethodResult], comments: Iterable[str]) -> str | None:
    """Whose address they judged."""
    said = [result.get(name) for result in results for name in ("smtp.remote-ip", "policy.iprev")]
    said += [found[1] for comment in comments if (found := _CLIENT.search(comment))]
    for text in said:
        try:
            return str(ip_address(text.rstrip(".")))
        except ValueError:
            continue
    return None


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+|(?:[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+)?@[A-Za-z0-9._-]+")
"""A token (RFC 2045 5.1), which has no slash, or an address."""


def write_results(authserv_id: str, results: Iterable[MethodResult]) -> str:
    """The field that a receiver would add, folded (RFC 8601 2.2)."""
    lines = [f"Authentication-Results: {_value(authserv_id)}"]
    for result in results:
        words = [f"{result.method}={result.result}"]
        if result.reason:
            words.append(f"reason={_value(result.reason, quote=True)}")
        words += [f"{name}={_value(value)}" for name, value in result.properties]
        lines.append("\r\n\t ".join(words))
    if len(lines) == 1:
        lines.append("none")
    return ";\r\n\t".join(lines) + "\r\n"


def _value(text: str, *, quote: bool = False) -> str:
    """A token, or a quoted string without anything that could end the field."""
    plain = "".join(char for char in text if char.isprintable())
    if not quote and _TOKEN.fullmatch(plain):
        return plain
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
