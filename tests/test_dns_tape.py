"""Tapes: what is recorded is replayed, and a broken tape says where."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senderauth.dns import (
    Answer,
    Question,
    RecordingResolver,
    ReplayResolver,
    Status,
    TapeError,
    ZoneResolver,
    drive,
)
from senderauth.dns.tape import _escaped, _octets

WHEN = "2026-11-23T20:15:00Z"
RECORDS: dict[tuple[str, str], Any] = {
    ("b.example", "TXT"): [b"v=spf1 -all", (b"one ", b"two\\"), b'\x00\xff"\n', b""],
    ("b.example", "MX"): [(10, "mx.example"), (0, "")],
    ("a.example", "A"): ["192.0.2.1"],
    ("w.example", "CNAME"): ["v.example"],
    ("v.example", "CNAME"): ["a.example"],
    ("slow.example", "A"): Status.TIMEOUT,
    ("bad.example", "A"): Status.SERVFAIL,
}
ASKED = [*(Question(*key) for key in RECORDS), Question("w.example", "A"), Question("nope.example", "A")]
HEADER = json.dumps({"schema": "senderauth/tape/1", "recorded_at": WHEN})


def record() -> RecordingResolver:
    recorder = RecordingResolver(ZoneResolver.from_records(RECORDS))
    for question in ASKED:
        drive(recorder.resolve(question))
    return recorder


def test_what_is_recorded_is_replayed(tmp_path: Path) -> None:
    recorder = record()
    recorder.save(tmp_path / "case.tape", recorded_at=WHEN)
    replay = ReplayResolver(tmp_path / "case.tape")
    assert replay.recorded_at == WHEN
    for question in ASKED:
        one, other = recorder.answers[question], drive(replay.resolve(question))
        assert other.source == "tape"
        for field in ("status", "records", "strings", "ttl", "canonical_name", "chain", "note", "server"):
            assert getattr(one, field) == getattr(other, field), (question, field)


def test_a_tape_of_a_replay_is_the_same_tape(tmp_path: Path) -> None:
    record().save(tmp_path / "case.tape", recorded_at=WHEN)
    again = RecordingResolver(ReplayResolver(tmp_path / "case.tape"))
    for question in reversed(ASKED):
        drive(again.resolve(question))
    text = (tmp_path / "case.tape").read_text("utf-8")
    assert again.text(WHEN).replace('"tape"', '"zone"') == text.replace('"tape"', '"zone"').replace(
        '"schema": "senderauth/"zone"', '"schema": "senderauth/tape'
    )


def test_a_tape_is_sorted_and_readable() -> None:
    lines = [json.loads(line) for line in record().text(WHEN).splitlines()]
    assert lines[0] == {"schema": "senderauth/tape/1", "recorded_at": WHEN}
    keys = [(line["name"], line["type"]) for line in lines[1:]]
    assert keys == sorted(keys)
    txt = next(line for line in lines if line.get("type") == "TXT")
    assert txt["records"] == ["v=spf1 -all", ["one ", "two\\\\"], '\\000\\255"\\010', ""]
    slow = next(line for line in lines if line.get("name") == "slow.example")
    assert slow["status"] == "TIMEOUT"


def test_the_first_answer_counts_failures_too() -> None:
    class Moody:
        async def resolve(self, _: Question) -> Answer:
            self.count = getattr(self, "count", 0) + 1
            return Answer(Status.TIMEOUT) if self.count == 1 else Answer(Status.NOERROR, ("192.0.2.1",))

    recorder = RecordingResolver(Moody())
    question = Question("a.example", "A")
    assert [drive(recorder.resolve(question)).status for _ in range(2)] == [Status.TIMEOUT, Status.TIMEOUT]


def test_a_question_that_is_not_on_the_tape(tmp_path: Path) -> None:
    record().save(tmp_path / "case.tape", recorded_at=WHEN)
    question = Question("else.example", "TXT")
    answer = drive(ReplayResolver(tmp_path / "case.tape").resolve(question))
    assert (answer.status, answer.note) == (Status.TIMEOUT, "not-on-tape")
    with pytest.raises(LookupError, match=r"else\.example TXT"):
        drive(ReplayResolver(tmp_path / "case.tape", strict=True).resolve(question))


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([], 0),
        (["no json"], 1),
        (["[]"], 1),
        (["{}"], 1),
        (['{"schema": "senderauth/tape/2"}'], 1),
        (['{"schema": "senderauth/tape/1"}'], 1),
        ([HEADER, "{}"], 2),
        ([HEADER, "", '{"name": "a", "type": "A", "status": "MAYBE"}'], 3),
        ([HEADER, '{"name": "a", "type": "A", "status": "NOERROR", "records": "x"}'], 2),
        ([HEADER, '{"name": "a", "type": "A", "status": "NOERROR", "records": [1]}'], 2),
        ([HEADER, '{"name": "a", "type": "MX", "status": "NOERROR", "records": [["x", 1]]}'], 2),
        ([HEADER, '{"name": "a", "type": "MX", "status": "NOERROR", "records": [null]}'], 2),
        ([HEADER, '{"name": "a", "type": "TXT", "status": "NOERROR", "records": [["x", 1]]}'], 2),
        ([HEADER, '{"name": "a", "type": "TXT", "status": "NOERROR", "records": ["\\\\9"]}'], 2),
        ([HEADER, '{"name": "a", "type": "TXT", "status": "NOERROR", "records": ["\\\\999"]}'], 2),
        ([HEADER, '{"name": "a", "type": "A", "status": "NOERROR", "ttl": "x"}'], 2),
        ([HEADER, '{"name": "a", "type": "A", "status": "NOERROR", "chain": [1]}'], 2),
        (['{"schema": "senderauth/tape/1", "recorded_at": "yesterday"}'], 1),
        ([HEADER, '{"name": "a", "type": "A", "status": "NOERROR", "records": ["203.0.113.9 "]}'], 2),
        ([HEADER, '{"name": "a", "type": "AAAA", "status": "NOERROR", "records": ["203.0.113.9"]}'], 2),
        ([HEADER, '{"name": "a", "type": "MX", "status": "NOERROR", "records": [[-1, "x"]]}'], 2),
        ([HEADER, '{"name": "a", "type": "A", "status": "NOERROR", "ttl": true}'], 2),
        ([HEADER, '{"name": "a", "type": "A", "status": "NOERROR", "elapsed": NaN}'], 2),
        ([HEADER, '{"name": "a", "type": "TXT", "status": "NOERROR", "records": ["\\ud800"]}'], 2),
        ([HEADER, *['{"name": "a", "type": "A", "status": "NOERROR"}'] * 2], 3),
        (["[" * 100_000], 1),
    ],
)  # fmt: skip
def test_a_broken_tape_says_where(tmp_path: Path, lines: list[str], line: int) -> None:
    path = tmp_path / "case.tape"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(TapeError) as error:
        ReplayResolver(path)
    assert error.value.line == line
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_a_line_written_by_hand_is_found(tmp_path: Path) -> None:
    line = '{"name": "B.Example.", "type": "txt", "status": "NOERROR", "records": ["x"]}'
    (tmp_path / "case.tape").write_text(f"{HEADER}\n{line}\n")
    replay = ReplayResolver(tmp_path / "case.tape")
    assert drive(replay.resolve(Question("b.example", "TXT"))).records == (b"x",)


def test_files_that_are_no_tape(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "nothing", tmp_path, tmp_path / "binary"):
        with pytest.raises(TapeError):
            ReplayResolver(path)


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_octets_become_text_and_octets_again(octets: bytes) -> None:
    assert _octets(_escaped(octets)) == octets
    assert _escaped(octets).isascii()
