"""What an expert would note about a domain's DMARC records, whatever the verdict."""

from __future__ import annotations

from collections.abc import Iterator

from senderauth import names
from senderauth.dmarc.policy import MAX_SHOWN, RFC, Policy, Walked
from senderauth.dmarc.record import KNOWN, POLICY_TAGS, NearMiss, Record, near_miss
from senderauth.values import Finding, Severity

STRENGTH = {"none": 0, "quarantine": 1, "reject": 2}
MAX_PROBLEMS = 20
HISTORIC = ("rf", "ri")
USUAL = KNOWN.difference(HISTORIC)
"""Names of tags that nothing is to be said about, where they are written so."""

# What people write for what they mean.
LOOKALIKES = {
    "policy": "p", "pol": "p", "dmarc": "p",
    "subpolicy": "sp", "sub": "sp", "subdomain": "sp", "subdomains": "sp", "ps": "sp", "pn": "np",
    "rau": "rua", "ruaa": "rua", "rue": "rua", "ura": "rua", "aru": "rua", "rus": "rua", "ria": "rua",
    "rfu": "ruf", "urf": "ruf", "ruff": "ruf", "fur": "ruf",
    "dkim": "adkim", "akdim": "adkim", "adkin": "adkim", "adkm": "adkim", "adikm": "adkim",
    "spf": "aspf", "apsf": "aspf", "asfp": "aspf", "asp": "aspf",
    "pc": "pct", "ptc": "pct", "pcnt": "pct", "percent": "pct",
    "of": "fo", "test": "t", "testing": "t", "pds": "psd", "spd": "psd",
}  # fmt: skip

NOT_QUITE: dict[NearMiss, str] = {
    "case": "dmarc-record-wrong-case",
    "start": "dmarc-record-not-at-start",
    "version": "dmarc-version-not-exact",
    "not-first": "dmarc-version-not-first",
    "no-version": "dmarc-version-missing",
}


def findings_of(policy: Policy) -> tuple[Finding, ...]:
    """All findings about the names that were asked and the record that applies."""
    found: list[Finding] = []
    for walked in policy.walk:
        if walked.state != "absent" or walked.stray_texts or walked.alias is not None:
            found += _walked(policy, walked)
    reason = policy.reason
    if policy.unknown:
        name = str(reason.facts["name"])
        found.append(Finding("dmarc-dns-unknown", "medium", name, reason.facts, "RFC 9989 4.10.1"))
    elif reason.id == "dmarc-domain-unusable":
        found.append(Finding(reason.id, "high", policy.domain, reason.facts, "RFC 9989 5.3.1"))
    elif reason.id == "dmarc-record-without-policy":
        location = str(reason.facts["location"])
        found.append(Finding(reason.id, "high", location, reason.facts, "RFC 9989 4.10.1"))
        holder = next(w for w in policy.walk if f"_dmarc.{w.name}" == location)
        assert holder.record is not None
        found += _problems(location, holder.record)
        found += _tags(location, holder.record, _written(holder.record))
    elif reason.id == "dmarc-no-record":
        facts = {"domain": policy.domain, "organizational_domain": policy.organizational_domain}
        found.append(
            Finding("dmarc-record-absent", "medium", f"_dmarc.{policy.domain}", facts, "RFC 9989 4.10.1")
        )
    elif policy.record is not None and policy.location is not None:
        record, location, written = policy.record, policy.location, _written(policy.record)
        if record.problems:
            found += _problems(location, record)
        if not USUAL.issuperset([tag.written for tag in record.tags]):
            found += _tags(location, record, written)
        found += _policy(policy, location, record, written)
        found += _strength(policy, location, record, written)
        found += _reports(location, record, written)
    return tuple(found)


def _written(record: Record) -> frozenset[str]:
    """The names of its tags: `Record.has` would look through all of them each time."""
    return frozenset([tag.name for tag in record.tags])


