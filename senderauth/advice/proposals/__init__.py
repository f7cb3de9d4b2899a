"""Changes to records, tried before they are published."""

from senderauth.advice.proposals.compare import Judged, outcome_of
from senderauth.advice.proposals.domain import DomainReport, propose_for_domain
from senderauth.advice.proposals.keys import KeyPair, PublicKey, new_pair, public_key
from senderauth.advice.proposals.make import check_network, propose
from senderauth.advice.proposals.plan import as_proposed, is_worse, plan_of, sent_again
from senderauth.advice.proposals.proposal import Case, Change, Other, Proof, Proposal, Reach, Setting
from senderauth.advice.proposals.supposed import Supposed, WhatIf, what_if

__all__ = [
    "Case",
    "Change",
    "DomainReport",
    "Judged",
    "KeyPair",
    "Other",
    "Proof",
    "Proposal",
    "PublicKey",
    "Reach",
    "Setting",
    "Supposed",
    "WhatIf",
    "as_proposed",
    "check_network",
    "is_worse",
    "new_pair",
    "outcome_of",
    "plan_of",
    "propose",
    "propose_for_domain",
    "public_key",
    "sent_again",
    "what_if",
]
