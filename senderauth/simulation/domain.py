"""Whether a domain that mail claims to come from can take mail back (RFC 5321 5.1, RFC 7505)."""

from __future__ import annotations

from typing import Literal

from senderauth.dns import Question, Resolver
from senderauth.simulation.ask import ask
from senderauth.values import Finding, Severity, Step, Trace, frozen

Role = Literal["author", "mail-from", "recipient"]
MAX_EXCHANGES = 5


@frozen
class MailDomain:
    """Where mail to a domain would go, bounces among it."""

    domain: str
    role: Role
    state: Literal["mx", "address", "null-mx", "dead-mx", "none", "missing", "unknown"]
    """"address": no MX, mail goes to the A or AAAA record; "dead-mx": no exchange has an address;
    "none": the name exists, but mail to it goes nowhere; "missing": the name does not exist."""
    exchanges: tuple[str, ...]
    trace: Step


async def mail_domain(resolver: Resolver, domain: str, role: Role) -> MailDomain:
    """Looks the exchanges of a domain up, and whether one of them has an address."""
    trace = Trace("mail-domain", domain=domain)

    (answer,) = await ask(resolver, trace, Question(domain, "MX"))
    hosts = tuple(host for _, host in sorted(answer.records))
    if answer.unknown:
        return MailDomain(domain, role, "unknown", (), trace.root)
    if hosts == ("",):  # RFC 7505 3
        return MailDomain(domain, role, "null-mx", (), trace.root)
    if answer.name_missing:
        return MailDomain(domain, role, "missing", (), trace.root)
    targets = [host for host in hosts if host][:MAX_EXCHANGES] or [domain]
    questions = [Question(host, rdtype) for host in targets for rdtype in ("A", "AAAA")]
    answers = await ask(resolver, trace, *questions)
    if any(answer.records for answer in answers):
        return MailDomain(domain, role, "mx" if hosts else "address", hosts, trace.root)
    if any(answer.unknown for answer in answers):
        return MailDomain(domain, role, "unknown", hosts, trace.root)
    return MailDomain(domain, role, "dead-mx" if hosts else "none", hosts, trace.root)


FINDINGS: dict[str, tuple[str, Severity, str]] = {
    "address": ("mail-domain-without-mx", "info", "RFC 5321 5.1"),
    "null-mx": ("mail-domain-null-mx", "high", "RFC 7505 4.2"),
    "dead-mx": ("mail-domain-dead-mx", "high", "RFC 5321 5.1"),
    "none": ("mail-domain-takes-no-mail", "high", "RFC 5321 5.1"),
    "missing": ("mail-domain-missing", "high", "RFC 5321 2.3.5"),
    "unknown": ("mail-domain-unknown", "low", "RFC 5321 5.1"),
}


def findings(domain: MailDomain) -> tuple[Finding, ...]:
    """What is worth telling about where bounces would go."""
    if domain.state == "mx":
        return ()
    id, severity, rfc = FINDINGS[domain.state]
    return (
        Finding(id, severity, domain.domain, {"role": domain.role, "exchanges": list(domain.exchanges)}, rfc),
    )
