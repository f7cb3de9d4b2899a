"""Driving an evaluation: without a loop, over our own loop, or inside the caller's asyncio program.

Theory of operation. Evaluators await nothing but `resolver.resolve` and each other. A resolver that
has its answers at hand never suspends, so `drive` runs an evaluation to its end with one `send`. A
resolver that must wait yields a request to whoever drives it. `together` runs independent evaluations
side by side where the driver can, one after another where it cannot; the results are the same.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Work = Coroutine[Any, Any, T]


def drive(work: Work[T]) -> T:
    """Runs work whose resolver never suspends (zone, tape). No event loop.

    Raises RuntimeError if the resolver suspends after all: such work needs `run`.
    """
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    work.close()
    raise RuntimeError("the resolver suspended; give this work to run()")


async def together(*works: Work[Any]) -> list[Any]:
    """The results of all works, in order, side by side where the driver can."""
    return [await work for work in works]
