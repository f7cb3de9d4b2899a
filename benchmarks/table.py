"""Rows of the table, and the run that they come from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.installed import INSTALL, version
from benchmarks.serving import World
from benchmarks.side import Contestant, Figures, Meter, in_turn, worked

OURS = "senderauth"
CORES = os.cpu_count() or 1
OURS_ON_ALL_CORES = f"{OURS}, {CORES} processes"
HEAD = ("measure", "ours", "peer", "ratio", "goal", "met?")


@dataclass(frozen=True, slots=True)
class Goal:
    """What a number should be at least or at most, and which: the ratio, or ours."""

    sign: Literal["≥", "≤", ">"]
    value: float
    unit: str = "×"

    def __str__(self) -> str:
        return f"{self.sign} {self.value:,g} {self.unit}"

    def met(self, number: float) -> bool:
        """Whether it is."""
        if self.sign == "≤":
            return number <= self.value
        return number > self.value or (self.sign == "≥" and number == self.value)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    measure: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    goal: Goal | None = None
    """About the ratio, or about `judged` where that is given."""
    judged: float | None = None
    cpu: float | None = None
    """The ratio of CPU, which neighbours on the machine disturb less."""

    def cells(self) -> tuple[str, ...]:
        """As text."""
        number = self.ratio if self.judged is None else self.judged
        met = "" if self.goal is None or number is None else "yes" if self.goal.met(number) else "**no**"
        ratios = [short(each) for each in (self.ratio, self.cpu) if each is not None]
        ratio = ", CPU ".join(ratios)
        return (self.measure, self.ours, self.peer, ratio, str(self.goal or ""), met)


@dataclass(slots=True)
class Bench:
    """One run of the benchmarks: what it is given, and what came out."""

    scratch: Path
    runs: int = 3
    domains: int = 5_000
    sizes: Sequence[int] = (2_000, 20_000)
    delayed: int = 20_000
    world: World | None = None
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    rows: list[Row] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def served(self) -> World:
        """The world, for parts that need one."""
        if self.world is None:
            raise RuntimeError("no world is served")
        return self.world

    def has(self, peer: str) -> bool:
        """Whether it is installed; noted as skipped if not."""
        if version(peer):
            return True
        self.skip(f"{peer} is not installed ({INSTALL[peer]})")
        return False

    def skip(self, what: str) -> None:
        """Something is not measured, and why."""
        if what not in self.skipped:
            self.skipped.append(what)
            print(f"  skipped: {what}", file=sys.stderr)

    def race(
        self,
        contestants: Iterable[Contestant],
        run: Callable[[Contestant, Meter | None], Figures] = worked,
        runs: int = 0,
    ) -> dict[str, Figures]:
        """Medians of the contestants; who was lost on the way is noted as skipped."""
        meter = None if self.world is None else self.world.questions
        medians, lost = in_turn(list(contestants), runs or self.runs, run, meter)
        for name, why in lost.items():
            self.skip(f"{name} was lost: {why}")
        return medians

    def add(self, row: Row) -> None:
        """One more line, shown at once."""
        self.rows.append(row)
        print("  " + " | ".join(row.cells()), file=sys.stderr)

    def rates(self, measure: str, medians: dict[str, Figures], goals: dict[str, Goal]) -> None:
        """A line for each peer: things a second of ours to those of the peer; then, where it was measured, of
        ours on all cores.
        """
        peers = dict(medians)
        mine, every = peers.pop(OURS, None), peers.pop(OURS_ON_ALL_CORES, None)
        if not mine:
            return
        if not peers:
            self.add(Row(measure, rate(mine)))
        for name, theirs in peers.items():
            cpu = theirs.cpu / theirs.count / (mine.cpu / mine.count) if mine.cpu else None
            ratio = mine.rate / theirs.rate
            self.add(Row(measure, rate(mine), f"{name} {rate(theirs)}", ratio, goals.get(name), cpu=cpu))
        if every:
            self.rates(f"{measure} --jobs {CORES}", {OURS: every, **peers}, goals)


def short(number: float) -> str:
    """With three digits."""
    return f"{number:,.{0 if number >= 100 else 1 if number >= 10 else 2}f}"


def rate(figures: Figures) -> str:
    """Things a second, CPU for each, questions for each where they were counted."""
    each = figures.cpu / figures.count
    cpu = f"{short(each * 1e6)} µs" if each < 0.01 else f"{short(each * 1e3)} ms"
    asked = f", {figures.questions / figures.count:.1f} questions" if figures.questions else ""
    return f"{short(figures.rate)}/s ({cpu} CPU{asked})"


def markdown(rows: Iterable[Row]) -> str:
    """The table, aligned so that it reads in a terminal too."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = [
        " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    ]
    rule = " | ".join("-" * width for width in widths)
    return "\n".join(f"| {line} |" for line in (shown[0], rule, *shown[1:]))
