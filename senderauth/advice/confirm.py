"""Proof of a bounce's cause: the send is simulated, and what refuses it compared with what was said.

Theory of operation. The receivers whose rules lead to the entry are asked with those rules alone, so
that an earlier rule does not hide the one that is in question: the provider's own policy where it is
known, else every policy that has such a rule. Without the address of the sending host a stand-in is
judged that no record permits: what does not refuse it refuses nobody, and a rule that asks nothing of
the address holds for every address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from senderauth import catalogue, names
from senderauth.advice.action import Action, Remedy
from senderauth.advice.judge import Report, check
from senderauth.advice.remedies import ADVISORS, remedies
from senderauth.advice.returned import came_back_whole, judge_returned, simulation_of
from senderauth.advice.situation import STAND_IN_ADDRESS, STAND_IN_AUTHOR, Situation, situation
from senderauth.catalogue import Bounce, Fact
from senderauth.dns import Resolver
from senderauth.simulation import (
    MailDomain,
    Prediction,
    Receiver,
    Rule,
    Scenario,
    Simulation,
    Verdict,
    choose,
    mail_domain,
    predict,
    receivers,
)
from senderauth.values import Reason

if TYPE_CHECKING:
    from senderauth.advice.message import MessageReport

Confirmation = Literal["confirmed", "not-reproduced", "cannot-be-checked"]


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether what a bounce says holds now, and why."""

    confirmation: Confirmation
    reason: Reason
    entry_id: str = ""
    """The entry that was checked."""
    step: Reason | None = None
    """What in SPF, DKIM, DMARC or ADSP refuses, or lets through."""
    assumed: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()
    check: Report | None = None
    """The simulation; None where the address is not known."""
    message: MessageReport | None = None
    """The returned message, where it came back with signatures and a body."""
    remedies: tuple[Remedy, ...] = ()
    unknown: bool = False
    """DNS would not tell."""


SPF = ("spf-failed-for", "spf-check-failed", "spf-hard-fail")
ALIKE = dict.fromkeys(SPF, SPF)
"""Entries that are one cause in different words."""

# Causes that no receiver's policy holds as a rule, but that the same facts decide.
OTHERS = Receiver(
    id="any",
    family="any",
    standard="rfc9989",
    role="receiver",
    evidence="standard",
    source="",
    read="",
    notes=(),
    rules=(
        Rule(
            "helo",
            {"helo": frozenset({"missing", "bare", "elsewhere"})},
            "refused",
            "helo-invalid",
            "",
            "",
            (),
        ),
        Rule("data", {"dmarc": frozenset({"fail"})}, "refused", "own-domain-spoofed", "", "", ()),
    ),
    optional=False,
    own_domains=frozenset(),
)

# What DNS says of the recipient's domain decides these.
RECIPIENT = {
    "recipient-null-mx": frozenset({"null-mx"}),
    "recipient-domain-unknown": frozenset({"missing", "none", "dead-mx"}),
    "recipient-server-unreachable": frozenset({"missing", "none", "dead-mx", "null-mx"}),
    "recipient-unknown": frozenset({"missing"}),
    "relay-denied": frozenset({"missing", "none", "dead-mx"}),
}

# Words of rules that the sending address decides by itself, and those that it decides through SPF.
BY_ADDRESS = frozenset({"reverse", "ip", "helo", "spf-helo"})
BY_SPF = frozenset({"spf", "authentication", "dmarc", "disposition"})
BY_AUTHOR = frozenset({"dmarc", "dmarc-policy", "disposition", "adsp", "author-signature", "author-domain"})
BY_PATH = BY_SPF | {"spf-record", "mail-from-domain"}
BY_LOGIN = frozenset({"login", "envelope"})
NAMES_ADDRESS = frozenset({"address", "host", "helo"})


def open_proof(reason: Reason, entry_id: str = "", *, unknown: bool = False) -> Proof:
    """A cause that cannot be checked from here."""
    return Proof("cannot-be-checked", reason, entry_id, unknown=unknown)


