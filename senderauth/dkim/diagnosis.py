"""What broke a signature, proven by its hashes or not stated at all.

A body hash that is wrong is explained by undoing what is known to happen to mail until it is right; a header
hash likewise, by the signature. Where nothing that was tried is it, that is the answer, with what was tried.
The work is bounded: attempts by the constants here, octets by a multiple of the message's size.
"""

from __future__ import annotations

from dataclasses import dataclass

from senderauth.dkim.body_search import Goal, search_body
from senderauth.dkim.budget import Budget, Search
from senderauth.dkim.canonical import split
from senderauth.dkim.crypto import rsa_signed, verifies
from senderauth.dkim.header_search import Check, pieces_of, search_header
from senderauth.dkim.keys import key_size
from senderauth.dkim.verification import SignatureResult
from senderauth.values import Reason, Step, Trace

MAX_BODY = 32_000_000
"""Octets; a larger body is not searched."""
BODY_ATTEMPTS = 20_000
BODY_OCTETS = 64_000_000
"""Hashed beyond ten times the body."""
HEADER_ATTEMPTS = 30_000
HEADER_OCTETS = 128_000_000
ED25519_ATTEMPTS = 500
"""Each costs a computation on the curve."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What broke one signature."""

    causes: tuple[Reason, ...]
    """Proven: of the body, of the header. Empty where nothing was proven."""
    body_explained: bool | None
    """None: the body is as it was signed, or that is not known."""
    header_explained: bool | None
    tried: tuple[str, ...]
    """What was tried, as ids of the trace's steps."""
    attempts: int
    exhausted: bool
    """The bound on attempts or octets was met: there was more to try."""
    trace: Step


def diagnose(message: bytes, result: SignatureResult) -> Diagnosis:
    """What broke this signature of this message. `result` is what `verify` said of it."""
    trace = Trace("dkim-diagnosis", domain=result.domain[:256], selector=result.selector[:256])
    signature = result.signature
    causes: list[Reason] = []
    searches: list[Search] = []
    body: bool | None = None
    header: bool | None = None
    if signature is not None and result.body_ok is False:
        parts = split(message)
        size = len(message) - parts.body_start
        search = Search(Budget(BODY_ATTEMPTS if size <= MAX_BODY else 0, BODY_OCTETS + 10 * size), trace)
        searches.append(search)
        goal = Goal(signature.body_hash, signature.hash, signature.body_how, signature.length)
        if size > MAX_BODY:
            search.budget.exhausted = True
        elif (cause := search_body(parts, goal, search)) is not None:
            causes.append(cause)
        body = search.proven is not None
    if signature is not None and result.header_ok is False:
        parts = split(message)
        check, limit = _check(result)
        search = Search(Budget(limit, HEADER_OCTETS), trace)
        searches.append(search)
        field = [one for one in parts.fields if one.name == b"dkim-signature"][result.index]
        if check is None:
            search.proven = Reason(
                "dkim-broke-key", {"domain": result.domain[:256], "selector": result.selector[:256]}
            )
            causes.append(search.proven)
        elif cause := search_header(parts, pieces_of(parts, field, signature, check), signature, search):
            causes.append(cause)
        header = search.proven is not None
    return Diagnosis(
        tuple(causes),
        body,
        header,
        tuple(dict.fromkeys(id for search in searches for id in search.tried)),
        sum(search.budget.used for search in searches),
        any(search.budget.exhausted for search in searches),
        trace.root,
    )


def _check(result: SignatureResult) -> tuple[Check | None, int]:
    """How a digest is compared with what was signed, and how often that may be done. None: the signature
    was not made with this key at all, or b= was damaged, so nothing about the header can be said.
    """
    signature, key = result.signature, result.key
    if signature is None or key is None:
        return None, 0
    records = [one for one in key.candidates if one.type == signature.key_type and one.octets]
    if signature.key_type == "rsa":
        signed = [
            found.digest for one in records if (found := rsa_signed(one.octets or b"", signature.octets))
        ]
        return (signed.__contains__ if signed else None), HEADER_ATTEMPTS

    def check(digest: bytes) -> bool:
        return any(
            verifies(one.type, one.octets or b"", key_size(one)[0], signature.hash, digest, signature.octets)
            for one in records
        )

    return check, ED25519_ATTEMPTS
