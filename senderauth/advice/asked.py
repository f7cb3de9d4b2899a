"""Which rules of receivers lead to an entry, and what must be known to apply them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from senderauth import catalogue
from senderauth.catalogue import Bounce
from senderauth.simulation import Receiver, Rule, choose, receivers

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
        Rule(
            "mail-from",
            {"mail-from-domain": frozenset({"missing", "none", "dead-mx", "null-mx"})},
            "refused",
            "sender-verify-failed",
            "",
            "",
            (),
        ),
    ),
    optional=False,
    own_domains=frozenset(),
)

# Words of rules that the sending address decides by itself, and those that it decides through SPF.
BY_ADDRESS = frozenset({"reverse", "ip", "helo", "spf-helo"})
BY_SPF = frozenset({"spf", "authentication", "dmarc", "disposition"})
BY_AUTHOR = frozenset({"dmarc", "dmarc-policy", "disposition", "adsp", "author-signature", "author-domain"})
BY_PATH = BY_SPF | {"spf-record", "mail-from-domain"}
BY_LOGIN = frozenset({"login", "envelope"})
NAMES_ADDRESS = frozenset({"address", "host", "helo"})


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


def needed(asked: Iterable[Receiver]) -> set[str]:
    """The facts that the rules turn on."""
    words = {word for receiver in asked for rule in receiver.rules for word in rule.when}
    groups = {"address": BY_ADDRESS | BY_SPF, "author": BY_AUTHOR, "mail_from": BY_PATH, "login": BY_LOGIN}
    return {fact for fact, group in groups.items() if words & group}
