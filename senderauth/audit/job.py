"""A whole audit from list to file: what the command runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, BinaryIO, Protocol

from senderauth.audit import write
from senderauth.audit.cluster import Cluster
from senderauth.audit.examine import Options
from senderauth.audit.jobs import Pool
from senderauth.audit.read import Entry, read
from senderauth.audit.row import FIELDS, Row, document
from senderauth.audit.run import CACHE_SIZE, Audit
from senderauth.audit.summary import Summary
from senderauth.dns import Resolver
from senderauth.values import SEVERITIES, Severity

CHUNK = 1 << 20


class Progress(Protocol):
    """Who is told how far it is."""

    def begin(self, total: int | None, done: int) -> None:
        """So many lines are to come (None: not known), of which so many are done already."""
        ...

    def row(self, summary: Summary) -> None:
        """One more is known; rows that must wait for an earlier one are written later."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done. Raises ValueError where it cannot be."""

    source: Path | None
    """The list; None: standard input."""
    target: Path | None
    """Where rows go; None: standard output."""
    kind: write.Format = "jsonl"
    fields: tuple[str, ...] = FIELDS
    options: Options = field(default_factory=Options)
    width: int = 500
    """Domains in flight."""
    retries: int = 1
    cache_size: int = CACHE_SIZE
    resume: bool = False
    jobs: int = 1
    """Processes."""
    retry_unknown: bool = False
    """Of a run that is continued: what was unknown is asked again."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers do it."""

    def __post_init__(self) -> None:
        if self.target is None and (self.resume or self.kind == "parquet"):
            raise ValueError("--resume and Parquet need a file: give -o FILE")
        if self.retry_unknown and not self.resume:
            raise ValueError("--retry-unknown goes with --resume")
        if self.retry_unknown and "state" not in self.fields:
            raise ValueError("--retry-unknown needs the field state")
        if self.scheduler and self.jobs > 1:
            raise ValueError("--dask and --jobs exclude each other")
        if self.kind == "parquet":
            write.needs_pyarrow()


@dataclass(slots=True)
class Result:
    """How it ended."""

    summary: Summary
    complete: bool
    seconds: float
    rows: int
    """Written now, not by an earlier run."""

    def exit_code(self, fail_on: Severity | None = None) -> int:
        """0: nothing would be rejected; 1: a host that was named would be, or there is a finding of this
        severity or above; 2: no line could be read; 3: something is unknown now, and nothing worse.
        """
        counts, summary = self.summary.counts, self.summary
        if counts["hosts"]["refused"] or counts["hosts"]["deferred"]:
            return 1
        if fail_on is not None:
            level = SEVERITIES.index(fail_on)
            if summary.worst_at_least(frozenset(SEVERITIES[level:])):
                return 1
        if summary.rows and counts["states"]["bad-input"] == summary.rows:
            return 2
        return 3 if counts["states"]["unknown"] else 0


