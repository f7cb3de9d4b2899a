"""The catalogue's data: entries (causes), messages (who says what) and wording.

Theory of operation. Parsing all the files takes many times longer than anything done with them, and a
check needs three tables out of hundreds. Each table is written as one block, from its `[id]` line to the
next, without sub-tables: so an index of the blocks is one scan, and a block is parsed when it is asked
for. A test proves that the index says what a whole parse says.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

Family = Literal[
    "authentication",
    "policy",
    "recipient",
    "quota",
    "rate",
    "relay",
    "content",
    "size",
    "address-syntax",
    "transport",
    "reverse-dns",
    "login",
    "loop",
    "temporary",
    "client",
]
Permanence = Literal["permanent", "temporary", "depends", "setting"]
"""Of the cause. "depends": on the code's class, or on a lock being lifted; "setting": there is no bounce."""
MustAct = Literal[
    "sender",
    "domain-owner",
    "mail-admin",
    "recipient",
    "recipient-admin",
    "forwarder",
    "provider",
    "nobody",
]
SaidBy = Literal["own-provider", "receiver", "reporting-server", "mail-program"]
Check = Literal["spf", "dkim", "dmarc", "dmarc-alignment", "adsp", "ptr", "mx", "null-mx", "a"]
TextRank = Literal["provider", "software", "rfc", "generic"]
Language = Literal["en", "nl", "de"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "nl", "de")


@dataclass(frozen=True, slots=True)
class Entry:
    """A cause of a bounce: what is wrong and who can mend it."""

    id: str
    family: Family
    must_act: tuple[MustAct, ...]
    """The likeliest first."""
    permanence: Permanence
    said_by: tuple[SaidBy, ...]
    checks: tuple[Check, ...]
    """What DNS can confirm; empty: DNS cannot confirm this."""
    codes: tuple[str, ...]
    """Natural code first, then what is seen in the wild."""
    provider: str
    """Whose own words the patterns are, or empty."""
    patterns: tuple[str, ...]
    """See `pattern.py`; empty where nothing is said that could be recognised."""
    weak: tuple[str, ...]
    """Patterns that give way to any other: words that stand in many texts beside the real reason."""
    unless: tuple[str, ...]
    """Texts beside which the patterns mean something else."""
    words: tuple[str, ...]
    """Code words that a person may type alone, such as "b-url"."""
    samples: tuple[str, ...]
    reply: str
    """Codes before the text, where it can be predicted."""
    template: str
    """The text with `{facts}` to fill in, where it can be predicted."""
    origin: str
    """Row or section of the help page it comes from, or what it was derived from."""
    sources: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Message:
    """A text that a provider, a program or an RFC says, and the entry it means."""

    id: str
    who: str
    provider: str
    """Key of the provider in `providers.toml`, or empty for software and RFCs."""
    rank: TextRank
    codes: tuple[str, ...]
    text: str
    """As read, with documentation values."""
    samples: tuple[str, ...]
    """Other wordings, each matched too."""
    reply: str
    """Codes before the text, e.g. "550 5.7.26"."""
    template: str
    """The text with `{facts}` to fill in."""
    patterns: tuple[str, ...]
    unless: tuple[str, ...]
    needs_code: tuple[str, ...]
    """Where the words alone say too little: the text counts only beside one of these codes."""
    whole: bool
    """The words count only where they are all that the answer says."""
    by_host_only: bool
    """The words are others' too: counts only where the host tells the provider."""
    from_states: tuple[str, ...]
    """States of the From field (`message.Author`) that it is said of; empty: of all that are wrong."""
    cause: str
    """Id of the entry."""
    other_causes: tuple[str, ...]
    """What it may mean instead."""
    permanence: Permanence
    checks: tuple[Check, ...]
    sources: tuple[str, ...]
    read: str
    """Date of the source, as exact as it is known; empty for source code and RFCs."""
    note: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What a person reads about an entry."""

    title: str
    cause: str
    remedy: str
    case: str
    """A sentence with `{facts}` of one send, or empty."""


_HEADER = re.compile(r"^\[([a-z0-9-]+)\]$", re.MULTILINE)


@lru_cache(maxsize=16)
def _blocks(*folder: str) -> Mapping[str, str]:
    """Every table of a folder's files as its own TOML text, by id, in the order of the files."""
    found: dict[str, str] = {}
    here = files("senderauth.catalogue").joinpath(*folder)
    for file in sorted(here.iterdir(), key=lambda file: file.name):
        if not file.name.endswith(".toml"):
            continue
        text = file.read_text("utf-8")
        heads = list(_HEADER.finditer(text))
        ends = [head.start() for head in heads[1:]] + [len(text)]
        for head, end in zip(heads, ends, strict=True):
            found[head[1]] = text[head.end() : end]
    return found


