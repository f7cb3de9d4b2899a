"""DKIM keys at names where nobody looks: asked only by whoever misses one."""

from __future__ import annotations

from senderauth import names
from senderauth.dkim.keys import Key, fetch_key
from senderauth.dns import Resolver
from senderauth.values import Finding


async def find_misplaced(resolver: Resolver, key: Key) -> tuple[Finding, ...]:
    """Where a key is missing: what stands at its name with the zone's name once more, as a zone file without
    the trailing dot has it. One question, two of a subdomain; no finding is no proof.
    """
    domain = names.normalise(key.domain)
    if domain is None or key.state != "missing":
        return ()
    found = []
    for zone in dict.fromkeys((domain, names.registrable(domain) or domain)):
        there = await fetch_key(resolver, f"{domain}.{zone}", key.selector)
        if there.octets:
            facts = {"record": (there.record_text or "")[:500], "right": key.name}
            found.append(Finding("dkim-key-misplaced", "high", there.name, facts, "RFC 6376 3.6.2.1"))
    return tuple(found)
