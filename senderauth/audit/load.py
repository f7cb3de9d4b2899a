"""Rows of an earlier audit, read back from its JSON lines.

Theory of operation. The file may come from anywhere, so whatever the readers of rows rely on is checked
here, once: a row's shape is that of `Row`, turned into functions from its type hints. Fields that are not
known are let pass, since a later version may add some; those of `Row` itself may be missing (`--fields`).
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, BinaryIO, Literal, Union, get_args, get_origin, get_type_hints

from senderauth.audit.row import SCHEMA, Row

MAX_LINE = 16_000_000
"""Octets of one row: no record that was made to be large makes a larger one."""
MAX_DEPTH = 4
"""Lists within lists of a fact."""

Document = dict[str, Any]
Check = Callable[[Any], str]
"""What is wrong with a value, after the path to it: ".state is missing"; empty: nothing."""


def load_rows(
    file: BinaryIO, name: str, *, torn: Callable[[int], object] | None = None
) -> Iterator[Document]:
    """The rows' documents in order. A last line that is not whole, because a run was killed or still
    writes, is left out, and `torn` is told its number. Raises ValueError with the place (`name:line`) for
    anything that is no row.
    """
    for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1):
        if len(line) > MAX_LINE:
            raise ValueError(f"{name}:{number}: longer than any row")
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            if not line.endswith(b"\n") and number > 1:
                if torn is not None:
                    torn(number)
                return
            raise ValueError(f"{name}:{number}: not a row of JSON lines") from None
        if not isinstance(found, dict) or found.get("schema") != SCHEMA:
            raise ValueError(f"{name}:{number}: not a row of an audit ({SCHEMA})")
        if b"\\u" in line and not _is_text(found):
            raise ValueError(f"{name}:{number}: not a row of an audit: half a character")
        if fault := row_fault(found):
            raise ValueError(f"{name}:{number}: not a row of an audit: {fault.lstrip('.')}")
        yield found


def _is_text(found: Document) -> bool:
    """Whether no escape stands for half a character, which nothing could be written with."""
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def row_fault(found: Document) -> str:
    """What of a row's document is not as in `Row`; empty: nothing."""
    return _row_check()(found)


@cache
def _row_check() -> Check:
    return _object(Row, may_lack=True)


def _check_of(hint: Any) -> Check:
    """The check of one type hint."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return _words(inner)
    if origin in (Union, types.UnionType):
        (only,) = (_check_of(one) for one in inner if one is not types.NoneType)
        return lambda value: "" if value is None else only(value)
    if origin is tuple:
        return _list(inner[0])
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(inner[1])
    if is_dataclass(hint):
        return _object(hint, may_lack=False)
    if hint is object:
        return _fact
    return _of_type(hint.__name__, _enough(hint))


def _enough(hint: Any) -> frozenset[type]:
    """Types whose values need no further look: most of a row, so that most of it costs no call."""
    if get_origin(hint) in (Union, types.UnionType):
        return frozenset[type]().union(*map(_enough, get_args(hint)))
    if hint is float:
        return frozenset({int, float})
    if hint is object:
        return frozenset({str, int, bool, float, types.NoneType})
    return frozenset({hint}) if hint in (str, int, bool, types.NoneType) else frozenset()


def _object(of: Any, *, may_lack: bool) -> Check:
    fields = [(name, _enough(hint), _check_of(hint)) for name, hint in get_type_hints(of).items()]

    def check(value: Any) -> str:
        if value.__class__ is not dict:
            return " is not an object"
        for name, enough, inner in fields:
            one = value.get(name, _MISSING)
            if one.__class__ in enough:
                continue
            if one is _MISSING:
                if not may_lack:
                    return f".{name} is missing"
            elif fault := inner(one):
                return f".{name}{fault}"
        return ""

    return check


_MISSING = object()


def _list(hint: Any) -> Check:
    enough, inner = _enough(hint), _check_of(hint)

    def check(value: Any) -> str:
        if value.__class__ is not list:
            return " is not a list"
        for place, one in enumerate(value):
            if one.__class__ not in enough and (fault := inner(one)):
                return f"[{place}]{fault}"
        return ""

    return check


def _mapping(hint: Any) -> Check:
    enough, inner = _enough(hint), _check_of(hint)

    def check(value: Any) -> str:
        if value.__class__ is not dict:
            return " is not an object"
        for name, one in value.items():
            if one.__class__ not in enough and (fault := inner(one)):
                return f".{name}{fault}"
        return ""

    return check


def _words(known: tuple[str, ...]) -> Check:
    fault, words = f" is none of {', '.join(known)}", frozenset(known)
    return lambda value: "" if value.__class__ is str and value in words else fault


def _of_type(name: str, enough: frozenset[type]) -> Check:
    fault = f" is not of type {name}"
    return lambda value: "" if value.__class__ in enough else fault


def _fact(value: Any, depth: int = MAX_DEPTH) -> str:
    """Anything, but nothing nested so deep that a reader of it runs out of stack."""
    if value.__class__ is dict:
        value = list(value.values())
    if value.__class__ is not list:
        return ""
    if depth == 0:
        return " is nested too deep"
    return next((fault for one in value if (fault := _fact(one, depth - 1))), "")
