"""Finding the policy and the organizational domain of an author domain (RFC 9989 4.10; RFC 7489 6.6.3).

Theory of operation. Under RFC 9989 one walk up the tree from the author domain gives both: the record
that applies (the author domain's own, else the organizational domain's, else the public suffix's) and
the organizational domain. The walk is finished even where the author domain has a record of its own,
since alignment needs the organizational domain. Under RFC 7489 the public suffix list gives the
organizational domain, and at most two names are asked. What DNS does not tell is never read as "no
record": where the verdict would depend on it, the policy is `unknown`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args

from senderauth import names
from senderauth.dmarc.record import PolicyWord, Record, Standard, is_dmarc, parse
from senderauth.dns import Question, Resolver, prefetch
from senderauth.values import Finding, Reason, Step, Trace, frozen, plain

WalkState = Literal["found", "absent", "several", "unknown"]

LOWER: dict[PolicyWord, PolicyWord] = {"reject": "quarantine", "quarantine": "none", "none": "none"}
"""One level less: t=y (RFC 9989 4.7), or not sampled by pct (RFC 7489 6.6.4)."""

RFC: dict[Standard, str] = {"rfc9989": "RFC 9989", "rfc7489": "RFC 7489"}
ASKED: dict[WalkState, str] = {
    "found": "dmarc-asked-found",
    "absent": "dmarc-asked-absent",
    "several": "dmarc-asked-several",
    "unknown": "dmarc-asked-unknown",
}
MAX_STRAYS = 3
MAX_SHOWN = 4_096
"""Characters of a record in facts."""


@frozen
class Walked:
    """One name asked for a DMARC record."""

    name: str
    """Without the `_dmarc` label."""
    state: WalkState
    status: str
    record: Record | None = None
    strays: int = 0
    """TXT records at that name that are no DMARC records."""
    stray_texts: tuple[str, ...] = ()
    """The first of them, cut short."""
    alias: str | None = None
    """The end of a CNAME chain, where there was one."""


@frozen
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
    """Every name asked for a record, in order."""
    unknown: bool
    """DNS would not tell: neither pass nor fail can follow."""
    reason: Reason
    trace: Step = field(compare=False)
    findings: tuple[Finding, ...] = ()
    requested: PolicyWord | None = None
    """As published, before t=y."""
    organization_unknown: bool = False
    """DNS would not tell the organizational domain; relaxed alignment is then open (RFC 9989 5.3.6)."""

    @property
    def sampled(self) -> bool:
        """RFC 7489 pct: the policy is for a part of the mail only (the rest gets one level less)."""
        return self.standard == "rfc7489" and self.record is not None and self.record.pct < 100


@dataclass(slots=True)
class _Search:
    """One discovery on its way."""

    resolver: Resolver
    name: str
    standard: Standard
    trace: Trace
    org: str
    walk: tuple[Walked, ...] = ()
    org_unknown: bool = False
    seen: dict[str, Walked] = field(default_factory=dict)
    """Names that were looked at already, under the other standard."""

    def nothing(self, reason: Reason, *, unknown: bool = False) -> Policy:
        """The end without a policy."""
        return Policy(
            self.name, self.standard, None, None, self.org, None, "", False, None, self.walk,
            unknown, reason, self.trace.root, organization_unknown=self.org_unknown,
        )  # fmt: skip

    def unknown(self, name: str, status: str) -> Policy:
        return self.nothing(Reason("dmarc-dns-unknown", {"name": name, "status": status}), unknown=True)


async def discover(resolver: Resolver, author_domain: str, standard: Standard = "rfc9989") -> Policy:
    """The policy for mail from this author domain (a name in any form).

    Raises ValueError for an unknown standard, nothing for what DNS holds.
    """
    from senderauth.dmarc.lint import findings_of  # lint knows Policy

    if standard not in get_args(Standard):
        raise ValueError(f"no such standard: {standard!r}")
    found = await _discovered(resolver, author_domain, standard, {})
    return _with_findings(found, findings_of(found))


async def discover_both(resolver: Resolver, author_domain: str) -> tuple[Policy, Policy]:
    """The policies under RFC 9989 and RFC 7489, each name read once. The findings of the second are those
    that the first does not have already.
    """
    from senderauth.dmarc.lint import findings_of

    seen: dict[str, Walked] = {}
    newer = await _discovered(resolver, author_domain, "rfc9989", seen)
    older = await _discovered(resolver, author_domain, "rfc7489", seen)
    newer = _with_findings(newer, findings_of(newer))
    if (older.location, older.policy, older.tag, older.reason.id, older.organizational_domain) != (
        newer.location, newer.policy, newer.tag, newer.reason.id, newer.organizational_domain,
    ):  # fmt: skip
        told = {(finding.id, finding.subject) for finding in newer.findings}
        others = tuple(f for f in findings_of(older) if (f.id, f.subject) not in told)
        older = _with_findings(older, others)
    return newer, older


def _with_findings(policy: Policy, findings: tuple[Finding, ...]) -> Policy:
    """The same policy with these findings. As dataclasses.replace, in a fifth of the time."""
    if not findings:
        return policy
    p = policy
    return Policy(
        p.domain, p.standard, p.record, p.location, p.organizational_domain, p.policy, p.tag, p.inherited,
        p.exists, p.walk, p.unknown, p.reason, p.trace, findings, p.requested, p.organization_unknown,
    )  # fmt: skip


async def _discovered(
    resolver: Resolver, author_domain: str, standard: Standard, seen: dict[str, Walked]
) -> Policy:
    shown = author_domain[:256]
    trace = Trace("dmarc-discovery", domain=shown, standard=standard, rfc=RFC[standard])
    name = names.normalise(author_domain)
    if name is None:
        search = _Search(resolver, shown, standard, trace, shown)
        return search.nothing(Reason("dmarc-domain-unusable", {"domain": shown}))
    search = _Search(resolver, name, standard, trace, name, seen=seen)
    return await (_by_walk(search) if standard == "rfc9989" else _by_suffix(search))


@lru_cache(maxsize=4_096)
def question(name: str) -> Question | None:
    """The question for the record of a name; None where the name is too long to have one."""
    place = names.normalise(f"_dmarc.{name}")
    return None if place is None else Question(place, "TXT")


async def look(
    resolver: Resolver, name: str, trace: Trace, seen: dict[str, Walked] | None = None
) -> Walked | None:
    """Asks one name for its DMARC record. None: the name is too long for a `_dmarc` label."""
    if seen and (known := seen.get(name)) is not None:
        return known
    asked = question(name)
    if asked is None:
        return None
    answer = await resolver.resolve(asked)
    found: list[bytes] = []
    strays: list[bytes] = []
    for text in answer.records:
        (found if is_dmarc(text) else strays).append(text)
    state: WalkState = "unknown" if answer.unknown else "absent"
    record = None
    if not answer.unknown and found:
        state = "found" if len(found) == 1 else "several"  # 4.10 step 2: several are all discarded
        record = parse(found[0]) if state == "found" else None
    trace.note(
        ASKED[state],
        name=asked.name,
        state=state,
        status=answer.status.value,
        count=len(found),
        record=record.text[:MAX_SHOWN] if record else "",
    )
    shown = tuple(plain(text[:200]) for text in strays[:MAX_STRAYS])
    walked = Walked(name, state, answer.status.value, record, len(strays), shown, answer.canonical_name)
    if seen is not None:
        seen[name] = walked
    return walked


def walk_questions(name: str) -> list[Question]:
    """What a walk from name would ask, at most 8 (RFC 9989 4.10)."""
    return [asked for step in names.walk(name) if (asked := question(step))]


async def walk(
    resolver: Resolver, name: str, trace: Trace, seen: dict[str, Walked] | None = None
) -> tuple[Walked, ...]:
    """The DNS tree walk from a name upwards, at most 8 questions (RFC 9989 4.10)."""
    if hasattr(resolver, "prefetch"):
        prefetch(resolver, walk_questions(name))
    asked: list[Walked] = []
    for step in names.walk(name):
        walked = await look(resolver, step, trace, seen)
        if walked is None:
            continue
        asked.append(walked)
        # steps 2 and 6: psd=y and psd=n stop it; past an unknown answer nothing can be concluded
        if walked.state == "unknown" or (walked.record is not None and walked.record.psd != "u"):
            break
    return tuple(asked)


def organizational(name: str, walked: tuple[Walked, ...]) -> str:
    """The organizational domain that a walk from name leads to (RFC 9989 4.10.2)."""
    records = [(step.name, step.record) for step in walked if step.record is not None]
    for owner, record in records:  # longest first
        if record.psd == "n":
            return owner
        if record.psd == "y" and owner != name:  # one label below the public suffix
            return ".".join(name.split(".")[-(owner.count(".") + 2) :])
    return records[-1][0] if records else name


async def organizational_domain(resolver: Resolver, name: str, trace: Trace) -> str | None:
    """The organizational domain of an authenticated name by its own walk; None: DNS would not tell."""
    with trace.step("dmarc-walk", name=name) as step:
        walked = await walk(resolver, name, trace)
        unknown = any(one.state == "unknown" for one in walked)
        found = None if unknown else organizational(name, walked)
        step.facts["organizational_domain"] = found or ""
    return found


async def _by_walk(search: _Search) -> Policy:
    """RFC 9989 4.10.1: the author domain's own record, else the organizational domain's, else the PSD's."""
    name = search.name
    search.walk = walked = await walk(search.resolver, name, search.trace, search.seen)
    search.org = organizational(name, walked)
    silent = next((step for step in walked if step.state == "unknown"), None)
    by_name = {step.name: step for step in walked if step.record is not None}
    if own := by_name.get(name):  # what stands above it only matters for alignment
        search.org_unknown = silent is not None
        return await _applied(search, own)
    if silent is not None:  # the record that applies, or a psd=n, may stand there or above
        search.org_unknown = True
        return search.unknown(f"_dmarc.{silent.name}", silent.status)
    holder = by_name.get(search.org)
    if holder is None:  # PSD policy only where the organizational domain has no record (4.10.1, note)
        holder = next((step for step in by_name.values() if step.record and step.record.psd == "y"), None)
    if holder is None:
        return search.nothing(Reason("dmarc-no-record", {"domain": name}))
    return await _applied(search, holder)


