"""From verdicts to what must change, and from bounces to their causes.

What a check does not need, bounces, messages and proposals, is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from senderauth.advice.action import Action, Remedy
from senderauth.advice.judge import Report, check
from senderauth.advice.remedies import SILENT, remedies
from senderauth.values import later

if TYPE_CHECKING:
    from senderauth.advice.claims import Claim
    from senderauth.advice.draft import DraftReport, check_draft
    from senderauth.advice.explainer import Candidate, Explained, Explainer, Explanation, Group, explain
    from senderauth.advice.message import Examined, MessageReport, verify_message
    from senderauth.advice.proposals import (
        DomainReport,
        Judged,
        Proposal,
        PublicKey,
        WhatIf,
        as_proposed,
        check_network,
        is_worse,
        new_pair,
        outcome_of,
        plan_of,
        propose,
        propose_for_domain,
        public_key,
        sent_again,
        what_if,
    )

__all__ = [
    "SILENT",
    "Action",
    "Candidate",
    "Claim",
    "DomainReport",
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
    "as_proposed",
    "check",
    "check_draft",
    "check_network",
    "explain",
    "is_worse",
    "new_pair",
    "outcome_of",
    "plan_of",
    "propose",
    "propose_for_domain",
    "public_key",
    "remedies",
    "sent_again",
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
    (
        "DomainReport", "Judged", "Proposal", "PublicKey", "WhatIf", "as_proposed", "check_network",
        "is_worse", "new_pair", "outcome_of", "plan_of", "propose", "propose_for_domain", "public_key",
        "sent_again", "what_if",
    ),
    "proposals",
)  # fmt: skip

if not TYPE_CHECKING:  # a module-level __getattr__ would hide wrong names from a type checker
    __getattr__ = later(__name__, _DOORS, globals())
