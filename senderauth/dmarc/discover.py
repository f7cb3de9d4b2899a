"""Finding the policy and the organizational domain of an author domain (RFC 9989 4.10; RFC 7489 6.6.3)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from senderauth import names
from senderauth.dmarc.record import PolicyWord, Record, Standard, parse, select
from senderauth.dns import Answer, Question, Resolver, prefetch
from senderauth.values import Finding, Reason, Step, Trace

WalkState = Literal["found", "absent", "several", "unknown"]


@dataclass(frozen=True, slots=True)
class Walked:
    """One name asked for a DMARC record."""

    name: str
    """Without the `_dmarc` label."""
    state: WalkState
    status: str
    record: Record | None = None
    strays: int = 0
    """TXT records at that name that are no DMARC records."""
    alias: str | None = None
    """The end of a CNAME chain, where there was one."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy that applies to mail of an author domain, under one standard."""

    domain: str
    standard: Standard
    record: Record | None
    """The record that applies; None: no usable one."""
    location: str | None
    """Where it stands, e.g. "_dmarc.example.com"."""
    organizational_domain: str
    policy: PolicyWord | None
    """What the domain asks for when authentication fails, sp, np and t applied; None: no DMARC."""
    tag: Literal["p", "sp", "np", "", "default"]
    """Which tag gave it; "default": p=none since the record has no valid policy but a rua."""
    inherited: bool
    exists: bool | None
    """Whether the author domain exists (RFC 9989 3.2.13); None: not asked, or DNS would not tell."""
    walk: tuple[Walked, ...]
    unknown: bool
    """DNS would not tell: neither pass nor fail can follow."""
    reason: Reason
    trace: Step = field(compare=False)
    findings: tuple[Finding, ...] = ()

    @property
    def sampled(self) -> bool:
        """RFC 7489 pct: the policy is for a part of the mail only (the rest gets one level less)."""
        return self.standard == "rfc7489" and self.record is not None and self.record.pct < 100


async def discover(resolver: Resolver, author_domain: str, standard: Standard = "rfc9989") -> Policy:
    """The policy for mail from this author domain (a name in any form).

    Raises ValueError for an unknown standard, nothing for what DNS holds.
    """
    from senderauth.dmarc.lint import findings_of  # lint knows Policy

    if standard not in ("rfc9989", "rfc7489"):
        raise ValueError(f"no such standard: {standard!r}")
    name = names.normalise(author_domain)
    trace = Trace("dmarc-discovery", domain=author_domain[:256], standard=standard)
    if name is None:
        reason = Reason("dmarc-domain-unusable", {"domain": author_domain[:256]})
        return Policy(
            author_domain,
            standard,
            None,
            None,
            author_domain,
            None,
            "",
            False,
            None,
            (),
            False,
            reason,
            trace.root,
        )
    if standard == "rfc9989":
        found = await _by_walk(resolver, name, trace)
    else:
        found = await _by_suffix(resolver, name, trace)
    return replace(found, findings=findings_of(found))


async def look(resolver: Resolver, name: str, trace: Trace) -> Walked:
    """Asks one name for its DMARC record."""
    answer: Answer = await resolver.resolve(Question(f"_dmarc.{name}", "TXT"))
    found = select(answer.records)
    status = answer.status.value
    alias = answer.canonical_name
    if answer.unknown:
        walked = Walked(name, "unknown", status, alias=alias)
    elif not found:
        walked = Walked(name, "absent", status, strays=len(answer.records), alias=alias)
    elif len(found) > 1:
        walked = Walked(name, "several", status, strays=len(answer.records) - len(found), alias=alias)
    else:
        strays = len(answer.records) - 1
        walked = Walked(name, "found", status, parse(found[0]), strays, alias)
    text = walked.record.text if walked.record else ""
    trace.note("dmarc-asked", name=f"_dmarc.{name}", state=walked.state, status=status, record=text)
    return walked


async def walk(resolver: Resolver, name: str, trace: Trace) -> tuple[Walked, ...]:
    """The DNS tree walk from a name upwards, at most 8 questions (RFC 9989 4.10)."""
    asked: list[Walked] = []
    steps = [step for step in names.walk(name) if names.normalise(f"_dmarc.{step}")]
    prefetch(resolver, [Question(f"_dmarc.{step}", "TXT") for step in steps])
    for step in steps:
        walked = await look(resolver, step, trace)
        asked.append(walked)
        if walked.state == "unknown" or (walked.record is not None and walked.record.psd != "u"):
            break
    return tuple(asked)


def organizational(name: str, walked: tuple[Walked, ...]) -> str:
    """The organizational domain that a walk from name leads to (RFC 9989 4.10.2)."""
    records = [(step.name, step.record) for step in walked if step.record is not None]
    for owner, record in records:  # longest first
        if record.psd == "n":
            return owner
        if record.psd == "y" and owner != name:
            labels = name.split(".")
            return ".".join(labels[-(owner.count(".") + 2) :])
    return records[-1][0] if records else name


async def organizational_domain(
    resolver: Resolver, name: str, standard: Standard, trace: Trace
) -> tuple[str, bool]:
    """The organizational domain of an authenticated name, and whether DNS left that open."""
    if standard == "rfc7489":
        return names.registrable(name) or name, False
    with trace.step("dmarc-walk", name=name) as step:
        walked = await walk(resolver, name, trace)
        found = organizational(name, walked)
        step.facts["organizational_domain"] = found
    return found, any(w.state == "unknown" for w in walked)


