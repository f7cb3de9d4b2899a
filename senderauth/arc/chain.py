"""The chain validated: every seal and every message signature (RFC 8617 5.2).

Theory of operation. A chain holds if its newest message signature and all its seals verify. Seal k covers
the sets 1 to k, so one running hash over the sets, copied at each, serves all of them. Older message
signatures may fail, since each handler may change the message: they tell how far back it is unchanged.
Whatever can be computed is computed, also where the chain is broken, to tell who sealed what.
"""

from __future__ import annotations

import hashlib
from typing import Literal

from senderauth import names
from senderauth.arc.fields import Fault, Parts, collect, expired, relaxed
from senderauth.arc.result import ArcSet, ChainResult, Part, Result, findings
from senderauth.dkim import (
    BodyHashes,
    Field,
    Header,
    Key,
    Message,
    Signature,
    canonical_field,
    fetch_key,
    narrowed_key,
    split,
    verifies,
    without_signature,
)
from senderauth.dns import Question, Resolver, prefetch
from senderauth.values import Reason, Trace


async def validate(resolver: Resolver, message: bytes, *, now: float | None = None) -> ChainResult:
    """The chain of the message. `now`: seconds since 1970 at which it is judged, best the time of receipt;
    without it x= is not judged and seals of the future are not told.
    """
    trace = Trace("arc-chain")
    parts = split(message)
    sets, fault = collect(parts)
    if not sets and fault is None:
        return ChainResult("none", Reason("arc-no-chain"), (), None, (), trace.root)
    keys = await _keys(resolver, sets, trace)
    sealed = _judged(parts, sets, keys, trace)
    fault = fault or expired(sets, now)
    result, reason = _verdict(sealed, fault)
    trace.note("arc-verdict", result=result, reason=reason.id)
    told = tuple(findings(sealed, result, reason, now))
    return ChainResult(result, reason, sealed, _oldest_pass(sealed, fault), told, trace.root)


async def _keys(resolver: Resolver, sets: dict[int, Parts], trace: Trace) -> dict[str, Key]:
    """The keys of all sets, each asked once."""
    wanted: dict[str, tuple[str, str]] = {}
    for parts in sets.values():
        for read in (parts.signature, parts.seal):
            if read is not None and not read.problems and (name := _key_name(read.domain, read.selector)):
                wanted[name] = read.domain, read.selector
    prefetch(resolver, [Question(name, "TXT") for name in wanted])
    keys = {name: await fetch_key(resolver, *place) for name, place in wanted.items()}
    trace.root.inner.extend(key.trace for key in keys.values())
    return keys


def _key_name(domain: str, selector: str) -> str | None:
    return names.normalise(f"{selector}._domainkey.{domain}")


def _judged(
    message: Message, sets: dict[int, Parts], keys: dict[str, Key], trace: Trace
) -> tuple[ArcSet, ...]:
    """Every set, its seal and its message signature."""
    header = Header(message)
    readable = [p.signature for p in sets.values() if p.signature is not None and p.signature.computable]
    without = [relaxed(one) for one in readable if one.tags.get("c") is None]
    bodies = BodyHashes(message, (*readable, *without))
    running = hashlib.sha256()
    whole = True
    judged: list[ArcSet] = []
    for number in sorted(sets):
        parts = sets[number]
        whole = whole and number == len(judged) + 1
        alone = parts.seal is not None and parts.seal.chain == "fail"
        seal = _seal(parts, keys, running) if whole or alone else "unread"
        one = _message(parts, keys, header, bodies)
        trace.note("arc-set", instance=number, domain=_text(parts, "domain"), seal=seal, message=one[0])
        judged.append(_arc_set(number, parts, seal, one))
    return tuple(judged)


def _text(parts: Parts, name: Literal["domain", "selector", "chain"]) -> str:
    return str(getattr(parts.seal, name))[:256] if parts.seal is not None else ""


def _arc_set(number: int, parts: Parts, seal: Part, message: tuple[Part, bool | None, bool | None]) -> ArcSet:
    payload = parts.results_text
    words = payload.partition(";")[0].split()
    return ArcSet(
        number,
        _text(parts, "domain"),
        _text(parts, "selector"),
        _text(parts, "chain"),
        payload,
        words[0][:256] if words else "",
        parts.signature.domain[:256] if parts.signature is not None else "",
        parts.seal.signed_at if parts.seal is not None else None,
        seal,
        *message,
    )


