"""The whole record without a client: tree, worst-case cost, authorised networks, what is wrong with it.

Theory of operation. The tree of includes and redirects is read side by side, each record once, within a
budget of records. Costs are those of a client that no term matches: every lookup term before an `all`
counts, with all that its include costs. Networks follow the evaluation: a term decides only for
addresses that no earlier term has decided, an include only for those that its record passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from senderauth import names
from senderauth.dns import Answer, Question, Resolver, Status, together
from senderauth.spf.lint import LARGE_TXT, findings_of
from senderauth.spf.macro import MAX_TEXT
from senderauth.spf.mistakes import glued, meant_as_record
from senderauth.spf.program import literal_name
from senderauth.spf.ranges import Ranges
from senderauth.spf.reach import branch_of, passes_of, terminal, unevaluated
from senderauth.spf.reading import Reading, looked_up
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
from senderauth.spf.tree import (
    MAX_DEPTH,
    MAX_NETWORKS,
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
    answer = await resolver.resolve(Question(name, "TXT"))
    texts = _sorted_out(answer.records)
    plain = None if branches is None else _plain(answer, texts)
    if branches is not None and plain is not None:
        kept = branches.get(plain)
        if kept is not None and not (kept.domains and any(names.is_below(d, name) for d in kept.domains)):
            return _same_record(kept, name)
    reading = Reading(resolver, name, branches, {(name, "TXT"): answer})
    tree = await _read(reading, answer, texts, name, (), ())
    used = reading.used
    passes = passes_of(tree, used)
    findings, open_terms = findings_of(tree, passes, reading.cut, used), unevaluated(tree, used)
    found = _outlined(tree, passes, tuple(dict.fromkeys(open_terms)), reading.cut, findings, used)
    if branches is not None and plain is not None and not reading.cut and not reading.ptr_asked:
        _keep(branches, plain, found)
    return found


def _plain(answer: Answer, texts: Texts) -> str | None:
    """The text of the one SPF record, where nothing beside it says anything about it."""
    found, meant, octets = texts
    if len(found) != 1 or octets > LARGE_TXT or meant:
        return None
    strings = answer.strings
    one_string = not strings or len(strings[answer.records.index(found[0])]) == 1
    return found[0].decode("latin-1") if one_string else None


def _keep(branches: Branches, text: str, found: Outline) -> None:
    """Keeps the outline for other domains with the same record, if none of its terms is about the domain."""
    tree, used = found.tree, found.used
    if tree.record is None or tree.state != "found" or tree.record.exp is not None:
        return
    below = [cost.child for cost in tree.terms if cost.lookups]  # only includes and redirects have one
    children: list[Branch] = []
    if None in below:
        return
    for child in below:
        branch = None if child is None else used.get(id(child)) or branch_of(child, used)
        if branch is None:
            return
        children.append(branch)
    domains = frozenset().union(*[child.domains for child in children])
    inner = {id(child.node): child for child in children}
    kept = Branch(tree, found.passes, found.findings, found.unevaluated, domains, 0, 0, False, inner)
    branches.put(text, kept)  # nothing asks whether it is sound: it is in no tree


def _same_record(kept: Branch, name: str) -> Outline:
    """The outline of a domain whose record another one has, too."""
    tree = renamed(kept.node, name)
    other, findings = kept.node.domain, kept.findings
    if findings:
        findings = tuple(
            [
                Finding(f.id, f.severity, name, f.evidence, f.rfc) if f.subject == other else f
                for f in findings
            ]
        )
    return _outlined(tree, kept.passes, kept.unevaluated, False, findings, kept.used)


def _outlined(
    tree: Node,
    passes: dict[int, Ranges],
    unevaluated: tuple[str, ...],
    cut: bool,
    findings: tuple[Finding, ...],
    used: Mapping[int, Branch],
) -> Outline:
    """The outline of a tree."""
    return Outline(
        tree.domain,
        tree.state,
        tree.text,
        tree,
        tree.lookups,
        max(tree.voids4, tree.voids6),
        passes,
        terminal(tree),
        tuple([cost.child.domain for cost in tree.terms if cost.child is not None]),
        unevaluated,
        cut,
        findings,
        used,
    )


async def _explains(reading: Reading, spec: MacroString) -> bool:
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


async def _elsewhere(reading: Reading, domain: str) -> tuple[str, ...]:
    """Where people put the record by mistake (RFC 7208 3: it belongs at the domain itself)."""
    near = [f"{label}.{domain}" for label in ("_spf", "spf", "www")]
    await reading.ask_all([(name, "TXT") for name in near])
    answers = [reading.answers.get((name, "TXT")) for name in near]
    return tuple([n for n, answer in zip(near, answers, strict=True) if answer and select(answer.records)])


async def _node(reading: Reading, domain: str, above: tuple[str, ...], via: tuple[str, ...]) -> Node:
    """One record that others include, with all below it."""
    reading.records += 1
    if reading.records > MAX_RECORDS or len(above) >= MAX_DEPTH:
        reading.cut = True
        return Node(domain, "cut", via)
    if domain in above:
        return Node(domain, "loop", via)
    answer = await reading.ask(domain, "TXT")
    if answer is None:
        return Node(domain, "cut", via)
    return await _read(reading, answer, _sorted_out(answer.records), domain, above, via)


async def _read(
    reading: Reading, answer: Answer, texts: Texts, domain: str, above: tuple[str, ...], via: tuple[str, ...]
) -> Node:
    """One record of the tree with all below it, of the answer for its name."""
    if answer.unknown:
        return Node(domain, "unknown", via, status=answer.status.value)
    found, meant, octets = texts
    if not found:
        status, elsewhere = answer.status.value, () if above else await _elsewhere(reading, domain)
        return Node(
            domain, "absent", via, status=status, meant=meant, source=answer.source, elsewhere=elsewhere
        )  # fmt: skip
    if len(found) > 1:
        shown = tuple([text.decode("latin-1") for text in found])
        return Node(domain, "several", via, text=shown[0], texts=shown, source=answer.source)
    record = parse(found[0])
    strings = answer.strings[answer.records.index(found[0])] if answer.strings else ()
    terms: list[TermCost] = []
    if not record.problems:
        terms, asking, redirect = _known_terms(reading, record, domain, above)
        if asking or redirect is not None:
            terms = await _asked_terms(reading, terms, asking, redirect, domain, above)
    lookups = voids4 = voids6 = 0
    for term in terms:
        if term.lookups:
            lookups += term.lookups
            voids4 += term.voids4
            voids6 += term.voids6
    exp = None if above else record.exp  # only the root's is ever asked (RFC 7208 6.2)
    explains = True if exp is None else await _explains(reading, exp)
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
        "",
        (),
        meant,
        glued(strings) if len(strings) > 1 else "",
        octets,
        answer.source,
        (),
        explains,
    )


Texts = tuple[list[bytes], tuple[str, ...], int]
"""Of the TXT records at a name: the SPF records, those that were probably meant as such, all their octets."""


def _sorted_out(records: tuple[bytes, ...]) -> Texts:
    found: list[bytes] = []
    meant: list[str] = []
    octets = 0
    for index, text in enumerate(records):
        octets += len(text)
        if is_spf(text):
            found.append(text)
        elif index < MAX_TEXTS and meant_as_record(text):
            meant.append(text[:300].decode("latin-1"))
    return found, tuple(meant), octets


MAX_TEXTS = 50
"""TXT records at one name that are looked at for misspelt versions."""


def _known_terms(
    reading: Reading, record: Record, domain: str, above: tuple[str, ...]
) -> tuple[list[Any], list[Mechanism], MacroString | None]:
    """What every term of a sound record costs, and the addresses it names; in place of those that ask DNS the
    terms themselves, which are given apart once more; and where a redirect leads.
    """
    below = (*above, domain)
    costs: list[Any] = []
    asking: list[Mechanism] = []
    for term in record.terms:
        if isinstance(term, Mechanism):
            cost = _known(reading, term, domain, below)
            costs.append(cost)
            if cost is term:
                asking.append(term)
            if term.name == "all":  # nothing after it is ever reached (RFC 7208 5.1)
                return costs, asking, None
    return costs, asking, record.redirect if len(costs) < len(record.terms) else None


async def _asked_terms(
    reading: Reading, terms: list[Any], asking: list[Mechanism], redirect: MacroString | None, domain: str,
    above: tuple[str, ...],
) -> list[TermCost]:  # fmt: skip
    """As `_known_terms`, with those that ask DNS, looked at side by side."""
    works: list[Any] = [_included(reading, term, domain, above) for term in asking if term.name == "include"]
    others = [term for term in asking if term.name != "include"]
    if others:
        works.append(looked_up(reading, others, domain))
    if redirect is not None:
        works.append(_redirected(reading, redirect, domain, above))
    found = [await works[0]] if len(works) == 1 else await together(*works)
    last = [found.pop()] if redirect is not None else []
    others_found = iter(found.pop() if others else ())
    included = iter(found)
    for index, term in enumerate(terms):
        if isinstance(term, Mechanism):
            terms[index] = next(included if term.name == "include" else others_found)
    return terms + last


def _known(reading: Reading, term: Mechanism, domain: str, above: tuple[str, ...]) -> TermCost | Mechanism:
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


def _cost(reading: Reading, spec: MacroString | None) -> int:
    """What the term itself costs: one, and another one for the survey's first %{p} (RFC 7208 4.6.4)."""
    if spec is None or "p" not in spec.letters or reading.ptr_asked:
        return 1
    reading.ptr_asked = True
    return 2


