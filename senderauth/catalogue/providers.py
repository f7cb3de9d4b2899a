"""Which provider stands behind a host name, or behind an answer that came without one."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads(files("senderauth.catalogue").joinpath("providers.toml").read_text("utf-8"))


@cache
def _by_suffix() -> Mapping[str, str]:
    return {suffix: key for key, provider in _data().items() for suffix in provider["suffixes"]}


def provider_of(host: str) -> str:
    """Key of the provider whose mail server the host is, by the end of its name; empty if none is known."""
    name = host.strip().strip(".").lower()[:255]
    known = _by_suffix()
    while name:
        if name in known:
            return known[name]
        name = name.partition(".")[2]
    return ""


@cache
def _marks() -> tuple[re.Pattern[str], Mapping[str, str]]:
    known = {mark: key for key, provider in _data().items() for mark in provider.get("marks", ())}
    return re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, known)) + ")"), known


def provider_by_marks(answer: str) -> str:
    """Key of the provider whose own help page, program or host stands in the answer; empty if none does."""
    regex, known = _marks()
    found = regex.search(answer.lower())
    return known[found[0]] if found else ""


def provider_name(key: str) -> str:
    """The provider's name as it is shown. Raises KeyError for an unknown key."""
    return str(_data()[key]["name"])


def provider_keys() -> tuple[str, ...]:
    """Keys of all providers."""
    return tuple(_data())