def _walked(policy: Policy, walked: Walked) -> Iterator[Finding]:
    """About one name that was asked, record or not."""
    name = f"_dmarc.{walked.name}"
    if walked.state == "several":
        yield Finding("dmarc-several-records", "high", name, {}, "RFC 9989 4.10")
    if walked.stray_texts:
        yield from _strays(policy, walked, name)
    if walked.alias is not None:
        id = "dmarc-alias" if walked.state == "found" else "dmarc-alias-without-record"
        severity: Severity = "info" if walked.state == "found" else "medium"
        if walked.state in ("found", "absent"):
            yield Finding(id, severity, name, {"target": walked.alias}, "RFC 9989 4.5")
    record = walked.record
    if record is not None and policy.standard == "rfc9989":
        if "." not in walked.name and record.psd == "u":  # its holder becomes everyone's organization
            yield Finding("dmarc-top-level-record", "medium", name, {}, "RFC 9989 4.10.2")
        if record.psd == "y" and names.public_suffix(walked.name) != walked.name:
            yield Finding("dmarc-public-suffix-claimed", "medium", name, {}, "RFC 9989 4.7")


def _strays(policy: Policy, walked: Walked, name: str) -> Iterator[Finding]:
    """About TXT records at the name that are no DMARC records."""
    missed = {text: near_miss(text.encode("utf-8", "replace")) for text in walked.stray_texts}
    for text, fault in missed.items():
        if fault is not None:
            severity: Severity = "high" if walked.state == "absent" else "low"
            yield Finding(NOT_QUITE[fault], severity, name, {"record": text}, "RFC 9989 4.7")
    foreign = [text for text, fault in missed.items() if fault is None]
    if foreign and walked.state != "absent":
        yield Finding(
            "dmarc-stray-txt", "low", name, {"count": walked.strays, "record": foreign[0]}, "RFC 9989 4.10"
        )
    elif foreign and not any(missed.values()) and walked.name == policy.domain:
        facts = {"count": walked.strays, "record": foreign[0]}
        yield Finding("dmarc-txt-without-record", "medium", name, facts, "RFC 9989 4.7")


def _problems(location: str, record: Record) -> Iterator[Finding]:
    for problem in record.problems[:MAX_PROBLEMS]:
        severity: Severity = "medium"
        if problem.facts.get("tag") in POLICY_TAGS:
            severity = "high"
        elif problem.id == "dmarc-many-uris" or problem.facts.get("tag") in ("rf", "ri", "fo"):
            severity = "low"
        place = {
            "record": record.text[:MAX_SHOWN],
            "start": min(problem.span.start, MAX_SHOWN),
            "end": min(problem.span.end, MAX_SHOWN),
        }
        yield Finding(problem.id, severity, location, {**place, **problem.facts}, "RFC 9989 4.8")


def _tags(location: str, record: Record, written: frozenset[str]) -> Iterator[Finding]:
    unknown: list[str] = []
    for tag in dict.fromkeys(record.tags):
        if (meant := LOOKALIKES.get(tag.name)) is not None and not record.has(meant):
            severity: Severity = "high" if meant in POLICY_TAGS else "medium"
            facts = {"tag": tag.name, "meant": meant, "value": tag.value[:100]}
            yield Finding("dmarc-tag-misspelt", severity, location, facts, "RFC 9989 4.7")
        elif tag.name not in KNOWN:
            unknown.append(tag.name[:63])
        elif tag.written != tag.name:
            facts = {"written": tag.written, "tag": tag.name}
            yield Finding("dmarc-tag-case", "low", location, facts, "RFC 6376 3.2")
    if unknown:
        facts_of_all = {"tags": list(dict.fromkeys(unknown))[:MAX_PROBLEMS]}
        yield Finding("dmarc-unknown-tag", "info", location, facts_of_all, "RFC 9989 4.7")
    if historic := [tag for tag in HISTORIC if tag in written]:
        yield Finding("dmarc-historic-tags", "info", location, {"tags": historic}, "RFC 9989 9.3")


