"""`senderauth explain` and `senderauth catalogue`, end to end."""

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from senderauth import catalogue
from senderauth.report import schema
from tests.test_cli import refusal, senderauth

DMARC = "550 5.7.1 Email rejected per DMARC policy for webshop.example"
CASES = Path(__file__).parents[1] / "fixtures" / "explain"
QUIET = (
    b"Nov 24 10:00:00 mx postfix/qmgr[1]: 4F1A23BCD1: from=<a@shop.example>, size=9, nrcpt=1 (queue active)\n"
)
FULL = (
    b"Nov 24 10:00:01 mx postfix/smtp[2]: 4F1A23BCD1: to=<b@example.net>, "
    b"relay=mx.example.net[192.0.2.9]:25, delay=1, delays=0/0/0/0, dsn=5.2.2, status=bounced "
    b"(host mx.example.net[192.0.2.9] said: 552 5.2.2 mailbox full (in reply to RCPT TO command))\n"
)


def piped(data: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "senderauth", *words], input=data, capture_output=True, timeout=60, check=False
    )


def test_the_answer_comes_first_then_the_remedy_then_the_proof_then_why() -> None:
    done = senderauth("explain", DMARC, "--ip", "203.0.113.9", "--demo")

    assert done.returncode == 1
    assert done.stdout.startswith("REFUSED  Refused by the DMARC policy of the From domain")
    places = [done.stdout.index(head) for head in ("What to do", "Does it still hold?", "Why it is read so")]
    assert places == sorted(places)
    assert "CONFIRMED  Mail from webshop.example sent by 203.0.113.9" in done.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((DMARC, "--demo", "--ip", "203.0.113.9"), 1),  # refused now, too
        ((DMARC, "--demo", "--ip", "192.0.2.25"), 0),  # not refused now
        ((DMARC, "--offline"), 1),  # it was refused, and nothing says that this is over
        (("552 5.2.2 mailbox full", "--offline"), 1),
        (("450 4.7.1 Greylisted, please try again later", "--offline"), 0),  # only delayed
        ((DMARC.replace("webshop", "slow"), "--demo", "--ip", "203.0.113.9"), 3),  # DNS would not tell
        (("good morning", "--offline"), 0),
    ],
)
def test_exit_codes(words: tuple[str, ...], code: int) -> None:
    assert senderauth("explain", *words).returncode == code


@pytest.mark.parametrize(
    ("language", "word"), [("en", "What to do"), ("nl", "Wat te doen"), ("de", "Was zu tun ist")]
)
def test_the_report_speaks_three_languages(language: str, word: str) -> None:
    assert word in senderauth("explain", DMARC, "--offline", "--lang", language).stdout


def test_words_need_no_quotes_and_files_and_standard_input_are_read() -> None:
    folder = CASES / "dsn-two-recipients"
    unquoted = senderauth("explain", "552", "5.2.2", "mailbox", "full", "--offline")
    file = senderauth("explain", str(folder / "bounce.eml"), "--offline")
    stream = piped((folder / "bounce.eml").read_bytes(), "explain", "-", "--offline", "--lang", "en")

    assert "mailbox-full" in unquoted.stdout
    assert "Bounces: 2; causes: 2" in file.stdout
    assert stream.stdout.decode() == file.stdout


def test_json_is_one_document_with_its_schema() -> None:
    done = senderauth("explain", DMARC, "--demo", "--ip", "203.0.113.9", "--json")
    whole = json.loads(done.stdout)

    assert next(iter(whole)) == "schema"
    jsonschema.Draft202012Validator(json.loads(senderauth("schema", "explain").stdout)).validate(whole)
    assert whole["bounces"][0]["check"]["schema"] == "senderauth/check/1"
    assert (whole["entries"][0]["id"], whole["confirmation"]) == ("dmarc-policy-refused", "confirmed")


def test_a_log_is_counted_by_cause_or_told_line_by_line() -> None:
    log = QUIET * 500 + FULL + QUIET + FULL.replace(b"b@", b"c@")
    text = piped(log, "explain", "-", "--offline", "--lang", "en")
    lines = piped(log, "explain", "-", "--offline", "--json").stdout.splitlines()

    assert text.returncode == 1
    assert b"Bounces: 2; causes: 1" in text.stdout
    assert b"to b@example.net, c@example.net" in text.stdout
    documents = [json.loads(line) for line in lines]
    assert [document["bounces"][0]["line"] for document in documents] == [501, 503]
    assert [document["entries"][0]["id"] for document in documents] == ["mailbox-full"] * 2


def test_a_log_without_bounces_says_so() -> None:
    done = piped(QUIET * 10, "explain", "-", "--offline", "--lang", "en")

    assert (done.returncode, done.stdout) == (0, b"No bounce, delay or refusal found in this log.\n")


REFUSED = FULL.replace(b"dsn=5.2.2", b"dsn=5.7.1").replace(b"552 5.2.2 mailbox full", DMARC.encode())


