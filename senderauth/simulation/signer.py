"""Planned DKIM signatures: what can be known of them before there is a message (RFC 6376 6.1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from senderauth import dkim
from senderauth.dns import Resolver
from senderauth.values import Finding, Reason

Result = Literal["none", "pass", "fail", "policy", "neutral", "temperror", "permerror"]


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature, planned or found: what receivers will say of it (RFC 8601 2.7.1)."""

    domain: str
    """d="""
    selector: str | None
    """s=, None where nobody said and no common one has a key."""
    result: Result
    reason: Reason
    key: dkim.Key | None
    assumed: Literal["", "signature", "key"]
    """What was taken for granted: that the signing itself is sound, or even that there is a key."""
    findings: tuple[Finding, ...] = ()


async def plan(resolver: Resolver, domain: str, selector: str | None) -> Signature:
    """What receivers will say of a sound signature by this domain and selector."""
    if selector is None:
        return await _searched(resolver, domain)
    return _judged(domain, selector, await dkim.fetch_key(resolver, domain, selector))


def supposed(domain: str) -> Signature:
    """The signature that might be there: by this domain, sound, with a good key."""
    return Signature(domain, None, "pass", Reason("dkim-signature-supposed", {"domain": domain}), None, "key")


async def _searched(resolver: Resolver, domain: str) -> Signature:
    search = await dkim.find_keys(resolver, domain)
    usable = [key for key in search.keys if key.state == "valid"]
    if usable:
        best = max(usable, key=lambda key: key.bits)
        return _judged(domain, best.selector, best)
    raise NotImplementedError


def _judged(domain: str, selector: str, key: dkim.Key) -> Signature:
    raise NotImplementedError
