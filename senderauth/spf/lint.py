"""What is wrong with a surveyed record, as findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from senderauth.spf.ranges import EVERYTHING, Ranges
from senderauth.spf.record import Mechanism, Modifier, Record
from senderauth.spf.state import MAX_MX, MAX_TERMS, MAX_VOIDS
from senderauth.spf.tree import Node, TermCost
from senderauth.values import Finding, Severity

LARGE4 = 2**24  # more than a /8
LARGE_TXT = 450  # RFC 7208 3.4: with the rest of the answer beyond 512 octets
NEAR = 2


def findings_of(tree: Node, passes: Mapping[int, Ranges], cut: bool) -> tuple[Finding, ...]:
    """All findings about a surveyed record and those below it."""
    return (*_root(tree), *_authorised(tree, passes), *_costs(tree, cut), *_nodes(tree, True))


def _finding(node: Node, id: str, severity: Severity, rfc: str, **evidence: object) -> Finding:
    return Finding(id, severity, node.domain, evidence, rfc)


def _root(tree: Node) -> Iterator[Finding]:
    if tree.state == "absent":
        for text in tree.texts:
            yield _finding(tree, "spf-malformed-version", "high", "RFC 7208 4.5", record=text)
        yield _finding(tree, "spf-record-absent", "medium", "RFC 7208 4.5")
        for name in tree.elsewhere:
            yield _finding(tree, "spf-record-at-wrong-name", "high", "RFC 7208 3", name=name)
    elif tree.state == "unknown":
        yield _finding(tree, "spf-record-unknown", "medium", "RFC 7208 4.4", status=tree.status)


def _authorised(tree: Node, passes: Mapping[int, Ranges]) -> Iterator[Finding]:
    if tree.state != "found":
        return
    if any(passes[version] == EVERYTHING[version] for version in (4, 6)):
        yield _finding(tree, "spf-passes-everyone", "high", "RFC 7208 5.1", record=tree.text)
    elif passes[4].size > LARGE4:
        yield _finding(tree, "spf-authorises-many", "medium", "RFC 7208 11.4", addresses=passes[4].size)


def _costs(tree: Node, cut: bool) -> Iterator[Finding]:
    costs = [f"{cost.text}: {cost.lookups}" for cost in tree.terms if cost.lookups]
    if tree.lookups > MAX_TERMS:
        yield _finding(
            tree, "spf-too-many-lookups", "high", "RFC 7208 4.6.4",
            lookups=tree.lookups, limit=MAX_TERMS, costs=costs,
        )  # fmt: skip
    elif tree.lookups > MAX_TERMS - NEAR:
        yield _finding(
            tree,
            "spf-near-lookup-limit",
            "low",
            "RFC 7208 4.6.4",
            lookups=tree.lookups,
            limit=MAX_TERMS,
            costs=costs,
        )
    for version, voids in ((4, tree.voids4), (6, tree.voids6)):
        if voids > MAX_VOIDS:
            severity: Severity = "high" if version == 4 else "low"
            id = "spf-too-many-voids" if version == 4 else "spf-too-many-voids-ipv6"
            yield _finding(tree, id, severity, "RFC 7208 4.6.4", voids=voids, limit=MAX_VOIDS)
            break
    if cut:
        yield _finding(tree, "spf-tree-too-large", "high", "RFC 7208 4.6.4", lookups=tree.lookups)


def _nodes(node: Node, root: bool) -> Iterator[Finding]:
    """Findings about one record and, below it, about the records of others."""
    if node.state == "several":
        yield _finding(
            node,
            "spf-several-records",
            "high",
            "RFC 7208 4.5",
            count=len(node.texts),
            records=list(node.texts),
        )
    if node.record is not None and node.text is not None:
        yield from _record(node, node.record, root)
    seen: Counter[str] = Counter()
    for cost in node.terms:
        yield from _term(node, cost, root)
        if cost.child is not None:
            seen[cost.child.domain] += 1
            if seen[cost.child.domain] == 2:
                yield _finding(
                    node, "spf-duplicate-include", "low", "RFC 7208 4.6.4", include=cost.child.domain
                )
            yield from _child(node, cost, cost.child)


def _child(node: Node, cost: TermCost, child: Node) -> Iterator[Finding]:
    if child.state == "absent":
        id = "spf-redirect-without-record" if cost.term is None else "spf-include-without-record"
        rfc = "RFC 7208 6.1" if cost.term is None else "RFC 7208 5.2"
        yield _finding(node, id, "high", rfc, term=cost.text, domain=child.domain, status=child.status)
    elif child.state == "unknown":
        yield _finding(
            node,
            "spf-include-unknown",
            "medium",
            "RFC 7208 5.2",
            term=cost.text,
            domain=child.domain,
            status=child.status,
        )
    elif child.state == "loop":
        yield _finding(
            node, "spf-include-loop", "high", "RFC 7208 4.6.4", term=cost.text, domain=child.domain
        )
    else:
        yield from _nodes(child, False)


def _term(node: Node, cost: TermCost, root: bool) -> Iterator[Finding]:
    if cost.term is None:
        return
    if cost.term.name == "ptr":
        yield _finding(node, "spf-ptr-used", "medium", "RFC 7208 5.5", term=cost.text)
    if cost.exchanges > MAX_MX:
        yield _finding(
            node,
            "spf-too-many-mx",
            "high",
            "RFC 7208 4.6.4",
            term=cost.text,
            count=cost.exchanges,
            limit=MAX_MX,
        )
    if cost.child is None and cost.voids4 and cost.voids6 and not cost.networks:
        yield _finding(node, "spf-void-term", "medium" if root else "low", "RFC 7208 4.6.4", term=cost.text)
    for name in cost.unknown:
        yield _finding(node, "spf-term-unknown", "low", "RFC 7208 5", term=cost.text, name=name)


def _record(node: Node, record: Record, root: bool) -> Iterator[Finding]:
    for problem in record.problems:
        yield _finding(
            node, problem.id, "high", "RFC 7208 4.6",
            **{"record": node.text, "start": problem.span.start, "end": problem.span.end, **problem.facts},
        )  # fmt: skip
    yield from _modifiers(node, record)
    if node.txt_size > LARGE_TXT and root:
        yield _finding(node, "spf-txt-large", "low", "RFC 7208 3.4", octets=node.txt_size)
    if not root or record.problems:
        return
    alls = [term for term in record.mechanisms if term.name == "all"]
    redirects = [t for t in record.terms if isinstance(t, Modifier) and t.name == "redirect"]
    if not alls and not redirects:
        yield _finding(node, "spf-no-all", "medium", "RFC 7208 4.7", record=node.text)
    if alls and alls[0].qualifier == "?":
        yield _finding(node, "spf-neutral-all", "medium", "RFC 7208 8.2", record=node.text)
    if alls:
        position = record.terms.index(alls[0])
        after = [t.written for t in record.terms[position + 1 :] if isinstance(t, Mechanism)]
        after += [t.written for t in redirects]
        if after:
            yield _finding(node, "spf-terms-after-all", "medium", "RFC 7208 5.1", terms=after)
    twice = [text for text, count in Counter(str(t) for t in record.mechanisms).items() if count > 1]
    twice = [text for text in twice if not text.lstrip("+-~?").startswith("include")]
    if twice:
        yield _finding(node, "spf-duplicate-terms", "low", "RFC 7208 4.6.2", terms=twice)


MECHANISM_NAMES = frozenset(
    {"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists", "ip", "ipv4", "ipv6"}
)


def _modifiers(node: Node, record: Record) -> Iterator[Finding]:
    """`include=x` is a modifier that nobody knows: no error and no effect (RFC 7208 6)."""
    for term in record.terms:
        if isinstance(term, Modifier) and term.name in MECHANISM_NAMES:
            meant = term.written.replace("=", ":", 1)
            yield _finding(
                node, "spf-mechanism-with-equals", "high", "RFC 7208 6", term=term.written, meant=meant
            )
