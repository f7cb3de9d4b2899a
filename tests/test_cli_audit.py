"""`senderauth audit` as a process: formats, continuing, killed at any moment, disks and pipes that end."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from senderauth.audit import FIELDS, List, chosen_selectors
from senderauth.cli import audit

COUNT = 400

app = typer.Typer()
audit.register(app)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list and its zone, with a line that cannot be read and a domain that DNS does not tell of."""
    folder = tmp_path_factory.mktemp("world")
    names = [f"d{n}.example" for n in range(COUNT)]
    lines = ["$ORIGIN example.", "$TTL 300", "@ SOA ns.example. root.example. 1 2 3 4 300"]
    for n, name in enumerate(names):
        lines.append(f'{name}. TXT "v=spf1 ip4:192.0.2.{n % 250} include:_spf.d0.example {"-~?"[n % 3]}all"')
        lines.append(f"{name}. MX 10 mx.example.")
        if n % 2:
            lines.append(f'_dmarc.{name}. TXT "v=DMARC1; p={["none", "reject"][n % 4 // 2]}"')
    lines += ['_spf.d0.example. TXT "v=spf1 ip4:198.51.100.0/24 -all"', "mx.example. A 192.0.2.1"]
    (folder / "example.zone").write_text("\n".join(lines) + "\n", "utf-8")
    names[7], names[9] = "not a name", "elsewhere.test"
    (folder / "list.txt").write_text("\n".join(names) + "\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def whole(world: Path) -> bytes:
    """What an undisturbed run writes."""
    target = world / "whole.jsonl"
    done = run(world, "-o", str(target))
    assert done.returncode == 3, done.stderr
    return target.read_bytes()


def command(world: Path, *words: str) -> list[str]:
    return [
        sys.executable, "-m", "senderauth", "audit", str(world / "list.txt"),
        "--zone", str(world / "example.zone"), *words,
    ]  # fmt: skip


def run(world: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(world, *words), capture_output=True, check=False, timeout=60)


def test_every_line_is_a_row_and_the_rest_is_on_standard_error(world: Path, whole: bytes) -> None:
    rows = [json.loads(line) for line in whole.splitlines()]
    assert [row["n"] for row in rows] == list(range(1, COUNT + 1))
    assert {row["state"] for row in rows} == {"ok", "unknown", "bad-input"}
    assert rows[7]["error"]["id"] == "audit-not-a-domain"
    assert rows[9]["unknown"]
    assert all(tuple(row) == ("schema", *FIELDS) for row in rows)
    done = run(world)
    assert done.stdout == whole
    assert b"elsewhere.test" in done.stderr


def test_the_summary_as_json(world: Path, tmp_path: Path) -> None:
    done = run(world, "-o", str(tmp_path / "a.jsonl"), "--summary", str(tmp_path / "s.json"), "--quiet")
    told = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert (done.stderr, told["rows"], told["complete"]) == (b"", COUNT, True)
    assert told["unknown"] == ["elsewhere.test"]


def test_a_killed_run_loses_no_row_and_is_continued_to_the_same_bytes(
    world: Path, whole: bytes, tmp_path: Path
) -> None:
    dice = random.Random(1)
    target = tmp_path / "audit.jsonl"
    kills = 0
    for _ in range(40):
        if target.exists() and target.read_bytes() == whole:
            break
        before = target.read_bytes() if target.exists() else b""
        process = subprocess.Popen(
            command(world, "-o", str(target), "--resume", "--quiet"), stderr=subprocess.PIPE
        )
        enough = len(before) + dice.randrange(1, len(whole) // 6)
        while process.poll() is None and (not target.exists() or target.stat().st_size < enough):
            time.sleep(0.001)
        process.kill()
        _, errors = process.communicate()
        kills += process.returncode == -signal.SIGKILL
        assert not errors
        now = target.read_bytes()
        assert whole.startswith(now)
        assert len(now) >= len(before.rpartition(b"\n")[0])
    assert target.read_bytes() == whole
    assert kills >= 3


@pytest.mark.parametrize("torn", [1, 17, 900])
def test_a_torn_last_line_is_repaired(world: Path, whole: bytes, tmp_path: Path, torn: int) -> None:
    target = tmp_path / "audit.jsonl"
    end = whole.index(b"\n", len(whole) // 3) + 1
    target.write_bytes(whole[: end + torn])
    assert run(world, "-o", str(target), "--resume", "-q").returncode == 3
    assert target.read_bytes() == whole


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_finishes_the_rows_in_hand(
    world: Path, whole: bytes, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    target = tmp_path / "audit.jsonl"
    process = subprocess.Popen(
        command(world, "-o", str(target), "--concurrency", "5"), stderr=subprocess.PIPE
    )
    while not target.exists() or target.stat().st_size < 20_000:
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert b"once more to end at once" in errors
    assert b"--resume" in errors
    now = target.read_bytes()
    assert whole.startswith(now)
    assert now.endswith(b"\n")
    assert len(now) < len(whole)
    run(world, "-o", str(target), "--resume", "-q")
    assert target.read_bytes() == whole


def test_a_csv_is_continued_too_and_holds_no_formula(world: Path, tmp_path: Path) -> None:
    whole, target = tmp_path / "whole.csv", tmp_path / "audit.csv"
    run(world, "-o", str(whole), "-q")
    target.write_bytes(whole.read_bytes()[:20_000])
    run(world, "-o", str(target), "--resume", "-q")
    assert target.read_bytes() == whole.read_bytes()
    rows = list(csv.reader(whole.read_text("utf-8").splitlines()))
    assert len(rows) == COUNT + 1
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]


def test_parquet_holds_the_same_rows(world: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    target = tmp_path / "audit.parquet"
    assert run(world, "-o", str(target), "-q").returncode == 3
    table = parquet.read_table(target).to_pydict()
    assert table["n"] == list(range(1, COUNT + 1))
    assert table["dmarc_policy"][3] == "reject"
    assert table["findings"][0]
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_disk_that_is_full_at_the_end_keeps_the_rows_of_parquet(world: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    target = tmp_path / "audit.parquet"
    full = f"import os, runpy, sys; \
os.symlink('/dev/full', {str(target) + '.new'!r}); \
sys.argv = {['senderauth', *command(world, '-o', str(target), '-q')[3:]]!r}; \
runpy.run_module('senderauth', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", full], capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert done.stderr.startswith(f"senderauth: {target}: ".encode())
    assert [path.name for path in tmp_path.iterdir()] == ["audit.parquet.rows.jsonl"]
    assert run(world, "-o", str(target), "--resume", "-q").returncode == 3
    assert [path.name for path in tmp_path.iterdir()] == ["audit.parquet"]


def test_parquet_without_pyarrow_says_so_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, world: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    done = CliRunner().invoke(app, [str(world / "list.txt"), "--demo", "-o", str(tmp_path / "a.pq")])
    assert done.exit_code == 2
    assert "senderauth[parquet]" in done.output


def test_fields_are_chosen_and_the_number_stays(world: Path, tmp_path: Path) -> None:
    done = run(world, "--fields", "spoofing,domain", "-q")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert {tuple(row) for row in rows} == {("schema", "n", "domain", "spoofing")}


def test_what_was_unknown_is_asked_again_on_request(world: Path, whole: bytes, tmp_path: Path) -> None:
    target = tmp_path / "audit.jsonl"
    zone = tmp_path / "test.zone"
    zone.write_text('$ORIGIN test.\n$TTL 300\n@ SOA ns root 1 2 3 4 300\nelsewhere TXT "v=spf1 -all"\n')
    target.write_bytes(whole)
    done = run(world, "--zone", str(zone), "-o", str(target), "--resume", "--retry-unknown", "-q")
    assert done.returncode == 0, done.stderr
    old, new = whole.splitlines(), target.read_bytes().splitlines()
    assert [n for n, (a, b) in enumerate(zip(old, new, strict=True), 1) if a != b] == [10]
    assert json.loads(new[9])["state"] == "ok"


def test_another_list_is_not_continued(world: Path, whole: bytes, tmp_path: Path) -> None:
    target, other = tmp_path / "audit.jsonl", tmp_path / "list.txt"
    target.write_bytes(b"".join(whole.splitlines(keepends=True)[:20]))
    other.write_text("".join(f"x{n}.example\n" for n in range(30)))
    words = [str(other), "--demo", "-o", str(target), "--resume"]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, "line 1 " in done.output) == (2, True)
    target.write_text("something else\n")
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, "not a row of an audit" in done.output) == (2, True)
    assert target.read_text() == "something else\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_is_said_in_one_line(world: Path) -> None:
    done = run(world, "-o", "/dev/full", "-q")
    assert done.returncode == 2
    assert done.stderr.count(b"\n") == 1
    assert b"No space left" in done.stderr


def test_a_disk_that_fills_up_leaves_whole_rows(world: Path, whole: bytes, tmp_path: Path) -> None:
    target = tmp_path / "audit.jsonl"
    limited = f"import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); \
resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000)); import runpy, sys; \
sys.argv = {['senderauth', *command(world, '-o', str(target), '-q')[3:]]!r}; \
runpy.run_module('senderauth', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", limited], capture_output=True, check=False, timeout=60)
    assert done.returncode == 2
    assert b"rows were written" in done.stderr
    now = target.read_bytes()
    assert whole.startswith(now)
    assert now.endswith(b"\n")
    run(world, "-o", str(target), "--resume", "-q")
    assert target.read_bytes() == whole


