"""Round trips that a check takes on a slow resolver, beside its longest chain of questions."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.table import Bench, Goal, Row
from senderauth import Scenario, check, sync
from senderauth.dns import LiveResolver
from tests.dnsserver import Server

DELAY = 0.05

CASES: dict[str, tuple[dict[tuple[str, str], list[Any]], Scenario, int]] = {
    # host A → PTR → A of the PTR name → TXT of the HELO name
    "plain record, host by name": (
        {
            ("example.com", "TXT"): [b"v=spf1 ip4:192.0.2.1 -all"],
            ("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=reject"],
            ("example.com", "MX"): [(10, "mx.example.com")],
            ("mx.example.com", "A"): ["192.0.2.1"],
            ("1.2.0.192.in-addr.arpa", "PTR"): ["mx.example.com"],
        },
        Scenario("a@example.com", hosts=("mx.example.com",)),
        4,
    ),
    # TXT → include → include → A of the last term
    "includes three deep": (
        {
            ("example.com", "TXT"): [b"v=spf1 include:a.example include:b.example -all"],
            ("a.example", "TXT"): [b"v=spf1 include:c.example -all"],
            ("b.example", "TXT"): [b"v=spf1 mx:d.example -all"],
            ("c.example", "TXT"): [b"v=spf1 a:e.example a:f.example -all"],
            ("e.example", "A"): ["192.0.2.8"],
            ("f.example", "A"): ["192.0.2.9"],
            ("d.example", "MX"): [(10, "m1.d.example"), (20, "m2.d.example")],
            ("m1.d.example", "A"): ["192.0.2.3"],
            ("m2.d.example", "A"): ["192.0.2.4"],
        },
        Scenario("a@example.com", hosts=("192.0.2.4",), signers=(("example.com", "s1"),)),
        4,
    ),
}


def trips(bench: Bench) -> None:
    """A check on a resolver that is 50 ms late, its time in delays, beside its longest chain of questions
    that can only be asked when another answer is there. The ratio is of delays.
    """
    drivers: dict[str, Callable[[LiveResolver, Scenario], object]] = {
        "own loop": lambda resolver, scenario: sync.check(scenario, resolver),
        "asyncio": lambda resolver, scenario: asyncio.run(check(scenario, resolver)),
    }
    for name, (records, scenario, chain) in CASES.items():
        with Server(records, delay=DELAY) as server:
            for driver, judge in drivers.items():
                took = []
                for _ in range(bench.runs + 1):
                    resolver = LiveResolver(nameservers=[f"{server.address}:{server.port}"])
                    start = time.perf_counter()
                    judge(resolver, scenario)
                    took.append((time.perf_counter() - start) / DELAY)
                middle = statistics.median(took[1:])  # the first imports
                goal = Goal("≤", chain + 2, "delays")
                measure = f"round trips of a check, {name}, {driver}"
                bench.add(Row(measure, f"{middle:.1f}", f"chain {chain}", middle / chain, goal, middle))