def _policy(policy: Policy, location: str, record: Record, written: frozenset[str]) -> Iterator[Finding]:
    """Whether the policy is the one that was meant."""
    facts: dict[str, object]
    if policy.tag == "default":
        spoilt = record.spoilt(policy.standard)
        if spoilt == ("p",) and "p" not in written:
            yield Finding("dmarc-policy-missing", "medium", location, {}, "RFC 9989 4.10.1")
        elif record.p is None:
            facts = {"value": record.value("p")[:100]}
            yield Finding("dmarc-policy-invalid", "high", location, facts, "RFC 9989 4.10.1")
        else:  # a bad sp cancels a good p
            facts = {"tag": spoilt[0], "value": record.value(spoilt[0])[:100], "p": record.p}
            yield Finding("dmarc-policy-cancelled", "high", location, facts, "RFC 9989 4.10.1")
    if "p" in written and record.tags[1].name != "p":  # the first is v
        yield Finding("dmarc-policy-not-second", "info", location, {}, "RFC 7489 6.3")
    below = policy.organizational_domain != location.removeprefix("_dmarc.")
    useless = below and not policy.inherited and record.psd != "n"
    if useless and not written.isdisjoint(("sp", "np")):
        tags = [tag for tag in ("sp", "np") if tag in written]
        facts = {"tags": tags, "organizational_domain": policy.organizational_domain}
        yield Finding("dmarc-sp-without-effect", "low", location, facts, "RFC 9989 4.7")
    if len(policy.walk) > 1 and policy.standard == "rfc9989":
        yield from _other_records(policy, location)


def _other_records(policy: Policy, location: str) -> Iterator[Finding]:
    """Records in the walk that do not apply, though one may think so."""
    for walked in policy.walk:
        other = walked.record
        if other is None or f"_dmarc.{walked.name}" == location:
            continue
        facts = {"domain": policy.domain, "location": location, "policy": policy.policy}
        name = f"_dmarc.{walked.name}"
        if policy.inherited and names.is_below(walked.name, policy.organizational_domain):
            # between the author domain and its organizational domain: nobody reads it (standards, V4)
            yield Finding("dmarc-record-passed-over", "medium", name, facts, "RFC 9989 4.10.1")
        elif not policy.inherited and walked.name == policy.organizational_domain:
            above = other.policy_for("rfc9989", inherited=True)
            own = policy.requested
            weaker = above is not None and own is not None and STRENGTH[own] < STRENGTH[above[0]]
            if above is not None and own is not None:
                facts = {"domain": policy.domain, "policy": own, "above": name, "above_policy": above[0]}
                severity: Severity = "low" if weaker else "info"
                yield Finding("dmarc-own-record-overrides", severity, location, facts, "RFC 9989 4.10.1")


def _strength(policy: Policy, location: str, record: Record, written: frozenset[str]) -> Iterator[Finding]:
    """What the record leaves open, and what only some receivers read in it."""
    facts: dict[str, object]
    if policy.requested == "none" and policy.tag != "default":
        yield Finding("dmarc-policy-none", "low", location, {"tag": policy.tag}, "RFC 9989 4.7")
    if record.p is not None and (record.sp is not None or record.np is not None):
        below = record.sp or record.p
        if STRENGTH[below] < STRENGTH[record.p]:
            facts = {"tag": "sp", "weaker": below, "p": record.p}
            yield Finding("dmarc-subdomains-weaker", "low", location, facts, "RFC 9989 4.7")
        if record.np is not None and STRENGTH[record.np] < STRENGTH[below]:
            facts = {"tag": "np", "weaker": record.np, "p": below}
            yield Finding("dmarc-subdomains-weaker", "low", location, facts, "RFC 9989 4.7")
        elif record.np is not None and record.np != below:
            facts = {"np": record.np, "older": below}
            yield Finding("dmarc-np-not-everywhere", "info", location, facts, "RFC 9989 4.7")
    enforcing = policy.requested in ("quarantine", "reject")
    if "pct" in written:
        facts = {"pct": record.pct, "policy": policy.requested or "none"}
        if record.pct == 100:
            yield Finding("dmarc-pct-superfluous", "info", location, facts, "RFC 9989 9.3")
        else:
            severity: Severity = "medium" if enforcing else "info"
            yield Finding("dmarc-pct-historic", severity, location, facts, "RFC 9989 9.3")
    if record.t and enforcing:
        facts = {"policy": policy.requested or "none"}
        yield Finding("dmarc-test-mode", "medium", location, facts, "RFC 9989 4.7")


