"""From the facts of a bounce to the send that it speaks of, and what had to be assumed for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from senderauth.catalogue import Bounce, Fact, provider_of
from senderauth.simulation import Scenario, ScenarioError

STAND_IN_ADDRESS = "240.0.0.1"
"""Reserved for ever (RFC 1112 4): no record permits it, so what it meets is the worst case."""
STAND_IN_AUTHOR = "author.invalid"
MAX_SIGNERS = 16


@dataclass(frozen=True, slots=True)
class Situation:
    """A send as a bounce tells of it."""

    scenario: Scenario
    assumed: tuple[Fact, ...]
    """What the bounce does not say; the source tells from where it was taken."""
    missing: frozenset[str]
    """Facts that nothing tells and nothing suggests: "address", "author", "mail_from", "login". In the
    scenario stands a stand-in for them.
    """
    signed_at_origin: bool
    """The returned message holds signatures that the scenario leaves out, since they did not pass."""


def situation(bounce: Bounce, facts: Iterable[Fact], *, with_signatures: bool = True) -> Situation:
    """The send that the facts tell of; the first fact of a name counts. with_signatures: the signatures
    of the returned message are taken as sound, else as broken.
    """
    said = _first(facts)
    assumed: list[Fact] = []
    missing: set[str] = set()
    mail_from, helo = _envelope(said)
    author = _usable(said.get("author", ""), said.get("author_domain", ""))
    if not author:
        author = mail_from or ""
        if author and author != "<>":
            assumed.append(Fact("author", author, "assumed-mail-from"))
        else:
            author = STAND_IN_AUTHOR
            missing.add("author")
    if mail_from is None:
        if "author" in missing:
            missing.add("mail_from")
        else:
            assumed.append(Fact("mail_from", author, "assumed-author"))
    host = _host(bounce, said, assumed)
    if not host:
        missing.add("address")
    if "login" not in said:
        missing.add("login")
    signers = _signers(facts, said, bounce, with_signatures)
    scenario = Scenario(
        author,
        (host or STAND_IN_ADDRESS,),
        mail_from,
        helo,
        signers,
        _usable(said.get("login", "")) or None,
    )
    hidden = not with_signatures and bool(_returned_signers(facts))
    return Situation(scenario, tuple(assumed), frozenset(missing), hidden)


def _first(facts: Iterable[Fact]) -> dict[str, str]:
    said: dict[str, str] = {}
    for fact in facts:
        said.setdefault(fact.name, fact.value)
    return said


def _usable(*texts: str) -> str:
    """The first of the texts that can be an author, or the domain of one; empty if there is none."""
    for text in texts:
        for part in (text, text.rpartition("@")[2]):
            try:
                return str(Scenario(part).author_address)
            except ScenarioError:
                continue
    return ""


def _envelope(said: dict[str, str]) -> tuple[str | None, str | None]:
    """MAIL FROM and HELO; None where not known."""
    helo = _usable(said.get("helo", "")) or None
    if "mail_from" in said and said["mail_from"] in ("", "<>"):
        return "<>", helo
    path = _usable(said.get("mail_from", ""), said.get("mail_from_domain", ""), said.get("spf_domain", ""))
    if said.get("identity") == "helo" and path:  # the explaining page names the HELO name in this place
        return "<>", path.rpartition("@")[2]
    return path or None, helo


def _host(bounce: Bounce, said: dict[str, str], assumed: list[Fact]) -> str:
    """Where the mail was sent from. What wrote the bounce is the sending server only where another
    refused; a large provider's name says nothing of the address that it sent from.
    """
    if said.get("address"):
        return said["address"]
    reporter = bounce.reporting_host
    if reporter and bounce.refusing_host and reporter != bounce.refusing_host and not provider_of(reporter):
        name = _usable(reporter)
        if name and _fits((name,)):
            assumed.append(Fact("address", name, "assumed-reporting-host"))
            return name
    if not bounce.refusing_host and said.get("first_hop"):
        assumed.append(Fact("address", said["first_hop"], "assumed-first-hop"))
        return said["first_hop"]
    return ""


def _fits(hosts: tuple[str, ...] = (), signer: tuple[str, str | None] = ("a.invalid", None)) -> bool:
    """Whether a send may have these hosts and this signer."""
    try:
        Scenario("a.invalid", hosts, signers=(signer,))
    except ScenarioError:
        return False
    return ":" not in signer[0]


def _returned_signers(facts: Iterable[Fact]) -> tuple[tuple[str, str | None], ...]:
    """Domain and selector of each signature in the returned message."""
    found: list[tuple[str, str | None]] = []
    for fact in facts:
        if fact.source == "returned-dkim-signature":
            if fact.name == "dkim_domain" and _fits(signer=(fact.value, None)):
                found.append((fact.value, None))
            elif fact.name == "dkim_selector" and found and _fits(signer=(found[-1][0], fact.value)):
                found[-1] = (found[-1][0], fact.value)
    return tuple(found[:MAX_SIGNERS])


def _signers(
    facts: Iterable[Fact], said: dict[str, str], bounce: Bounce, with_signatures: bool
) -> tuple[tuple[str, str | None], ...] | None:
    """The signatures, () for none, None where nothing is known of them."""
    returned = _returned_signers(facts)
    if returned:
        return returned if with_signatures else ()
    if said.get("dkim_word") == "pass" and _fits(signer=(said.get("dkim_domain", ""), None)):
        return ((said["dkim_domain"], None),)
    if "dkim_word" in said:
        return ()  # none passed
    whole = any(fact.name == "author" and fact.source == "returned-from" for fact in facts)
    return () if bounce.returned and whole else None
