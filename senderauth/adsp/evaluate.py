"""ADSP's verdict: does the author domain say that all its mail is signed, and is this? (RFC 5617 4.3, 5.4)"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from senderauth import names
from senderauth.adsp.record import Practice, parse
from senderauth.dns import Question, Resolver, together
from senderauth.values import Finding, Reason, Severity, Step, Trace

Word = Literal["none", "pass", "unknown", "fail", "discard", "nxdomain", "temperror", "permerror"]


class Signed(Protocol):
    """One signature's result and its d=."""

    @property
    def result(self) -> str:
        """RFC 8601 2.7.1."""
        ...

    @property
    def domain(self) -> str:
        """d="""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ADSP says, and why."""

    result: Word
    practice: Practice | None
    """As published; None where no record is, or DNS would not tell."""
    domain: str
    record: str | None
    reason: Reason
    trace: Step
    findings: tuple[Finding, ...] = ()


FINDINGS: dict[Practice, tuple[str, Severity]] = {
    "unknown": ("adsp-historic", "low"),
    "all": ("adsp-all-published", "medium"),
    "discardable": ("adsp-discardable-published", "medium"),
}


async def evaluate(resolver: Resolver, author_domain: str, dkim: Iterable[Signed] = ()) -> Verdict:
    """Judges a message of author_domain by its signatures (RFC 5617 4.3, 5.4)."""
    trace = Trace("adsp", domain=author_domain[:256])
    domain = names.normalise(author_domain)
    if domain is None:
        reason = Reason("adsp-domain-unusable", {"domain": author_domain[:256]})
        return Verdict("permerror", None, author_domain, None, reason, trace.root)
    location = f"_adsp._domainkey.{domain}"
    # RFC 5617 2.7: exactly this domain, no parent and no child
    own = [s.result for s in dkim if (names.normalise(s.domain) or s.domain) == domain]
    # 4.3 asks for the domain first; both questions fly together, the order only matters for the verdict
    exists, answer = await together(
        resolver.resolve(Question(domain, "MX")), resolver.resolve(Question(location, "TXT"))
    )
    for name, rdtype, said in ((domain, "MX", exists), (location, "TXT", answer)):
        trace.note(
            "dns", name=name, type=rdtype, status=said.status.value, records=[str(r) for r in said.records]
        )
    usable = [record for record in map(parse, answer.records) if record is not None]
    found = _findings(domain, location, answer.records)

    def verdict(result: Word, id: str, practice: Practice | None = None, **facts: object) -> Verdict:
        text = usable[0].text if len(usable) == 1 else None
        reason = Reason(id, {"domain": domain, "location": location, **facts})
        return Verdict(result, practice, domain, text, reason, trace.root, found)

    if "pass" in own:  # whatever is published
        practice = usable[0].practice if len(usable) == 1 else None
        return verdict("pass", "adsp-author-signature", practice)
    if exists.name_missing:  # 4.3 step 1
        return verdict("nxdomain", "adsp-domain-missing")
    if exists.unknown or answer.unknown:
        name, said = (domain, exists) if exists.unknown else (location, answer)
        return verdict("temperror", "adsp-dns-unknown", name=name, status=said.status.value)
    if len(usable) > 1:  # 4.3 leaves it undefined
        return verdict("permerror", "adsp-several-records", count=len(usable))
    if not usable:
        return verdict("none", "adsp-no-record")
    practice = usable[0].practice
    if "temperror" in own and practice != "unknown":  # the signature might be good
        return verdict("temperror", "adsp-signature-unknown", practice)
    results: dict[Practice, Word] = {"unknown": "unknown", "all": "fail", "discardable": "discard"}
    return verdict(results[practice], "adsp-no-author-signature", practice, published=practice)


def _findings(domain: str, location: str, texts: tuple[bytes, ...]) -> tuple[Finding, ...]:
    found: list[Finding] = []
    records = [parse(text) for text in texts]
    good = [record for record in records if record is not None]
    if len(good) == 1:
        id, severity = FINDINGS[good[0].practice]
        found.append(
            Finding(id, severity, location, {"domain": domain, "record": good[0].text}, "RFC 9989 C.8")
        )
        if good[0].practice == "unknown" and good[0].written.lower() != "unknown":
            found.append(
                Finding(
                    "adsp-unknown-practice", "low", location, {"written": good[0].written}, "RFC 5617 4.2.1"
                )
            )
    elif len(good) > 1:
        found.append(
            Finding("adsp-several-records", "medium", location, {"count": len(good)}, "RFC 5617 4.3")
        )
    for text, record in zip(texts, records, strict=True):
        if record is None:
            written = text[:100].decode("latin-1")
            found.append(
                Finding("adsp-malformed-record", "low", location, {"record": written}, "RFC 5617 4.1")
            )
            break
    return tuple(found)
