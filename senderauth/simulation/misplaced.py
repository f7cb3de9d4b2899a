"""Records that stand at a wrong name, looked for where the right one is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from senderauth import dkim, dmarc, names
from senderauth.dns import Resolver, together
from senderauth.simulation.signer import Signature
from senderauth.values import Finding


async def misplaced(
    resolver: Resolver, author: str, policies: Mapping[str, dmarc.Policy], signatures: Iterable[Signature]
) -> tuple[Finding, ...]:
    """DMARC records, where none applies under either standard and DNS was not silent; keys of signatures."""
    # RFC 7489 asks the two names of the owner's; the public suffix, which RFC 9989 asks too, is in no zone
    # file of theirs
    bare = not policies["rfc7489"].unknown and all(policy.policy is None for policy in policies.values())
    domains = dict.fromkeys((author, names.registrable(author) or author)) if bare else {}
    keys = {signature.key.name: signature.key for signature in signatures if signature.key is not None}
    found = await together(
        *(dmarc.find_misplaced(resolver, domain) for domain in domains),
        *(dkim.find_misplaced(resolver, key) for key in keys.values()),
    )
    return tuple(finding for findings in found for finding in findings)
