"""The cache: how long, how many, and that it works in every driver."""

import asyncio
from typing import Any

import pytest

from senderauth.dns import (
    Answer,
    CachingResolver,
    LiveResolver,
    Question,
    Status,
    ZoneResolver,
    drive,
    prefetch,
    resolve_all,
    run,
)
from tests.dnsserver import Server

Q = Question("a.example", "A")


class Counting:
    """Answers and counts."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, 0

    async def resolve(self, _: Question) -> Answer:
        self.asked += 1
        return self.answer


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (Answer(Status.NOERROR, ("192.0.2.1",), 60), 60),
        (Answer(Status.NOERROR, ("192.0.2.1",), 100_000), 3600),  # the ceiling
        (Answer(Status.NOERROR, ("192.0.2.1",), 0), 0),
        (Answer(Status.NXDOMAIN, ttl=30), 30),  # RFC 2308
        (Answer(Status.NOERROR, ttl=0), 0),  # no SOA: not kept
        (Answer(Status.TIMEOUT), 5),
        (Answer(Status.SERVFAIL), 5),
    ],
)
def test_how_long_an_answer_is_kept(answer: Answer, kept: int) -> None:
    base, clock = Counting(answer), Clock()
    cache = CachingResolver(base, clock=clock)
    assert drive(cache.resolve(Q)) == answer
    for seconds in (0, kept - 1, kept):
        clock.now = 1000.0 + max(seconds, 0)
        drive(cache.resolve(Q))
    assert base.asked == (4 if kept == 0 else 2)


def test_the_least_used_goes_first() -> None:
    base = Counting(Answer(Status.NOERROR, ("192.0.2.1",), 60))
    cache = CachingResolver(base, max_entries=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        drive(cache.resolve(Question(f"{name}.example", "A")))
    assert base.asked == 4  # b went for c


def test_kept_answers_of_the_network_say_so() -> None:
    cache = CachingResolver(Counting(Answer(Status.NOERROR, ("192.0.2.1",), 60)))
    assert [drive(cache.resolve(Q)).source for _ in range(2)] == ["live", "cache"]
    zone = CachingResolver(ZoneResolver.from_records({("a.example", "A"): ["192.0.2.1"]}))
    assert [drive(zone.resolve(Q)).source for _ in range(2)] == ["zone", "zone"]


@pytest.mark.parametrize("driver", [run, asyncio.run])
def test_over_the_network(driver: Any) -> None:
    with Server({("a.example", "A"): ["192.0.2.1"]}) as server:
        cache = CachingResolver(LiveResolver([server.where]))

        async def work() -> list[Answer]:
            prefetch(cache, [Q, Question("b.example", "A")])
            first = await cache.resolve(Q)
            prefetch(cache, [Q])
            return [first, await cache.resolve(Q), await cache.resolve(Question("b.example", "A"))]

        assert [answer.status for answer in driver(work())] == [
            Status.NOERROR,
            Status.NOERROR,
            Status.NXDOMAIN,
        ]
        assert sorted(server.questions) == [("a.example", "A"), ("b.example", "A")]


def test_what_cannot_be_announced_is_not() -> None:
    assert not hasattr(CachingResolver(ZoneResolver.from_records({})), "prefetch")


def test_options_out_of_range() -> None:
    with pytest.raises(ValueError, match="max_entries"):
        CachingResolver(ZoneResolver.from_records({}), max_entries=0)


@pytest.mark.parametrize("driver", [run, asyncio.run, drive])
def test_several_at_once_are_asked_only_where_they_are_not_kept(driver: Any) -> None:
    asked: list[Question] = []

    class Over:
        async def resolve(self, question: Question) -> Answer:
            asked.append(question)
            return Answer(Status.NOERROR, (question.name,), ttl=60)

    cache = CachingResolver(Over())
    a, b, c = (Question(name, "A") for name in ("a.example", "b.example", "c.example"))

    async def work() -> list[Answer]:
        await cache.resolve(b)
        return await resolve_all(cache, [c, b, a, c])

    answers = driver(work())
    assert [answer.records for answer in answers] == [(n.name,) for n in (c, b, a, c)]
    assert answers[1].source == "cache"
    assert set(asked) == {a, b, c}
    assert asked.count(b) == 1
