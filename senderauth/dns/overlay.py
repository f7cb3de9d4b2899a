"""What if: proposed records laid over any resolver.

Theory of operation. A change replaces the whole set of records at a name and type, so the answer to that
question is known without asking. The rest is asked of the resolver below, and corrected where the
change bears on it, as DNS would have it:

- setting a record makes its name exist, and every name above it (RFC 8020): NXDOMAIN there becomes "no
  data", and a wildcard or CNAME of the base no longer covers the name;
- a changed wildcard changes the names that it covers, and no others: those of which the base says
  NXDOMAIN, if the wildcard is at their closest encloser (RFC 4592 3.3.1), and those of which it says
  the same as of the wildcard itself for every common type;
- a CNAME, proposed or of the base, is followed through the changes;
- taking the last record away leaves "no data" while anything else is known to be at the name or below
  it, else NXDOMAIN, or what a wildcard of the base then says.

What cannot be known over DNS: records below a name, records of rare types, and whether a name that
says the same as a wildcard has records of its own. The first two are taken not to be there, the last
not to have any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from senderauth import names
from senderauth.dns.core import Answer, Question, Resolver, Status, prefetch

MAX_CHAIN = 16
TTL = 300

Change = Answer | Status | Iterable[Any] | None
_PROBES = ("A", "TXT", "MX", "AAAA", "NS")
"""Types by which a name is found to exist."""
_FOLLOW = "proposed-alias"
"""Marks, inside this file, an answer that only says where to go on."""
_MISSING = Answer(Status.NXDOMAIN, ttl=TTL, source="proposed")
_NOTHING = Answer(Status.NOERROR, ttl=TTL, source="proposed")


class OverlayResolver:
    """Answers as DNS would once the changes were published. Their answers have `source` "proposed".

    changes: by Question or (name, type): the records that shall stand there, as in
    `ZoneResolver.from_records`; None or no records to remove them; a Status to let the question fail;
    an Answer as it is.
    """

    def __init__(self, changes: Mapping[Question | tuple[str, str], Change], *, over: Resolver) -> None:
        self.over = over
        self._set: dict[tuple[str, str], Answer] = {}
        self._removed: set[tuple[str, str]] = set()
        self._exists: set[str] = set()
        for key, change in changes.items():
            name, rdtype = (key.name, key.rdtype) if isinstance(key, Question) else key
            self._change(name.lower().removesuffix("."), rdtype.upper(), change)
        self._own = {name for name, _ in self._set}
        self._thinned = {name for name, _ in self._removed}
        changed = self._own | self._thinned
        self._wildcards = sorted((name for name in changed if name.startswith("*.")), key=len, reverse=True)
        self._by_wildcard: dict[str, bool] = {}
        if hasattr(over, "prefetch"):
            self.prefetch = self._prefetch

    def _change(self, name: str, rdtype: str, change: Change) -> None:
        if change is None:
            self._removed.add((name, rdtype))
            return
        answer = change if isinstance(change, Answer) else _answer(rdtype, change)
        if answer.absent:
            self._removed.add((name, rdtype))
            return
        self._set[name, rdtype] = replace(answer, source="proposed")
        while name:
            self._exists.add(name)
            name = names.parent(name)

    @property
    def changed(self) -> tuple[Question, ...]:
        """The questions whose answers are set or removed."""
        return tuple(Question(*key) for key in sorted({*self._set, *self._removed}))

    @property
    def changes(self) -> dict[Question, Answer | None]:
        """What is set, and with None what is removed, sorted."""
        return {question: self._set.get((question.name, question.rdtype)) for question in self.changed}

    async def resolve(self, question: Question) -> Answer:
        """The answer after the changes."""
        name, rdtype, ttl = question.name, question.rdtype, 1 << 31
        chain: tuple[str, ...] = ()
        while len(chain) <= MAX_CHAIN and name not in chain[:-1]:
            answer = await self._at(name, rdtype)
            steps = answer.chain or (() if answer.canonical_name is None else (answer.canonical_name,))
            turn = next((i for i, step in enumerate(steps, 1) if self._bears_on(step)), None)
            if answer.note is _FOLLOW:
                turn = 1
            if turn is None:
                if not chain:
                    return answer
                chain += steps
                ttl = 0 if answer.unknown else min(ttl, answer.ttl)
                return replace(answer, ttl=ttl, canonical_name=chain[-1], source="proposed", chain=chain)
            ttl = min(ttl, answer.ttl)
            chain += steps[:turn]
            name = chain[-1]
        return Answer(Status.SERVFAIL, canonical_name=name, note="cname-loop", source="proposed", chain=chain)

    def _bears_on(self, name: str) -> bool:
        """Whether the base's word on a name may be out of date."""
        if name in self._exists or name in self._thinned:
            return True
        return any(names.is_below(name, wildcard[2:]) for wildcard in self._wildcards)

    async def _at(self, name: str, rdtype: str) -> Answer:
        """What stands at a name; of an alias among the changes only where it leads."""
        found = self._proposed(name, rdtype)
        if found is not None:
            return found
        base = await self._ask(name, rdtype)
        if name in self._own:
            return await self._beside(name, rdtype, base)
        if (name, rdtype) in self._removed or ((name, "CNAME") in self._removed and base.canonical_name):
            return await self._emptied(name, rdtype)
        if name in self._thinned and base.absent and base.canonical_name is None and not base.name_missing:
            return await self._emptied(name, rdtype)  # it may have been the last record that went
        if base.unknown:
            return base
        return await self._corrected(name, rdtype, base)

    async def _ask(self, name: str, rdtype: str) -> Answer:
        return await self.over.resolve(Question(name, rdtype))

    def _proposed(self, name: str, rdtype: str) -> Answer | None:
        answer = self._set.get((name, rdtype))
        if answer is not None or rdtype == "CNAME":
            return answer
        alias = self._set.get((name, "CNAME"))
        return alias if alias is None or not alias.records else _alias(alias)

    async def _beside(self, name: str, rdtype: str, base: Answer) -> Answer:
        """Another type at a name with a proposed record: the base's own, but nothing from a wildcard, and no
        alias, beside which nothing could be set.
        """
        if (name, rdtype) in self._removed or base.status is Status.NXDOMAIN or base.canonical_name:
            return _NOTHING
        if base.records and await self._covered(name):
            return _NOTHING
        return base

    async def _emptied(self, name: str, rdtype: str) -> Answer:
        """What a name answers whose records of a type were taken away."""
        if name in self._exists:
            return _NOTHING
        for other in _PROBES:
            if (name, other) in self._removed:
                continue
            answer = await self._ask(name, other)
            if answer.unknown or (answer.records and answer.canonical_name is None):
                return _NOTHING
        wildcard = f"*.{names.parent(name)}"
        if wildcard == name:
            return _MISSING
        below = await self._at(wildcard, rdtype)
        return _MISSING if below.name_missing else replace(below, source="proposed")

    async def _corrected(self, name: str, rdtype: str, base: Answer) -> Answer:
        """What the base says of a name that is not changed itself."""
        missing = base.status is Status.NXDOMAIN and base.canonical_name is None
        if name in self._exists:  # something was set below it
            return _NOTHING if missing or await self._covered(name) else base
        above = next((step for step in _above(name) if step in self._exists), None)
        if not missing and above is not None and await self._covered(above):
            own = f"*.{above}"  # the encloser is new (RFC 4592 2.2.2), and so is what is below it
            return await self._at(own, rdtype) if own in self._own else _MISSING
        for wildcard in self._wildcards:
            zone = wildcard[2:]
            if name in (wildcard, zone) or not names.is_below(name, zone):
                continue
            if await (self._unclaimed(name, zone) if missing else self._says_as(name, wildcard)):
                return await self._at(wildcard, rdtype)
        return base

    async def _unclaimed(self, name: str, zone: str) -> bool:
        """Whether zone is the closest encloser of a name that does not exist."""
        steps = [step for step in _above(name) if names.is_below(step, zone) and step != zone]
        if any(step in self._exists for step in steps):
            return False
        return not steps or (await self._ask(steps[-1], "A")).status is Status.NXDOMAIN

    async def _covered(self, name: str) -> bool:
        """Whether the base knows the name only from a wildcard. Names of one or two labels are not looked at:
        the wildcard would be a registry's.
        """
        above = names.parent(name.removeprefix("*."))  # a wildcard may be another one's doing
        if "." not in above:
            return False
        known = self._by_wildcard.get(name)
        if known is None:
            known = self._by_wildcard[name] = await self._says_as(name, f"*.{above}")
        return known

    async def _says_as(self, name: str, wildcard: str) -> bool:
        """Whether the base says the same of both for every common type, and not that there is nothing."""
        for rdtype in _PROBES:
            one, other = await self._ask(name, rdtype), await self._ask(wildcard, rdtype)
            if other.unknown or other.status is Status.NXDOMAIN:
                return False
            if (one.status, set(one.records), one.chain) != (other.status, set(other.records), other.chain):
                return False
        return True

    def _prefetch(self, questions: Iterable[Question]) -> None:
        touched = self._own | self._thinned
        prefetch(self.over, [question for question in questions if question.name not in touched])


def _above(name: str) -> Iterator[str]:
    while name := names.parent(name):
        yield name


def _alias(answer: Answer) -> Answer:
    return replace(answer, records=(), canonical_name=answer.records[0], chain=answer.records, note=_FOLLOW)


def _answer(rdtype: str, given: Status | Iterable[Any]) -> Answer:
    from senderauth.dns.zone import answer_of

    return answer_of(rdtype, given, TTL)
