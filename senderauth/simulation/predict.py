"""From verdicts to what each receiver would answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from senderauth import catalogue, dmarc, names
from senderauth.simulation.host import Sender
from senderauth.simulation.receiver import OPEN, Outcome, Receiver, answer
from senderauth.simulation.scenario import Scenario
from senderauth.simulation.signer import Signature
from senderauth.simulation.simulate import Signing, Simulation, Verdict
from senderauth.values import Reason, fill


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one receiver would answer to the send from one address with one signing."""

    receiver: str
    host: str
    address: str
    signing: Signing
    outcome: Outcome
    """"accepted": nothing in the authentication makes it refuse. Content and reputation are not judged."""
    stage: str
    code: str
    """Reply code and enhanced status code, e.g. "550 5.7.26"; empty where nothing is sent back."""
    text: str
    """The receiver's words with the facts filled in."""
    entry_id: str
    """The catalogue's entry: cause and remedy."""
    message_id: str
    """The catalogue's message, where the words are those of a receiver or program."""
    reason: Reason
    notes: tuple[str, ...]
    for_now: bool
    """It is what DNS would not tell that decided: asked again, the answer may be another."""
    optional: bool
    """The receiver is one that not everybody meets (bulk senders, stricter than most)."""


def predict(simulation: Simulation, receivers: Iterable[Receiver]) -> tuple[Prediction, ...]:
    """Asks every receiver's policy about every verdict. Submission servers only where a login is known."""
    senders = {(sender.host, sender.address): sender for sender in simulation.senders}
    chosen = [r for r in receivers if r.role == "receiver" or simulation.scenario.login is not None]
    return tuple(
        _prediction(simulation, senders[verdict.host, verdict.address], verdict, receiver)
        for verdict in simulation.verdicts
        for receiver in chosen
    )


def _prediction(simulation: Simulation, sender: Sender, verdict: Verdict, receiver: Receiver) -> Prediction:
    facts = facts_of(simulation, sender, verdict, receiver)
    answered = answer(receiver, facts)
    rule = answered.rule
    code = text = entry = message = stage = ""
    notes = receiver.notes
    if rule is not None:
        stage, entry, message = rule.stage, rule.entry, rule.message
        notes = tuple(dict.fromkeys((*receiver.notes, *rule.notes)))
        if message and answered.outcome in ("refused", "deferred"):
            said = catalogue.message(message)
            code = rule.code or said.reply
            text = fill(said.template, case_facts(simulation, sender, verdict))
    return Prediction(
        receiver.id,
        sender.host,
        sender.address,
        verdict.signing,
        answered.outcome,
        stage,
        code,
        text,
        entry,
        message,
        answered.reason,
        notes,
        any(facts[fact] in OPEN[fact] for fact in rule.when) if rule else False,
        receiver.optional,
    )


def facts_of(simulation: Simulation, sender: Sender, verdict: Verdict, receiver: Receiver) -> dict[str, str]:
    """The words that rules ask for (see `receiver.FACTS`)."""
    judged = verdict.dmarc if receiver.standard == "rfc9989" else verdict.dmarc_rfc7489
    policy = simulation.policies[receiver.standard]
    domains = {domain.domain: domain.state for domain in simulation.domains}
    path = simulation.scenario.mail_from_address
    signed = dkim_word(verdict.dkim)
    known = bool(sender.address)
    by_spf = verdict.spf.result if known else "unknown"
    return {
        "spf": by_spf,
        "spf-helo": verdict.spf_helo.result if known else "unknown",
        "spf-record": _record_word(simulation, verdict),
        "dkim": signed,
        "authentication": _authentication_word(by_spf, signed),
        "dmarc": "unknown" if judged.result == "temperror" and not known else judged.result,
        "dmarc-policy": _policy_word(policy),
        "disposition": "unknown" if judged.result == "temperror" else judged.disposition,
        "adsp": verdict.adsp.result,
        "author-signature": _author_signature(simulation.scenario, verdict.dkim),
        "reverse": sender.reverse.state,
        "ip": str(ip_address(sender.address).version) if known else "unknown",
        "mail-from-domain": domains[path.domain] if path else "null-path",
        "author-domain": domains[simulation.scenario.author_address.domain],
        "helo": sender.helo_state,
        "login": login_word(simulation.scenario),
        "envelope": _envelope_word(simulation.scenario, receiver),
    }


