"""DMARC's verdict: alignment of what SPF and DKIM authenticated, and what the policy asks (RFC 9989 5.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from senderauth import names
from senderauth.dmarc.discover import discover, organizational_domain, walk_questions
from senderauth.dmarc.policy import LOWER, Policy
from senderauth.dmarc.record import PolicyWord, Standard
from senderauth.dns import Resolver, prefetch
from senderauth.values import Finding, Reason, Step, Trace

Word = Literal["none", "pass", "fail", "temperror", "permerror"]
Mechanism = Literal["spf", "dkim"]


@dataclass(frozen=True, slots=True)
class SPFIdentity:
    """SPF's result for the MAIL FROM identity, and its domain (RFC 9989 4.4.2). HELO does not count."""

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

    mechanism: Mechanism
    domain: str
    organizational_domain: str | None
    """None: not looked up, since the answer could not matter, or DNS would not tell."""
    result: str
    mode: Literal["r", "s"]
    aligned: bool
    """The domains fit, whatever the result."""
    unknown: bool = False
    """DNS would not tell whether the domains fit."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What DMARC says, and why."""

    result: Word
    """Never "permerror": a record that cannot be used means that DMARC does not apply (RFC 9989 4.10.1)."""
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
    """Of every identity given, SPF's first."""
    reason: Reason
    trace: Step
    findings: tuple[Finding, ...] = ()
    """Those of the policy."""


async def evaluate(
    resolver: Resolver,
    author_domain: str,
    spf: SPFIdentity | None = None,
    dkim: Iterable[DKIMIdentity] = (),
    standard: Standard = "rfc9989",
    policy: Policy | None = None,
) -> Verdict:
    """Judges a message of author_domain by what SPF and DKIM authenticated (RFC 9989 5.3).

    policy: as `discover` gave it for the same domain and standard, where it is known already; ValueError
    if it is another's. Every signature given is judged: who reads messages bounds their number.
    """
    if policy is None:
        policy = await discover(resolver, author_domain, standard)
    elif policy.standard != standard or policy.domain != (names.normalise(author_domain) or author_domain):
        raise ValueError(f"the policy is that of {policy.domain} under {policy.standard}")
    identities: list[tuple[Mechanism, str, str]] = []
    if spf is not None:
        identities.append(("spf", spf.domain, spf.result))
    identities += [("dkim", signature.domain, signature.result) for signature in dkim]
    aligning = _Aligning(resolver, policy)
    aligning.announce(identities)
    alignments = [await aligning.align(*identity) for identity in identities]
    return _verdict(policy, alignments, aligning.trace)


class _Aligning:
    """Identifier alignment of one message (RFC 9989 4.4, 4.10.2; RFC 7489 3.1)."""

    def __init__(self, resolver: Resolver, policy: Policy) -> None:
        self.resolver, self.policy = resolver, policy
        self.trace = Trace("dmarc", domain=policy.domain, standard=policy.standard)
        self.trace.root.inner.append(policy.trace)
        self.walked: dict[str, str | None] = {}

    def announce(self, identities: Iterable[tuple[Mechanism, str, str]]) -> None:
        """Tells the resolver which walks will come."""
        asked = [
            question
            for mechanism, domain, _ in identities
            if self.needs_walk(name := names.normalise(domain) or "", self.mode(mechanism))
            for question in walk_questions(name)
        ]
        if asked:
            prefetch(self.resolver, dict.fromkeys(asked))

    def mode(self, mechanism: Mechanism) -> Literal["r", "s"]:
        record = self.policy.record
        if record is None:
            return "r"
        return record.aspf if mechanism == "spf" else record.adkim

    def needs_walk(self, name: str, mode: Literal["r", "s"]) -> bool:
        """Whether the organizational domain of name matters and only a walk can tell (RFC 9989 4.10.2)."""
        policy = self.policy
        return (
            policy.standard == "rfc9989"
            and mode == "r"
            and name not in ("", policy.domain)
            and not policy.organization_unknown
            # Without any record above the author domain no other name can share its organization
            and any(step.record is not None for step in policy.walk)
            # The organizational domain of a name is the name itself or above it
            and names.is_below(name, policy.organizational_domain)
        )

    async def align(self, mechanism: Mechanism, domain: str, result: str) -> Alignment:
        policy, mode = self.policy, self.mode(mechanism)
        name = names.normalise(domain)
        org: str | None = None
        unknown = False
        if name is None:
            aligned = False
        elif name == policy.domain:
            aligned = True
            org = None if policy.organization_unknown else policy.organizational_domain
        elif policy.standard == "rfc7489":
            org = names.registrable(name) or name
            aligned = mode == "r" and org == policy.organizational_domain
        elif self.needs_walk(name, mode):
            if name not in self.walked:
                self.walked[name] = await organizational_domain(self.resolver, name, self.trace)
            org = self.walked[name]
            unknown = org is None
            aligned = org == policy.organizational_domain
        else:
            aligned = False
            unknown = mode == "r" and policy.organization_unknown and _could_share(name, policy.domain)
        found = Alignment(mechanism, name or domain[:256], org, result, mode, aligned, unknown)
        id = "dmarc-identity-aligned" if aligned else "dmarc-identity-not-aligned"
        self.trace.note(
            "dmarc-identity-open" if unknown else id,
            mechanism=mechanism.upper(), domain=found.domain, author_domain=policy.domain,
            organizational_domain=org or "", author_organizational_domain=policy.organizational_domain,
            mode=mode, aligned=aligned, unknown=unknown, result=result,
        )  # fmt: skip
        return found