async def prove(
    bounce: Bounce,
    facts: tuple[Fact, ...],
    resolver: Resolver | None,
    wanted: Iterable[str],
    now: int | None,
) -> Proof:
    """Whether the likeliest reading of a bounce holds now; where DNS cannot say so, whether one does that
    the same words stand for.
    """
    first = bounce.matches[0]
    if not first.entry_id:
        return open_proof(Reason("explain-unknown-text"))
    proof = await _prove(first.entry_id, bounce, facts, resolver, list(wanted), now)
    if resolver is None or proof.reason.id not in ("explain-not-in-dns", "explain-only-hints"):
        return proof
    for id in dict.fromkeys((*first.may_mean, *(other.entry_id for other in bounce.matches[1:]))):
        if id != first.entry_id and id in ADVISORS:
            other = await _prove(id, bounce, facts, resolver, list(wanted), now)
            if other.confirmation == "confirmed":
                told = {**other.reason.facts, "said": first.entry_id}
                return replace(other, reason=Reason("explain-confirmed-other", told))
    return proof


async def _prove(
    id: str,
    bounce: Bounce,
    facts: tuple[Fact, ...],
    resolver: Resolver | None,
    wanted: list[str],
    now: int | None,
) -> Proof:
    if id in RECIPIENT:
        return await _recipient(id, bounce, facts, resolver)
    asked = relevant(id, provider_of_bounce(bounce), wanted)
    if not asked:
        return await _hints(id, bounce, facts, resolver, now)
    if resolver is None:
        return open_proof(Reason("explain-offline", {"entry": id}), id)
    needed = _needed(asked)
    case = _narrowed(situation(bounce, facts), needed)
    missing = tuple(sorted(case.missing))
    if set(missing) - {"address"}:
        return _missing(id, missing)
    report = await check(case.scenario, resolver, receivers=wanted, now=now)
    proof = _compare(id, asked, bounce, case, report, missing)
    if (
        case.scenario.signers
        and proof.check is not None
        and report.senders
        and came_back_whole(bounce.returned)
    ):
        address = report.senders[0].address
        message = await judge_returned(bounce.returned, case.scenario, address, resolver, wanted, now)
        return _by_message(_compare(id, asked, bounce, case, message, missing), message, report)
    if proof.confirmation == "not-reproduced" and case.scenario.signers:
        broken = _narrowed(situation(bounce, facts, with_signatures=False), needed)
        again = await check(broken.scenario, resolver, receivers=wanted, now=now)
        without = _compare(id, asked, bounce, broken, again, missing)
        if without.confirmation == "confirmed":
            return _broken_signature(bounce, case, proof, without)
    return proof


async def _hints(
    id: str, bounce: Bounce, facts: tuple[Fact, ...], resolver: Resolver | None, now: int | None
) -> Proof:
    """A cause that no check can prove; what checks say of the host and the domain may still help."""
    entry = catalogue.entry(id)
    told: dict[str, object] = {"entry": id, "who": list(entry.must_act), "checks": list(entry.checks)}
    if not entry.checks:
        return open_proof(Reason("explain-not-in-dns", told), id)
    proof = open_proof(Reason("explain-only-hints", told), id)
    case = situation(bounce, facts)
    if resolver is None or case.missing & {"address", "author"}:
        return proof
    report = await check(case.scenario, resolver, now=now)
    if not report.verdicts:
        return proof
    verdict = report.verdicts[0]
    told |= {
        "address": verdict.address,
        "spf": verdict.spf.result,
        "dmarc": verdict.dmarc.result,
        "reverse": report.senders[0].reverse.state,
    }
    return replace(proof, reason=Reason("explain-hints", told), check=report, assumed=case.assumed)


def provider_of_bounce(bounce: Bounce) -> str:
    """The provider that refused, else the one whose own words were found; empty: not known."""
    said = catalogue.messages().get(bounce.matches[0].id)
    return bounce.provider or (said.provider if said is not None else "")


def relevant(id: str, provider: str, wanted: Iterable[str]) -> tuple[Receiver, ...]:
    """Policies reduced to the rules that lead to the entry, or one of the same cause: of the receivers
    wanted, else of the provider, else of all.
    """
    ids = ALIKE.get(id, (id,))

    def reduced(listed: Iterable[Receiver]) -> tuple[Receiver, ...]:
        found = (
            replace(r, rules=tuple(x for x in r.rules if x.entry in ids), optional=False) for r in listed
        )
        return tuple(r for r in found if r.rules)

    known = (*receivers().values(), OTHERS)
    chosen = reduced(choose(wanted)) if wanted else ()
    return chosen or reduced(r for r in known if provider in (r.id, r.family)) or reduced(known)


