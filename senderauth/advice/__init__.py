"""From verdicts to what must change."""

from senderauth.advice.action import Action, Remedy
from senderauth.advice.judge import Report, check
from senderauth.advice.remedies import remedies

__all__ = ["Action", "Remedy", "Report", "check", "remedies"]
