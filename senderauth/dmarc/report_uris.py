"""Whether report destinations elsewhere agree to take the reports (RFC 9990 4; RFC 7489 7.1)."""

from __future__ import annotations

from dataclasses import dataclass

from senderauth import names
from senderauth.dmarc.discover import organizational_domain, walk_questions
from senderauth.dmarc.policy import Policy
from senderauth.dmarc.record import is_dmarc, parse
from senderauth.dns import Question, Resolver, prefetch
from senderauth.values import Finding, Trace

MAX_DESTINATIONS = 10
"""Hosts that are asked about; a record may name more, a receiver may send to fewer."""


@dataclass(frozen=True, slots=True)
class _Destination:
    """One host that reports go to."""

    host: str
    uri: str
    place: str | None
    """Where the host may say that it takes them; None: such a name would be too long."""


async def check_report_destinations(resolver: Resolver, policy: Policy) -> tuple[Finding, ...]:
    """What stands against the reports that the policy's record asks for, at destinations outside of its
    organization. A wildcard below `_report._dmarc` counts as DNS answers it.
    """
    record, location = policy.record, policy.location
    if record is None or location is None:
        return ()
    owner = location.removeprefix("_dmarc.")
    destinations: dict[str, _Destination] = {}
    for uri in (*record.rua, *record.ruf):
        host = names.hostname(uri.host)
        if host is not None and host not in destinations:
            place = names.normalise(f"{owner}._report._dmarc.{host}")
            destinations[host] = _Destination(host, uri.uri[:200], place)
    found: list[Finding] = []
    if len(destinations) > MAX_DESTINATIONS:
        facts = {"count": len(destinations), "most": MAX_DESTINATIONS}
        found.append(Finding("dmarc-many-destinations", "info", location, facts, "RFC 9990 4"))
    chosen = list(destinations.values())[:MAX_DESTINATIONS]
    prefetch(resolver, [asked for one in chosen for asked in _questions(policy, owner, one)])
    for destination in chosen:
        if await _is_outside(resolver, policy, owner, destination.host):
            finding = await _authorisation(resolver, location, destination)
            found += [finding] if finding else []
    return tuple(found)


def _organization(policy: Policy, owner: str) -> str:
    """The organizational domain at which the record was found (RFC 9990 4)."""
    if policy.standard == "rfc7489":
        return names.registrable(owner) or owner
    return owner if policy.inherited else policy.organizational_domain


def _needs_walk(policy: Policy, owner: str, host: str) -> bool:
    """Whether the host may or may not be of the organization: only one below it can be (RFC 9989 4.10.2)."""
    org = _organization(policy, owner)
    return policy.standard == "rfc9989" and host not in (owner, org) and names.is_below(host, org)


def _questions(policy: Policy, owner: str, destination: _Destination) -> list[Question]:
    if _needs_walk(policy, owner, destination.host):
        return walk_questions(destination.host)
    inside = destination.host in (owner, _organization(policy, owner))
    return [] if inside or destination.place is None else [Question(destination.place, "TXT")]


async def _is_outside(resolver: Resolver, policy: Policy, owner: str, host: str) -> bool:
    org = _organization(policy, owner)
    if host in (owner, org):
        return False
    if policy.standard == "rfc7489":
        return (names.registrable(host) or host) != org
    if not _needs_walk(policy, owner, host):
        return True
    found = await organizational_domain(resolver, host, Trace("dmarc-walk"))
    return found is not None and found != org  # unknown now: nothing to hold against it


async def _authorisation(resolver: Resolver, location: str, destination: _Destination) -> Finding | None:
    """RFC 9990 4, steps 4 to 9."""
    facts: dict[str, object] = {"uri": destination.uri, "host": destination.host}
    if destination.place is None:  # step 4
        return Finding("dmarc-report-destination-too-long", "medium", location, facts, "RFC 9990 4")
    facts["name"] = destination.place
    answer = await resolver.resolve(Question(destination.place, "TXT"))
    if answer.unknown:
        facts["status"] = answer.status.value
        return Finding("dmarc-report-destination-unknown", "low", location, facts, "RFC 9990 4")
    agreeing = [parse(text) for text in answer.records[:MAX_DESTINATIONS] if is_dmarc(text)]
    if not agreeing:
        return Finding("dmarc-report-destination-refuses", "medium", location, facts, "RFC 9990 4")
    elsewhere = [
        uri.uri[:200]
        for record in agreeing
        for uri in record.rua
        if uri.host and uri.host != destination.host
    ]
    if elsewhere:  # step 9: then no report goes to either
        facts["uris"] = elsewhere
        return Finding("dmarc-report-destination-overrides", "medium", location, facts, "RFC 9990 4")
    return None
