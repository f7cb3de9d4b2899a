"""What a discovery finds: the names that were asked, and the policy that applies."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from senderauth.dmarc.record import PolicyWord, Record, Standard
from senderauth.values import Finding, Reason, Step, frozen

WalkState = Literal["found", "absent", "several", "unknown"]

LOWER: dict[PolicyWord, PolicyWord] = {"reject": "quarantine", "quarantine": "none", "none": "none"}
"""One level less: t=y (RFC 9989 4.7), or not sampled by pct (RFC 7489 6.6.4)."""

RFC: dict[Standard, str] = {"rfc9989": "RFC 9989", "rfc7489": "RFC 7489"}
MAX_SHOWN = 4_096
"""Characters of a record in facts."""


@frozen
class Walked:
    """One name asked for a DMARC record."""

    name: str
    """Without the `_dmarc` label."""
    state: WalkState
    status: str
    record: Record | None = None
    strays: int = 0
    """TXT records at that name that are no DMARC records."""
    stray_texts: tuple[str, ...] = ()
    """The first of them, cut short."""
    alias: str | None = None
    """The end of a CNAME chain, where there was one."""


@frozen
class Policy:
    """The policy that applies to mail of an author domain, under one standard."""

    domain: str
    standard: Standard
    record: Record | None
    """The record that applies; None: no usable one."""
    location: str | None
    """Where it stands, e.g. "_dmarc.example.com"."""
    organizational_domain: str
    policy: PolicyWord | None
    """What the domain asks for when authentication fails, sp, np and t applied; None: no DMARC."""
    tag: Literal["p", "sp", "np", "", "default"]
    """Which tag gave it; "default": p=none since the record has no valid policy but a rua."""
    inherited: bool
    exists: bool | None
    """Whether the author domain exists (RFC 9989 3.2.13); None: not asked, or DNS would not tell."""
    walk: tuple[Walked, ...]
    """Every name asked for a record, in order."""
    unknown: bool
    """DNS would not tell: neither pass nor fail can follow."""
    reason: Reason
    trace: Step = field(compare=False)
    findings: tuple[Finding, ...] = ()
    requested: PolicyWord | None = None
    """As published, before t=y."""
    organization_unknown: bool = False
    """DNS would not tell the organizational domain; relaxed alignment is then open (RFC 9989 5.3.6)."""

    @property
    def sampled(self) -> bool:
        """RFC 7489 pct: the policy is for a part of the mail only (the rest gets one level less)."""
        return self.standard == "rfc7489" and self.record is not None and self.record.pct < 100
