"""ARC sets: the three fields of each instance, read and put together (RFC 8617 4.1, 4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from senderauth.arc.result import SKEW
from senderauth.dkim import Field, Message, Reader, Signature, TagList, tag_list
from senderauth.values import Problem, Span

MAX_SETS = 50
ALGORITHMS = ("rsa-sha256", "ed25519-sha256")  # RFC 8617 4.1; rsa-sha1 never was one
NAMES = {
    b"arc-authentication-results": "ARC-Authentication-Results",
    b"arc-message-signature": "ARC-Message-Signature",
    b"arc-seal": "ARC-Seal",
}
CHAIN_WORDS = ("none", "pass", "fail")
MAX_RESULTS = 65_536

_CFWS = r"(?:[ \t\r\n]|\([^()\\]*\))*"  # without comments in comments, which nobody writes here
_INSTANCE = re.compile(rf"{_CFWS}i{_CFWS}={_CFWS}([0-9]{{1,2}}){_CFWS};")
_NO_TAGS = TagList({})


@dataclass(frozen=True, slots=True)
class Seal:
    """An ARC-Seal field as written (RFC 8617 4.1.3)."""

    tags: TagList
    algorithm: str
    octets: bytes = field(repr=False)
    domain: str
    selector: str
    chain: str
    """cv="""
    signed_at: int | None
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Parts:
    """The fields of one instance, as far as they are there."""

    results: Field | None = None
    results_text: str = ""
    """ARC-Authentication-Results after its i=."""
    message: Field | None = None
    signature: Signature | None = None
    seal_field: Field | None = None
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why the fields make no chain."""

    id: str
    facts: dict[str, object]


def collect(message: Message) -> tuple[dict[int, Parts], Fault | None]:
    """All sets by instance, and the first fault in their structure (RFC 8617 5.2 steps 1 and 3)."""
    found = [one for one in message.fields if one.name in NAMES]
    if len(found) > 3 * MAX_SETS:
        return {}, Fault("arc-too-many-sets", {"fields": len(found), "limit": MAX_SETS})
    sets: dict[int, Parts] = {}
    fault: Fault | None = None
    for one in found:
        fault = _add(sets, one) or fault
    return sets, fault or _structure(sets)


def _add(sets: dict[int, Parts], one: Field) -> Fault | None:
    """Puts the field into its set; a fault where it has no place there."""
    text = one.value.decode("latin-1")
    name = NAMES[one.name]
    tags = _NO_TAGS
    if one.name == b"arc-authentication-results":
        found = _INSTANCE.match(text)
        written = found[1] if found else ""
    else:
        tags = tag_list(text)
        written = tags.get("i") or ""
    number = int(written) if written.isascii() and written.isdigit() and len(written) <= 2 else 0
    if not 1 <= number <= MAX_SETS:
        return Fault("arc-instance-invalid", {"field": name, "written": written[:20]})
    parts = sets.setdefault(number, Parts())
    if one.name == b"arc-authentication-results":
        twice, parts.results = parts.results, one
        parts.results_text = text[found.end() if found else 0 :].strip()[:MAX_RESULTS]
    elif one.name == b"arc-message-signature":
        twice, parts.message, parts.signature = parts.message, one, _signature(tags)
    else:
        twice, parts.seal_field, parts.seal = parts.seal_field, one, _seal(tags)
    return Fault("arc-field-twice", {"field": name, "instance": number}) if twice is not None else None


def _signature(tags: TagList) -> Signature:
    """ARC-Message-Signature: as DKIM-Signature, but without v=, and i= is the instance (RFC 8617 4.1.2)."""
    read = Reader(tags)
    algorithm = read.algorithm(ALGORITHMS)
    octets, body_hash = read.base64("b"), read.base64("bh")
    how = read.canonicalization()
    domain, selector = read.place()
    listed = read.names()
    if tags.get("h") and b"from" not in listed:
        read.problem("dkim-from-not-signed", "h", fatal=False)
    if b"arc-seal" in listed:
        read.problems.append(Problem("arc-seal-signed", Span(0, 0), {"tag": "h"}))
    length, signed_at, expires_at = read.number("l", 76), read.number("t", 12), read.number("x", 12)
    return Signature(
        tags, algorithm, octets, body_hash, *how, domain, selector, "", listed, length,
        signed_at, expires_at, tuple(read.problems), read.computable,
    )  # fmt: skip


def relaxed(signature: Signature) -> Signature:
    """The same signature, as if it said c=relaxed/relaxed."""
    return replace(signature, header_how="relaxed", body_how="relaxed")


def _seal(tags: TagList) -> Seal:
    """ARC-Seal (RFC 8617 4.1.3)."""
    read = Reader(tags)
    algorithm = read.algorithm(ALGORITHMS)
    octets = read.base64("b")
    domain, selector = read.place()
    chain = read.required("cv").lower()
    if chain and chain not in CHAIN_WORDS:
        read.problem("arc-chain-word-unknown", "cv", written=chain[:20])
    if tags.get("h") is not None:  # 4.1.3: it covers the sets and nothing else
        read.problem("arc-seal-with-names", "h")
    signed_at = read.number("t", 12)
    return Seal(tags, algorithm, octets, domain, selector, chain, signed_at, tuple(read.problems))


def _structure(sets: dict[int, Parts]) -> Fault | None:
    """RFC 8617 5.2 step 3: one field of each kind, instances without a gap, cv= as its place asks."""
    for number in range(1, len(sets) + 1):
        parts = sets.get(number)
        if parts is None:
            return Fault("arc-instance-gap", {"instance": number, "instances": sorted(sets)})
        for name, there in zip(NAMES.values(), (parts.results, parts.message, parts.seal_field), strict=True):
            if there is None:
                return Fault("arc-field-missing", {"field": name, "instance": number})
        for name, read in (("ARC-Message-Signature", parts.signature), ("ARC-Seal", parts.seal)):
            if read is not None and read.problems:
                problem = read.problems[0]
                facts = {"field": name, "instance": number, "problem": problem.id, **problem.facts}
                return Fault("arc-field-invalid", {"tag": "", **facts})
        chain = parts.seal.chain if parts.seal else ""
        if chain != ("none" if number == 1 else "pass"):
            if chain == "fail" and number == len(sets):  # step 2: already known to be broken
                return Fault("arc-sealed-as-failed", {"instance": number, "domain": _domain(parts)})
            return Fault("arc-chain-word-wrong", {"instance": number, "written": chain})
    return None


def expired(sets: dict[int, Parts], now: float | None) -> Fault | None:
    """The newest message signature, if it was valid up to a time before `now` (RFC 6376 3.5)."""
    newest = max(sets)
    signature = sets[newest].signature
    if now is None or signature is None or signature.expires_at is None:
        return None
    late = int(now) - signature.expires_at
    facts = {"instance": newest, "domain": signature.domain[:256], "seconds": late}
    return Fault("arc-message-signature-expired", facts) if late > SKEW else None


def _domain(parts: Parts) -> str:
    return parts.seal.domain[:256] if parts.seal else ""
