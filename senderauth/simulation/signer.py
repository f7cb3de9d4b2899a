"""Planned DKIM signatures: what can be known of them before there is a message (RFC 6376 6.1.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    """Nobody said which selector: the best key that a common one has."""
    search = await dkim.find_keys(resolver, domain)
    usable = [key for key in search.keys if key.state == "valid"]
    facts: dict[str, object] = {"domain": domain, "tried": len(search.tried), "unknown": len(search.unknown)}
    if usable:
        found = _judged(domain, usable[0].selector, usable[0])
        evidence = {
            "selectors": [key.selector for key in usable],
            "users": [search.users[k.selector] for k in usable],
        }
        told = Finding("dkim-selector-found", "info", domain, evidence, "RFC 6376 3.1")
        return replace(found, findings=(told, *found.findings))
    if search.none_possible:
        reason = Reason("dkim-no-key-possible", {"domain": domain})
        told = Finding(reason.id, "high", domain, {}, "RFC 8020 2")
        return Signature(domain, None, "permerror", reason, None, "", (told,))
    reason = Reason("dkim-selector-not-found", facts)
    told = Finding(reason.id, "medium", domain, facts, "RFC 6376 3.1")
    # No proof of absence: the signature is supposed to be good, and the report says so
    return Signature(domain, None, "pass", reason, None, "key", (told,))


RESULTS: dict[str, Result] = {"valid": "pass", "weak": "policy", "temperror": "temperror"}


def _judged(domain: str, selector: str, key: dkim.Key) -> Signature:
    """RFC 8601 2.7.1: no usable key is a permerror, one refused for its size a policy."""
    result = RESULTS.get(key.state, "permerror")
    return Signature(domain, selector, result, key.reason, key, "signature", key.findings)
