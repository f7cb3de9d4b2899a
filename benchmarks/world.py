"""A world of DNS made up for measuring: who sends for whom, and what they publish, right and wrong.

Deterministic for a count and a seed. Domains are in .test, forty providers in .example are shared by them as
Zipf has it. All is in one root zone, so that a name server follows CNAME chains in one answer as a resolver
does. There is neither MTA-STS nor BIMI: checkdmarc would call on web servers outside.

    root.zone      the zone
    domains.txt    a domain a line, one in eight below another
    servfail.txt   domains whose name servers fail
    timeout.txt    domains whose name servers never answer
"""

from __future__ import annotations

import base64
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO, TypeVar

T = TypeVar("T")

SELECTORS = ("selector1", "selector2", "google", "default", "s1", "s2")
OTHER_SELECTORS = ("k1", "mail", "dkim", "2026a")
SYLLABLES = (
    "al",
    "ber",
    "den",
    "dor",
    "el",
    "fen",
    "gar",
    "hol",
    "ka",
    "mon",
    "nor",
    "pel",
    "ris",
    "ver",
    "zan",
)
PROVIDERS = 40

# {p} {q}: SPF names of providers; {d}: the domain; {ip} {net}: an address and a network of its own
SPF = (
    (24.0, "v=spf1 include:{p} ~all"),
    (12.0, "v=spf1 include:{p} -all"),
    (13.0, "v=spf1 include:{p} include:{q} ~all"),
    (10.0, "v=spf1 a mx ip4:{ip} include:{p} ~all"),
    (4.0, "v=spf1 a:out.{d}/28 mx -all"),
    (6.0, "v=spf1 ip4:{ip} ip4:{net} -all"),
    (3.0, "v=spf1 redirect={p}"),
    (1.0, "v=spf1 exists:%{{i}}._spf.{d} ~all"),
    (8.0, "v=spf1 -all"),
    (1.0, "v=spf1 mx ptr include:{p} ?all"),
    (0.3, "v=spf1 +all"),
    (0.7, "v=spf1 a:gone1.{d} a:gone2.{d} a:gone3.{d} include:{p} ~all"),  # three voids
    (2.0, "v=spf1 a mx include:{p} include:{q} include:{r} include:{s} include:{t} ~all"),  # often too many
    (0.3, "v=spf1 include:{d} -all"),
    (0.4, "v=spf1 include:out.{d} -all"),  # where there is no record
    (0.3, "v=spf1 ipv4:{ip} -all"),
    (0.3, "v=spf1 ip4:{ip}/33 -all"),
    (0.3, "v=spf1 include:{p} -al"),
    (0.3, "v=spf1 include: ~all"),
    (0.3, "v=spf1 a:%{{q}} -all"),
    (12.5, ""),
)
TWICE = 0.01
"""So often there is a second SPF record."""
SPF_BELOW = (
    (40.0, ""),
    (45.0, "v=spf1 include:{p} ~all"),
    (10.0, "v=spf1 ip4:{ip} -all"),
    (5.0, "v=spf1 -all"),
)

# {m}: where reports go
DMARC = (
    (26.0, "v=DMARC1; p=none; rua=mailto:dmarc@{m}"),
    (8.0, "v=DMARC1; p=none"),
    (12.0, "v=DMARC1; p=quarantine; rua=mailto:dmarc@{m}; fo=1"),
    (3.0, "v=DMARC1; p=quarantine; pct=50; rua=mailto:dmarc@{m}"),
    (14.0, "v=DMARC1; p=reject; rua=mailto:dmarc@{m}; adkim=s; aspf=s"),
    (6.0, "v=DMARC1; p=reject; sp=quarantine; np=reject; rua=mailto:dmarc@{m}; ruf=mailto:dmarc@{m}"),
    (1.0, "v=DMARC1; p=reject; t=y; rua=mailto:dmarc@{m}"),
    (0.6, "v=DMARC1 p=none"),
    (0.6, "p=none; v=DMARC1"),
    (0.6, "v=DMARC1; p=rejct; rua=mailto:dmarc@{m}"),
    (0.6, "v=DMARC1; sp=none"),
    (27.6, ""),
)
DMARC_BELOW = ((90.0, ""), (7.0, "v=DMARC1; p=none"), (3.0, "v=DMARC1; p=reject"))
ADSP = ((97.0, ""), (1.0, "dkim=unknown"), (1.2, "dkim=all"), (0.8, "dkim=discardable"))
KEYS = (
    (50.0, "2048"),
    (20.0, "1024"),
    (20.0, "provider"),
    (3.0, "ed25519"),
    (3.0, "revoked"),
    (3.0, "testing"),
)
KEY_COUNTS = ((20.0, 0), (30.0, 1), (35.0, 2), (15.0, 3))
EXCHANGES = ((65.0, "provider"), (25.0, "own"), (3.0, "null"), (7.0, "none"))
STATES = ((99.4, ""), (0.35, "servfail"), (0.25, "timeout"))
BELOW = 0.12
FIRST = ("news", "mail", "em", "shop", "bounce", "info", "www", "a.b")

