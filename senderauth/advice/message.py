"""`verify_message`: a message in; signatures, what broke them, and what receivers would answer out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from senderauth import arc, catalogue, dkim, dmarc, names, spf
from senderauth.advice.action import Action, Remedy
from senderauth.advice.claims import Claim, compare, own_results
from senderauth.advice.judge import exit_code, outcome
from senderauth.advice.remedies import remedies
from senderauth.advice.ways import Way, ways
from senderauth.dkim import Diagnosis, Opinion, SignatureResult
from senderauth.dns import CachingResolver, Question, Resolver, together
from senderauth.message import Envelope, MessageFacts, MethodResult, Trusted, read_message
from senderauth.simulation import (
    Host,
    MailDomain,
    Outcome,
    Prediction,
    Receiver,
    Scenario,
    ScenarioError,
    Sender,
    Signature,
    Simulation,
    Verdict,
    choose,
    predict,
    simulate,
)
from senderauth.values import Finding, Severity

DIAGNOSED = 8
"""Signatures of one message whose failure is searched for its cause."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One signature, and what there is to say beyond its verdict."""

    result: SignatureResult
    aligned: Literal["yes", "no", "unknown"]
    """Whether its domain is aligned with the author domain, under both standards of DMARC, pass or not."""
    on_date: str | None
    """Where x= is past: the result at the time of the Date field."""
    diagnosis: Diagnosis | None
    """Where header or body were changed: what broke it."""
    opinion: Opinion | None
    """dkimpy's, where it was asked for."""


MAX_EARLIER = 4


@dataclass(frozen=True, slots=True)
class MessageReport:
    """All that `verify_message` found out about one message."""

    schema: ClassVar[str] = "senderauth/message/1"
    facts: MessageFacts
    judged_at: int | None
    """Seconds since 1970."""
    signatures: tuple[Examined, ...]
    arc: arc.ChainResult
    claims: tuple[Claim, ...]
    """What other receivers noted in the message, beside ours."""
    scenario: Scenario | None
    """The send as it was judged; None where there is no author domain."""
    hosts: tuple[Host, ...]
    senders: tuple[Sender, ...]
    domains: tuple[MailDomain, ...]
    surveys: tuple[spf.Survey, ...]
    policies: Mapping[str, dmarc.Policy]
    verdicts: tuple[Verdict, ...]
    predictions: tuple[Prediction, ...]
    findings: tuple[Finding, ...]
    remedies: tuple[Remedy, ...]
    ways: tuple[Way, ...]
    """Where DMARC does not pass: by SPF and by DKIM, the nearer first."""

    @property
    def outcome(self) -> Outcome:
        """The worst that any receiver would answer; see `check`'s report."""
        return outcome(self.predictions, self.hosts)

    def exit_code(self, fail_on: Severity | None = None) -> int:
        """0, 1, 2 or 3; see `check`'s report."""
        return exit_code(self.predictions, self.hosts, self.findings, fail_on)

    @property
    def found_signatures(self) -> tuple[dkim.SignatureResult, ...]:
        """What each signature came to."""
        return tuple(one.result for one in self.signatures)

    @property
    def earlier_addresses(self) -> tuple[str, ...]:
        """Clients before the one that delivered it, by the Received fields below, which anybody may write."""
        hop = self.facts.envelope.hop
        older = [
            one.address for one in self.facts.hops if one.address and hop is not None and one.index > hop
        ]
        return tuple(dict.fromkeys(older))[:MAX_EARLIER]

    @property
    def spf(self) -> spf.Result | None:
        """For MAIL FROM; None where it could not be judged."""
        return self.verdicts[0].spf if self.verdicts and self.verdicts[0].address else None

    @property
    def dmarc(self) -> dmarc.Verdict | None:
        """Under RFC 9989."""
        return self.verdicts[0].dmarc if self.verdicts else None

    @property
    def authentication_results(self) -> tuple[MethodResult, ...]:
        """What a receiver with these findings would note (RFC 8601 2.7)."""
        return own_results(
            [one.result for one in self.signatures],
            self.verdicts[0] if self.verdicts else None,
            self.facts.author.domain or "",
            self.senders[0].reverse.state if self.senders else "unknown",
            self.arc.result,
        )


