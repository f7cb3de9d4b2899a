"""Answers kept in a file, to be given again: a case for a ticket or a test.

A tape is JSON lines. The first says what it is and when it was recorded:

    {"schema": "senderauth/tape/1", "recorded_at": "2026-11-23T20:15:00Z"}
    {"name": "example.com", "type": "TXT", "status": "NOERROR", "ttl": 300, "records": ["v=spf1 -all"]}

then one line for each question, sorted by name and type, failures too. TXT is text, with \\DDD for other
octets and \\\\ for a backslash; one that was sent in several strings is a list of them. Fields that say
nothing are left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from os import PathLike
from pathlib import Path
from typing import Any

from senderauth.dns.core import Answer, Question, Resolver, Status, prefetch

SCHEMA = "senderauth/tape/1"
FAMILIES = {"A": IPv4Address, "AAAA": IPv6Address}
MAX_SIZE = 64 * 1024 * 1024


class TapeError(ValueError):
    """A tape cannot be used: which, where, and why, in one line."""

    def __init__(self, file: str, line: int, what: str) -> None:
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")
        self.file, self.line, self.what = file, line, what


class RecordingResolver:
    """Passes questions on and remembers what was answered, the first time for each, failures too."""

    def __init__(self, over: Resolver) -> None:
        self.over = over
        self._heard: dict[Question, Answer] = {}
        if hasattr(over, "prefetch"):
            self.prefetch = self._prefetch

    async def resolve(self, question: Question) -> Answer:
        """The other resolver's answer. Once heard it stays, so that what is recorded is what was judged."""
        known = self._heard.get(question)
        if known is not None:
            return known
        answer = await self.over.resolve(question)
        return self._heard.setdefault(question, answer)

    def _prefetch(self, questions: Iterable[Question]) -> None:
        prefetch(self.over, [question for question in questions if question not in self._heard])

    @property
    def answers(self) -> dict[Question, Answer]:
        """What is on the tape, sorted."""
        return dict(sorted(self._heard.items(), key=lambda item: (item[0].name, item[0].rdtype)))

    def text(self, recorded_at: str) -> str:
        """The tape; `recorded_at` is the caller's time, ISO 8601."""
        lines = [json.dumps({"schema": SCHEMA, "recorded_at": recorded_at})]
        for question, answer in self.answers.items():
            lines.append(json.dumps(_to_json(question, answer), ensure_ascii=False))
        return "\n".join(lines) + "\n"

    def save(self, path: str | PathLike[str], *, recorded_at: str) -> None:
        """Writes the tape."""
        Path(path).write_text(self.text(recorded_at), "utf-8")


class ReplayResolver:
    """Answers from a tape and from nothing else. A question that is not on it is unknown now, note
    "not-on-tape"; with `strict` it raises LookupError.
    """

    def __init__(self, path: str | PathLike[str], *, strict: bool = False) -> None:
        self.recorded_at, self._answers = _read(Path(path))
        self._strict = strict

    async def resolve(self, question: Question) -> Answer:
        """The answer as it was recorded."""
        answer = self._answers.get(question)
        if answer is not None:
            return answer
        if self._strict:
            raise LookupError(f"not on the tape: {question.name} {question.rdtype}")
        return Answer(Status.TIMEOUT, note="not-on-tape", source="tape")


# --- lines -----------------------------------------------------------------------------------------


def _to_json(question: Question, answer: Answer) -> dict[str, Any]:
    line: dict[str, Any] = {"name": question.name, "type": question.rdtype, "status": answer.status.value}
    if answer.ttl:
        line["ttl"] = answer.ttl
    if answer.strings:
        line["records"] = [_strings_to_json(parts) for parts in answer.strings]
    elif answer.records:
        line["records"] = [_escaped(r) if isinstance(r, bytes) else r for r in answer.records]
    for key in ("canonical_name", "chain", "server", "note", "source"):
        if value := getattr(answer, key):
            line[key] = value
    if answer.elapsed is not None:
        line["elapsed"] = round(answer.elapsed, 6)
    return line


def _strings_to_json(parts: tuple[bytes, ...]) -> str | list[str]:
    return _escaped(parts[0]) if len(parts) == 1 else [_escaped(part) for part in parts]


def _escaped(octets: bytes) -> str:
    return "".join(
        "\\\\" if octet == 0x5C else chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03d}"
        for octet in octets
    )


