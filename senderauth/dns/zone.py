"""Zones at hand: answers from records given in a program or read from master files.

Theory of operation. A name that is asked has its records, is an alias, or is searched for: failing by
directive; below a DNAME (an alias, RFC 6672); outside every zone (unknown now); below a delegation (the
data is elsewhere: unknown now); existing without such records, perhaps only because something below it
exists; covered by a wildcard of its closest encloser (RFC 4592 3.3.1); or absent. Everything is prepared
when the zones are read, so the usual question costs one look-up.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from senderauth import names
from senderauth.dns.core import Answer, Question, Status

if TYPE_CHECKING:
    from senderauth.dns.master import Entry, Failure, Master

MAX_CHAIN = 16

_OUTSIDE = Answer(Status.TIMEOUT, note="outside-zones", source="zone")
_DELEGATED = Answer(Status.TIMEOUT, note="delegated", source="zone")


class ZoneResolver:
    """Answers as an authoritative server of all its zones would. Never suspends."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], Answer] = {}
        self._names: set[str] = set()
        self._zones: dict[str, tuple[Answer, Answer]] = {}
        """By apex: what a name without such records answers, and a name that does not exist."""
        self._cuts: set[str] = set()
        self._dnames: dict[str, Answer] = {}
        self._failing: dict[tuple[str, bool, str | None], Answer] = {}
        """By name, whether it is for what is below the name, and type."""

    @classmethod
    def from_records(
        cls,
        records: Mapping[tuple[str, str], Iterable[Any] | Status],
        *,
        elsewhere: Status = Status.NXDOMAIN,
    ) -> ZoneResolver:
        """A closed world: {("example.com", "TXT"): [b"v=spf1 -all"], ("slow.example", "A"): Status.TIMEOUT}.

        TXT as bytes, or a tuple of bytes for several strings; MX as (preference, host). A name "*.x" is a
        wildcard. A name that no key makes exist is `elsewhere`; there are no delegations.
        """
        zone = cls()
        zone._zones[""] = Answer(Status.NOERROR, source="zone"), Answer(elsewhere, source="zone")
        for (name, rdtype), given in records.items():
            owner = name.lower().removesuffix(".")
            zone._exists(owner, "")
            zone._answers[owner, rdtype.upper()] = answer_of(rdtype.upper(), given)
        zone._know_dnames()
        return zone

    @classmethod
    def from_files(cls, *paths: str | PathLike[str]) -> ZoneResolver:
        """Zones from master files (RFC 1035 5, with $ORIGIN, $TTL, $INCLUDE, $GENERATE). ZoneFileError, a
        ValueError, if one cannot be used.

        Every SOA record makes a zone; a file may hold several. Records that are in no zone of their file
        belong to its first $ORIGIN, or the zone that its name tells (example.com.zone), if that encloses
        them, else to a zone of their own organizational domain. Names outside every zone are unknown now
        (note "outside-zones"), as are those from a delegation on ("delegated"). See master.py for the
        comments that make names fail.
        """
        from senderauth.dns.master import read

        if not paths:
            raise ValueError("no zone file is given")
        zone = cls()
        zone._load([read(path) for path in paths])
        return zone

    @property
    def zones(self) -> tuple[str, ...]:
        """The names of the zones."""
        return tuple(self._zones)

    # --- building ---------------------------------------------------------------------------------

    def _load(self, files: list[Master]) -> None:
        zones: dict[str, dict[tuple[str, str], list[Entry]]] = {}
        for file in files:
            apexes = {entry.owner for entry in file.entries if entry.rdtype == "SOA"}
            for entry in file.entries:
                apex = _apex(entry.owner, apexes, file.origin)
                zones.setdefault(apex, {}).setdefault((entry.owner, entry.rdtype), []).append(entry)
        for apex, sets in zones.items():
            self._add_zone(apex, sets, zones)
        self._know_dnames()
        for file in files:
            for failure in file.failures:
                self._fail(failure)

    def _add_zone(self, apex: str, sets: dict[tuple[str, str], list[Entry]], zones: Container[str]) -> None:
        _check(sets)
        cuts = {owner for owner, rdtype in sets if rdtype == "NS" and owner != apex}
        self._cuts.update(cut for cut in cuts if cut not in zones)
        for (owner, rdtype), entries in sets.items():
            elsewhere = [step for step in _up_to(owner, apex) if step in cuts or step in zones]
            self._exists(elsewhere[-1] if elsewhere else owner, apex)
            if elsewhere:  # glue, or what another zone knows better
                continue
            given = dict.fromkeys(entry.value for entry in entries)
            self._answers[owner, rdtype] = answer_of(rdtype, given, min(entry.ttl for entry in entries))
        soa = self._answers.get((apex, "SOA"))
        ttl = min(soa.ttl, int(soa.records[0].rpartition(" ")[2])) if soa is not None else 0  # RFC 2308 5
        self._names.add(apex)
        self._zones[apex] = (
            Answer(Status.NOERROR, ttl=ttl, source="zone"),
            Answer(Status.NXDOMAIN, ttl=ttl, source="zone"),
        )

    def _exists(self, name: str, apex: str) -> None:
        """The name exists, and so do those above it, up to the apex (RFC 8020)."""
        self._names.update(_up_to(name, apex))

    def _know_dnames(self) -> None:
        """What stands below a DNAME is hidden by it (RFC 6672 2.4)."""
        self._dnames = {owner: a for (owner, rdtype), a in self._answers.items() if rdtype == "DNAME"}
        if self._dnames:
            for key in [key for key in self._answers if self._dname_above(key[0])]:
                del self._answers[key]

    def _dname_above(self, name: str) -> str | None:
        """The highest DNAME above a name, if there is one with a target."""
        above = [step for step in _up_to(name, "") if step in self._dnames and step != name]
        return above[-1] if above else None

    def _fail(self, failure: Failure) -> None:
        """Notes a directive. What stands there already goes, so that it is not found first."""
        answer = Answer(failure.status, note="by-directive", source="zone")
        self._failing[failure.name, failure.below, failure.rdtype] = answer
        for owner, rdtype in list(self._answers):
            there = owner.endswith("." + failure.name) if failure.below else owner == failure.name
            if there and failure.rdtype in (None, rdtype):
                del self._answers[owner, rdtype]

    # --- answering --------------------------------------------------------------------------------

    async def resolve(self, question: Question) -> Answer:
        """The answer at once, CNAMEs followed."""
        answer = self._answers.get((question.name, question.rdtype))
        return self._search(question.name, question.rdtype) if answer is None else answer

    def _search(self, asked: str, rdtype: str) -> Answer:
        name, ttl = asked, 1 << 31
        chain: tuple[str, ...] = ()
        while len(chain) <= MAX_CHAIN and name not in chain[:-1] and (not chain or name != asked):
            answer = self._at(name, rdtype)
            if rdtype == "CNAME" or answer.canonical_name is None:
                if not chain:
                    return answer
                ttl = 0 if answer.unknown else min(ttl, answer.ttl)
                return replace(answer, ttl=ttl, canonical_name=name, chain=chain)
            name, ttl = answer.canonical_name, min(ttl, answer.ttl)
            chain += (name,)
        return Answer(Status.SERVFAIL, canonical_name=name, note="cname-loop", source="zone", chain=chain)

    def _at(self, name: str, rdtype: str) -> Answer:
        """What stands at a name. An alias has only its `canonical_name` and `ttl`."""
        steps = list(_up_to(name, ""))
        if self._failing:
            for step in steps:
                for kind in (None, rdtype):
                    failing = self._failing.get((step, step != name, kind))
                    if failing is not None:
                        return failing
        if self._dnames and (above := self._dname_above(name)) is not None:
            return _redirected(name, rdtype, above, self._dnames[above])
        found = self._stored(name, rdtype)
        if found is not None:
            return found
        apex = next((step for step in [*steps, ""] if step in self._zones), None)
        if apex is None:
            return _OUTSIDE
        if self._cuts and any(step in self._cuts for step in _up_to(name, apex)) and rdtype != "DS":
            return _DELEGATED
        empty, missing = self._zones[apex]
        if name in self._names:
            return empty
        encloser = next((step for step in steps if step in self._names), apex)
        wildcard = f"*.{encloser}" if encloser else "*"
        found = self._stored(wildcard, rdtype)
        if found is not None:
            return found
        return empty if wildcard in self._names else missing

    def _stored(self, name: str, rdtype: str) -> Answer | None:
        found = self._answers.get((name, rdtype))
        if found is not None or rdtype == "CNAME":
            return found
        alias = self._answers.get((name, "CNAME"))
        if alias is None or not alias.records:
            return alias if alias is not None and alias.unknown else None
        return Answer(Status.NOERROR, ttl=alias.ttl, canonical_name=alias.records[0], source="zone")