def _reports(location: str, record: Record, written: frozenset[str]) -> Iterator[Finding]:
    if not record.rua:
        yield Finding("dmarc-no-reports", "low", location, {}, "RFC 9989 4.7")
    if record.ruf and record.psd == "y":
        yield Finding("dmarc-failure-reports-ignored", "low", location, {}, "RFC 9991")
    elif record.ruf:
        yield Finding("dmarc-failure-reports-rare", "info", location, {}, "RFC 9989 5.3.9")
    elif "fo" in written:
        yield Finding("dmarc-fo-without-ruf", "info", location, {"fo": record.value("fo")}, "RFC 9989 4.7")
    for tag, uris in (("rua", record.rua), ("ruf", record.ruf)):
        if not uris:
            continue
        others, hostless = [], []
        for uri in uris:
            if uri.scheme != "mailto":
                others.append(uri.uri[:200])
            elif "." not in uri.host:
                hostless.append(uri.uri[:200])
        if others:
            yield Finding("dmarc-uri-scheme", "low", location, {"tag": tag, "uris": others}, "RFC 9989 4.7")
        if hostless:
            facts = {"tag": tag, "uris": hostless}
            yield Finding("dmarc-uri-without-domain", "medium", location, facts, "RFC 9989 4.8")
    sized = [uri.uri[:200] for uri in (*record.rua, *record.ruf) if uri.size]
    if sized:
        yield Finding("dmarc-size-suffix", "info", location, {"uris": sized}, "RFC 9989 4.8")


def compare(by_walk: Policy, by_suffix: Policy) -> tuple[Finding, ...]:
    """Where RFC 9989 and RFC 7489 lead to different policies or organizational domains.

    Nothing where DNS would not tell one of them.
    """
    if by_walk.unknown or by_suffix.unknown:
        return ()
    domain = by_walk.domain
    if by_walk.policy is None or by_suffix.policy is None:
        if by_walk.policy is by_suffix.policy:
            return ()
        ruling, other = (by_walk, by_suffix) if by_suffix.policy is None else (by_suffix, by_walk)
        facts: dict[str, object] = {
            "standard": RFC[ruling.standard], "other": RFC[other.standard],
            "policy": ruling.policy, "location": ruling.location, "reason": other.reason.id,
        }  # fmt: skip
        return (Finding("dmarc-one-standard-only", "medium", domain, facts, "RFC 9989 4.10"),)
    differ = by_walk.policy != by_suffix.policy
    apart = (
        by_walk.organizational_domain != by_suffix.organizational_domain and not by_walk.organization_unknown
    )
    if not differ and not apart:
        return ()
    facts = {
        "rfc9989_policy": by_walk.policy,
        "rfc7489_policy": by_suffix.policy,
        "rfc9989_location": by_walk.location,
        "rfc7489_location": by_suffix.location,
        "rfc9989_organizational_domain": by_walk.organizational_domain,
        "rfc7489_organizational_domain": by_suffix.organizational_domain,
    }
    found = []
    if differ:
        found.append(Finding("dmarc-standards-differ", "medium", domain, facts, "RFC 9989 4.10"))
    if apart:
        found.append(
            Finding("dmarc-organizational-domains-differ", "medium", domain, facts, "RFC 9989 4.10.2")
        )
    return tuple(found)
