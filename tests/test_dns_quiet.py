"""Silence: zones that never answer, name servers that are gone for a while, datagrams that get lost."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest

from senderauth.dns import Answer, LiveResolver, Question, Status, crowd, resolve_all, run
from senderauth.dns import quiet as quiet_module
from senderauth.dns.quiet import QuietZones
from tests.dnsserver import Server

Driver = Callable[[Any], Any]
DEAD = [f"{label}.dead.example" for label in ("a", "b", "c.d", "e", "f")]
ALIVE = {(f"{n}.alive.example", "A"): ["192.0.2.1"] for n in range(300)}


@pytest.fixture(params=["run", "asyncio"])
def driver(request: pytest.FixtureRequest) -> Driver:
    return run if request.param == "run" else asyncio.run


def silent_names(names: list[str]) -> dict[str, str]:
    return dict.fromkeys(names, "silent")


def test_a_silent_zone_is_asked_thoroughly_three_times_and_then_shortly(driver: Driver) -> None:
    with (
        Server(ALIVE, behave=silent_names(DEAD)) as server,
        LiveResolver([server.where], timeout=0.3, tries=3) as resolver,
    ):

        async def work() -> list[Answer]:
            return [await resolver.resolve(Question(name, "A")) for name in DEAD]

        answers = driver(work())
        assert {answer.status for answer in answers} == {Status.TIMEOUT}  # never "no such record"
        assert [answer.note for answer in answers] == ["", "", "", "zone-silent", "zone-silent"]
        assert [server.questions.count((name, "A")) for name in DEAD] == [3, 3, 3, 1, 1]


def test_other_zones_are_not_held_for_silent(driver: Driver) -> None:
    names = [*DEAD[:3], "1.alive.example", "x.dead.example"]
    records = ALIVE | {("x.dead.example", "A"): ["192.0.2.2"]}
    with (
        Server(records, behave=silent_names(DEAD)) as server,
        LiveResolver([server.where], timeout=0.2, tries=2) as resolver,
    ):

        async def work() -> list[Answer]:
            answers = [await resolver.resolve(Question(name, "A")) for name in names]
            # the one answer below dead.example has ended its silence: as thorough as ever
            return [*answers, await resolver.resolve(Question(DEAD[3], "A"))]

        answers = driver(work())
        assert [answer.records for answer in answers[3:5]] == [("192.0.2.1",), ("192.0.2.2",)]
        assert answers[5].note == ""
        assert server.questions.count((DEAD[3], "A")) == 2


def test_one_deadline_for_a_dead_zone_asked_at_once_and_less_for_the_next_questions(driver: Driver) -> None:
    names = [f"n{n}.dead.example" for n in range(12)]
    with (
        Server({}, behave=silent_names(names)) as server,
        LiveResolver([server.where], timeout=0.4, tries=3) as resolver,
    ):

        async def work() -> tuple[list[Answer], list[Answer]]:
            questions = [Question(name, "TXT") for name in names]
            return await resolve_all(resolver, questions), await resolve_all(resolver, questions)

        start = time.monotonic()
        first, second = driver(work())
        assert time.monotonic() - start < 1.3
        assert {answer.note for answer in first} == {""}
        assert {answer.note for answer in second} == {"zone-silent"}


def test_a_name_server_gone_for_a_while_is_believed_again_at_once() -> None:
    names = [f"{n}.alive.example" for n in range(4)]
    with (
        Server(ALIVE, behave=silent_names(names)) as server,
        LiveResolver([server.where], timeout=0.2, tries=2) as resolver,
    ):

        async def work() -> list[Answer]:
            for name in names:
                await resolver.resolve(Question(name, "A"))
            server.behave.clear()
            return [await resolver.resolve(Question(name, "A")) for name in names]

        assert {answer.records for answer in run(work())} == {("192.0.2.1",)}


def test_dead_zones_cost_a_crowd_one_deadline_not_one_each() -> None:
    dead = [f"{n}.test" for n in range(40)]
    with Server(ALIVE, behave=silent_names([f"{p}.{d}" for p in "abc" for d in dead])) as server:
        resolver = LiveResolver([server.where], timeout=0.5, tries=2)

        async def work(domain: str) -> list[Answer]:
            return await resolve_all(resolver, [Question(f"{part}.{domain}", "A") for part in "abc"])

        async def living(n: int) -> list[Answer]:
            return [await resolver.resolve(Question(f"{n}.alive.example", "A"))]

        start = time.monotonic()
        works = [*map(work, dead), *map(living, range(300))]
        answers = [answer for _, found in crowd(works) for answer in found]
        assert time.monotonic() - start < 2.5
        statuses = [answer.status for answer in answers]
        assert (statuses.count(Status.TIMEOUT), statuses.count(Status.NOERROR)) == (120, 300)


def test_a_third_of_the_datagrams_lost_loses_no_answer() -> None:
    class Lossy(Server):
        def _handle(self, wire: bytes, *rest: Any) -> None:
            if (len(self.messages) * 7919) % 10 < 3:  # the same ones in every run
                self.messages.append((wire, ("", 0), "lost"))
                return
            super()._handle(wire, *rest)

    with Lossy(ALIVE) as server:
        resolver = LiveResolver([server.where], timeout=5.0, tries=5)
        questions = [Question(name, rdtype) for name, rdtype in list(ALIVE)[:100]]
        answers = run(resolve_all(resolver, questions))
        assert {answer.records for answer in answers} == {("192.0.2.1",)}


# --- what is remembered ----------------------------------------------------------------------------


def test_silence_is_counted_by_registrable_domain() -> None:
    zones = QuietZones()
    for name in ("a.dead.co.uk", "b.c.dead.co.uk", "x.other.co.uk", "dead.co.uk"):
        zones.timed_out(name, 100.0)
    assert zones.is_silent("new.dead.co.uk", 101.0)
    assert not zones.is_silent("x.other.co.uk", 101.0)
    assert not zones.is_silent("co.uk", 101.0)
    assert not zones.is_silent("undead.co.uk", 101.0)
    zones.answered("deep.below.dead.co.uk")
    assert not zones.is_silent("dead.co.uk", 101.0)
    assert set(zones.silences) == {"other.co.uk"}


def test_silence_is_forgotten_after_a_minute_and_found_again_by_one_question() -> None:
    zones = QuietZones()
    for _ in range(3):
        zones.timed_out("dead.example", 100.0)
    assert zones.is_silent("dead.example", 159.0)
    assert not zones.is_silent("dead.example", 161.0)
    zones.timed_out("dead.example", 166.0)
    assert zones.is_silent("dead.example", 167.0)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet_module, "MAX_ZONES", 10)
    zones = QuietZones()
    for n in range(100):
        for _ in range(3):
            zones.timed_out(f"{n}.example", 0.0)
    assert len(zones.silences) <= 10
    assert set(zones.until) <= set(zones.silences)


# --- processes -------------------------------------------------------------------------------------


def _ask_many(resolver: LiveResolver, start: int) -> list[tuple[Any, ...]]:
    async def work(n: int) -> Answer:
        return await resolver.resolve(Question(f"{n}.alive.example", "A"))

    return [answer.records for _, answer in crowd(work(n) for n in range(start, start + 50))]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_one_resolver_serves_several_processes(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    with Server(ALIVE) as server:
        resolver = LiveResolver([server.where])
        assert _ask_many(resolver, 0) == [("192.0.2.1",)] * 50  # has been in use before
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(2, mp_context=context) as pool:
            for records in pool.map(_ask_many, [resolver] * 4, range(0, 200, 50)):
                assert records == [("192.0.2.1",)] * 50
        ports = {client for _, client, _ in server.messages}
        assert len(ports) >= 5 * 2
