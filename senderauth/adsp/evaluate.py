"""ADSP's verdict: does the author domain say that all its mail is signed, and is this? (RFC 5617 4.3, 5.4)

The standard is historic since 2013, but some receivers still look: fastmail's authentication_milter by
default, SpamAssassin's DKIM_ADSP rules, yenma. Some publish on purpose: chatmail "discardable".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from senderauth import names
from senderauth.adsp.record import Practice, Record, parse
from senderauth.dns import Answer, Question, Resolver, prefetch
from senderauth.values import Finding, Reason, Severity, Step, Trace

Word = Literal["none", "pass", "unknown", "fail", "discard", "nxdomain", "temperror", "permerror"]

# RFC 5617 5.4, without an Author Domain Signature
RESULTS: dict[Practice, Word] = {"unknown": "unknown", "all": "fail", "discardable": "discard"}
SEVERITIES: dict[Practice, Severity] = {"unknown": "low", "all": "medium", "discardable": "medium"}


class Signed(Protocol):
    """One signature: its result (RFC 8601 2.7.1) and its d=."""

    @property
    def result(self) -> str:
        """ "pass" and the other words."""
        ...

    @property
    def domain(self) -> str:
        """The d= of the signature; i= does not matter (RFC 5617 2.7)."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ADSP says, and why."""

    result: Word
    practice: Practice | None
    """As published; None where no record is, or DNS would not tell."""
    domain: str
    record: str | None
    """The text of the one valid record."""
    reason: Reason
    trace: Step
    findings: tuple[Finding, ...] = ()


async def evaluate(resolver: Resolver, author_domain: str, dkim: Iterable[Signed] = ()) -> Verdict:
    """Judges a message of author_domain by its signatures (RFC 5617 4.3, 5.4).

    Of several authors each is judged by itself (RFC 5617 3); the worst result counts.
    """
    domain = names.normalise(author_domain)
    location = names.normalise(f"_adsp._domainkey.{domain}") if domain else None
    trace = Trace("adsp", domain=author_domain[:256])
    if domain is None or location is None:
        reason = Reason("adsp-domain-unusable", {"domain": author_domain[:256]})
        return Verdict("permerror", None, author_domain[:256], None, reason, trace.root)
    # RFC 5617 2.7: exactly this domain, no parent and no child
    own = [signature.result for signature in dkim if names.normalise(signature.domain) == domain]
    return await _Lookup(resolver, domain, location, trace).judge(own)


class _Lookup:
    """The lookup procedure for one author domain (RFC 5617 4.3)."""

    def __init__(self, resolver: Resolver, domain: str, location: str, trace: Trace) -> None:
        self.resolver, self.domain, self.location, self.trace = resolver, domain, location, trace
        self.records: list[Record] = []
        self.findings: tuple[Finding, ...] = ()

    async def ask(self, name: str, rdtype: str) -> Answer:
        answer = await self.resolver.resolve(Question(name, rdtype))
        records = [
            record.decode("latin-1")[:500] if isinstance(record, bytes) else str(record)
            for record in answer.records[:20]
        ]
        self.trace.note("dns", name=name, type=rdtype, status=answer.status.value, records=records)
        return answer

    def verdict(self, result: Word, id: str, practice: Practice | None = None, **facts: object) -> Verdict:
        text = self.records[0].text if len(self.records) == 1 else None
        reason = Reason(id, {"domain": self.domain, "location": self.location, **facts})
        return Verdict(result, practice, self.domain, text, reason, self.trace.root, self.findings)

    async def judge(self, own: Sequence[str]) -> Verdict:
        """own: the results of the signatures by the author domain itself."""
        signed = "pass" in own
        if not signed:  # a signature's key has shown already that the domain exists
            prefetch(self.resolver, [Question(self.domain, "MX"), Question(self.location, "TXT")])
            answer = await self.ask(self.domain, "MX")
            if answer.name_missing:  # 4.3 step 1
                return self.verdict("nxdomain", "adsp-domain-missing")
            if answer.unknown:
                return self.unknown(self.domain, answer)
        answer = await self.ask(self.location, "TXT")  # step 2
        self.records = [record for text in answer.records if (record := parse(text)) is not None]
        self.findings = _findings(self.location, self.domain, answer.records)
        practice = self.records[0].practice if len(self.records) == 1 else None
        if signed:  # 5.4: whatever is published
            return self.verdict("pass", "adsp-author-signature", practice)
        if answer.unknown:
            return self.unknown(self.location, answer)
        if len(self.records) > 1:  # 4.3 leaves it undefined, others take the first or none
            return self.verdict("permerror", "adsp-several-records", count=len(self.records))
        if practice is None:  # 4.1: what does not comply is as if it were not there
            return self.verdict("none", "adsp-no-record")
        if "temperror" in own and practice != "unknown":  # the signature may be good
            return self.verdict("temperror", "adsp-signature-unknown", practice)
        return self.verdict(RESULTS[practice], "adsp-no-author-signature", practice, published=practice)

    def unknown(self, name: str, answer: Answer) -> Verdict:
        return self.verdict("temperror", "adsp-dns-unknown", name=name, status=answer.status.value)


def _findings(location: str, domain: str, texts: Sequence[bytes]) -> tuple[Finding, ...]:
    parsed = [(text[:200].decode("utf-8", "backslashreplace"), parse(text)) for text in texts]
    good = [(text, record) for text, record in parsed if record is not None]
    bad = [text for text, record in parsed if record is None]
    found: list[Finding] = []
    if len(good) > 1:
        facts: dict[str, object] = {"count": len(good), "domain": domain}
        found.append(Finding("adsp-several-records", "medium", location, facts, "RFC 5617 4.3"))
    elif good:
        text, record = good[0]
        facts = {"domain": domain, "record": text, "practice": record.practice}
        found.append(Finding("adsp-historic", SEVERITIES[record.practice], location, facts, "RFC 9989 C.8"))
        if record.practice == "discardable":
            found.append(Finding("adsp-discardable", "info", location, {"domain": domain}, "RFC 5617 4.2.1"))
        if record.practice == "unknown" and record.written.lower() != "unknown":
            facts = {"written": record.written[:100]}
            found.append(Finding("adsp-unknown-practice", "low", location, facts, "RFC 5617 4.2.1"))
    if bad:
        meant = [text for text in bad if text.lower().lstrip(" \t\"'").startswith(("dkim=", "dkim ="))]
        if meant:
            facts = {"record": meant[0]}
            found.append(Finding("adsp-malformed-record", "low", location, facts, "RFC 5617 4.1"))
        else:  # foreign text at so odd a name comes from a wildcard, which 4.1 forbids
            facts = {"record": bad[0], "domain": domain}
            found.append(Finding("adsp-wildcard-suspected", "low", location, facts, "RFC 5617 4.1"))
    return tuple(found)