class Live:
    """A log that is still being written."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "senderauth", "explain", "-", *words, "--lang", "en"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def write(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def line(self, *, that_has: bytes = b"") -> bytes:
        """The next line that has this; none else may be waited for, or the test hangs."""
        assert self.process.stdout
        while line := self.process.stdout.readline():
            if that_has in line:
                return line
        raise AssertionError(that_has)

    def end(self) -> tuple[bytes, int]:
        rest, _ = self.process.communicate(timeout=60)
        return rest, self.process.returncode


@pytest.mark.parametrize("words", [("--offline",), ("--demo",)])
def test_a_live_log_is_answered_whenever_it_pauses(words: tuple[str, ...]) -> None:
    """It said nothing before 64 KiB had come, and then nothing before 64 bounces had."""
    live = Live(*words)
    live.write(QUIET * 3 + FULL + QUIET[:50])
    assert b"1" in live.line(that_has=b"mailbox-full")
    live.write(QUIET[50:] + FULL * 2)
    assert b"mailbox-full" in live.line(that_has="3 ×".encode())
    live.write(REFUSED)
    live.line(that_has=b"dmarc-policy-refused")
    live.write(FULL)
    rest, code = live.end()
    assert b"Bounces: 5; causes: 2" in rest
    assert code == 1


def test_a_live_log_as_json_gives_each_bounce_when_it_comes() -> None:
    live = Live("--json", "--demo")
    for number in (4, 5):
        live.write((QUIET * 3 if number == 4 else b"") + REFUSED)
        assert json.loads(live.line())["bounces"][0]["line"] == number
    assert live.end() == (b"", 1)


def test_an_interrupt_ends_a_live_log_with_what_was_counted() -> None:
    live = Live("--offline")
    live.write(QUIET * 3 + FULL)
    live.line(that_has=b"mailbox-full")
    live.process.send_signal(signal.SIGINT)
    assert live.process.stdin
    rest, code = live.end()
    assert (b"Bounces: 1; causes: 1" in rest, code) == (True, 130)


def test_a_message_that_comes_slowly_is_read_whole() -> None:
    data = next(CASES.rglob("*.eml")).read_bytes()
    live = Live("--offline", "--json")
    for start in range(0, len(data), len(data) // 3 + 1):
        live.write(data[start : start + len(data) // 3 + 1])
        time.sleep(0.8)
    rest, _ = live.end()
    assert json.loads(rest) == json.loads(piped(data, "explain", "-", "--offline", "--json").stdout)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\x00\x01\x02" * 1000, "no text"),
        (gzip.compress(FULL), "compressed (gzip)"),
        (bytes(range(256)) * 40, "no text"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "bounce.eml"
    path.write_bytes(data)
    assert says in refusal(senderauth("explain", str(path), "--offline"))


@pytest.mark.parametrize(
    "words",
    [
        ("explain", "nothing-there.eml"),
        ("explain", "."),
        ("explain", ""),
        ("explain", DMARC, "--offline", "--demo"),
        ("explain", DMARC, "--offline", "--ip", "not-an-address"),
        ("explain", DMARC, "--offline", "--lang", "xx"),
        ("explain", DMARC, "--offline", "--receiver", "nobody"),
        ("catalogue", "--lang", "xx"),
    ],
)
def test_wrong_usage_is_said_in_one_line(words: tuple[str, ...]) -> None:
    refusal(senderauth(*words))


def test_a_saved_copy_in_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "copied.txt"
    path.write_bytes(DMARC.encode("utf-16"))
    assert "dmarc-policy-refused" in senderauth("explain", str(path), "--offline").stdout


def test_the_catalogue_lists_every_entry_by_family() -> None:
    done = senderauth("catalogue")

    assert done.returncode == 0
    assert all(f"  {id}  " in done.stdout for id in catalogue.entries())
    assert max(map(len, done.stdout.splitlines())) < 80


def test_the_catalogue_is_searched_in_the_language_asked_for_and_in_english() -> None:
    assert "mailbox-full" in senderauth("catalogue", "search", "overquota").stdout
    assert "mailbox-full" in senderauth("catalogue", "search", "Postfach", "voll", "--lang", "de").stdout
    assert "holds all of these words" in senderauth("catalogue", "search", "xyzzy").stdout


@pytest.mark.parametrize("language", catalogue.LANGUAGES)
def test_an_entry_is_shown_whole(language: str) -> None:
    shown = " ".join(
        senderauth("catalogue", "show", "dmarc-policy-refused", "--lang", language).stdout.split()
    )
    words = catalogue.wording("dmarc-policy-refused", language)  # type: ignore[arg-type]

    assert words.title in shown
    assert words.cause in shown
    assert words.remedy in shown
    assert "gmail-dmarc-rejected" in shown
    assert "RFC" in shown


def test_a_message_leads_to_its_cause_and_a_wrong_id_to_the_nearest() -> None:
    assert "dmarc-policy-refused" in senderauth("catalogue", "show", "gmail-dmarc-rejected").stdout
    assert "dmarc-policy-refused" in refusal(senderauth("catalogue", "show", "dmarc-policy-refusd"))


def test_the_catalogue_as_json_has_its_schema() -> None:
    for words in ((), ("search", "quota"), ("show", "mailbox-full")):
        whole = json.loads(senderauth("catalogue", *words, "--json").stdout)
        jsonschema.Draft202012Validator(schema("catalogue")).validate(whole)
        assert whole["schema"] == "senderauth/catalogue/1"
        assert len(whole["entries"]) == (len(catalogue.entries()) if not words else len(whole["entries"]))


def test_a_bounce_gets_proposals_with_the_same_options_as_a_send(tmp_path: Path) -> None:
    said = "550 5.7.1 Email rejected per DMARC policy for webshop.example"
    facts = ("--ip", "203.0.113.9", "--demo")
    new = tmp_path / "key.pem"
    done = senderauth("explain", said, *facts, "--fix", "--new-key", str(new))
    assert "sign as webshop.example" in done.stdout
    assert new.stat().st_mode & 0o777 == 0o600
    assert str(new) in done.stderr.replace("\n", "")
    pasted = senderauth("explain", said, *facts, "--as", "zone", "--network", "203.0.113.8/29")
    assert "ip4:203.0.113.8/29" in pasted.stdout
    assert all(line.startswith(";") or " IN " in line for line in pasted.stdout.splitlines() if line)
    assert "belong to --fix" in senderauth("explain", said, *facts, "--key", "x").stderr
