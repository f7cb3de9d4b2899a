"""Progress of an audit: a line a minute where nobody looks, a bar on a terminal."""

import io
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from senderauth.audit import Summary
from senderauth.cli import progress


def summary(rows: int) -> Summary:
    told = Summary()
    for n in range(rows):
        told.add({"n": n, "state": "ok", "domain": "a.example"})
    return told


def test_a_line_a_minute(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock = iter(range(0, 1_000, 25))
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    lines = progress.Lines()
    lines.begin(10, 2)
    for n in range(8):
        lines.row(summary(n + 1))
    told = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in told] == ["4/10", "7/10", "10/10"]


def test_the_bar_shows_rate_and_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    with Progress(console=Console(file=io.StringIO())) as bar:
        shown = progress.Bar(bar)
        shown.begin(3, 1)
        shown.row(summary(1))
        (task,) = bar.tasks
        assert (task.total, task.completed) == (3, 2)
        assert task.fields["rate"].endswith("/s")
        assert task.fields["counts"] == "spoofable 0  unknown 0  unread 0"


def test_quiet_is_quiet() -> None:
    with progress.progress_for(True) as shown:
        assert shown is None


def test_lines_of_a_file(tmp_path: Path) -> None:
    from senderauth.audit.job import lines_of

    path = tmp_path / "list"
    path.write_bytes(b"a\nb")
    assert lines_of(path) == 2
    assert lines_of(None) is None
