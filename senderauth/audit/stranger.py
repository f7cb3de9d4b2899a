"""Could a stranger send mail in the domain's name? The same receivers' rules as in `check`.

Theory of operation. A stranger has a host with everything in order (reverse name, HELO, an IPv4 address
that the SPF record does not authorise) and sends unsigned mail with the domain in From. He may forge MAIL
FROM as well, or use a domain of his own there, for which SPF passes. What a receiver makes of either
follows from a few words (`simulation.FACTS`), and those from the survey of the record and the policies;
so no evaluation is run twice, and the few combinations there are, are remembered. A test runs the whole
simulation on generated zones and compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address

from senderauth import adsp, dmarc, spf
from senderauth.audit.row import Spoofable, Spoofing
from senderauth.dns import Resolver
from senderauth.simulation import Outcome, Receiver, answer, receivers
from senderauth.values import Reason

STRANGER = "240.0.0.1"
"""Reserved for ever (RFC 1112 4): hardly a record authorises it."""
NUMBER = int(ip_address(STRANGER))
HOST = "stranger.invalid"


def address_of_stranger(survey: spf.Outline) -> str | None:
    """An IPv4 address that the record does not authorise; None where it authorises all."""
    passed = survey.passes[4]
    if NUMBER not in passed:
        return STRANGER
    free = spf.Ranges(((0, 2**32 - 1),)) - passed
    return str(ip_address(free.spans[0][0])) if free else None


async def spf_of_stranger(resolver: Resolver, survey: spf.Outline, address: str | None) -> str:
    """SPF's result for the stranger who forges MAIL FROM: read off the survey where nothing is wrong with
    the record and nothing in it needs the client, else evaluated.
    """
    if survey.state == "absent":
        return "none"
    sound = not survey.unevaluated and not survey.cut and survey.tree.voids4 <= spf.MAX_VOIDS
    if sound and survey.lookups <= spf.MAX_TERMS and spf.is_sound(survey.tree, survey.used):
        number = NUMBER if address in (None, STRANGER) else int(ip_address(address))
        return RESULTS[spf.qualifier(survey.tree, number, survey.used)]
    domain = survey.domain
    result = await spf.check_host(resolver, address or STRANGER, domain, f"postmaster@{domain}", HOST)
    return result.result


RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}  # RFC 7208 4.6.2


def spoofing(
    survey: spf.Outline,
    address: str | None,
    by_spf: str,
    policies: Mapping[str, dmarc.Policy],
    practice: adsp.Verdict,
    mx: str,
) -> Spoofing:
    """What becomes of the stranger's mail."""
    record = "absent" if survey.record is None else "sends-nothing" if survey.sends_nothing else "other"
    if record == "absent" and by_spf != "none":
        record = "other"
    newer, older = policies["rfc9989"], policies["rfc7489"]
    words = dmarc_words(newer, by_spf), dmarc_words(older, by_spf)
    own = words
    if by_spf in ("pass", "temperror"):  # else it makes no difference whose MAIL FROM it is
        own = dmarc_words(newer, ""), dmarc_words(older, "")
    found, forged, by_own = judged_twice(by_spf, record, words, own, practice.result, mx)
    return Spoofing(found, _reason(found, by_spf, policies, practice), address, by_spf, forged, by_own)


def dmarc_words(policy: dmarc.Policy, by_spf: str) -> tuple[str, str, str]:
    """DMARC's result, disposition and policy for the stranger; by_spf: SPF's result for the domain itself,
    empty where it was another domain's. As `dmarc.evaluate` says it of an unsigned mail.
    """
    if policy.unknown:
        return "temperror", "unknown", "unknown"
    if policy.record is None or policy.policy is None:
        return "none", "none", "absent"
    if by_spf == "pass":  # of the author domain itself: aligned
        return "pass", "none", policy.policy
    if by_spf == "temperror":
        return "temperror", "unknown", policy.policy
    if policy.sampled and policy.record.pct == 0:
        return "fail", LOWER[policy.policy], policy.policy
    return "fail", policy.policy, policy.policy


LOWER = {"reject": "quarantine", "quarantine": "none", "none": "none"}  # RFC 7489 6.6.4


Words = tuple[tuple[str, str, str], ...]


