"""Offered cures in zone files that a real name server serves: the answers are cured there too."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, note, settings

from senderauth import LiveResolver, Scenario, ZoneResolver, spf, sync
from senderauth.advice import Proposal
from senderauth.advice.proposals.compare import cases
from senderauth.advice.proposals.proposal import text_of
from senderauth.advice.proposals.prove import as_set
from senderauth.dns import Question, run, together
from senderauth.report import handover, wording
from senderauth.report.handover import rdata
from tests.test_dns_nsd import free_port, program
from tests.test_propose_properties import ADDRESSES, Case, sends

IP = "203.0.113.9"
CONFIG = """server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{folder}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  logfile: "{folder}/nsd.log"
  server-count: 1
remote-control:
  control-enable: no"""
HEAD = """$TTL 60
$ORIGIN {zone}.
@ SOA ns h 1 2 3 4 60
@ NS ns
ns A 127.0.0.1
@ MX 10 mail
mail A 192.0.2.25
{hosts}
"""
HOSTS = "\n".join(f"h{n} A 198.51.100.{n}" for n in range(12))
MANY = " ".join(f"a:h{n}.{{zone}}" for n in range(12))
LONG = " ".join(f"ip4:198.51.{n}.1" for n in range(40))
REJECT = ("_dmarc", "v=DMARC1; p=reject")
RECORDS = {
    "added": [("@", "v=spf1 mx -all"), REJECT],
    "merged": [("@", "v=spf1 mx -all"), ("@", "v=spf1 a:h1.{zone} ~all")],
    "mended": [("@", "v=spf1 ipv4:203.0.113.9 -all")],
    "limited": [("@", f"v=spf1 {MANY} -all")],
    "split": [("@", f"v=spf1 {MANY} {LONG} -all")],
    "historic": [("@", "v=spf1 ip4:203.0.113.9 -all"), ("_adsp._domainkey", "dkim=all")],
    "first": [REJECT],
}


def zone_text(name: str) -> str:
    zone = f"{name}.example"
    texts = [(owner, text.replace("{zone}", zone)) for owner, text in RECORDS[name]]
    records = "\n".join(f"{owner} TXT {rdata('TXT', text)}" for owner, text in texts)
    return HEAD.format(zone=zone, hosts=HOSTS) + records + "\n"


def published(text: str, proposal: Proposal) -> str:
    """The zone file with the lines to paste in it, and without the records that they replace."""
    lines = handover([proposal], "zone", wording("en")).splitlines()
    gone = {(c.name, c.rdtype) for c in proposal.changes}
    zone = proposal.changes[0].name.split(".")[-2] + ".example"
    kept = []
    for line in text.splitlines():
        owner, _, rest = line.partition(" ")
        name = zone if owner == "@" else f"{owner}.{zone}"
        if (name, rest.split(" ")[0]) not in gone:
            kept.append(line)
    return "\n".join([*kept, *lines]) + "\n"


def test_cures_hold_at_a_real_name_server() -> None:
    nsd = program()
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        tried: dict[str, tuple[Proposal, Scenario]] = {}
        config = [CONFIG.format(port=port, folder=folder)]
        for name in RECORDS:
            file = Path(folder, f"{name}.example.zone")
            file.write_text(zone_text(name))
            resolver = ZoneResolver.from_files(file)
            scenario = Scenario(f"a@{name}.example", (IP,), signers=())
            proposal = sync.propose(sync.check(scenario, resolver), resolver)[0]
            assert proposal.kind == "cure", name
            file.write_text(published(zone_text(name), proposal))
            tried[name] = proposal, as_set(scenario, proposal.settings)
            config.append(f"zone:\n  name: {name}.example\n  zonefile: {file}")
        Path(folder, "nsd.conf").write_text("\n".join(config) + "\n")
        server = subprocess.Popen([nsd, "-d", "-c", f"{folder}/nsd.conf"], stderr=subprocess.DEVNULL)
        try:
            live = LiveResolver([f"127.0.0.1:{port}"], timeout=1.0)
            for _ in range(50):
                if run(live.resolve(Question("added.example", "SOA"))).records:
                    break
            for name, (proposal, scenario) in tried.items():
                left = {(c.receiver, c.address) for c in cases(sync.check(scenario, live))}
                cured = {(c.receiver, c.address) for c in proposal.cures}
                assert cured, name
                assert not cured & left, name
        finally:
            server.terminate()
            server.wait(10)


# --- random records and hosts ----------------------------------------------------------------------------

TOPS = ("example", "arpa")
EXAMPLES = 300 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 8


class Served:
    """NSD with the zones "example" and "arpa", whose files are written anew."""

    def __init__(self, folder: str, server: "subprocess.Popen[bytes]", port: int) -> None:
        self.folder, self.server, self.serial = folder, server, 0
        self.live = LiveResolver([f"127.0.0.1:{port}"], timeout=2.0)

    def publish(self, lines: list[str]) -> None:
        """Serves these master file lines; back when nothing else is answered any more."""
        self.serial += 1
        for top in TOPS:
            own = [line for line in lines if line.split(" ")[0].endswith(f"{top}.")]
            Path(self.folder, f"{top}.zone").write_text(zone_head(top, self.serial) + "\n".join([*own, ""]))
        self.server.send_signal(signal.SIGHUP)
        until = time.monotonic() + 10
        while not all(self._shows(top) for top in TOPS for _ in range(10)):
            assert time.monotonic() < until, Path(self.folder, "nsd.log").read_text()
            time.sleep(0.02)  # while it reloads, its old self answers, too

    def _shows(self, top: str) -> bool:
        answer = run(self.live.resolve(Question(f"serial.{top}", "TXT")))
        return answer.records == (str(self.serial).encode(),)


def zone_head(top: str, serial: int) -> str:
    return (
        f"$TTL 60\n{top}. SOA ns.{top}. h.{top}. {serial} 2 3 4 60\n{top}. NS ns.{top}.\n"
        f'ns.{top}. A 127.0.0.1\nserial.{top}. TXT "{serial}"\n'
    )


@contextmanager
def nsd() -> Iterator[Served]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        zones = [f"zone:\n  name: {top}\n  zonefile: {folder}/{top}.zone" for top in TOPS]
        for top in TOPS:
            Path(folder, f"{top}.zone").write_text(zone_head(top, 0))
        config = Path(folder, "nsd.conf")
        config.write_text("\n".join([CONFIG.format(port=port, folder=folder), *zones]) + "\n")
        server = subprocess.Popen([program(), "-d", "-c", str(config)], stderr=subprocess.DEVNULL)
        try:
            served = Served(folder, server, port)
            until = time.monotonic() + 10
            while not served._shows(TOPS[0]):
                served.serial = 0
                assert time.monotonic() < until, Path(folder, "nsd.log").read_text()
                time.sleep(0.05)
                served.live = LiveResolver([f"127.0.0.1:{port}"], timeout=2.0)
            yield served
        finally:
            server.terminate()
            server.wait(10)


def lines_of(zone: dict[tuple[str, str], Any]) -> list[str]:
    """The zone as master file lines."""
    return [
        f"{name}. 60 IN {rdtype} {rdata(rdtype, text_of(record))}"
        for (name, rdtype), records in zone.items()
        for record in records
    ]


def pasted(lines: list[str], proposal: Proposal) -> list[str]:
    """The lines without the records that go, and with what is handed over to paste."""
    gone = {
        f"{change.name}. 60 IN {change.rdtype} {rdata(change.rdtype, value)}"
        for change in proposal.changes
        for value in change.old
        if value not in change.new
    }
    assert gone <= set(lines)
    parts = handover([proposal], "zone", wording("en")).splitlines()
    return [line for line in lines if line not in gone] + [p for p in parts if p and not p.startswith(";")]


def passing(live: LiveResolver, domain: str) -> set[str]:
    """The addresses that SPF passes, one by one: the brute-force model of the arithmetic."""
    asked = [
        spf.check_host(live, ip=ip, domain=domain, sender=f"a@{domain}", helo="h0.example")
        for ip in ADDRESSES
    ]
    found = run(together(*asked))
    return {ip for ip, one in zip(ADDRESSES, found, strict=True) if one.result == "pass"}


def test_every_cure_of_random_records_holds_at_a_real_name_server() -> None:
    with nsd() as served:

        @given(sends())
        @settings(max_examples=EXAMPLES)
        def holds(case: Case) -> None:
            lines = lines_of(case.zone)
            served.publish(lines)
            before = sync.check(case.scenario, served.live)
            domains = [survey.domain for survey in before.surveys]
            passed = {domain: passing(served.live, domain) for domain in domains}
            for proposal in sync.propose(before, served.live):
                if proposal.kind not in ("cure", "improvement") or proposal.id == "all-together":
                    continue
                note(f"{proposal.id}: {proposal.changes} {proposal.settings}")
                served.publish(pasted(lines, proposal))
                after = sync.check(as_set(case.scenario, proposal.settings), served.live)
                left = {(c.receiver, c.address) for c in cases(after)}
                cured = {(c.receiver, c.address) for c in proposal.cures}
                assert bool(cured) == (proposal.kind == "cure")
                assert not cured & left
                if not proposal.narrows:
                    for domain in domains:
                        assert passed[domain] <= passing(served.live, domain)

        holds()
