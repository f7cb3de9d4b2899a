"""Many domains: read, judged side by side, written in order, continued where it stopped."""

from senderauth.audit.row import FIELDS, GRADES, SCHEMA, Row, document

__all__ = ["FIELDS", "GRADES", "SCHEMA", "Row", "document"]