RSA = {  # SubjectPublicKeyInfo around a modulus, exponent 65537
    1024: bytes.fromhex("30819f300d06092a864886f70d010101050003818d0030818902818100"),
    2048: bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100"),
}
EXPONENT = bytes.fromhex("0203010001")


class World:
    """Writes a world of so many domains into a folder."""

    def __init__(self, folder: Path, count: int, seed: int = 1) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.dice = random.Random(seed)
        self.weights = [1 / rank for rank in range(1, PROVIDERS + 1)]
        self.owners = list[str]()
        self.lists: dict[str, list[str]] = {"domains": [], "servfail": [], "timeout": []}
        with (folder / "root.zone").open("w", encoding="ascii") as self.zone:
            self.zone.write(
                "$TTL 300\n. SOA ns.example. root.example. 1 7200 3600 1209600 300\n. NS ns.example.\n"
            )
            self.publish("ns.example", "A", "127.0.0.1")
            for number in range(PROVIDERS):
                self.provider(number)
            for number in range(count):
                self.domain(number)
        for name, domains in self.lists.items():
            (folder / f"{name}.txt").write_text("".join(f"{domain}\n" for domain in domains), "ascii")

    zone: TextIO

    def publish(self, name: str, rdtype: str, value: str) -> None:
        """One record."""
        self.zone.write(f"{name}. {rdtype} {value}\n")

    def text(self, name: str, text: str) -> None:
        """One TXT record, in strings of at most 255 octets."""
        strings = (text[start : start + 255] for start in range(0, len(text), 255))
        self.publish(name, "TXT", " ".join(f'"{string}"' for string in strings))

    def one_of(self, table: Iterable[tuple[float, T]]) -> T:
        """A choice by weight."""
        weights, choices = zip(*table, strict=True)
        chosen: T = self.dice.choices(choices, weights)[0]
        return chosen

    def address(self) -> str:
        """An address."""
        return ".".join(str(self.dice.randrange(1, 255)) for _ in range(4)).replace("127.", "128.", 1)

    def networks(self, count: int) -> str:
        """So many SPF terms."""
        return " ".join(
            f"ip4:{self.address().rpartition('.')[0]}.0/{self.dice.randrange(24, 29)}" for _ in range(count)
        )

    def some_provider(self) -> str:
        """A provider's domain; the first are chosen most."""
        return f"provider{self.dice.choices(range(PROVIDERS), self.weights)[0]}.example"

    def key(self, bits: int) -> str:
        """An RSA public key. Nobody has its private part."""
        modulus = self.dice.getrandbits(bits) | 1 | 1 << (bits - 1)
        return base64.b64encode(RSA[bits] + modulus.to_bytes(bits // 8, "big") + EXPONENT).decode()

    def provider(self, number: int) -> None:
        """Its SPF records, flat, fanned out or nested four deep, its mail exchanges and DMARC."""
        name = f"provider{number}.example"
        spf = f"_spf.{name}"
        shape = number % 8
        if shape in (0, 3):
            inner = [f"_block{part}.{name}" for part in range(3)]
            self.text(spf, f"v=spf1 {' '.join(f'include:{block}' for block in inner)} ~all")
            for block in inner:
                self.text(block, f"v=spf1 {self.networks(8)} ~all")
        elif shape in (1, 4):
            chain = [spf, *(f"_spf{part}.{name}" for part in range(2 + shape // 2))]
            for outer, nested in zip(chain, [*chain[1:], ""], strict=True):
                more = f"include:{nested} " if nested else ""
                self.text(outer, f"v=spf1 {self.networks(4)} {more}-all")
        elif shape == 5:
            self.text(spf, f"v=spf1 exists:%{{ir}}._ok.{name} ~all")
        elif shape == 6:
            self.text(spf, f"v=spf1 a:out.{name} mx:{name} {self.networks(2)} ~all")
        else:
            self.text(spf, f"v=spf1 {self.networks(9)} ip6:2001:db8:{number}::/48 ~all")
        for place in range(1, 4):
            self.publish(name, "MX", f"{place}0 mx{place}.{name}.")
            self.publish(f"mx{place}.{name}", "A", self.address())
            self.publish(f"mx{place}.{name}", "AAAA", f"2001:db8:{number}::{place}")
        self.publish(f"out.{name}", "A", self.address())
        self.publish(name, "A", self.address())
        self.text(name, f"v=spf1 redirect={spf}")
        self.text(f"_dmarc.{name}", f"v=DMARC1; p=reject; rua=mailto:dmarc@{name}")
        self.text(f"*._report._dmarc.{name}", "v=DMARC1")

    def domain(self, number: int) -> None:
        """One domain of the list."""
        below = bool(self.owners) and self.dice.random() < BELOW
        if below:
            name = f"{self.dice.choice(FIRST)}{number}.{self.dice.choice(self.owners)}"
        else:
            name = "".join(self.dice.choices(SYLLABLES, k=self.dice.randrange(2, 5))) + f"{number}.test"
        self.lists["domains"].append(name)
        state = "" if below else self.one_of(STATES)
        if state:
            self.lists[state].append(name)
            return
        if not below:
            self.owners.append(name)
        self.hosts(name)
        self.spf(name, self.one_of(SPF_BELOW if below else SPF))
        if self.dice.random() < 0.35:  # proofs of ownership; some have too many for a datagram
            for _ in range(24 if self.dice.random() < 0.08 else self.dice.randrange(1, 4)):
                self.text(name, f"some-site-verification={self.dice.getrandbits(160):040x}")
        if dmarc := self.one_of(DMARC_BELOW if below else DMARC):
            reports = self.some_provider() if self.dice.random() < 0.45 else name
            self.text(f"_dmarc.{name}", dmarc.format(m=reports))
        elif not below and self.dice.random() < 0.05:
            self.publish(f"_dmarc.{name}", "CNAME", f"_dmarc.{self.some_provider()}.")
        if adsp := self.one_of(ADSP):
            self.text(f"_adsp._domainkey.{name}", adsp)
        self.keys(name)
        if self.dice.random() < 0.06:
            self.text(f"_smtp._tls.{name}", f"v=TLSRPTv1; rua=mailto:tls@{name}")

    def hosts(self, name: str) -> None:
        """Mail exchanges and addresses."""
        kind = self.one_of(EXCHANGES)
        if kind == "provider":
            provider = self.some_provider()
            for place in range(1, 4):
                self.publish(name, "MX", f"{place}0 mx{place}.{provider}.")
        elif kind == "own":
            for place in range(self.dice.randrange(1, 4)):
                self.publish(name, "MX", f"{place} mx{place}.{name}.")
                self.publish(f"mx{place}.{name}", "A", self.address())
        elif kind == "null":
            self.publish(name, "MX", "0 .")
        if self.dice.random() < 0.93:
            self.publish(name, "A", self.address())
        if self.dice.random() < 0.3:
            self.publish(name, "AAAA", f"2001:db8::{self.dice.randrange(1, 65536):x}")

    def spf(self, name: str, shape: str) -> None:
        """Its SPF record of this shape, and the names that it needs."""
        if not shape:
            return
        providers = {letter: f"_spf.{self.some_provider()}" for letter in "pqrst"}
        net = f"{self.address().rpartition('.')[0]}.0/26"
        self.text(name, shape.format(d=name, ip=self.address(), net=net, **providers))
        if "out.{d}" in shape:
            self.publish(f"out.{name}", "A", self.address())
        if self.dice.random() < TWICE:
            self.text(name, "v=spf1 mx -all")

    def keys(self, name: str) -> None:
        """DKIM keys at up to three selectors."""
        for selector in self.dice.sample((*SELECTORS, *OTHER_SELECTORS), self.one_of(KEY_COUNTS)):
            where, kind = f"{selector}._domainkey.{name}", self.one_of(KEYS)
            if kind == "provider":
                there = f"{selector}.{name.replace('.', '-')}._domainkey.{self.some_provider()}"
                self.publish(where, "CNAME", f"{there}.")
                where, kind = there, "2048"
            self.text(where, self.key_record(kind))

    def key_record(self, kind: str) -> str:
        """A key record of this kind."""
        if kind == "ed25519":
            return f"v=DKIM1; k=ed25519; p={base64.b64encode(self.dice.randbytes(32)).decode()}"
        if kind == "revoked":
            return "v=DKIM1; p="
        flags = "t=y; " if kind == "testing" else ""
        return f"v=DKIM1; k=rsa; {flags}p={self.key(1024 if kind == 'testing' else int(kind))}"


def lines(path: Path) -> Iterator[str]:
    """The lines of a list."""
    with path.open(encoding="ascii") as file:
        for line in file:
            yield line.strip()


def length(path: Path) -> int:
    """How many lines."""
    return sum(1 for _ in lines(path))


if __name__ == "__main__":
    World(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
