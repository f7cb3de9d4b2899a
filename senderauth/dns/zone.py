"""Zones at hand: answers from records given in a program or read from master files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from senderauth.dns.core import Answer, Question, Status

MAX_CHAIN = 16


class ZoneResolver:
    """Answers as an authoritative server of all its zones would. Never suspends."""

    def __init__(
        self,
        records: Mapping[tuple[str, str], Iterable[Any] | Status],
        *,
        elsewhere: Status = Status.NXDOMAIN,
    ) -> None:
        self._answers: dict[tuple[str, str], Answer] = {}
        self._names: set[str] = set()
        self._missing = Answer(elsewhere, source="zone")
        self._empty = Answer(Status.NOERROR, source="zone")
        for (name, rdtype), given in records.items():
            self._add(name.lower().removesuffix("."), rdtype.upper(), given)

    @classmethod
    def from_records(
        cls,
        records: Mapping[tuple[str, str], Iterable[Any] | Status],
        *,
        elsewhere: Status = Status.NXDOMAIN,
    ) -> ZoneResolver:
        """A closed world: {("example.com", "TXT"): [b"v=spf1 -all"], ("slow.example", "A"): Status.TIMEOUT}.

        TXT as bytes, or a tuple of bytes for several strings; MX as (preference, host). A name that no
        key makes exist is `elsewhere`.
        """
        return cls(records, elsewhere=elsewhere)

    def _add(self, name: str, rdtype: str, given: Iterable[Any] | Status) -> None:
        parts = name.split(".")
        self._names.update(".".join(parts[i:]) for i in range(len(parts)))
        if isinstance(given, Status):
            self._answers[name, rdtype] = Answer(given, source="zone")
            return
        given = list(given)
        strings: tuple[tuple[bytes, ...], ...] = ()
        if rdtype == "TXT":
            strings = tuple(record if isinstance(record, tuple) else (record,) for record in given)
            given = [b"".join(parts) for parts in strings]
        elif rdtype in ("PTR", "CNAME", "NS"):
            given = [record.lower().removesuffix(".") for record in given]
        elif rdtype == "MX":
            given = [(preference, host.lower().removesuffix(".")) for preference, host in given]
        self._answers[name, rdtype] = Answer(
            Status.NOERROR, tuple(given), ttl=300, strings=strings, source="zone"
        )

    async def resolve(self, question: Question) -> Answer:
        """The answer at once, CNAMEs followed."""
        answer = self._answers.get((question.name, question.rdtype))
        if answer is not None:
            return answer
        name = question.name
        for _ in range(MAX_CHAIN):
            answer = self._answers.get((name, question.rdtype))
            if answer is None:
                alias = self._answers.get((name, "CNAME"))
                if alias is not None and question.rdtype != "CNAME":
                    if alias.unknown:
                        return alias
                    name = alias.records[0]
                    continue
                answer = self._empty if name in self._names else self._missing
            if name == question.name:
                return answer
            return Answer(answer.status, answer.records, answer.ttl, name, answer.strings, source="zone")
        return Answer(Status.SERVFAIL, note="cname-loop", source="zone")
