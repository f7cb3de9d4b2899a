"""Driving work: no loop, our own loop, asyncio, and one inside another."""

import asyncio
import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from senderauth.dns import (
    Answer,
    LiveResolver,
    Question,
    Status,
    ZoneResolver,
    crowd,
    drive,
    pause,
    run,
    together,
)
from tests.dnsserver import Server

RECORDS = {(f"{letter}.example", "A"): ["192.0.2.1"] for letter in "abcdef"}
ZONE = ZoneResolver.from_records(RECORDS)
A = Question("a.example", "A")


async def value(n: int) -> int:
    return n


async def fails(log: list[str]) -> None:
    log.append("failed")
    raise ValueError("on purpose")


async def notes_its_end(log: list[str], resolver: LiveResolver) -> None:
    try:
        await resolver.resolve(Question("silent.example", "A"))
    finally:
        log.append("ended")


DRIVERS = {"drive": drive, "run": run, "asyncio": asyncio.run}


@pytest.mark.parametrize("driver", DRIVERS)
def test_together_keeps_the_order(driver: str) -> None:
    async def work() -> list[list[int]]:
        return await together(together(value(1), value(2)), together(), together(value(3)))

    assert DRIVERS[driver](work()) == [[1, 2], [], [3]]


@pytest.mark.parametrize("driver", DRIVERS)
def test_together_raises_the_first_error_and_leaves_nothing_behind(driver: str) -> None:
    log: list[str] = []

    async def work() -> None:
        with pytest.raises(ValueError, match="on purpose"):
            await together(value(1), fails(log), value(2))
        log.append("went on")

    DRIVERS[driver](work())
    assert log == ["failed", "went on"]


@pytest.mark.parametrize("driver", ["run", "asyncio"])
def test_an_error_ends_works_that_still_wait(driver: str) -> None:
    log: list[str] = []
    with Server({}, behave={"silent.example": "silent"}) as server:
        resolver = LiveResolver([server.where])

        async def work() -> None:
            with pytest.raises(ValueError, match="on purpose"):
                await together(notes_its_end(log, resolver), fails(log))

        start = time.monotonic()
        DRIVERS[driver](work())
        assert time.monotonic() - start < 1
        assert sorted(log) == ["ended", "failed"]
        resolver.close()


def test_drive_refuses_work_that_must_wait() -> None:
    with pytest.raises(RuntimeError, match=r"run\(\)"):
        drive(LiveResolver(["127.0.0.1:1"]).resolve(A))


def test_run_refuses_work_that_waits_for_something_foreign() -> None:
    async def foreign() -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="asyncio"):
        run(foreign())


def test_what_a_work_raises_comes_out_of_run_and_crowd() -> None:
    with pytest.raises(ValueError, match="on purpose"):
        run(fails([]))
    with pytest.raises(ValueError, match="on purpose"):
        list(crowd([value(1), fails([])]))


def test_crowd_reads_its_works_lazily_and_numbers_the_results() -> None:
    begun: list[int] = []

    def works() -> Iterator[object]:
        for n in range(10**9):
            begun.append(n)
            yield value(n)

    results = crowd(works(), width=3)  # type: ignore[arg-type]
    assert [next(results) for _ in range(5)] == [(n, n) for n in range(5)]
    assert len(begun) <= 8
    results.close()  # type: ignore[attr-defined]


def test_crowd_yields_who_is_done_first() -> None:
    records = RECORDS | {("slow.example", "A"): ["192.0.2.2"]}
    with Server(records, behave={"slow.example": "late"}) as server:
        resolver = LiveResolver([server.where])
        works = [resolver.resolve(Question(name, "A")) for name in ("slow.example", "a.example", "b.example")]
        assert sorted(order := [index for index, _ in crowd(works)]) == [0, 1, 2]
        assert order[-1] == 0


def test_crowd_keeps_to_its_width() -> None:
    inside = most = 0

    async def work(resolver: LiveResolver, n: int) -> Answer:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        answer = await resolver.resolve(Question(f"{n}.example", "A"))
        inside -= 1
        return answer

    with Server({}, delay=0.005) as server:
        resolver = LiveResolver([server.where])
        assert len(list(crowd((work(resolver, n) for n in range(30)), width=7))) == 30
    assert most == 7


@pytest.mark.parametrize("driver", ["run", "asyncio"])
def test_one_flight_a_question(driver: str) -> None:
    with Server(RECORDS, delay=0.02) as server:
        resolver = LiveResolver([server.where])

        async def work() -> list[Answer]:
            return await together(*(resolver.resolve(A) for _ in range(20)))

        assert {answer.records for answer in DRIVERS[driver](work())} == {("192.0.2.1",)}
        assert server.questions == [("a.example", "A")]
        resolver.close()


