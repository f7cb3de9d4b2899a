"""Signed messages: every signature judged by itself (RFC 6376 6.1).

Theory of operation. All signature fields are read first and their keys announced, then each is judged:
what its text shows (6.1.1), what its key shows (6.1.2), what the hashes show (6.1.3). The first fault in
this order is the reason; but whatever can be computed is computed, so that of a signature that is refused
for its weakness it is known whether header and body are as they were signed.

Words of RFC 8601 2.7.1: "permerror" where RFC 6376 says PERMFAIL before any hash (faults of the field or
the key, expiry); "fail" where a hash or the signature is wrong; "policy" where it verifies, but is too
weak to be accepted (RFC 8301); "neutral" for those that are not looked at because there are too many.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from senderauth import names
from senderauth.dkim.canonical import Field, Message, split
from senderauth.dkim.crypto import rsa_signed, verifies
from senderauth.dkim.hashing import BodyHashes, Header
from senderauth.dkim.keys import Key, fetch_key, key_size, narrowed
from senderauth.dkim.record import KeyRecord
from senderauth.dkim.remarks import remarks
from senderauth.dkim.signature import Signature, parse_signature
from senderauth.dns import Question, Resolver, prefetch
from senderauth.values import Finding, LateStep, Reason, Step, Trace, frozen

Result = Literal["none", "pass", "fail", "neutral", "policy", "temperror", "permerror"]

MAX_SIGNATURES = 50
SKEW = 300
"""Seconds by which clocks may differ; RFC 6376 3.5 asks for an allowance and names none."""
SHOWN = 50


@frozen
class SignatureResult:
    """What became of one signature."""

    index: int
    """Which of the message's DKIM-Signature fields, from the top, 0 is the first."""
    result: Result
    reason: Reason
    domain: str
    """d= as written."""
    selector: str
    identity: str
    """i=, "@" and d= where it is not said."""
    algorithm: str
    canonicalization: str
    """Of header and body, "relaxed/simple"."""
    key: Key | None
    """None where it was not looked up: the signature could not be read."""
    key_bits: int
    header_ok: bool | None
    """Whether the signature verifies over the header (bh= with it); None: not computed."""
    body_ok: bool | None
    """Whether the body has the hash bh=; None: not computed."""
    header_names: tuple[str, ...]
    """h=, lower case."""
    signed_at: int | None
    """t=, seconds since 1970."""
    expires_at: int | None
    """x="""
    body_length: int | None
    """l="""
    unsigned_bytes: int
    """How many octets of the canonical body l= leaves out."""
    testing: bool
    """The key says t=y."""
    signature: Signature | None
    """The field as read; None for the one result that stands for all beyond the limit."""
    findings: tuple[Finding, ...]
    trace: Step


async def verify(
    resolver: Resolver,
    message: bytes,
    *,
    now: float | None = None,
    max_signatures: int = MAX_SIGNATURES,
) -> tuple[SignatureResult, ...]:
    """Every DKIM-Signature of the message, from the top. Empty: it is not signed.

    `now`: seconds since 1970 at which the message is judged, best the time of receipt; without it x= and a
    t= in the future are not judged. Of more than `max_signatures` the rest share one "neutral" result.
    """
    if max_signatures < 1:
        raise ValueError("max_signatures must be at least 1")
    parts = split(message)
    found = [one for one in parts.fields if one.name == b"dkim-signature"]
    read = [(one, parse_signature(one.value)) for one in found[:max_signatures]]
    prefetch(resolver, [Question(name, "TXT") for name in dict.fromkeys(map(_wanted, read)) if name])
    work = _Work(parts, BodyHashes(parts, (one for _, one in read if one.computable)), now)
    keys: dict[str, Key] = {}
    results = []
    for index, (field, signature) in enumerate(read):
        name = _wanted((field, signature))
        if name is not None and name not in keys:
            keys[name] = await fetch_key(resolver, signature.domain, signature.selector)
        results.append(work.judged(index, field, signature, keys.get(name) if name else None))
    if len(found) > len(read):
        results.append(_too_many(len(found), max_signatures))
    return tuple(results)


