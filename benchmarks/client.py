"""The DNS client beside dnspython's resolver and beside bare sockets, on a served world."""

from __future__ import annotations

from benchmarks.audit import asked
from benchmarks.installed import python
from benchmarks.table import OURS, Bench, Goal, Row, rate
from benchmarks.world import length


def client(bench: Bench) -> None:
    """The questions of an audit, 500 at once, asked by our client (random ports, ids and letter case,
    retries, TCP, one flight a question), the same inside asyncio, and behind the cache; by dnspython's
    resolver one after another (its threads are slower), a twentieth; and by one socket with packets made
    beforehand, the floor.
    """
    questions, _ = asked(bench, bench.domains)
    path, where, count = str(questions), bench.served().where, length(questions)
    few = max(100, count // 20)
    contestants = [
        python(OURS, "client", path, where, "alone", count=count),
        python("inside asyncio", "client", path, where, "asyncio", count=count),
        python("with the cache", "client", path, where, "cached", count=count),
        python("bare socket", "floor", path, where, count=count),
    ]
    if bench.has("dnspython"):
        contestants.append(python("dnspython", "dnspython", path, where, str(few), count=few))
    medians = bench.race(contestants)
    bench.rates("the DNS client, questions", medians, {"dnspython": Goal("≥", 25)})
    if mine := medians.get(OURS):
        cpu = mine.cpu / mine.count * 1e6
        bench.add(Row("the DNS client, CPU a question", rate(mine), goal=Goal("≤", 40, "µs"), judged=cpu))