def test_a_reader_that_goes_ends_the_run(world: Path) -> None:
    process = subprocess.Popen(command(world, "-q"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b'{"schema"')
    process.stdout.close()
    assert process.stderr is not None
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 141
    assert errors.count(b"\n") == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--fail-on", "high"], 1),
        ([], 0),
        (["--fields", "nonsense"], 2),
        (["--fields", ""], 2),
        (["-o", "rows.tsv"], 2),
        (["-o", "rows.jsonl.gz"], 2),
        (["--format", "xml"], 2),
        (["--selectors", "a b,ä ü!"], 2),
        (["--resume"], 2),
        (["--fail-on", "nonsense"], 2),
        (["--format", "parquet"], 2),
    ],
)
def test_exit_codes(tmp_path: Path, words: list[str], code: int) -> None:
    given = tmp_path / "list.txt"
    given.write_text(
        "webshop.example\nspoofed.example\n" if "high" not in words else "gone.webshop.example\n"
    )
    done = CliRunner().invoke(app, [str(given), "--demo", *words])
    assert done.exit_code == code, done.output


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["list.txt", "-o", "list.txt"], None),
        (["list.txt", "-o", "list.txt", "--resume"], None),
        (["list.txt", "-o", "./new", "--summary", "new"], None),
        (["list.txt", "-o", "rows", "--summary", "link"], None),
        (["-", "-o", "list.txt"], "list.txt"),
        (["list.txt", "--fix", "--senders", "senders.csv", "-o", "senders.csv"], None),
        (["list.txt", "--summary", "."], None),
        (["list.txt", "--summary", "none/summary.json"], None),
        (["list.txt", "--summary", "-"], None),
    ],
)
def test_no_file_that_is_given_is_overwritten(tmp_path: Path, words: list[str], given: str | None) -> None:
    (tmp_path / "list.txt").write_text("webshop.example\n")
    (tmp_path / "senders.csv").write_text("domain,host\nwebshop.example,192.0.2.25\n")
    (tmp_path / "link").symlink_to("list.txt")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with (tmp_path / given).open() if given else nullcontext() as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "senderauth", "audit", *words, "--demo"],
            stdin=stdin, capture_output=True, check=False, timeout=60, cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.getcwd()},
        )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1), done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_dash_is_standard_output(world: Path, whole: bytes) -> None:
    assert run(world, "-o", "-").stdout == whole
    told = json.loads(run(world, "-o", os.devnull, "--summary", "-").stdout)
    assert told["rows"] == COUNT


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="no /dev/fd here")
@pytest.mark.parametrize(
    ("place", "code", "lines"),
    [
        (">(cat)", "0", 1),
        ("/dev/null", "0", 0),
        ("/dev/full", "2", 0),
        ("- >/dev/full", "2", 0),
        ("- | sleep 0", "141", 0),
    ],
)
def test_a_summary_goes_to_a_pipe_or_a_device_as_it_comes(place: str, code: str, lines: int) -> None:
    words = "audit - <<< webshop.example --demo -q -o /dev/null --summary"
    program = f'"{sys.executable}" -m senderauth {words} {place}; ' + "echo ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (code in done.stdout.split("\n"), done.stdout.count('"schema"')) == (True, lines), done
    assert done.stderr.count("\n") == (code == "2"), done.stderr
    assert done.stderr == "" or "/dev/full: No" in done.stderr or "standard output: No" in done.stderr