def _redirected(name: str, rdtype: str, owner: str, dname: Answer) -> Answer:
    """The CNAME that a DNAME above the name makes for it (RFC 6672 2.2, 3.1)."""
    if dname.unknown or not dname.records:
        return dname
    target = names.normalise(f"{name.removesuffix(owner)}{dname.records[0]}")
    if target is None:  # YXDOMAIN: too long
        return Answer(Status.SERVFAIL, note="dname-too-long", source="zone")
    if rdtype == "CNAME":
        return Answer(Status.NOERROR, (target,), dname.ttl, source="zone")
    return Answer(Status.NOERROR, ttl=dname.ttl, canonical_name=target, source="zone")


def _up_to(name: str, apex: str) -> Iterator[str]:
    """The name and those above it, the apex not included."""
    while len(name) > len(apex):
        yield name
        name = names.parent(name)


def _apex(owner: str, apexes: set[str], origin: str | None) -> str:
    """The zone that a record belongs to."""
    for step in [*_up_to(owner, ""), ""]:
        if step in apexes:
            return step
    if origin is not None and "." in origin and names.is_below(owner, origin):
        return origin
    if owner.endswith((".in-addr.arpa", ".ip6.arpa")):  # there the whole of 192/8 would be "organizational"
        return names.parent(owner)
    plain = owner.removeprefix("*.")
    return names.registrable(plain) or plain


