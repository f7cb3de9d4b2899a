"""Proof of what is said about the recipient: all that can be seen from here is the domain in DNS."""

from __future__ import annotations

from senderauth import names
from senderauth.advice.proof import Proof, lacking, open_proof
from senderauth.catalogue import Bounce, Fact
from senderauth.dns import Resolver
from senderauth.simulation import MailDomain, mail_domain
from senderauth.values import Reason

_NO_SERVER = frozenset({"missing", "none", "dead-mx"})
# What DNS says of the recipient's domain that explains these.
RECIPIENT = {
    "recipient-null-mx": frozenset({"null-mx"}),
    "recipient-domain-unknown": _NO_SERVER,
    "recipient-server-unreachable": _NO_SERVER | {"null-mx"},
    "recipient-unknown": _NO_SERVER | {"null-mx"},
    "relay-denied": _NO_SERVER | {"null-mx"},
}


async def prove_recipient(
    id: str, bounce: Bounce, facts: tuple[Fact, ...], resolver: Resolver | None
) -> Proof:
    """What DNS says of the recipient's domain, which is all that can be seen from here."""
    address = next((f.value for f in facts if f.name == "recipient"), bounce.recipient)
    stated = next((f.value for f in facts if f.name == "recipient_domain"), "")
    domain = stated or names.hostname(address.rpartition("@")[2]) or ""
    if resolver is None and id != "recipient-unknown":
        return open_proof(Reason("explain-offline", {"entry": id}), id)
    if not domain:
        return lacking(id, ("recipient",))
    if resolver is None:
        return open_proof(Reason("explain-recipient-server-knows", {"entry": id, "domain": domain}), id)
    found = await mail_domain(resolver, domain, "recipient")
    told: dict[str, object] = {
        "entry": id,
        "domain": domain,
        "state": found.state,
        "exchanges": list(found.exchanges),
        "host": bounce.refusing_host,
    }
    if found.state == "unknown":
        return open_proof(Reason("explain-dns-unknown", told), id, unknown=True)
    if found.state in RECIPIENT[id]:
        null = found.state == "null-mx"
        return Proof(
            "confirmed", Reason("explain-recipient-null-mx" if null else "explain-recipient-dead", told), id
        )
    if id == "relay-denied" and bounce.refusing_host and not _serves(found, bounce.refusing_host):
        return Proof("confirmed", Reason("explain-recipient-not-served", told), id)
    if id in ("recipient-null-mx", "recipient-domain-unknown"):
        return Proof("not-reproduced", Reason("explain-recipient-fine", told), id)
    return open_proof(Reason("explain-recipient-server-knows", told), id)


def _serves(domain: MailDomain, host: str) -> bool:
    """Whether the host is an exchange of the domain, or of the same owner as one."""
    exchanges = domain.exchanges or (domain.domain,)
    owners = {names.registrable(name) for name in exchanges}
    return host in exchanges or names.registrable(host) in owners
