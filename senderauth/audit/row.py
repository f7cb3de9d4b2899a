"""One row of an audit: what is known of one domain, and its JSON document.

Rows say what DNS says, never when it was asked: the same zones give the same bytes, so that an audit
that was interrupted can be continued to the same file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from senderauth.simulation import Outcome
from senderauth.values import Facts, Finding, Reason, frozen, plain

SCHEMA = "senderauth/audit/1"

RowState = Literal["ok", "unknown", "bad-input"]
Grade = Literal["A", "B", "C", "D", "E", "F"]
GRADES: tuple[Grade, ...] = ("A", "B", "C", "D", "E", "F")
Terminal = Literal["-all", "~all", "?all", "+all", "redirect", "none"]
RecordState = Literal["present", "absent", "broken", "unknown"]
Spoofable = Literal["yes", "partly", "no", "unknown"]
PolicyState = Literal["found", "absent", "several", "unusable", "unknown"]
DKIMState = Literal["found", "not-found", "none-possible", "unknown"]


@frozen
class SPF:
    """The SPF record as a whole (RFC 7208)."""

    state: Literal["found", "absent", "several", "broken", "unknown", "loop", "cut"]
    record: str | None
    terminal: Terminal | None
    """What a client meets that nothing matches, redirects followed; "redirect": it cannot be told where
    that leads; "none": neutral by default; None: no usable record."""
    lookups: int
    """In the worst case; the limit is 10."""
    void_lookups: int
    """In the worst case; the limit is 2."""
    addresses4: int
    addresses6: int
    """How many addresses it passes, each counted once."""
    exact: bool
    """Whether that is all: no macro, no ptr, nothing that DNS would not tell."""
    includes: tuple[str, ...]
    """The domains that the record itself includes or redirects to."""
    problems: tuple[str, ...]
    """Ids of its findings of medium and high severity."""


@frozen
class Policy:
    """The DMARC policy that applies, under one standard."""

    state: PolicyState
    policy: Literal["none", "quarantine", "reject"] | None
    """In effect: sp, np and t=y applied."""
    location: str | None
    """Where the record stands."""
    inherited: bool
    """It stands at a name above."""
    organizational_domain: str
    reason: Reason


@frozen
class DMARC:
    """DMARC under both standards."""

    rfc9989: Policy
    rfc7489: Policy
    record: str | None
    """The record that applies under RFC 9989, else the one under RFC 7489."""
    reports: bool
    """It asks for aggregate reports (rua)."""
    pct: int
    testing: bool
    """t=y"""


@frozen
class ADSP:
    """The signing practice (RFC 5617, historic)."""

    state: Literal["found", "absent", "broken", "unknown"]
    practice: Literal["unknown", "all", "discardable"] | None


def adsp_word(state: str, practice: str | None) -> str:
    """Both in a word. "unknown" is what DNS would not tell; RFC 5617 has a practice of that name, too."""
    return "dkim=unknown" if practice == "unknown" else practice or state


@frozen
class Key:
    """A DKIM key that was found."""

    selector: str
    state: Literal["valid", "weak", "revoked", "missing", "malformed", "unusable", "temperror"]
    type: str
    bits: int
    testing: bool


@frozen
class DKIM:
    """The selectors that were asked for, and their keys."""

    state: DKIMState
    """"found": a valid key; "not-found": not at these selectors, others may have one; "none-possible":
    nothing exists below `_domainkey` (RFC 8020)."""
    asked: tuple[str, ...]
    """Selectors that the caller named."""
    tried: tuple[str, ...]
    """Common selectors that were guessed."""
    keys: tuple[Key, ...]
    """Those that exist."""


@frozen
class MX:
    """Where mail to the domain goes (RFC 5321 5.1)."""

    state: Literal["mx", "address", "null-mx", "dead-mx", "none", "missing", "unknown"]
    hosts: tuple[str, ...]


@frozen
class Spoofing:
    """What becomes of an unsigned mail from a stranger's host that claims to be from the domain."""

    answer: Spoofable
    """Of the receivers that refuse for DMARC. "no": every one of them refuses it; "yes": every one accepts
    it; "partly": some do, or it goes to the junk folder."""
    reason: Reason
    address: str | None
    """The stranger's address; None: SPF passes every one."""
    spf: str
    """SPF's result for it."""
    forged: Mapping[str, Outcome]
    """By receiver: MAIL FROM is forged too."""
    own: Mapping[str, Outcome]
    """By receiver: MAIL FROM is the stranger's own, where SPF passes."""


