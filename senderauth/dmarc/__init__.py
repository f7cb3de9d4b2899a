"""DMARC under RFC 9989 and RFC 7489: whose policy applies, does it align, what does it ask for?"""

from senderauth.dmarc.discover import Policy, Walked, discover
from senderauth.dmarc.evaluate import Alignment, DKIMIdentity, SPFIdentity, Verdict, evaluate
from senderauth.dmarc.lint import check_report_destinations, compare
from senderauth.dmarc.record import Record, parse

__all__ = [
    "Alignment",
    "DKIMIdentity",
    "Policy",
    "Record",
    "SPFIdentity",
    "Verdict",
    "Walked",
    "check_report_destinations",
    "compare",
    "discover",
    "evaluate",
    "parse",
]
