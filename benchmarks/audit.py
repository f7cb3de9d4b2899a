"""Audits of many domains beside others that judge many domains, on a served world."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from benchmarks.installed import ROOT, go_program, mailauth, python
from benchmarks.serving import delayed
from benchmarks.side import Contestant, Figures
from benchmarks.table import CORES, OURS, OURS_ON_ALL_CORES, Bench, Goal, Row, rate
from benchmarks.world import SELECTORS, length, lines

GO_SPF = "blitiri.com.ar/go/spf"
DEADLINE = Goal("≤", 5.5, "s")
"""A question's five seconds, and the way there."""


def listed(bench: Bench, count: int, *, healthy: bool = False) -> Path:
    """The first domains of the world; `healthy`: without those that are never answered."""
    folder = bench.served().folder
    dead = set(lines(folder / "timeout.txt")) if healthy else set()
    domains = islice((domain for domain in lines(folder / "domains.txt") if domain not in dead), count)
    path = bench.scratch / f"domains-{count}{'-healthy' * healthy}.txt"
    path.write_text("".join(f"{domain}\n" for domain in domains), "ascii")
    return path


def ours(bench: Bench, count: int, *options: str, name: str = OURS) -> Contestant:
    """The command on the first domains; with options of its own, or the whole row."""
    return audited(listed(bench, count), bench.served().where, count, *options, name=name)


def audited(path: Path, where: str, count: int, *options: str, name: str = OURS) -> Contestant:
    """The command on a list."""
    chosen = options or ("--selectors", ",".join(SELECTORS))
    return python(name, "audit", str(path), where, *chosen, count=count)


def on_all_cores(bench: Bench, *options: str) -> list[Contestant]:
    """The same with a process for each core, where there are several; on the longest list, since each has to
    start.
    """
    jobs = ("--jobs", str(CORES))
    return [ours(bench, max(bench.sizes), *options, *jobs, name=OURS_ON_ALL_CORES)] if CORES > 1 else []


def asked(bench: Bench, count: int) -> tuple[Path, Figures]:
    """What an audit of the first domains asks, a question a line, each once; and that run's figures."""
    path = bench.scratch / f"asked-{count}.txt"
    where, domains = bench.served().where, str(listed(bench, count))
    worker = python("the questions", "asked", domains, where, str(path), count=count)
    medians = bench.race([worker], runs=1)
    if not medians:
        raise RuntimeError(bench.skipped[-1])
    return path, medians[worker.name]


