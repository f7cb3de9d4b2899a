"""An audit over a Dask cluster: the same bytes as one process writes, whatever becomes of the workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from senderauth.audit import cluster as room
from senderauth.cli import audit
from tests.dnsserver import Server

distributed = pytest.importorskip("distributed", reason="distributed is not installed")

COUNT = 1_500


def records() -> dict[tuple[str, str], Any]:
    zone: dict[tuple[str, str], Any] = {("_spf.shared.test", "TXT"): [b"v=spf1 ip4:198.51.100.0/24 -all"]}
    for n in range(COUNT):
        zone[f"d{n}.test", "TXT"] = [f"v=spf1 ip4:192.0.2.{n % 250} include:_spf.shared.test -all".encode()]
        if n % 2:
            zone[f"_dmarc.d{n}.test", "TXT"] = [b"v=DMARC1; p=reject"]
    return zone


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with Server(records()) as running:
        yield running.where


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dask") / "list.txt"
    names = [f"d{n}.test" for n in range(COUNT)]
    names[3] = "not a name"
    path.write_text("\n".join(names) + "\n", "ascii")
    return path


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as running:
        yield running


def command(listed: Path, server: str, target: Path, *words: str) -> list[str]:
    return [
        sys.executable, "-m", "senderauth", "audit", str(listed), "-o", str(target), "-q",
        "--only", "spf,dmarc", "--nameserver", server, *words,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def whole(listed: Path, server: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What one process writes."""
    target = tmp_path_factory.mktemp("plain") / "whole.jsonl"
    done = subprocess.run(command(listed, server, target), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


def begun(words: list[str], target: Path) -> subprocess.Popen[bytes]:
    """The run, once it has written something."""
    running = subprocess.Popen(words, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not (target.exists() and target.stat().st_size) and running.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    return running


def test_a_cluster_writes_the_same_bytes(
    listed: Path, server: str, cluster: Any, whole: bytes, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    words = command(listed, server, target, "--dask", cluster.scheduler_address)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert target.read_bytes() == whole


def test_proposals_and_records_only_supposed_come_from_a_cluster_too(
    server: str, cluster: Any, tmp_path: Path
) -> None:
    few, outputs = tmp_path / "few.txt", []
    few.write_text("d0.test\nd1.test\nd2.test\n", "ascii")
    for more in ((), ("--dask", cluster.scheduler_address)):
        target = tmp_path / f"{len(more)}.jsonl"
        words = [
            sys.executable, "-m", "senderauth", "audit", str(few), "-o", str(target), "-q", "--fix",
            "--set", 'd2.test TXT "v=spf1 +all"', "--nameserver", server, *more,
        ]  # fmt: skip
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        outputs.append(target.read_bytes())
    assert outputs[0] == outputs[1]
    assert b'"id":"spf-close-all"' in outputs[0]


def test_a_lost_workers_part_is_done_again_and_no_row_comes_twice(
    listed: Path, server: str, cluster: Any, whole: bytes, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    words = command(listed, server, target, "--dask", cluster.scheduler_address, "--rate", "800")
    running = begun(words, target)
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
    _, errors = running.communicate(timeout=120)
    assert running.returncode == 0, errors
    assert target.read_bytes() == whole


def test_a_run_that_was_stopped_is_continued_without_the_cluster(
    listed: Path, server: str, cluster: Any, whole: bytes, tmp_path: Path
) -> None:
    target = tmp_path / "out.jsonl"
    words = command(listed, server, target, "--dask", cluster.scheduler_address, "--rate", "800")
    running = begun(words, target)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)
    assert running.returncode in (0, 130)
    part = target.read_bytes()
    assert whole.startswith(part)
    subprocess.run(command(listed, server, target, "--resume"), check=True)
    assert target.read_bytes() == whole


def test_the_cluster_asks_again_at_the_end(listed: Path, cluster: Any, whole: bytes, tmp_path: Path) -> None:
    few, target, count = tmp_path / "few.txt", tmp_path / "out.jsonl", 40
    few.write_text("".join(listed.read_text().splitlines(keepends=True)[:count]))
    healthy = b"".join(whole.splitlines(keepends=True)[:count])
    with Server(records(), behave={"d7.test": "silent"}) as sick:
        words = command(few, sick.where, target, "--dask", cluster.scheduler_address, "--timeout", "2")
        with subprocess.Popen(words) as running:
            while not target.exists() or target.read_bytes().count(b"\n") < count:
                assert running.poll() is None
                time.sleep(0.02)
            assert target.read_bytes() != healthy
            sick.behave.clear()
            assert running.wait(60) == 0
    assert target.read_bytes() == healthy


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--dask", "tcp://127.0.0.1:9"), "no scheduler answers there"),
        (("--dask", "nonsense://x"), "no scheduler answers there"),
        (("--dask", "tcp://127.0.0.1:9", "--jobs", "2"), "exclude each other"),
        (("--dask", "tcp://127.0.0.1:9", "--demo"), "has no use beside"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_and_touches_no_file(
    words: tuple[str, ...], told: str, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = typer.Typer()
    audit.register(app)
    monkeypatch.setattr(room, "PATIENCE", 1)
    target = tmp_path / "out.jsonl"
    server = () if "--demo" in words else ("--nameserver", "127.0.0.1")
    done = CliRunner().invoke(app, [str(listed), "-o", str(target), *server, *words])
    assert done.exit_code == 2
    assert told in done.output
    assert "Traceback" not in done.output
    assert not target.exists()
