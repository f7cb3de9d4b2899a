"""What the benchmarks stand on: the world that they measure on, and the harness. Nothing here is timed."""

import sys
from pathlib import Path

import pytest

from benchmarks.side import Contestant, Figures, in_turn
from benchmarks.table import Bench, Goal, Row, markdown
from benchmarks.world import World, lines
from senderauth import ZoneResolver, sync

TALK = """
import sys
print("ready", flush=True)
assert sys.stdin.readline() == "go\\n"
with open({path!r}, "a") as file:
    file.write({name!r})
print('"done"')
"""


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_world_is_the_same_for_the_same_seed_and_begins_like_a_larger_one(tmp_path: Path) -> None:
    for name, count, seed in (("a", 60, 1), ("b", 60, 1), ("other", 60, 2), ("larger", 90, 1)):
        World(tmp_path / name, count, seed)
    first = files(tmp_path / "a")
    assert first == files(tmp_path / "b")
    assert first["root.zone"] != files(tmp_path / "other")["root.zone"]
    assert files(tmp_path / "larger")["root.zone"].startswith(first["root.zone"])
    assert set(first) == {"root.zone", "domains.txt", "servfail.txt", "timeout.txt"}


def test_a_world_has_right_and_wrong_records_of_every_kind(tmp_path: Path) -> None:
    World(tmp_path, 400)
    zone = ZoneResolver.from_files(tmp_path / "root.zone")
    domains = list(lines(tmp_path / "domains.txt"))
    rows = list(sync.audit(domains, zone))
    assert len(set(domains)) == len(rows) == 400
    assert {row.grade for row in rows} >= {"A", "B", "C", "D", "E", "F"}
    found = {finding.id for row in rows for finding in row.findings}
    assert found >= {"spf-too-many-lookups", "spf-include-loop", "dmarc-record-absent"}
    assert "revoked" in {key.state for row in rows if row.dkim for key in row.dkim.keys}


@pytest.mark.parametrize(
    ("goal", "number", "text", "met"),
    [
        (Goal("≥", 70), 70.0, "≥ 70 ×", True),
        (Goal("≥", 70), 69.9, "≥ 70 ×", False),
        (Goal(">", 1), 1.0, "> 1 ×", False),
        (Goal("≤", 100, "MB"), 100.0, "≤ 100 MB", True),
        (Goal("≤", 100, "MB"), 101.0, "≤ 100 MB", False),
        (Goal("≥", 1_000, "domains/s"), 1_000.0, "≥ 1,000 domains/s", True),
    ],
)
def test_a_goal_is_met_at_its_edge_unless_it_says_more(
    goal: Goal, number: float, text: str, met: bool
) -> None:
    assert (str(goal), goal.met(number)) == (text, met)
    row = Row("m", "o", "p", number, goal)
    assert row.cells()[-1] == ("yes" if met else "**no**")


def test_ours_is_held_against_each_peer(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    medians = {
        "senderauth": Figures(1.0, 1_000, 0.5, 40.0, 2_500.0),
        "slow": Figures(2.0, 20, 1.0, 50.0),
        "quick": Figures(1.0, 2_000, 1.0, 50.0),
    }
    bench.rates("things", medians, {"slow": Goal("≥", 70)})
    ours = "1,000/s (500 µs CPU, 2.5 questions)"
    assert markdown(bench.rows).splitlines()[2:] == [
        f"| things  | {ours} | slow 10.0/s (50.0 ms CPU)  | 100, CPU 100   | ≥ 70 × | yes  |",
        f"| things  | {ours} | quick 2,000/s (500 µs CPU) | 0.50, CPU 1.00 |        |      |",
    ]


def test_contestants_run_in_turns_and_one_that_is_lost_is_told(tmp_path: Path) -> None:
    path = tmp_path / "order"
    contestants = [
        Contestant(name, (sys.executable, "-c", TALK.format(path=str(path), name=name)), 10) for name in "AB"
    ]
    words = (sys.executable, "-c", "raise SystemExit('no such thing')")
    contestants.insert(1, Contestant("lost", words, 10))
    medians, lost = in_turn(contestants, 3)
    assert path.read_text() == "ABABAB"
    assert set(medians) == {"A", "B"}
    assert all(figures.count == 10 and figures.memory > 1 for figures in medians.values())
    assert lost == {"lost": "no such thing"}
