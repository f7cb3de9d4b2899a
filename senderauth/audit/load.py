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

MAX_LINE = 4_000_000
"""Octets of one row."""
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
    check = _row_check()
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
        if fault := check(found):
            raise ValueError(f"{name}:{number}: not a row of an audit: {fault.lstrip('.')}")
        yield found


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
        return _list(_check_of(inner[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_facts if inner[1] is object else _check_of(inner[1]))
    if is_dataclass(hint):
        return _object(hint, may_lack=False)
    return _numbers if hint is float else _exactly(hint)


def _object(of: Any, *, may_lack: bool) -> Check:
    fields = [(name, _check_of(hint)) for name, hint in get_type_hints(of).items()]

    def check(value: Any) -> str:
        if value.__class__ is not dict:
            return " is not an object"
        for name, inner in fields:
            if name in value:
                if fault := inner(value[name]):
                    return f".{name}{fault}"
            elif not may_lack:
                return f".{name} is missing"
        return ""

    return check


def _list(inner: Check) -> Check:
    def check(value: Any) -> str:
        if value.__class__ is not list:
            return " is not a list"
        for place, one in enumerate(value):
            if fault := inner(one):
                return f"[{place}]{fault}"
        return ""

    return check


def _mapping(inner: Check) -> Check:
    def check(value: Any) -> str:
        if value.__class__ is not dict:
            return " is not an object"
        return next((f".{name}{fault}" for name, one in value.items() if (fault := inner(one))), "")

    return check


def _words(known: tuple[str, ...]) -> Check:
    fault = f" is none of {', '.join(known)}"
    return lambda value: "" if value.__class__ is str and value in known else fault


def _exactly(kind: type) -> Check:
    fault = f" is not of type {kind.__name__}"
    return lambda value: "" if value.__class__ is kind else fault


def _numbers(value: Any) -> str:
    return "" if value.__class__ in (int, float) else " is not a number"


def _facts(value: Any, depth: int = MAX_DEPTH) -> str:
    """Anything, but nothing nested so deep that a reader of it runs out of stack."""
    if value.__class__ is dict:
        value = list(value.values())
    if value.__class__ is not list:
        return ""
    if depth == 0:
        return " is nested too deep"
    return next((fault for one in value if (fault := _facts(one, depth - 1))), "")
