"""What somebody can do: remedies and the actions they consist of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from senderauth.values import Facts

Actor = Literal[
    "sender", "domain-owner", "mail-admin", "host-operator", "forwarder", "receiver", "provider", "nobody"
]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do, by whom, with the facts of this case. Words are looked up by id."""

    id: str
    who: Actor
    facts: Facts


@dataclass(frozen=True, slots=True)
class Remedy:
    """What cures one predicted refusal, wherever it was predicted."""

    entry_id: str
    """The catalogue's entry: general cause and remedy in three languages."""
    who: tuple[str, ...]
    """Who must act, in the catalogue's words."""
    receivers: tuple[str, ...]
    """Whose answers it concerns."""
    addresses: tuple[str, ...]
    signings: tuple[str, ...]
    facts: Facts
    """For the catalogue's sentence about this case."""
    actions: tuple[Action, ...]
    """Nearest first."""
    optional: bool
    """It concerns only receivers that not everybody meets (bulk senders, stricter than most)."""
    in_dns: bool
    """Whether a change to DNS records can cure it at all."""
