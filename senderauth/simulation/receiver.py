"""Receivers' policies as data, and what each would answer.

Theory of operation. A verdict is boiled down to a few words, the *facts* of `FACTS`. A policy is a list
of rules in the order in which the receiver checks; a rule holds the words that each fact must be among,
and what is answered then. The first rule that refuses or defers decides; a rule that marks (junk folder,
quarantine) does not end the session, a later one may still refuse. Where none holds, nothing in the
authentication of the mail makes the receiver refuse it. Where DNS would not tell a fact, a rule may
hold or not: then the answer is "unknown", unless a rule speaks of such a failure ("deferred"), or
another one ends the session either way.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from senderauth.values import Facts, Reason

Outcome = Literal["accepted", "marked", "deferred", "refused", "unknown"]
OUTCOMES: tuple[Outcome, ...] = ("accepted", "marked", "unknown", "deferred", "refused")
"""From best to worst."""

# Every fact a rule may ask for, with its words. "temperror" means that DNS would not tell, "unknown" that,
# or that nobody knows the client's address.
FACTS: dict[str, frozenset[str]] = {
    fact: frozenset(words.split())
    for fact, words in {
        "spf": "none neutral pass fail softfail temperror permerror unknown",
        "spf-helo": "none neutral pass fail softfail temperror permerror unknown",
        "spf-record": "sends-nothing other absent unknown",
        "dkim": "none pass fail policy permerror temperror",
        "authentication": "pass fail unknown",
        "dmarc": "none pass fail temperror permerror unknown",
        "dmarc-policy": "none quarantine reject absent unknown",
        "disposition": "none quarantine reject unknown",
        "adsp": "none pass unknown fail discard nxdomain temperror permerror",
        "author-signature": "yes no unknown",
        "reverse": "confirmed missing unconfirmed unknown",
        "ip": "4 6 unknown",
        "mail-from-domain": "mx address null-mx dead-mx none missing unknown null-path",
        "author-domain": "mx address null-mx dead-mx none missing unknown",
        "helo": "matches elsewhere missing literal bare unknown none",
        "login": "none own same-domain foreign",
        "envelope": "provider other",
    }.items()
}

# Words that say that DNS would not tell. ADSP's "unknown" is a practice, not a failure.
OPEN = {
    fact: {"temperror", "unknown"} & words - ({"unknown"} if fact == "adsp" else set())
    for fact, words in FACTS.items()
}

STAGES = ("submission", "connect", "helo", "mail-from", "rcpt", "data")


@dataclass(frozen=True, slots=True)
class Rule:
    """One check of a receiver: under which facts it answers what."""

    stage: Literal["submission", "connect", "helo", "mail-from", "rcpt", "data"]
    when: Mapping[str, frozenset[str]]
    outcome: Outcome
    entry: str
    """Id of the catalogue's entry: cause and remedy."""
    message: str
    """Id of the catalogue's message whose text is sent; empty where nothing is sent back."""
    code: str
    """Reply and enhanced status code, where they differ from the message's own."""
    notes: tuple[str, ...]
    """Ids of what must be said beside, e.g. "dkim-does-not-help"."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver's policy, with where it was read and when."""

    id: str
    family: str
    standard: Literal["rfc9989", "rfc7489"]
    """How it finds the organizational domain."""
    role: Literal["receiver", "submission"]
    evidence: Literal["standard", "documented", "sampled", "reported"]
    """"reported": single source, texts or order not verified."""
    source: str
    read: str
    """When the source was read or is from, as YYYY-MM or YYYY-MM-DD."""
    notes: tuple[str, ...]
    rules: tuple[Rule, ...]
    optional: bool
    """Not what everybody meets: bulk senders, or stricter than most. Told apart, and not counted in an
    overall outcome unless it was asked for by name."""
    own_domains: frozenset[str]
    """Domains of the provider itself (submission servers)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver would answer: the deciding rule, None where nothing is refused."""

    outcome: Outcome
    rule: Rule | None
    reason: Reason


@lru_cache(maxsize=1)
def receivers() -> Mapping[str, Receiver]:
    """All receivers by id, in the order of their files and places."""
    found: dict[str, Receiver] = {}
    folder = files("senderauth.simulation").joinpath("receivers")
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            for id, table in tomllib.loads(file.read_text("utf-8")).items():
                base = found[table["extends"]].rules if "extends" in table else ()
                found[id] = _receiver(id, table, base)
    return found


def _receiver(id: str, table: Mapping[str, Any], base: tuple[Rule, ...]) -> Receiver:
    return Receiver(
        id=id,
        family=table.get("family", id),
        standard=table["standard"],
        role=table.get("role", "receiver"),
        evidence=table["evidence"],
        source=table["source"],
        read=table["read"],
        notes=tuple(table.get("notes", ())),
        rules=base + tuple(_rule(rule) for rule in table.get("rules", ())),
        optional=table.get("optional", False),
        own_domains=frozenset(table.get("own_domains", ())),
    )


def _rule(table: Mapping[str, Any]) -> Rule:
    when = {
        fact: frozenset([words] if isinstance(words, str) else words) for fact, words in table["when"].items()
    }
    return Rule(
        stage=table["stage"],
        when=when,
        outcome=table["outcome"],
        entry=table.get("entry", ""),
        message=table.get("message", ""),
        code=table.get("code", ""),
        notes=tuple(table.get("notes", ())),
    )


def choose(wanted: Iterable[str] | None) -> tuple[Receiver, ...]:
    """The receivers of these ids or families, all if none are named. Raises ValueError for an unknown one."""
    known = receivers()
    if not wanted:
        return tuple(known.values())
    chosen: dict[str, Receiver] = {}
    for name in wanted:
        matching = {r.id: r for r in known.values() if name in (r.id, r.family)}
        if not matching:
            raise ValueError(f"no receiver {name!r}; known are {', '.join(known)}")
        chosen |= matching
    return tuple(chosen.values())


def answer(receiver: Receiver, facts: Mapping[str, str]) -> Answer:
    """What the receiver would answer under these facts (see the theory of operation above)."""
    decided = Answer("accepted", None, Reason("receiver-no-rule"))
    possible: Rule | None = None
    for rule in receiver.rules:
        holds, might = _holds(rule, facts)
        if holds and worse(rule.outcome, decided.outcome):
            decided = Answer(rule.outcome, rule, Reason("receiver-rule", _asked(rule, facts)))
            if any(facts[fact] in OPEN[fact] for fact in rule.when):
                possible = None  # the rule is for a receiver whom DNS fails as it failed us
            if rule.outcome in ("refused", "deferred"):
                break
        elif might and (possible is None or worse(rule.outcome, possible.outcome)):
            possible = rule
    ended = decided.outcome in ("refused", "deferred")  # whether or not another rule would have, too
    if possible is not None and not ended and worse(possible.outcome, decided.outcome):
        return Answer("unknown", possible, Reason("receiver-unknown", _asked(possible, facts)))
    return decided


def _holds(rule: Rule, facts: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether the rule holds, and if not, whether it might once DNS told."""
    might = False
    for fact, words in rule.when.items():
        word = facts[fact]
        if word in words:
            continue
        if word not in OPEN[fact]:
            return False, False
        might = True
    return not might, might


def _asked(rule: Rule, facts: Mapping[str, str]) -> Facts:
    return {fact: facts[fact] for fact in rule.when}


def worse(one: Outcome, other: Outcome) -> bool:
    """Whether one outcome is worse than the other."""
    return OUTCOMES.index(one) > OUTCOMES.index(other)
