"""One evaluation under way: inputs, budget and trace; how it is ended early.

DNS is asked in `Check.ask` alone, so that every question leaves a step and every void lookup is counted.
What happens is kept as a list of events and told as a tree of steps when somebody looks at it, since
making the tree would take a fifth of a check.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from senderauth import names
from senderauth.dns import Answer, Question, Resolver, Status
from senderauth.spf.program import Directive, Program, Word
from senderauth.values import LateStep, Reason, Step

MAX_TERMS = 10  # RFC 7208 4.6.4, all four
MAX_VOIDS = 2
MAX_MX = 10
MAX_PTR = 10
MAX_RECORDS_SHOWN = 32
"""Records of one answer that the trace holds."""


class Stop(Exception):  # noqa: N818 - it ends an evaluation, it is no error of ours
    """Ends one evaluation with an error result; never leaves the room."""

    def __init__(self, result: Word, id: str, **facts: object) -> None:
        super().__init__(id)
        self.result, self.reason = result, Reason(id, facts)


@dataclass(slots=True)
class Outcome:
    """How one record ended, and where the deciding term stands."""

    result: Word
    reason: Reason
    path: tuple[str, ...] = ()
    """The terms that led to the result, the outermost first."""
    term: str | None = None
    program: Program | None = None
    """Of the record with that term."""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Client:
    """The client's address in the forms that terms need."""

    ip: IPv4Address | IPv6Address
    text: str
    number: int
    version: int
    bits: int
    address_type: str
    """The record type with addresses of its family."""


@lru_cache(maxsize=4_096)
def client_of(ip: str) -> Client:
    """The client at ip. Raises ValueError if that is no address."""
    address = ip_address(ip)
    if isinstance(address, IPv6Address):  # RFC 7208 5; a zone (RFC 4007 11) is no part of it
        address = address.ipv4_mapped or IPv6Address(int(address))
    kind = "A" if address.version == 4 else "AAAA"
    return Client(address, str(address), int(address), address.version, address.max_prefixlen, kind)


@lru_cache(maxsize=4_096)
def domain_of(text: str) -> str:
    """The domain to ask; empty where RFC 7208 4.3 says that there is none: a malformed name, a bare label,
    an address literal.
    """
    name = names.normalise(text[: names.MAX_WRITTEN + 1])
    if name is None or "." not in name or name[0] == "[" or name.rpartition(".")[2].isdigit():
        return ""
    return name


@lru_cache(maxsize=4_096)
def number_of(address: str) -> int:
    """An address record's value."""
    return int(ip_address(address))


question = lru_cache(maxsize=4_096)(Question)  # the same are asked again and again


Event = (
    tuple[str, str, Answer]  # a question
    | tuple[Directive, bool, int, int]  # a term that asked nothing: matched, lookups, voids
    | tuple[str, dict[str, Any]]  # a step is opened
    | None  # and closed
)


def told(events: list[Event]) -> list[Step]:
    """The events as a tree of steps."""
    top: list[Step] = []
    opened = [top]
    for event in events:
        if event is None:
            opened.pop()
        elif len(event) == 2:
            step = Step(event[0], event[1], [])
            opened[-1].append(step)
            opened.append(step.inner)
        elif len(event) == 3:
            opened[-1].append(Step("dns", _asked(*event), []))
        else:
            directive, matched, lookups, voids = event
            facts = {"term": directive.text, "matched": matched, "lookups": lookups, "voids": voids}
            opened[-1].append(Step("spf-term", facts, []))
    return top


def _asked(name: str, rdtype: str, answer: Answer) -> dict[str, Any]:
    """A question and its answer, as facts."""
    records = answer.records[:MAX_RECORDS_SHOWN]
    facts: dict[str, Any] = {
        "name": name,
        "type": rdtype,
        "status": answer.status._value_,  # .value is a descriptor in Python, ten times as slow
        "records": records,
        "source": answer.source,
    }
    if len(answer.records) > len(records):
        facts["count"] = len(answer.records)
    if answer.canonical_name is not None:
        facts["canonical_name"] = answer.canonical_name
    if answer.note:
        facts["note"] = answer.note
    return facts


class Check:
    """Inputs, budget and trace of one evaluation."""

    __slots__ = (
        "client",
        "events",
        "free",
        "helo",
        "limit_terms",
        "limit_voids",
        "lookups",
        "now",
        "ptr_names",
        "ptr_void",
        "receiver",
        "record",
        "resolver",
        "sender",
        "voids",
    )

    def __init__(
        self,
        resolver: Resolver,
        client: Client,
        sender: str,
        helo: str,
        receiver: str,
        now: int | None,
        limit_terms: int,
        limit_voids: int,
    ) -> None:
        self.resolver, self.client, self.sender, self.helo = resolver, client, sender, helo
        self.receiver, self.now = receiver, now
        self.limit_terms, self.limit_voids = limit_terms, limit_voids
        self.lookups = self.voids = 0
        self.free = False
        """Nothing counts: an explanation is looked up (RFC 7208 6.2)."""
        self.ptr_names: list[str] | None = None
        self.ptr_void = False
        """The client's address has no PTR record."""
        self.record: str | None = None
        """The first record that was read."""
        self.events: list[Event] = []

    async def ask(self, name: str, rdtype: str, void_counts: bool = True) -> tuple[Any, ...]:
        """The records, none where there are none. An answer that DNS would not give is a temperror."""
        answer = await self.resolver.resolve(question(name, rdtype))
        self.events.append((name, rdtype, answer))
        records = answer.records
        if records:
            return records
        status = answer.status
        if status is not Status.NOERROR and status is not Status.NXDOMAIN:  # RFC 7208 4.4, 5
            raise Stop("temperror", "spf-dns-unknown", name=name, type=rdtype, status=status.value)
        if void_counts:
            self.void(name, rdtype)
        return records

    def void(self, name: str, rdtype: str) -> None:
        """One of the two void lookups (RFC 7208 4.6.4)."""
        if not self.free:
            self.voids += 1
            if self.voids > self.limit_voids:
                raise Stop("permerror", "spf-too-many-voids", limit=self.limit_voids, name=name, type=rdtype)

    def enter(self, id: str, facts: dict[str, Any]) -> dict[str, Any]:
        """Opens a step until `leave`; its facts may still grow. An error result leaves all that are open."""
        self.events.append((id, facts))
        return facts

    def leave(self) -> None:
        """Closes the step that was opened last."""
        self.events.append(None)

    def note(self, id: str, facts: dict[str, Any]) -> None:
        """Adds a step without inner ones."""
        self.events += ((id, facts), None)

    def trace(self, facts: dict[str, Any]) -> Step:
        """All that happened, below a root with these facts."""
        return LateStep("spf", facts, partial(told, self.events))

    def spend(self, term: str) -> None:
        """One of the ten, before anything is asked for the term (RFC 7208 4.6.4)."""
        if not self.free:
            self.lookups += 1
            if self.lookups > self.limit_terms:
                raise Stop("permerror", "spf-too-many-lookups", limit=self.limit_terms, term=term)