async def _redirected(reading: Reading, spec: MacroString, domain: str, above: tuple[str, ...]) -> TermCost:
    text = f"redirect={spec.text}"
    cost = _cost(reading, spec)
    target = literal_name(spec)
    if target is None:
        return TermCost(text, None, cost, unevaluated=True)
    return _with_child(None, text, await _child(reading, target, domain, text, above), cost)


async def _included(reading: Reading, term: Mechanism, domain: str, above: tuple[str, ...]) -> TermCost:
    child = await _child(reading, literal_name(term.domain) or "", domain, term.written, above)
    return _with_child(term, term.written, child, 1)


async def _child(reading: Reading, target: str, domain: str, text: str, above: tuple[str, ...]) -> Node:
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


def _kept(reading: Reading, target: str, above: tuple[str, ...]) -> Node | None:
    """The record as another survey has worked it out, where it would be the same here."""
    branches, root = reading.branches, reading.root
    if branches is None or (target.endswith(root) and names.is_below(target, root)):
        return None
    kept = branches.get(target)
    if kept is None or not _fits(reading, kept, above):
        return None
    reading.records += kept.records
    reading.used[id(kept.node)] = kept
    return kept.node


def _fits(reading: Reading, branch: Branch, above: tuple[str, ...]) -> bool:
    """Whether the branch would be the same here: no loop with what is above, and within the budget."""
    return (
        branch.domains.isdisjoint(above)
        and reading.records + branch.records <= MAX_RECORDS
        and len(above) + branch.depth < MAX_DEPTH
    )


__all__ = ["Node", "Outline", "State", "Survey", "TermCost", "outline", "survey", "surveyed"]
