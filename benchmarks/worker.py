"""Contestants that are written in Python, ours and others: `python -m benchmarks.worker NAME ARGUMENTS`.

Each gets ready, then works when told to (see `side`). What it returns is shown: nobody wins by failing.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.side import serve
from benchmarks.world import SELECTORS, lines

Work = Callable[[], object]
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28}
AT_ONCE = 500


def audit(path: str, where: str, *options: str) -> tuple[Work, Work]:
    """`senderauth audit`, its rows written to a file."""
    import json

    from senderauth.cli import main

    folder = Path(tempfile.mkdtemp(dir=Path(path).parent))
    few = folder / "few.txt"
    few.write_text("".join(f"{domain}\n" for domain in islice(lines(Path(path)), 100)), "ascii")

    def run(names: str | Path) -> dict[str, int]:
        words = ("--nameserver", where, "--quiet", "--retries", "0", *options)
        told = folder / "summary.json"
        sys.argv = ["senderauth", "audit", str(names), "-o", str(folder / "rows.jsonl"), *words]
        sys.argv += ["--summary", str(told)]
        try:
            main()
        except SystemExit as ended:
            if ended.code not in (0, 1, 3):
                raise
        states: dict[str, int] = json.loads(told.read_text("utf-8"))["states"]
        for file in (told, folder / "rows.jsonl"):
            file.unlink()
        return states

    return lambda: run(few), lambda: run(path)


def asked(path: str, where: str, target: str) -> tuple[Work, Work]:
    """Writes down what an audit of the whole row asks, a question a line, each once."""
    from senderauth.audit import Options
    from senderauth.audit.line import line_of
    from senderauth.audit.read import from_domains
    from senderauth.audit.run import Audit
    from senderauth.dns import Answer, LiveResolver, Question, resolve_all

    class Noted:
        def __init__(self, over: LiveResolver) -> None:
            self.over, self.questions = over, dict[Question, None]()

        async def resolve(self, question: Question) -> Answer:
            self.questions[question] = None
            return await self.over.resolve(question)

        async def resolve_all(self, questions: Iterable[Question]) -> list[Answer]:
            together = list(questions)
            self.questions.update(dict.fromkeys(together))
            return await resolve_all(self.over, together)

    def run() -> int:
        noted = Noted(LiveResolver([where]))
        audit = Audit(noted, line_of, Options(SELECTORS), retries=0)
        for _ in audit.rows(from_domains(lines(Path(path)))):
            pass
        text = "".join(f"{question.name} {question.rdtype}\n" for question in noted.questions)
        Path(target).write_text(text, "ascii")
        return len(noted.questions)

    return lambda: None, run


def client(path: str, where: str, how: str) -> tuple[Work, Work]:
    """Our DNS client: `crowd` over a LiveResolver; `cached` behind a cache; `asyncio` inside such a
    program.
    """
    from senderauth.dns import CachingResolver, LiveResolver, Question, Resolver, crowd

    questions = [Question(*line.split()) for line in lines(Path(path))]

    async def ask(resolver: Resolver, left: Iterator[Question], statuses: Counter[str]) -> None:
        for question in left:
            statuses[(await resolver.resolve(question)).status.value] += 1

    def run(asked: list[Question]) -> Counter[str]:
        resolver: Resolver = LiveResolver([where])
        if how == "cached":
            resolver = CachingResolver(resolver)
        left, statuses = iter(asked), Counter[str]()
        works = (ask(resolver, left, statuses) for _ in range(AT_ONCE))
        if how == "asyncio":
            import asyncio

            async def together() -> None:
                await asyncio.gather(*works)

            asyncio.run(together())
        else:
            for _ in crowd(works):
                pass
        return statuses

    return lambda: run(questions[:200]), lambda: run(questions)


def floor(path: str, where: str) -> tuple[Work, Work]:
    """One socket, packets made beforehand, answers not looked at: what Python's calls of the kernel cost."""
    packets = []
    for number, line in enumerate(lines(Path(path))):
        name, rdtype = line.split()
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        head = (number & 0xFFFF).to_bytes(2, "big") + bytes.fromhex("01000001000000000001")
        edns = bytes.fromhex("00002904d0000000000000")
        packets.append(head + labels + b"\0" + TYPES[rdtype].to_bytes(2, "big") + b"\0\1" + edns)
    address, _, port = where.partition(":")

    def run(asked: list[bytes]) -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((address, int(port)))
            sock.settimeout(0.3)
            send, receive, answers = sock.send, sock.recv, 0
            for packet in asked[:100]:
                send(packet)
            for packet in asked[100:]:
                try:
                    receive(4096)
                    answers += 1
                except TimeoutError:  # one was lost
                    pass
                send(packet)
        return answers

    return lambda: run(packets[:200]), lambda: run(packets)


def dnspython(path: str, where: str, count: str) -> tuple[Work, Work]:
    """dns.resolver, one question after another; threads make it slower."""
    import dns.exception

    resolver = _resolver(where)
    questions = [line.split() for line in islice(lines(Path(path)), int(count))]

    def run(asked: list[list[str]]) -> Counter[str]:
        outcomes = Counter[str]()
        for name, rdtype in asked:
            try:
                resolver.resolve(name, rdtype)
                outcomes["NOERROR"] += 1
            except dns.exception.DNSException as error:
                outcomes[type(error).__name__] += 1
        return outcomes

    return lambda: run(questions[:20]), lambda: run(questions)


