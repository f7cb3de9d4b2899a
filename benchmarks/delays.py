"""Delays: how many round trips a check takes on a slow resolver, against its longest chain of questions.

Every answer is 50 ms late. The chain is counted from the zone: what can only be asked once another
answer is there. Goal: at most two delays more than the chain has links.
"""

from __future__ import annotations

import asyncio
import time

from senderauth import Scenario, check, sync
from senderauth.dns import LiveResolver
from tests.dnsserver import Server

DELAY = 0.05

CASES = {
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


def main() -> None:
    """Prints, for both drivers, the time of a check in delays beside its chain."""
    print("a check on a resolver with 50 ms delay, in delays")
    for name, (records, scenario, chain) in CASES.items():
        with Server(records, delay=DELAY) as server:
            for driver, judge in (
                ("own loop", lambda resolver, sc=scenario: sync.check(sc, resolver)),
                ("asyncio", lambda resolver, sc=scenario: asyncio.run(check(sc, resolver))),
            ):
                resolver = LiveResolver(nameservers=[f"{server.address}:{server.port}"])
                start = time.perf_counter()
                judge(resolver)
                took = (time.perf_counter() - start) / DELAY
                print(f"  {name:<28} {driver:<9} {took:5.1f}  chain {chain}, goal {chain + 2}")


if __name__ == "__main__":
    main()
