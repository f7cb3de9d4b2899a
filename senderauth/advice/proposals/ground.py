"""What proposals are made of and tried on: a report, its resolver, and what the user knows besides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from senderauth import dkim, names, spf
from senderauth.advice.action import Actor
from senderauth.advice.proposals.compare import BAD, Judged
from senderauth.advice.proposals.keys import PublicKey
from senderauth.advice.proposals.proposal import Change, Kind, Proposal, Setting, text_of
from senderauth.advice.proposals.providers import is_mailbox_provider
from senderauth.dns import Answer, Question, Resolver
from senderauth.simulation import Prediction, Scenario, Sender, Signature, Verdict
from senderauth.values import Facts, Reason

Network = IPv4Network | IPv6Network
IPAddress = IPv4Address | IPv6Address
Judge = Callable[[Scenario, Resolver], Awaitable[Judged]]
"""Judges a send again, as the report was made."""

OTHER_KEY = "dkim-signature-by-other-key"
MAX_UDP = 512
"""Octets that every resolver can take without EDNS or TCP (RFC 1035 4.2.1, RFC 7208 3.4)."""


@dataclass(slots=True)
class Ground:
    """The case at hand."""

    report: Judged
    scenario: Scenario
    resolver: Resolver
    judge: Judge
    planned: Judge
    """Judges the other sends."""
    network: Network | None
    key: PublicKey | None
    others: tuple[tuple[Scenario, Judged], ...]
    """Sends that must not become worse, as they are judged now."""
    surveys: dict[str, spf.Survey] = field(default_factory=dict)
    forwarded_domains: set[str] = field(default_factory=set)
    elsewhere: dict[str, str] = field(default_factory=dict)
    """Names that are aliases of others' names: what stands there is for those to change."""

    @property
    def author(self) -> str:
        """The author domain."""
        return self.scenario.author_address.domain

    @property
    def organization(self) -> str:
        """The registrable domain of the author, or the author domain where it has none."""
        return names.registrable(self.author) or self.author

    @property
    def changed_on_the_way(self) -> bool:
        """The author domain signed the message, and it is not as it was: forwarded by who changed it, a
        mailing list mostly. The host that delivered it is then nobody's to authorise.
        """
        return any(
            (one.body_ok is False or (one.header_ok is False and one.reason.id != OTHER_KEY))
            and names.is_below(self.author, names.normalise(one.domain) or "")
            for one in self.report.found_signatures
        )

    async def forwarded(self, domain: str) -> bool:
        """The message came from a host that the domain authorises, and then by others: who delivered it is
        not to be authorised.
        """
        for ip in self.report.earlier_addresses:
            sender = f"a@{domain}"
            found = await spf.check_host(self.resolver, ip=ip, domain=domain, sender=sender, helo=domain)
            if found.result == "pass":
                self.forwarded_domains.add(domain)
        return domain in self.forwarded_domains

    async def unregistered(self, domain: str) -> bool:
        """Neither the domain exists nor the one that it would be below: nothing can be published."""
        if not any(d.domain == domain and d.state == "missing" for d in self.report.domains):
            return False
        return (await self.ask(names.registrable(domain) or domain, "MX")).name_missing

    def made(self, signature: Signature) -> dkim.SignatureResult | None:
        """The signature as it stands in the message; None where it is only planned."""
        return next(
            (
                one
                for one in self.report.found_signatures
                if (names.normalise(one.domain), one.selector) == (signature.domain, signature.selector)
            ),
            None,
        )

    def sender(self, verdict: Verdict) -> Sender:
        """The sending host of a verdict."""
        return next(s for s in self.report.senders if (s.host, s.address) == (verdict.host, verdict.address))

    def complaints(self, *entries: str) -> list[Prediction]:
        """The predicted answers that are no acceptance, of these catalogue entries, or all."""
        return [
            p
            for p in self.report.predictions
            if p.outcome in BAD and not p.for_now and (not entries or p.entry_id in entries)
        ]

    async def survey(self, domain: str) -> spf.Survey:
        """The survey of a domain's SPF record: the report's, or a new one."""
        if domain not in self.surveys:
            found = next((s for s in self.report.surveys if s.domain == domain), None)
            self.surveys[domain] = found or await spf.survey(self.resolver, domain)
        return self.surveys[domain]

    async def ask(self, name: str, rdtype: str) -> Answer:
        """One question."""
        return await self.resolver.resolve(Question(name, rdtype))

    async def change(self, name: str, rdtype: str, *new: str, like: str = "") -> Change | None:
        """A change of the records there; of TXT only of those that begin so, the others stay. Where an alias
        of the same organization stands, at its target, since nothing may stand beside it (RFC 1034 3.6.2).
        None where DNS would not tell what stands there, or where the alias leads to others.
        """
        answer = await self.ask(name, rdtype)
        if answer.chain and rdtype != "CNAME" and answer.canonical_name is not None:
            if names.registrable(answer.canonical_name) != names.registrable(name):
                self.elsewhere[name] = answer.canonical_name
                return None
            name = answer.canonical_name
        if answer.unknown:
            return None
        texts = tuple(map(text_of, answer.records))
        old = tuple(text for text in texts if text.lower().startswith(like.lower()))
        kept = tuple(text for text in texts if text not in old)
        return None if old == new else Change(name, rdtype, old, new, kept)


def foreign(name: str) -> bool:
    """Whether a name is nobody's to change who merely has a mailbox there, or is a public suffix."""
    return is_mailbox_provider(name) or names.registrable(name.removeprefix("_dmarc.")) is None


def address_term(ip: IPAddress | Network) -> spf.Mechanism:
    """The ip4 or ip6 term of an address or network."""
    kind = "ip4" if ip.version == 4 else "ip6"
    text = str(ip).removesuffix("/32" if ip.version == 4 else "/128")
    return spf.parse(f"v=spf1 {kind}:{text}").mechanisms[0]


def parse_ip(text: str) -> IPAddress:
    """An address; an IPv4-mapped one as IPv4."""
    ip = ip_address(text)
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def draft(
    id: str,
    who: Actor,
    facts: Facts,
    *changes: Change,
    kind: Kind = "cure",
    settings: tuple[Setting, ...] = (),
    cautions: tuple[Reason, ...] = (),
    narrows: bool = False,
    relaxes: bool = False,
) -> Proposal:
    """A proposal that is still to be tried."""
    sizes = tuple(
        Reason("caution-udp-size", {"name": change.name, "octets": octets, "limit": MAX_UDP})
        for change in changes
        if change.rdtype == "TXT" and (octets := answer_size(change)) > MAX_UDP
    )
    return Proposal(
        id,
        kind,
        who,
        facts,
        changes,
        settings,
        cautions=(*cautions, *sizes),
        narrows=narrows,
        relaxes=relaxes,
    )


def answer_size(change: Change) -> int:
    """Octets of the answer with these TXT records: header, question, records with compressed names
    (RFC 1035 4.1), and the OPT record of EDNS.
    """
    octets = 12 + len(change.name) + 2 + 4 + 11
    for value in (*change.kept, *change.new):
        octets += 12 + len(value) + (len(value) + 254) // 255
    return octets