def _needed(asked: Iterable[Receiver]) -> set[str]:
    words = {word for receiver in asked for rule in receiver.rules for word in rule.when}
    groups = {"address": BY_ADDRESS | BY_SPF, "author": BY_AUTHOR, "mail_from": BY_PATH, "login": BY_LOGIN}
    return {fact for fact, group in groups.items() if words & group}


def _narrowed(case: Situation, needed: set[str]) -> Situation:
    """The situation with only those doubts that matter."""
    assumed = tuple(fact for fact in case.assumed if fact.name in needed)
    return replace(case, assumed=assumed, missing=case.missing & needed)


def _missing(id: str, missing: tuple[str, ...]) -> Proof:
    reason = Reason("explain-facts-missing", {"entry": id, "missing": list(missing)})
    return replace(open_proof(reason, id), missing=missing)


def _compare(
    id: str,
    asked: tuple[Receiver, ...],
    bounce: Bounce,
    case: Situation,
    report: Report | MessageReport,
    missing: tuple[str, ...],
) -> Proof:
    """What the simulation says of the entry."""
    simulation = simulation_of(report)
    predictions = predict(simulation, asked) if simulation is not None else ()
    refusing = [p for p in predictions if p.outcome in ("refused", "deferred")]
    supposed = case.scenario.hosts == (STAND_IN_ADDRESS,) or case.scenario.author == STAND_IN_AUTHOR
    base = Proof(
        "not-reproduced",
        Reason("explain-nothing-refuses"),
        id,
        assumed=case.assumed,
        missing=missing,
        check=report if isinstance(report, Report) and not supposed else None,
    )
    if simulation is None or not predictions:  # the host's name has no address (now)
        unknown = any(host.state == "unknown" for host in report.hosts)
        return replace(_missing(id, ("address",)), unknown=unknown)
    if refusing:
        return _refused(base, simulation, refusing, asked, bounce)
    if any(p.outcome == "unknown" for p in predictions):
        reason = Reason("explain-dns-unknown", _told(base, simulation, predictions[0]))
        return replace(base, confirmation="cannot-be-checked", reason=reason, unknown=True)
    return _not_refused(base, simulation, predictions, asked)


def _refused(
    base: Proof,
    simulation: Simulation,
    refusing: list[Prediction],
    asked: tuple[Receiver, ...],
    bounce: Bounce,
) -> Proof:
    first = refusing[0]
    verdict = _verdict(simulation, first)
    told = _told(base, simulation, first) | {"receivers": list(dict.fromkeys(p.receiver for p in refusing))}
    if "address" in base.missing and not _any_address(simulation, verdict, first):
        open_reason = Reason("explain-address-decides", told)
        return replace(base, confirmation="cannot-be-checked", reason=open_reason)
    later = [r for r in asked if r.id in {p.receiver for p in refusing}]
    standards = {r.standard for r in later}
    by_dmarc = {"dmarc", "disposition", "dmarc-policy"} & set(first.reason.facts)
    if (
        not bounce.provider
        and by_dmarc
        and standards == {"rfc7489"}
        and not _under("rfc9989", simulation, asked)
    ):
        return replace(base, reason=Reason("explain-only-rfc7489", told), step=verdict.dmarc_rfc7489.reason)
    return replace(
        base,
        confirmation="confirmed",
        reason=_confirming(simulation.scenario, refusing, told),
        step=_step(verdict, first),
        remedies=_remedies(base.entry_id, simulation, refusing),
        unknown=first.for_now,
    )


def _confirming(scenario: Scenario, refusing: list[Prediction], told: dict[str, object]) -> Reason:
    """Why it is confirmed, in terms of what is known: with a stand-in for an address, of every address."""
    any_address = scenario.hosts == (STAND_IN_ADDRESS,)
    unsigned = scenario.signers is None and all(p.signing == "unsigned" for p in refusing)
    if refusing[0].for_now:
        return Reason("explain-confirmed-dns-trouble", told)
    if refusing[0].receiver == OTHERS.id:
        return Reason("explain-confirmed-as-said", told)
    if scenario.author == STAND_IN_AUTHOR:
        return Reason("explain-confirmed-address", told)
    if any_address:
        return Reason("explain-any-address-unsigned" if unsigned else "explain-any-address", told)
    return Reason("explain-confirmed-unsigned" if unsigned else "explain-confirmed", told)


