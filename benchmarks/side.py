"""Running things in turn, A B A B …, and comparing their medians."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping


def in_turn(things: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The median seconds of each thing over so many rounds, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in things}
    for number in range(rounds + 1):
        for name, thing in things.items():
            start = time.perf_counter()
            thing()
            if number:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def command(*words: str) -> Callable[[], object]:
    """A whole process, its output thrown away."""
    return lambda: subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def table(title: str, medians: Mapping[str, float], base: str, unit: float = 1e3, name: str = "ms") -> str:
    """Rows of median and ratio to base."""
    width = max(map(len, medians))
    rows = [f"{title}"]
    for thing, seconds in medians.items():
        rows.append(f"  {thing:<{width}}  {seconds * unit:9.2f} {name}  {seconds / medians[base]:6.2f} ×")
    return "\n".join(rows)
