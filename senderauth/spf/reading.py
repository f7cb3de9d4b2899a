"""What a survey asks: its budget, and the terms whose addresses it looks up."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from socket import AF_INET, AF_INET6, inet_pton

from senderauth.dns import Answer, Key, Question, Resolver, resolve_all
from senderauth.spf.program import literal_name
from senderauth.spf.ranges import Network
from senderauth.spf.record import Mechanism
from senderauth.spf.state import MAX_MX
from senderauth.spf.tree import MAX_QUESTIONS, Branch, Branches, TermCost


@dataclass
class Reading:
    """The budget of one survey and what it has read."""

    resolver: Resolver
    root: str
    branches: Branches | None
    answers: dict[Key, Answer]
    records: int = 1
    questions: int = 1
    cut: bool = False
    ptr_asked: bool = False
    used: dict[int, Branch] = field(default_factory=dict)
    """Branches that are in the tree, by the identity of their node."""

    async def ask(self, name: str, rdtype: str) -> Answer | None:
        """None once the budget is spent. The same question is asked once."""
        key = name, rdtype
        answer = self.answers.get(key)
        if answer is None:
            if self.questions >= MAX_QUESTIONS:
                self.cut = True
                return None
            self.questions += 1
            answer = self.answers[key] = await self.resolver.resolve(Question(name, rdtype))
        return answer

    async def ask_all(self, keys: list[Key]) -> None:
        """As `ask`, several at once; the answers are in `answers`."""
        new = [key for key in dict.fromkeys(keys) if key not in self.answers]
        if len(new) > MAX_QUESTIONS - self.questions:
            new = new[: MAX_QUESTIONS - self.questions]
            self.cut = True
        self.questions += len(new)
        if new:
            questions = [Question(name, rdtype) for name, rdtype in new]
            self.answers.update(zip(new, await resolve_all(self.resolver, questions), strict=True))


async def looked_up(reading: Reading, terms: list[Mechanism], domain: str) -> list[TermCost]:
    """The costs of a, mx and exists terms. Two rounds of questions for all of them, the second about mail
    exchanges: a work for each term costs as much as its questions.
    """
    targets = [domain if term.domain is None else literal_name(term.domain) or "" for term in terms]
    first: list[Key] = []
    for term, target in zip(terms, targets, strict=True):
        if term.name == "a":
            first += (target, "A"), (target, "AAAA")
        else:
            first.append((target, "MX" if term.name == "mx" else "A"))
    await reading.ask_all(first)
    hosts = [
        _exchanges(reading, target) if term.name == "mx" else [target]
        for term, target in zip(terms, targets, strict=True)
    ]
    second = [
        (host, rdtype)
        for term, found in zip(terms, hosts, strict=True)
        if term.name == "mx"
        for host in found[:MAX_MX]
        for rdtype in ("A", "AAAA")
    ]
    if second:
        await reading.ask_all(second)
    return [
        _exists(reading, term, target) if term.name == "exists" else _addresses(reading, term, target, found)
        for term, target, found in zip(terms, targets, hosts, strict=True)
    ]


def _exchanges(reading: Reading, target: str) -> list[str]:
    answer = reading.answers.get((target, "MX"))
    return [] if answer is None else [host for _, host in answer.records if host]


def _exists(reading: Reading, term: Mechanism, target: str) -> TermCost:
    answer = reading.answers.get((target, "A"))
    if answer is None or answer.unknown:
        return TermCost(term.written, term, 1, unevaluated=True, unknown=(target,))
    void = int(not answer.records)
    return TermCost(term.written, term, 1, void, void, always=bool(answer.records))


def _addresses(reading: Reading, term: Mechanism, target: str, hosts: list[str]) -> TermCost:
    """An a or mx term with the networks of its prefix lengths around its hosts' addresses."""
    answers, exchanges, voids4, voids6 = reading.answers, 0, 0, 0
    if term.name == "mx":
        answer = answers.get((target, "MX"))
        if answer is None or answer.unknown:
            return TermCost(term.written, term, 1, unevaluated=True, unknown=(target,))
        if not answer.records:
            voids4 = voids6 = 1
        exchanges = len(hosts)
    found: list[str] = []
    unknown: dict[str, None] = {}
    for host in hosts[:MAX_MX]:  # RFC 7208 4.6.4
        by4, by6 = answers.get((host, "A")), answers.get((host, "AAAA"))
        if by4 is None or by6 is None or by4.unknown or by6.unknown:
            unknown[host] = None
        if by4 is not None and not by4.unknown:
            found += by4.records
            voids4 += not by4.records
        if by6 is not None and not by6.unknown:
            found += by6.records
            voids6 += not by6.records
    networks = [_around(text, term.prefix6 if ":" in text else term.prefix4) for text in found]
    return TermCost(
        term.written, term, 1, voids4, voids6, tuple(networks), None, False, bool(unknown), tuple(unknown),
        exchanges,
    )  # fmt: skip


@lru_cache(maxsize=2_048)  # many domains have the same mail exchanges
def _around(address: str, prefix: int | None) -> Network:
    """The network of that length around an address record's value. Read by the system's own parser, and made
    of numbers: ip_network takes four times as long.
    """
    family, longest = (AF_INET6, 128) if ":" in address else (AF_INET, 32)
    host = 0 if prefix is None else longest - prefix
    number = int.from_bytes(inet_pton(family, address)) >> host << host
    return IPv4Network((number, 32 - host)) if longest == 32 else IPv6Network((number, 128 - host))
