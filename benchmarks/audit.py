"""Audits: domains a second against checkdmarc, and against the DNS client alone.

    python -m benchmarks.audit DOMAINS ADDRESS:PORT [COUNT]

DOMAINS is a list whose names the server at ADDRESS:PORT knows. Each measurement has a process of its own,
in turns, three times; shown are medians. Imports are outside the clock. Goals: the whole row at least 70
times checkdmarc's `check_domains`, and at most 15 questions' worth of time a domain.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from senderauth.audit import Options, tune_memory
from senderauth.audit.read import from_domains
from senderauth.audit.run import Audit
from senderauth.audit.write import whole_line
from senderauth.dns import Answer, LiveResolver, Question, crowd, resolve_all

SELECTORS = ("selector1", "selector2", "google", "default", "s1", "s2")
SHARE = 100
"""checkdmarc is given this fraction of the domains, or the run would last for minutes."""
WARM = 100


class Noted:
    """Writes down what is asked."""

    def __init__(self, over: LiveResolver) -> None:
        self.over, self.questions = over, list[Question]()

    async def resolve(self, question: Question) -> Answer:
        """The answer."""
        self.questions.append(question)
        return await self.over.resolve(question)

    async def resolve_all(self, questions: Iterable[Question]) -> list[Answer]:
        """The answers."""
        asked = list(questions)
        self.questions += asked
        return await resolve_all(self.over, asked)


def rows(domains: list[str], resolver: LiveResolver | Noted) -> int:
    """Octets of the rows of these domains."""
    run = Audit(resolver, whole_line, Options(SELECTORS), retries=0)
    return sum(map(len, run.rows(from_domains(domains))))


def audit(domains: list[str], where: str) -> None:
    """The whole row, as JSON."""
    rows(domains, LiveResolver([where]))


def client(domains: list[str], where: str) -> Callable[[], int]:
    """What the audit asks, asked by the client alone."""
    noted = Noted(LiveResolver([where]))
    rows(domains, noted)

    async def ask(resolver: LiveResolver, left: Iterator[Question]) -> None:
        for question in left:
            await resolver.resolve(question)

    def again() -> int:
        resolver, left = LiveResolver([where]), iter(noted.questions)
        for _ in crowd(ask(resolver, left) for _ in range(500)):
            pass
        return len(noted.questions)

    return again


def checkdmarc(domains: list[str], where: str) -> None:
    """check_domains, one domain after another."""
    import checkdmarc as guest
    from dns.nameserver import Do53Nameserver

    address, _, port = where.partition(":")
    guest.check_domains(domains, nameservers=[Do53Nameserver(address, int(port))], timeout=2.0)


def once(name: str, domains: list[str], where: str) -> dict[str, float]:
    """One run in this process: things a second, CPU and memory."""
    count = len(domains)
    tune_memory()
    if name == "client":
        work = client(domains, where)
    elif name == "audit":
        audit(domains[:WARM], where)
        work = lambda: audit(domains, where) or count  # noqa: E731 - beside its like
    else:
        count = max(10, count // SHARE)
        checkdmarc(domains[:2], where)
        work = lambda: checkdmarc(domains[:count], where) or count  # noqa: E731
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    done = work()
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"rate": done / took, "cpu": cpu * 1e6 / done, "done": done, "memory": after.ru_maxrss // 1024}


NAMES = ("audit", "client", "checkdmarc")


def main() -> None:
    """Runs each in turns and prints the medians as ratios."""
    if len(sys.argv) < 3:
        print("needs a served world: python -m benchmarks.audit DOMAINS ADDRESS:PORT [COUNT]")
        return
    path, where, count = sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "5000"
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in NAMES}
    for _ in range(3):
        for name, results in runs.items():
            words = [sys.executable, "-m", "benchmarks.audit", path, where, count, name]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            results.append(json.loads(done.stdout.splitlines()[-1]))
    median = {
        name: {
            key: statistics.median(run[key] for run in results) for key in ("rate", "cpu", "memory", "done")
        }
        for name, results in runs.items()
    }
    whole, asked, guest = (median[name] for name in NAMES)
    print(f"audit       {whole['rate']:9,.0f} domains/s    {whole['cpu']:9,.0f} µs CPU")
    print(f"            {whole['memory']:9,.0f} MB")
    print(f"client      {asked['rate']:9,.0f} questions/s  {asked['cpu']:9,.0f} µs CPU")
    print(f"checkdmarc  {guest['rate']:9,.1f} domains/s    {guest['cpu']:9,.0f} µs CPU")
    print(f"audit / checkdmarc: {whole['rate'] / guest['rate']:.0f}   (goal 70)")
    print(f"questions a domain: {asked['done'] / whole['done']:.1f}")
    print(f"a domain costs the time of {asked['rate'] / whole['rate']:.1f} questions   (goal 15)")


if __name__ == "__main__":
    if len(sys.argv) > 4:
        with open(sys.argv[1], encoding="ascii") as lines:
            listed = [line.strip() for line in islice(lines, int(sys.argv[3]))]
        print(json.dumps(once(sys.argv[4], listed, sys.argv[2])))
    else:
        main()
