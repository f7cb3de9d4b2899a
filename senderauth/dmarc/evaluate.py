"""DMARC's verdict: alignment of what SPF and DKIM authenticated, and what the policy asks (RFC 9989 5.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from senderauth import names
from senderauth.dmarc.discover import LOWER, Policy, discover, organizational_domain
from senderauth.dmarc.record import PolicyWord, Standard
from senderauth.dns import Resolver
from senderauth.values import Finding, Reason, Step, Trace

Word = Literal["none", "pass", "fail", "temperror", "permerror"]


@dataclass(frozen=True, slots=True)
class SPFIdentity:
    """SPF's result for the MAIL FROM identity, and its domain (RFC 9989 4.4.2)."""

    result: str
    domain: str


@dataclass(frozen=True, slots=True)
class DKIMIdentity:
    """One signature's result, and its d= (RFC 9989 4.4.1)."""

    result: str
    domain: str


@dataclass(frozen=True, slots=True)
class Alignment:
    """How one authenticated domain stands to the author domain."""

    mechanism: Literal["spf", "dkim"]
    domain: str
    organizational_domain: str
    result: str
    mode: Literal["r", "s"]
    aligned: bool
    """The domains fit, whatever the result."""
    unknown: bool = False
    """DNS would not tell the organizational domain."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What DMARC says, and why."""

    result: Word
    disposition: PolicyWord
    """What the domain asks to be done with this message: "none" on pass and where nothing applies."""
    disposition_unsampled: PolicyWord
    """The same for the part of the mail that pct leaves out (RFC 7489 6.6.4); else as disposition."""
    policy: Policy
    spf_aligned: bool
    """An aligned SPF pass."""
    dkim_aligned: bool
    """An aligned DKIM pass."""
    alignments: tuple[Alignment, ...]
    reason: Reason
    trace: Step
    findings: tuple[Finding, ...] = ()


async def evaluate(
    resolver: Resolver,
    author_domain: str,
    spf: SPFIdentity | None = None,
    dkim: Iterable[DKIMIdentity] = (),
    standard: Standard = "rfc9989",
    policy: Policy | None = None,
) -> Verdict:
    """Judges a message of author_domain by what SPF and DKIM authenticated (RFC 9989 5.3).

    policy: as `discover` gave it for the same domain and standard, where it is known already.
    """
    policy = policy or await discover(resolver, author_domain, standard)
    trace = Trace("dmarc", domain=policy.domain, standard=policy.standard)
    trace.root.inner.append(policy.trace)
    alignments: list[Alignment] = []
    identities: list[tuple[Literal["spf", "dkim"], str, str]] = []
    if spf is not None:
        identities.append(("spf", spf.domain, spf.result))
    identities += [("dkim", signature.domain, signature.result) for signature in dkim]
    for mechanism, domain, result in identities:
        alignments.append(await _align(resolver, policy, mechanism, domain, result, trace))
    return _verdict(policy, tuple(alignments), trace)


async def _align(
    resolver: Resolver,
    policy: Policy,
    mechanism: Literal["spf", "dkim"],
    domain: str,
    result: str,
    trace: Trace,
) -> Alignment:
    """RFC 9989 4.4: the same domain, or under relaxed mode the same organizational domain."""
    record = policy.record
    mode: Literal["r", "s"] = "r"
    if record is not None:
        mode = record.aspf if mechanism == "spf" else record.adkim
    name = names.normalise(domain) or domain
    org, unknown = name, False
    if name == policy.domain:
        org = policy.organizational_domain
        aligned = True
    elif names.normalise(domain) is None or "." not in name:
        aligned = False
    elif not _could_share(name, policy.domain):
        # nothing in common but perhaps the root: no walk can make them one organisation
        aligned = False
    else:
        org, unknown = await organizational_domain(resolver, name, policy.standard, trace)
        aligned = mode == "r" and not unknown and org == policy.organizational_domain
        unknown = unknown and mode == "r"
    trace.note(
        "dmarc-align",
        mechanism=mechanism,
        domain=name,
        author_domain=policy.domain,
        organizational_domain=org,
        author_organizational_domain=policy.organizational_domain,
        mode=mode,
        aligned=aligned,
        result=result,
    )
    return Alignment(mechanism, name, org, result, mode, aligned, unknown)


def _could_share(one: str, other: str) -> bool:
    return one.rpartition(".")[2] == other.rpartition(".")[2]


def _verdict(policy: Policy, alignments: tuple[Alignment, ...], trace: Trace) -> Verdict:
    by_spf = any(a.aligned and a.result == "pass" for a in alignments if a.mechanism == "spf")
    by_dkim = any(a.aligned and a.result == "pass" for a in alignments if a.mechanism == "dkim")

    def verdict(
        result: Word, reason: Reason, asked: PolicyWord = "none", rest: PolicyWord | None = None
    ) -> Verdict:
        unsampled = asked if rest is None else rest
        return Verdict(result, asked, unsampled, policy, by_spf, by_dkim, alignments, reason, trace.root)

    if policy.unknown:  # RFC 9989 4.10.1
        return verdict("temperror", policy.reason)
    if policy.record is None or policy.policy is None:
        return verdict("none", policy.reason)
    if by_spf or by_dkim:
        first = next(a for a in alignments if a.aligned and a.result == "pass")
        aligned = {
            "mechanism": first.mechanism,
            "domain": first.domain,
            "author_domain": policy.domain,
            "mode": first.mode,
        }
        return verdict("pass", Reason("dmarc-aligned", aligned))
    # RFC 9989 5.3.6: what might have passed aligned, had DNS told
    for alignment in alignments:
        open_result = alignment.result == "temperror" and (alignment.aligned or alignment.unknown)
        if open_result or (alignment.unknown and alignment.result == "pass"):
            open_facts = {"mechanism": alignment.mechanism, "domain": alignment.domain}
            return verdict("temperror", Reason("dmarc-authentication-unknown", open_facts))
    asked = policy.policy
    rest: PolicyWord | None = None
    if policy.sampled:
        rest = LOWER.get(asked, "none")
        if policy.record.pct == 0:  # never drawn: nobody is in the sample
            asked = rest
    facts: dict[str, object] = {
        "author_domain": policy.domain,
        "policy": policy.policy,
        "location": policy.location,
    }
    passing = [a for a in alignments if a.result == "pass"]
    if passing:
        facts |= {"mechanism": passing[0].mechanism, "domain": passing[0].domain, "mode": passing[0].mode}
        return verdict("fail", Reason("dmarc-not-aligned", facts), asked, rest)
    return verdict("fail", Reason("dmarc-nothing-passed", facts), asked, rest)
