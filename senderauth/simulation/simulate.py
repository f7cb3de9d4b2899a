"""All checks for one send: what each receiver would conclude, and what it would answer.

Theory of operation. A send is judged from every address of every host, and for every *signing*: as
planned, or, where nothing is known of DKIM, once unsigned and once signed by the author domain. What
does not depend on the address is asked once and side by side. The survey of the SPF record runs from
the start, so that the evaluation for an address, which must wait for reverse and HELO names, mostly
finds its answers there already.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from itertools import product
from typing import Any, Literal

from senderauth import adsp, dmarc, names, spf
from senderauth.adsp import Verdict as ADSPVerdict
from senderauth.dmarc import Verdict as DMARCVerdict
from senderauth.dns import Question, Resolver, prefetch, together
from senderauth.simulation import domain as mail_domains
from senderauth.simulation import host as hosts
from senderauth.simulation.domain import MailDomain, mail_domain
from senderauth.simulation.host import Host, Sender, resolve_host
from senderauth.simulation.misplaced import misplaced
from senderauth.simulation.scenario import Scenario
from senderauth.simulation.signer import Signature, plan, supposed
from senderauth.spf import Result as SPFResult
from senderauth.values import Finding, Reason

Signing = Literal["planned", "unsigned", "signed", "found"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a careful receiver would conclude of the send from one address with one signing."""

    host: str
    address: str
    """Empty where nobody knows it: then SPF is not judged, and DMARC by the signatures alone."""
    signing: Signing
    """"planned": as the caller said; "unsigned" and "signed" (by the author domain): nothing was said;
    "found": the signatures of a message, verified.
    """
    mail_from: str
    """The SPF identity that DMARC uses: MAIL FROM, or postmaster@HELO for a null reverse-path."""
    spf: SPFResult
    """For MAIL FROM (RFC 7208 2.4)."""
    spf_helo: SPFResult
    """For HELO (RFC 7208 2.3)."""
    dkim: tuple[Signature, ...]
    dmarc: DMARCVerdict
    """Under RFC 9989."""
    dmarc_rfc7489: DMARCVerdict
    """Under RFC 7489, as receivers judge that find the organizational domain by public suffix."""
    adsp: ADSPVerdict

    @property
    def mail_from_domain(self) -> str:
        """The domain that SPF was judged for."""
        return self.mail_from.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Simulation:
    """Everything found out about one send."""

    scenario: Scenario
    hosts: tuple[Host, ...]
    senders: tuple[Sender, ...]
    domains: tuple[MailDomain, ...]
    surveys: tuple[spf.Survey, ...]
    signatures: tuple[Signature, ...]
    policies: Mapping[str, dmarc.Policy]
    """By standard: "rfc9989" and "rfc7489"."""
    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]


async def simulate(
    scenario: Scenario,
    resolver: Resolver,
    *,
    now: int | None = None,
    signatures: tuple[Signature, ...] | None = None,
    with_misplaced: bool = True,
) -> Simulation:
    """Runs all checks for one send. now is Unix time, for the %{t} macro only. signatures: those of a
    message, verified already; then a scenario without hosts is judged without a client address.
    with_misplaced: look at other names for DMARC records and keys that are missing.
    """
    author = scenario.author_address
    _announce(scenario, resolver)
    parts = await together(
        _senders(scenario, resolver, signatures is not None),
        _each(mail_domain(resolver, name, role) for name, role in _mail_domains(scenario).items()),
        _each(spf.survey(resolver, name) for name in _surveyed(scenario)),
        _each(plan(resolver, name, selector) for name, selector in scenario.signers or ()),
        dmarc.discover(resolver, author.domain, standard="rfc9989"),
        dmarc.discover(resolver, author.domain, standard="rfc7489"),
    )
    (found, senders), domains, surveys, planned, policy, policy_rfc7489 = parts
    policies = {"rfc9989": policy, "rfc7489": policy_rfc7489}
    signed = tuple(planned) if signatures is None else signatures
    branches = {"found": signed} if signatures is not None else _branches(scenario, signed)
    verdicts = await together(
        *(
            _verdict(scenario, resolver, sender, signing, by, policies, now)
            for sender, (signing, by) in product(senders, branches.items())
        )
    )
    reports = await dmarc.check_report_destinations(resolver, policy)
    strays = await misplaced(resolver, author.domain, policies, signed) if with_misplaced else ()
    findings = _findings(senders, domains, surveys, signed, policies, verdicts, (*strays, *reports))
    return Simulation(
        scenario,
        tuple(found),
        tuple(senders),
        tuple(domains),
        tuple(surveys),
        signed,
        policies,
        tuple(verdicts),
        findings,
    )


