"""Changes to records, tried before they are published."""

from senderauth.advice.proposals.compare import Judged
from senderauth.advice.proposals.keys import KeyPair, PublicKey, new_pair, public_key
from senderauth.advice.proposals.make import propose
from senderauth.advice.proposals.proposal import Case, Change, Other, Proof, Proposal, Reach, Setting
from senderauth.advice.proposals.supposed import Supposed, WhatIf, what_if

__all__ = [
    "Case",
    "Change",
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
    "new_pair",
    "propose",
    "public_key",
    "what_if",
]
