"""The catalogue of bounce messages: causes, who says what, wording in three languages."""

from senderauth.catalogue.load import (
    LANGUAGES,
    Entry,
    Language,
    Message,
    Wording,
    entries,
    entry,
    message,
    messages,
    wording,
)

__all__ = [
    "LANGUAGES",
    "Entry",
    "Language",
    "Message",
    "Wording",
    "entries",
    "entry",
    "message",
    "messages",
    "wording",
]
