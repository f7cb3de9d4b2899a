"""Bringing an SPF record within the limits of RFC 7208 4.6.4 without changing whom it authorises.

Theory of operation. Worked out on the survey, which holds the whole tree and its worst case. First what
does nothing is dropped: duplicates, networks inside others, terms without an address, includes of what is
no record. If that is not enough, terms are replaced by the networks they stand for today, those first that
save most lookups for each network; terms whose networks cannot be known (macros, ptr, names that DNS would
not tell) stay. A record that becomes too long for one answer is split into included ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import collapse_addresses

from senderauth import spf
from senderauth.advice.proposals.ground import Network, address_term
from senderauth.spf import MAX_TERMS, MAX_VOIDS, Mechanism, Node, Record, Survey, Term, TermCost

MAX_TEXT = 400
"""Octets of one record: with the other TXT records and the header it stays below 512 (RFC 7208 3.4)."""
MAX_NETWORKS = 120
MAX_SPLITS = 6
DEAD = ("absent", "several", "broken", "loop")
ENDS = spf.parse("v=spf1 ~all").mechanisms
"""In place of a redirect that leads nowhere: nobody knows who else sends."""


@dataclass(frozen=True, slots=True)
class Within:
    """A record within the limits, and those that it includes."""

    record: Record
    splits: tuple[tuple[str, str], ...]
    """Name and text of each."""
    dropped: tuple[str, ...]
    """Terms that did nothing."""
    replaced: tuple[str, ...]
    """Terms in whose place their networks stand."""


@dataclass(slots=True)
class _Row:
    """One term with what it costs and, once replaced, the terms in its place."""

    term: Term
    cost: TermCost | None
    instead: tuple[Term, ...] | None = None

    @property
    def lookups(self) -> int:
        return 0 if self.instead is not None or self.cost is None else self.cost.lookups

    @property
    def voids(self) -> int:
        if self.instead is not None or self.cost is None:
            return 0
        return max(self.cost.voids4, self.cost.voids6)


def within_limits(survey: Survey) -> Within | None:
    """The record within the limits; None where it is already, or where it cannot be done."""
    node = survey.tree
    over = survey.lookups > MAX_TERMS or survey.void_lookups > MAX_VOIDS
    if node.record is None or not (over or _gone(_dropped(node))):
        return None
    found = None
    for spare in range(MAX_SPLITS):  # lookups that the split-off records need
        rows = _dropped(node)
        dropped = tuple(str(row.term) for row in rows if row.instead in ((), ENDS))
        _flatten(rows, MAX_TERMS - spare)
        if _over(rows, MAX_TERMS):
            break
        terms = tuple(_told_once(rows))
        replaced = tuple(str(row.term) for row in rows if row.instead and row.instead != ENDS)
        if len(str(Record(terms))) <= MAX_TEXT:
            return Within(Record(terms), (), dropped, replaced)
        found = found or Within(Record(terms), (), dropped, replaced)  # too long, but better than none
        split = _split(survey.domain, terms, sum(row.lookups for row in rows))
        if split is not None:
            return Within(*split, dropped, replaced)
    return found


def _rows(node: Node) -> list[_Row]:
    """The terms with their costs; of those after an `all` nothing is ever asked."""
    assert node.record is not None
    costs = {id(cost.term): cost for cost in node.terms if cost.term is not None}
    redirect = next((cost for cost in node.terms if cost.term is None), None)
    rows = [_Row(term, costs.get(id(term))) for term in node.record.terms]
    for row in rows:
        if not isinstance(row.term, Mechanism) and row.term.name == "redirect":
            row.cost = redirect
    return rows


def _dead(cost: TermCost) -> bool:
    """Whether a term can be left out: what it asks for is not there, or is nothing that SPF can use."""
    if cost.child is not None:
        return cost.term is not None and cost.child.state in DEAD
    if cost.term is None or cost.term.name not in ("a", "mx", "exists"):
        return False
    return not (cost.networks or cost.always or cost.unevaluated or cost.unknown)


def _spoilt(cost: TermCost) -> bool:
    """Whether an include ends in an error for what its record includes: a loop, or what is not there."""
    child = cost.child
    if child is None or cost.term is None or child.state != "found":
        return False
    return any(_fails(inner) for inner in child.terms if inner.child is not None)


def _astray(cost: TermCost) -> bool:
    """Whether a redirect leads to no record that can be used."""
    return cost.term is None and cost.child is not None and cost.child.state in DEAD


def _fails(cost: TermCost) -> bool:
    """Whether a term does nothing, or ends in an error."""
    return _dead(cost) or _spoilt(cost) or _astray(cost)


def _gone(rows: list[_Row]) -> bool:
    """Whether a term that ends in an error is gone."""
    return any(
        row.instead is not None and row.cost is not None and row.cost.child is not None and _fails(row.cost)
        for row in rows
    )


def _dropped(node: Node) -> list[_Row]:
    """The terms without what does nothing, and what ends in an error; what that passes stays."""
    rows = _rows(node)
    seen: list[Term] = []
    passed: list[Network] = []
    plain = True
    for row in rows:
        term = row.term
        if not isinstance(term, Mechanism):
            row.instead = ENDS if row.cost is not None and _astray(row.cost) else None
            continue
        inside = term.network is not None and any(_covers(network, term.network) for network in passed)
        if term in seen or (row.cost is not None and _dead(row.cost)) or (inside and plain):
            row.instead = ()
        elif row.cost is not None and _spoilt(row.cost):
            row.instead = _networks_of(row)
        seen.append(term)
        plain = plain and term.qualifier == "+"  # an earlier "-" may take some of the network away
        if term.network is not None and term.qualifier == "+":
            passed.append(term.network)
    return sorted(rows, key=lambda row: row.instead == ENDS)  # a redirect may stand anywhere (RFC 7208 6)


def _told_once(rows: list[_Row]) -> Iterator[Term]:
    """The terms that are left; each network once, as long as no term before turned addresses away."""
    passed: list[Network] = []
    plain = True
    for row in rows:
        for term in row.instead if row.instead is not None else (row.term,):
            if isinstance(term, Mechanism):
                plain = plain and term.qualifier == "+"
                if term.network is not None and plain:
                    if any(_covers(network, term.network) for network in passed):
                        continue
                    passed.append(term.network)
            yield term


def _covers(wide: Network, narrow: Network) -> bool:
    return wide.version == narrow.version and narrow.subnet_of(wide)  # type: ignore[arg-type]


def _over(rows: list[_Row], lookups: int) -> bool:
    return sum(row.lookups for row in rows) > lookups or sum(row.voids for row in rows) > MAX_VOIDS


def _flatten(rows: list[_Row], lookups: int) -> None:
    """Puts networks in the place of terms until the limits are kept, of no term more than that takes."""
    known = [(row, terms) for row in rows if (terms := _networks_of(row)) is not None]
    chosen: list[tuple[_Row, tuple[Term, ...]]] = []
    while known and _over(rows, lookups):
        many = sum(row.lookups for row in rows) > lookups
        void = sum(row.voids for row in rows) > MAX_VOIDS
        best = max(
            known, key=lambda pair: (pair[0].lookups * many + pair[0].voids * void) / (len(pair[1]) + 1)
        )
        known.remove(best)
        chosen.append(best)
        best[0].instead = best[1]
    for row, terms in chosen:
        row.instead = None
        if _over(rows, lookups):
            row.instead = terms


def _networks_of(row: _Row) -> tuple[Term, ...] | None:
    """The terms for the networks that a term passes today; None where they cannot be told or are too many."""
    cost = row.cost
    if row.instead is not None or cost is None or cost.term is None or not cost.lookups:
        return None
    if cost.term.qualifier != "+" or cost.always or not _told(cost):
        return None
    if cost.child is not None:
        found = [n for v in (4, 6) for n in spf.authorised(cost.child, v).networks(v, MAX_NETWORKS + 1)]
    else:
        found = [
            network
            for version in (4, 6)
            for network in collapse_addresses(n for n in cost.networks if n.version == version)  # type: ignore[type-var]
        ]
    return tuple(address_term(network) for network in found) if len(found) <= MAX_NETWORKS else None


def _told(cost: TermCost) -> bool:
    """Whether everything below a term can be told without a client."""
    if cost.unevaluated or cost.unknown or cost.always:
        return False
    child = cost.child
    if child is None:
        return True
    return child.state == "found" and all(map(_told_or_nothing, child.terms))


def _told_or_nothing(cost: TermCost) -> bool:
    """Whether it can be told, or passes nobody."""
    return _told(cost) or _dead(cost) or _astray(cost)


def _split(
    domain: str, terms: tuple[Term, ...], lookups: int
) -> tuple[Record, tuple[tuple[str, str], ...]] | None:
    """The networks moved to records of their own, `_spf1.<domain>` and so on, included in their place."""
    networks = [t for t in terms if isinstance(t, Mechanism) and t.network is not None and t.qualifier == "+"]
    first = next((index for index, term in enumerate(terms) if term in networks), None)
    turned = any(isinstance(t, Mechanism) and t.qualifier != "+" and t.name != "all" for t in terms)
    if first is None or turned:
        return None  # what is moved could then match before a term that turned it away
    parts: list[list[str]] = [[]]
    for term in networks:
        if sum(len(word) + 1 for word in parts[-1]) + len(str(term)) > MAX_TEXT - 20:
            parts.append([])
        parts[-1].append(str(term))
    if lookups + len(parts) > MAX_TERMS:
        return None
    splits = tuple(
        (f"_spf{number}.{domain}", " ".join(["v=spf1", *words, "-all"]))
        for number, words in enumerate(parts, 1)
    )
    includes = spf.parse(" ".join(["v=spf1", *(f"include:{name}" for name, _ in splits)])).mechanisms
    rest = [term for term in terms if term not in networks]
    return Record((*rest[:first], *includes, *rest[first:])), splits
