"""The nouns that every room shares: reasons, steps and traces, findings, spans.

Theory of operation. An evaluation answers with a word of its RFC, a `Reason` (a stable id and the
facts that belong to it) and a `Trace`, the tree of steps that led there. None of them holds prose:
ids are looked up by language on the report's floor, so one id runs through verdict, finding, remedy,
translation, documentation page and test.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["info", "low", "medium", "high"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high")

Facts = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a text: the characters from `start` up to, not including, `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in a record's text, with its place, for the caret under it."""

    id: str
    span: Span
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a verdict is what it is: a stable id in kebab-case and the facts of this case."""

    id: str
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth telling about a record, a host or a message, whatever the verdict."""

    id: str
    severity: Severity
    subject: str
    """What it is about: a domain, a record's name, an address."""
    evidence: Facts = field(default_factory=dict)
    rfc: str = ""
    """Where the rule stands, e.g. "RFC 7208 4.6.4"."""
    source: str = "senderauth"
    """Who found it: "senderauth" or the name of a guest such as "checkdmarc"."""


@dataclass(slots=True)
class Step:
    """One node of a trace."""

    id: str
    facts: dict[str, Any] = field(default_factory=dict)
    inner: list[Step] = field(default_factory=list)


class Trace:
    """Grows a tree of steps. The only writer of steps."""

    __slots__ = ("_open", "root")

    def __init__(self, id: str = "trace", **facts: object) -> None:
        self.root = Step(id, facts)
        self._open = [self.root]

    def note(self, id: str, **facts: object) -> Step:
        """Adds a step without inner ones."""
        step = Step(id, facts)
        self._open[-1].inner.append(step)
        return step

    def step(self, id: str, **facts: object) -> _Open:
        """Opens a step: what is noted inside the block hangs below it."""
        return _Open(self._open, self.note(id, **facts))


class _Open:
    """An open step as a context; a class, since a generator costs twice as much and traces are hot."""

    __slots__ = ("_stack", "_step")

    def __init__(self, stack: list[Step], step: Step) -> None:
        self._stack, self._step = stack, step

    def __enter__(self) -> Step:
        self._stack.append(self._step)
        return self._step

    def __exit__(self, *_: object) -> None:
        self._stack.pop()


def plain(value: object) -> Any:
    """The value as JSON knows it: dataclasses to objects, bytes to text with escapes, sets sorted."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(inner) for inner in value), key=str)
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return str(value)


_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")


def fill(template: str, facts: Facts) -> str:
    """The template with each `{name}` replaced by that fact; lists are joined. A name without a fact stays."""

    def text(match: re.Match[str]) -> str:
        value = plain(facts[match[1]]) if match[1] in facts else match[0]
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    return _PLACEHOLDER.sub(text, template)