@frozen
class Host:
    """What receivers would answer to one of the hosts that the input names, as `check` predicts it."""

    host: str
    address: str
    signing: str
    spf: str
    dmarc: str
    outcome: Outcome
    """The worst."""
    receiver: str
    """Who would answer so; empty where nobody refuses."""
    code: str
    entry: str
    """Id of the catalogue's entry: cause and remedy."""


@frozen
class Silence:
    """A question that DNS would not answer."""

    name: str
    type: str
    status: str


@frozen
class Change:
    """The records of one name and type that go and come; others there stay."""

    name: str
    type: str
    old: tuple[str, ...]
    """TXT with its strings joined, one character an octet; MX as "10 mail.example.com"."""
    new: tuple[str, ...]
    kept: tuple[str, ...]
    """The other TXT records at the name: who replaces the whole set must put them back."""


@frozen
class Setting:
    """What must be set outside DNS for a change to work."""

    id: str
    """"mail-from", "dkim", "helo", "sign"."""
    who: str
    value: str


@frozen
class Reach:
    """What an SPF record lets through before and after, as far as networks tell."""

    domain: str
    lost: int
    """Addresses that are no longer authorised."""
    gained4: int
    gained6: int
    lookups: int
    """Afterwards, in the worst case."""
    voids: int


@frozen
class Proposal:
    """Changes that were tried: what they cure, and that they harm nothing."""

    id: str
    kind: Literal["cure", "improvement"]
    """"cure": of a refusal that a named host would meet."""
    who: str
    """Who can make them."""
    facts: Mapping[str, object]
    changes: tuple[Change, ...]
    settings: tuple[Setting, ...]
    receivers: tuple[str, ...]
    """Those who refuse no longer."""
    findings: tuple[str, ...]
    """Ids of the findings that are gone afterwards."""
    reach: tuple[Reach, ...]
    cautions: tuple[Reason, ...]
    """What to mind, what is laxer, and what the trial does not cover."""


@frozen
class Advice:
    """What no record cures, and what to do instead."""

    id: str
    facts: Mapping[str, object]


@frozen
class Fix:
    """What to change, and how the domain stands once all of it is made."""

    proposals: tuple[Proposal, ...]
    """They can be made one by one or all together."""
    advice: tuple[Advice, ...]
    grade: Grade | None
    spoofable: Spoofable | None
    hosts: Outcome | None
    """The worst answer to the hosts that the line names; None where it names none."""
    findings: tuple[str, ...]
    """Ids of the findings of medium and high severity that no proposal cures."""


@frozen
class Row:
    """All that the audit says of one line of the input."""

    n: int
    """The line in the input, from 1."""
    given: str
    """The domain as it was given."""
    domain: str
    """In normal form; empty where it is none."""
    state: RowState
    """"ok"; "unknown": DNS left something open; "bad-input"."""
    error: Reason | None = None
    """Why the line could not be read."""
    grade: Grade | None = None
    """See `grade.py`; None where it is not known, or the domain does not exist."""
    spoofing: Spoofing | None = None
    spf: SPF | None = None
    dmarc: DMARC | None = None
    adsp: ADSP | None = None
    dkim: DKIM | None = None
    mx: MX | None = None
    mta_sts: RecordState | None = None
    tls_rpt: RecordState | None = None
    hosts: tuple[Host, ...] = ()
    findings: tuple[Finding, ...] = ()
    unknown: tuple[Silence, ...] = ()
    elapsed: float | None = None
    """Seconds, where it was asked for."""
    fix: Fix | None = None
    """Where it was asked for."""


