"""The whole record without a client: tree, worst-case cost, authorised networks, what is wrong with it.

Theory of operation. The tree of includes and redirects is read side by side, each record once, within a
budget of records. Costs are those of a client that no term matches: every lookup term before an `all`
counts, with all that its include costs. Networks follow the evaluation: a term decides only for
addresses that no earlier term has decided, an include only for those that its record passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any

from senderauth import names
from senderauth.dns import Answer, Question, Resolver, Status, resolve_all, together
from senderauth.spf.lint import LARGE_TXT, findings_of
from senderauth.spf.macro import MAX_TEXT
from senderauth.spf.mistakes import glued, meant_as_record
from senderauth.spf.program import literal_name
from senderauth.spf.ranges import Network
from senderauth.spf.reach import authorised, branch_of, is_sound, terminal, unevaluated
from senderauth.spf.record import (
    LOOKUP_TERMS,
    MacroString,
    Mechanism,
    Record,
    explanation_string,
    is_spf,
    parse,
    select,
)
from senderauth.spf.state import MAX_MX
from senderauth.spf.tree import (
    MAX_DEPTH,
    MAX_NETWORKS,
    MAX_QUESTIONS,
    MAX_RECORDS,
    Branch,
    Branches,
    Node,
    Outline,
    State,
    Survey,
    TermCost,
    renamed,
)
from senderauth.values import Finding

Key = tuple[str, str]
"""Name and type: hashed in C, a Question in Python."""


@dataclass
class _Reading:
    """The budget of one survey and what it has read."""

    resolver: Resolver
    records: int = 0
    questions: int = 0
    cut: bool = False
    ptr_asked: bool = False
    answers: dict[Key, Answer] = field(default_factory=dict)
    root: str = ""
    branches: Branches | None = None
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


async def survey(resolver: Resolver, domain: str) -> Survey:
    """Surveys a domain's SPF record (RFC 7208) without an address. Never raises on what DNS holds."""
    return surveyed(await outline(resolver, domain))


def surveyed(found: Outline) -> Survey:
    """The survey of an outline: with its networks."""
    each = [found.passes[version].networks(version, MAX_NETWORKS + 1) for version in (4, 6)]
    return Survey(
        domain=found.domain,
        state=found.state,
        record=found.record,
        tree=found.tree,
        lookups=found.lookups,
        void_lookups=found.void_lookups,
        networks=each[0][:MAX_NETWORKS] + each[1][:MAX_NETWORKS],
        addresses4=found.passes[4].size,
        addresses6=found.passes[6].size,
        terminal=found.terminal,
        includes=found.includes,
        unevaluated=found.unevaluated,
        cut=found.cut or any(len(networks) > MAX_NETWORKS for networks in each),
        findings=found.findings,
    )


async def outline(resolver: Resolver, domain: str, branches: Branches | None = None) -> Outline:
    """A survey without its list of networks. branches: where records that many domains include are kept
    once they are worked out.
    """
    name = names.normalise(domain) or domain[: names.MAX_NAME]
    reading = _Reading(resolver, root=name, branches=branches)
    text = None if branches is None else _plain(await reading.ask(name, "TXT"))
    kept = branches.get(text) if branches is not None and text is not None else None
    if kept is not None and not any(names.is_below(domain, name) for domain in kept.domains):
        return _same_record(kept, name)
    tree = await _node(reading, name, (), ())
    if tree.state == "absent":
        tree = replace(tree, elsewhere=await _elsewhere(reading, name))
    elif tree.record is not None and tree.record.exp is not None:
        tree = replace(tree, explains=await _explains(reading, tree.record.exp))
    passes = {version: authorised(tree, version, reading.used) for version in (4, 6)}
    found = Outline(
        domain=name,
        state=tree.state,
        record=tree.text,
        tree=tree,
        lookups=tree.lookups,
        void_lookups=max(tree.voids4, tree.voids6),
        passes=passes,
        terminal=terminal(tree),
        includes=tuple(child.domain for child in tree.children),
        unevaluated=tuple(dict.fromkeys(unevaluated(tree, reading.used))),
        cut=reading.cut,
        findings=findings_of(tree, passes, reading.cut, reading.used),
        used=reading.used,
    )
    if branches is not None and text is not None and not reading.cut and not reading.ptr_asked:
        _keep(branches, text, found)
    return found


def _plain(answer: Answer | None) -> str | None:
    """The text of the one SPF record, where nothing beside it says anything about it."""
    if answer is None or not answer.records:
        return None
    found, meant, octets = _sorted_out(answer.records)
    if len(found) != 1 or octets > LARGE_TXT or meant:
        return None
    one_string = not answer.strings or len(answer.strings[answer.records.index(found[0])]) == 1
    return found[0].decode("latin-1") if one_string else None


