"""DNS as one row sees it: its own answers kept for the row only, those of others shared by all rows.

Theory of operation. A domain's own names are asked by its row alone, so their answers live as long as the
row; only names of others (providers' records, mail exchanges, the names above) go to the shared cache,
whose size is bounded. What DNS has said of a name saves questions below it: nothing is below a name that
does not exist (RFC 8020), and a zone that answered nothing at all within the deadline is not waited for
again, so a dead zone costs its row one deadline. What DNS would not tell is written down.
"""

from __future__ import annotations

from collections.abc import Iterable

from senderauth.dns import Answer, Key, Question, Resolver, Status, resolve_all

_MISSING = Answer(Status.NXDOMAIN, note="rfc8020")
_NOERROR, _NXDOMAIN = Status.NOERROR, Status.NXDOMAIN
_SILENT = Answer(Status.TIMEOUT, note="zone-silent")
MAX_UNKNOWN = 50


class Asks:
    """The resolver of one row. `network` asks the row's own questions, `shared` those of others."""

    __slots__ = ("_domain", "_kept", "_missing", "_network", "_shared", "_suffix", "_timed_out",
                 "answered", "unknown")  # fmt: skip

    def __init__(self, domain: str, network: Resolver, shared: Resolver) -> None:
        self._network, self._shared = network, shared
        self._domain, self._suffix = domain, f".{domain}"
        self._kept: dict[Key, Answer] = {}
        self._missing: tuple[str, ...] = ()
        """Suffixes below which nothing exists."""
        self.answered = False
        """Whether the domain's own names got any answer."""
        self._timed_out = False
        self.unknown: dict[Question, Answer] = {}
        """What DNS would not tell, in the order in which it was asked."""

    async def resolve(self, question: Question) -> Answer:
        """The answer, from wherever it is known."""
        name = question.name
        answer = self._kept.get((name, question.rdtype))
        if answer is not None:
            return answer
        if name.endswith(self._suffix) or name == self._domain:
            answer = self._known(name) or await self._network.resolve(question)
            self._learn(question, answer)
        else:
            answer = await self._shared.resolve(question)
            if answer.unknown:
                self._note(question, answer)
        return answer

    async def resolve_own(self, questions: list[Question]) -> list[Answer]:
        """The answers to several of the row's own questions, in order, asked at once."""
        kept = self._kept
        asked = [q for q in questions if (q.name, q.rdtype) not in kept] if kept else questions
        if self._missing or self._timed_out:
            following = [(question, self._known(question.name)) for question in asked]
            for question, answer in following:
                if answer is not None:
                    self._learn(question, answer)
            asked = [question for question, answer in following if answer is None]
        if asked:
            answers = await resolve_all(self._network, asked)
            for question, answer in zip(asked, answers, strict=True):
                kept[question.name, question.rdtype] = answer
                if answer.records or (answer.status is _NOERROR):  # nearly all, and nothing follows from them
                    self.answered = True
                else:
                    self._learn(question, answer)
            if len(asked) == len(questions):
                return answers
        return [kept[q.name, q.rdtype] for q in questions]

    async def resolve_all(self, questions: Iterable[Question]) -> list[Answer]:
        """Several answers, in order; the row's own questions are asked at once."""
        asked = list(questions)
        own = [q for q in asked if q.name.endswith(self._suffix) or q.name == self._domain]
        if not own:
            return await self._resolve_others(asked)
        answers = await self.resolve_own(own)
        if len(own) == len(asked):
            return answers
        found = dict(zip(own, answers, strict=True))
        others = [question for question in asked if question not in found]
        found.update(zip(others, await self._resolve_others(others), strict=True))
        return [found[question] for question in asked]

    async def _resolve_others(self, questions: list[Question]) -> list[Answer]:
        answers = await resolve_all(self._shared, questions)
        for question, answer in zip(questions, answers, strict=True):
            if answer.unknown:
                self._note(question, answer)
        return answers

    def _known(self, name: str) -> Answer | None:
        """What follows from other answers."""
        if self._missing and name.endswith(self._missing):
            return _MISSING
        return _SILENT if self._timed_out and not self.answered else None

    def _learn(self, question: Question, answer: Answer) -> None:
        self._kept[question.name, question.rdtype] = answer
        if answer.records:
            self.answered = True
        elif answer.status is not _NOERROR and answer.status is not _NXDOMAIN:  # as Answer.unknown
            if answer.status is Status.TIMEOUT:
                self._timed_out = True
            else:  # somebody said that it cannot be told
                self.answered = True
            self._note(question, answer)
        else:
            self.answered = True
            if answer.status is _NXDOMAIN and answer.canonical_name is None:  # as Answer.name_missing
                self._missing += (f".{question.name}",)

    def _note(self, question: Question, answer: Answer) -> None:
        if len(self.unknown) < MAX_UNKNOWN:
            self.unknown[question] = answer

    def again(self, below: Resolver) -> Asks:
        """The same after a while: what is known stays, what was unknown is asked anew, `below` the cache."""
        fresh = Asks(self._domain, self._network, below)
        fresh._kept = {key: answer for key, answer in self._kept.items() if not answer.unknown}
        fresh._missing, fresh.answered = self._missing, self.answered
        return fresh

    def beside(self) -> Asks:
        """The same knowledge for questions that are no part of the row: what they find out is not told, and
        what is unknown is not waited for again.
        """
        other = Asks(self._domain, self._network, self._shared)
        other._kept, other._missing = dict(self._kept), self._missing
        other.answered, other._timed_out = self.answered, self._timed_out
        return other


class Remembered:
    """Answers kept as long as one row is in hand, whatever their TTL: it is judged several times on the same
    DNS, and nothing is asked twice for that.
    """

    def __init__(self, over: Resolver) -> None:
        self._over = over
        self._kept: dict[Question, Answer] = {}

    async def resolve(self, question: Question) -> Answer:
        """The answer that was given first."""
        answer = self._kept.get(question)
        if answer is None:
            answer = self._kept[question] = await self._over.resolve(question)
        return answer

    async def resolve_all(self, questions: Iterable[Question]) -> list[Answer]:
        """As `resolve`; what is not kept is asked side by side."""
        asked = list(questions)
        new = [question for question in dict.fromkeys(asked) if question not in self._kept]
        self._kept |= zip(new, await resolve_all(self._over, new), strict=True)
        return [self._kept[question] for question in asked]