async def verify_message(
    message: bytes,
    resolver: Resolver,
    *,
    ip: str | None = None,
    mail_from: str | None = None,
    helo: str | None = None,
    trusted: Iterable[str] = (),
    now: float | None = None,
    receivers: Iterable[str] | None = None,
    with_second_opinion: bool = False,
    with_diagnosis: bool = True,
) -> MessageReport:
    """Judges one message as a careful receiver would, and says what broke its signatures.

    ip, mail_from ("" or "<>": the null reverse-path), helo: what is known of the delivery; what is not given
    is read from Return-Path and the newest Received that no trusted host wrote, and the report says so.
    trusted: networks and host names of one's own relays. now: seconds since 1970 at which it is judged;
    without it no expiry is. with_second_opinion: let dkimpy judge the signatures, too. with_diagnosis:
    search for what broke a signature. Raises ScenarioError or ValueError for what the caller gave; nothing
    in the message raises.
    """
    octets: object = message
    if isinstance(octets, str):
        raise TypeError("a message is bytes, as they came, not str")
    wanted = list(receivers or ())
    chosen = choose(wanted)
    if wanted:
        chosen = tuple(replace(receiver, optional=False) for receiver in chosen)
    _check_given(ip, mail_from, helo)
    own = Trusted.parse(trusted)
    facts = read_message(message, ip=ip, mail_from=mail_from, helo=helo, trusted=own)
    asked = CachingResolver(over=resolver)
    signatures, chain = await together(
        dkim.verify(asked, message, now=now), arc.validate(asked, message, now=now)
    )
    scenario = _scenario(facts)
    simulation = None
    if scenario is not None:
        supposed = tuple(_signature(one) for one in signatures if names.normalise(one.domain))
        simulation = await simulate(
            scenario, asked, now=None if now is None else int(now), signatures=supposed
        )
    verdict = simulation.verdicts[0] if simulation else None
    examined = [
        Examined(
            one,
            _alignment(verdict, one),
            await _on_date(asked, message, one, facts.date),
            _diagnosed(message, one) if with_diagnosis else None,
            await _opinion(asked, message, one) if with_second_opinion else None,
        )
        for one in signatures
    ]
    return _report(facts, now, tuple(examined), chain, simulation, chosen)


def _check_given(ip: str | None, mail_from: str | None, helo: str | None) -> None:
    """Raises ScenarioError for a fact that is none."""
    _ = Scenario("example.com", () if ip is None else (ip,), mail_from, helo)
    if ip is not None:
        from ipaddress import ip_address

        try:
            ip_address(ip.strip().removeprefix("[").removesuffix("]").removeprefix("IPv6:"))
        except ValueError:
            raise ScenarioError("ip", ip, "not an address") from None


def _scenario(facts: MessageFacts) -> Scenario | None:
    """The send, out of facts that anybody may have written; None without an author domain."""
    if facts.author.domain is None:
        return None
    envelope = facts.envelope
    hosts = (envelope.address,) if envelope.address is not None else ()
    author = facts.author.address or facts.author.domain
    # A local part that no address may have, a HELO with odd signs: the domain, or nothing, stands for it
    for candidate in (author, facts.author.domain):
        for path in _paths(envelope):
            for helo in (envelope.helo, None):
                try:
                    return Scenario(candidate, hosts, path, helo)
                except ScenarioError:
                    continue
    return None


def _paths(envelope: Envelope) -> tuple[str | None, ...]:
    """MAIL FROM, then its domain alone, then as if it were not known."""
    path = envelope.mail_from
    return (path, path.rpartition("@")[2], None) if path else (path, None)


def _signature(one: SignatureResult) -> Signature:
    """As the simulation knows it. The findings are the message's."""
    domain = names.normalise(one.domain) or one.domain
    return Signature(domain, one.selector, one.result, one.reason, one.key, "")


def _alignment(verdict: Verdict | None, one: SignatureResult) -> Literal["yes", "no", "unknown"]:
    domain = names.normalise(one.domain)
    if verdict is None or domain is None:
        return "no"
    found = [
        a
        for judged in (verdict.dmarc, verdict.dmarc_rfc7489)
        for a in judged.alignments
        if a.mechanism == "dkim" and a.domain == domain
    ]
    if any(a.unknown for a in found):
        return "unknown"
    return "yes" if found and all(a.aligned for a in found) else "no"


