"""LiveResolver against a real authoritative server: NSD, on loopback, serving a fixture zone."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from senderauth.dns import Answer, LiveResolver, Question, Status, ZoneResolver, drive, run, together
from senderauth.dns.master import read

ZONE = Path(__file__).resolve().parents[1] / "fixtures" / "zones" / "nsd.example.zone"
CONFIG = """
server:
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
  hide-version: yes
  minimal-responses: {minimal}
  {rrl}
remote-control:
  control-enable: no
zone:
  name: nsd.example
  zonefile: {zone}
zone:
  name: broken.example
  zonefile: {folder}/broken.zone
"""


def program() -> str:
    """NSD's path. Where it is not installed the test skips; in CI it must be there."""
    found = shutil.which("nsd") or shutil.which("nsd", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        why = "NSD is not installed (Debian, Ubuntu: apt-get install nsd)"
        if os.environ.get("CI") == "true":
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    return found


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture(scope="module", params=["yes", "no"], ids=["minimal", "full"])
def where(request: pytest.FixtureRequest) -> Iterator[str]:
    nsd = program()
    options = subprocess.run([nsd, "-v"], capture_output=True, text=True, check=False)
    limited = "ratelimit" in options.stdout + options.stderr
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "broken.zone").write_text("this is no zone\n")
        port = free_port()
        config = Path(folder, "nsd.conf")
        rrl = "rrl-ratelimit: 0" if limited else ""
        config.write_text(CONFIG.format(port=port, folder=folder, zone=ZONE, minimal=request.param, rrl=rrl))
        server = subprocess.Popen([nsd, "-d", "-c", str(config)], stderr=subprocess.DEVNULL)
        try:
            _wait(f"127.0.0.1:{port}")
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(10)


def _wait(where: str) -> None:
    for _ in range(100):
        answer = run(LiveResolver([where], timeout=0.3).resolve(Question("nsd.example", "SOA")))
        if answer.records:
            return
        time.sleep(0.05)
    pytest.fail("NSD does not answer")


EXTRA = {"nothing", "q.wild", "x.b.wild", "b.wild", "wild", "keys", "odd.label"}
NAMES = {entry.owner for entry in read(ZONE).entries} | {f"{name}.nsd.example" for name in EXTRA}
TYPES = ("A", "AAAA", "MX", "TXT", "NS", "SOA", "CNAME")
QUESTIONS = [Question(name, rdtype) for name in sorted(NAMES) for rdtype in TYPES]


@pytest.mark.parametrize("driver", [run, asyncio.run])
def test_every_question_is_answered_as_the_zone_file_says(where: str, driver: Any) -> None:
    zone, live = ZoneResolver.from_files(ZONE), LiveResolver([where])

    async def work() -> list[Answer]:
        return await together(*map(live.resolve, QUESTIONS))

    for question, answer in zip(QUESTIONS, driver(work()), strict=True):
        expected = drive(zone.resolve(question))
        for field in ("status", "canonical_name", "chain", "note"):
            assert getattr(answer, field) == getattr(expected, field), (question, field)
        assert set(answer.records) == set(expected.records), question
        assert set(answer.strings) == set(expected.strings), question
        if not answer.unknown:
            assert answer.ttl == expected.ttl, question
    live.close()


def test_a_large_answer_comes_over_tcp(where: str) -> None:
    answer = run(LiveResolver([where]).resolve(Question("big.nsd.example", "TXT")))
    assert len(answer.records) == 12


def test_a_zone_that_fails_to_load_and_one_that_is_not_there(where: str) -> None:
    resolver = LiveResolver([where])
    broken = run(resolver.resolve(Question("a.broken.example", "A")))
    elsewhere = run(resolver.resolve(Question("a.elsewhere.example", "A")))
    assert broken.status is Status.SERVFAIL
    assert elsewhere.status is Status.REFUSED


def test_silence(where: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        deaf = f"127.0.0.1:{silent.getsockname()[1]}"
        start = time.monotonic()
        answer = run(LiveResolver([deaf], timeout=0.5).resolve(Question("nsd.example", "TXT")))
        assert answer.status is Status.TIMEOUT
        assert time.monotonic() - start < 1
        assert run(LiveResolver([deaf, where]).resolve(Question("nsd.example", "TXT"))).records
