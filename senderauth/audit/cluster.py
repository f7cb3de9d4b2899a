"""An audit over an existing Dask cluster: a list that one machine would be too long at.

Theory of operation. The list is cut into parts in its order; each goes to some worker, which examines its
domains as one process does, with a client and a cache of its own that live from part to part. How long the
last part took tells how large the next is. Results are fetched in order, so what this process holds is a part
or two, whatever the list's length. A part whose worker is lost is done again by another one, by Dask, before
its place in the output is reached; so no row comes twice. Only this process writes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from itertools import islice
from threading import Lock
from time import monotonic
from typing import Any
from uuid import uuid4

from senderauth.audit.examine import Options
from senderauth.audit.read import Entry
from senderauth.audit.row import Row
from senderauth.audit.run import Audit
from senderauth.dns import Resolver, share_rate

FIRST, LEAST, MOST = 100, 20, 2_000
"""Domains of a part."""
SECONDS = 3.0
"""A part should take so long."""
AHEAD = 2
"""Parts for each worker that are under way or wait for it."""
PATIENCE = 30
"""Seconds to wait for the scheduler, and for a first worker."""

Make = tuple[Resolver, Options, int, int, Callable[[Row], bytes]]
"""Resolver, options, retries, size of the cache, what makes a line of a row."""


class Cluster:
    """As `Audit`, over the workers of a Dask scheduler; rows are lines, as `finish` makes them.

    Raises ValueError where distributed is not installed or the workers have another version, OSError where
    the scheduler or its workers cannot be reached.
    """

    def __init__(
        self,
        scheduler: str,
        resolver: Resolver,
        options: Options,
        *,
        retries: int,
        cache_size: int,
        finish: Callable[[Row], bytes],
    ) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ValueError("--dask needs distributed: pip install 'senderauth[dask]'") from None
        self._make: Make = (resolver, options, retries, cache_size, finish)
        self._run = uuid4().hex
        self.stopped = False
        try:
            connect: Any = Client  # its types are not told
            self._client = connect(scheduler, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, TypeError) as problem:  # TimeoutError is an OSError
            raise OSError(f"--dask {scheduler}: no scheduler answers there ({problem})") from None
        try:
            self._greet(scheduler)
        except BaseException:
            self.close()
            raise

    def _greet(self, scheduler: str) -> None:
        """Whether there are workers, and whether they have this version."""
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
            versions = self._client.run(_version)
        except TimeoutError:
            raise OSError(f"--dask {scheduler}: no worker has come in {PATIENCE} seconds") from None
        except ImportError as problem:
            raise ValueError(f"--dask {scheduler}: install senderauth on the workers ({problem})") from None
        here = _version()
        for worker, there in versions.items():
            if there != here:
                raise ValueError(f"--dask: worker {worker} has senderauth {there}, here is {here}")

    def stop(self) -> None:
        """No new part is begun; those under way are finished."""
        self.stopped = True

    def begin_anew(self) -> None:
        """Workers forget what they were told so far."""
        self._run = uuid4().hex

    def close(self) -> None:
        """Leaves the cluster."""
        self._client.close()

    def rows(self, entries: Iterable[Entry], *, width: int = 500) -> Generator[bytes, None, None]:
        """Runs and yields in order. OSError if a part is lost again and again; NameServersGone."""
        left, size = iter(entries), FIRST
        under_way: deque[Any] = deque()
        while True:
            workers = max(1, len(self._client.nthreads()))
            while not self.stopped and len(under_way) < AHEAD * workers:
                part = list(islice(left, size))
                if not part:
                    break
                given = (self._run, part, self._make, width, workers)
                under_way.append(self._client.submit(_examined, *given, pure=False))
            if not under_way:
                return
            lines, seconds = self._result(under_way.popleft())
            wanted = len(lines) * SECONDS / max(seconds, 0.01)
            size = int(min(max(wanted, size / 2, LEAST), 2 * size, MOST))
            yield from lines

    def _result(self, part: Any) -> tuple[list[bytes], float]:
        from distributed import KilledWorker

        try:
            found: tuple[list[bytes], float] = part.result()
        except KilledWorker:
            raise OSError(
                "a part of the list was lost with several workers; what is written stays, go on with --resume"
            ) from None
        return found


# --- in the worker ---------------------------------------------------------------------------------

_lock = Lock()
"""One part at a time: two in one process would only share its processor."""
_audits: dict[str, tuple[Audit[bytes], Resolver]] = {}
"""What is kept from one part of a run to the next."""


def _version() -> str:
    from importlib.metadata import version  # a tenth of a second

    return version("senderauth")


def _examined(run: str, part: list[Entry], make: Make, width: int, workers: int) -> tuple[list[bytes], float]:
    """The rows of a part in order, and how many seconds they took."""
    with _lock:
        kept = _audits.get(run)
        if kept is None:
            _audits.clear()
            resolver, options, retries, cache_size, finish = make
            audit = Audit(resolver, finish, options, retries=retries, cache_size=cache_size)
            kept = _audits[run] = audit, resolver
        audit, resolver = kept
        share_rate(resolver, workers)
        begun = monotonic()
        lines = list(audit.rows(part, width=width))
        return lines, monotonic() - begun