def test_independent_questions_take_one_delay() -> None:
    questions = [Question(name, "A") for name, _ in RECORDS]
    with Server(RECORDS, delay=0.1) as server:
        resolver = LiveResolver([server.where])

        async def work() -> list[Answer]:
            return await together(*map(resolver.resolve, questions))

        for driver in (run, asyncio.run):
            start = time.monotonic()
            driver(work())
            assert time.monotonic() - start < 0.3
        resolver.close()


def test_run_works_where_an_asyncio_loop_is_running() -> None:
    with Server(RECORDS) as server:
        resolver = LiveResolver([server.where])

        async def notebook() -> tuple[Answer, Answer, list[int]]:
            before = await resolver.resolve(A)
            inside = run(resolver.resolve(A))  # as a sync twin in a notebook's cell
            driven = drive(together(value(1), value(2)))
            await asyncio.sleep(0)
            assert (await resolver.resolve(A)).records == before.records
            return before, inside, driven

        before, inside, driven = asyncio.run(notebook())
        assert before.records == inside.records == ("192.0.2.1",)
        assert driven == [1, 2]
        resolver.close()


def test_run_inside_run() -> None:
    with Server(RECORDS) as server:
        resolver = LiveResolver([server.where])

        async def outer() -> list[Answer]:
            first = await resolver.resolve(A)
            return [first, run(resolver.resolve(A)), drive(ZONE.resolve(A)), await resolver.resolve(A)]

        assert {answer.records for answer in run(outer())} == {("192.0.2.1",)}


def test_a_crowd_that_is_read_slowly_inside_asyncio_leaves_asyncio_alone() -> None:
    with Server(RECORDS) as server:
        resolver = LiveResolver([server.where])

        async def program() -> int:
            done = 0
            for _, answer in crowd(resolver.resolve(Question(name, "A")) for name, _ in RECORDS):
                assert (await resolver.resolve(A)).records == answer.records  # between two results
                done += 1
            return done

        assert asyncio.run(program()) == len(RECORDS)
        resolver.close()


def test_threads_each_with_their_own_run() -> None:
    results: list[Answer] = []
    with Server(RECORDS) as server:
        resolver = LiveResolver([server.where])

        def thread() -> None:
            results.extend(run(resolver.resolve(Question(name, "A"))) for name, _ in RECORDS)

        threads = [threading.Thread(target=thread) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len(results) == 4 * len(RECORDS)
    assert {answer.status for answer in results} == {Status.NOERROR}


def test_importing_the_room_loads_nothing_heavy() -> None:
    """Without `site`, which loads what other packages have asked it to."""
    code = """
import sys
sys.path[:] = PATHS
before = set(sys.modules)
import senderauth.dns
heavy = {"asyncio", "dns", "ssl", "selectors", "socket", "httpx", "idna", "logging"}
print(*sorted(heavy & set(sys.modules) - before))
"""
    paths = [str(Path(__file__).resolve().parents[1]), *filter(None, sys.path)]
    code = code.replace("PATHS", repr(paths))
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_what_waited_side_by_side_is_freed_without_the_garbage_collector() -> None:
    class Thing:
        pass

    async def late() -> Thing:
        await pause(0.01)
        return Thing()

    async def both() -> list[weakref.ref[Thing]]:
        return [weakref.ref(thing) for thing in await together(late(), late())]

    gc.collect()
    gc.disable()
    try:
        assert [ref() for ref in run(both())] == [None, None]
    finally:
        gc.enable()


def test_a_crowd_lets_the_garbage_collector_come_seldom_and_leaves_it_as_it_was() -> None:
    async def work() -> int:
        return gc.get_threshold()[0]

    before, pythons = gc.get_threshold(), (700, 10, 10)
    gc.set_threshold(*pythons)  # an audit in this process may have left its own
    try:
        assert [result for _, result in crowd([work(), work()])] == [20_000, 20_000]
        assert gc.get_threshold() == pythons
        outer = crowd(work() for _ in range(3))
        next(outer)
        assert run(work()) == 20_000  # one inside another
        assert gc.get_threshold()[0] == 20_000
        outer.close()  # type: ignore[attr-defined]
        assert gc.get_threshold() == pythons
    finally:
        gc.set_threshold(*before)


def test_a_setting_of_the_programs_own_is_respected() -> None:
    before = gc.get_threshold()

    async def turn_off() -> None:
        gc.set_threshold(0)

    async def look() -> int:
        return gc.get_threshold()[0]

    try:
        run(turn_off())
        assert gc.get_threshold()[0] == 0
        assert run(look()) == 0
    finally:
        gc.set_threshold(*before)
