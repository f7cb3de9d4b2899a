"""ADSP (RFC 5617, historic): does the author domain say that it signs everything?"""

from senderauth.adsp.evaluate import Verdict, evaluate
from senderauth.adsp.record import Record, parse

__all__ = ["Record", "Verdict", "evaluate", "parse"]
