"""A world served on loopback: NSD, and before it dnsdist where answers are to be late or missing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.world import lines
from senderauth.dns import LiveResolver, Question, run

NSD = """server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  zonesdir: "{world}"
  database: ""
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  logfile: "{folder}/nsd.log"
  server-count: 1
  tcp-count: 400
  minimal-responses: yes
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: yes
  control-interface: "{folder}/nsd.control"
zone:
  name: "."
  zonefile: root.zone
"""
DNSDIST = """setSecurityPollSuffix('')
setLocal('127.0.0.1:{port}')
newServer({{address='{behind}', checkInterval=60, sockets=4}})
silent = newSuffixMatchNode()
{silent}
addAction(SuffixMatchNodeRule(silent), DropAction())
addAction(AllRule(), DelayAction({delay}))
"""


PATIENCE = 120.0
"""Seconds for a server to begin; a large world is read for long."""


@dataclass(frozen=True, slots=True)
class World:
    """A served folder of `benchmarks.world`, or one laid out like it."""

    folder: Path
    where: str
    """address:port"""
    run: Path
    """Where the servers keep their files."""

    def questions(self) -> int:
        """How many the server has counted; one that is repeated over TCP counts once."""
        words = [tool("nsd-control"), "-c", str(self.run / "nsd.conf"), "stats_noreset"]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return int(told.partition("num.udp=")[2].partition("\n")[0])


def tool(name: str) -> str:
    """The path of a program, also where only root looks; empty where it is missing."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/games") or ""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses, neither for UDP nor for TCP."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port: int = tcp.getsockname()[1]
            with suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port


@contextmanager
def served(folder: Path, scratch: Path) -> Iterator[World]:
    """The world while the block lasts. Domains that should not be answered get SERVFAIL, as those that
    fail.
    """
    port = free_port()
    config = NSD.format(port=port, world=folder.resolve(), folder=scratch)
    for name in ("servfail", "timeout"):
        for domain in lines(folder / f"{name}.txt"):
            config += f'zone:\n  name: "{domain}"\n  zonefile: absent.zone\n'
    (scratch / "nsd.conf").write_text(config)
    with _running([tool("nsd"), "-d", "-c", str(scratch / "nsd.conf")], f"127.0.0.1:{port}", scratch):
        yield World(folder, f"127.0.0.1:{port}", scratch)


@contextmanager
def delayed(world: World, milliseconds: int) -> Iterator[World]:
    """The same world behind a front that answers so much later and keeps silent where it should."""
    port = free_port()
    silent = "\n".join(f"silent:add('{domain}')" for domain in lines(world.folder / "timeout.txt"))
    config = world.run / "dnsdist.conf"
    config.write_text(DNSDIST.format(port=port, behind=world.where, silent=silent, delay=milliseconds))
    words = [tool("dnsdist"), "--supervised", "--disable-syslog", "-C", str(config)]
    with _running(words, f"127.0.0.1:{port}", world.run):
        yield World(world.folder, f"127.0.0.1:{port}", world.run)


@contextmanager
def _running(words: list[str], where: str, scratch: Path) -> Iterator[None]:
    name = Path(words[0]).name
    with (scratch / f"{name}.said").open("w+", encoding="utf-8") as said:
        server = subprocess.Popen(words, stdout=said, stderr=said)
        try:
            end = time.monotonic() + PATIENCE
            while not run(LiveResolver([where], timeout=0.5).resolve(Question("ns.example", "A"))).records:
                if server.poll() is not None or time.monotonic() > end:
                    said.seek(0)
                    why = (said.read().strip().splitlines() or ["no word"])[-1]
                    raise RuntimeError(f"{name} does not answer: {why}")
                time.sleep(0.05)
            yield
        finally:
            server.terminate()
            server.wait(30)
