"""A whole audit from list to file: what the command runs."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from time import monotonic, sleep
from typing import BinaryIO, Protocol

from senderauth.audit import write
from senderauth.audit.again import Unknown
from senderauth.audit.carry import Carrier, unpacked
from senderauth.audit.cluster import Cluster
from senderauth.audit.examine import Options
from senderauth.audit.jobs import Pool
from senderauth.audit.lists import List
from senderauth.audit.read import Entry
from senderauth.audit.recover import exchange, number_of, recovered
from senderauth.audit.row import FIELDS, Row
from senderauth.audit.run import CACHE_SIZE, MAX_WAIT, WAIT, Audit, NameServersGone
from senderauth.audit.summary import Summary, Tally, tally_of, tally_of_document
from senderauth.dns import Resolver
from senderauth.values import SEVERITIES, Severity

Auditor = Audit[bytes] | Pool | Cluster
CHUNK = 1 << 20


class Progress(Protocol):
    """Who is told how far it is."""

    def begin(self, total: int | None, done: int) -> None:
        """So many lines are to come (None: not known), of which so many are done already."""
        ...

    def row(self, summary: Summary) -> None:
        """One more is known; rows that must wait for an earlier one are written later."""
        ...

    def silence(self) -> None:
        """No name server answers any more; the run waits for them. Not told by worker processes."""
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
        severity or above; 2: there is no line that could be read; 3: something is unknown now, and nothing
        worse.
        """
        counts, summary = self.summary.counts, self.summary
        if counts["hosts"]["refused"] or counts["hosts"]["deferred"]:
            return 1
        if fail_on is not None:
            level = SEVERITIES.index(fail_on)
            if summary.worst_at_least(frozenset(SEVERITIES[level:])):
                return 1
        if counts["states"]["bad-input"] == summary.rows:
            return 2
        return 3 if counts["states"]["unknown"] else 0


