"""Bulk speed of the catalogue: log lines, beside `grep` for every literal of the catalogue's patterns."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator

from benchmarks.installed import python
from benchmarks.side import Contestant, whole
from benchmarks.table import OURS, Bench, Goal, Row, rate
from senderauth.catalogue import messages
from senderauth.catalogue.matching import patterns

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


def log(bench: Bench) -> None:
    """Lines of a mail server's log in which nothing bounced through the reader; beside grep, which looks
    for every literal of the patterns and knows nothing of formats; `senderauth explain` on a million
    lines of which every thousandth is a bounce, its start included; and lines that are all bounces.
    """
    dull, bounced, million = (bench.scratch / f"{name}.log" for name in ("dull", "bounced", "million"))
    dull.write_bytes(b"".join(lines(*DULL)))
    bounced.write_bytes(b"".join(lines(BOUNCED, count=5_000)))
    with million.open("wb") as file:
        for chunk in range(WHOLE // 1_000):
            file.writelines(lines(*DULL, count=999))
            file.writelines(lines(BOUNCED.replace("{n}", str(chunk % 7)), count=1))
    literals = bench.scratch / "literals"
    parts = {part for pattern in patterns() for part in pattern.elements}
    literals.write_text("\n".join(sorted(p for p in parts if isinstance(p, str) and len(p) > 5)) + "\n")
    goal = Goal("≥", 100_000, "lines/s")
    medians = bench.race(
        [
            python(OURS, "read_log", str(dull), count=LINES),
            python("bounces", "read_log", str(bounced), count=5_000),
            python("texts", "match", "5", count=5 * len(messages())),
            python("index", "index", count=1),
        ]
    )
    words = (sys.executable, "-m", "senderauth", "explain", str(million), "--offline")
    contestants = [Contestant("explain", words, WHOLE)]
    if shutil.which("grep"):
        for option in ("-F", "-iF"):
            # Into a pipe: grep that writes to /dev/null stops at the first line that it finds.
            counted = f"grep -c {option} -f {shlex.quote(str(literals))} {shlex.quote(str(dull))} | cat"
            contestants.append(Contestant(f"grep {option}", ("sh", "-c", counted), LINES))
    medians |= bench.race(contestants, whole)
    if mine := medians.get(OURS):
        bench.add(Row("log lines, nothing in them", rate(mine), goal=goal, judged=mine.rate))
        for name in ("grep -F", "grep -iF"):
            if theirs := medians.get(name):
                ratio = mine.rate / theirs.rate
                bench.add(Row("log lines, nothing in them", rate(mine), f"{name} {rate(theirs)}", ratio))
    if command := medians.get("explain"):
        bench.add(Row("explain --offline, a million lines", rate(command), goal=goal, judged=command.rate))
    if bounces := medians.get("bounces"):
        bench.add(Row("log lines, every one a bounce", rate(bounces)))
    if texts := medians.get("texts"):
        bench.add(Row("the messages' own texts, matched", rate(texts)))
    if index := medians.get("index"):
        bench.add(Row("index of all patterns, once a process", f"{index.seconds * 1e3:.0f} ms"))
