"""The catalogue for people and programs: the list by family, a search, one entry in full."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from senderauth import catalogue
from senderauth.catalogue import Entry, Language, Message
from senderauth.report.page import Page
from senderauth.report.wording import Wording
from senderauth.values import plain

SCHEMA = "senderauth/catalogue/1"


def catalogue_text(
    ids: Iterable[str] | None,
    searched: Iterable[str],
    words: Wording,
    *,
    width: int = 80,
    colour: bool = False,
) -> str:
    """The entries by family, each with its title; those of a search, or all where ids is None."""
    page = Page(width, colour)
    known = catalogue.entries()
    chosen = list(known) if ids is None else list(ids)
    if not chosen:
        page.line(words.say("catalogue", "none-found", {"words": " ".join(searched)}))
        return str(page)
    room = max(map(len, chosen)) + 2
    by_family: dict[str, list[str]] = {}
    for id in chosen:
        by_family.setdefault(known[id].family, []).append(id)
    for family, members in by_family.items():
        page.head(words.say("family", family))
        for id in members:
            page.line(f"{id:<{room}}{words.entry(id).title}", indent=2, hang=room)
    page.line()
    if ids is None:
        facts = {"entries": len(known), "messages": len(catalogue.messages())}
        page.line(words.say("catalogue", "count", facts))
    else:
        page.line(words.say("catalogue", "found", {"count": len(chosen)}))
    return str(page).lstrip("\n")


def find_entries(searched: Iterable[str], words: Wording) -> tuple[str, ...]:
    """Ids of the entries that hold all the words, in their ids, their wording in this language or English,
    their codes or their messages; in the order of the catalogue.
    """
    wanted = [word for text in searched for word in text.lower().split()]
    return tuple(
        id for id in catalogue.entries() if wanted and all(w in _text(id, words.language) for w in wanted)
    )


@lru_cache(maxsize=512)
def _text(id: str, language: Language) -> str:
    entry = catalogue.entry(id)
    spoken = [catalogue.wording(id, spoken) for spoken in dict.fromkeys((language, "en"))]
    parts = [id, entry.family, *entry.words, *entry.codes]
    parts += [text for w in spoken for text in (w.title, w.cause, w.remedy)]
    parts += said(entry)
    for message in messages_of(id):
        parts += [message.id, message.who, message.text, *message.samples, *message.codes]
    return " ".join(parts).lower()


def messages_of(id: str) -> Iterator[Message]:
    """The messages of providers, programs and RFCs that mean the entry."""
    return (message for message in catalogue.messages().values() if message.cause == id)


def said(entry: Entry) -> list[str]:
    """What servers say of an entry without being a known provider: samples, else the patterns' words."""
    return list(entry.samples or entry.patterns)


def nearest_entries(id: str) -> list[str]:
    """The ids most like one that there is not."""
    return difflib.get_close_matches(id.lower(), [*catalogue.entries(), *catalogue.messages()], 3, 0.4)


def entry_text(id: str, words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """One entry in full; of a message, its text and its cause. Raises KeyError for an unknown id."""
    page = Page(width, colour)
    message = catalogue.messages().get(id)
    if message is not None:
        page.line(words.say("catalogue", "message-of", {"id": id, "who": message.who}))
        page.line(words.say("explain", "quoted", {"text": message.text}), indent=2, hang=3)
        page.line()
    entry = catalogue.entry(message.cause if message is not None else id)
    spoken = words.entry(entry.id)
    page.line(f"{spoken.title} ({entry.id})", style="head")
    page.line(words.say("family", entry.family), indent=2)
    _bearings(page, entry, words)
    for heading, text in (("cause", spoken.cause), ("remedy", spoken.remedy)):
        page.head(words.say("catalogue", heading))
        page.line(text, indent=2)
    _messages(page, entry, words)
    page.head(words.say("catalogue", "sources"))
    for source in dict.fromkeys((*entry.sources, *(s for m in messages_of(entry.id) for s in m.sources))):
        page.line(source, indent=2, hang=2)
    return str(page)


def _bearings(page: Page, entry: Entry, words: Wording) -> None:
    who = ", ".join(words.say("act", actor) for actor in entry.must_act)
    page.line(words.say("catalogue", "who-acts", {"who": who}), indent=2, hang=2)
    text = words.say("permanence", entry.permanence)
    page.line(words.say("catalogue", "permanence", {"text": text}), indent=2, hang=2)
    sayers = ", ".join(words.say("sayer", sayer) for sayer in entry.said_by)
    page.line(words.say("catalogue", "said-by", {"who": sayers}), indent=2, hang=2)
    if entry.checks:
        checks = ", ".join(words.say("check", check) for check in entry.checks)
        page.line(words.say("catalogue", "checks", {"checks": checks}), indent=2, hang=2)
    else:
        page.line(words.say("catalogue", "no-checks"), indent=2, hang=2)
    if entry.codes:
        page.line(words.say("catalogue", "codes", {"codes": ", ".join(entry.codes)}), indent=2, hang=2)
    if entry.words:
        page.line(words.say("catalogue", "words", {"words": ", ".join(entry.words)}), indent=2, hang=2)


def _messages(page: Page, entry: Entry, words: Wording) -> None:
    lines = said(entry)
    messages = list(messages_of(entry.id))
    if not lines and not messages:
        return
    page.head(words.say("catalogue", "messages"))
    for text in lines:
        page.line(words.say("explain", "quoted", {"text": text}), indent=2, hang=3)
    for message in messages:
        page.line(f"{message.who} ({message.id}):", indent=2, hang=2)
        for text in (message.text, *message.samples):
            page.line(words.say("explain", "quoted", {"text": text}), indent=4, hang=3)


def catalogue_document(ids: Iterable[str] | None = None) -> dict[str, Any]:
    """The entries as JSON knows them, with their messages and their wording in every language."""
    chosen = catalogue.entries() if ids is None else ids
    return {"schema": SCHEMA, "entries": [_document(catalogue.entry(id)) for id in chosen]}


def entry_document(id: str) -> dict[str, Any]:
    """One entry, or the entry of a message, as JSON knows it. Raises KeyError for an unknown id."""
    message = catalogue.messages().get(id)
    return catalogue_document([message.cause if message is not None else id])


def _document(entry: Entry) -> dict[str, Any]:
    return {
        **plain(entry),
        "wording": {
            language: plain(catalogue.wording(entry.id, language)) for language in catalogue.LANGUAGES
        },
        "messages": [plain(message) for message in messages_of(entry.id)],
    }
