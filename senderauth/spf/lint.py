"""What is wrong with a surveyed record, as findings."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from ipaddress import ip_network

from senderauth import names
from senderauth.spf.ranges import EVERYTHING, Ranges, span_of, spans_of
from senderauth.spf.record import MAX_SHOWN, Mechanism, Modifier, Record
from senderauth.spf.state import MAX_MX, MAX_TERMS, MAX_VOIDS
from senderauth.spf.tree import Branch, Node, TermCost
from senderauth.values import Finding, Severity

LARGE4 = 2**24  # more than a /8
LARGE_TXT = 450  # RFC 7208 3.4: with the rest of the answer beyond 512 octets
NEAR = 2
MAX_FINDINGS = 500
MAX_TEXT = 4_096
"""Characters of a record shown in evidence: a hostile one has hundreds of faults, each showing it anew."""


def findings_of(
    tree: Node, passes: Mapping[int, Ranges], cut: bool, used: Mapping[int, Branch]
) -> tuple[Finding, ...]:
    """All findings about a surveyed record and those below it, each once: a record may be included twice.
    used: what is known already of records below it.
    """
    found: list[Finding] = []
    if tree.meant or tree.state in ("absent", "unknown"):
        found += _root(tree)
    if tree.state == "found" and (passes[4].size > LARGE4 or passes[6].spans == EVERYTHING[6].spans):
        found += _authorised(tree, passes)
    if cut or tree.lookups > MAX_TERMS - NEAR or tree.voids4 > MAX_VOIDS or tree.voids6 > MAX_VOIDS:
        found += _costs(tree, cut)
    _nodes(tree, True, used, found)
    del found[MAX_FINDINGS:]
    if len(found) > 1 and len({(f.id, f.subject) for f in found}) < len(found):  # else no two are the same
        return tuple({(f.id, f.subject, str(f.evidence)): f for f in found}.values())
    return tuple(found)


def branch_findings(node: Node) -> tuple[Finding, ...]:
    """Those about a record that others include, and about the records below it."""
    found: list[Finding] = []
    _nodes(node, False, {}, found)
    return tuple(found[:MAX_FINDINGS])


def _finding(node: Node, id: str, severity: Severity, rfc: str, **evidence: object) -> Finding:
    return Finding(id, severity, node.domain, evidence, rfc)


def _shown(node: Node) -> str:
    return (node.text or "")[:MAX_TEXT]


def _root(tree: Node) -> Iterator[Finding]:
    for text in tree.meant:
        severity: Severity = "high" if tree.state == "absent" else "low"
        yield _finding(tree, "spf-malformed-version", severity, "RFC 7208 4.5", record=text)
    if tree.state == "absent":
        yield _finding(tree, "spf-record-absent", "medium", "RFC 7208 4.5")
        for name in tree.elsewhere:
            yield _finding(tree, "spf-record-at-wrong-name", "high", "RFC 7208 3", name=name)
    elif tree.state == "unknown":
        yield _finding(tree, "spf-record-unknown", "medium", "RFC 7208 4.4", status=tree.status)


def _authorised(tree: Node, passes: Mapping[int, Ranges]) -> Iterator[Finding]:
    if any(passes[version] == EVERYTHING[version] for version in (4, 6)):
        yield _finding(tree, "spf-passes-everyone", "high", "RFC 7208 5.1", record=_shown(tree))
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


def _nodes(node: Node, root: bool, used: Mapping[int, Branch], found: list[Finding]) -> None:
    """Adds the findings about one record and, below it, about the records of others; of those beyond
    MAX_FINDINGS not all.
    """
    if node.state == "several":
        found.append(
            _finding(
                node,
                "spf-several-records",
                "high",
                "RFC 7208 4.5",
                count=len(node.texts),
                records=list(node.texts),
            )
        )
    if node.record is not None and node.text is not None:
        _record(node, node.record, root, found)
    seen: dict[str, int] = {}
    for cost in node.terms:
        if len(found) > MAX_FINDINGS:
            return
        if cost.lookups and (term := cost.term) is not None:  # others name no name
            if cost.child is None:
                found += _term(node, cost, term, root)
            if root and (odd := _odd_name(term)):
                found.append(
                    _finding(node, "spf-odd-name", "medium", "RFC 7208 4.8", term=cost.text, name=odd)
                )
        if (child := cost.child) is not None:
            seen[child.domain] = times = seen.get(child.domain, 0) + 1
            if times == 2:
                found.append(
                    _finding(node, "spf-duplicate-include", "low", "RFC 7208 4.6.4", include=child.domain)
                )
            if child.state != "found":
                found += _child(node, cost, child)
            if (branch := used.get(id(child))) is None:
                _nodes(child, False, used, found)
            else:
                found += branch.findings


def _child(node: Node, cost: TermCost, child: Node) -> Iterator[Finding]:
    """About an include or redirect that leads to nothing usable."""
    facts = {"term": cost.text, "domain": child.domain}
    if child.state in ("absent", "unknown"):
        facts["status"] = child.status
    match child.state:
        case "absent" if cost.term is None:
            yield _finding(node, "spf-redirect-without-record", "high", "RFC 7208 6.1", **facts)
        case "absent":
            yield _finding(node, "spf-include-without-record", "high", "RFC 7208 5.2", **facts)
        case "unknown":
            yield _finding(node, "spf-include-unknown", "medium", "RFC 7208 5.2", **facts)
        case "loop":
            yield _finding(node, "spf-include-loop", "high", "RFC 7208 4.6.4", **facts)
        case "broken" | "several":
            yield _finding(node, "spf-include-broken", "high", "RFC 7208 5.2", **facts)


def _term(node: Node, cost: TermCost, term: Mechanism, root: bool) -> Iterator[Finding]:
    """About a term that asks DNS, and not for a record."""
    if term.name == "ptr":
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
    if cost.voids4 and cost.voids6 and not cost.networks:
        yield _finding(node, "spf-void-term", "medium" if root else "low", "RFC 7208 4.6.4", term=cost.text)
    for name in cost.unknown:
        yield _finding(node, "spf-term-unknown", "low", "RFC 7208 5", term=cost.text, name=name)
    if root and cost.unevaluated and not cost.unknown and term.name != "ptr":
        yield _finding(node, "spf-macro-unevaluated", "info", "RFC 7208 7", term=cost.text)


def _odd_name(term: Mechanism) -> str:
    """The name that a term asks about, where it is legal in the grammar and surely not meant."""
    if term.domain is None or (text := term.domain.literal) is None:
        return ""
    return "" if len(text) <= names.MAX_NAME + 1 and _is_plain(text) else text[:MAX_SHOWN]


@lru_cache(maxsize=1_024)  # the same providers' all the time
def _is_plain(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and names.normalise(text) is not None


_NAME = re.compile(r"[A-Za-z0-9\-_.]*")


def _record(node: Node, record: Record, root: bool, found: list[Finding]) -> None:
    for problem in record.problems:
        place = {
            "record": _shown(node),
            "start": min(problem.span.start, MAX_TEXT),
            "end": min(problem.span.end, MAX_TEXT),
        }
        found.append(_finding(node, problem.id, "high", "RFC 7208 4.6", **{**place, **problem.facts}))
    mechanisms = record.mechanisms
    modifiers: list[Modifier] = []
    if len(mechanisms) < len(record.terms):
        modifiers = [term for term in record.terms if isinstance(term, Modifier)]
        found += _modifiers(node, modifiers)
    if node.glued:
        found.append(_finding(node, "spf-strings-glued", "high", "RFC 7208 3.3", place=node.glued))
    if not root:
        return
    if node.txt_size > LARGE_TXT:
        found.append(_finding(node, "spf-txt-large", "low", "RFC 7208 3.4", octets=node.txt_size))
    if not node.explains and record.exp is not None:
        found.append(_finding(node, "spf-exp-unusable", "low", "RFC 7208 6.2", name=record.exp.text))
    if not record.problems:
        kinds = [term.name for term in mechanisms]
        redirects = [term for term in modifiers if term.name == "redirect"]
        end = kinds.index("all") if "all" in kinds else -1
        # nearly all records end with the one `all` that says something
        if end < 0 or redirects or end < len(kinds) - 1 or mechanisms[end].qualifier == "?":
            found += _ending(node, mechanisms, end, redirects)
        terms = [term for term in mechanisms if term.name not in ("include", "all")]
        if terms:
            found += _addresses(node, terms)


def _ending(
    node: Node, mechanisms: tuple[Mechanism, ...], end: int, redirects: list[Modifier]
) -> Iterator[Finding]:
    """How the record ends, and what stands after its end. end: which of its mechanisms is the first `all`,
    -1: none.
    """
    if end < 0:
        if not redirects:
            yield _finding(node, "spf-no-all", "medium", "RFC 7208 4.7", record=_shown(node))
        return
    if mechanisms[end].qualifier == "?":
        yield _finding(node, "spf-neutral-all", "medium", "RFC 7208 8.2", record=_shown(node))
    after = [term.written for term in mechanisms[end + 1 :]]
    if after:
        yield _finding(node, "spf-terms-after-all", "medium", "RFC 7208 5.1", terms=after)
    for term in redirects:
        yield _finding(node, "spf-redirect-ignored", "medium", "RFC 7208 6.1", term=term.written)


def _addresses(node: Node, terms: list[Mechanism]) -> Iterator[Finding]:
    """Terms twice, and networks that no mail comes from."""
    meanings: list[object] = []  # the same for terms of the same canonical text; no network is written out
    special: list[str] = []
    for term in terms:
        if term.network is None:
            meanings.append(term.canonical)
            continue
        span = span_of(term.network)
        meanings.append((term.qualifier, term.name, span))
        known = SPECIAL[term.name]
        before = bisect_right(known, (span[0], _BEYOND))
        if before > 0 and span[1] <= known[before - 1][1]:
            special.append(term.written)
    if len(terms) > 1 and len(set(meanings)) < len(terms):
        counted = Counter(meanings)
        twice = [term.canonical for term, meant in zip(terms, meanings, strict=True) if counted[meant] > 1]
        yield _finding(node, "spf-duplicate-terms", "low", "RFC 7208 4.6.2", terms=list(dict.fromkeys(twice)))
    if special:
        yield _finding(node, "spf-special-network", "low", "RFC 6890", terms=special)


_BEYOND = 2**128

# Never seen on the Internet (RFC 6890); documentation networks are left out, since examples live there.
_SPECIAL = [
    ip_network(text)
    for text in (
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::1/128", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip
SPECIAL = {"ip4": spans_of(_SPECIAL, 4), "ip6": spans_of(_SPECIAL, 6)}
"""In order, and apart from each other."""

MECHANISM_NAMES = frozenset(
    {"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists", "ip", "ipv4", "ipv6"}
)


def _modifiers(node: Node, modifiers: list[Modifier]) -> Iterator[Finding]:
    """`include=x` is a modifier that nobody knows: no error and no effect (RFC 7208 6)."""
    for term in modifiers:
        if term.name in MECHANISM_NAMES:
            meant = term.written.replace("=", ":", 1)
            yield _finding(
                node, "spf-mechanism-with-equals", "high", "RFC 7208 6", term=term.written, meant=meant
            )
        elif term.name == "v":  # "v=spf1" once more is one, too
            yield _finding(node, "spf-version-repeated", "medium", "RFC 7208 4.5", term=term.written)
