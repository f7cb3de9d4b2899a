"""What other receivers wrote into the message of their own checks, held against ours (RFC 8601)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from senderauth import names
from senderauth.dkim import SignatureResult
from senderauth.message import Hop, MethodResult, ResultsField
from senderauth.simulation import Verdict
from senderauth.values import Reason

MAX_CLAIMS = 100
Standing = Literal["own", "border", "hearsay"]


@dataclass(frozen=True, slots=True)
class Claim:
    """One result that a field states, beside ours."""

    authserv_id: str
    """Who says so; empty where the field does not say."""
    instance: int | None
    """Of an ARC set: said by a handler on the way."""
    standing: Standing
    """"own": above the newest Received, so the last host wrote it; "border": it has the name of the host that
    received the message, which must remove such fields from others (RFC 8601 5); "hearsay": anybody's."""
    method: str
    domain: str
    theirs: str
    ours: str
    """Empty where we found nothing to compare."""
    agrees: bool
    reason: Reason
    """Where they differ, the likeliest reason."""


def compare(
    fields: Iterable[ResultsField],
    signatures: Sequence[SignatureResult],
    verdict: Verdict | None,
    border: Hop | None = None,
) -> tuple[Claim, ...]:
    """Every result for SPF, DKIM and DMARC that the fields state, and whether we found the same. border: the
    Received field of the host that took the message in.
    """
    claims: list[Claim] = []
    for field in fields:
        differing = False
        # DMARC last: it may differ only because the others do
        for result in sorted(field.results, key=lambda one: one.method == "dmarc"):
            found = _compared(field, result, signatures, verdict, differing)
            if found is None:
                continue
            domain, ours, reason = found
            agrees = reason.id == "claim-agrees"
            differing = differing or not agrees
            claims.append(
                Claim(
                    field.authserv_id,
                    field.instance,
                    _standing(field, border),
                    result.method,
                    domain,
                    result.result,
                    ours,
                    agrees,
                    reason,
                )
            )
            if len(claims) == MAX_CLAIMS:
                return tuple(claims)
    return tuple(claims)


def _standing(field: ResultsField, border: Hop | None) -> Standing:
    if field.instance is not None:
        return "hearsay"
    if field.place == 0:
        return "own"
    name = names.normalise(field.authserv_id)
    if border is None or name is None or field.place > border.index + 1:
        return "hearsay"
    by = names.normalise(border.by)
    same = by is not None and (name == by or (names.registrable(name) or name) == names.registrable(by))
    return "border" if same else "hearsay"


def _compared(
    field: ResultsField,
    result: MethodResult,
    signatures: Sequence[SignatureResult],
    verdict: Verdict | None,
    differing: bool,
) -> tuple[str, str, Reason] | None:
    """Domain, our word and why they differ; None for a method that we have nothing on."""
    if result.method == "dkim":
        return _dkim(result, signatures)
    if verdict is None:
        return None
    if result.method == "spf":
        return _spf(field, result, verdict)
    if result.method == "dmarc":
        return _dmarc(result, verdict, differing)
    return None


def _dkim(result: MethodResult, signatures: Sequence[SignatureResult]) -> tuple[str, str, Reason] | None:
    domain = result.get("header.d") or result.get("header.i").rpartition("@")[2]
    selector = result.get("header.s")
    facts: dict[str, object] = {"theirs": result.result, "domain": domain, "selector": selector}
    if result.result == "none" or not domain:
        return None
    own = [
        one
        for one in signatures
        if names.normalise(one.domain) == names.normalise(domain)
        and selector in ("", one.selector)
        and _same_value(result.get("header.b"), one)
    ]
    if not own:
        return domain, "", Reason("claim-signature-gone", facts)
    best = next((one for one in own if one.result == result.result), own[0])
    facts |= {"ours": best.result, "rule": best.reason.id}
    return domain, best.result, Reason(_dkim_reason(result.result, best), facts)


def _same_value(start: str, one: SignatureResult) -> bool:
    """RFC 6008: header.b= is the beginning of the signature itself."""
    if len(start) < 8 or one.signature is None:
        return True
    return _value_of(one).startswith(start)


def _value_of(one: SignatureResult) -> str:
    """b= without white space."""
    return "".join((one.signature.tags.get("b") or "").split()) if one.signature is not None else ""


def _dkim_reason(theirs: str, ours: SignatureResult) -> str:
    if theirs == ours.result:
        return "claim-agrees"
    if "temperror" in (theirs, ours.result):
        return "claim-dns-silent"
    if theirs == "pass":
        if ours.reason.id in KEY_GONE:
            return "claim-key-gone"
        return BY_REASON.get(ours.reason.id, "claim-other-rules")
    if ours.result == "pass":
        return "claim-key-since" if theirs in ("permerror", "fail", "neutral") else "claim-other-rules"
    return "claim-other-words"


