"""Changes for hosts and mail domains: reverse names, HELO names, where bounces go; and for ADSP."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address

from senderauth import names
from senderauth.advice.proposals.ground import Ground, draft, foreign
from senderauth.advice.proposals.proposal import EITHER, Proposal, Setting, text_of
from senderauth.simulation import Sender
from senderauth.values import Reason

ADSP_ENTRIES = ("adsp-all-refused", "adsp-discardable")
WITHOUT_MAIL = ("null-mx", "none", "missing", "dead-mx")
DOMAIN_ENTRIES = ("sender-null-mx", "sender-domain-unresolvable", "author-domain-missing")


async def host_proposals(ground: Ground) -> list[tuple[Proposal, ...]]:
    """Groups of drafts for reverse names, HELO names and MX records."""
    groups = []
    for sender in ground.report.senders:
        if sender.reverse.state in ("missing", "unconfirmed"):
            groups.append(await _reverse(ground, sender))
        refused = any(
            verdict.spf_helo.result == "fail"
            and (verdict.host, verdict.address) == (sender.host, sender.address)
            for verdict in ground.report.verdicts
        )
        if refused or sender.helo_state in ("missing", "elsewhere", "bare", "literal"):
            groups.append(await _helo(ground, sender))
    if ground.complaints(*DOMAIN_ENTRIES):
        groups.append(await _exchanges(ground))
    return [group for group in groups if group]


async def _reverse(ground: Ground, sender: Sender) -> tuple[Proposal, ...]:
    """A PTR record whose name leads back (RFC 8601 3): for the host's own name, or an address record for the
    name that is there.
    """
    ip = ip_address(sender.address)
    rdtype = "A" if ip.version == 4 else "AAAA"
    place = names.reverse(ip)
    group = []
    wanted = [names.hostname(name) for name in (sender.host, sender.helo or "")]
    for name in dict.fromkeys(name for name in wanted if name is not None and not foreign(name)):
        there = await ground.ask(name, rdtype)
        ptr = await ground.change(place, "PTR", name)
        if ptr is None or there.unknown:
            continue
        changes = [ptr]
        addresses = [str(ip_address(record)) for record in there.records]
        if str(ip) not in addresses:
            forward = await ground.change(name, rdtype, *addresses, str(ip))
            if forward is None:
                continue
            changes.append(forward)
        facts = {"address": sender.address, "name": place, "host": name, "type": rdtype}
        group.append(draft("host-set-reverse", "host-operator", facts, *changes))
    for name in sender.reverse.names[:1]:
        there = await ground.ask(name, rdtype)
        forward = await ground.change(name, rdtype, *map(str, there.records), str(ip))
        if forward is not None and not foreign(name):
            facts = {"address": sender.address, "host": name, "type": rdtype, "name": name}
            group.append(draft("host-set-forward", "host-operator", facts, forward))
    return tuple(group)


async def _helo(ground: Ground, sender: Sender) -> tuple[Proposal, ...]:
    """A HELO name that leads to the host (RFC 5321 4.1.1.1): one that does already, or this one with an
    address record.
    """
    ip = ip_address(sender.address)
    rdtype = "A" if ip.version == 4 else "AAAA"
    group = []
    better = [*sender.reverse.confirmed, sender.host]
    for name in dict.fromkeys(names.hostname(name) for name in better):
        if name is not None and name != sender.helo:
            facts = {"address": sender.address, "helo": sender.helo or "", "name": name, "type": rdtype}
            setting = (Setting("helo", "mail-admin", name),)
            group += [
                draft("host-use-helo", "mail-admin", facts, kind=kind, settings=setting) for kind in EITHER
            ]
    name = names.hostname(sender.helo or "")
    if name is not None and sender.helo_state == "missing" and not foreign(name):
        change = await ground.change(name, rdtype, str(ip))
        if change is not None:
            facts = {"address": sender.address, "helo": name, "name": name, "type": rdtype}
            group += [draft("host-address-helo", "mail-admin", facts, change, kind=kind) for kind in EITHER]
    return tuple(group)


async def _exchanges(ground: Ground) -> tuple[Proposal, ...]:
    """An MX record that takes bounces (RFC 5321 5.1, RFC 7505 4.2), as at the organizational domain or, where
    that has none, at the sending host.
    """
    group = []
    for domain in ground.report.domains:
        if domain.state not in WITHOUT_MAIL or foreign(domain.domain):
            continue
        above = names.registrable(domain.domain)
        if above is None or (domain.state == "missing" and above == domain.domain):
            continue  # a domain that is not registered: no record helps
        exchanges: list[str] = []
        for name in dict.fromkeys((above, ground.author)):
            if name != domain.domain and not exchanges:
                records = (await ground.ask(name, "MX")).records
                exchanges = [text_of(record) for record in records if record[1]]
        exchanges = (
            exchanges or [f"10 {host.name}" for host in ground.report.hosts if host.state == "found"][:1]
        )
        change = await ground.change(domain.domain, "MX", *sorted(exchanges)) if exchanges else None
        if change is not None:
            facts = {"domain": domain.domain, "exchanges": exchanges}
            hosts = [exchange.split()[-1] for exchange in exchanges]  # without their preferences
            cautions = (Reason("caution-exchange-must-take-mail", {"exchanges": hosts}),)
            exists = domain.state == "missing"  # the policy for missing names no longer applies then
            group.append(
                draft("host-set-mx", "domain-owner", facts, change, cautions=cautions, relaxes=exists)
            )
    return tuple(group)


async def adsp_proposals(ground: Ground) -> list[tuple[Proposal, ...]]:
    """ADSP is historic (RFC 5617's status since 2013): its record goes."""
    if not ground.complaints(*ADSP_ENTRIES):
        return []
    return await adsp_removal(ground, {v.adsp.practice for v in ground.report.verdicts})


async def adsp_removal(ground: Ground, practices: Collection[str | None]) -> list[tuple[Proposal, ...]]:
    """The record of these practices goes."""
    if foreign(ground.author):
        return []
    name = f"_adsp._domainkey.{ground.author}"
    change = await ground.change(name, "TXT", like="dkim")
    if change is None or not change.old:
        return []
    facts = {"domain": ground.author, "name": name}
    cautions = [] if ground.key is not None else [Reason("caution-adsp-or-sign", {"domain": ground.author})]
    if "discardable" in practices:
        cautions.append(Reason("caution-adsp-on-purpose", {"name": name}))
    if ground.report.policies["rfc9989"].policy in (None, "none"):
        cautions.append(Reason("caution-publish-dmarc-instead", {"domain": ground.organization}))
    made = draft("adsp-remove", "domain-owner", facts, change, cautions=tuple(cautions), relaxes=True)
    return [(made,)]
