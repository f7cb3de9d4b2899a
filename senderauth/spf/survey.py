"""The whole record without a client: tree, worst-case cost, authorised networks, what is wrong with it.

Theory of operation. The tree of includes and redirects is read side by side, each record once, within a
budget of records. Costs are those of a client that no term matches: every lookup term before an `all`
counts, with all that its include costs. Networks follow the evaluation: a term decides only for
addresses that no earlier term has decided, an include only for those that its record passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from senderauth import names
from senderauth.dns import Answer, Question, Resolver, Status, resolve_all, together
from senderauth.spf.lint import LARGE_TXT, findings_of
from senderauth.spf.macro import MAX_TEXT
from senderauth.spf.mistakes import glued, meant_as_record
from senderauth.spf.program import literal_name
from senderauth.spf.ranges import Network
from senderauth.spf.reach import authorised, branch_of, is_sound, terminal, unevaluated
from senderauth.spf.record import MacroString, Mechanism, Record, explanation_string, is_spf, parse, select
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


@dataclass
class _Reading:
    """The budget of one survey and what it has read."""

    resolver: Resolver
    records: int = 0
    questions: int = 0
    cut: bool = False
    ptr_asked: bool = False
    answers: dict[Question, Answer] = field(default_factory=dict)
    root: str = ""
    branches: Branches | None = None
    used: dict[int, Branch] = field(default_factory=dict)
    """Branches that are in the tree, by the identity of their node."""

    async def ask(self, name: str, rdtype: str) -> Answer | None:
        """None once the budget is spent. The same question is asked once."""
        question = Question(name, rdtype)
        answer = self.answers.get(question)
        if answer is None:
            if self.questions >= MAX_QUESTIONS:
                self.cut = True
                return None
            self.questions += 1
            answer = self.answers[question] = await self.resolver.resolve(question)
        return answer

    async def ask_all(self, questions: list[Question]) -> list[Answer | None]:
        """As `ask`, several at once."""
        new = [question for question in dict.fromkeys(questions) if question not in self.answers]
        if len(new) > MAX_QUESTIONS - self.questions:
            new = new[: MAX_QUESTIONS - self.questions]
            self.cut = True
        self.questions += len(new)
        if new:
            self.answers |= zip(new, await resolve_all(self.resolver, new), strict=True)
        return [self.answers.get(question) for question in questions]


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
    terms = [_known(reading, term, below) for term in _evaluated(record)]
    asking: list[Any] = [_term(reading, term, domain, above) for term in terms if isinstance(term, Mechanism)]
    if record.redirect:
        asking.append(_redirected(reading, record.redirect, domain, above))
    if not asking:
        return terms  # type: ignore[return-value] # all known
    found = iter([await asking[0]] if len(asking) == 1 else await together(*asking))
    return [next(found) if isinstance(term, Mechanism) else term for term in terms] + list(found)


def _known(reading: _Reading, term: Mechanism, above: tuple[str, ...]) -> TermCost | Mechanism:
    """The cost of a term about which nothing has to be asked: ip4, ip6, all, and an include that is kept; of
    others the term itself.
    """
    if not term.costs_lookup:
        return TermCost(term.written, term, 0, networks=(term.network,) if term.network else ())
    if term.name == "include" and (target := literal_name(term.domain)):
        child = _kept(reading, target, above)
        if child is not None:
            return TermCost(term.written, term, 1 + child.lookups, child.voids4, child.voids6, (), child)
    return term


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
    child = await _child(reading, target, domain, text, above)
    return TermCost(text, None, cost + child.lookups, child.voids4, child.voids6, child=child)


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


async def _term(reading: _Reading, term: Mechanism, domain: str, above: tuple[str, ...]) -> TermCost:
    text = term.written
    cost = _cost(reading, term.domain)
    target = domain if term.domain is None else literal_name(term.domain)
    if target is None or term.name == "ptr":
        reading.ptr_asked |= term.name == "ptr"
        return TermCost(text, term, cost, unevaluated=True)
    if not target and term.name != "include":  # RFC 7208 4.8: matches nothing
        return TermCost(text, term, cost)
    match term.name:
        case "include":
            child = await _child(reading, target, domain, text, above)
            return TermCost(text, term, 1 + child.lookups, child.voids4, child.voids6, child=child)
        case "exists":
            answer = await reading.ask(target, "A")
            if answer is None or answer.unknown:
                return TermCost(text, term, 1, unevaluated=True, unknown=(target,))
            void = int(not answer.records)
            return TermCost(text, term, 1, void, void, always=bool(answer.records))
        case "mx":
            return await _mx(reading, term, target)
        case _:
            found = _Found()
            await found.look(reading, [target])
            return found.cost(text, term)


async def _mx(reading: _Reading, term: Mechanism, target: str) -> TermCost:
    answer = await reading.ask(target, "MX")
    if answer is None or answer.unknown:
        return TermCost(term.written, term, 1, unevaluated=True, unknown=(target,))
    hosts = [host for _, host in answer.records if host]
    found = _Found()
    if not answer.records:
        found.voids = {4: 1, 6: 1}
    await found.look(reading, hosts[:MAX_MX])  # RFC 7208 4.6.4
    return found.cost(term.written, term, len(hosts))


@lru_cache(maxsize=2_048)  # many domains have the same mail exchanges
def _around(address: str, prefix: int | None) -> Network:
    return ip_network(address if prefix is None else f"{address}/{prefix}", strict=False)


@dataclass
class _Found:
    """The addresses that one a or mx term stands for."""

    addresses: list[str] = field(default_factory=list)
    voids: dict[int, int] = field(default_factory=lambda: {4: 0, 6: 0})
    unknown: list[str] = field(default_factory=list)

    async def look(self, reading: _Reading, hosts: list[str]) -> None:
        """Asks both families of every host, side by side."""
        asked = [(host, version) for host in hosts for version in (4, 6)]
        answers = await reading.ask_all(
            [Question(host, "A" if version == 4 else "AAAA") for host, version in asked]
        )
        for (host, version), answer in zip(asked, answers, strict=True):
            if answer is None or answer.unknown:
                self.unknown.append(host)
            elif answer.records:
                self.addresses += answer.records
            else:
                self.voids[version] += 1

    def cost(self, text: str, term: Mechanism, exchanges: int = 0) -> TermCost:
        """The term with the networks of its prefix lengths around those addresses."""
        networks = [
            _around(address, term.prefix6 if ":" in address else term.prefix4) for address in self.addresses
        ]
        return TermCost(
            text,
            term,
            1,
            self.voids[4],
            self.voids[6],
            networks=tuple(networks),
            unevaluated=bool(self.unknown),
            unknown=tuple(dict.fromkeys(self.unknown)),
            exchanges=exchanges,
        )


__all__ = ["Node", "Outline", "State", "Survey", "TermCost", "outline", "survey", "surveyed"]
