"""Contestants side by side: A B C A B C …, each run in a process of its own, medians.

Theory of operation. A contestant is a command that gets ready (imports, warms up), prints "ready", waits for
a line, does its work, and prints a line of JSON, such as what came out. The clock runs between the two, and
so does the CPU's: of the process and of all that it has waited for, as the kernel tells at its end, less what
was used up when it was ready. So any language takes part, and nobody is charged for starting.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Contestant:
    """A command, and how many things it does in one run."""

    name: str
    words: tuple[str, ...]
    count: int
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run, or the median of several, took."""

    seconds: float
    count: int
    cpu: float
    """Seconds, user and system, of all processes."""
    memory: float
    """Largest resident size of a process, in MB."""
    questions: float = 0.0
    """What the name server counted."""

    @property
    def rate(self) -> float:
        """Things a second."""
        return self.count / self.seconds


class Lost(Exception):  # noqa: N818 - what happened
    """The contestant ended before it was done; with its last words."""


Meter = Callable[[], float]


def worked(contestant: Contestant, meter: Meter | None = None) -> Figures:
    """One run of a contestant that says when it is ready."""
    asked = meter or (lambda: 0.0)
    with _started(contestant, subprocess.PIPE) as (process, last_words):
        assert process.stdin
        assert process.stdout
        if process.stdout.readline() != "ready\n":
            raise Lost(last_words())
        before, used = asked(), _used(process.pid)
        start = time.perf_counter()
        process.stdin.write("go\n")
        process.stdin.flush()
        told = process.stdout.readline()
        seconds = time.perf_counter() - start
        questions = asked() - before
        usage = _ended(process)
        if not told or process.returncode:
            raise Lost(last_words())
    print(f"    {contestant.name}: {contestant.count / seconds:,.1f}/s {told.strip()}", file=sys.stderr)
    cpu = usage.ru_utime + usage.ru_stime - used
    return Figures(seconds, contestant.count, cpu, usage.ru_maxrss / 1024, questions)


def whole(contestant: Contestant, _: Meter | None = None) -> Figures:
    """One run of any command, from its start to its end."""
    start = time.perf_counter()
    with _started(contestant, subprocess.DEVNULL) as (process, last_words):
        usage = _ended(process)
        seconds = time.perf_counter() - start
        if process.returncode not in (0, 1):
            raise Lost(last_words())
    return Figures(seconds, contestant.count, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def in_turn(
    contestants: Sequence[Contestant],
    runs: int,
    run: Callable[[Contestant, Meter | None], Figures] = worked,
    meter: Meter | None = None,
) -> tuple[dict[str, Figures], dict[str, str]]:
    """Medians of so many runs of each, one after the other; and who was lost, with the reason."""
    figures: dict[str, list[Figures]] = {contestant.name: [] for contestant in contestants}
    lost: dict[str, str] = {}
    for _ in range(runs):
        for contestant in contestants:
            if contestant.name in lost:
                continue
            try:
                figures[contestant.name].append(run(contestant, meter))
            except (Lost, OSError) as problem:
                lost[contestant.name] = str(problem)
    return {name: median(each) for name, each in figures.items() if name not in lost}, lost


def median(runs: Sequence[Figures]) -> Figures:
    """Of each figure by itself."""
    values = {
        each.name: statistics.median(getattr(run, each.name) for run in runs) for each in fields(Figures)
    }
    return Figures(**values)


def serve(warm: Callable[[], object], work: Callable[[], object]) -> None:
    """A contestant written in Python: its side of the talk."""
    warm()
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(work()), flush=True)
    os._exit(0)  # an interpreter that takes itself apart would be counted as work


@contextmanager
def _started(contestant: Contestant, talk: int) -> Iterator[tuple[subprocess.Popen[str], Callable[[], str]]]:
    """The process, and what tells why it ended, from its standard error; a file, since pipes run full."""
    environment = {**os.environ, **contestant.environment}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        process = subprocess.Popen(
            contestant.words, stdin=talk, stdout=talk, stderr=said, text=True, env=environment
        )

        def last_words() -> str:
            said.seek(0)
            lines = said.read().strip().splitlines() or ["no word"]
            return next((line for line in lines if "Error" in line), lines[-1])[:200]

        try:
            yield process, last_words
        finally:
            if process.returncode is None:
                process.kill()
            process.communicate()


def _ended(process: subprocess.Popen[str]) -> resource.struct_rusage:
    """The kernel's account of exactly this child and those that it waited for."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage


def _used(pid: int) -> float:
    """Seconds of CPU so far; the name in brackets may hold anything."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / TICK