async def _by_suffix(search: _Search) -> Policy:
    """RFC 7489 6.6.3: the author domain, then the organizational domain by public suffix (3.2)."""
    search.org = names.registrable(search.name) or search.name
    steps = tuple(dict.fromkeys((search.name, search.org)))
    if hasattr(search.resolver, "prefetch"):
        prefetch(search.resolver, [asked for step in steps if (asked := question(step))])
    for step in steps:
        found = await look(search.resolver, step, search.trace, search.seen)
        if found is None:
            continue
        search.walk += (found,)
        if found.state == "unknown":
            return search.unknown(f"_dmarc.{step}", found.status)
        if found.state == "several":  # 6.6.3 step 5: DMARC ends here
            return search.nothing(Reason("dmarc-several-records", {"name": f"_dmarc.{step}"}))
        if found.record is not None:
            return await _applied(search, found)
    return search.nothing(Reason("dmarc-no-record", {"domain": search.name}))


async def _applied(search: _Search, holder: Walked) -> Policy:
    """The policy that a record has for the author domain: p for itself, sp or np for what is below."""
    record, standard = holder.record, search.standard
    assert record is not None
    location = f"_dmarc.{holder.name}"
    inherited = holder.name != search.name
    exists: bool | None = None
    asked_for = record.policy_for(standard, inherited=inherited)
    if asked_for is None:  # RFC 9989 4.10.1: no DMARC processing, and no walking on (7489 6.6.3 likewise)
        tags = list(record.spoilt(standard))
        return search.nothing(
            Reason(
                "dmarc-record-without-policy",
                {"location": location, "tags": tags, "record": record.text[:MAX_SHOWN]},
            )
        )
    if inherited and record.np is not None and asked_for[1] != "default" and standard == "rfc9989":
        exists, status = await _exists(search)
        missing = record.policy_for(standard, inherited=True, exists=False)
        if exists is None and missing is not None and missing[0] != asked_for[0]:
            return search.unknown(search.name, status)
        if exists is False and missing is not None:
            asked_for = missing
    requested, tag = asked_for
    policy = LOWER[requested] if record.t and standard == "rfc9989" else requested  # 4.7
    facts: dict[str, object] = {"location": location, "tag": tag, "policy": policy}
    if tag == "default":
        reason = Reason("dmarc-policy-by-default", {**facts, "tags": list(record.spoilt(standard))})
    elif policy != requested:
        reason = Reason("dmarc-policy-lowered", {**facts, "policy": requested, "lowered": policy})
    else:
        reason = Reason("dmarc-policy-inherited" if inherited else "dmarc-policy-own", facts)
    return Policy(
        search.name, standard, record, location, search.org, policy, tag, inherited, exists, search.walk,
        False, reason, search.trace.root, (), requested, search.org_unknown,
    )  # fmt: skip


async def _exists(search: _Search) -> tuple[bool | None, str]:
    """RFC 9989 3.2.13: NXDOMAIN for the name itself, whatever the type asked for; the owner of a CNAME that
    leads nowhere exists.
    """
    answer = await search.resolver.resolve(Question(search.name, "MX"))
    status = answer.status.value
    records = [str(record) for record in answer.records[:20]]
    search.trace.note("dns", name=search.name, type="MX", status=status, records=records)
    return (None if answer.unknown else not answer.name_missing), status
