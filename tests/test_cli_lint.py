"""lint, record, replay and --fix as commands: what a user types, sees and gets as exit code."""

import json
import stat
from pathlib import Path

import pytest

from senderauth.cli.senders import read_senders
from senderauth.report import schema
from tests.test_cli import refusal, senderauth, zone

RECORDS = """@ TXT "v=spf1 mx -all"
_dmarc TXT "v=DMARC1; p=reject"
$ORIGIN 2.0.192.in-addr.arpa.
1 PTR mail.example.com.
$ORIGIN 113.0.203.in-addr.arpa.
9 PTR out.example.net.
$ORIGIN example.net.
out A 203.0.113.9
"""
HEADER = "domain,host,mail_from,helo,signers\n"
DEMO = ("check", "shop@webshop.example", "--host", "203.0.113.9")


def listed(folder: Path, rows: str, header: str = HEADER) -> str:
    file = folder / "senders.csv"
    file.write_text(header + rows, "utf-8")
    return str(file)


# --- lint -----------------------------------------------------------------------------------------------


def test_a_zone_that_authorises_everybody_passes(tmp_path: Path) -> None:
    done = senderauth(
        "lint",
        zone(tmp_path, RECORDS),
        "--senders",
        listed(tmp_path, "example.com,mail.example.com,,,none\n"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("NO OBJECTION")


def test_a_sender_that_is_left_out_is_told_with_the_place_of_the_record(tmp_path: Path) -> None:
    file = zone(tmp_path, RECORDS)
    senders = listed(tmp_path, "example.com,mail.example.com,,,none\nnews@example.com,203.0.113.9,,,none\n")
    done = senderauth("lint", file, "--senders", senders)
    assert done.returncode == 1
    text = " ".join(done.stdout.split())
    assert f"REFUSED {senders}:3: news@example.com 203.0.113.9" in text
    assert f"{file}:8: example.com TXT decides it" in text
    assert f"{file}:9: _dmarc.example.com TXT decides it" in text


def test_lint_as_json_keeps_to_its_schema(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    senders = listed(tmp_path, "news@example.com,203.0.113.9,,,none\n")
    done = senderauth("lint", zone(tmp_path, RECORDS), "--senders", senders, "--json")
    whole = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema("lint")).validate(whole)
    assert whole["senders"][0]["blamed"][0]["place"][1] == 8


def test_what_lies_outside_the_draft_is_unknown_not_refused(tmp_path: Path) -> None:
    records = RECORDS.replace('"v=spf1 mx -all"', '"v=spf1 include:_spf.provider.example -all"')
    done = senderauth(
        "lint", zone(tmp_path, records), "--senders", listed(tmp_path, "example.com,203.0.113.9,,,none\n")
    )
    assert done.returncode == 3, done.stdout


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_lint_speaks_three_languages(tmp_path: Path, language: str) -> None:
    senders = listed(tmp_path, "news@example.com,203.0.113.9,,,none\n")
    done = senderauth("lint", zone(tmp_path, RECORDS), "--senders", senders, "--lang", language)
    assert "{" not in done.stdout
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("rows", "header", "problem"),
    [
        ("a,b\n", "who,where\n", "columns"),
        ("", HEADER, "no row"),
        ("not a domain,203.0.113.9,,,\n", HEADER, ":2: author"),
        ("example.com,203.0.113.9,,,x:y:z\n", HEADER, ":2: dkim"),
        ("example.com,203.0.113.9,,,,,,\n", HEADER, ":2: more cells"),
        ("example.com\n", "domain\n", "host are required"),
        ("a" * 200_000 + "\n", HEADER, ":2: field larger"),
        ("\n", "a" * 200_000, ":1: field larger"),
    ],
)
def test_a_list_of_senders_is_read_strictly(tmp_path: Path, rows: str, header: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        read_senders(listed(tmp_path, rows, header))


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_a_list_of_senders_may_have_any_line_ends(tmp_path: Path, end: str) -> None:
    file = tmp_path / "senders.csv"
    file.write_bytes(
        f"{HEADER}example.com,192.0.2.1,,,none\nb.example,192.0.2.2,,,\n".replace("\n", end).encode()
    )
    assert [row.place[1] for row in read_senders(str(file))] == [2, 3]


def test_rows_say_how_mail_is_signed(tmp_path: Path) -> None:
    cells = ("", "none", "a.example:s b.example")
    rows = read_senders(listed(tmp_path, "".join(f"example.com,192.0.2.1,,,{cell}\n" for cell in cells)))
    assert [row.scenario.signers for row in rows] == [None, (), (("a.example", "s"), ("b.example", None))]


# --- record and replay ------------------------------------------------------------------------------------


def test_a_recorded_run_replays_byte_for_byte(tmp_path: Path) -> None:
    tape = str(tmp_path / "case.tape")
    recorded = senderauth("record", tape, *DEMO, "--demo", "--fix")
    replayed = senderauth("replay", tape, *DEMO, "--fix")
    assert recorded.returncode == replayed.returncode == 1
    assert recorded.stdout == replayed.stdout
    assert replayed.stderr == ""


def test_a_message_is_judged_as_of_the_tape(tmp_path: Path) -> None:
    mail = tmp_path / "mail.eml"
    mail.write_bytes(b"Received: from a ([203.0.113.9]) by mx; Mon\r\nFrom: a@webshop.example\r\n\r\nHi\r\n")
    tape = tmp_path / "case.tape"
    recorded = senderauth("record", str(tape), "message", str(mail), "--demo")
    first, _, rest = tape.read_text().partition("\n")
    assert recorded.stdout == senderauth("replay", str(tape), "message", str(mail)).stdout
    old = json.dumps({**json.loads(first), "recorded_at": "2020-01-01T00:00:00Z"})
    tape.write_text(f"{old}\n{rest}")
    assert "2020-01-01 00:00:00Z" in senderauth("replay", str(tape), "message", str(mail)).stdout


def test_what_is_not_on_the_tape_is_unknown_and_said_so(tmp_path: Path) -> None:
    tape = str(tmp_path / "case.tape")
    senderauth("record", tape, *DEMO, "--demo")
    done = senderauth("replay", tape, "check", "a@elsewhere.example", "--host", "203.0.113.9")
    assert done.returncode == 3
    assert "not on the tape" in done.stderr


def test_a_tape_bears_changes_on_top(tmp_path: Path) -> None:
    tape = str(tmp_path / "case.tape")
    senderauth("record", tape, *DEMO, "--demo", "--unsigned")
    better = 'webshop.example TXT "v=spf1 ip4:203.0.113.9 -all"'
    done = senderauth("replay", tape, *DEMO, "--unsigned", "--set", better)
    assert done.returncode == 0


def test_a_tape_is_of_one_process(tmp_path: Path) -> None:
    domains = tmp_path / "domains.txt"
    domains.write_text("webshop.example\n")
    done = senderauth("record", str(tmp_path / "a.tape"), "audit", str(domains), "--jobs", "2", "--demo")
    assert "one process" in refusal(done)
    assert not (tmp_path / "a.tape").exists()


def test_a_tape_is_not_overwritten_and_not_left_empty(tmp_path: Path) -> None:
    tape = tmp_path / "case.tape"
    assert senderauth("record", str(tape), "check").returncode == 2
    assert not tape.exists()
    tape.write_text("mine")
    assert "exists" in refusal(senderauth("record", str(tape), *DEMO, "--demo"))
    assert tape.read_text() == "mine"
    assert refusal(senderauth("replay", str(tape), *DEMO))
    assert refusal(senderauth("replay", str(tmp_path / "none"), *DEMO))


# --- --fix -------------------------------------------------------------------------------------------------


def test_fix_proposes_with_proof_in_json_too() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    done = senderauth(*DEMO, "--demo", "--fix", "--json")
    whole = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema("check")).validate(whole)
    assert whole["proposals"][0]["id"] == "spf-add-address"
    assert whole["proposals"][0]["proof"]["reach"][0]["lost"] == 0
    assert done.returncode == 1


@pytest.mark.parametrize("form", ["zone", "nsupdate", "panel", "json"])
def test_forms_stand_alone_so_that_they_can_be_piped(form: str) -> None:
    done = senderauth(*DEMO, "--demo", "--as", form)
    assert "ip4:203.0.113.9" in done.stdout
    assert "REFUSED" not in done.stdout
    assert done.returncode == 1


def test_a_new_key_goes_to_a_file_of_ones_own_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    done = senderauth(*DEMO, "--demo", "--fix", "--new-key", str(file))
    assert "mail._domainkey.webshop.example" in done.stdout
    assert "PRIVATE" not in done.stdout + done.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "PRIVATE KEY" in file.read_text()
    again = senderauth(*DEMO, "--demo", "--fix", "--new-key", str(file))
    assert "exists" in refusal(again)
    known = senderauth(*DEMO, "--demo", "--fix", "--key", str(file))
    assert known.stdout == done.stdout


def test_a_refused_network_leaves_no_new_key_behind(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    words = ("--fix", "--new-key", str(file), "--network", "0.0.0.0/0")
    assert "wider than /8" in refusal(senderauth(*DEMO, "--demo", *words))
    assert not file.exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--as", "fax"),
        ("--fix", "--network", "203.0.113.0/8"),
        ("--fix", "--network", "0.0.0.0/0"),
        ("--key", "x.pem"),
        ("--fix", "--key", "/none"),
    ],
)
def test_wrong_use_of_fix_is_told_in_one_line(words: tuple[str, ...]) -> None:
    assert refusal(senderauth(*DEMO, "--demo", *words))


def test_a_bounce_is_explained_with_proposals() -> None:
    text = "550 5.7.1 Email rejected per DMARC policy for webshop.example"
    done = senderauth("explain", text, "--ip", "203.0.113.9", "--demo", "--fix", "--json")
    assert "spf-add-address" in {p["id"] for p in json.loads(done.stdout)["proposals"]}
    assert refusal(senderauth("explain", text, "--offline", "--fix"))


def test_a_message_gets_proposals_but_none_that_lets_in_whoever_changed_it() -> None:
    folder = Path(__file__).parents[1] / "fixtures" / "messages"
    words = ("--zone", "{}/case.zone", "--fix", "--json")

    def ids(name: str) -> set[str]:
        case = folder / name
        told = (word.format(case) for word in words)
        done = senderauth("message", str(case / "message.eml"), *told)
        return {proposal["id"] for proposal in json.loads(done.stdout)["proposals"]}

    assert ids("mailing-list-footer") == {"no-record-changed-on-the-way"}
    assert "dmarc-return-path" in ids("signed-by-another-domain")
