"""How far an audit is: a bar on a terminal, else a line a minute on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from senderauth.cli.main import note

if TYPE_CHECKING:
    from senderauth.audit import Progress, Summary
    from senderauth.report import Wording

MINUTE = 60.0
EVERY = 0.2
"""Seconds between two looks of the bar."""


@contextmanager
def progress_for(quiet: bool, words: Wording) -> Iterator[Progress | None]:
    """What fits where standard error goes."""
    if quiet:
        yield None
    elif not sys.stderr.isatty():
        yield Lines(words)
    else:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
            TextColumn("{task.fields[counts]}"),
        )  # fmt: skip
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            yield Bar(bar, words)


class Lines:
    """A line a minute."""

    def __init__(self, words: Wording) -> None:
        self._words = words
        self._begun = self._told = monotonic()
        self._done = self._before = 0
        self._total: int | None = None

    def begin(self, total: int | None, done: int) -> None:
        """What there is to do."""
        self._done = self._before = done
        self._begun, self._total = monotonic(), total

    def row(self, summary: Summary) -> None:
        """One more."""
        self._done += 1
        now = monotonic()
        if now - self._told >= MINUTE:
            self._told = now
            of = "" if self._total is None else f"/{self._total:,}"
            rate = rate_text(self._done - self._before, now - self._begun)
            note(f"{self._done:,}{of}  {rate}  {counts(summary, self._words)}\n")

    def silence(self) -> None:
        """Nobody answers."""
        note(f"{self._words.say('audit', 'silence')}\n")


def rate_text(rows: int, seconds: float) -> str:
    """Rows a second of this run."""
    return f"{rows / max(seconds, 0.001):,.0f}/s"


def counts(summary: Summary, words: Wording) -> str:
    """What a glance should tell."""
    states, spoofable = summary.counts["states"], summary.counts["spoofable"]
    facts = {"spoofable": spoofable["yes"], "unknown": states["unknown"], "unread": states["bad-input"]}
    return words.say("audit", "progress", {name: f"{count:,}" for name, count in facts.items()})


class Bar:
    """rich's bar, told a few times a second: telling costs more than a row may."""

    def __init__(self, bar: Any, words: Wording) -> None:
        self._bar, self._task = bar, bar.add_task("", total=None, rate="", counts="")
        self._words = words
        self._begun = self._told = monotonic()
        self._done = self._before = 0

    def begin(self, total: int | None, done: int) -> None:
        """What there is to do."""
        self._done = self._before = done
        self._begun = monotonic()
        self._bar.update(self._task, total=total, completed=done)

    def row(self, summary: Summary) -> None:
        """One more."""
        self._done += 1
        now = monotonic()
        if now - self._told >= EVERY:
            self._told = now
            rate = rate_text(self._done - self._before, now - self._begun)
            told = counts(summary, self._words)
            self._bar.update(self._task, completed=self._done, rate=rate, counts=told)

    def silence(self) -> None:
        """Nobody answers."""
        self._bar.console.print(self._words.say("audit", "silence"), markup=False, highlight=False)