def _remedies(id: str, simulation: Simulation, refusing: Iterable[Prediction]) -> tuple[Remedy, ...]:
    """What cures this refusal; where the address is a stand-in, only what does not speak of it."""
    advised = [replace(p, entry_id=id) for p in refusing if id in ADVISORS]
    if simulation.scenario.hosts != (STAND_IN_ADDRESS,):
        return remedies(simulation, advised)
    free = [p for p in advised if not set(p.reason.facts) & (BY_ADDRESS | BY_SPF)]
    return tuple(
        replace(remedy, addresses=(), facts={k: v for k, v in remedy.facts.items() if k not in NAMES_ADDRESS})
        for remedy in remedies(simulation, free)
    )


def _under(
    standard: Literal["rfc9989", "rfc7489"], simulation: Simulation, asked: Iterable[Receiver]
) -> bool:
    """Whether any of the receivers would refuse if it found the policy as this standard says."""
    found = predict(simulation, (replace(receiver, standard=standard) for receiver in asked))
    return any(p.outcome in ("refused", "deferred") for p in found)


def _verdict(simulation: Simulation, prediction: Prediction) -> Verdict:
    key = (prediction.host, prediction.address, prediction.signing)
    return next(v for v in simulation.verdicts if (v.host, v.address, v.signing) == key)


def _any_address(simulation: Simulation, verdict: Verdict, prediction: Prediction) -> bool:
    """Whether the rule would hold for every address, not only for the stand-in."""
    asked = set(prediction.reason.facts)
    if asked & BY_ADDRESS:
        return False
    if not asked & BY_SPF:
        return True
    survey = next((s for s in simulation.surveys if s.domain == verdict.mail_from_domain), None)
    if survey is None or survey.record is None:
        return verdict.spf.result == "none"
    return survey.sends_nothing or verdict.spf.result == "permerror"


def _step(verdict: Verdict, prediction: Prediction) -> Reason | None:
    """The reason of the check that the rule asks for first."""
    asked = prediction.reason.facts
    if {"dmarc", "disposition"} & set(asked):
        standard = receivers()[prediction.receiver].standard if prediction.receiver in receivers() else ""
        return (verdict.dmarc_rfc7489 if standard == "rfc7489" else verdict.dmarc).reason
    if "adsp" in asked or "author-signature" in asked:
        return verdict.adsp.reason
    if {"spf", "authentication", "spf-record"} & set(asked):
        return verdict.spf.reason
    if "spf-helo" in asked:
        return verdict.spf_helo.reason
    if "dkim" in asked and verdict.dkim:
        return verdict.dkim[0].reason
    return None


def _told(base: Proof, found: Simulation, prediction: Prediction) -> dict[str, object]:
    """The facts that every sentence about a comparison may use."""
    verdict = next(
        v
        for v in found.verdicts
        if (v.host, v.address, v.signing) == (prediction.host, prediction.address, prediction.signing)
    )
    policy = found.policies["rfc9989"].policy
    reverse = next((s.reverse.state for s in found.senders if s.address == prediction.address), "")
    return {
        "entry": base.entry_id,
        "address": "" if prediction.address == STAND_IN_ADDRESS else prediction.address,
        "author_domain": found.scenario.author_address.domain,
        "mail_from_domain": verdict.mail_from_domain,
        "spf": verdict.spf.result,
        "dmarc": verdict.dmarc.result,
        "policy": policy or "none",
        "reverse": reverse,
        "assumed": [fact.name for fact in base.assumed],
        "code": prediction.code,
        "text": prediction.text,
    }


def _not_refused(
    base: Proof, simulation: Simulation, predictions: tuple[Prediction, ...], asked: tuple[Receiver, ...]
) -> Proof:
    """What differs from when the bounce was written."""
    first = next((p for p in predictions if p.outcome == "marked"), predictions[0])
    verdict = _verdict(simulation, first)
    told = _told(base, simulation, first)
    words = {word for receiver in asked for rule in receiver.rules for word in rule.when}
    step = verdict.dmarc.reason if {"dmarc", "disposition"} & words else verdict.spf.reason
    if not words & BY_SPF:
        return replace(base, reason=Reason("explain-nothing-refuses", told))
    if "disposition" in words and _under("rfc7489", simulation, asked):
        return replace(base, reason=Reason("explain-only-rfc7489", told), step=verdict.dmarc_rfc7489.reason)
    if "disposition" in words and all(v.dmarc.result == "fail" for v in simulation.verdicts[:1]):
        return replace(base, reason=Reason("explain-policy-weaker", told), step=step)
    if "disposition" in words and simulation.policies["rfc9989"].policy is None:
        return replace(base, reason=Reason("explain-policy-gone", told), step=step)
    if "address" in base.missing or not base.assumed:
        return replace(base, reason=Reason("explain-fixed-meanwhile", told), step=step)
    return replace(base, reason=Reason("explain-not-with-assumed", told), step=step)