def test_a_host_that_would_be_refused_is_exit_code_1(tmp_path: Path) -> None:
    given = tmp_path / "list.csv"
    given.write_text("domain;host\nwebshop.example;203.0.113.9\n")
    done = CliRunner().invoke(app, [str(given), "--demo", "-q"])
    assert done.exit_code == 1
    (host, *_) = json.loads(done.stdout.splitlines()[0])["hosts"]
    assert (host["outcome"], bool(host["entry"])) == ("refused", True)


@pytest.mark.parametrize("text", ["", "# none today\n\n", "not a name\n"])
def test_a_list_without_a_line_that_can_be_read_is_no_success(tmp_path: Path, text: str) -> None:
    given = tmp_path / "list.txt"
    given.write_text(text)
    done = CliRunner().invoke(app, [str(given), "--demo", "-q"])
    assert (done.exit_code, "no line names a domain" in done.output) == (2, True)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(tmp_path / "none.txt"), "--demo"])
    assert (done.exit_code, "none.txt" in done.output) == (2, True)


# --- several processes -----------------------------------------------------------------------------


def workers_of(parent: int) -> list[int]:
    """Child processes that work (multiprocessing's own helper does not)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(words[1]) == parent and b"resource_tracker" not in line:
            found.append(int(folder.name))
    return found


@pytest.fixture(scope="module")
def longer(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A world whose list is so long that no process is through with it before another one begins."""
    folder = tmp_path_factory.mktemp("longer")
    (folder / "list.txt").write_bytes((world / "list.txt").read_bytes() * 10)
    (folder / "example.zone").write_bytes((world / "example.zone").read_bytes())
    assert run(folder, "-o", str(folder / "whole.jsonl"), "-q").returncode == 3
    return folder, (folder / "whole.jsonl").read_bytes()


