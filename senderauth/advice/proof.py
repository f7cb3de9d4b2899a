"""What a proof is: whether a bounce's cause holds now, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from senderauth.advice.action import Remedy
from senderauth.advice.judge import Report
from senderauth.catalogue import Fact
from senderauth.values import Reason

if TYPE_CHECKING:
    from senderauth.advice.message import MessageReport

Confirmation = Literal["confirmed", "not-reproduced", "cannot-be-checked"]


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether what a bounce says holds now, and why."""

    confirmation: Confirmation
    reason: Reason
    entry_id: str = ""
    """The entry that was checked."""
    step: Reason | None = None
    """What in SPF, DKIM, DMARC or ADSP refuses, or lets through."""
    assumed: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    check: Report | None = None
    """The simulation; None where the address is not known."""
    message: MessageReport | None = None
    """The returned message, where it came back with signatures and a body."""
    remedies: tuple[Remedy, ...] = ()
    unknown: bool = False
    """DNS would not tell."""


def open_proof(reason: Reason, entry_id: str = "", *, unknown: bool = False) -> Proof:
    """A cause that cannot be checked from here."""
    return Proof("cannot-be-checked", reason, entry_id, unknown=unknown)


def lacking(id: str, missing: tuple[str, ...]) -> Proof:
    """A cause that these facts would decide, which the bounce does not tell."""
    reason = Reason("explain-facts-missing", {"entry": id, "missing": list(missing)})
    return replace(open_proof(reason, id), missing=missing)
