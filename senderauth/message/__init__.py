"""What a message says of itself: its author, its way, its envelope, what others concluded of it."""

from senderauth.message.author import Author, Mailbox, read_author
from senderauth.message.envelope import Envelope, Origin, read_envelope
from senderauth.message.facts import MessageFacts, read_message
from senderauth.message.received import Hop, Trusted, client_hop, parse_received
from senderauth.message.results import MethodResult, ResultsField, read_results, write_results
from senderauth.message.stream import MAX_FIELDS, MAX_MESSAGE, has_too_many_fields, messages
from senderauth.message.words import decode, decode_words, without_comments

__all__ = [
    "MAX_FIELDS",
    "MAX_MESSAGE",
    "Author",
    "Envelope",
    "Hop",
    "Mailbox",
    "MessageFacts",
    "MethodResult",
    "Origin",
    "ResultsField",
    "Trusted",
    "client_hop",
    "decode",
    "decode_words",
    "has_too_many_fields",
    "messages",
    "parse_received",
    "read_author",
    "read_envelope",
    "read_message",
    "read_results",
    "without_comments",
    "write_results",
]
