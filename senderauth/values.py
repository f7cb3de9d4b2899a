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
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from importlib import import_module
from typing import Any, Literal, TypeVar, dataclass_transform

Severity = Literal["info", "low", "medium", "high"]
SEVERITIES: tuple[Severity, ...] = ("info", "low", "medium", "high")

Facts = Mapping[str, object]
T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """`dataclass(frozen=True, slots=True)` for what is made by the million, in a third of the time.

    Theory of operation. The constructor of a frozen dataclass goes past its own guard with a call for each
    field. This one, made from text as dataclasses makes its own, turns the new object into one of a class
    with the same slots and no guard, writes the fields, and turns it back. Pickled it is a call of that,
    in a quarter of the time. Only for classes without bases, `init=False` and `kw_only`.
    """
    made: Any = dataclass(frozen=True, slots=True, init=False)(cls)
    known: dict[str, Any] = {
        "_turn": vars(object)["__class__"].__set__,
        "_made": made,
        "_open": type(cls.__name__, (), {"__slots__": made.__slots__}),
        "_missing": MISSING,
    }
    parameters, lines = [], []
    for one in fields(made):
        parameter = value = one.name
        if one.default is not MISSING:
            parameter, known[f"_default_{one.name}"] = f"{one.name}=_default_{one.name}", one.default
        elif one.default_factory is not MISSING:
            parameter, known[f"_new_{one.name}"] = f"{one.name}=_missing", one.default_factory
            value = f"_new_{one.name}() if {one.name} is _missing else {one.name}"
        parameters.append(parameter)
        lines.append(f"    self.{one.name} = {value}")
    code = [f"def __init__(self, {', '.join(parameters)}):", "    _turn(self, _open)", *lines]
    code.append("    self.__class__ = _made")
    values = "".join(f"self.{one.name}, " for one in fields(made))
    code += ["def __reduce__(self):", f"    return _made, ({values})"]
    exec("\n".join(code), known)
    made.__init__, made.__reduce__ = known["__init__"], known["__reduce__"]
    made.__init__.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__init__.__annotations__ = {**cls.__annotations__, "return": None}
    return made  # type: ignore[no-any-return]


@frozen
class Span:
    """A place in a text: the characters from `start` up to, not including, `end`."""

    start: int
    end: int


@frozen
class Problem:
    """A fault in a record's text, with its place, for the caret under it."""

    id: str
    span: Span
    facts: Facts = field(default_factory=dict)


@frozen
class Reason:
    """Why a verdict is what it is: a stable id in kebab-case and the facts of this case."""

    id: str
    facts: Facts = field(default_factory=dict)


@frozen
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


class Step:
    """One node of a trace: what was done, the facts of it, and the steps inside."""

    __slots__ = ("facts", "id", "inner")

    def __init__(self, id: str, facts: dict[str, Any], inner: list[Step]) -> None:
        # not a dataclass: its generated constructor costs three times as much, and traces are hot
        self.id = id
        self.facts = facts
        self.inner = inner

    def __repr__(self) -> str:
        return f"Step({self.id!r}, {self.facts!r}, {self.inner!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step):
            return NotImplemented
        return (self.id, self.facts, self.inner) == (other.id, other.facts, other.inner)

    __hash__ = None  # type: ignore[assignment]


class LateStep(Step):
    """A step whose inner ones are worked out when somebody looks: most traces are never read."""

    __slots__ = ("_tell",)

    def __init__(self, id: str, facts: dict[str, Any], tell: Callable[[], list[Step]]) -> None:
        self.id = id
        self.facts = facts
        self._tell: Callable[[], list[Step]] | None = tell

    @property
    def inner(self) -> list[Step]:  # type: ignore[override]
        """The steps inside."""
        if self._tell is not None:
            _inner.__set__(self, self._tell())
            self._tell = None
        found: list[Step] = _inner.__get__(self)
        return found

    def __reduce__(self) -> tuple[object, ...]:
        """For another process, or a copy: a step with its inner ones told."""
        return Step, (self.id, self.facts, self.inner)


_inner: Any = Step.__dict__["inner"]  # the slot that the property hides


class Trace:
    """Grows a tree of steps. The only writer of steps.

    `step` is for a with block; `enter` and `leave` are the same for hot paths, where an exception ends
    the evaluation anyway. Who catches one and goes on returns to its `depth`.
    """

    __slots__ = ("_open", "root")

    def __init__(self, id: str = "trace", **facts: object) -> None:
        self.root = Step(id, facts, [])
        self._open = [self.root]

    def note(self, id: str, **facts: object) -> Step:
        """Adds a step without inner ones."""
        step = Step(id, facts, [])
        self._open[-1].inner.append(step)
        return step

    def enter(self, id: str, **facts: object) -> Step:
        """Adds a step and opens it: what is noted until `leave` hangs below it."""
        step = Step(id, facts, [])
        self._open[-1].inner.append(step)
        self._open.append(step)
        return step

    def leave(self) -> None:
        """Closes the step that was opened last."""
        self._open.pop()

    @property
    def depth(self) -> int:
        """How many steps are open."""
        return len(self._open)

    @depth.setter
    def depth(self, depth: int) -> None:
        del self._open[depth:]

    def step(self, id: str, **facts: object) -> _Open:
        """Opens a step for a with block."""
        return _Open(self, self.enter(id, **facts))


class _Open:
    """An open step as a context; a class, since a generator costs twice as much."""

    __slots__ = ("_step", "_trace")

    def __init__(self, trace: Trace, step: Step) -> None:
        self._trace, self._step = trace, step

    def __enter__(self) -> Step:
        return self._step

    def __exit__(self, *_: object) -> None:
        self._trace.leave()


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
    if isinstance(value, Step):
        return {"id": value.id, **plain(value.facts), "inner": plain(value.inner)}
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return str(value)


PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")
"""A fact's place in a template."""


def fill(template: str, facts: Facts) -> str:
    """The template with each `{name}` replaced by that fact, lists joined. A name without a fact stays."""

    def text(match: re.Match[str]) -> str:
        value = plain(facts[match[1]]) if match[1] in facts else match[0]
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    return PLACEHOLDER.sub(text, template)


_ACTED_ON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless(text: str) -> str:
    """JSON text that says the same, with escapes for what a terminal obeys and for half characters."""
    return _ACTED_ON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def later(package: str, places: Mapping[str, str], loaded: dict[str, Any]) -> Callable[[str], object]:
    """The `__getattr__` of a package that loads some of its names only when they are wanted. places: their
    modules in it, by name; loaded: the package's globals, where they are kept. To be hidden from type
    checkers, which would take every name for one of the package's.
    """

    def found(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        loaded[name] = getattr(import_module(f"{package}.{places[name]}"), name)
        return loaded[name]

    return found