def test_several_processes_write_the_same_bytes(longer: tuple[Path, bytes], tmp_path: Path) -> None:
    world, whole = longer
    target = tmp_path / "audit.jsonl"
    done = run(world, "-o", str(target), "--jobs", "2", "--summary", str(tmp_path / "s.json"))
    assert done.returncode == 3, done.stderr
    assert target.read_bytes() == whole
    assert json.loads((tmp_path / "s.json").read_text("utf-8"))["rows"] == 10 * COUNT


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("who", ["parent", "worker"])
def test_a_lost_process_costs_no_row(longer: tuple[Path, bytes], tmp_path: Path, who: str) -> None:
    world, whole = longer
    target = tmp_path / "audit.jsonl"
    words = command(world, "-o", str(target), "--jobs", "2", "--concurrency", "1", "-q")
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        while not target.exists() or target.stat().st_size < 10_000:
            assert process.poll() is None
            time.sleep(0.001)
        workers = workers_of(process.pid)
        assert workers  # on a busy machine one may be done or not begun
        os.kill(process.pid if who == "parent" else workers[0], signal.SIGKILL)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == (-signal.SIGKILL if who == "parent" else 2)
    assert (b"--resume" in errors) == (who == "worker")
    for _ in range(200):
        if not any(Path(f"/proc/{pid}").exists() for pid in workers):
            break
        time.sleep(0.05)
    else:
        raise AssertionError("workers outlive their parent")
    run(world, "-o", str(target), "--resume", "-q")
    assert target.read_bytes() == whole


