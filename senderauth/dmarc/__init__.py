"""DMARC under RFC 9989 and RFC 7489: whose policy applies, does it align, what does it ask for?"""

from senderauth.dmarc.discover import discover, discover_both
from senderauth.dmarc.evaluate import Alignment, DKIMIdentity, SPFIdentity, Verdict, evaluate
from senderauth.dmarc.lint import compare
from senderauth.dmarc.mend import meant_as_record, mend
from senderauth.dmarc.misplaced import find_misplaced
from senderauth.dmarc.policy import Policy, Walked
from senderauth.dmarc.record import Record, ReportUri, Tag, parse
from senderauth.dmarc.report_uris import check_report_destinations

__all__ = [
    "Alignment",
    "DKIMIdentity",
    "Policy",
    "Record",
    "ReportUri",
    "SPFIdentity",
    "Tag",
    "Verdict",
    "Walked",
    "check_report_destinations",
    "compare",
    "discover",
    "discover_both",
    "evaluate",
    "find_misplaced",
    "meant_as_record",
    "mend",
    "parse",
]