def _keep(branches: Branches, text: str, found: Outline) -> None:
    """Keeps the outline for other domains with the same record, if none of its terms is about the domain."""
    tree, record = found.tree, found.tree.record
    if record is None or record.exp is not None or tree.state != "found":
        return
    if any(cost.child is None and (cost.term is None or cost.term.costs_lookup) for cost in tree.terms):
        return
    below = [found.used.get(id(child)) or branch_of(child, found.used) for child in tree.children]
    children = [branch for branch in below if branch is not None]
    if len(children) < len(below):
        return
    domains = frozenset().union(*(child.domains for child in children))
    used = {id(child.node): child for child in children}
    sound = is_sound(tree, found.used)
    kept = Branch(tree, found.passes, found.findings, found.unevaluated, domains, 0, 0, sound, used)
    branches.put(text, kept)


def _same_record(kept: Branch, name: str) -> Outline:
    """The outline of a domain whose record another one has, too."""
    tree = renamed(kept.node, name)
    other = kept.node.domain
    return Outline(
        domain=name,
        state=tree.state,
        record=tree.text,
        tree=tree,
        lookups=tree.lookups,
        void_lookups=max(tree.voids4, tree.voids6),
        passes=kept.passes,
        terminal=terminal(tree),
        includes=tuple([child.domain for child in tree.children]),
        unevaluated=kept.unevaluated,
        cut=False,
        findings=tuple(
            [
                Finding(f.id, f.severity, name, f.evidence, f.rfc) if f.subject == other else f
                for f in kept.findings
            ]
        ),
        used=kept.used,
    )


async def _explains(reading: _Reading, spec: MacroString) -> bool:
    """Whether exp= leads to one usable text (RFC 7208 6.2); yes where only a check can tell."""
    name = literal_name(spec)
    if name is None:
        return True
    answer = await reading.ask(name, "TXT") if name else Answer(Status.NXDOMAIN)
    if answer is None or answer.unknown:
        return True
    texts = answer.records
    usable = len(texts) == 1 and len(texts[0]) <= MAX_TEXT and texts[0].isascii()
    return usable and explanation_string(texts[0].decode("ascii")) is not None


async def _elsewhere(reading: _Reading, domain: str) -> tuple[str, ...]:
    """Where people put the record by mistake (RFC 7208 3: it belongs at the domain itself)."""
    near = [f"{label}.{domain}" for label in ("_spf", "spf", "www")]
    answers = await together(*(reading.ask(name, "TXT") for name in near))
    return tuple(n for n, answer in zip(near, answers, strict=True) if answer and select(answer.records))


async def _node(reading: _Reading, domain: str, above: tuple[str, ...], via: tuple[str, ...]) -> Node:
    """One record of the tree with all below it."""
    reading.records += 1
    if reading.records > MAX_RECORDS or len(above) >= MAX_DEPTH:
        reading.cut = True
        return Node(domain, "cut", via)
    if domain in above:
        return Node(domain, "loop", via)
    answer = await reading.ask(domain, "TXT")
    if answer is None:
        return Node(domain, "cut", via)
    if answer.unknown:
        return Node(domain, "unknown", via, status=answer.status.value)
    found, meant, octets = _sorted_out(answer.records)
    if not found:
        return Node(domain, "absent", via, status=answer.status.value, meant=meant, source=answer.source)
    texts = tuple(text.decode("latin-1") for text in found)
    if len(found) > 1:
        return Node(domain, "several", via, text=texts[0], texts=texts, source=answer.source)
    record = parse(found[0])
    strings = answer.strings[answer.records.index(found[0])] if answer.strings else ()
    terms = [] if record.problems else await _terms(reading, record, domain, above)
    lookups = voids4 = voids6 = 0
    for term in terms:
        lookups += term.lookups
        voids4 += term.voids4
        voids6 += term.voids6
    return Node(
        domain,
        "broken" if record.problems else "found",
        via,
        record.text,
        record,
        tuple(terms),
        lookups,
        voids4,
        voids6,
        meant=meant,
        glued=glued(strings) if len(strings) > 1 else "",
        txt_size=octets,
        source=answer.source,
    )


@lru_cache(maxsize=64)  # a root's are wanted twice
def _sorted_out(records: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], tuple[str, ...], int]:
    """Of the TXT records at a name: the SPF records, those that were probably meant as such, and the octets
    of all.
    """
    found, meant, octets = [], [], 0
    for index, text in enumerate(records):
        octets += len(text)
        if is_spf(text):
            found.append(text)
        elif index < MAX_TEXTS and meant_as_record(text):
            meant.append(text[:300].decode("latin-1"))
    return tuple(found), tuple(meant), octets


MAX_TEXTS = 50
"""TXT records at one name that are looked at for misspelt versions."""


async def _terms(reading: _Reading, record: Record, domain: str, above: tuple[str, ...]) -> list[TermCost]:
    """What every term of a sound record costs, and the addresses it names; those that ask DNS are looked at
    side by side.
    """
    below = (*above, domain)
    terms: list[Any] = [_known(reading, term, domain, below) for term in _evaluated(record)]
    asking = [term for term in terms if isinstance(term, Mechanism)]
    redirect = record.redirect
    if not asking and redirect is None:
        return terms
    works: list[Any] = [_included(reading, term, domain, above) for term in asking if term.name == "include"]
    others = [term for term in asking if term.name != "include"]
    if others:
        works.append(_looked_up(reading, others, domain))
    if redirect is not None:
        works.append(_redirected(reading, redirect, domain, above))
    found = [await works[0]] if len(works) == 1 else await together(*works)
    last = [found.pop()] if redirect is not None else []
    looked_up = iter(found.pop() if others else ())
    included = iter(found)
    for index, term in enumerate(terms):
        if isinstance(term, Mechanism):
            terms[index] = next(included if term.name == "include" else looked_up)
    return terms + last


