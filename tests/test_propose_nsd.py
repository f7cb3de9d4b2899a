"""Offered cures in zone files that a real name server serves: the answers are cured there too."""

import subprocess
import tempfile
from pathlib import Path

from senderauth import LiveResolver, Scenario, ZoneResolver, sync
from senderauth.advice import Proposal
from senderauth.advice.proposals.compare import cases
from senderauth.advice.proposals.prove import as_set
from senderauth.dns import Question, run
from senderauth.report import handover, wording
from senderauth.report.handover import rdata
from tests.test_dns_nsd import free_port, program

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
