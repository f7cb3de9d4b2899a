"""SPF (RFC 7208): is this host authorised to use this domain in mail?"""

from senderauth.spf.evaluate import Result, check_host, mail_from_identity
from senderauth.spf.ranges import Ranges
from senderauth.spf.record import MacroString, Mechanism, Modifier, Record, parse
from senderauth.spf.state import MAX_MX, MAX_PTR, MAX_TERMS, MAX_VOIDS
from senderauth.spf.survey import survey
from senderauth.spf.tree import Node, Survey, TermCost

__all__ = [
    "MAX_TERMS",
    "MAX_VOIDS",
    "MacroString",
    "Mechanism",
    "Modifier",
    "Node",
    "Ranges",
    "Record",
    "Result",
    "Survey",
    "TermCost",
    "check_host",
    "parse",
    "survey",
]