def _wanted(read: tuple[Field, Signature]) -> str | None:
    """The key's name; none where the key would be of no use."""
    return read[1].key_name if read[1].computable else None


def _too_many(count: int, limit: int) -> SignatureResult:
    facts: dict[str, object] = {"count": count, "limit": limit}
    reason = Reason("dkim-too-many-signatures", facts)
    finding = Finding("dkim-too-many-signatures", "medium", "DKIM-Signature", facts, "RFC 6376 6.1")
    trace = Trace("dkim-signature", domain="", selector="")
    return SignatureResult(
        limit, "neutral", reason, "", "", "", "", "", None, 0, None, None, (), None, None, None, 0,
        False, None, (finding,), trace.root,
    )  # fmt: skip


class Hashes(NamedTuple):
    """What the hashes show; None: not computed."""

    header_ok: bool | None = None
    body_ok: bool | None = None
    record: KeyRecord | None = None
    """The key record with which the header part verifies."""
    size: int = 0
    """Octets of the canonical body."""
    body: bytes = b""
    """The body's hash."""
    fields: int = 0
    """How many header fields are signed."""
    foreign: bool = False
    """The header part was not signed with this key at all, or b= was damaged."""


def _names(listed: Sequence[bytes]) -> tuple[str, ...]:
    return tuple(b":".join(listed).decode("latin-1").split(":"))


def _steps(signature: Signature, key: Key | None, hashes: Hashes, result: str, reason: Reason) -> list[Step]:
    """What was done, told when somebody looks: telling it for each message would take a tenth of a check."""
    trace = Trace()
    trace.note(
        "dkim-signature-read",
        algorithm=signature.algorithm[:50],
        canonicalization=f"{signature.header_how}/{signature.body_how}",
        problems=[problem.id for problem in signature.problems[:SHOWN]],
    )
    if hashes.body_ok is not None:
        signed = signature.body_hash.hex()
        trace.note("dkim-body-hashed", ok=hashes.body_ok, computed=hashes.body.hex(), signed=signed)
    if key is not None:
        trace.root.inner.append(key.trace)
    if hashes.header_ok is not None:
        names = list(_names(signature.names[:SHOWN]))
        trace.note("dkim-header-hashed", ok=hashes.header_ok, count=hashes.fields, names=names)
    trace.note("dkim-verdict", result=result, reason=reason.id)
    return trace.root.inner


