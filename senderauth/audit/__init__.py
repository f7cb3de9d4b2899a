"""Many domains: read, judged side by side, written in order, continued where it stopped."""

from senderauth.audit.compare import Change, Comparison, Difference, compare
from senderauth.audit.examine import PARTS, TRIED, Options, by_organization, chosen_parts
from senderauth.audit.job import Job, Progress, Result, Running
from senderauth.audit.lists import List
from senderauth.audit.load import load_rows
from senderauth.audit.read import Entry, chosen_selectors
from senderauth.audit.row import FIELDS, GRADES, SCHEMA, Row, document
from senderauth.audit.run import NameServersGone, audit, audit_rows, tune_memory
from senderauth.audit.summary import Summary
from senderauth.audit.write import WriteError, chosen_fields, format_of

__all__ = [
    "FIELDS",
    "GRADES",
    "PARTS",
    "SCHEMA",
    "TRIED",
    "Change",
    "Comparison",
    "Difference",
    "Entry",
    "Job",
    "List",
    "NameServersGone",
    "Options",
    "Progress",
    "Result",
    "Row",
    "Running",
    "Summary",
    "WriteError",
    "audit",
    "audit_rows",
    "by_organization",
    "chosen_fields",
    "chosen_parts",
    "chosen_selectors",
    "compare",
    "document",
    "format_of",
    "load_rows",
    "tune_memory",
]