def _known(reading: _Reading, term: Mechanism, domain: str, above: tuple[str, ...]) -> TermCost | Mechanism:
    """The cost of a term about which nothing has to be asked: ip4, ip6, all, an include that is kept, and
    what says nothing without a client; of others the term itself.
    """
    name, text = term.name, term.written
    if name not in LOOKUP_TERMS:
        return TermCost(text, term, 0, 0, 0, () if term.network is None else (term.network,))
    target = domain if term.domain is None else literal_name(term.domain)
    if target is None or name == "ptr":
        cost = _cost(reading, term.domain)
        reading.ptr_asked |= name == "ptr"
        return TermCost(text, term, cost, unevaluated=True)
    if name == "include":
        child = _kept(reading, target, above)
        return term if child is None else _with_child(term, text, child, 1)
    return term if target else TermCost(text, term, 1)  # RFC 7208 4.8: matches nothing


def _with_child(term: Mechanism | None, text: str, child: Node, cost: int) -> TermCost:
    return TermCost(text, term, cost + child.lookups, child.voids4, child.voids6, (), child)


def _evaluated(record: Record) -> list[Mechanism]:
    """The mechanisms up to the first `all`: nothing after it is ever reached (RFC 7208 5.1)."""
    reached = []
    for term in record.mechanisms:
        reached.append(term)
        if term.name == "all":
            break
    return reached


def _cost(reading: _Reading, spec: MacroString | None) -> int:
    """What the term itself costs: one, and another one for the survey's first %{p} (RFC 7208 4.6.4)."""
    if spec is None or "p" not in spec.letters or reading.ptr_asked:
        return 1
    reading.ptr_asked = True
    return 2


async def _redirected(reading: _Reading, spec: MacroString, domain: str, above: tuple[str, ...]) -> TermCost:
    text = f"redirect={spec.text}"
    cost = _cost(reading, spec)
    target = literal_name(spec)
    if target is None:
        return TermCost(text, None, cost, unevaluated=True)
    return _with_child(None, text, await _child(reading, target, domain, text, above), cost)


async def _included(reading: _Reading, term: Mechanism, domain: str, above: tuple[str, ...]) -> TermCost:
    child = await _child(reading, literal_name(term.domain) or "", domain, term.written, above)
    return _with_child(term, term.written, child, 1)


async def _child(reading: _Reading, target: str, domain: str, text: str, above: tuple[str, ...]) -> Node:
    """The record that an include or redirect leads to; a malformed name has none (RFC 7208 5.2, 6.1)."""
    via = (domain, text)
    if not target:
        return Node("", "absent", via)
    above = (*above, domain)
    if (kept := _kept(reading, target, above)) is not None:
        return kept
    node = await _node(reading, target, above, via)
    if reading.branches is None or names.is_below(target, reading.root):
        return node
    branch = None if reading.cut or reading.ptr_asked else branch_of(node, reading.used)
    if branch is not None:
        reading.branches.put(target, branch)
    return node


def _kept(reading: _Reading, target: str, above: tuple[str, ...]) -> Node | None:
    """The record as another survey has worked it out, where it would be the same here."""
    if reading.branches is None or names.is_below(target, reading.root):
        return None
    kept = reading.branches.get(target)
    if kept is None or not _fits(reading, kept, above):
        return None
    reading.records += kept.records
    reading.used[id(kept.node)] = kept
    return kept.node


def _fits(reading: _Reading, branch: Branch, above: tuple[str, ...]) -> bool:
    """Whether the branch would be the same here: no loop with what is above, and within the budget."""
    return (
        branch.domains.isdisjoint(above)
        and reading.records + branch.records <= MAX_RECORDS
        and len(above) + branch.depth < MAX_DEPTH
    )


async def _looked_up(reading: _Reading, terms: list[Mechanism], domain: str) -> list[TermCost]:
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


def _exchanges(reading: _Reading, target: str) -> list[str]:
    answer = reading.answers.get((target, "MX"))
    return [] if answer is None else [host for _, host in answer.records if host]


def _exists(reading: _Reading, term: Mechanism, target: str) -> TermCost:
    answer = reading.answers.get((target, "A"))
    if answer is None or answer.unknown:
        return TermCost(term.written, term, 1, unevaluated=True, unknown=(target,))
    void = int(not answer.records)
    return TermCost(term.written, term, 1, void, void, always=bool(answer.records))


def _addresses(reading: _Reading, term: Mechanism, target: str, hosts: list[str]) -> TermCost:
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


__all__ = ["Node", "Outline", "State", "Survey", "TermCost", "outline", "survey", "surveyed"]
