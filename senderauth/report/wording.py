"""Prose by kind, id and language. No other module holds a sentence."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, get_args

from senderauth import catalogue
from senderauth.catalogue import Language
from senderauth.report.safe import printable
from senderauth.values import Facts, Finding, Reason, Step, fill, plain

LANGUAGES: tuple[Language, ...] = get_args(Language)


def default_language() -> Language:
    """The language of the locale where it is one of ours, else English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(variable):
            for language in LANGUAGES:
                if value.lower().startswith(language):
                    return language
            return "en"
    return "en"


@lru_cache(maxsize=128)
def _tables(language: str, room: str) -> Mapping[str, Any]:
    file = files("senderauth.report").joinpath("text", language, f"{room}.toml")
    return tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}


# Which file holds the ids of a kind that begin so; one file is parsed when its first id is asked for.
ROOMS = {
    "spf": "spf",
    "dkim": "dkim",
    "dmarc": "dmarc",
    "adsp": "adsp",
    "arc": "arc",
    "message": "message",
    "claim": "message",
    "lint": "lint",
    "host": "simulation",
    "mail": "simulation",
    "receiver": "simulation",
    "dns": "spf",
    "helo": "simulation",
    "caution": "proposals",
    "proof": "proposals",
    "laxer": "proposals",
    "uncovered": "proposals",
    "explain": "explain",
    "audit": "audit",
    "spoofing": "audit",
}
KINDS = {
    "action": "advice",
    "actor": "advice",
    "note": "simulation",
    "receiver": "simulation",
    "evidence": "simulation",
    "ui": "ui",
    "word": "simulation",
    "page": "audit_report",
    "audit": "audit",
    # of bounces and their catalogue
    "explain": "explain",
    "catalogue": "explain",
    "rank": "explain",
    "permanence": "explain",
    "act": "explain",
    "sayer": "explain",
    "check": "explain",
    "family": "explain",
    "fact": "explain",
    "source": "explain",
    "proposals": "proposals",
    "proposal": "proposals",
    "setting": "proposals",
}


WORDS = frozenset({"kind", "state", "problem", "reverse", "standard"})
"""Facts whose values are words of ours."""


class Wording:
    """All prose in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def say(self, kind: str, id: str, facts: Facts | None = None, field: str = "text") -> str:
        """The sentence of an id with the facts filled in; the id with its facts where nobody wrote one."""
        template = self._find(kind, id).get(field)
        if template is None:
            return " ".join([id, *(f"{name}={_shown(value)}" for name, value in (facts or {}).items())])
        return self.fill(template, facts or {})

    def fill(self, template: str, facts: Facts) -> str:
        """The template with the facts filled in, fit to print."""
        return fill(template, {name: self.shown(name, value) for name, value in facts.items()})

    def shown(self, name: str, value: object) -> str:
        """A fact as text; a word of ours in this language."""
        if isinstance(value, bool):
            name, value = "state", "yes" if value else "no"
        if name in WORDS and isinstance(value, str):
            return self._find("word", value).get("text") or _shown(value)
        return _shown(value)

    def template(self, kind: str, id: str, field: str = "text") -> str:
        """The sentence as it was written, facts not filled in; empty where nobody wrote one."""
        return self._find(kind, id).get(field, "")

    def _find(self, kind: str, id: str) -> Mapping[str, str]:
        room = KINDS.get(kind) or ROOMS.get(id.partition("-")[0], "")
        for candidate in dict.fromkeys((room, "simulation", "dkim")):
            if found := _tables(self.language, candidate).get(kind, {}).get(id):
                return found  # type: ignore[no-any-return]
        return {}

    def ui(self, id: str, **facts: object) -> str:
        """A heading or fixed phrase of a report."""
        return self.say("ui", id, facts)

    def finding(self, finding: Finding) -> tuple[str, str]:
        """Title and text of a finding."""
        facts = {"subject": finding.subject, **finding.evidence}
        return self.say("finding", finding.id, facts, "title"), self.say("finding", finding.id, facts)

    def reason(self, reason: Reason) -> str:
        """Why a verdict is what it is."""
        return self.say("reason", reason.id, reason.facts)

    def step(self, step: Step) -> str:
        """One line of a trace."""
        return self.say("step", step.id, step.facts)

    def entry(self, id: str) -> catalogue.Wording:
        """Title, cause and remedy of a catalogue entry."""
        return catalogue.wording(id, self.language)


def _shown(value: object) -> str:
    """A fact as text, fit to print."""
    value = plain(value)
    if isinstance(value, list):
        return ", ".join(_shown(inner) for inner in value[:20]) + (", …" if len(value) > 20 else "")
    return printable("" if value is None else value)


@lru_cache(maxsize=4)
def wording(language: str) -> Wording:
    """The prose of one language. Raises ValueError for one that is not there."""
    for known in LANGUAGES:
        if known == language:
            return Wording(known)
    raise ValueError(f"no language {language!r}; known are {', '.join(LANGUAGES)}")
