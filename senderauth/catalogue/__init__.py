"""The catalogue of bounce messages: from what a server said to its cause, and who can mend it.

Data: `entries` (causes), `messages` (who says what), `wording` in three languages. Reading: `match` for a
text, `read_bounce` for whatever a bounce comes as, `read_log` for logs of any size. The part that reads is
loaded when it is first used: a check needs only the data.
"""

from typing import TYPE_CHECKING

from senderauth.catalogue.load import (
    LANGUAGES,
    Entry,
    Language,
    Message,
    Permanence,
    Wording,
    entries,
    entry,
    message,
    messages,
    wording,
)
from senderauth.values import later

if TYPE_CHECKING:
    from senderauth.catalogue.bounce import Bounce, is_message, read_bounce, read_live_log, read_log
    from senderauth.catalogue.codes import Codes, code_source, code_words, find_codes, meanings
    from senderauth.catalogue.facts import Fact
    from senderauth.catalogue.logs import is_log
    from senderauth.catalogue.matching import RANKS, Match, Rank, ambiguity_words, match
    from senderauth.catalogue.providers import provider_keys, provider_name, provider_of

__all__ = [
    "LANGUAGES",
    "RANKS",
    "Bounce",
    "Codes",
    "Entry",
    "Fact",
    "Language",
    "Match",
    "Message",
    "Permanence",
    "Rank",
    "Wording",
    "ambiguity_words",
    "code_source",
    "code_words",
    "entries",
    "entry",
    "find_codes",
    "is_log",
    "is_message",
    "match",
    "meanings",
    "message",
    "messages",
    "provider_keys",
    "provider_name",
    "provider_of",
    "read_bounce",
    "read_live_log",
    "read_log",
    "wording",
]

_DOORS = {
    **dict.fromkeys(("Bounce", "is_message", "read_bounce", "read_live_log", "read_log"), "bounce"),
    **dict.fromkeys(("Codes", "code_source", "code_words", "find_codes", "meanings"), "codes"),
    "Fact": "facts",
    "is_log": "logs",
    **dict.fromkeys(("RANKS", "Match", "Rank", "ambiguity_words", "match"), "matching"),
    **dict.fromkeys(("provider_name", "provider_keys", "provider_of"), "providers"),
}

if not TYPE_CHECKING:  # a module-level __getattr__ would hide wrong names from a type checker
    __getattr__ = later(__name__, _DOORS, globals())
