"""Progress of an audit: a line a minute where nobody looks, a bar on a terminal."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from senderauth import ZoneResolver
from senderauth.audit import Job, Running, Summary
from senderauth.cli import progress
from senderauth.report import wording


def summary(rows: int) -> Summary:
    told = Summary()
    for n in range(rows):
        told.add({"n": n, "state": "ok", "domain": "a.example"})
    return told


def test_a_line_a_minute(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter(range(0, 1_000, 25))
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    lines = progress.Lines(wording("en"))
    lines.begin(10, 2)
    for n in range(8):
        lines.row(summary(n + 3))
    told = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in told] == ["4/10", "7/10", "10/10"]
    assert [line.split()[1] for line in told] == ["0/s"] * 3  # a row in 25 seconds


def test_the_bar_shows_rate_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with Progress(console=Console(file=io.StringIO())) as bar:
        shown = progress.Bar(bar, wording("nl"))
        shown.begin(3, 1)
        shown.row(summary(2))
        (task,) = bar.tasks
        assert (task.total, task.completed) == (3, 2)
        assert task.fields["rate"].endswith("/s")
        assert task.fields["counts"] == "te vervalsen 0  onbekend 0  onleesbaar 0"


def test_quiet_is_quiet() -> None:
    with progress.progress_for(True, wording("en")) as shown:
        assert shown is None


def test_lines_of_a_file(tmp_path: Path) -> None:
    from senderauth.audit.job import lines_of

    path = tmp_path / "list"
    path.write_bytes(b"a\nb")
    assert lines_of(path) == 2
    assert lines_of(None) is None


class Told:
    """Remembers how many rows were known each time."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.total: int | None = None

    def begin(self, total: int | None, done: int) -> None:
        self.total = total
        self.rows.append(done)

    def row(self, summary: Summary) -> None:
        self.rows.append(summary.rows)

    def silence(self) -> None:
        raise AssertionError("all is answered")


def test_every_row_that_is_known_is_told_with_the_counts_it_is_part_of(tmp_path: Path) -> None:
    """Rows that wait for an earlier one too: else the bar stands still while one name server is silent, and
    its counts exceed its rows.
    """
    listed, told = tmp_path / "list", Told()
    listed.write_text("".join(f"{n}.example\n" for n in range(6)))
    running = Running(Job(listed, tmp_path / "out.jsonl"), ZoneResolver.from_records({}), told)
    running.execute()
    assert (told.total, told.rows) == (6, list(range(7)))
