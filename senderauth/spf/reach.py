"""What a surveyed tree means: the addresses that it passes, how it ends, what it leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network
from itertools import chain

from senderauth.spf.lint import branch_findings
from senderauth.spf.ranges import EVERYTHING, Network, Ranges, Span, span_of, spans_of
from senderauth.spf.state import MAX_MX
from senderauth.spf.tree import Branch, Node, TermCost

NOTHING: Mapping[int, Branch] = {}
_NONE = Ranges()
_NOBODY = {4: _NONE, 6: _NONE}


def authorised(node: Node, version: int, used: Mapping[int, Branch] = NOTHING) -> Ranges:
    """The addresses of one family (4 or 6) that a record of a survey's tree passes, those apart that its
    unevaluated terms may pass: those of "+" terms that no term before has decided otherwise.
    """
    if node.state != "found":
        return _NONE
    if (branch := used.get(id(node))) is not None:
        return branch.passes[version]
    parts: list[Ranges] = []
    passed: list[Span] = []
    refused = _NONE
    for cost in node.terms:
        term = cost.term
        if term is not None and term.qualifier != "+":
            if term.name == "all":  # the last that is reached
                break
            refused |= reach(cost, version, used)
        elif cost.networks and not refused.spans:
            passed += spans_of(cost.networks, version)  # nearly all terms: no set for each
        else:
            reached = reach(cost, version, used)
            if reached.spans:
                parts.append(reached - refused if refused.spans else reached)
    if not passed and len(parts) < 2:  # one include and `all`, as in half of all records
        return parts[0] if parts else _NONE
    for part in parts:
        passed += part.spans
    return Ranges.joined(passed)


def passes_of(node: Node, used: Mapping[int, Branch] = NOTHING) -> dict[int, Ranges]:
    """What `authorised` says of both families. In one walk where nothing is taken away again, as in nearly
    all records.
    """
    if node.state != "found":
        return _NOBODY
    if (branch := used.get(id(node))) is not None:
        return branch.passes
    networks: list[Network] = []
    parts: list[dict[int, Ranges]] = []
    for cost in node.terms:
        term = cost.term
        if term is not None and term.qualifier != "+":
            if term.name == "all":  # the last that is reached
                break
            return {version: authorised(node, version, used) for version in (4, 6)}
        if (child := cost.child) is not None:
            branch = used.get(id(child))
            parts.append(passes_of(child, used) if branch is None else branch.passes)
        elif cost.always or (term is not None and term.name == "all"):
            return EVERYTHING
        else:
            networks += cost.networks
    if not networks and len(parts) < 2:  # one include and `all`, as in half of all records
        return parts[0] if parts else _NOBODY
    if not networks and sum([len(part[4].spans) + len(part[6].spans) for part in parts]) < MAX_UNION:
        return {4: _union(*[part[4].spans for part in parts]), 6: _union(*[part[6].spans for part in parts])}
    spans: dict[int, list[Span]] = {4: [], 6: []}
    for network in networks:
        spans[4 if isinstance(network, IPv4Network) else 6].append(span_of(network))
    for part in parts:
        spans[4] += part[4].spans
        spans[6] += part[6].spans
    return {version: Ranges.joined(each) if each else _NONE for version, each in spans.items()}


MAX_UNION = 100
"""Intervals of a union that is kept."""


@lru_cache(maxsize=1_024)  # many records include the same two or three
def _union(*parts: tuple[Span, ...]) -> Ranges:
    return Ranges.joined(chain.from_iterable(parts))


def reach(cost: TermCost, version: int, used: Mapping[int, Branch] = NOTHING) -> Ranges:
    """The addresses that a term matches; of a redirect those that its record passes."""
    if (child := cost.child) is not None:
        branch = used.get(id(child))
        return authorised(child, version, used) if branch is None else branch.passes[version]
    if cost.always or (cost.term is not None and cost.term.name == "all"):
        return EVERYTHING[version]
    return Ranges.joined(spans_of(cost.networks, version)) if cost.networks else _NONE


def qualifier(node: Node, number: int, used: Mapping[int, Branch] = NOTHING) -> str:
    """What an IPv4 address meets, "+" to "?", in a tree in which nothing is unevaluated and nothing wrong
    (RFC 7208 4.6.2, 4.7). used: the outline's.
    """
    for cost in node.terms:
        if cost.term is None and cost.child is not None:
            return qualifier(cost.child, number, used)
        if cost.term is not None and number in reach(cost, 4, used):
            return cost.term.qualifier
    return "?"


def is_sound(node: Node, used: Mapping[int, Branch] = NOTHING) -> bool:
    """Whether no term ends an evaluation with an error, limits of the whole tree apart."""
    if (branch := used.get(id(node))) is not None:
        return branch.sound
    if node.state != "found":
        return False
    for cost in node.terms:
        if cost.exchanges > MAX_MX or (cost.child is not None and not is_sound(cost.child, used)):
            return False
    return True


def terminal(node: Node) -> str:
    """How the record ends for a client that nothing matches: "-all" … "+all", "" for neutral by default."""
    if node.state != "found" or not node.terms:
        return ""
    last = node.terms[-1]  # an `all` or a redirect is always the last that is reached
    if last.term is None:
        return "" if last.child is None else terminal(last.child)
    return f"{last.term.qualifier}all" if last.term.name == "all" else ""


def unevaluated(node: Node, used: Mapping[int, Branch] = NOTHING) -> list[str]:
    """The terms that say nothing without a client, or that DNS would not tell."""
    if (branch := used.get(id(node))) is not None:
        return list(branch.unevaluated)
    found = []
    for cost in node.terms:
        if cost.unevaluated:
            found.append(cost.text)
        if (child := cost.child) is not None:
            if child.state in ("unknown", "cut"):
                found.append(cost.text)
            branch = used.get(id(child))
            found += unevaluated(child, used) if branch is None else branch.unevaluated
    return found


def branch_of(node: Node, used: Mapping[int, Branch]) -> Branch | None:
    """The record as a branch; None where it is not the same for everybody and at all times."""
    below = [
        used.get(id(cost.child)) or branch_of(cost.child, used)
        for cost in node.terms
        if cost.child is not None
    ]
    if node.state in ("unknown", "loop", "cut") or any(cost.unknown for cost in node.terms):
        return None
    children = [branch for branch in below if branch is not None]
    if len(children) < len(below):
        return None
    return Branch(
        node,
        passes_of(node, used),
        branch_findings(node),
        tuple(unevaluated(node, used)),
        frozenset((node.domain,)).union(*(child.domains for child in children)),
        1 + sum(child.records for child in children),
        1 + max((child.depth for child in children), default=0),
        is_sound(node, used),
    )