FIELDS = (
    "n", "given", "domain", "state", "error", "grade", "spoofing", "spf", "dmarc", "adsp", "dkim", "mx",
    "mta_sts", "tls_rpt", "hosts", "findings", "unknown", "elapsed",
)  # fmt: skip
"""The fields of a row's document, in order, after "schema"."""
FIX = "fix"
"""The field more that a row has where changes are proposed."""


def document(row: Row) -> dict[str, Any]:
    """The row as JSON knows it. Written out, since the general way costs ten times as much and there may
    be millions.
    """
    whole = {
        "schema": SCHEMA,
        "n": row.n,
        "given": row.given,
        "domain": row.domain,
        "state": row.state,
        "error": row.error and _reason(row.error),
        "grade": row.grade,
        "spoofing": row.spoofing and _spoofing(row.spoofing),
        "spf": row.spf and _fields(row.spf),
        "dmarc": row.dmarc and _dmarc(row.dmarc),
        "adsp": row.adsp and {"state": row.adsp.state, "practice": row.adsp.practice},
        "dkim": row.dkim and _dkim(row.dkim),
        "mx": row.mx and {"state": row.mx.state, "hosts": row.mx.hosts},
        "mta_sts": row.mta_sts,
        "tls_rpt": row.tls_rpt,
        "hosts": [_fields(host) for host in row.hosts],
        "findings": [_finding(finding) for finding in row.findings],
        "unknown": [_fields(silence) for silence in row.unknown],
        "elapsed": row.elapsed,
    }
    if row.fix is not None:
        whole[FIX] = _fix(row.fix)
    return whole


def _fields(value: Any) -> dict[str, Any]:
    """A flat dataclass; tuples of texts are lists to JSON already."""
    return {name: getattr(value, name) for name in value.__slots__}


def _reason(reason: Reason) -> dict[str, Any]:
    return {"id": reason.id, "facts": _facts(reason.facts)}


def _facts(facts: Facts) -> dict[str, Any]:
    return {name: value if value.__class__ in _PLAIN else plain(value) for name, value in facts.items()}


_PLAIN = (str, int, bool)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.id,
        "severity": finding.severity,
        "subject": finding.subject,
        "evidence": _facts(finding.evidence),
        "rfc": finding.rfc,
        "source": finding.source,
    }


def _spoofing(spoofing: Spoofing) -> dict[str, Any]:
    return {
        "answer": spoofing.answer,
        "reason": _reason(spoofing.reason),
        "address": spoofing.address,
        "spf": spoofing.spf,
        "forged": spoofing.forged,
        "own": spoofing.own,
    }


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "state": policy.state,
        "policy": policy.policy,
        "location": policy.location,
        "inherited": policy.inherited,
        "organizational_domain": policy.organizational_domain,
        "reason": _reason(policy.reason),
    }


def _dmarc(dmarc: DMARC) -> dict[str, Any]:
    return {
        "rfc9989": _policy(dmarc.rfc9989),
        "rfc7489": _policy(dmarc.rfc7489),
        "record": dmarc.record,
        "reports": dmarc.reports,
        "pct": dmarc.pct,
        "testing": dmarc.testing,
    }


def _dkim(dkim: DKIM) -> dict[str, Any]:
    return {
        "state": dkim.state,
        "asked": dkim.asked,
        "tried": dkim.tried,
        "keys": [_fields(key) for key in dkim.keys],
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "proposals": [_proposal(proposal) for proposal in fix.proposals],
        "advice": [{"id": advice.id, "facts": _facts(advice.facts)} for advice in fix.advice],
        "grade": fix.grade,
        "spoofable": fix.spoofable,
        "hosts": fix.hosts,
        "findings": fix.findings,
    }


def _proposal(proposal: Proposal) -> dict[str, Any]:
    return {
        **_fields(proposal),
        "facts": _facts(proposal.facts),
        "changes": [_fields(change) for change in proposal.changes],
        "settings": [_fields(setting) for setting in proposal.settings],
        "reach": [_fields(reach) for reach in proposal.reach],
        "cautions": [_reason(caution) for caution in proposal.cautions],
    }