def _seal(parts: Parts, keys: dict[str, Key], running: hashlib._Hash) -> Part:
    """Whether the seal verifies; the running hash goes on over this set (RFC 8617 5.1.1). One that says that
    the chain was broken covers its own set alone (5.1.2).
    """
    others = [
        canonical_field(one.raw, "relaxed") + b"\r\n"
        for one in (parts.results, parts.message)
        if one is not None
    ]
    running.update(b"".join(others))
    field, seal = parts.seal_field, parts.seal
    if field is None or seal is None:
        return "unread"
    state: Part = "unread"
    if not seal.problems:
        last = hashlib.sha256(b"".join(others)) if seal.chain == "fail" else running.copy()
        last.update(canonical_field(without_signature(field.raw, seal.tags), "relaxed"))
        name = _key_name(seal.domain, seal.selector)
        state = _by_key(keys.get(name or ""), seal.algorithm, last.digest(), seal.octets)
    running.update(canonical_field(field.raw, "relaxed") + b"\r\n")
    return state


def _message(
    parts: Parts, keys: dict[str, Key], header: Header, bodies: BodyHashes
) -> tuple[Part, bool | None, bool | None]:
    """Whether the message is as the handler signed it: the word, header and body part (RFC 8617 5.1.2)."""
    field, signature = parts.message, parts.signature
    if field is None or signature is None or not signature.computable:
        return "unread", None, None
    judged = _message_as(field, signature, keys, header, bodies)
    if judged[0] == "fail" and signature.tags.get("c") is None:
        # RFC 6376 3.5: simple. Known sealers and verifiers take it for relaxed, as the ARC test suite does
        other = _message_as(field, relaxed(signature), keys, header, bodies)
        return other if other[0] == "pass" else judged
    return judged


def _message_as(
    field: Field, signature: Signature, keys: dict[str, Key], header: Header, bodies: BodyHashes
) -> tuple[Part, bool | None, bool | None]:
    body_ok, _, size = bodies.of(signature)
    if signature.length is not None and signature.length > size:  # RFC 6376 3.5
        body_ok = False
    state = _by_key(
        keys.get(signature.key_name or ""),
        signature.algorithm,
        header.digest(signature, field)[0],
        signature.octets,
    )
    header_ok = {"pass": True, "fail": False}.get(state)  # None: not computed
    return ("fail" if state == "pass" and not body_ok else state), header_ok, body_ok


def _by_key(key: Key | None, algorithm: str, digest: bytes, signature: bytes) -> Part:
    if key is None:
        return "unread"
    if key.state == "temperror":
        return "temperror"
    if key.state != "valid":
        return "no-key"
    kind, _, hash = algorithm.partition("-")
    for one in key.candidates:
        if one.type == kind and one.octets and verifies(kind, one.octets, key.bits, hash, digest, signature):
            return "pass" if narrowed_key(key, one).state == "valid" else "no-key"
    return "fail"


def _verdict(sets: tuple[ArcSet, ...], fault: Fault | None) -> tuple[Result, Reason]:
    """The word and why, in the order of RFC 8617 5.2."""
    if fault is not None:
        return "fail", Reason(fault.id, fault.facts)
    newest = sets[-1]
    facts: dict[str, object] = {"instance": newest.instance, "domain": newest.message_domain}
    if newest.message == "temperror":
        return "temperror", Reason("arc-key-unknown", facts)
    if newest.message == "no-key":
        return "fail", Reason("arc-key-unusable", facts)
    if newest.message != "pass":  # step 4
        return "fail", Reason(_why(newest), facts)
    for one in reversed(sets):  # step 6
        facts = {"instance": one.instance, "domain": one.domain}
        if one.seal == "temperror":
            return "temperror", Reason("arc-key-unknown", facts)
        if one.seal == "no-key":
            return "fail", Reason("arc-key-unusable", facts)
        if one.seal != "pass":
            return "fail", Reason("arc-seal-broken", facts)
    sealers = [one.domain for one in sets]
    return "pass", Reason("arc-chain-holds", {"count": len(sets), "sealers": sealers})


def _why(newest: ArcSet) -> str:
    if newest.header_ok and newest.body_ok is False:
        return "arc-body-changed"
    return "arc-message-signature-broken"


def _oldest_pass(sets: tuple[ArcSet, ...], fault: Fault | None) -> int | None:
    """RFC 8617 5.2 step 5."""
    if fault is not None or not sets or sets[-1].message != "pass":
        return None
    for one in reversed(sets):
        if one.message != "pass":
            return one.instance + 1
    return 0