def whole_row(bench: Bench) -> None:
    """`senderauth audit` with six selectors (SPF survey, both DMARC standards, ADSP, keys, MX and
    addresses, MTA-STS, TLS-RPT, spoofability by simulation), beside checkdmarc's `check_domains` on the
    first hundredth of the same domains, and beside our DNS client alone with the same questions.
    """
    count, where = bench.domains, bench.served().where
    questions, _ = asked(bench, count)
    number = length(questions)
    contestants = [
        ours(bench, count),
        *on_all_cores(bench, "--selectors", ",".join(SELECTORS)),
        python("the client", "client", str(questions), where, "alone", count=number),
    ]
    if bench.has("checkdmarc"):
        few = max(10, count // 100)
        path = str(listed(bench, few))
        contestants.append(python("checkdmarc", "checkdmarc", path, where, str(few), count=few))
    medians = bench.race(contestants)
    client = medians.pop("the client", None)
    bench.rates("audit, the whole row", medians, {"checkdmarc": Goal("≥", 70)})
    if client and (whole := medians.get(OURS)):
        cost = client.rate / whole.rate
        cpu = whole.cpu / whole.count / (client.cpu / client.count)
        measure = "a domain, in the time of the client's questions"
        mine, other = f"{cost:.1f} questions (CPU: {cpu:.1f})", f"the client {rate(client)}"
        bench.add(Row(measure, mine, other, goal=Goal("≤", 15, "questions"), judged=cost))


def only_spf(bench: Bench) -> None:
    """`senderauth audit --only spf` (the whole include tree of each domain, no address) beside libraries that
    judge 240.0.0.1, which no record authorises, so that they too read the whole record. The Go library judges
    100 domains at once on all cores, mailauth 100 at once; Mail::SPF and pyspf one after another a tenth.
    """
    count, where = bench.domains, bench.served().where
    every, tenth = str(listed(bench, count)), max(10, count // 10)
    contestants = [ours(bench, count, "--only", "spf"), *on_all_cores(bench, "--only", "spf")]
    if bench.has(GO_SPF):
        if program := go_program("spf", bench.scratch):
            contestants.append(Contestant(GO_SPF, (program, every, where, str(count)), count))
        else:
            bench.skip(f"{GO_SPF} cannot be compiled")
    if bench.has("mailauth"):
        contestants.append(mailauth("spf", every, where, str(count), count=count))
    if bench.has("pyspf"):
        contestants.append(python("pyspf", "pyspf", every, where, str(tenth), count=tenth))
    if bench.has("Mail::SPF"):
        script = str(ROOT / "benchmarks" / "peers" / "mailspf.pl")
        contestants.append(Contestant("Mail::SPF", ("perl", script, every, where, str(tenth)), tenth))
    bench.rates("audit --only spf", bench.race(contestants), {GO_SPF: Goal(">", 1)})


def spf_and_dmarc(bench: Bench) -> None:
    """`senderauth audit --only spf,dmarc` (both standards, permissions of those who get reports) beside
    mailauth's SPF and DMARC, 100 domains at once.
    """
    count, where = bench.domains, bench.served().where
    only = ("--only", "spf,dmarc")
    contestants = [ours(bench, count, *only), *on_all_cores(bench, *only)]
    if bench.has("mailauth"):
        contestants.append(mailauth("dmarc", str(listed(bench, count)), where, str(count), count=count))
    bench.rates("audit --only spf,dmarc", bench.race(contestants), {"mailauth": Goal("≥", 2.5)})


def scale(bench: Bench) -> None:
    """The whole row for lists of different length: seconds a domain, the largest resident size, and the
    questions that the name server counted beside the distinct ones among them.
    """
    medians = bench.race(ours(bench, size, name=str(size)) for size in bench.sizes)
    least = medians.get(str(min(bench.sizes)))
    for size in bench.sizes:
        if not (figures := medians.get(str(size))) or not least:
            continue
        if figures is not least:
            ratio = least.rate / figures.rate
            measure, other = (
                f"time of a domain in a list of {size:,}",
                f"of {least.count:,.0f}: {rate(least)}",
            )
            bench.add(Row(measure, rate(figures), other, ratio, Goal("≤", 1.15)))
        measure, mine = f"largest resident size, {size:,} domains", f"{figures.memory:.0f} MB"
        bench.add(Row(measure, mine, goal=Goal("≤", 100, "MB"), judged=figures.memory))
    size = min(bench.sizes)
    path, counted = asked(bench, size)
    distinct = length(path)
    measure, mine = f"questions asked for {size:,} domains", f"{counted.questions:,.0f}"
    bench.add(Row(measure, mine, f"distinct {distinct:,}", counted.questions / distinct, Goal("≤", 1.02)))


def delay(bench: Bench) -> None:
    """The whole row behind dnsdist, every answer 20 ms late and one zone in 400 silent; the same without the
    silent ones. The others are given a few domains, none of them silent. Then one silent domain alone, once.
    """
    if not bench.has("dnsdist"):
        return
    count = bench.delayed
    with delayed(bench.served(), 20) as slow:
        healthy = listed(bench, count, healthy=True)
        number = length(healthy)
        contestants = [
            audited(listed(bench, count), slow.where, count),
            audited(healthy, slow.where, number, name="without silence"),
        ]
        if CORES > 1:
            words = ("--selectors", ",".join(SELECTORS), "--jobs", str(CORES))
            contestants.append(
                audited(listed(bench, count), slow.where, count, *words, name=OURS_ON_ALL_CORES)
            )
        for name, few in (("checkdmarc", 10), ("pyspf", 40)):
            if bench.has(name):
                path = str(listed(bench, few, healthy=True))
                contestants.append(python(name, name, path, slow.where, str(few), count=few))
        medians = bench.race(contestants)
        without = medians.pop("without silence", None)
        whole, goal = medians.get(OURS), Goal("≥", 1_000, "domains/s")
        for name, measure in ((OURS, ""), (OURS_ON_ALL_CORES, f" --jobs {CORES}")):
            if mine := medians.get(name):
                row = Row(f"audit, answers 20 ms late{measure}", rate(mine), goal=goal, judged=mine.rate)
                bench.add(row)
        bench.rates("audit, answers 20 ms late", medians, {})
        if whole and without:
            more = whole.seconds - without.seconds * count / number
            cost, other = f"{more:.1f} s", f"without them {without.seconds:.1f} s"
            bench.add(Row("what silent zones cost the run", cost, other, goal=DEADLINE, judged=more))
        silence(bench, slow.where)


def silence(bench: Bench, where: str) -> None:
    """One domain whose zone never answers."""
    dead = next(lines(bench.served().folder / "timeout.txt"), None)
    if dead is None:
        bench.skip("a silent domain: the world has none")
        return
    path = bench.scratch / "silent.txt"
    path.write_text(f"{dead}\n", "ascii")
    contestants = [audited(path, where, 1)]
    for name in ("checkdmarc", "pyspf"):
        if bench.has(name):
            contestants.append(python(name, name, str(path), where, "1", count=1))
    medians = bench.race(contestants, runs=1)
    if mine := medians.pop(OURS, None):
        for name, theirs in medians.items():
            measure, ratio = "a domain whose zone never answers", mine.seconds / theirs.seconds
            other = f"{name} {theirs.seconds:.1f} s"
            bench.add(Row(measure, f"{mine.seconds:.1f} s", other, ratio, DEADLINE, mine.seconds))
