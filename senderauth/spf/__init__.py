"""SPF (RFC 7208): is this host authorised to use this domain in mail?"""

from senderauth.spf.evaluate import Result, check_host, mail_from_identity, not_judged
from senderauth.spf.mistakes import parted
from senderauth.spf.program import Word
from senderauth.spf.ranges import Ranges
from senderauth.spf.reach import authorised, is_sound, qualifier
from senderauth.spf.record import Macro, MacroString, Mechanism, Modifier, Record, Term, is_spf, parse
from senderauth.spf.state import MAX_MX, MAX_PTR, MAX_TERMS, MAX_VOIDS
from senderauth.spf.survey import outline, survey, surveyed
from senderauth.spf.tree import Branch, Branches, Node, Outline, Survey, TermCost

__all__ = [
    "MAX_MX",
    "MAX_PTR",
    "MAX_TERMS",
    "MAX_VOIDS",
    "Branch",
    "Branches",
    "Macro",
    "MacroString",
    "Mechanism",
    "Modifier",
    "Node",
    "Outline",
    "Ranges",
    "Record",
    "Result",
    "Survey",
    "Term",
    "TermCost",
    "Word",
    "authorised",
    "check_host",
    "is_sound",
    "is_spf",
    "mail_from_identity",
    "not_judged",
    "outline",
    "parse",
    "parted",
    "qualifier",
    "survey",
    "surveyed",
]
