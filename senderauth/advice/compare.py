"""A simulated send beside what a bounce said: refused still, or not, and what differs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from senderauth.advice.action import Action, Remedy
from senderauth.advice.asked import BY_ADDRESS, BY_SPF, NAMES_ADDRESS, OTHERS
from senderauth.advice.judge import Report
from senderauth.advice.proof import Proof, lacking
from senderauth.advice.remedies import ADVISORS, remedies
from senderauth.advice.returned import simulation_of
from senderauth.advice.situation import STAND_IN_ADDRESS, STAND_IN_AUTHOR, Situation
from senderauth.catalogue import Bounce
from senderauth.simulation import Prediction, Receiver, Scenario, Simulation, Verdict, predict, receivers
from senderauth.values import Reason

if TYPE_CHECKING:
    from senderauth.advice.message import MessageReport


def compare(
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
        return replace(lacking(id, ("address",)), unknown=unknown)
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
    verdict = _verdict(found, prediction)
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
    if base.entry_id == "sender-verify-failed" and simulation.scenario.mail_from_address is not None:
        reason = Reason("explain-sender-server-knows", told)
        return replace(base, confirmation="cannot-be-checked", reason=reason)
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


def by_message(found: Proof, sound: Proof, message: MessageReport, bounce: Bounce) -> Proof:
    """The proof by the message itself, whose signatures are what they are. `sound`: the proof that takes
    them as valid. What brings a message back may cut or re-encode it, so a body that is not the one that
    was signed proves nothing, unless the bounce says that no signature passed.
    """
    signed = [
        f"{one.result.domain} ({one.result.selector}): {one.result.result}" for one in message.signatures
    ]
    told = {**found.reason.facts, "signatures": signed}
    report = replace(found, check=sound.check, message=message)
    if found.unknown:
        return report
    if found.confirmation == "confirmed":
        changed = any(one.result.body_ok is False for one in message.signatures)
        if changed and sound.confirmation != "confirmed" and bounce.fact("dkim_word") in ("", "pass"):
            reason = Reason("explain-returned-incomplete", told)
            return replace(report, confirmation="cannot-be-checked", reason=reason, remedies=())
        return replace(report, reason=Reason("explain-returned-refused", told))
    if found.confirmation == "not-reproduced":
        return replace(report, reason=Reason("explain-returned-passes", told))
    return report


def signature_broken_then(bounce: Bounce, case: Situation, sound: Proof, broken: Proof) -> Proof:
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
