"""What if: zones about to be published, laid over DNS; and single records as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

from senderauth import names
from senderauth.dns.core import Answer, Question, Resolver, Status, prefetch
from senderauth.dns.overlay import Change

MAX_CHAIN = 16
MAX_WRITTEN = 8_192
_ELSEWHERE = frozenset({"outside-zones", "delegated"})
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,15}")


class DraftResolver:
    """Answers from the draft, a ZoneResolver of zone files, for every name of its zones; from the other
    resolver for names outside them or delegated away. A CNAME is followed from one to the other.
    """

    def __init__(self, draft: Resolver, *, over: Resolver) -> None:
        self.draft, self.over = draft, over
        if hasattr(over, "prefetch"):
            self.prefetch = self._prefetch

    async def resolve(self, question: Question) -> Answer:
        """The answer once the draft was published."""
        name, ttl = question.name, 1 << 31
        chain: tuple[str, ...] = ()
        while len(chain) <= MAX_CHAIN and name not in chain[:-1]:
            answer = await self.draft.resolve(Question(name, question.rdtype))
            if answer.note in _ELSEWHERE:
                known = answer.chain
                name = known[-1] if known else name
                outside = await self.over.resolve(Question(name, question.rdtype))
                steps, turn = outside.chain, await self._back(outside.chain)
                chain += (*known, *steps[:turn])
                if turn is not None:
                    name, ttl = chain[-1], min(ttl, outside.ttl)
                    continue
                answer = outside
            elif chain:
                chain += answer.chain
            if not chain:
                return answer
            ttl = 0 if answer.unknown else min(ttl, answer.ttl)
            return replace(answer, ttl=ttl, canonical_name=chain[-1], chain=chain)
        return Answer(Status.SERVFAIL, canonical_name=name, note="cname-loop", source="zone", chain=chain)

    async def _back(self, chain: tuple[str, ...]) -> int | None:
        """How many steps of a chain outside lead to a name of the draft, which may have changed it."""
        for count, name in enumerate(chain, 1):
            if (await self.draft.resolve(Question(name, "CNAME"))).note not in _ELSEWHERE:
                return count
        return None

    def _prefetch(self, questions: Iterable[Question]) -> None:
        zones = tuple(getattr(self.draft, "zones", ()))
        prefetch(self.over, [q for q in questions if not any(names.is_below(q.name, z) for z in zones)])


def written_changes(sets: Iterable[str], unsets: Iterable[str]) -> dict[Question | tuple[str, str], Change]:
    """Changes for an OverlayResolver from what a user wrote: `NAME [TTL] TYPE VALUE` as in a master file
    (RFC 1035 5.1), names absolute with or without the last dot; to remove records `NAME TYPE`. Several
    values for one name and type stand side by side, in place of whatever is there. Raises ValueError.
    """
    from senderauth.dns.zone import answer_of

    changes: dict[Question | tuple[str, str], Change] = {}
    for text in unsets:
        words = text.split()
        name = names.normalise(words[0]) if len(words) == 2 else None
        if name is None or not _TYPE.fullmatch(words[1]):
            raise ValueError(f"--unset needs a name and a type, such as 'example.com TXT': {text[:200]!r}")
        changes[name, words[1].upper()] = None
    given: dict[tuple[str, str], list[tuple[int, Any]]] = {}
    for text in sets:
        name, rdtype, ttl, value = written_record(text)
        if (name, rdtype) in changes:
            raise ValueError(f"{name} {rdtype} cannot be set and removed at a time")
        given.setdefault((name, rdtype), []).append((ttl, value))
    for (name, rdtype), values in given.items():
        if rdtype == "CNAME" and (len(values) > 1 or any(n == name and t != "CNAME" for n, t in given)):
            raise ValueError(f"{name}: a CNAME stands alone (RFC 1034 3.6.2)")
        found = answer_of(rdtype, [value for _, value in values])
        changes[name, rdtype] = replace(found, ttl=min(ttl for ttl, _ in values))
    return changes


def written_record(text: str) -> tuple[str, str, int, Any]:
    """Name, type, TTL and value of one record in master file syntax. Raises ValueError."""
    from senderauth.dns.master import entry_of
    from senderauth.dns.tokens import FaultError

    shown = repr(text[:200])
    if len(text) > MAX_WRITTEN:
        raise ValueError(f"--set: longer than {MAX_WRITTEN} characters: {shown}")
    try:
        entry = entry_of(text.strip())
    except FaultError as fault:
        example = "'example.com TXT \"v=spf1 -all\"'"
        what = f"{fault.args[-1]}: {shown}"
        raise ValueError(f"--set needs NAME TYPE VALUE, such as {example}: {what}") from None
    if entry.rdtype == "TXT" and '"' not in text and (len(entry.value) > 1 or ";" in text):
        # unquoted, words would be joined without blanks and ";" would begin a comment
        raise ValueError(f"--set: put the text of a TXT record in double quotes: {shown}")
    return entry.owner, entry.rdtype, entry.ttl, entry.value


def record_places(paths: Iterable[str | PathLike[str]]) -> Mapping[tuple[str, str], tuple[str, int]]:
    """File and line of the first record of each name and type in these zone files. Raises ZoneFileError."""
    from senderauth.dns.master import read

    places: dict[tuple[str, str], tuple[str, int]] = {}
    for path in paths:
        for entry in read(Path(path)).entries:
            places.setdefault((entry.owner, entry.rdtype), entry.place)
    return places
