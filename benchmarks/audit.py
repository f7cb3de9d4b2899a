"""Audits of many domains beside others that judge many domains, on a served world."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from benchmarks.installed import MODULES, ROOT, go_program, node
from benchmarks.serving import World, delayed
from benchmarks.side import Contestant
from benchmarks.table import Bench, Goal, Row, rate
from benchmarks.world import SELECTORS, lines
from senderauth.audit import Options
from senderauth.audit.read import from_domains
from senderauth.audit.run import Audit
from senderauth.audit.write import whole_line
from senderauth.dns import Answer, LiveResolver, Question, resolve_all

OURS = "senderauth"
GO_SPF = "blitiri.com.ar/go/spf"


def python(name: str, worker: str, *arguments: str, count: int) -> Contestant:
    """One of `benchmarks.worker`."""
    return Contestant(name, (sys.executable, "-m", "benchmarks.worker", worker, *arguments), count)


def listed(bench: Bench, count: int, *, healthy: bool = False) -> Path:
    """The first domains of the world; `healthy`: without those that are never answered."""
    assert bench.world
    dead = set(lines(bench.world.folder / "timeout.txt")) if healthy else set()
    domains = list(islice((d for d in lines(bench.world.folder / "domains.txt") if d not in dead), count))
    path = bench.scratch / f"domains-{count}{'-healthy' * healthy}.txt"
    path.write_text("".join(f"{domain}\n" for domain in domains), "ascii")
    return path


def ours(bench: Bench, world: World, count: int, *options: str, name: str = OURS) -> Contestant:
    """The command; with options of its own, or the whole row."""
    chosen = options or ("--selectors", ",".join(SELECTORS))
    return python(name, "audit", str(listed(bench, count)), world.where, *chosen, count=count)


def asked(bench: Bench, count: int) -> Path:
    """What an audit of the first domains asks, a question a line; asked once, by the way."""

    class Noted:
        def __init__(self, over: LiveResolver) -> None:
            self.over, self.questions = over, list[Question]()

        async def resolve(self, question: Question) -> Answer:
            self.questions.append(question)
            return await self.over.resolve(question)

        async def resolve_all(self, questions: Iterable[Question]) -> list[Answer]:
            together = list(questions)
            self.questions += together
            return await resolve_all(self.over, together)

    assert bench.world
    path = bench.scratch / f"asked-{count}.txt"
    if not path.exists():
        noted = Noted(LiveResolver([bench.world.where]))
        run = Audit(noted, whole_line, Options(SELECTORS), retries=0)
        for _ in run.rows(from_domains(lines(listed(bench, count)))):
            pass
        path.write_text("".join(f"{q.name} {q.rdtype}\n" for q in noted.questions), "ascii")
    return path


def whole_row(bench: Bench) -> None:
    """`senderauth audit` with six selectors (SPF survey, both DMARC standards, ADSP, keys, MX and
    addresses, MTA-STS, TLS-RPT, spoofability by simulation), beside checkdmarc's `check_domains` on the
    first hundredth of the same domains, and beside our DNS client alone with the same questions.
    """
    assert bench.world
    world, count = bench.world, bench.domains
    questions = asked(bench, count)
    contestants = [
        ours(bench, world, count),
        python(
            "the client",
            "client",
            str(questions),
            world.where,
            "alone",
            count=sum(1 for _ in lines(questions)),
        ),
    ]
    if bench.has("checkdmarc"):
        few = max(10, count // 100)
        contestants.append(
            python("checkdmarc", "checkdmarc", str(listed(bench, few)), world.where, str(few), count=few)
        )
    medians = bench.race(contestants)
    client = medians.pop("the client", None)
    bench.rates("audit, the whole row", medians, {"checkdmarc": Goal("≥", 70)})
    if client and (whole := medians.get(OURS)):
        cost = client.rate / whole.rate
        cpu = whole.cpu / whole.count / (client.cpu / client.count)
        bench.add(
            Row(
                "a domain, in the time of the client's questions",
                f"{cost:.1f} questions (CPU: {cpu:.1f})",
                f"the client {rate(client)}",
                goal=Goal("≤", 15, "questions"),
                judged=cost,
            )
        )


def only_spf(bench: Bench) -> None:
    """`senderauth audit --only spf` (the whole include tree of each domain, no address) beside libraries that
    judge 240.0.0.1, which no record authorises, so that they too read the whole record. The Go library judges
    100 domains at once on all cores, mailauth 100 at once; Mail::SPF and pyspf one after another a tenth.
    """
    assert bench.world
    count, where = bench.domains, bench.world.where
    every, tenth = str(listed(bench, count)), max(10, count // 10)
    contestants = [ours(bench, bench.world, count, "--only", "spf")]
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
    assert bench.world
    count, where = bench.domains, bench.world.where
    if bench.has("mailauth"):
        contestants = [
            ours(bench, bench.world, count, "--only", "spf,dmarc"),
            mailauth("dmarc", str(listed(bench, count)), where, str(count), count=count),
        ]
        bench.rates("audit --only spf,dmarc", bench.race(contestants), {"mailauth": Goal("≥", 2.5)})


def mailauth(*arguments: str, count: int) -> Contestant:
    """One of the works of peers/mailauth.js."""
    words = (node(), str(ROOT / "benchmarks" / "peers" / "mailauth.js"), *arguments)
    return Contestant("mailauth", words, count, {"NODE_PATH": str(MODULES)})


def scale(bench: Bench) -> None:
    """The whole row for lists of different length: seconds a domain, the largest resident size, and the
    questions that the name server counted beside the distinct ones among them.
    """
    assert bench.world
    medians = bench.race(ours(bench, bench.world, size, name=str(size)) for size in bench.sizes)
    least = medians.get(str(min(bench.sizes)))
    for size in bench.sizes:
        if not (figures := medians.get(str(size))) or not least:
            continue
        if figures is not least:
            ratio = figures.seconds / size / (least.seconds / least.count)
            other = f"of {least.count:,.0f}: {rate(least)}"
            measure = f"time of a domain in a list of {size:,}"
            bench.add(Row(measure, rate(figures), other, ratio, Goal("≤", 1.15)))
        bench.add(
            Row(
                f"largest resident size, {size:,} domains",
                f"{figures.memory:.0f} MB",
                goal=Goal("≤", 100, "MB"),
                judged=figures.memory,
            )
        )
    before = bench.world.questions()
    size = min(bench.sizes)
    (bench.scratch / f"asked-{size}.txt").unlink(missing_ok=True)
    distinct = len(set(lines(asked(bench, size))))
    counted = bench.world.questions() - before
    bench.add(
        Row(
            f"questions asked for {size:,} domains",
            f"{counted:,}",
            f"distinct {distinct:,}",
            counted / distinct,
            Goal("≤", 1.02),
        )
    )


def delay(bench: Bench) -> None:
    """The whole row behind dnsdist, every answer 20 ms late and one zone in 400 silent. The others are
    given a few domains, none of them silent, and then one silent domain alone, as we are.
    """
    assert bench.world
    if not bench.has("dnsdist"):
        return
    with delayed(bench.world, 20) as slow:
        contestants = [ours(bench, slow, bench.delayed)]
        for name, few in (("checkdmarc", 10), ("pyspf", 40)):
            if bench.has(name):
                path = str(listed(bench, few, healthy=True))
                contestants.append(python(name, name, path, slow.where, str(few), count=few))
        medians = bench.race(contestants)
        if whole := medians.get(OURS):
            goal = Goal("≥", 1_000, "domains/s")
            bench.add(Row("audit, answers 20 ms late", rate(whole), goal=goal, judged=whole.rate))
        bench.rates("audit, answers 20 ms late", medians, {})
        dead = next(lines(slow.folder / "timeout.txt"), None)
        if dead is None:
            bench.skip("a silent domain: the world has none")
            return
        only = bench.scratch / "dead.txt"
        only.write_text(f"{dead}\n", "ascii")
        arguments = {OURS: ("audit",), "checkdmarc": ("checkdmarc", "1"), "pyspf": ("pyspf", "1")}
        alone = [
            python(name, worker, str(only), slow.where, *rest, count=1)
            for name, (worker, *rest) in arguments.items()
            if name == OURS or bench.has(name)
        ]
        medians = bench.race(alone, runs=1)
    if mine := medians.pop(OURS, None):
        for name, theirs in medians.items():
            bench.add(
                Row(
                    "a domain whose zone never answers",
                    f"{mine.seconds:.1f} s",
                    f"{name} {theirs.seconds:.1f} s",
                    mine.seconds / theirs.seconds,
                    Goal("≤", 5.5, "s"),
                    mine.seconds,
                )
            )