async def _each(works: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Side by side. Made only when it begins: if it never does, since the check was cancelled or another
    part failed, no work is left that nobody awaits.
    """
    return await together(*works)


def _announce(scenario: Scenario, resolver: Resolver) -> None:
    """What the last links of the chains will ask: ADSP, and the walks of the authenticated domains."""
    author = scenario.author_address.domain
    domains = [author, *(name for name, _ in scenario.signers or ())]
    if (path := scenario.mail_from_address) is not None:
        domains.append(path.domain)
    walks = [Question(f"_dmarc.{name}", "TXT") for domain in domains for name in names.walk(domain)]
    questions = [Question(f"_adsp._domainkey.{author}", "TXT"), *walks]
    prefetch(resolver, dict.fromkeys(questions))


def _mail_domains(scenario: Scenario) -> dict[str, Literal["author", "mail-from"]]:
    roles: dict[str, Literal["author", "mail-from"]] = {scenario.author_address.domain: "author"}
    if (path := scenario.mail_from_address) is not None:
        roles.setdefault(path.domain, "mail-from")
    return roles


def _surveyed(scenario: Scenario) -> list[str]:
    """The domains whose SPF record matters: of the reverse-path first, then of the author."""
    path = scenario.mail_from_address
    wanted = [path.domain] if path is not None and "." in path.domain else []  # a bare host has none
    return list(dict.fromkeys([*wanted, scenario.author_address.domain]))


async def _senders(
    scenario: Scenario, resolver: Resolver, has_message: bool
) -> tuple[list[Host], list[Sender]]:
    if has_message and not scenario.hosts:
        return [], [hosts.unknown(scenario.helo)]
    found = await together(*(resolve_host(resolver, given) for given in scenario.hosts))
    pairs = dict.fromkeys((host.name, address) for host in found for address in host.addresses)
    senders = await together(
        *(hosts.sender(resolver, name, address, scenario.helo) for name, address in pairs)
    )
    return found, senders


def _branches(scenario: Scenario, signatures: tuple[Signature, ...]) -> dict[Signing, tuple[Signature, ...]]:
    if scenario.signers is not None:
        return {"planned" if signatures else "unsigned": signatures}
    return {"unsigned": (), "signed": (supposed(scenario.author_address.domain),)}


async def _verdict(
    scenario: Scenario,
    resolver: Resolver,
    sender: Sender,
    signing: Signing,
    signatures: tuple[Signature, ...],
    policies: Mapping[str, dmarc.Policy],
    now: int | None,
) -> Verdict:
    author = scenario.author_address.domain
    helo = sender.helo or _literal(sender.address)
    path = scenario.mail_from_address
    # RFC 7208 2.4: of a null reverse-path the HELO name is judged
    mailbox, domain = (path.mailbox, path.domain) if path else (f"postmaster@{helo}", helo)
    if sender.address:
        by_mail_from, by_helo = await together(
            spf.check_host(resolver, ip=sender.address, domain=domain, sender=mailbox, helo=helo, now=now),
            spf.check_host(
                resolver, ip=sender.address, domain=helo, sender=f"postmaster@{helo}", helo=helo, now=now
            ),
        )
    else:
        by_mail_from, by_helo = spf.not_judged(domain), spf.not_judged(helo)
    # What SPF would have said is not known: to DMARC the same as DNS that would not tell
    identity = dmarc.SPFIdentity(by_mail_from.result if sender.address else "temperror", domain)
    signed = [dmarc.DKIMIdentity(signature.result, signature.domain) for signature in signatures]
    under_9989, under_7489, practice = await together(
        dmarc.evaluate(
            resolver, author, spf=identity, dkim=signed, standard="rfc9989", policy=policies["rfc9989"]
        ),
        dmarc.evaluate(
            resolver, author, spf=identity, dkim=signed, standard="rfc7489", policy=policies["rfc7489"]
        ),
        adsp.evaluate(resolver, author, dkim=signed),
    )
    if not sender.address:
        under_9989, under_7489 = _without_address(under_9989), _without_address(under_7489)
    return Verdict(
        sender.host,
        sender.address,
        signing,
        mailbox,
        by_mail_from,
        by_helo,
        signatures,
        under_9989,
        under_7489,
        practice,
    )


def _without_address(judged: DMARCVerdict) -> DMARCVerdict:
    """DMARC's verdict with its true reason: not DNS was silent, nobody knows the client's address."""
    if judged.reason.id != "dmarc-authentication-unknown" or judged.reason.facts.get("mechanism") != "SPF":
        return judged
    return replace(judged, reason=Reason("dmarc-without-client-address", judged.reason.facts))


def _literal(address: str) -> str:
    """What a host without a name says in HELO (RFC 5321 4.1.3)."""
    if not address:
        return "unknown"
    return f"[{address}]" if ip_address(address).version == 4 else f"[IPv6:{address}]"


def _findings(
    senders: Iterable[Sender],
    domains: Iterable[MailDomain],
    surveys: Iterable[spf.Survey],
    signatures: Iterable[Signature],
    policies: Mapping[str, dmarc.Policy],
    verdicts: Iterable[Verdict],
    reports: Iterable[Finding],
) -> tuple[Finding, ...]:
    """Every finding once, in the order of the checks."""
    found: list[Finding] = []
    for sender in senders:
        found += hosts.findings(sender)
    for domain in domains:
        found += mail_domains.findings(domain)
    for survey in surveys:
        found += survey.findings
    for signature in signatures:
        found += signature.findings
    for policy in policies.values():
        found += policy.findings
    found += dmarc.compare(policies["rfc9989"], policies["rfc7489"])
    found += reports
    for verdict in verdicts:
        found += verdict.adsp.findings
    return _once(found)


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    seen: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.id, finding.subject, repr(sorted(finding.evidence.items()))), finding)
    return tuple(seen.values())