class _Work:
    """What the signatures of one message share."""

    def __init__(self, message: Message, bodies: BodyHashes, now: float | None) -> None:
        self.header = Header(message)
        self.bodies = bodies
        self.now = now

    def judged(self, index: int, field: Field, signature: Signature, key: Key | None) -> SignatureResult:
        """One signature's result."""
        hashes = self._hashes(field, signature, key)
        if key is not None and hashes.record is not None:
            key = narrowed(key, hashes.record)
        result, reason = self._verdict(signature, key, hashes)
        unsigned = 0 if signature.length is None else max(0, hashes.size - signature.length)
        return SignatureResult(
            index,
            result,
            reason,
            signature.domain,
            signature.selector,
            signature.identity,
            signature.algorithm,
            f"{signature.header_how}/{signature.body_how}",
            key,
            key.bits if key is not None else 0,
            hashes.header_ok,
            hashes.body_ok,
            _names(signature.names),
            signature.signed_at,
            signature.expires_at,
            signature.length,
            unsigned,
            key is not None and key.testing,
            signature,
            remarks(signature, key, self.header, result, reason, unsigned, self.now, SKEW),
            LateStep(
                "dkim-signature",
                {"domain": signature.domain[:256], "selector": signature.selector[:256]},
                lambda: _steps(signature, key, hashes, result, reason),
            ),
        )

    def _hashes(self, field: Field, signature: Signature, key: Key | None) -> Hashes:
        """Body and header part, each by itself (RFC 6376 6.1.3)."""
        if not signature.computable:
            return Hashes()
        body_ok, computed, size = self.bodies.of(signature)
        usable = [one for one in key.candidates if one.type == signature.key_type] if key else []
        if not usable:
            return Hashes(None, body_ok, None, size, computed)
        digest, count = self.header.digest(signature, field)
        # RFC 6376 6.1.2 step 3: of several keys any may be the one
        good = next((one for one in usable if _verifies(one, signature, digest)), None)
        foreign = good is None and _foreign(usable, signature)
        return Hashes(good is not None, body_ok, good, size, computed, count, foreign)

    def _verdict(self, signature: Signature, key: Key | None, hashes: Hashes) -> tuple[Result, Reason]:
        """The word and why, in the order of RFC 6376 6.1."""
        facts: dict[str, object] = {
            "domain": signature.domain[:256],
            "selector": signature.selector[:256],
            "algorithm": signature.algorithm[:50],
        }
        if signature.problems:  # 6.1.1
            problem = signature.problems[0]
            return "permerror", Reason(problem.id, {**facts, **problem.facts})
        assert key is not None
        if key.state == "temperror":  # 6.1.2
            return "temperror", key.reason
        if key.state not in ("valid", "weak"):
            return "permerror", key.reason
        if (refused := _mismatch(signature, key, facts)) is not None:
            return "permerror", refused
        if signature.length is not None and signature.length > hashes.size:  # 3.5
            beyond = {"length": signature.length, "size": hashes.size}
            return "permerror", Reason("dkim-length-beyond-body", {**facts, **beyond})
        if self.now is not None and signature.expires_at is not None:
            late = int(self.now) - signature.expires_at
            if late > SKEW:
                when = {"expires_at": signature.expires_at, "seconds": late}
                return "permerror", Reason("dkim-expired", {**facts, **when})
        return _by_hashes(signature, key, hashes, facts)


def _mismatch(signature: Signature, key: Key, facts: dict[str, object]) -> Reason | None:
    """Why this key is not for this signature (RFC 6376 6.1.2 steps 6 to 9, 3.6.1)."""
    if not any(one.type == signature.key_type for one in key.candidates):
        return Reason("dkim-key-other-type", {**facts, "type": key.type})
    if key.hashes is not None and signature.hash not in key.hashes:
        return Reason("dkim-key-forbids-hash", {**facts, "hashes": list(key.hashes or ())})
    identity, domain = (
        names.normalise(signature.identity.rpartition("@")[2]),
        names.normalise(signature.domain),
    )
    if key.strict and identity != domain:
        return Reason("dkim-identity-not-strict", {**facts, "identity": signature.identity[:100]})
    return None


def _by_hashes(
    signature: Signature, key: Key, hashes: Hashes, facts: dict[str, object]
) -> tuple[Result, Reason]:
    """6.1.3, and RFC 8301 for what verifies."""
    if not hashes.header_ok:
        if hashes.foreign:
            return "fail", Reason("dkim-signature-by-other-key", facts)
        changed = "dkim-header-changed" if hashes.body_ok else "dkim-header-and-body-changed"
        return "fail", Reason(changed, facts)
    if not hashes.body_ok:
        return "fail", Reason("dkim-body-changed", facts)
    if signature.hash == "sha1":
        return "policy", Reason("dkim-sha1", facts)
    if key.state == "weak":
        return "policy", key.reason
    return "pass", Reason("dkim-signature-verified", {**facts, "bits": key.bits})


def _verifies(record: KeyRecord, signature: Signature, digest: bytes) -> bool:
    bits, _ = key_size(record)
    return record.octets is not None and verifies(
        record.type, record.octets, bits, signature.hash, digest, signature.octets
    )


def _foreign(records: list[KeyRecord], signature: Signature) -> bool:
    """RSA only: what is in the signature can be read, and it is nothing that this key has signed."""
    return signature.key_type == "rsa" and all(
        rsa_signed(record.octets or b"", signature.octets) is None for record in records
    )
