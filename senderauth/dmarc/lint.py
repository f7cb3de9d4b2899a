"""What is worth telling about a DMARC record, whatever the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from senderauth import names
from senderauth.dmarc.discover import Policy, Walked
from senderauth.dmarc.record import KNOWN, LOOKALIKES, Record
from senderauth.dns import Question, Resolver, together
from senderauth.values import Finding, Severity

STRENGTH = {"none": 0, "quarantine": 1, "reject": 2}
MAX_DESTINATIONS = 10


def findings_of(policy: Policy) -> tuple[Finding, ...]:
    """All findings about the names that were asked and the record that applies."""
    found = [finding for walked in policy.walk for finding in _walked(policy, walked)]
    if policy.unknown:
        severity: Severity = "medium"
        found.append(
            _finding(policy, "dmarc-dns-unknown", severity, "RFC 9989 4.10.1", **policy.reason.facts)
        )
    elif policy.record is None:
        severity = "high" if policy.reason.id == "dmarc-record-without-policy" else "medium"
        id = "dmarc-record-absent" if policy.reason.id == "dmarc-no-record" else policy.reason.id
        if id != "dmarc-several-records":  # told already where they stand
            found.append(_finding(policy, id, severity, "RFC 9989 4.10.1", **policy.reason.facts))
    else:
        found += _record(policy, policy.record)
    return tuple(found)


def _finding(policy: Policy, id: str, severity: Severity, rfc: str, **evidence: object) -> Finding:
    return Finding(id, severity, policy.location or f"_dmarc.{policy.domain}", evidence, rfc)


def _walked(policy: Policy, walked: Walked) -> Iterator[Finding]:
    name = f"_dmarc.{walked.name}"
    if walked.state == "several":
        yield Finding("dmarc-several-records", "high", name, {"standard": policy.standard}, "RFC 9989 4.10")
    if walked.strays and walked.state != "absent":
        yield Finding("dmarc-stray-txt", "low", name, {"count": walked.strays}, "RFC 9989 4.10")
    if walked.strays and walked.state == "absent" and walked.name == policy.domain:
        yield Finding("dmarc-txt-without-record", "medium", name, {"count": walked.strays}, "RFC 9989 4.8")
    record = walked.record
    top_level = "." not in walked.name
    if record is not None and top_level and record.psd == "u" and policy.standard == "rfc9989":
        yield Finding("dmarc-top-level-record", "info", name, {}, "RFC 9989 4.10.2")


def _record(policy: Policy, record: Record) -> Iterator[Finding]:
    for problem in record.problems:
        severity: Severity = "high" if problem.facts.get("tag") in ("p", "sp", "np") else "medium"
        yield _finding(
            policy, problem.id, severity, "RFC 9989 4.8",
            **{"record": record.text, "start": problem.span.start, "end": problem.span.end, **problem.facts},
        )  # fmt: skip
    if policy.tag == "default":
        wanted = record.value("p")
        yield _finding(
            policy, "dmarc-policy-by-default", "high", "RFC 9989 4.10.1", tags=list(record.spoilt), p=wanted
        )
    yield from _strength(policy, record)
    yield from _tags(policy, record)
    if not record.rua:
        yield _finding(policy, "dmarc-no-reports", "low", "RFC 9989 4.7")


def _strength(policy: Policy, record: Record) -> Iterator[Finding]:
    if policy.policy == "none" and policy.tag != "default" and not record.t:
        yield _finding(policy, "dmarc-policy-none", "low", "RFC 9989 4.7", tag=policy.tag)
    for tag, weaker in (("sp", record.sp), ("np", record.np)):
        if weaker is not None and record.p is not None and STRENGTH[weaker] < STRENGTH[record.p]:
            yield _finding(
                policy, "dmarc-subdomains-weaker", "low", "RFC 9989 4.7", tag=tag, weaker=weaker, p=record.p
            )
    if record.has("pct") and record.pct < 100:
        severity: Severity = "medium" if record.p != "none" else "info"
        yield _finding(
            policy, "dmarc-pct-historic", severity, "RFC 9989 9.3", pct=record.pct, p=record.p or ""
        )
    if record.t and record.p in ("quarantine", "reject"):
        yield _finding(policy, "dmarc-test-mode", "medium", "RFC 9989 4.7", p=record.p)
    own = policy.location == f"_dmarc.{policy.domain}"
    below = policy.organizational_domain != policy.domain
    if own and below and (record.has("sp") or record.has("np")) and record.psd != "n":
        yield _finding(policy, "dmarc-sp-without-effect", "low", "RFC 9989 4.7")


def _tags(policy: Policy, record: Record) -> Iterator[Finding]:
    for tag in record.tags:
        if tag.name in LOOKALIKES:
            meant = LOOKALIKES[tag.name]
            yield _finding(policy, "dmarc-tag-misspelt", "medium", "RFC 9989 4.7", tag=tag.name, meant=meant)
        elif tag.name not in KNOWN:
            yield _finding(
                policy, "dmarc-unknown-tag", "info", "RFC 9989 4.7", tag=tag.name, value=tag.value[:100]
            )
    historic = [tag for tag in ("rf", "ri") if record.has(tag)]
    if historic:
        yield _finding(policy, "dmarc-historic-tags", "info", "RFC 9989 9.3", tags=historic)
    sized = [uri.uri for uri in (*record.rua, *record.ruf) if uri.size]
    if sized:
        yield _finding(policy, "dmarc-size-suffix", "info", "RFC 9990 4", uris=sized)


def compare(by_walk: Policy, by_suffix: Policy) -> tuple[Finding, ...]:
    """Where the two standards lead to different policies or organizational domains."""
    if by_walk.unknown or by_suffix.unknown:
        return ()
    facts = {
        "rfc9989_policy": by_walk.policy or "",
        "rfc7489_policy": by_suffix.policy or "",
        "rfc9989_location": by_walk.location or "",
        "rfc7489_location": by_suffix.location or "",
        "rfc9989_organizational_domain": by_walk.organizational_domain,
        "rfc7489_organizational_domain": by_suffix.organizational_domain,
    }
    if by_walk.policy != by_suffix.policy:
        return (Finding("dmarc-standards-differ", "medium", by_walk.domain, facts, "RFC 9989 C"),)
    if by_walk.policy is not None and by_walk.organizational_domain != by_suffix.organizational_domain:
        return (
            Finding("dmarc-organizational-domains-differ", "low", by_walk.domain, facts, "RFC 9989 4.10.2"),
        )
    return ()


async def check_report_destinations(resolver: Resolver, policy: Policy) -> tuple[Finding, ...]:
    """Whether foreign report destinations agree to take the reports (RFC 9990 4; RFC 7489 7.1)."""
    record, location = policy.record, policy.location
    if record is None or location is None:
        return ()
    owner = location.removeprefix("_dmarc.")
    org = names.registrable(owner) or owner
    hosts: dict[str, str] = {}
    for destination in (*record.rua, *record.ruf):
        host = names.normalise(destination.host) or ""
        if host and (names.registrable(host) or host) != org:
            hosts.setdefault(host, destination.uri)
    chosen = list(hosts.items())[:MAX_DESTINATIONS]
    answers = await together(
        *(resolver.resolve(Question(f"{owner}._report._dmarc.{host}", "TXT")) for host, _ in chosen)
    )
    found = []
    for (host, uri), answer in zip(chosen, answers, strict=True):
        facts = {"uri": uri, "host": host, "name": f"{owner}._report._dmarc.{host}"}
        if answer.unknown:
            found.append(
                _finding(
                    policy,
                    "dmarc-report-destination-unknown",
                    "low",
                    "RFC 9990 4",
                    **facts,
                    status=answer.status.value,
                )
            )
        elif not any(text.strip().startswith(b"v=DMARC1") for text in answer.records):
            found.append(
                _finding(policy, "dmarc-report-destination-refuses", "medium", "RFC 9990 4", **facts)
            )
    return tuple(found)
