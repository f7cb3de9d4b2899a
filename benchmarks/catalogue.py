"""Bulk speed of the catalogue: log lines that match nothing, beside `grep -F -f` on the same lines.

Goal: at least 100,000 lines a second, of the reader and of the whole command, start included. The
yardstick looks for every literal of the catalogue's patterns and knows nothing of formats; all read the
same lines.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from senderauth.catalogue import match, messages, read_log
from senderauth.catalogue.matching import index, patterns

LINES = 300_000
WHOLE = 1_000_000

# What a mail server writes all day: arrivals, queue, deliveries, and its neighbours' lines.
DULL = (
    "{t} mx1 postfix/smtpd[{n}]: connect from mail{n}.example.net[192.0.2.{b}]",
    "{t} mx1 postfix/smtpd[{n}]: 4F{n}2C: client=mail{n}.example.net[192.0.2.{b}]",
    "{t} mx1 postfix/cleanup[{n}]: 4F{n}2C: message-id=<{n}.20260804@example.net>",
    "{t} mx1 postfix/qmgr[811]: 4F{n}2C: from=<user{n}@example.net>, size={n}, nrcpt=1 (queue active)",
    "{t} mx1 postfix/smtp[{n}]: 4F{n}2C: to=<jan{n}@example.org>, relay=mx.example.org[198.51.100.{b}]:25, "
    "delay=0.9, delays=0.1/0/0.3/0.5, dsn=2.0.0, status=sent (250 2.0.0 OK: queued as 9A{n})",
    "{t} mx1 postfix/qmgr[811]: 4F{n}2C: removed",
    "{t} mx1 opendkim[70]: 4F{n}2C: DKIM-Signature field added (s=s1, d=example.net)",
    "{t} mx1 dovecot: imap-login: Login: user=<user{n}>, method=PLAIN, rip=192.0.2.{b}, TLS",
    "{t} mx1 postfix/smtpd[{n}]: disconnect from mail{n}.example.net[192.0.2.{b}] ehlo=2 mail=1 commands=7",
)
BOUNCED = (
    "{t} mx1 postfix/smtp[{n}]: 4F{n}2C: to=<jan{n}@example.org>, relay=mx.example.org[198.51.100.{b}]:25, "
    "delay=0.9, delays=0.1/0/0.3/0.5, dsn=5.7.1, status=bounced (host mx.example.org[198.51.100.{b}] said: "
    "550 5.7.1 Email rejected per DMARC policy for example{n}.com (in reply to end of DATA command))"
)


def lines(*shapes: str, count: int = LINES) -> Iterator[bytes]:
    """That many lines, one shape after the other, each a little different."""
    for number in range(count):
        shape = shapes[number % len(shapes)]
        yield shape.format(t="Aug  4 10:11:12", n=10_000 + number % 50_000, b=number % 250).encode() + b"\n"


def rate(work: Callable[[], object], count: int, rounds: int = 3) -> float:
    """Lines a second, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return count / best


def command_rate(folder: Path) -> float:
    """Lines a second of the installed command on a log of a million lines; every thousandth is a bounce."""
    log = folder / "million.log"
    with log.open("wb") as file:
        for chunk in range(WHOLE // 1_000):
            file.writelines(lines(*DULL, count=999))
            file.writelines(lines(BOUNCED.replace("{n}", str(chunk % 7)), count=1))
    command = [sys.executable, "-m", "senderauth", "explain", "-", "--offline"]

    def run() -> None:
        with log.open("rb") as file:
            done = subprocess.run(command, stdin=file, stdout=subprocess.PIPE, check=False, text=True)
        assert f" {WHOLE // 1_000};" in done.stdout.partition("\n")[0]

    return rate(run, WHOLE, rounds=2)


def main() -> None:
    """Prints one line for each measurement."""
    start = time.perf_counter()
    index()
    print(f"index of all patterns          {(time.perf_counter() - start) * 1000:10.0f} ms, once")
    with tempfile.TemporaryDirectory() as folder:
        dull, literals = Path(folder, "dull.log"), Path(folder, "literals")
        dull.write_bytes(b"".join(lines(*DULL)))
        parts = {part for pattern in patterns() for part in pattern.elements}
        words = [part for part in parts if isinstance(part, str) and len(part) > 5]
        literals.write_text("\n".join(sorted(words)) + "\n")

        def stream() -> int:
            with dull.open("rb") as file:
                return sum(1 for _ in read_log(file))

        assert stream() == 0
        print(f"read_log, nothing in it        {rate(stream, LINES):10,.0f} lines/s   (goal 100,000)")
        if grep := shutil.which("grep"):
            for option in ("-F", "-iF"):
                command = [grep, "-c", option, "-f", str(literals), str(dull)]
                # Into a pipe: grep that writes to /dev/null stops at the first line that it finds.
                found = rate(partial(subprocess.run, command, stdout=subprocess.PIPE, check=False), LINES)
                print(f"grep {option} -f{'':{22 - len(option)}} {found:10,.0f} lines/s")
        print(f"explain - --offline, a million  {command_rate(Path(folder)):9,.0f} lines/s   (goal 100,000)")
    bounced = list(lines(BOUNCED, count=5_000))
    found = rate(lambda: sum(1 for _ in read_log(bounced)), len(bounced))
    print(f"read_log, every line a bounce  {found:10,.0f} lines/s")
    texts = [m.text for m in messages().values()]
    print(
        f"match, the messages' own texts {rate(lambda: [match(t) for t in texts], len(texts)):10,.0f} texts/s"
    )


if __name__ == "__main__":
    main()