async def _on_date(resolver: Resolver, message: bytes, one: SignatureResult, date: int | None) -> str | None:
    if one.reason.id != "dkim-expired" or date is None:
        return None
    then = await dkim.verify(resolver, message, now=date)
    return next((other.result for other in then if other.index == one.index), None)


def _diagnosed(message: bytes, one: SignatureResult) -> Diagnosis | None:
    if one.index >= DIAGNOSED or (one.header_ok is not False and one.body_ok is not False):
        return None
    return dkim.diagnose(message, one)


async def _opinion(resolver: Resolver, message: bytes, one: SignatureResult) -> Opinion | None:
    if one.signature is None:
        return None
    answers = {}
    if one.key is not None:  # asked before: this comes out of the cache
        answer = await resolver.resolve(Question(one.key.name, "TXT"))
        if answer.records:
            answers[one.key.name] = answer.records[0]
    return dkim.second_opinion(message, one.index, answers)


def _report(
    facts: MessageFacts,
    now: float | None,
    examined: tuple[Examined, ...],
    chain: arc.ChainResult,
    simulation: Simulation | None,
    receivers: tuple[Receiver, ...],
) -> MessageReport:
    results = [one.result for one in examined]
    findings = [*facts.findings, *(finding for one in results for finding in one.findings)]
    for one in examined:
        if one.opinion is not None and (told := dkim.compare(one.result, one.opinion)) is not None:
            findings.append(told)
    findings += chain.findings
    border = next((hop for hop in facts.hops if hop.index == facts.envelope.hop), None)
    claims = compare(facts.results, results, simulation.verdicts[0] if simulation else None, border)
    judged_at = None if now is None else int(now)
    if simulation is None:
        predictions = _without_author(facts, receivers)
        return MessageReport(
            facts, judged_at, examined, chain, claims, None, (), (), (), (), {}, (), predictions,
            tuple(findings), _mend_from(facts, predictions), (),
        )  # fmt: skip
    predictions = predict(simulation, receivers)
    return MessageReport(
        facts,
        judged_at,
        examined,
        chain,
        claims,
        simulation.scenario,
        simulation.hosts,
        simulation.senders,
        simulation.domains,
        simulation.surveys,
        simulation.policies,
        simulation.verdicts,
        predictions,
        (*findings, *simulation.findings),
        remedies(simulation, predictions),
        _ways(simulation),
    )


def _ways(simulation: Simulation) -> tuple[Way, ...]:
    verdict, sender = simulation.verdicts[0], simulation.senders[0]
    return () if verdict.dmarc.result == "pass" else ways(simulation, sender, verdict)


# --- messages without an author domain (RFC 9989 5.3.1) --------------------------------------------

NO_AUTHOR = "from-header-invalid"


def _without_author(facts: MessageFacts, receivers: tuple[Receiver, ...]) -> tuple[Prediction, ...]:
    """Who is known to refuse a message for its From field; what the others do, nobody says."""
    asked = {receiver.family for receiver in receivers}
    said = {
        one.provider: one
        for one in catalogue.messages().values()
        if one.cause == NO_AUTHOR
        and one.reply
        and one.provider in asked
        and facts.author.state in (one.from_states or (facts.author.state,))
    }
    found = []
    for family in sorted(asked):
        message = said.get(family)
        found.append(
            Prediction(
                family,
                "",
                "",
                "found",
                "refused" if message else "unknown",
                "data",
                message.reply if message else "",
                (message.template or message.text) if message else "",
                NO_AUTHOR if message else "",
                message.id if message else "",
                facts.author.reason,
                (),
                for_now=False,
                optional=False,
            )
        )
    return tuple(found)


def _mend_from(facts: MessageFacts, predictions: tuple[Prediction, ...]) -> tuple[Remedy, ...]:
    refusing = tuple(p.receiver for p in predictions if p.outcome == "refused")
    action = Action("mend-from-field", "sender", facts.author.reason.facts)
    entry = catalogue.entry(NO_AUTHOR)
    return (
        Remedy(
            NO_AUTHOR,
            tuple(entry.must_act),
            refusing,
            (),
            ("found",),
            facts.author.reason.facts,
            (action,),
            False,
            False,
        ),
    )