def dkim_word(signatures: tuple[Signature, ...]) -> str:
    """One word for all signatures: a pass outweighs all, then DNS that would not tell, then the rest."""
    results = {signature.result for signature in signatures}
    for word in ("pass", "temperror", "policy", "permerror", "fail"):
        if word in results:
            return word
    return "none"


def _authentication_word(by_spf: str, signed: str) -> str:
    if "pass" in (by_spf, signed):
        return "pass"
    return "unknown" if "temperror" in (by_spf, signed) or by_spf == "unknown" else "fail"


def _record_word(simulation: Simulation, verdict: Verdict) -> str:
    domain = verdict.mail_from_domain
    survey = next((s for s in simulation.surveys if s.domain == domain), None)
    if survey is None or survey.record is None:
        return "absent" if verdict.spf.result == "none" and verdict.address else "other"
    return "sends-nothing" if survey.sends_nothing else "other"


def _policy_word(policy: dmarc.Policy) -> str:
    if policy.unknown:
        return "unknown"
    return policy.policy or "absent"


def _author_signature(scenario: Scenario, signatures: tuple[Signature, ...]) -> str:
    """RFC 5617 2.7: a valid signature by exactly the author domain."""
    own = {s.result for s in signatures if s.domain == scenario.author_address.domain}
    if "pass" in own:
        return "yes"
    return "unknown" if "temperror" in own else "no"


def login_word(scenario: Scenario) -> str:
    """How the sender's addresses relate to the login at the submission server."""
    login = scenario.login_address
    if login is None:
        return "none"
    used = [address for address in (scenario.author_address, scenario.mail_from_address) if address]
    if any(address.domain != login.domain for address in used):
        return "foreign"
    return "own" if all(address.local in ("", login.local) for address in used) else "same-domain"


def _envelope_word(scenario: Scenario, receiver: Receiver) -> str:
    path = scenario.mail_from_address
    own = path is not None and any(names.is_below(path.domain, domain) for domain in receiver.own_domains)
    return "provider" if own else "other"


def case_facts(simulation: Simulation, sender: Sender, verdict: Verdict) -> Mapping[str, object]:
    """The facts of this case under the names that texts of the catalogue use."""
    scenario = simulation.scenario
    author, path = scenario.author_address, scenario.mail_from_address
    spf_domain = verdict.mail_from_domain
    survey = next((s for s in simulation.surveys if s.domain == spf_domain), None)
    policy = simulation.policies["rfc9989"]
    shown = {"pass": "Pass", "none": "None"}
    facts: dict[str, object] = {
        "author_domain": author.domain,
        "author": str(author),
        "mail_from": str(path) if path else verdict.mail_from,
        "mail_from_domain": spf_domain,
        "helo": sender.helo or f"[{sender.address}]",
        "host": sender.host,
        "address": sender.address,
        "login": scenario.login or "",
        "adsp_location": f"_adsp._domainkey.{author.domain}",
        "dmarc_location": policy.location or f"_dmarc.{author.domain}",
        "spf_location": spf_domain,
        "spf_word": shown.get(verdict.spf.result, "Fail"),
        "dkim_word": shown.get(dkim_word(verdict.dkim), "Fail"),
        "dmarc_word": shown.get(verdict.dmarc.result, "Fail"),
        "recipient": "recipient",
    }
    if survey is not None and survey.record is not None:
        facts["spf_record"] = survey.record
    if verdict.spf.mechanism:
        facts["spf_term"] = verdict.spf.mechanism
    if policy.policy:
        facts["policy"] = policy.policy
    if policy.record is not None:
        facts["dmarc_record"] = str(policy.record)
    if verdict.dkim:
        facts["dkim_domain"] = verdict.dkim[0].domain
        facts["dkim_selector"] = verdict.dkim[0].selector or "?"
    return facts
