"""From verdicts to what must change, and from bounces to their causes.

What a check does not need, bounces, messages and proposals, is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from senderauth.advice.action import Action, Remedy
from senderauth.advice.judge import Report, check
from senderauth.advice.remedies import remedies

if TYPE_CHECKING:
    from senderauth.advice.claims import Claim
    from senderauth.advice.draft import DraftReport, check_draft
    from senderauth.advice.explainer import Candidate, Explained, Explainer, Explanation, Group, explain
    from senderauth.advice.message import Examined, MessageReport, verify_message
    from senderauth.advice.proposals import (
        Judged,
        Proposal,
        PublicKey,
        WhatIf,
        new_pair,
        propose,
        public_key,
        what_if,
    )

__all__ = [
    "Action",
    "Candidate",
    "Claim",
    "DraftReport",
    "Examined",
    "Explained",
    "Explainer",
    "Explanation",
    "Group",
    "Judged",
    "MessageReport",
    "Proposal",
    "PublicKey",
    "Remedy",
    "Report",
    "WhatIf",
    "check",
    "check_draft",
    "explain",
    "new_pair",
    "propose",
    "public_key",
    "remedies",
    "verify_message",
    "what_if",
]

_DOORS = dict.fromkeys(
    ("Candidate", "Explained", "Explainer", "Explanation", "Group", "explain"), "explainer"
)
_DOORS |= {"Claim": "claims"}
_DOORS |= dict.fromkeys(("Examined", "MessageReport", "verify_message"), "message")
_DOORS |= dict.fromkeys(("DraftReport", "check_draft"), "draft")
_DOORS |= dict.fromkeys(
    ("Judged", "Proposal", "PublicKey", "WhatIf", "new_pair", "propose", "public_key", "what_if"),
    "proposals",
)


def __getattr__(name: str) -> object:
    if name not in _DOORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"senderauth.advice.{_DOORS[name]}"), name)
    globals()[name] = found
    return found