def _could_share(one: str, other: str) -> bool:
    """Whether some walk could make them one organization: they have at least the top level in common."""
    return one.rpartition(".")[2] == other.rpartition(".")[2]


def _verdict(policy: Policy, alignments: Sequence[Alignment], trace: Trace) -> Verdict:
    passing = [alignment for alignment in alignments if alignment.result == "pass"]
    by_spf = any(a.aligned for a in passing if a.mechanism == "spf")
    by_dkim = any(a.aligned for a in passing if a.mechanism == "dkim")

    def verdict(
        result: Word, reason: Reason, asked: PolicyWord = "none", unsampled: PolicyWord = "none"
    ) -> Verdict:
        return Verdict(
            result, asked, unsampled, policy, by_spf, by_dkim, tuple(alignments), reason, trace.root,
            policy.findings,
        )  # fmt: skip

    if policy.unknown:  # RFC 9989 4.10.1
        return verdict("temperror", policy.reason)
    if policy.record is None or policy.policy is None:
        return verdict("none", policy.reason)
    if first := next((a for a in passing if a.aligned), None):
        return verdict("pass", Reason("dmarc-aligned", _facts(policy, first)))
    # RFC 9989 5.3.6: what might have passed aligned, had DNS told
    for alignment in alignments:
        maybe_passes = alignment.result in ("pass", "temperror")
        maybe_aligned = alignment.aligned or alignment.unknown
        if maybe_passes and maybe_aligned:
            return verdict("temperror", Reason("dmarc-authentication-unknown", _facts(policy, alignment)))
    asked = unsampled = policy.policy
    facts: dict[str, object] = {
        "author_domain": policy.domain, "policy": policy.policy, "location": policy.location,
    }  # fmt: skip
    if policy.sampled:
        unsampled = LOWER[asked]  # RFC 7489 6.6.4: one level less, never drawn here
        facts["pct"] = policy.record.pct
        if policy.record.pct == 0:  # nobody is in the sample
            asked = unsampled
    facts["disposition"] = asked
    facts["disposition_unsampled"] = unsampled
    if passing:
        return verdict(
            "fail", Reason("dmarc-not-aligned", _facts(policy, passing[0]) | facts), asked, unsampled
        )
    return verdict("fail", Reason("dmarc-nothing-passed", facts), asked, unsampled)


def _facts(policy: Policy, alignment: Alignment) -> dict[str, object]:
    tag = "aspf" if alignment.mechanism == "spf" else "adkim"
    return {
        "mechanism": alignment.mechanism.upper(),
        "domain": alignment.domain,
        "author_domain": policy.domain,
        "mode": alignment.mode,
        "setting": f"{tag}={alignment.mode}",
    }
