"""SPF (RFC 7208): is this host authorised to use this domain in mail?"""

from senderauth.spf.evaluate import MAX_TERMS, MAX_VOIDS, Result, check_host
from senderauth.spf.record import MacroString, Mechanism, Modifier, Record, parse

__all__ = [
    "MAX_TERMS",
    "MAX_VOIDS",
    "MacroString",
    "Mechanism",
    "Modifier",
    "Record",
    "Result",
    "check_host",
    "parse",
]
