"""What is worth telling about a signature, whatever became of it."""

from __future__ import annotations

from collections.abc import Iterator

from senderauth import names
from senderauth.dkim.hashing import Header
from senderauth.dkim.keys import Key
from senderauth.dkim.signature import Signature
from senderauth.values import Finding, Reason, Severity

SINGLE = (
    b"from", b"sender", b"reply-to", b"to", b"cc", b"message-id", b"in-reply-to", b"references", b"subject",
    b"date", b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
"""Fields that a message has at most once (RFC 5322 3.6, RFC 2045)."""
SHOWN = (b"from", b"subject", b"date", b"to", b"reply-to", b"content-type")
"""Fields that decide what a reader sees."""
ADVISED = (b"subject", b"date", b"to")
"""With From the least that should be signed (RFC 6376 5.4.1)."""


def remarks(
    signature: Signature,
    key: Key | None,
    header: Header,
    result: str,
    reason: Reason,
    unsigned: int,
    now: float | None,
    skew: int,
) -> tuple[Finding, ...]:
    """Findings about one signature: its faults, what it leaves unsigned, its time, its key."""
    of_key = key.findings if key is not None else ()
    found = [one for one in _reasons(signature, result, reason) if all(one.id != own.id for own in of_key)]
    found += of_key
    if signature.computable:
        found += _coverage(signature, header, result, unsigned)
        found += _time(signature, now, skew)
        domain = names.normalise(signature.domain) or ""
        if names.public_suffix(domain) == domain:
            found.append(_finding(signature, "dkim-domain-is-public-suffix", "medium", "RFC 6376 6.1.1"))
    return tuple(found)


def _finding(signature: Signature, id: str, severity: Severity, rfc: str, **evidence: object) -> Finding:
    return Finding(id, severity, signature.domain[:256], evidence, rfc)


def _reasons(signature: Signature, result: str, reason: Reason) -> Iterator[Finding]:
    if result != "pass":
        severity: Severity = "medium" if result in ("temperror", "neutral") else "high"
        yield Finding(reason.id, severity, signature.domain[:256], dict(reason.facts), _section(reason.id))
    for problem in signature.problems[1:10]:
        yield Finding(problem.id, "medium", signature.domain[:256], dict(problem.facts), _section(problem.id))
    if signature.hash == "sha1" and reason.id != "dkim-sha1":
        yield _finding(
            signature, "dkim-sha1", "high", "RFC 8301 3.1",
            domain=signature.domain[:256], selector=signature.selector[:256], algorithm=signature.algorithm,
        )  # fmt: skip


def _section(id: str) -> str:
    if id in ("dkim-sha1", "dkim-key-too-small"):
        return "RFC 8301 3"
    return "RFC 6376 6.1.3" if id.endswith("-changed") else "RFC 6376 6.1"


def _coverage(signature: Signature, header: Header, result: str, unsigned: int) -> Iterator[Finding]:
    """What the signature does not protect (RFC 6376 8.2, 8.15)."""
    if unsigned or signature.length == 0:
        severity: Severity = "high" if unsigned else "low"
        yield _finding(
            signature, "dkim-body-not-all-signed", severity, "RFC 6376 8.2",
            length=signature.length, unsigned=unsigned,
        )  # fmt: skip
    elif signature.length is not None:
        yield _finding(signature, "dkim-length-limited", "medium", "RFC 6376 8.2", length=signature.length)
    listed = signature.names.count
    for name, count in header.doubled(SINGLE):
        if count > listed(name):
            severity = "high" if name in SHOWN and result == "pass" else "medium"
            yield _finding(
                signature, "dkim-duplicate-field-unsigned", severity, "RFC 6376 8.15",
                field=name.decode(), count=count, signed=listed(name),
            )  # fmt: skip
    left = [name.decode() for name in ADVISED if name not in signature.names and header.count(name)]
    if left:
        yield _finding(signature, "dkim-fields-not-signed", "low", "RFC 6376 5.4.1", fields=left)
    if 0 < listed(b"from") <= header.count(b"from"):
        yield _finding(signature, "dkim-from-not-oversigned", "info", "RFC 6376 8.15")


def _time(signature: Signature, now: float | None, skew: int) -> Iterator[Finding]:
    if now is None:
        if signature.expires_at is not None:
            yield _finding(
                signature, "dkim-expiry-not-judged", "info", "RFC 6376 3.5", expires_at=signature.expires_at
            )
    elif signature.signed_at is not None and signature.signed_at > now + skew:
        ahead = signature.signed_at - int(now)
        yield _finding(
            signature, "dkim-signed-in-future", "medium", "RFC 6376 3.5",
            signed_at=signature.signed_at, seconds=ahead,
        )  # fmt: skip
