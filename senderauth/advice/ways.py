"""The two ways to a DMARC pass, and which is nearer (RFC 9989 4.4: one aligned pass is enough)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from senderauth.advice.action import Action, Actor
from senderauth.simulation import Sender, Signature, Simulation, Verdict


@dataclass(frozen=True, slots=True)
class Way:
    """What stands between this send and an aligned pass by one mechanism."""

    mechanism: Literal["spf", "dkim"]
    actions: tuple[Action, ...]
    """In the order in which they are to be done; none where the way is open already."""
    open_question: bool
    """DNS would not tell: the way may be open."""


def ways(simulation: Simulation, sender: Sender, verdict: Verdict) -> tuple[Way, Way]:
    """Both ways, the nearer first; DKIM first where both are as far, since it survives forwarding."""
    by_spf, by_dkim = spf_way(simulation, sender, verdict), dkim_way(simulation, verdict)
    if len(by_spf.actions) < len(by_dkim.actions):
        return by_spf, by_dkim
    return by_dkim, by_spf


def spf_way(simulation: Simulation, sender: Sender, verdict: Verdict) -> Way:
    """What must change for an aligned SPF pass."""
    actions: list[Action] = []
    if not _aligned(verdict, "spf", verdict.mail_from_domain):
        # Once the return path is the author's, the author domain's record counts, which may list the host
        actions.append(align_mail_from(simulation, verdict))
    else:
        actions += spf_actions(simulation, sender, verdict)
    return Way("spf", tuple(actions), verdict.spf.result == "temperror")


def align_mail_from(simulation: Simulation, verdict: Verdict) -> Action:
    """A return path of the author's own."""
    author = simulation.scenario.author_address.domain
    facts = {"mail_from_domain": verdict.mail_from_domain, "author_domain": author}
    return Action("align-mail-from", "sender", facts)


def spf_actions(simulation: Simulation, sender: Sender, verdict: Verdict) -> list[Action]:
    """What must change for SPF to pass for the domain that it is judged by."""
    domain = verdict.mail_from_domain
    facts: dict[str, object] = {"domain": domain, "address": sender.address}
    result = verdict.spf.result
    if result in ("pass", "temperror"):
        return []
    if "." not in domain:  # a bare host, such as root@web01: no record can stand there (RFC 7208 4.3)
        return [align_mail_from(simulation, verdict)]
    if result == "permerror":
        return [Action("mend-spf-record", "domain-owner", {**facts, "reason": verdict.spf.reason.id})]
    survey = next((s for s in simulation.surveys if s.domain == domain), None)
    if survey is None or survey.record is None:
        return [Action("publish-spf-record", "domain-owner", facts)]
    facts["record"] = survey.record
    if survey.sends_nothing:
        return [Action("list-servers-in-spf", "domain-owner", facts)]
    return [Action("add-address-to-spf", "domain-owner", facts)]


def dkim_way(simulation: Simulation, verdict: Verdict) -> Way:
    """What must change for an aligned DKIM pass."""
    author = simulation.scenario.author_address.domain
    own = [s for s in verdict.dkim if _aligned(verdict, "dkim", s.domain)]
    unknown = any(s.result == "temperror" for s in own)
    if any(s.result == "pass" for s in own):
        return Way("dkim", (), unknown)
    if own:
        return Way("dkim", tuple(key_actions(own[0])), unknown)
    passing = [s for s in verdict.dkim if s.result == "pass"]
    if passing:
        facts = {"dkim_domain": passing[0].domain, "author_domain": author}
        return Way("dkim", (Action("align-dkim-domain", "mail-admin", facts),), unknown)
    return Way("dkim", (Action("sign-with-dkim", "mail-admin", {"author_domain": author}),), unknown)


def key_actions(signature: Signature) -> list[Action]:
    """What must change for a signature to be valid: its key, or what happens to the mail."""
    key = signature.key
    if signature.result in ("pass", "temperror"):
        return []
    facts: dict[str, object] = {
        "domain": signature.domain,
        "selector": signature.selector or "",
        "reason": signature.reason.id,
    }
    if signature.reason.id in OF_THE_SIGNATURE or signature.result == "fail":
        id, who = OF_THE_SIGNATURE.get(signature.reason.id, ("find-what-changes-mail", "mail-admin"))
        return [Action(id, who, facts)]
    if key is None:
        return [Action("mend-signature", "mail-admin", facts)] if not signature.assumed else []
    if key.state == "valid" and signature.result != "policy":  # then the fault is the signature's own
        return [Action("mend-signature", "mail-admin", facts)]
    facts = {"name": key.name, "state": key.state, "domain": signature.domain, "bits": key.bits}
    if key.state == "missing":
        return [Action("publish-dkim-key", "domain-owner", facts)]
    if key.state == "revoked":
        return [Action("replace-revoked-key", "domain-owner", facts)]
    if signature.result == "policy":
        return [Action("replace-weak-key", "domain-owner", facts)]
    return [Action("mend-dkim-key", "domain-owner", facts)]


OF_THE_SIGNATURE: dict[str, tuple[str, Actor]] = {
    "dkim-signature-by-other-key": ("publish-matching-key", "domain-owner"),
    "dkim-expired": ("lengthen-signature-life", "mail-admin"),
    "dkim-sha1": ("sign-with-sha256", "mail-admin"),
}
"""Found in a message: the key is fine, the signature is not."""


def _aligned(verdict: Verdict, mechanism: str, domain: str) -> bool:
    """Whether this domain is aligned with the author's under both standards, pass or not."""
    return all(
        any(a.mechanism == mechanism and a.domain == domain and a.aligned for a in judged.alignments)
        for judged in (verdict.dmarc, verdict.dmarc_rfc7489)
    )
