"""Results for people and programs. Renders values, decides nothing."""

from senderauth.report.audit_page import audit_page
from senderauth.report.audit_summary import audit_summary_text
from senderauth.report.catalogue_list import (
    catalogue_document,
    catalogue_text,
    entry_document,
    entry_text,
    find_entries,
    nearest_entries,
)
from senderauth.report.diff_text import diff_text
from senderauth.report.document import document, message_document, schema, schema_kinds
from senderauth.report.draft import draft_text
from senderauth.report.explanation import (
    cases_text,
    confirmation_text,
    explain_document,
    explain_text,
    groups_text,
)
from senderauth.report.handover import FORMS, handover, handover_rows
from senderauth.report.message import message_text
from senderauth.report.proposals import (
    proposals_document,
    proposals_text,
    supposed_text,
    what_if_document,
    what_if_text,
)
from senderauth.report.receivers import receivers_document, receivers_text
from senderauth.report.safe import json_text, printable
from senderauth.report.text import check_text
from senderauth.report.wording import LANGUAGES, Wording, default_language, wording

__all__ = [
    "FORMS",
    "LANGUAGES",
    "Wording",
    "audit_page",
    "audit_summary_text",
    "cases_text",
    "catalogue_document",
    "catalogue_text",
    "check_text",
    "confirmation_text",
    "default_language",
    "diff_text",
    "document",
    "draft_text",
    "entry_document",
    "entry_text",
    "explain_document",
    "explain_text",
    "find_entries",
    "groups_text",
    "handover",
    "handover_rows",
    "json_text",
    "message_document",
    "message_text",
    "nearest_entries",
    "printable",
    "proposals_document",
    "proposals_text",
    "receivers_document",
    "receivers_text",
    "schema",
    "schema_kinds",
    "supposed_text",
    "what_if_document",
    "what_if_text",
    "wording",
]