class Running:
    """A job on its way; `stop` may be called by a signal's handler."""

    def __init__(self, job: Job, resolver: Resolver, progress: Progress | None = None) -> None:
        self.job, self._resolver, self._progress = job, resolver, progress
        self.summary = Summary()
        self._kind: write.Format = "jsonl" if job.kind == "parquet" else job.kind
        self._encode = write.encoder(self._kind, job.fields)
        self._carrier = Carrier(self._kind, job.fields)
        self._unknown = Unknown()
        self._begun: deque[Entry] = deque()
        """Entries whose rows are not written yet."""
        self._stopped = False
        retries, size = job.retries, job.cache_size
        self._audit: Auditor
        if job.scheduler:
            self._audit = Cluster(
                job.scheduler, resolver, job.options, retries=retries, cache_size=size, finish=self._carrier
            )
        elif job.jobs > 1:
            self._audit = Pool(
                resolver, job.options, jobs=job.jobs, retries=retries, cache_size=size, finish=self._carrier
            )
        else:
            self._audit = Audit(resolver, self._finish, job.options, retries=retries, cache_size=size)
            if progress is not None:
                self._audit.on_silence = progress.silence

    def _finish(self, row: Row) -> bytes:
        self._count(tally_of(row))
        return self._encode(row)

    def _count(self, tally: Tally) -> None:
        self.summary.count(tally)
        self._unknown.note(tally)
        if self._progress is not None:
            self._progress.row(self.summary)

    def _lines(self, entries: List) -> Iterator[bytes]:
        """The rows as they are written."""
        lines = self._audit.rows(entries, width=self.job.width)
        if isinstance(self._audit, Audit):
            return lines
        return map(self._from_worker, lines)

    def _from_worker(self, carried: bytes) -> bytes:
        tally, line = unpacked(carried)
        self._count(tally)
        return line

    def stop(self) -> None:
        """No new domain is begun; those in hand are finished and written."""
        self._stopped = True
        self._audit.stop()

    def execute(self) -> Result:
        """Does it. Raises ValueError for what cannot be read or continued, WriteError, BrokenPipeError and
        NameServersGone; whatever it raises, rows that were written stay.
        """
        try:
            with ExitStack() as stack:
                return self._execute(stack)
        finally:
            if isinstance(self._audit, Cluster):
                self._audit.close()

    def _execute(self, stack: ExitStack) -> Result:
        job, begun = self.job, monotonic()
        path = None if job.target is None else write.working_path(job.target, job.kind)
        resume = job.resume and path is not None and path.exists()
        if job.resume and not resume and job.target is not None and job.target.exists():
            raise ValueError(f"{job.target} is complete")
        entries = List(self._source(stack))
        output = self._output(path, stack)
        if resume:
            if job.retry_unknown:
                output = self._retry(output, stack)
            self._recover(output.path, entries)
        entries.note = self._begun.append
        if self._progress is not None:
            self._progress.begin(lines_of(job.source), self.summary.rows)
        output.begin(write.csv_header(job.fields) if self._kind == "csv" else b"", resume=resume)
        for line in self._lines(entries):
            output.write(line)
            self._unknown.written(self._begun.popleft())
        output.check()
        complete, rows = not self._stopped, output.rows
        if complete and job.retries and output.regular:
            self._ask_again(output, stack)
        if complete and job.kind == "parquet" and path is not None and job.target is not None:
            write.to_parquet(path, job.target, job.fields)
            path.unlink()
        return Result(self.summary, complete, monotonic() - begun, rows)

    def _source(self, stack: ExitStack) -> BinaryIO:
        if self.job.source is None:
            return sys.stdin.buffer
        return stack.enter_context(self.job.source.open("rb"))

    def _output(self, path: Path | None, stack: ExitStack) -> write.Output:
        output = write.Output(path)
        stack.callback(output.close)
        return output

    def _recover(self, path: Path, entries: List) -> None:
        """Counts the rows that are there, and takes their entries from the list. ValueError if the list is
        not the one that was begun.
        """
        seen = write.csv_cell if self._kind == "csv" else str
        for row in recovered(path, self._kind, self.job.fields):
            n, given = row["n"], row.get("given")
            entry = next(entries, None)
            if entry is None or entry.n != n:
                raise ValueError(
                    f"the list is not the one that was begun: its line {n} was one with a domain"
                )
            if given is not None and seen(entry.given) != given:
                raise ValueError(f"line {n} of the list is {entry.given!r}, in the output it was {given!r}")
            tally = tally_of_document(row)
            self.summary.count(tally)
            if not self.job.retry_unknown:
                self._unknown.note(tally)
                self._unknown.written(entry)

    # --- what was unknown -------------------------------------------------------------------------

    def _ask_again(self, output: write.Output, stack: ExitStack) -> None:
        """Examines at the end once more what is unknown."""
        summary, unknown = self.summary, self._unknown
        entries = unknown.entries(summary.rows)
        if not entries:
            return
        summary.asked_again, before = len(entries), summary.unknown_count
        questions = {entry.n: unknown[entry.n].questions for entry in entries}
        until = monotonic() + min(WAIT * 2**self.job.retries, MAX_WAIT)
        while monotonic() < until and not self._stopped:
            sleep(0.1)
        try:
            self._exchange(entries, questions, output.path, stack)
        except write.WriteError as error:
            raise write.WriteError(output.rows, error.why) from error
        summary.answered = before - summary.unknown_count

    def _retry(self, output: write.Output, stack: ExitStack) -> write.Output:
        """Examines a file's unknown rows once more before it is continued. The file to go on with."""
        if self.job.source is None:
            raise ValueError("--retry-unknown reads the list again: give it as a file")
        rows = recovered(output.path, self._kind, self.job.fields)
        questions = {row["n"]: tally_of_document(row).questions for row in rows if row["state"] == "unknown"}
        if not questions:
            return output
        before = self._audit
        with self.job.source.open("rb") as source:
            entries = (entry for entry in List(source) if entry.n in questions)
            output = self._exchange(entries, questions, output.path, stack) or output
        self._audit = before
        if self._stopped:
            before.stop()
        return output

    def _anew(self) -> Audit[bytes] | Cluster:
        """Who asks with fresh caches. One process is enough, but a cluster may reach what we cannot."""
        job, retries, size = self.job, self.job.retries, self.job.cache_size
        if isinstance(self._audit, Cluster):
            self._audit.begin_anew()
            return self._audit
        audit = Audit(self._resolver, self._carrier, job.options, retries=retries, cache_size=size)
        self._audit = audit
        if self._stopped:
            audit.stop()
        return audit

    def _exchange(
        self, entries: Iterable[Entry], questions: Mapping[int, int], path: Path, stack: ExitStack
    ) -> write.Output | None:
        """Examines these and puts the rows that leave fewer questions open than the old ones in their places.
        The file that is then at `path`, None if it stayed.
        """
        if self._progress is not None:
            self._progress.begin(len(questions), 0)
        with SpooledTemporaryFile(CHUNK, dir=str(path.parent)) as kept:
            with suppress(NameServersGone):
                for carried in self._anew().rows(entries, width=self.job.width):
                    tally, line = unpacked(carried)
                    n = number_of(line)
                    if tally.questions < questions[n]:
                        if n in self._unknown:
                            self.summary.exchange(self._unknown[n], tally)
                        kept.write(line)
                    if self._progress is not None:
                        self._progress.row(self.summary)
            if not kept.tell():
                return None
            kept.seek(0)
            new = self._output(path.with_name(path.name + ".retried"), stack)
            exchange(path, new, kept)
            return new


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
