"""The DNS client against dnspython's resolver: questions a second and CPU per question, in one run.

    python -m benchmarks.client QUESTIONS ADDRESS:PORT [COUNT]

QUESTIONS is a file of `name type` lines whose names the server at ADDRESS:PORT knows. Each client runs in a
process of its own, in turns, three times; shown is the median. Imports are outside the clock.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

from senderauth.dns import CachingResolver, LiveResolver, Question, Resolver, Status, crowd

SHARE = {"dnspython": 20}
"""It is asked only this fraction of the questions, or the run would last for minutes."""


def read(path: str, count: int) -> list[Question]:
    """The first questions of the file."""
    with open(path, encoding="ascii") as lines:
        return [Question(*line.split()) for line, _ in zip(lines, range(count), strict=False)]


async def _work(resolver: Resolver, left: Iterator[Question], statuses: list[Status]) -> None:
    for question in left:
        answer = await resolver.resolve(question)
        statuses.append(answer.status)


def own_loop(questions: list[Question], where: str, cached: bool = False) -> Counter[str]:
    """`crowd` over a LiveResolver, 500 works."""
    resolver = CachingResolver(LiveResolver([where])) if cached else LiveResolver([where])
    left, statuses = iter(questions), list[Status]()
    for _ in crowd(_work(resolver, left, statuses) for _ in range(500)):
        pass
    return _counted(statuses)


def _counted(statuses: list[Status]) -> Counter[str]:
    return Counter(status.value for status in statuses)


def cached(questions: list[Question], where: str) -> Counter[str]:
    """With the cache before it."""
    return own_loop(questions, where, cached=True)


def in_asyncio(questions: list[Question], where: str) -> Counter[str]:
    """The same resolver inside an asyncio program, 500 tasks."""
    resolver = LiveResolver([where])
    left, statuses = iter(questions), list[Status]()

    async def main() -> None:
        await asyncio.gather(*(_work(resolver, left, statuses) for _ in range(500)))

    asyncio.run(main())
    return _counted(statuses)


def dnspython(questions: list[Question], where: str) -> Counter[str]:
    """dns.resolver, one question after another; threads make it slower."""
    import dns.exception
    import dns.nameserver
    import dns.resolver

    address, _, port = where.partition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(address, int(port))]
    resolver.use_edns(0, 0, 1232)
    statuses: Counter[str] = Counter()
    for question in questions:
        try:
            resolver.resolve(question.name, question.rdtype)
            statuses["NOERROR"] += 1
        except dns.exception.DNSException as error:
            statuses[type(error).__name__] += 1
    return statuses


CLIENTS = {"own-loop": own_loop, "cached": cached, "asyncio": in_asyncio, "dnspython": dnspython}


def once(name: str, path: str, where: str, count: int) -> dict[str, object]:
    """One run in this process."""
    ask = CLIENTS[name]
    questions = read(path, count // SHARE.get(name, 1))
    ask(questions[:200], where)  # imports and warm-up
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    statuses = ask(questions, where)
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "rate": len(questions) / took,
        "cpu": cpu * 1e6 / len(questions),
        "statuses": statuses,
        "memory": after.ru_maxrss // 1024,
    }


def main() -> None:
    """Runs every client in turns and prints the medians."""
    path, where, count = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 20_000
    runs: dict[str, list[dict[str, float]]] = {name: [] for name in CLIENTS}
    for _ in range(3):
        for name, results in runs.items():
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.client", path, where, str(count), name],
                capture_output=True,
                text=True,
                check=True,
            )
            results.append(json.loads(done.stdout))
    base = statistics.median(run["rate"] for run in runs["dnspython"])
    print(f"{'client':<10} {'questions/s':>11} {'ratio':>6} {'CPU µs each':>11} {'MB':>4}  last outcome")
    for name, results in runs.items():
        rate, cpu = (statistics.median(run[key] for run in results) for key in ("rate", "cpu"))
        last = results[-1]
        print(
            f"{name:<10} {rate:11,.0f} {rate / base:6.1f} {cpu:11.1f} {last['memory']:4}  {last['statuses']}"
        )


if __name__ == "__main__":
    if len(sys.argv) > 4:
        print(json.dumps(once(sys.argv[4], sys.argv[1], sys.argv[2], int(sys.argv[3]))))
    else:
        main()