@lru_cache(maxsize=4_096)
def judged_twice(
    by_spf: str, record: str, words: Words, own: Words, practice: str, mx: str
) -> tuple[Spoofable, Mapping[str, Outcome], Mapping[str, Outcome]]:
    """The answer, and what each receiver says to MAIL FROM forged, and to one of the stranger's own."""
    forged = outcomes(by_spf, record, words, practice, mx, mx)
    by_own = outcomes("pass", "other", own, practice, "mx", mx)
    is_open = "temperror" in (by_spf, practice, *(word[0] for word in own)) or mx == "unknown"
    return answer_of(forged, by_own, is_open), forged, by_own


def outcomes(
    by_spf: str,
    record: str,
    words: Words,
    practice: str,
    mail_from: str,
    author: str,
) -> Mapping[str, Outcome]:
    """What each receiver that everybody meets would answer, by id."""
    facts = {
        "spf": by_spf,
        "spf-helo": "pass",
        "spf-record": record,
        "dkim": "none",
        "authentication": "pass" if by_spf == "pass" else "unknown" if by_spf == "temperror" else "fail",
        "adsp": practice,
        "author-signature": "no",
        "reverse": "confirmed",
        "ip": "4",
        "mail-from-domain": mail_from,
        "author-domain": author,
        "helo": "matches",
        "login": "none",
        "envelope": "other",
    }
    found: dict[str, Outcome] = {}
    for receiver in judged():
        result, disposition, policy = words[receiver.standard == "rfc7489"]
        facts |= {"dmarc": result, "disposition": disposition, "dmarc-policy": policy}
        found[receiver.id] = answer(receiver, facts).outcome
    return found


@lru_cache(maxsize=1)
def judged() -> tuple[Receiver, ...]:
    """The receivers that everybody meets."""
    return tuple(r for r in receivers().values() if r.role == "receiver" and not r.optional)


@lru_cache(maxsize=1)
def judging_authors() -> tuple[str, ...]:
    """Those among them that refuse for DMARC: who looks at SPF alone is content with the stranger's own
    MAIL FROM, and who follows RFC 9989 to the letter (7.4) refuses nothing for DMARC alone.
    """
    return tuple(
        r.id for r in judged() if any("dmarc" in rule.when and rule.outcome == "refused" for rule in r.rules)
    )


def answer_of(forged: Mapping[str, Outcome], own: Mapping[str, Outcome], is_open: bool) -> Spoofable:
    """See `Spoofing.answer`; a stranger chooses the envelope that serves him better. A deferral is as good
    as a refusal, unless it is DNS trouble that brings it (is_open).
    """
    best = {min((forged[id], own[id]), key=ORDER.index) for id in judging_authors()}
    stopped = {"refused"} if is_open else {"refused", "deferred"}
    if best <= stopped:
        return "no"
    if best == {"accepted"}:
        return "yes"
    return "partly" if best <= {"accepted", "marked"} | stopped else "unknown"


ORDER: tuple[Outcome, ...] = ("accepted", "marked", "unknown", "deferred", "refused")


def _reason(
    found: Spoofable, by_spf: str, policies: Mapping[str, dmarc.Policy], practice: adsp.Verdict
) -> Reason:
    """What decides it."""
    policy, older = policies["rfc9989"], policies["rfc7489"]
    facts: dict[str, object] = {
        "domain": policy.domain,
        "policy": policy.policy or "",
        "policy_rfc7489": older.policy or "",
        "location": policy.location or older.location or "",
    }
    if found == "unknown":
        return Reason("spoofing-unknown", facts)
    if by_spf == "pass" and found != "no":
        return Reason("spoofing-spf-passes-all", facts)
    if policy.policy != older.policy:
        return Reason("spoofing-standards-differ", facts)
    if policy.policy is None:
        if found == "partly":
            return Reason("spoofing-adsp", facts | {"practice": practice.practice or ""})
        return Reason("spoofing-without-policy", facts | {"cause": policy.reason.id})
    if found == "partly" and policy.policy == "none":
        return Reason("spoofing-adsp", facts | {"practice": practice.practice or ""})
    if older.sampled and older.record is not None and policy.policy != "none":
        return Reason("spoofing-policy-sampled", facts | {"pct": older.record.pct})
    if policy.policy == "reject":
        return Reason("spoofing-policy-reject", facts)
    if policy.policy == "quarantine":
        return Reason("spoofing-policy-quarantine", facts)
    return Reason("spoofing-policy-none", facts)
