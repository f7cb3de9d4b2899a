"""Many domains: read, judged side by side, written in order, continued where it stopped."""

from senderauth.audit.row import FIELDS, GRADES, SCHEMA, Row, document
from senderauth.audit.run import NameServersGone, audit, audit_rows
from senderauth.audit.summary import Summary

__all__ = [
    "FIELDS",
    "GRADES",
    "SCHEMA",
    "NameServersGone",
    "Row",
    "Summary",
    "audit",
    "audit_rows",
    "document",
]
