"""Results for people and programs. Renders values, decides nothing."""

from senderauth.report.document import document, schema, schema_kinds
from senderauth.report.proposals import what_if_document, what_if_text
from senderauth.report.receivers import receivers_document, receivers_text
from senderauth.report.safe import printable
from senderauth.report.text import check_text
from senderauth.report.wording import LANGUAGES, Wording, default_language, wording

__all__ = [
    "LANGUAGES",
    "Wording",
    "check_text",
    "default_language",
    "document",
    "printable",
    "receivers_document",
    "receivers_text",
    "schema",
    "schema_kinds",
    "what_if_document",
    "what_if_text",
    "wording",
]
