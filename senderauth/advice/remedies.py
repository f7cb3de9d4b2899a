"""From predicted refusals to what must change, with the facts of this case."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from senderauth import catalogue, names
from senderauth.advice.action import Action, Remedy
from senderauth.advice.ways import dkim_way, key_actions, spf_actions, ways
from senderauth.simulation import Prediction, Sender, Simulation, Verdict, case_facts

MAX_SERVERS = 6
SILENT = frozenset({
    "arc-key-unknown", "dkim-key-unknown", "dmarc-dns-unknown", "host-helo-unknown", "host-reverse-unknown",
    "lint-dns-unknown", "mail-domain-unknown", "spf-include-unknown", "spf-record-unknown",
    "spf-term-unknown", "dmarc-report-destination-unknown",
})  # fmt: skip
"""Findings that say that DNS would not tell."""

Advisor = Callable[[Simulation, Sender, Verdict], list[Action]]


def remedies(simulation: Simulation, predictions: Iterable[Prediction]) -> tuple[Remedy, ...]:
    """One remedy for each catalogue entry that a refusal, deferral or mark points to; refusals first."""
    grouped: dict[str, list[Prediction]] = {}
    order = ("refused", "deferred", "marked")
    given = sorted(predictions, key=lambda prediction: prediction.optional)
    for outcome in order:
        for prediction in given:
            if prediction.outcome == outcome and prediction.entry_id:
                grouped.setdefault(prediction.entry_id, []).append(prediction)
    return tuple(_remedy(simulation, entry_id, group) for entry_id, group in grouped.items())


def _remedy(simulation: Simulation, entry_id: str, group: list[Prediction]) -> Remedy:
    first = group[0]
    sender = next(s for s in simulation.senders if (s.host, s.address) == (first.host, first.address))
    verdict = next(
        v
        for v in simulation.verdicts
        if (v.host, v.address, v.signing) == (first.host, first.address, first.signing)
    )
    entry = catalogue.entry(entry_id)
    actions = ADVISORS[entry_id](simulation, sender, verdict)
    return Remedy(
        entry_id,
        tuple(entry.must_act),
        tuple(dict.fromkeys(prediction.receiver for prediction in group)),
        tuple(dict.fromkeys(prediction.address for prediction in group)),
        tuple(dict.fromkeys(prediction.signing for prediction in group)),
        dict(case_facts(simulation, sender, verdict)),
        tuple({(a.id, repr(a.facts)): a for a in actions}.values()),
        optional=all(prediction.optional for prediction in group),
        in_dns=entry_id not in IN_ACCOUNT,
    )


# Refusals by one's own submission server: mended in the account, whatever DNS says.
IN_ACCOUNT = frozenset({"foreign-sender-quota", "envelope-domain-forbidden", "submission-sender-mismatch"})


def _spf(simulation: Simulation, sender: Sender, verdict: Verdict) -> list[Action]:
    """The server that the record names, or this server into the record, or SRS where mail was forwarded."""
    domain = verdict.mail_from_domain
    survey = next((s for s in simulation.surveys if s.domain == domain), None)
    actions: list[Action] = []
    if survey is not None and (servers := [*survey.includes, *map(str, survey.networks)]):
        shown = servers[:MAX_SERVERS]
        if len(servers) > MAX_SERVERS:
            shown.append(f"… (+{len(servers) - MAX_SERVERS})")
        facts = {"domain": domain, "servers": shown, "count": len(servers)}
        actions.append(Action("use-authorised-server", "sender", facts))
    actions += spf_actions(simulation, sender, verdict)
    if verdict.spf.result in ("fail", "softfail"):
        actions.append(Action("rewrite-when-forwarding", "forwarder", {"domain": domain}))
    return actions


def _spf_unavailable(_: Simulation, __: Sender, verdict: Verdict) -> list[Action]:
    facts = {"domain": verdict.mail_from_domain, **verdict.spf.reason.facts}
    return [Action("check-name-servers", "domain-owner", facts), Action("wait-and-retry", "nobody", {})]


def _dmarc(simulation: Simulation, sender: Sender, verdict: Verdict) -> list[Action]:
    """Both ways to an aligned pass, the nearer first, and never: weaken the policy."""
    nearer, farther = ways(simulation, sender, verdict)
    facts = {
        "mechanism": nearer.mechanism.upper(),
        "steps": len(nearer.actions),
        "other": farther.mechanism.upper(),
    }
    lead = [Action("nearer-way", "mail-admin", facts)]
    domain = verdict.mail_from_domain
    author = simulation.scenario.author_address.domain
    if verdict.spf.result != "pass" and domain == author:
        lead = [*(a for a in _spf(simulation, sender, verdict) if a.id == "use-authorised-server"), *lead]
    return [
        *lead,
        *nearer.actions,
        *farther.actions,
        Action("keep-dmarc-policy", "domain-owner", {"author_domain": author}),
    ]


def _dmarc_unavailable(simulation: Simulation, _: Sender, verdict: Verdict) -> list[Action]:
    author = simulation.scenario.author_address.domain
    facts = {"domain": author, **verdict.dmarc.reason.facts}
    return [Action("check-name-servers", "domain-owner", facts), Action("wait-and-retry", "nobody", {})]


def _dmarc_record(simulation: Simulation, _: Sender, __: Verdict) -> list[Action]:
    author = simulation.scenario.author_address.domain
    facts = {"name": f"_dmarc.{names.registrable(author) or author}", "author_domain": author}
    return [Action("publish-dmarc-record", "domain-owner", facts)]


def _dkim(simulation: Simulation, _: Sender, verdict: Verdict) -> list[Action]:
    mended = [action for signature in verdict.dkim for action in key_actions(signature)]
    return mended or list(dkim_way(simulation, verdict).actions)


def _all_three(simulation: Simulation, sender: Sender, verdict: Verdict) -> list[Action]:
    """Where SPF, DKIM and DMARC are all wanted: whatever is missing."""
    actions = [] if verdict.spf.result == "pass" else _spf(simulation, sender, verdict)
    if not any(signature.result == "pass" for signature in verdict.dkim):
        actions += _dkim(simulation, sender, verdict)
    if verdict.dmarc.result == "fail":
        actions += ways(simulation, sender, verdict)[0].actions
    elif verdict.dmarc.result != "pass" and simulation.policies["rfc9989"].policy is None:
        actions += _dmarc_record(simulation, sender, verdict)
    return actions


def _either(simulation: Simulation, sender: Sender, verdict: Verdict) -> list[Action]:
    """Where SPF or DKIM is enough."""
    return [*_dkim(simulation, sender, verdict), *_spf(simulation, sender, verdict)]


def _adsp(simulation: Simulation, _: Sender, verdict: Verdict) -> list[Action]:
    author = simulation.scenario.author_address.domain
    facts = {"name": f"_adsp._domainkey.{author}", "author_domain": author, "practice": verdict.adsp.practice}
    actions = [
        Action("delete-adsp-record", "domain-owner", facts),
        Action("sign-as-author-domain", "mail-admin", facts),
    ]
    if verdict.adsp.practice == "discardable":
        actions.insert(0, Action("adsp-on-purpose", "domain-owner", facts))
    return actions


def _author_missing(simulation: Simulation, _: Sender, __: Verdict) -> list[Action]:
    author = simulation.scenario.author_address.domain
    return [Action("correct-or-register-domain", "sender", {"domain": author})]


def _sender_domain(_: Simulation, __: Sender, verdict: Verdict) -> list[Action]:
    domain = verdict.mail_from_domain
    return [
        Action("correct-or-register-domain", "sender", {"domain": domain}),
        Action("publish-mx", "domain-owner", {"domain": domain}),
    ]


def _sender_verify(simulation: Simulation, sender: Sender, verdict: Verdict) -> list[Action]:
    null = any(d.domain == verdict.mail_from_domain and d.state == "null-mx" for d in simulation.domains)
    return (_null_mx if null else _sender_domain)(simulation, sender, verdict)


def _null_mx(_: Simulation, __: Sender, verdict: Verdict) -> list[Action]:
    return [Action("remove-null-mx", "domain-owner", {"domain": verdict.mail_from_domain})]


def _reverse(_: Simulation, sender: Sender, __: Verdict) -> list[Action]:
    facts: dict[str, object] = {
        "address": sender.address,
        "name": names.reverse(ip_address(sender.address)),
        "names": list(sender.reverse.names),
        "type": "A" if ip_address(sender.address).version == 4 else "AAAA",
    }
    if sender.reverse.state == "missing":
        return [Action("set-reverse-name", "host-operator", facts)]
    return [Action("set-forward-address", "host-operator", facts)]


def _account(simulation: Simulation, _: Sender, __: Verdict) -> list[Action]:
    facts = {"login": simulation.scenario.login or "", "author": str(simulation.scenario.author_address)}
    return [
        Action("send-as-login", "sender", facts),
        Action("allow-alias", "provider", facts),
        Action("not-in-dns", "nobody", facts),
    ]


def _envelope(simulation: Simulation, sender: Sender, verdict: Verdict) -> list[Action]:
    facts = {"login": simulation.scenario.login or "", "mail_from": verdict.mail_from}
    return [Action("use-own-envelope", "sender", facts), *_account(simulation, sender, verdict)[-1:]]


ADVISORS: dict[str, Advisor] = {
    "spf-failed-for": _spf,
    "spf-check-failed": _spf,
    "spf-hard-fail": _spf,
    "spf-pass-required": _spf,
    "spf-record-broken": _spf,
    "spf-domain-sends-nothing": _spf,
    "spf-dns-unavailable": _spf_unavailable,
    "dmarc-policy-refused": _dmarc,
    "dmarc-not-aligned": _dmarc,
    "dmarc-dns-unavailable": _dmarc_unavailable,
    "dmarc-record-missing": _dmarc_record,
    "dkim-signature-required": _dkim,
    "unauthenticated-message": _either,
    "authentication-level-too-low": _all_three,
    "adsp-all-refused": _adsp,
    "adsp-discardable": _adsp,
    "author-domain-missing": _author_missing,
    "sender-domain-unresolvable": _sender_domain,
    "sender-verify-failed": _sender_verify,
    "sender-null-mx": _null_mx,
    "reverse-dns-missing": _reverse,
    "foreign-sender-quota": _account,
    "submission-sender-mismatch": _account,
    "envelope-domain-forbidden": _envelope,
}
"""Every entry that a receiver's rule can name; a test holds both sides together."""
