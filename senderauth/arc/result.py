"""What a chain comes to: a word, its sets, findings (RFC 8617 4.4, 5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from senderauth.values import Finding, Reason, Severity, Step

SKEW = 300
"""Seconds by which clocks may differ."""

Result = Literal["none", "pass", "fail", "temperror"]
Part = Literal["pass", "fail", "no-key", "temperror", "unread"]
"""Whether a signature verifies. "no-key": it has none that can be used; "unread": not computed."""


@dataclass(frozen=True, slots=True)
class ArcSet:
    """One handler's set."""

    instance: int
    domain: str
    """d= of the seal: who sealed."""
    selector: str
    chain: str
    """cv=: what the handler found of the chain before it."""
    results: str
    """ARC-Authentication-Results without its instance: what the handler says it saw."""
    authserv_id: str
    message_domain: str
    """d= of the message signature, usually the same."""
    signed_at: int | None
    """t= of the seal, seconds since 1970."""
    seal: Part
    """Whether the seal verifies."""
    message: Part
    """Whether the message signature verifies: the message is as this handler sent it on."""
    header_ok: bool | None
    body_ok: bool | None


@dataclass(frozen=True, slots=True)
class ChainResult:
    """What became of the chain."""

    result: Result
    """"temperror": DNS would not tell a key."""
    reason: Reason
    sets: tuple[ArcSet, ...]
    """By instance, the first handler first."""
    oldest_pass: int | None
    """The earliest handler since whom the message is unchanged; 0: since the first (RFC 8617 5.2 step 5).
    None where the newest message signature does not verify.
    """
    findings: tuple[Finding, ...]
    trace: Step

    @property
    def cv(self) -> Literal["none", "pass", "fail"]:
        """The word of RFC 8617 4.4, which knows no temporary failure."""
        return "fail" if self.result == "temperror" else self.result


def findings(sets: tuple[ArcSet, ...], result: Result, reason: Reason, now: float | None) -> list[Finding]:
    """What is to be told of a chain. A broken one is as if there were none, so nothing here is grave."""
    found = []
    subject = sets[-1].domain if sets else "ARC"
    if result != "pass":
        severity: Severity = "medium" if result == "temperror" else "low"
        found.append(Finding(reason.id, severity, subject, dict(reason.facts), "RFC 8617 5.2"))
    for one in sets:
        if now is not None and one.signed_at is not None and one.signed_at > now + SKEW:
            facts: dict[str, object] = {"instance": one.instance, "signed_at": one.signed_at}
            found.append(Finding("arc-sealed-in-future", "low", one.domain, facts, "RFC 8617 4.1.3"))
    return found