# --- reading ---------------------------------------------------------------------------------------


def entries(tmp_path: Path, content: bytes) -> list[tuple[int, str, str]]:
    path = tmp_path / "list"
    path.write_bytes(content)
    with path.open("rb") as file:
        return [(e.n, e.domain, e.error.id if e.error else "") for e in List(file)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a.example\nb.example\n", [(1, "a.example", ""), (2, "b.example", "")]),
        (b"\xef\xbb\xbfa.example\r\nb.example", [(1, "a.example", ""), (2, "b.example", "")]),
        (b"# list\n\nA.Example. # ours\n", [(3, "a.example", "")]),
        ("müller.example\n".encode(), [(1, "xn--mller-kva.example", "")]),
        (b"jane@a.example\n", [(1, "a.example", "")]),
        (b"a.example\na.example\n", [(1, "a.example", ""), (2, "a.example", "")]),
        (b"a b\n", [(1, "", "audit-not-a-domain")]),
        (b"localhost\n192.0.2.1\n", [(1, "", "audit-not-a-domain"), (2, "", "audit-not-a-domain")]),
        (b"\xff\x00.example\nb.example\n", [(1, "", "audit-not-a-domain"), (2, "b.example", "")]),
        (b"x" * 70_000 + b"\nb.example\n", [(1, "", "audit-line-too-long"), (2, "b.example", "")]),
        (b"domain,host\na.example,192.0.2.1\n", [(2, "a.example", "")]),
        (b'name;Domain\n"x;y";a.example\nz\n', [(2, "a.example", ""), (3, "", "audit-not-a-domain")]),
        (b"domain,host\na.example,?!\n", [(2, "a.example", "audit-bad-field")]),
        (b'{"domain": "a.example", "hosts": ["192.0.2.1"]}\n{"x"\n[]\n',
         [(1, "a.example", ""), (2, "", "audit-not-json"), (3, "", "audit-not-json")]),
        (b'{"domain": 7}\n{"domain": "a.example", "hosts": {"a": 1}}\n',
         [(1, "", "audit-not-a-domain"), (2, "a.example", "audit-bad-field")]),
        (b"[" * 60_000 + b"\n", [(1, "", "audit-not-a-domain")]),
        (b"{" + b"[" * 60_000 + b"\n", [(1, "", "audit-not-json")]),
    ],
)  # fmt: skip
def test_lists_of_every_shape(tmp_path: Path, content: bytes, expected: list[tuple[int, str, str]]) -> None:
    assert entries(tmp_path, content) == expected


def test_a_list_that_is_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no text"):
        entries(tmp_path, "a.example\n".encode("utf-16"))


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("domain,host,domain", "more than one column 'domain'"),
        ("domain,host,hosts", "more than one column 'host'"),
        ('domain,"two\nlines",host', "line end"),
    ],
)
def test_a_header_that_does_not_tell_the_columns_is_refused(tmp_path: Path, header: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        entries(tmp_path, f"{header}\na.example,192.0.2.1,b.example\n".encode())


def test_a_selector_that_is_none_is_named_as_it_was_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"--selectors: 'b!!' is not a selector"):
        chosen_selectors("a, b!!")


def test_columns_become_facts(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "Domain,Host,Mail From,HELO,Signers,Selectors\n"
        "a.example,192.0.2.1 mx.a.example,b@b.example,h.example,a.example:s1;b.example,s2\n"
        "b.example,,,,,\n"
    )
    with path.open("rb") as file:
        first, second = List(file)
    assert (first.hosts, first.mail_from, first.helo) == (
        ("192.0.2.1", "mx.a.example"), "b@b.example", "h.example",
    )  # fmt: skip
    assert first.signers == (("a.example", "s1"), ("b.example", None))
    assert first.selectors == ("s2", "s1")
    assert (second.hosts, second.signers) == ((), None)
