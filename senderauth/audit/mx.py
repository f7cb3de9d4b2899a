"""Where mail to a domain goes, with no more questions than that takes."""

from __future__ import annotations

from senderauth.audit.asks import Asks
from senderauth.dns import Question
from senderauth.simulation import MAX_EXCHANGES, MailDomain
from senderauth.values import Step


async def mail_exchange(asks: Asks, domain: str) -> MailDomain:
    """As `simulation.mail_domain`, which a test compares; but the first exchange with an address settles
    it, the others are not looked up.
    """
    trace = Step("mail-domain", {"domain": domain}, [])
    answer = await asks.resolve(Question(domain, "MX"))
    if answer.unknown:
        return MailDomain(domain, "author", "unknown", (), trace)
    hosts = tuple([host for _, host in sorted(answer.records)])
    if hosts == ("",):  # RFC 7505 3
        return MailDomain(domain, "author", "null-mx", (), trace)
    if answer.name_missing:
        return MailDomain(domain, "author", "missing", (), trace)
    unknown = False
    targets = [host for host in hosts if host][:MAX_EXCHANGES] or [domain]
    for rdtype in ("A", "AAAA"):
        for host in targets:
            answer = await asks.resolve(Question(host, rdtype))
            if answer.records:
                return MailDomain(domain, "author", "mx" if hosts else "address", hosts, trace)
            unknown |= answer.unknown
    if unknown:
        return MailDomain(domain, "author", "unknown", hosts, trace)
    return MailDomain(domain, "author", "dead-mx" if hosts else "none", hosts, trace)