def _check(sets: Mapping[tuple[str, str], list[Entry]]) -> None:
    """A CNAME stands alone (RFC 1034 3.6.2), and a zone begins once."""
    from senderauth.dns.master import ZoneFileError

    beside = {owner for owner, rdtype in sets if rdtype not in ("CNAME", "RRSIG", "NSEC", "KEY")}
    for (owner, rdtype), entries in sets.items():
        distinct = list({entry.value: entry for entry in entries}.values())
        file, line = distinct[-1].place
        if rdtype == "CNAME" and owner in beside:
            raise ZoneFileError(file, line, f"{owner or '.'} has a CNAME and other records")
        if rdtype in ("CNAME", "SOA") and len(distinct) > 1:
            raise ZoneFileError(file, line, f"{owner or '.'} has more than one {rdtype} record")


def answer_of(rdtype: str, given: Iterable[Any] | Status, ttl: int = 300) -> Answer:
    """Records as a program writes them, as an answer: names in lower case, TXT as bytes or strings."""
    if isinstance(given, Status):
        return Answer(given, source="zone")
    records = tuple(given)
    strings: tuple[tuple[bytes, ...], ...] = ()
    if rdtype == "TXT":
        strings = tuple([record if isinstance(record, tuple) else (record,) for record in records])
        if wrong := [part for parts in strings for part in parts if not isinstance(part, bytes)]:
            raise TypeError(f"a TXT record is bytes, or a tuple of bytes: {wrong[0]!r}")
        records = tuple([b"".join(parts) for parts in strings])
    elif rdtype in ("PTR", "CNAME", "DNAME", "NS"):
        records = tuple([record.lower().removesuffix(".") for record in records])
    elif rdtype == "MX":
        records = tuple([(preference, host.lower().removesuffix(".")) for preference, host in records])
    return Answer(Status.NOERROR, records, ttl, strings=strings, source="zone")
