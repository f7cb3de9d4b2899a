"""What a survey finds: the tree of records, and the summary of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, Protocol

from senderauth.spf.ranges import Network, Ranges
from senderauth.spf.record import Mechanism, Record
from senderauth.values import Finding, frozen

MAX_RECORDS = 120
MAX_QUESTIONS = 1_000
MAX_DEPTH = 20
MAX_NETWORKS = 10_000
"""Networks of one family that a survey names."""

State = Literal["found", "absent", "several", "broken", "unknown", "loop", "cut"]


@frozen
class TermCost:
    """One term of a record: what it costs in the worst case and which addresses it names."""

    text: str
    term: Mechanism | None
    """None for a redirect."""
    lookups: int
    """With all that its include or redirect costs."""
    voids4: int = 0
    """Void lookups for an IPv4 client."""
    voids6: int = 0
    networks: tuple[Network, ...] = ()
    child: Node | None = None
    always: bool = False
    """exists: of a name that has an address: it matches everybody."""
    unevaluated: bool = False
    unknown: tuple[str, ...] = ()
    """Names that DNS would not tell of."""
    exchanges: int = 0
    """How many MX names an mx term finds."""


@frozen
class Node:
    """One record of the tree."""

    domain: str
    state: State
    via: tuple[str, ...] = ()
    """The domain and the term that led here."""
    text: str | None = None
    record: Record | None = None
    terms: tuple[TermCost, ...] = ()
    """Those that can be reached, a redirect last."""
    lookups: int = 0
    voids4: int = 0
    voids6: int = 0
    status: str = ""
    texts: tuple[str, ...] = ()
    """All SPF records where there are several."""
    meant: tuple[str, ...] = ()
    """TXT records that are no SPF records and were probably meant to be."""
    glued: str = ""
    """Two terms that run into each other where the record is split into strings."""
    txt_size: int = 0
    """Octets of all TXT records at the name."""
    source: str = ""
    """Where the record was found: "live", "zone", "tape", "proposed", "cache"."""
    elsewhere: tuple[str, ...] = ()
    """Names near a domain without a record where one stands by mistake."""
    explains: bool = True
    """exp= leads to a text, or was not looked at."""

    @property
    def children(self) -> tuple[Node, ...]:
        """The records that this one includes or redirects to."""
        return tuple(cost.child for cost in self.terms if cost.child is not None)


def renamed(node: Node, domain: str) -> Node:
    """The same record at another domain. As dataclasses.replace, in a fifth of the time."""
    return Node(
        domain, node.state, node.via, node.text, node.record, node.terms, node.lookups, node.voids4,
        node.voids6, node.status, node.texts, node.meant, node.glued, node.txt_size, node.source,
        node.elsewhere, node.explains,
    )  # fmt: skip


@frozen
class Survey:
    """A domain's SPF record as a whole (RFC 7208), without a client's address."""

    domain: str
    state: State
    record: str | None
    tree: Node
    lookups: int
    """In the worst case, past the limit too."""
    void_lookups: int
    """In the worst case, of the family that meets more."""
    networks: tuple[Network, ...]
    """Everything it passes, IPv4 first, as the fewest networks, at most MAX_NETWORKS of each family."""
    addresses4: int
    addresses6: int
    terminal: str
    """"-all", "~all", "?all", "+all"; empty: neutral by default."""
    includes: tuple[str, ...]
    """The domains that the record itself includes or redirects to."""
    unevaluated: tuple[str, ...]
    """Terms that say nothing without a client (macros, ptr) or that DNS would not tell."""
    cut: bool
    """The tree is larger than what is read, or the networks are more than what is told."""
    findings: tuple[Finding, ...]

    @property
    def sends_nothing(self) -> bool:
        """The record says that nobody may send for the domain."""
        nobody = not self.networks and not self.unevaluated and not self.cut
        return self.state == "found" and nobody and self.terminal == "-all"


@frozen
class Branch:
    """A record that others include, with all below it, worked out once for all of them."""

    node: Node
    """As the first who included it found it: `via` is his."""
    passes: dict[int, Ranges]
    """What it passes, by family."""
    findings: tuple[Finding, ...]
    """About it and the records below it."""
    unevaluated: tuple[str, ...]
    domains: frozenset[str]
    """It and all below it: where one of them stands above, it is a loop."""
    records: int
    depth: int
    sound: bool
    """Nothing in it ends an evaluation with an error."""
    used: Mapping[int, Branch] = field(default_factory=dict)
    """The branches below it, by the identity of their node; only of whole outlines."""


class Branches(Protocol):
    """Keeps branches from one survey to the next, as long as their answers are good."""

    def get(self, domain: str) -> Branch | None:
        """The branch of a domain, or of a record's text, if it is kept."""
        ...

    def put(self, domain: str, branch: Branch) -> None:
        """Keeps it. Only branches that are the same for everybody are given here."""
        ...


@frozen
class Outline:
    """What `Survey` tells, without the list of networks, which costs as much as all the rest."""

    domain: str
    state: State
    record: str | None
    tree: Node
    lookups: int
    void_lookups: int
    passes: dict[int, Ranges]
    """The addresses that it passes, by family."""
    terminal: str
    includes: tuple[str, ...]
    unevaluated: tuple[str, ...]
    cut: bool
    findings: tuple[Finding, ...]
    used: Mapping[int, Branch]
    """Branches in the tree, by the identity of their node."""

    @property
    def sends_nothing(self) -> bool:
        """As `Survey.sends_nothing`."""
        nobody = not any(self.passes.values()) and not self.unevaluated and not self.cut
        return self.state == "found" and nobody and self.terminal == "-all"