class Running:
    """A job on its way; `stop` may be called by a signal's handler."""

    def __init__(self, job: Job, resolver: Resolver, progress: Progress | None = None) -> None:
        self.job, self._progress = job, progress
        self.summary = Summary()
        self._encode = write.encoder("jsonl" if job.kind == "parquet" else job.kind, job.fields)
        retries, size = job.retries, job.cache_size
        self._audit: Audit[bytes] | Pool | Cluster
        if job.scheduler:
            self._audit = Cluster(job.scheduler, resolver, job.options, retries=retries, cache_size=size)
        elif job.jobs > 1:
            self._audit = Pool(resolver, job.options, jobs=job.jobs, retries=retries, cache_size=size)
        else:
            self._audit = Audit(resolver, self._finish, job.options, retries=retries, cache_size=size)

    def _finish(self, row: Row) -> bytes:
        whole = document(row)
        self._count(whole)
        return self._encode(whole)

    def _count(self, whole: Mapping[str, Any]) -> None:
        self.summary.add(whole)
        if self._progress is not None:
            self._progress.row(self.summary)

    def _lines(self, entries: Iterable[Entry]) -> Iterator[bytes]:
        """The rows as they are written."""
        lines = self._audit.rows(entries, width=self.job.width)
        if isinstance(self._audit, Audit):
            return lines
        return map(self._from_worker, lines)

    def _from_worker(self, line: bytes) -> bytes:
        whole = json.loads(line)
        self._count(whole)
        same = self.job.kind != "csv" and self.job.fields is FIELDS
        return line if same else self._encode(whole)

    def stop(self) -> None:
        """No new domain is begun; those in hand are finished and written."""
        self._audit.stop()

    def execute(self) -> Result:
        """Does it. Raises ValueError for what cannot be read or continued, WriteError, BrokenPipeError and
        NameServersGone; whatever it raises, rows that were written stay.
        """
        try:
            return self._execute()
        finally:
            if isinstance(self._audit, Cluster):
                self._audit.close()

    def _execute(self) -> Result:
        job, begun = self.job, monotonic()
        kind: write.Format = "jsonl" if job.kind == "parquet" else job.kind
        path = None if job.target is None else write.working_path(job.target, job.kind)
        resume = job.resume and path is not None and path.exists()
        if job.resume and not resume and job.target is not None and job.target.exists():
            raise ValueError(f"{job.target} is complete")
        last, given = 0, None
        if resume and path is not None:
            if job.retry_unknown:
                self._retry(path, kind)
            for row in write.recovered(path, kind):
                self.summary.add(row)
                last, given = row["n"], row.get("given")
        with ExitStack() as stack:
            entries = read(self._source(stack))
            total = lines_of(job.source)
            if self._progress is not None:
                self._progress.begin(total, self.summary.rows)
            header = write.csv_header(job.fields) if kind == "csv" else b""
            output = write.Output(path, header=header, resume=resume)
            stack.callback(output.close)
            for line in self._lines(_after(entries, last, given)):
                output.write(line)
        complete = not self._audit.stopped
        if complete and job.kind == "parquet" and path is not None and job.target is not None:
            write.to_parquet(path, job.target, job.fields)
            path.unlink()
        return Result(self.summary, complete, monotonic() - begun, output.rows)

    def _source(self, stack: ExitStack) -> BinaryIO:
        if self.job.source is None:
            return sys.stdin.buffer
        return stack.enter_context(self.job.source.open("rb"))

    def _retry(self, path: Path, kind: write.Format) -> None:
        """Writes the rows anew, those that were unknown examined again, and puts them in the place of the
        old ones once all are there.
        """
        if self.job.source is None:
            raise ValueError("--retry-unknown reads the list again: give it as a file")
        wanted = {row["n"] for row in write.recovered(path, kind) if row["state"] == "unknown"}
        if not wanted:
            return
        new = path.with_name(path.name + ".retried")
        counted, self.summary = self.summary, Summary()
        with self.job.source.open("rb") as source, path.open("rb") as old:
            again = self._lines(e for e in read(source) if e.n in wanted)
            output = write.Output(new)
            lines = iter(old)
            if kind == "csv":
                output.write(next(lines))
            for n, line in zip(_numbers(path, kind), lines, strict=False):
                output.write(next(again, line) if n in wanted and not self._audit.stopped else line)
            output.close()
        self.summary = counted
        os.replace(new, path)


def _numbers(path: Path, kind: write.Format) -> Iterator[int]:
    return (row["n"] for row in write.recovered(path, kind))


def _after(entries: Iterable[Entry], last: int, given: str | None) -> Iterator[Entry]:
    """The entries that are still to do. ValueError if the list is not the one that was begun."""
    for entry in entries:
        if entry.n > last:
            yield entry
        elif entry.n == last and given is not None and entry.given != given:
            raise ValueError(f"line {last} of the list is {entry.given!r}, in the output it was {given!r}")


def lines_of(source: Path | None) -> int | None:
    """How many lines a file has; None where that cannot be told before."""
    if source is None or not source.is_file():
        return None
    count, last = 0, b"\n"
    with source.open("rb") as file:
        while chunk := file.read(CHUNK):
            count += chunk.count(b"\n")
            last = chunk[-1:]
    return count + (last != b"\n")