def _by_message(proof: Proof, message: MessageReport, report: Report) -> Proof:
    """The proof by the message itself, whose signatures are what they are."""
    signed = [
        f"{one.result.domain} ({one.result.selector}): {one.result.result}" for one in message.signatures
    ]
    ids = {"confirmed": "explain-returned-refused", "not-reproduced": "explain-returned-passes"}
    reason = proof.reason
    if proof.confirmation in ids and not proof.unknown:
        reason = Reason(ids[proof.confirmation], {**reason.facts, "signatures": signed})
    return replace(proof, reason=reason, check=report, message=message)


def _broken_signature(bounce: Bounce, case: Situation, sound: Proof, broken: Proof) -> Proof:
    """Sound signatures would have carried the mail; without them it is refused."""
    signers = [domain for domain, _ in case.scenario.signers or ()]
    told = {**broken.reason.facts, "signers": signers}
    if bounce.fact("dkim_word") in ("", "pass"):
        return replace(sound, reason=Reason("explain-signature-broken-then", told))
    mended = tuple(replace(r, actions=_for_broken(r.actions, case)) for r in broken.remedies)
    return replace(broken, reason=Reason("explain-confirmed-broken-signature", told), remedies=mended)


def _for_broken(actions: Iterable[Action], case: Situation) -> tuple[Action, ...]:
    """Who signs already need not be told to sign, but that the signature does not arrive whole."""
    domain, selector = (case.scenario.signers or (("", None),))[0]
    whole = Action("find-what-changes-mail", "mail-admin", {"domain": domain, "selector": selector or "?"})
    return (
        whole,
        *(a for a in actions if a.id not in ("sign-with-dkim", "sign-as-author-domain", "nearer-way")),
    )


async def _recipient(id: str, bounce: Bounce, facts: tuple[Fact, ...], resolver: Resolver | None) -> Proof:
    """What DNS says of the recipient's domain, which is all that can be seen from here."""
    address = next((f.value for f in facts if f.name == "recipient"), bounce.recipient)
    stated = next((f.value for f in facts if f.name == "recipient_domain"), "")
    domain = stated or names.hostname(address.rpartition("@")[2]) or ""
    if resolver is None:
        if id == "recipient-unknown":
            return open_proof(Reason("explain-recipient-server-knows", {"entry": id, "domain": domain}), id)
        return open_proof(Reason("explain-offline", {"entry": id}), id)
    if not domain:
        return _missing(id, ("recipient",))
    found = await mail_domain(resolver, domain, "recipient")
    told: dict[str, object] = {
        "entry": id,
        "domain": domain,
        "state": found.state,
        "exchanges": list(found.exchanges),
        "host": bounce.refusing_host,
    }
    if found.state == "unknown":
        return open_proof(Reason("explain-dns-unknown", told), id, unknown=True)
    if found.state in RECIPIENT[id]:
        null = found.state == "null-mx"
        return Proof(
            "confirmed", Reason("explain-recipient-null-mx" if null else "explain-recipient-dead", told), id
        )
    if id == "relay-denied" and bounce.refusing_host and not _serves(found, bounce.refusing_host):
        return Proof("confirmed", Reason("explain-recipient-not-served", told), id)
    if id in ("recipient-null-mx", "recipient-domain-unknown"):
        return Proof("not-reproduced", Reason("explain-recipient-fine", told), id)
    return open_proof(Reason("explain-recipient-server-knows", told), id)


def _serves(domain: MailDomain, host: str) -> bool:
    """Whether the host is an exchange of the domain, or of the same owner as one."""
    exchanges = domain.exchanges or (domain.domain,)
    owners = {names.registrable(name) for name in exchanges}
    return host in exchanges or names.registrable(host) in owners
