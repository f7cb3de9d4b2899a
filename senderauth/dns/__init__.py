"""Asking DNS: questions, answers, every resolver. The only room that opens a socket."""

from senderauth.dns.core import Answer, Question, Resolver, Status, prefetch
from senderauth.dns.drive import drive, together
from senderauth.dns.zone import ZoneResolver

__all__ = ["Answer", "Question", "Resolver", "Status", "ZoneResolver", "drive", "prefetch", "together"]