def checkdmarc(path: str, where: str, count: str) -> tuple[Work, Work]:
    """check_domains: SPF, DMARC, MX, NS, SOA, DNSSEC, TLS-RPT, MTA-STS, BIMI."""
    import checkdmarc as guest

    nameservers = _resolver(where).nameservers

    def run(domains: list[str]) -> Counter[str]:
        outcomes = Counter[str]()
        for domain in domains:
            found: Any = guest.check_domains([domain], nameservers=nameservers, timeout=2.0)
            outcomes["SPF valid" if found["spf"]["valid"] else "SPF not valid"] += 1
        return outcomes

    domains = list(islice(lines(Path(path)), int(count)))
    return lambda: run(["ns.example"]), lambda: run(domains)


def pyspf(path: str, where: str, count: str) -> tuple[Work, Work]:
    """check2 over dnspython, one domain after another; threads make it slower."""
    import warnings

    import dns.resolver
    import spf

    warnings.simplefilter("ignore")
    dns.resolver.default_resolver = _resolver(where)

    def run(domains: list[str]) -> Counter[str]:
        return Counter(
            spf.check2(i="240.0.0.1", s=f"postmaster@{domain}", h=f"mail.{domain}")[0] for domain in domains
        )

    domains = list(islice(lines(Path(path)), int(count)))
    return lambda: run(["ns.example"]), lambda: run(domains)


def _resolver(where: str) -> Any:
    import dns.nameserver
    import dns.resolver

    address, _, port = where.partition(":")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(address, int(port))]
    resolver.use_edns(0, 0, 1232)
    return resolver


def often(times: int, work: Work) -> tuple[Work, Work]:
    """Work of which one piece is too short to be timed."""

    def run() -> str:
        for _ in range(times):
            result = work()
        return str(result)

    return work, run


def verify(path: str, record: str, name: str, times: str) -> tuple[Work, Work]:
    """`senderauth.dkim.verify`, the key at hand."""
    from senderauth.dkim import verify
    from senderauth.dns import ZoneResolver, drive

    message, zone = Path(path).read_bytes(), ZoneResolver.from_records({(name, "TXT"): [record.encode()]})
    return often(int(times), lambda: drive(verify(zone, message))[0].result)


def dkimpy(path: str, record: str, _: str, times: str) -> tuple[Work, Work]:
    """`dkim.verify`, the key at hand."""
    import dkim as guest

    message, key = Path(path).read_bytes(), record.encode()
    return often(int(times), lambda: guest.verify(message, dnsfunc=lambda *_, **__: key))


def sha256(path: str, times: str) -> tuple[Work, Work]:
    """What no verifier can do without."""
    import hashlib

    message = Path(path).read_bytes()
    return often(int(times), lambda: hashlib.sha256(message).hexdigest()[:8])


def opendkim(program: str, settings: str, path: str, times: str) -> tuple[Work, Work]:
    """The filter in its test mode, which takes many messages at once."""

    def run(count: int) -> Counter[str]:
        # by way of several runs where the argument would be too long for the kernel
        told = b""
        for start in range(0, count, 100):
            paths = ",".join([path] * min(100, count - start))
            words = [program, "-x", settings, "-t", paths]
            done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            told += done.stdout
        return Counter(line.rpartition(b": ")[2].decode("ascii", "replace") for line in told.splitlines())

    return lambda: run(1), lambda: run(int(times))


def read_log(path: str) -> tuple[Work, Work]:
    """The catalogue's reader over a log."""
    from senderauth.catalogue import read_log

    def run(count: int | None) -> int:
        with open(path, "rb") as file:
            return sum(1 for _ in read_log(islice(file, count)))

    return lambda: run(1_000), lambda: run(None)


def match(times: str) -> tuple[Work, Work]:
    """The catalogue's messages, their own texts looked up in it."""
    from senderauth.catalogue import match, messages

    texts = [message.text for message in messages().values()]
    return often(int(times), lambda: sum(bool(match(text)) for text in texts))


def index() -> tuple[Work, Work]:
    """The index of all patterns, as it is built once in a process."""
    from senderauth.catalogue import matching

    return lambda: None, lambda: bool(matching.index())


def suite(engine: str, times: str) -> tuple[Work, Work]:
    """The openspf suite with answers in memory."""
    from benchmarks.spf import ENGINES, cases, wrong

    data = cases()
    work = ENGINES[engine](data)
    return often(int(times), lambda: wrong(data, work()))


WORKERS = {
    work.__name__: work
    for work in (
        audit,
        asked,
        client,
        floor,
        dnspython,
        checkdmarc,
        pyspf,
        verify,
        dkimpy,
        sha256,
        opendkim,
        suite,
        read_log,
        match,
        index,
    )
}

if __name__ == "__main__":
    warm, work = WORKERS[sys.argv[1]](*sys.argv[2:])
    if sys.argv[1] == "client":
        from senderauth.audit import tune_memory

        tune_memory()
    serve(warm, work)