KEY_GONE = frozenset(
    {"dkim-key-missing", "dkim-key-revoked", "dkim-signature-by-other-key", "dkim-key-other-type"}
)
BY_REASON = {
    "dkim-body-changed": "claim-changed-since",
    "dkim-header-changed": "claim-changed-since",
    "dkim-header-and-body-changed": "claim-changed-since",
    "dkim-expired": "claim-expired-since",
}


def _spf(field: ResultsField, result: MethodResult, verdict: Verdict) -> tuple[str, str, Reason]:
    path = result.get("smtp.mailfrom") or result.get("smtp.helo")
    domain = (path.rpartition("@")[2] or verdict.mail_from_domain).strip("<>")
    by_helo = not result.get("smtp.mailfrom") and bool(result.get("smtp.helo"))
    ours = verdict.spf_helo if by_helo else verdict.spf
    facts: dict[str, object] = {
        "theirs": result.result,
        "ours": ours.result,
        "domain": domain,
        "address": verdict.address,
        "their_address": field.client or "",
        "our_domain": ours.domain,
    }
    if not verdict.address:
        return domain, "", Reason("claim-address-not-known", facts)
    if result.result == ours.result:
        return domain, ours.result, Reason("claim-agrees", facts)
    if field.client and field.client != verdict.address:
        return domain, ours.result, Reason("claim-other-address", facts)
    if names.normalise(domain) != ours.domain:
        return domain, ours.result, Reason("claim-other-envelope", facts)
    if "temperror" in (result.result, ours.result):
        return domain, ours.result, Reason("claim-dns-silent", facts)
    return domain, ours.result, Reason("claim-record-since", facts)


def _dmarc(result: MethodResult, verdict: Verdict, differing: bool) -> tuple[str, str, Reason]:
    domain = result.get("header.from").rpartition("@")[2]
    ours = verdict.dmarc.result
    facts: dict[str, object] = {"theirs": result.result, "ours": ours, "domain": domain}
    word = {"bestguesspass": "none"}.get(result.result, result.result)  # Microsoft: there is no record
    if word == ours:
        id = "claim-agrees"
    elif word == verdict.dmarc_rfc7489.result:
        id = "claim-other-standard"
    elif not verdict.address and ours == "temperror":
        return domain, "", Reason("claim-address-not-known", facts)
    elif differing:
        id = "claim-follows"
    elif "temperror" in (word, ours):
        id = "claim-dns-silent"
    else:
        id = "claim-record-since"
    return domain, ours, Reason(id, facts)


# --- our own, as a field of the same kind ----------------------------------------------------------


def own_results(
    signatures: Sequence[SignatureResult], verdict: Verdict | None, author: str, reverse: str, chain: str
) -> tuple[MethodResult, ...]:
    """What a receiver with our findings would note (RFC 8601 2.7)."""
    return tuple(_own_results(signatures, verdict, author, reverse, chain))


def _own_results(
    signatures: Sequence[SignatureResult], verdict: Verdict | None, author: str, reverse: str, chain: str
) -> Iterator[MethodResult]:
    if verdict is not None and verdict.address:
        # RFC 8601 2.7.3: without a PTR record nothing could be evaluated
        state = {
            "confirmed": "pass", "missing": "permerror", "unconfirmed": "fail", "unknown": "temperror",
        }  # fmt: skip
        yield MethodResult("iprev", state[reverse], (("policy.iprev", verdict.address),), "")
        yield MethodResult("spf", verdict.spf.result, (("smtp.mailfrom", verdict.mail_from),), "")
    if not signatures:
        yield MethodResult("dkim", "none", (), "")
    for one in signatures:
        if one.signature is None:
            continue
        pairs = (
            ("header.d", one.domain[:255]),
            ("header.s", one.selector[:255]),
            ("header.a", one.algorithm[:50]),
            ("header.b", _value_of(one)[:8]),  # RFC 6008 3
        )
        yield MethodResult(
            "dkim",
            one.result,
            tuple(pair for pair in pairs if pair[1]),
            "" if one.result == "pass" else one.reason.id,
        )
    if verdict is not None:
        of = (("header.from", author),)
        if verdict.dmarc.result != "temperror" or verdict.address:
            yield MethodResult("dmarc", verdict.dmarc.result, of if author else (), "")
        if verdict.adsp.result not in ("none", "unknown"):
            yield MethodResult("dkim-adsp", verdict.adsp.result, of, "")
    if chain != "none":
        yield MethodResult("arc", "fail" if chain == "temperror" else chain, (), "")