def _names(table: Mapping[str, Any], key: str) -> tuple[Any, ...]:
    return tuple(table.get(key, ()))


@cache
def entry(id: str) -> Entry:
    """The entry of that id. Raises KeyError where there is none."""
    table = tomllib.loads(_blocks("entries")[id])
    return Entry(
        id=id,
        family=table["family"],
        must_act=_names(table, "must_act"),
        permanence=table["permanence"],
        said_by=_names(table, "said_by"),
        checks=_names(table, "checks"),
        codes=_names(table, "codes"),
        provider=table.get("provider", ""),
        patterns=_names(table, "patterns"),
        weak=_names(table, "weak"),
        unless=_names(table, "unless"),
        words=_names(table, "words"),
        samples=_names(table, "samples"),
        reply=table.get("reply", ""),
        template=table.get("template", ""),
        origin=table["origin"],
        sources=_names(table, "sources"),
        note=table.get("note", ""),
    )


@cache
def message(id: str) -> Message:
    """The message of that id; for the id of an entry with a text of its own, that text as a message.
    Raises KeyError where there is none.
    """
    block = _blocks("messages").get(id)
    if block is None:
        return _own_message(entry(id))
    table = tomllib.loads(block)
    return Message(
        id=id,
        who=table["who"],
        provider=table.get("provider", ""),
        rank=table.get("rank", "provider"),
        codes=_names(table, "codes"),
        text=table["text"],
        samples=_names(table, "samples"),
        reply=table["reply"],
        template=table.get("template", table["text"]),
        patterns=_names(table, "patterns"),
        unless=_names(table, "unless"),
        needs_code=_names(table, "needs_code"),
        whole=table.get("whole", False),
        by_host_only=table.get("by_host_only", False),
        from_states=_names(table, "from_states"),
        cause=table["cause"],
        other_causes=_names(table, "other_causes"),
        permanence=table["permanence"],
        checks=_names(table, "checks"),
        sources=_names(table, "sources"),
        read=table.get("read", ""),
        note=table.get("note", ""),
    )


def _own_message(entry: Entry) -> Message:
    if not entry.template:
        raise KeyError(entry.id)
    return Message(
        id=entry.id,
        who=entry.provider,
        provider=entry.provider,
        rank="generic",
        codes=entry.codes,
        text=entry.samples[0],
        samples=entry.samples[1:],
        reply=entry.reply,
        template=entry.template,
        patterns=entry.patterns,
        unless=entry.unless,
        needs_code=(),
        whole=False,
        by_host_only=False,
        from_states=(),
        cause=entry.id,
        other_causes=(),
        permanence=entry.permanence,
        checks=entry.checks,
        sources=entry.sources,
        read="",
        note=entry.note,
    )


class _Table(Mapping[str, Any]):
    """A mapping that parses a value when it is asked for."""

    __slots__ = ("_get", "_ids")

    def __init__(self, ids: Mapping[str, str], get: Any) -> None:
        self._ids, self._get = ids, get

    def __getitem__(self, id: str) -> Any:
        if id not in self._ids:
            raise KeyError(id)
        return self._get(id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def entries() -> Mapping[str, Entry]:
    """All entries by id, in the order of the files. An entry is parsed when it is looked at."""
    return _Table(_blocks("entries"), entry)


def messages() -> Mapping[str, Message]:
    """All messages of providers, programs and RFCs by id. A message is parsed when it is looked at."""
    return _Table(_blocks("messages"), message)


@cache
def wording(id: str, language: Language = "en") -> Wording:
    """The words for an entry; for a message, those of its cause. Raises KeyError for an unknown id and
    ValueError for a language that the catalogue does not speak.
    """
    if language not in LANGUAGES:
        raise ValueError(f"no wording in {language!r}; there is {', '.join(LANGUAGES)}")
    block = _blocks("text", language).get(id)
    if block is None:
        return wording(tomllib.loads(_blocks("messages")[id])["cause"], language)
    table = tomllib.loads(block)
    return Wording(table["title"], table["cause"], table["remedy"], table.get("case", ""))
