"""Authentication-Results (RFC 8601): what others say they found, read; what we found, written.

The field's grammar is read by the authres library; what it cannot bear is taken out before: comments
(it recurses with their nesting), the instance of an ARC field, a field without an authserv-id (Microsoft).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from senderauth.message.words import unfold, without_comments

MAX_FIELD = 8_192
MAX_FIELDS = 50
MAX_RESULTS = 50
_INSTANCE = re.compile(r"\s*i\s*=\s*(\d{1,4})\s*;\s*", re.IGNORECASE)
_CLIENT = re.compile(
    r"(?:designates|sender ip is|client-ip=|remote-ip=|ip=)\s{0,3}([0-9A-Fa-f:.]{3,45})", re.IGNORECASE
)


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
    from authres import AuthResError, all_features
    from authres.core import AuthenticationResultsHeader

    text, comments = without_comments(unfold(value, MAX_FIELD))
    instance = None
    if is_arc and (number := _INSTANCE.match(text)):
        instance, text = int(number[1]), text[number.end() :]
    unnamed = "=" in text.partition(";")[0]
    if unnamed:
        text = f"unnamed; {text}"
    text = ";".join(part for part in text.split(";")[: MAX_RESULTS + 1] if part.strip())
    try:
        header = AuthenticationResultsHeader.parse_value(all_features(), text)
    except (AuthResError, ValueError, RecursionError):
        return None
    results = tuple(_method(result) for result in header.results if getattr(result, "method", None))
    return ResultsField(
        "" if unnamed else str(header.authserv_id or "")[:255],
        instance,
        results,
        _client(results, comments),
        place,
    )


def _method(result: Any) -> MethodResult:
    properties = tuple(
        (f"{one.type}.{one.name}".lower(), str(one.value or "")[:400]) for one in result.properties[:20]
    )
    return MethodResult(
        str(result.method).lower()[:40],
        str(result.result or "").lower()[:40],
        properties,
        str(result.reason or "")[:200],
    )


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


_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`{|}~@/-]+")


def write_results(authserv_id: str, results: Iterable[MethodResult]) -> str:
    """The field that a receiver would add, folded (RFC 8601 2.2)."""
    lines = [f"Authentication-Results: {authserv_id}"]
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
