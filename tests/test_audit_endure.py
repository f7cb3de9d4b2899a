"""An audit that meets trouble: silent zones, slow lists, runs that end in the middle; with a real server."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from senderauth.audit import Summary, audit_rows, document
from senderauth.audit.columns import flat, told
from senderauth.audit.recover import number_of
from senderauth.audit.row import FIELDS
from senderauth.audit.write import Format, csv_cell, csv_header, encoder
from senderauth.cli import audit
from senderauth.dns import ZoneResolver
from tests.dnsserver import Server
from tests.test_audit import names_of, random_zone

COUNT = 60
SICK = [f"d{n}.test" for n in range(3, COUNT, 10)]

app = typer.Typer()
audit.register(app)


def records() -> dict[tuple[str, str], Any]:
    zone: dict[tuple[str, str], Any] = {("com", "NS"): ["ns.test"]}
    for n in range(COUNT):
        zone[f"d{n}.test", "TXT"] = [f"v=spf1 ip4:192.0.2.{n} -all".encode()]
        zone[f"_dmarc.d{n}.test", "TXT"] = [b"v=DMARC1; p=reject"]
    return zone


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(records()) as running:
        yield running


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_text("".join(f"d{n}.test\n" for n in range(COUNT)))
    return path


def command(server: Server, *words: str) -> list[str]:
    return [
        sys.executable, "-m", "senderauth", "audit", "--nameserver", server.where, "--only", "spf,dmarc",
        "--timeout", "1", "--tries", "2", *words,
    ]  # fmt: skip


def run(server: Server, *words: str, **how: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(server, *words), capture_output=True, check=False, timeout=60, **how)


def here(server: Server, *words: str) -> tuple[int, str]:
    """The exit code and what was said, without a process: they cost a second each."""
    done = CliRunner().invoke(app, [*command(server)[4:], *words])
    return done.exit_code, done.output


def fall_ill(server: Server) -> None:
    server.behave.update(dict.fromkeys(SICK, "silent"))


def recover_when(server: Server, happens: Any) -> threading.Thread:
    """The sick zones answer again once something has happened."""

    def watch() -> None:
        until = time.monotonic() + 30
        while not happens() and time.monotonic() < until:
            time.sleep(0.005)
        server.behave.clear()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def whole_of(path: Path) -> Any:
    """Whether all rows are there: the pass at the end is about to begin."""
    return lambda: path.exists() and path.read_bytes().count(b"\n") >= COUNT


def summary_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return {name: value for name, value in found.items() if name not in ("seconds", "asked_again")}


# --- what is unknown is asked again at the end -----------------------------------------------------


@pytest.mark.parametrize(("kind", "words"), [("jsonl", ()), ("csv", ("--jobs", "2")), ("parquet", ())])
def test_what_was_unknown_is_asked_again_at_the_end(
    server: Server, listed: Path, tmp_path: Path, kind: str, words: tuple[str, ...]
) -> None:
    if kind == "parquet":
        pytest.importorskip("pyarrow.parquet")
    healthy, target = tmp_path / f"healthy.{kind}", tmp_path / f"out.{kind}"
    told, wanted = tmp_path / "told.json", tmp_path / "wanted.json"
    assert here(server, str(listed), "-o", str(healthy), "--summary", str(wanted))[0] == 0
    fall_ill(server)
    rows = tmp_path / "out.parquet.rows.jsonl" if kind == "parquet" else target
    watching = recover_when(server, whole_of(rows))
    done = run(server, str(listed), "-o", str(target), "--summary", str(told), *words)
    watching.join()
    assert (done.returncode, b"asked again at the end: 6, of which 6" in done.stderr) == (0, True), (
        done.stderr
    )
    assert target.read_bytes() == healthy.read_bytes()
    assert summary_of(told) == summary_of(wanted)
    assert not [path for path in tmp_path.iterdir() if "retried" in path.name]


def test_what_stays_unknown_stays_as_it_was_and_is_listed(
    server: Server, listed: Path, tmp_path: Path
) -> None:
    """To standard output nothing is asked again at the end: what is out is out."""
    fall_ill(server)
    plain = run(server, str(listed))
    assert (plain.returncode, b"asked again" in plain.stderr) == (3, False)
    asked, target = len(server.questions), tmp_path / "out.jsonl"
    done = run(server, str(listed), "-o", str(target))
    assert done.returncode == 3
    assert b"asked again at the end: 6, of which 0" in done.stderr
    assert all(name.encode() in done.stderr for name in SICK)
    assert target.read_bytes() == plain.stdout
    assert len(server.questions) - asked > asked + len(SICK)
    before = target.stat().st_ino
    done = run(server, str(listed), "-o", str(target), "--resume", "--retries", "0")
    assert (done.returncode, b"asked again" in done.stderr) == (3, False)
    assert (target.stat().st_ino, target.read_bytes()) == (before, plain.stdout)


def test_a_list_from_standard_input_is_asked_again_too(server: Server, listed: Path, tmp_path: Path) -> None:
    fall_ill(server)
    target = tmp_path / "out.jsonl"
    watching = recover_when(server, whole_of(target))
    done = run(server, "-", "-o", str(target), input=listed.read_bytes())
    watching.join()
    assert (done.returncode, b"of which 6" in done.stderr) == (0, True), done.stderr
    assert b'"unknown","error"' not in target.read_bytes()


def test_more_than_a_tenth_is_not_all_asked_again(
    server: Server, listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("senderauth.audit.again.LEAST", 1)
    monkeypatch.setattr("senderauth.audit.job.WAIT", 0.01)
    monkeypatch.setattr("senderauth.audit.run.WAIT", 0.01)
    server.behave.update(dict.fromkeys([f"d{n}.test" for n in range(0, COUNT, 3)], "silent"))
    done = CliRunner().invoke(
        app, [str(listed), *command(server)[4:], "-o", str(tmp_path / "o.jsonl"), "--lang", "en"]
    )
    assert done.exit_code == 3
    assert "asked again at the end: 6, of which 0" in done.output
    assert "not asked again, too many at once: 14" in done.output


def test_killed_while_it_asks_again_it_loses_nothing(server: Server, listed: Path, tmp_path: Path) -> None:
    healthy, target = tmp_path / "healthy.jsonl", tmp_path / "out.jsonl"
    here(server, str(listed), "-o", str(healthy))
    dice = random.Random(7)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        target.unlink(missing_ok=True)
        fall_ill(server)
        process = subprocess.Popen(command(server, str(listed), "-o", str(target), "-q"))
        while not whole_of(target)():
            assert process.poll() is None
            time.sleep(0.005)
        there = target.read_bytes()
        server.behave.clear()
        time.sleep(dice.uniform(0, 2.6))
        process.send_signal(number)
        process.wait(30)
        assert target.read_bytes() in (there, healthy.read_bytes())
        assert here(server, str(listed), "-o", str(target), "--resume")[0] == 0
        assert target.read_bytes() == healthy.read_bytes()


# --- the summary of a run that is continued -------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_csv_holds_all_that_the_summary_counts(seed: int) -> None:
    zone = random_zone(random.Random(300 + seed), 40)
    names: list[Any] = [*names_of(zone), "not a name", {"domain": "d1.example", "host": "192.0.2.1 ::1"}]
    whole, read_again = Summary(), Summary()
    for row in audit_rows(names, ZoneResolver.from_records(zone), retries=0):
        told_ = document(row)
        whole.add(told_)
        cells = {name: csv_cell(value) for name, value in flat(told_).items()}
        read_again.add({"n": row.n, **told(cells)})
    assert read_again.document(complete=True, seconds=0) == whole.document(complete=True, seconds=0)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("only", ["spf,dmarc", "spoofing,mta-sts", "dkim"])
def test_a_run_that_is_continued_counts_like_one_that_was_not(
    server: Server, listed: Path, tmp_path: Path, kind: str, only: str
) -> None:
    whole, target = tmp_path / f"whole.{kind}", tmp_path / f"out.{kind}"
    words = (str(listed), "--only", only, "--summary")
    here(server, *words, str(tmp_path / "whole.json"), "-o", str(whole))
    target.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    here(server, *words, str(tmp_path / "out.json"), "-o", str(target), "--resume")
    assert target.read_bytes() == whole.read_bytes()
    assert summary_of(tmp_path / "out.json") == summary_of(tmp_path / "whole.json")


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_lines_that_look_like_formulas_are_continued_too(server: Server, tmp_path: Path, kind: str) -> None:
    listed, target = tmp_path / "list.txt", tmp_path / f"out.{kind}"
    listed.write_text("=cmd\n@x\n'=y\nd1.test\n")
    here(server, str(listed), "-o", str(target))
    whole = target.read_bytes()
    for rows in range(4):
        target.write_bytes(b"".join(whole.splitlines(keepends=True)[: rows + (kind == "csv")]))
        assert here(server, str(listed), "-o", str(target), "--resume")[0] == 0
        assert target.read_bytes() == whole


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[:5], "line 6"),
        (lambda lines: ["other.test", *lines[1:]], "line 1 "),
        (lambda lines: [*lines[:7], "# gone", *lines[8:]], "line 8"),
        (lambda lines: lines[1:], "line 1 "),
    ],
)
def test_a_list_that_has_changed_is_not_continued(
    server: Server, listed: Path, tmp_path: Path, kind: str, change: Any, told: str
) -> None:
    target = tmp_path / f"out.{kind}"
    here(server, str(listed), "-o", str(target))
    part = b"".join(target.read_bytes().splitlines(keepends=True)[:21])
    target.write_bytes(part)
    listed.write_text("\n".join(change(listed.read_text().splitlines())) + "\n")
    code, said = here(server, str(listed), "-o", str(target), "--resume")
    assert (code, told in said) == (2, True), said
    assert target.read_bytes() == part


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_was_begun_with_other_fields_is_not_continued(
    server: Server, listed: Path, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / f"out.{kind}"
    here(server, str(listed), "-o", str(target), "--fields", "domain,state")
    part = target.read_bytes()
    code, said = here(server, str(listed), "-o", str(target), "--resume")
    assert (code, "other fields" in said) == (2, True), said
    assert target.read_bytes() == part


@pytest.mark.parametrize(
    "junk", [b"n\n", b"\n\n", b"\xff\xfe\n", b"7\n", b"{}\n", b"null\n", b"[" * 9999 + b"\n"]
)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_what_is_no_audit_is_left_alone(
    server: Server, listed: Path, tmp_path: Path, kind: str, junk: bytes
) -> None:
    target = tmp_path / f"out.{kind}"
    target.write_bytes(junk)
    code, said = here(server, str(listed), "-o", str(target), "--resume")
    assert (code, said.count("\n")) == (2, 1), said
    assert target.read_bytes() == junk


# --- lists that come slowly ----------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("--jobs", "2")])
def test_a_row_does_not_wait_for_the_next_line(server: Server, words: tuple[str, ...]) -> None:
    """Rows came only when the next line was there."""
    server.delay = 0.05
    process = subprocess.Popen(
        command(server, "-", "-q", *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    for n in range(3):
        process.stdin.write(f"# next\n\nd{n}.test\nd{n}.t".encode())
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["domain"] == f"d{n}.test"
        process.stdin.write(b"est\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["domain"] == f"d{n}.test"
    process.stdin.write(b"d9.test")
    process.stdin.close()
    assert json.loads(process.stdout.read())["domain"] == "d9.test"
    process.stdout.close()
    assert process.wait(30) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("words", [(), ("--jobs", "2")])
def test_a_signal_ends_a_run_that_waits_for_a_line(
    server: Server, tmp_path: Path, number: int, code: int, words: tuple[str, ...]
) -> None:
    """All processes get it at once, as from a terminal or a service manager."""
    target = tmp_path / "out.jsonl"
    process = subprocess.Popen(
        command(server, "-", "-q", "-o", str(target), *words), stdin=subprocess.PIPE, start_new_session=True
    )
    assert process.stdin
    process.stdin.write(b"d1.test\n")
    process.stdin.flush()
    while not (target.exists() and target.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, number)
    assert process.wait(10) == code
    process.stdin.close()
    assert target.read_bytes().count(b"\n") == 1


def test_a_pipe_gives_the_same_entries_as_a_file(server: Server, tmp_path: Path) -> None:
    content = (
        b"\xef\xbb\xbfd1.test\r\n\n# c\n" + b"x" * 200_000 + b"\nd2.test\n" + b"y" * 65_536 + b"\nd3.test"
    )
    listed = tmp_path / "list.txt"
    listed.write_bytes(content)
    plain = run(server, str(listed), "-q").stdout
    assert run(server, "-", "-q", input=content).stdout == plain
    assert run(server, "-", "-q", "--jobs", "2", input=content).stdout == plain
    assert [json.loads(line)["n"] for line in plain.splitlines()] == [1, 4, 5, 6, 7]


# --- outputs ------------------------------------------------------------------------------------------------


def test_two_runs_do_not_write_one_file(server: Server, listed: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    process = subprocess.Popen(command(server, "-", "-q", "-o", str(target)), stdin=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(b"d0.test\n")
    process.stdin.flush()
    while not (target.exists() and target.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    for words in ((), ("--resume",)):
        done = run(server, str(listed), "-o", str(target), *words)
        assert (done.returncode, b"another run" in done.stderr) == (2, True), done.stderr
    process.stdin.write(b"".join(listed.read_bytes().splitlines(keepends=True)[1:]))
    process.stdin.close()
    assert process.wait(30) == 0
    assert target.read_bytes().count(b"\n") == COUNT


def test_an_output_that_is_deleted_is_missed(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    process = subprocess.Popen(
        command(server, "-", "-q", "-o", str(target)), stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    process.stdin.write(b"d0.test\n")
    process.stdin.flush()
    while not (target.exists() and target.stat().st_size):
        assert process.poll() is None
        time.sleep(0.01)
    target.unlink()
    _, errors = process.communicate(b"d1.test\n", timeout=30)
    assert (process.returncode, b"deleted" in errors) == (2, True), errors


def test_a_list_that_is_not_there_leaves_the_output_alone(server: Server, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("kept\n")
    assert here(server, str(tmp_path / "none.txt"), "-o", str(target))[0] == 2
    assert target.read_text() == "kept\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said_in_one_line(
    server: Server, listed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    done = run(server, str(listed), "-o", str(folder / "out.jsonl"))
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("fields", [("n",), ("n", "domain"), FIELDS])
def test_a_line_tells_its_number(kind: Format, fields: tuple[str, ...]) -> None:
    (row,) = audit_rows(["example.com"], ZoneResolver.from_records({}), retries=0)
    line = encoder(kind, fields)(replace(row, n=1_234_567))
    assert number_of(line) == 1_234_567
    assert number_of(csv_header(fields)) == 0