async def _by_walk(resolver: Resolver, name: str, trace: Trace) -> Policy:
    """RFC 9989 4.10.1: the author domain's own record, else the organizational domain's, else the PSD's."""
    prefetch(resolver, [Question(name, "MX")])
    walked = await walk(resolver, name, trace)
    org = organizational(name, walked)
    by_name = {step.name: step for step in walked}
    if any(step.state == "unknown" for step in walked):
        open_ = next(step for step in walked if step.state == "unknown")
        # What the walk found before is no answer: the record above might say psd=n or be the one that applies
        own = by_name.get(name)
        if own is None or own.record is None:
            return _unknown(name, "rfc9989", org, walked, open_, trace)
    own = by_name.get(name)
    if own is not None and own.record is not None:
        return await _applied(resolver, name, "rfc9989", own, org, walked, trace)
    holder = by_name.get(org)
    if holder is None or holder.record is None:  # the organizational domain has none: the PSD's (4.10.1)
        holder = next((s for s in walked if s.record is not None and s.record.psd == "y"), None)
    if holder is None:
        return _none(name, "rfc9989", org, walked, Reason("dmarc-no-record", {"domain": name}), trace)
    return await _applied(resolver, name, "rfc9989", holder, org, walked, trace)


async def _by_suffix(resolver: Resolver, name: str, trace: Trace) -> Policy:
    """RFC 7489 6.6.3: the author domain, then the organizational domain by public suffix."""
    org = names.registrable(name) or name
    prefetch(resolver, [Question(f"_dmarc.{step}", "TXT") for step in (name, org)])
    walked: list[Walked] = []
    for step in dict.fromkeys((name, org)):
        found = await look(resolver, step, trace)
        walked.append(found)
        if found.state == "unknown":
            return _unknown(name, "rfc7489", org, tuple(walked), found, trace)
        if found.state == "several":  # 6.6.3 step 5: DMARC ends here
            reason = Reason("dmarc-several-records", {"name": f"_dmarc.{step}"})
            return _none(name, "rfc7489", org, tuple(walked), reason, trace)
        if found.record is not None:
            return await _applied(resolver, name, "rfc7489", found, org, tuple(walked), trace)
    return _none(name, "rfc7489", org, tuple(walked), Reason("dmarc-no-record", {"domain": name}), trace)


async def _applied(
    resolver: Resolver,
    name: str,
    standard: Standard,
    holder: Walked,
    org: str,
    walked: tuple[Walked, ...],
    trace: Trace,
) -> Policy:
    """The policy that a record has for name: p for itself, sp or np for what is below."""
    record = holder.record
    assert record is not None
    location = f"_dmarc.{holder.name}"
    inherited = holder.name != name
    if record.spoilt:
        if not record.usable:  # RFC 9989 4.10.1: no DMARC processing
            reason = Reason(
                "dmarc-record-without-policy", {"location": location, "tags": list(record.spoilt)}
            )
            return _none(name, standard, org, walked, reason, trace)
        reason = Reason("dmarc-policy-by-default", {"location": location, "tags": list(record.spoilt)})
        return Policy(
            name,
            standard,
            record,
            location,
            org,
            "none",
            "default",
            inherited,
            None,
            walked,
            False,
            reason,
            trace.root,
        )
    exists: bool | None = None
    tag: Literal["p", "sp", "np"] = "p"
    policy = record.p
    if inherited:
        tag = "sp" if record.sp is not None else "p"
        policy = record.sp or record.p
        if standard == "rfc9989" and record.np is not None:
            exists = await _exists(resolver, name, trace)
            if exists is None:
                return _unknown(name, standard, org, walked, Walked(name, "unknown", "existence"), trace)
            if not exists:
                tag, policy = "np", record.np
    facts = {"location": location, "tag": tag, "policy": policy}
    reason = Reason("dmarc-policy-inherited" if inherited else "dmarc-policy-own", facts)
    if standard == "rfc9989" and record.t and policy in LOWER:
        reason = Reason("dmarc-policy-lowered", {**facts, "lowered": LOWER[policy]})
        policy = LOWER[policy]
    return Policy(
        name,
        standard,
        record,
        location,
        org,
        policy,
        tag,
        inherited,
        exists,
        walked,
        False,
        reason,
        trace.root,
    )


LOWER: dict[str | None, PolicyWord] = {"reject": "quarantine", "quarantine": "none"}
"""One level less: t=y (RFC 9989 4.7), or not sampled by pct (RFC 7489 6.6.4)."""


async def _exists(resolver: Resolver, name: str, trace: Trace) -> bool | None:
    """RFC 9989 3.2.13: NXDOMAIN for the name itself. A dangling CNAME's owner exists."""
    answer = await resolver.resolve(Question(name, "MX"))
    trace.note("dns", name=name, type="MX", status=answer.status.value, records=[])
    return None if answer.unknown else not answer.name_missing


def _unknown(
    name: str, standard: Standard, org: str, walked: tuple[Walked, ...], at: Walked, trace: Trace
) -> Policy:
    asked = name if at.status == "existence" else f"_dmarc.{at.name}"
    reason = Reason("dmarc-dns-unknown", {"name": asked, "status": at.status})
    return Policy(name, standard, None, None, org, None, "", False, None, walked, True, reason, trace.root)


def _none(
    name: str, standard: Standard, org: str, walked: tuple[Walked, ...], reason: Reason, trace: Trace
) -> Policy:
    return Policy(name, standard, None, None, org, None, "", False, None, walked, False, reason, trace.root)
