"""The installed command, end to end: what a user types, sees and gets as exit code."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from senderauth.report import schema, schema_kinds

DEMO = ("--host", "203.0.113.9", "--demo")
ZONE = """$TTL 300
$ORIGIN example.com.
@ SOA ns h 1 2 3 4 300
@ NS ns
ns A 192.0.2.53
@ MX 10 mail
mail A 192.0.2.1
"""


def senderauth(*words: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run(
        [sys.executable, "-m", "senderauth", *words],
        input=stdin,
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
        check=False,
    )


def zone(folder: Path, text: str, name: str = "example.com.zone") -> str:
    path = folder / name
    path.write_text(ZONE + text, "utf-8")
    return str(path)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line on standard error."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.isprintable() or done.stderr.count("\n") == 1
    return done.stderr


def test_the_answer_comes_first_then_the_bounce_then_the_remedy() -> None:
    done = senderauth("check", "shop@webshop.example", *DEMO)

    assert done.returncode == 1
    first = done.stdout.splitlines()[:6]
    assert any(line.startswith("REFUSED  203.0.113.9, without a DKIM signature") for line in first)
    bounce = done.stdout.index("550 5.7.1 Email rejected per DMARC policy for webshop.example")
    remedy = done.stdout.index("What to do here")
    assert done.stdout.index("REFUSED") < bounce < remedy < done.stdout.index("\nWhy\n")
    assert "will be delivered" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 80


@pytest.mark.parametrize(
    ("language", "word", "heading"),
    [
        ("en", "REFUSED", "What to do here"),
        ("nl", "GEWEIGERD", "Wat hier te doen is"),
        ("de", "ABGELEHNT", "Was hier zu tun ist"),
    ],
)
def test_the_report_speaks_the_language_asked_for_or_the_locales(
    language: str, word: str, heading: str
) -> None:
    asked = senderauth("check", "shop@webshop.example", *DEMO, "--lang", language)
    by_locale = senderauth("check", "shop@webshop.example", *DEMO, LC_ALL=f"{language}_XX.UTF-8")

    assert word in asked.stdout
    assert heading in asked.stdout
    assert asked.stdout == by_locale.stdout


def test_quiet_is_a_line_for_each_address_and_signing() -> None:
    done = senderauth(
        "check", "shop@webshop.example", "--host", "203.0.113.9", "--unsigned", "--demo", "--quiet"
    )

    assert done.returncode == 1
    assert done.stdout.startswith("REFUSED")
    assert len(done.stdout.splitlines()) <= 2


def test_json_is_one_document_with_the_schema_first() -> None:
    done = senderauth("check", "shop@webshop.example", *DEMO, "--json")
    whole = json.loads(done.stdout)
    schema = json.loads(senderauth("schema", "check").stdout)

    assert next(iter(whole)) == "schema"
    assert whole["schema"] == schema["properties"]["schema"]["const"]
    assert whole["outcome"] == "refused"


def test_verbose_shows_the_steps_and_twice_the_answers() -> None:
    plain = senderauth("check", "shop@webshop.example", *DEMO).stdout
    steps = senderauth("check", "shop@webshop.example", *DEMO, "-v").stdout
    answers = senderauth("check", "shop@webshop.example", *DEMO, "-vv").stdout

    assert "[1/10, void 0/2]" in steps
    assert "_spf.hoster.example TXT NOERROR" in answers
    assert "_spf.hoster.example TXT NOERROR" not in steps
    assert len(plain) < len(steps) < len(answers)


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("nodomain", "--host", "192.0.2.1"), "author"),
        (("a b@example.com", "--host", "192.0.2.1"), "author"),
        (("a@example.com", "--host", "300.0.0.1x y"), "host"),
        (("a@example.com", "--host", "192.0.2.1", "--mail-from", "@"), "mail-from"),
        (("a@example.com", "--host", "192.0.2.1", "--dkim", "example.com:a b"), "dkim"),
        (("a@example.com", "--host", "192.0.2.1", "--dkim", "example.com", "--unsigned"), "--unsigned"),
        (("a@example.com", "--host", "192.0.2.1", "--login", "jan"), "login"),
        (("a@example.com", "--host", "192.0.2.1", "--receiver", "hotmail"), "hotmail"),
        (("a@example.com", "--host", "192.0.2.1", "--lang", "fr"), "'fr'"),
        (("a@example.com", "--host", "192.0.2.1", "--fail-on", "bad"), "--fail-on"),
        (("a@example.com\x1b[31m", "--host", "192.0.2.1"), "\\x1b"),
    ],
)
def test_bad_usage_is_one_line_with_its_place(words: tuple[str, ...], place: str) -> None:
    assert place in refusal(senderauth("check", *words, "--demo"))


def test_a_bad_name_server_is_said_so() -> None:
    said = refusal(senderauth("check", "a@example.com", "--host", "192.0.2.1", "--nameserver", "ftp://x"))

    assert "ftp://x" in said


@pytest.mark.parametrize("text", ['@ TXT "unclosed\n', "@ A 192.0.2.999\n", "@ BOGUS x\n"])
def test_a_broken_zone_file_is_told_with_file_and_line(tmp_path: Path, text: str) -> None:
    path = zone(tmp_path, text)
    said = refusal(senderauth("check", "a@example.com", "--host", "192.0.2.1", "--zone", path))

    assert "example.com.zone" in said
    assert str(ZONE.count("\n") + 1) in said


def test_an_empty_and_a_missing_zone_file_are_told_apart(tmp_path: Path) -> None:
    empty = tmp_path / "empty.zone"
    empty.write_bytes(b"")

    assert "empty.zone" in refusal(
        senderauth("check", "a@example.com", "--host", "192.0.2.1", "--zone", str(empty))
    )
    assert "nosuch.zone" in refusal(
        senderauth("check", "a@example.com", "--host", "192.0.2.1", "--zone", "/nosuch.zone")
    )


def test_several_files_may_follow_zone_as_a_shell_writes_them(tmp_path: Path) -> None:
    one = zone(tmp_path, '@ TXT "v=spf1 mx -all"\n')
    other = tmp_path / "other.zone"
    other.write_text(
        "$ORIGIN 2.0.192.in-addr.arpa.\n@ SOA a. b. 1 2 3 4 5\n1 PTR mail.example.com.\n", "utf-8"
    )
    done = senderauth(
        "check", "a@example.com", "--zone", one, str(other), "--host", "192.0.2.1", "--unsigned", "--json"
    )

    whole = json.loads(done.stdout)
    assert whole["senders"][0]["reverse"]["state"] == "confirmed"
    assert whole["verdicts"][0]["spf"]["result"] == "pass"


def test_a_name_server_that_is_not_there_is_unknown_and_exit_code_3() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:  # bound, and never answers
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        words = ("--nameserver", f"127.0.0.1:{port}", "--timeout", "0.5", "--tries", "1", "-q")
        done = senderauth("check", "a@example.com", "--host", "192.0.2.1", "--receiver", "dmarc", *words)

    assert done.returncode == 3, done
    assert "NOT KNOWN" in done.stdout
    assert "NO OBJECTION" not in done.stdout


TEN = " ".join(f"include:i{n}.example.com" for n in range(10))
HOSTILE = {
    "escapes": '@ TXT "v=spf1 \\027[2J\\027]0;x\\007 ip4:192.0.2.1 -all"\n',
    "broken utf-8": '@ TXT "v=spf1 \\255\\254 -all"\n_dmarc TXT "v=DMARC1; p=\\192"\n',
    "64 kB": "@ TXT " + " ".join(['"' + "v=spf1 " + "a " * 120 + '"'] * 250) + "\n",
    "1,000 records": "".join(f'@ TXT "v=spf1 ip4:192.0.2.{n % 250} -all {n}"\n' for n in range(1000)),
    "cname loop": "_dmarc CNAME a\na CNAME b\nb CNAME a\n",
    "fan-out": f'@ TXT "v=spf1 {TEN} -all"\n'
    + "".join(f'i{n} TXT "v=spf1 {TEN} -all"\n' for n in range(10)),
}  # fmt: skip


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("verbose", [(), ("-vv",)])
def test_hostile_records_do_no_harm(tmp_path: Path, kind: str, verbose: tuple[str, ...]) -> None:
    path = zone(tmp_path, HOSTILE[kind])
    done = senderauth("check", "a@example.com", "--host", "192.0.2.1", "--zone", path, *verbose)

    assert done.returncode in (0, 1, 3), done.stderr[-500:]
    assert done.stderr == ""
    assert all(line.isprintable() for line in done.stdout.splitlines())
    assert len(done.stdout) < 500_000


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_a_json_document_does_nothing_to_a_terminal(tmp_path: Path, encoding: str) -> None:
    path = zone(tmp_path, '@ TXT "v=spf1 \\155\\226\\128\\174\\233 -all"\n')
    words = ("check", "a@b\u00fccher.example.com", "--host", "192.0.2.1", "--zone", path, "--json")
    done = senderauth(*words, PYTHONIOENCODING=encoding)

    assert done.stderr == ""
    assert json.loads(done.stdout)["schema"].startswith("senderauth/check/")
    assert all(line.isprintable() for line in done.stdout.splitlines())


@pytest.mark.parametrize("command", ["check webshop.example --host 203.0.113.9 --demo --json", "--help"])
@pytest.mark.parametrize(
    ("streams", "code", "lines"),
    [
        ("| sleep 0", 141, 0),
        ("2>&1 | sleep 0", 141, 0),
        (">/dev/full", 2, 1),  # not 1, which says that something would be refused, or got worse
        (">/dev/full 2>&1", 2, 0),
        (">&-", 2, 1),
        ("<&- 2>&- >/dev/full", 2, 0),
    ],
)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_an_output_that_takes_no_more_is_an_exit_code_and_no_traceback(
    command: str, streams: str, code: int, lines: int
) -> None:
    program = f'(sleep 0.3; exec "{sys.executable}" -m senderauth {command}) {streams}'
    program += "; echo ${PIPESTATUS[0]}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == f"{code}\n"
    assert done.stderr.count("\n") == lines == done.stderr.count("senderauth: standard output: "), done.stderr


def test_what_is_only_told_besides_may_be_lost() -> None:
    program = f'"{sys.executable}" -m senderauth audit - --demo 2>/dev/full <<< webshop.example'
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout.count("\n")) == (0, 1)


@pytest.mark.parametrize("command", ["audit - --demo", f"diff - {os.devnull}"])
def test_a_standard_input_that_is_closed_cannot_be_read(command: str) -> None:
    program = f'"{sys.executable}" -m senderauth {command} <&-'
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert refusal(done) == "senderauth: Bad file descriptor\n"


def test_fail_on_turns_findings_into_exit_code_1() -> None:
    good = ("check", "shop@webshop.example", "--host", "192.0.2.25", "--dkim", "webshop.example:s1", "--demo")

    assert senderauth(*good).returncode == 0
    assert senderauth(*good, "--fail-on", "info").returncode == 1
    assert senderauth(*good, "--fail-on", "high").returncode == 0


def test_version_and_help() -> None:
    assert senderauth("--version").stdout.startswith("senderauth 0.")
    told = senderauth("--help").stdout
    assert "Exit codes" in told
    for command in ("check", "receivers", "schema"):
        assert command in told
        assert senderauth(command, "--help").returncode == 0


def test_receivers_are_listed_with_their_sources() -> None:
    listed = senderauth("receivers").stdout

    assert "strato" in listed
    assert "RFC 7208 8.4" in listed
    told = json.loads(senderauth("receivers", "--json").stdout)
    assert told["receivers"]
    jsonschema.validate(told, schema("receivers"))


def test_every_kind_of_document_has_a_schema() -> None:
    sources = (Path(__file__).parents[1] / "senderauth").rglob("*.py")
    kinds = {
        kind for path in sources for kind in re.findall(r'"senderauth/([a-z-]+)/\d"', path.read_text("utf-8"))
    }
    assert kinds - {"tape"} == set(schema_kinds())  # a tape is no document, but lines of two kinds


def test_lint_adds_findings_marked_with_their_source() -> None:
    done = senderauth(
        "check", "info@oldclub.example", "--host", "198.51.100.20", "--demo", "--lint", "--json"
    )
    sources = {finding["source"] for finding in json.loads(done.stdout)["findings"]}

    assert sources == {"senderauth", "checkdmarc"}