def _octets(text: Any) -> bytes:
    if not isinstance(text, str):
        raise _BadError("a TXT record is a text or a list of texts")
    octets, position = bytearray(), 0
    for found in re.finditer(r"\\(?:(\\)|([0-9]{3}))?", text):
        octets += text[position : found.start()].encode("utf-8")
        if found[1]:
            octets.append(0x5C)
        elif found[2] and int(found[2]) < 256:
            octets.append(int(found[2]))
        else:
            raise _BadError(f"a backslash stands before \\ or three digits below 256, not as in {found[0]!r}")
        position = found.end()
    return bytes(octets + text[position:].encode("utf-8"))


class _BadError(Exception):
    """What is wrong with a line."""


def _read(path: Path) -> tuple[str, dict[Question, Answer]]:
    answers: dict[Question, Answer] = {}
    recorded_at: str | None = None
    for number, text in enumerate(_text(path).split("\n"), 1):
        if not text.strip():
            continue
        try:
            line = _object(text)
            if recorded_at is None:
                recorded_at = _header(line)
                continue
            question, answer = _from_json(line)
            if question in answers:
                raise _BadError(f"{question.name} {question.rdtype} is there twice")
        except _BadError as error:
            raise TapeError(str(path), number, str(error)) from None
        answers[question] = answer
    if recorded_at is None:
        raise TapeError(str(path), 0, "it is empty")
    return recorded_at, answers


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise TapeError(str(path), 0, (error.strerror or "cannot be read").lower()) from None
    if len(octets) > MAX_SIZE:
        raise TapeError(str(path), 0, f"larger than {MAX_SIZE >> 20} MB")
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise TapeError(str(path), octets[: error.start].count(b"\n") + 1, "not UTF-8 text") from None


def _no_number(_: str) -> None:
    raise ValueError


def _object(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text, parse_constant=_no_number)
        text.encode("utf-8")
        json.dumps(line, ensure_ascii=False).encode("utf-8")  # an escape may stand for half a character
    except UnicodeEncodeError:
        raise _BadError("not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise _BadError("not JSON") from None
    if not isinstance(line, dict):
        raise _BadError("not a JSON object")
    return line


def _header(line: dict[str, Any]) -> str:
    if line.get("schema") != SCHEMA:
        raise _BadError(f'not a tape: its first line must have "schema": "{SCHEMA}"')
    recorded_at = line.get("recorded_at")
    if not isinstance(recorded_at, str):
        raise _BadError("recorded_at is missing")
    try:
        datetime.fromisoformat(recorded_at)
    except ValueError:
        raise _BadError("recorded_at is no time as in 2026-05-01T12:00:00Z") from None
    return recorded_at


def _from_json(line: dict[str, Any]) -> tuple[Question, Answer]:
    question = Question(_string(line, "name").lower().removesuffix("."), _string(line, "type").upper())
    try:
        status = Status[_string(line, "status")]
    except KeyError:
        raise _BadError(f"unknown status {line['status']!r:.40}") from None
    ttl, elapsed = line.get("ttl", 0), line.get("elapsed")
    if type(ttl) is not int or type(elapsed) not in (int, float, type(None)):  # True is an int, too
        raise _BadError("ttl and elapsed are numbers")
    given = line.get("records", [])
    chain = line.get("chain", [])
    if (
        not isinstance(given, list)
        or not isinstance(chain, list)
        or not all(isinstance(n, str) for n in chain)
    ):
        raise _BadError("records and chain are lists")
    answer = Answer(
        status,
        ttl=ttl,
        canonical_name=_string(line, "canonical_name", "") or None,
        server=_string(line, "server", ""),
        elapsed=elapsed,
        note=_string(line, "note", ""),
        source="tape",
        chain=tuple(chain),
    )
    if question.rdtype == "TXT":
        strings = tuple(tuple(map(_octets, r if isinstance(r, list) else [r])) for r in given)
        return question, replace(answer, records=tuple(b"".join(parts) for parts in strings), strings=strings)
    return question, replace(answer, records=tuple(_record(question.rdtype, record) for record in given))


def _record(rdtype: str, record: Any) -> Any:
    if rdtype == "MX":
        match record:
            case [int(preference), str(host)] if 0 <= preference < 65_536:
                return preference, host
        raise _BadError("an MX record is [preference, host]")
    if not isinstance(record, str):
        raise _BadError(f"{'an' if rdtype[:1] == 'A' else 'a'} {rdtype} record is a text")
    if rdtype in FAMILIES:
        try:
            FAMILIES[rdtype](record)
        except AddressValueError:
            raise _BadError(f"an {rdtype} record is an address, not {record!r:.60}") from None
    return record


def _string(line: dict[str, Any], key: str, default: str | None = None) -> str:
    value = line.get(key, default)
    if not isinstance(value, str):
        raise _BadError(f"{key} is missing" if value is None else f"{key} is not a text")
    return value
