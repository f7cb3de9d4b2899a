"""verify_message and `senderauth message`: facts, times, second opinions, hostile shapes, files."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from senderauth import ScenarioError, ZoneResolver, sync
from senderauth.dns import Status
from senderauth.message import write_results
from tests.dkimsigner import BODY, DOMAIN, HEAD, handmade, record, rsa_key, sign
from tests.test_cli import refusal, senderauth

TAGS = (
    "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s; h=from:from:to:subject:date:message-id; "
    "bh={bh}"
)
DAY = 86_400
DATE = 1_795_428_000  # of HEAD
WORLD = {
    (DOMAIN, "TXT"): [b"v=spf1 ip4:192.0.2.1 -all"],
    (DOMAIN, "MX"): [(10, "mail.example.com")],
    ("mail.example.com", "A"): ["192.0.2.1"],
    (f"_dmarc.{DOMAIN}", "TXT"): [b"v=DMARC1; p=reject"],
    (f"s._domainkey.{DOMAIN}", "TXT"): [record()],
}


def world(**changes: object) -> ZoneResolver:
    return ZoneResolver.from_records({**WORLD, **changes})  # type: ignore[dict-item]


def test_an_expired_signature_is_judged_at_its_date_too() -> None:
    message = handmade(f"{TAGS}; t={DATE}; x={DATE + 7 * DAY}")
    (one,) = sync.verify_message(message, world(), now=DATE + 30 * DAY).signatures

    assert (one.result.result, one.result.reason.id) == ("permerror", "dkim-expired")
    assert (one.result.header_ok, one.result.body_ok) == (True, True)
    assert one.on_date == "pass"
    (then,) = sync.verify_message(message, world(), now=DATE).signatures
    assert (then.result.result, then.on_date) == ("pass", None)


def test_without_a_time_no_expiry_is_judged() -> None:
    (one,) = sync.verify_message(handmade(f"{TAGS}; t={DATE}; x={DATE + 1}"), world()).signatures
    assert one.result.result == "pass"


def test_a_name_server_that_does_not_answer_is_no_missing_key() -> None:
    silent = ZoneResolver.from_records({**WORLD, (f"s._domainkey.{DOMAIN}", "TXT"): Status.TIMEOUT})
    report = sync.verify_message(sign(), silent, ip="203.0.113.9")

    assert report.signatures[0].result.result == "temperror"
    assert report.dmarc is not None
    assert report.dmarc.result == "temperror"
    assert report.exit_code() in (1, 3)  # SPF alone may be refused


def test_the_client_decides_spf_and_dmarc_goes_by_the_signature() -> None:
    good = sync.verify_message(sign(), world(), ip="192.0.2.1")
    other = sync.verify_message(sign(), world(), ip="203.0.113.9")

    assert [report.spf.result for report in (good, other) if report.spf] == ["pass", "fail"]
    assert [report.dmarc.result for report in (good, other) if report.dmarc] == ["pass", "pass"]
    assert good.verdicts[0].adsp.result == "pass"  # an Author Domain Signature (RFC 5617 2.7)


def test_without_a_client_spf_is_not_judged_and_nothing_is_claimed() -> None:
    signed, unsigned = (sync.verify_message(m, world()) for m in (sign(), HEAD + b"\r\n" + BODY))

    assert signed.spf is None
    assert signed.dmarc is not None
    assert signed.dmarc.result == "pass"
    assert unsigned.dmarc is not None
    assert unsigned.dmarc.result == "temperror"
    assert unsigned.dmarc.reason.id == "dmarc-without-client-address"
    assert (signed.outcome, unsigned.exit_code()) == ("unknown", 3)
    assert not any(p.outcome == "deferred" for p in unsigned.predictions if not p.optional)


def test_the_nearer_way_is_told_where_dmarc_does_not_pass() -> None:
    report = sync.verify_message(sign() + b"footer\r\n", world(), ip="203.0.113.9")

    assert [way.mechanism for way in report.ways] == ["dkim", "spf"]
    assert [action.id for action in report.ways[0].actions] == ["find-what-changes-mail"]
    assert sync.verify_message(sign(), world(), ip="192.0.2.1").ways == ()


@pytest.mark.parametrize(
    ("message", "action"),
    [
        (handmade(f"{TAGS}; x={DATE + 1}"), "lengthen-signature-life"),
        (sign(selector="gone"), "publish-dkim-key"),
        (sign().replace(b"Quarterly", b"Yearly"), "find-what-changes-mail"),
        (handmade(TAGS.replace("from:from:", "")), "mend-signature"),
    ],
)
def test_a_signature_that_does_not_pass_has_its_remedy(message: bytes, action: str) -> None:
    report = sync.verify_message(message, world(), ip="203.0.113.9", now=DATE + DAY)
    assert action in [a.id for remedy in report.remedies for a in remedy.actions]


def test_the_second_opinion_is_asked_and_agrees() -> None:
    (one,) = sync.verify_message(sign(), world(), with_second_opinion=True).signatures
    assert one.opinion is not None
    assert one.opinion.verdict == "pass"
    (alone,) = sync.verify_message(sign(), world()).signatures
    assert alone.opinion is None


NOTED = b"Authentication-Results: mx.example.org; "
CLAIMS = [
    (b"dkim=pass header.d=example.com header.s=s", sign(), "claim-agrees"),
    (b"dkim=pass header.d=example.com header.s=s", sign() + b"more\r\n", "claim-changed-since"),
    (b"dkim=pass header.d=example.com header.s=x", sign(selector="x"), "claim-key-gone"),
    (b"dkim=permerror header.d=example.com", sign(), "claim-key-since"),
    (b"dkim=pass header.d=other.example", sign(), "claim-signature-gone"),
    (b"dkim=temperror header.d=example.com", sign(), "claim-dns-silent"),
    (b"dkim=pass header.d=example.com", handmade(f"{TAGS}; x={DATE + 1}"), "claim-expired-since"),
    (b"spf=pass (x designates 192.0.2.1 as) smtp.mailfrom=a@example.com", sign(), "claim-other-address"),
    (b"spf=pass smtp.mailfrom=a@other.example", sign(), "claim-other-envelope"),
    (b"spf=pass smtp.mailfrom=a@example.com", sign(), "claim-record-since"),
    (b"spf=fail smtp.mailfrom=a@example.com", sign(), "claim-agrees"),
    (b"dmarc=fail header.from=example.com", sign(), "claim-record-since"),
    (b"dmarc=bestguesspass header.from=example.com", sign(), "claim-record-since"),
]  # fmt: skip


@pytest.mark.parametrize(("noted", "message", "reason"), CLAIMS)
def test_where_a_receiver_said_otherwise_there_is_a_likely_reason(
    noted: bytes, message: bytes, reason: str
) -> None:
    report = sync.verify_message(NOTED + noted + b"\r\n" + message, world(), ip="203.0.113.9", now=DATE + DAY)
    assert [claim.reason.id for claim in report.claims] == [reason]


def test_what_stands_below_a_received_field_is_hearsay_unless_the_border_has_that_name() -> None:
    noted = NOTED + b"dkim=pass header.d=example.com\r\n"
    border = b"Received: from x (x.example [203.0.113.9]) by %s with SMTP id 1; M\r\n"

    def standing(message: bytes) -> list[str]:
        return [claim.standing for claim in sync.verify_message(message, world()).claims]

    assert standing(noted + sign()) == ["own"]
    assert standing(b"Received: from a by b\r\n" + noted + sign()) == ["hearsay"]
    assert standing(border % b"in.example.org" + noted + sign()) == ["border"]
    assert standing(border % b"other.example" + noted + sign()) == ["hearsay"]
    assert standing(border % b"in.example.org" + border % b"x.example" + noted + sign()) == ["hearsay"]


def test_the_field_that_a_receiver_would_add() -> None:
    report = sync.verify_message(sign(), world(), ip="203.0.113.9", mail_from="b@example.com")
    lines = write_results("mx.example.org", report.authentication_results).replace("\r\n\t ", " ")

    assert "spf=fail smtp.mailfrom=b@example.com" in lines
    assert "dkim=pass header.d=example.com header.s=s header.a=rsa-sha256 header.b=" in lines
    assert "dmarc=pass header.from=example.com" in lines
    assert "iprev=permerror policy.iprev=203.0.113.9" in lines  # RFC 8601 2.7.3: no PTR record


@pytest.mark.parametrize(
    ("facts", "field"),
    [({"ip": "x.example"}, "ip"), ({"mail_from": "a b"}, "mail"), ({"helo": "\x1b"}, "helo")],
)
def test_what_the_caller_gives_is_checked(facts: dict[str, str], field: str) -> None:
    with pytest.raises(ScenarioError, match=field):
        sync.verify_message(sign(), world(), **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "head",
    [
        b'From: "very odd \x01"@example.com\r\n',
        b'From: "a b"@example.com\r\nReturn-Path: <"c d"@example.com>\r\n',
        b"From: " + b"l" * 300 + b"@example.com\r\n",
        b"From: a@example.com\r\nReceived: from " + b"h" * 300 + b" ([203.0.113.9]) by mx (Postfix) id 1\r\n",
        b"From: a@example.com\r\nReceived: from \x1b]0;x\x07 (u [203.0.113.9]) by mx (Postfix) id 1\r\n",
        b"From: a@" + b"x." * 200 + b"com\r\n",
        b"From: a@example.com\r\nReturn-Path: <@@>\r\n",
    ],
)
def test_odd_facts_in_a_message_never_end_it(head: bytes) -> None:
    report = sync.verify_message(head + b"\r\nx", world())
    assert report.outcome in ("accepted", "unknown", "refused", "marked")


def test_a_return_path_at_a_bare_host_is_not_taken_for_the_authors() -> None:
    """RFC 7208 4.3: of one label SPF says none, so that it cannot align (RFC 9989 4.4.2)."""
    message = b"Return-Path: <root@web01>\r\nFrom: a@example.com\r\n\r\nx"
    report = sync.verify_message(message, world(), ip="192.0.2.1")

    assert report.facts.envelope.mail_from == "root@web01"
    assert report.spf is not None
    assert (report.spf.result, report.spf.domain) == ("none", "web01")
    assert report.dmarc is not None
    assert report.dmarc.result == "fail"
    assert [survey.domain for survey in report.surveys] == ["example.com"]
    told = {action.id: action.facts for remedy in report.remedies for action in remedy.actions}
    assert told["align-mail-from"] == {"mail_from_domain": "web01", "author_domain": "example.com"}
    assert "publish-spf-record" not in told


PIECES = [
    *sign().split(b"\r\n"), b"", b"\n", b" ", b"From: <a@b.example>", b"DKIM-Signature: v=1", b"\0",
    b"Authentication-Results: mx; dkim=pass header.d=example.com",
    b"Received: from a (b [192.0.2.1]) by c; d",
    b"\xff", b"ARC-Seal: i=1; a=rsa-sha256", b"ARC-Message-Signature: i=1",
    b"ARC-Authentication-Results: i=1; x; none",
]  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=20), max_size=30), st.sampled_from([b"\r\n", b"\n"])
)
def test_no_message_raises(pieces: list[bytes], end: bytes) -> None:
    report = sync.verify_message(end.join(pieces), world(), now=DATE, with_second_opinion=True)
    assert report.exit_code() in (0, 1, 2, 3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 900), st.integers(0, 12), st.binary(max_size=12))
def test_no_damage_raises(start: int, length: int, put: bytes) -> None:
    message = sign()
    damaged = message[:start] + put + message[start + length :]
    report = sync.verify_message(damaged, world(), now=DATE, with_second_opinion=True)
    assert all(one.result.result in RESULTS for one in report.signatures)


RESULTS = {"none", "pass", "fail", "neutral", "policy", "temperror", "permerror"}

SHAPES: dict[str, Callable[[int], bytes]] = {
    "many fields": lambda n: b"X-A: b\r\n" * n + sign(),
    "one field folded often": lambda n: b"X: y" + b"\r\n z" * (5 * n) + b"\r\n" + sign(),
    "one long line": lambda n: sign() + b"z" * (100 * n) + b"\r\n",
    "blanks": lambda n: sign().replace(b"\r\n\r\n", b"\r\n\r\n" + b" " * (50 * n) + b"x", 1),
    "parts in parts": lambda n: (
        HEAD
        + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * (n // 2)
    ),
    "NULs": lambda n: sign() + b"\0" * (50 * n),
    "mixed line ends": lambda n: sign() + b"\r\n\n\r" * (5 * n),
    "many From": lambda n: b"From: a@example.com\r\n" * n + b"\r\nx",
    "many Received": lambda n: b"Received: from a (b [192.0.2.1]) by c with SMTP id x; M\r\n" * n + sign(),
    "many results": lambda n: b"Authentication-Results: mx; dkim=pass header.d=a.b\r\n" * n + sign(),
    "nested comments": lambda n: b"Received: from " + b"((" * n + b"\r\nFrom: " + b"(" * n + b"\r\n\r\nx",
    "encoded words": lambda n: b"From: " + b"=?utf-8?q?a?= " * n + b"<a@example.com>\r\n\r\nx",
    "binary": lambda n: bytes(range(256)) * (n // 4),
    "changed header": lambda n: b"X-A: b\r\n" * n + sign().replace(b"Quarterly", b"[x] Quarterly"),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_time_is_linear_in_size(shape: Callable[[int], bytes]) -> None:
    """Four times the size may take twelve times as long here (16 would be quadratic), and noise on top."""
    took = []
    for size in (5_000, 20_000):
        message, zone = shape(size), world()
        best = 9.0
        for _ in range(2):
            start = time.perf_counter()
            sync.verify_message(message, zone, now=DATE)
            best = min(best, time.perf_counter() - start)
        took.append(best)
    assert took[1] < 12 * took[0] + 0.25, took


def test_signatures_beyond_the_bound_are_said_to_be_too_many() -> None:
    message = sign()
    field = message[: message.index(b"From:")]
    report = sync.verify_message(field * 200 + message, world())

    assert len(report.signatures) == 51
    assert (report.signatures[-1].result.result, report.signatures[-1].result.reason.facts["count"]) == (
        "neutral",
        201,
    )
    assert report.signatures[0].result.result == "pass"


def test_messages_of_another_signer_verify_too(tmp_path: Path) -> None:
    """OpenDKIM's, where it is installed."""
    import shutil
    import subprocess

    program = shutil.which("opendkim-testmsg")
    if program is None:
        pytest.skip("opendkim-testmsg is not installed")
    key = tmp_path / "key.pem"
    key.write_bytes(rsa_key()[0])
    signer = [program, "-d", DOMAIN, "-s", "s", "-k", str(key)]
    made = subprocess.run(signer, input=HEAD + b"\r\n" + BODY, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"opendkim-testmsg does not sign here: {made.stderr[:100]!r}")
    # This tool may leave rubbish behind the padding of b=, and signs with SHA-1
    mended = re.sub(rb"(==)[A-Za-z0-9+/=\s]*\r?\n(?=From:)", rb"\1\r\n", made.stdout, count=1)
    (one,) = sync.verify_message(mended, world()).signatures
    assert (one.result.header_ok, one.result.body_ok) == (True, True)
    (other,) = sync.verify_message(mended + b"footer\r\n", world()).signatures
    assert other.diagnosis is not None
    assert [cause.id for cause in other.diagnosis.causes] == ["dkim-broke-footer"]


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("messages")
    key = record().decode()
    (folder / "keys.zone").write_text(
        '$ORIGIN example.com.\n$TTL 300\n@ SOA ns h 1 2 3 4 300\n@ TXT "v=spf1 ip4:192.0.2.1 -all"\n'
        '@ MX 10 mail\nmail A 192.0.2.1\n_dmarc TXT "v=DMARC1; p=reject"\n'
        f's._domainkey TXT "{key[:250]}" "{key[250:]}"\n',
        "utf-8",
    )
    good, bad = sign(), sign() + b"footer\r\n"
    (folder / "good.eml").write_bytes(good)
    (folder / "bad.eml").write_bytes(bad)
    box = b"".join(b"From x Mon\n" + m.replace(b"\r\n", b"\n") + b"\n" for m in (good, bad, good))
    (folder / "box.mbox").write_bytes(box)
    (folder / "inner").mkdir()
    (folder / "inner" / "1").write_bytes(good)
    (folder / "inner" / "2").write_bytes(bad)
    (folder / "inner" / ".hidden").write_bytes(bad)
    return folder


def message(files: Path, *words: str) -> tuple[int, str]:
    done = senderauth("message", *words, "--zone", str(files / "keys.zone"))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout


def test_the_command_judges_a_file(files: Path) -> None:
    code, out = message(files, str(files / "good.eml"), "--ip", "192.0.2.1")
    assert code in (0, 3)
    assert "DKIM signatures\n  pass  example.com, selector s" in out
    code, out = message(files, str(files / "bad.eml"), "--ip", "203.0.113.9", "--lang", "nl")
    assert code == 1
    assert "bewezen met de hash" in out


def test_standard_input_is_a_message(files: Path) -> None:
    import subprocess
    import sys

    command = [
        sys.executable,
        "-m",
        "senderauth",
        "message",
        "-",
        "--json",
        "--zone",
        str(files / "keys.zone"),
    ]
    done = subprocess.run(command, input=sign(), capture_output=True, timeout=60, check=False)
    assert json.loads(done.stdout)["signatures"][0]["result"] == "pass"


def test_several_messages_are_lines_of_json(files: Path) -> None:
    paths = [str(files / name) for name in ("box.mbox", "inner", "good.eml")]
    _, out = message(files, *paths, "--json")
    documents = [json.loads(line) for line in out.splitlines()]

    assert [d["signatures"][0]["result"] for d in documents] == [
        "pass",
        "fail",
        "pass",
        "pass",
        "fail",
        "pass",
    ]
    assert documents[0]["name"].endswith("box.mbox:2")
    assert all(d["signatures"][0]["opinion"] is None for d in documents)


def test_an_unreadable_file_does_not_end_the_others(files: Path) -> None:
    done = senderauth(
        "message",
        str(files / "none.eml"),
        str(files / "good.eml"),
        "--zone",
        str(files / "keys.zone"),
        "--json",
    )
    assert done.returncode == 2
    assert done.stderr.startswith("senderauth: ")
    assert "none.eml" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_many_messages_end_with_their_counts(files: Path) -> None:
    _, out = message(files, str(files / "box.mbox"))
    assert out.splitlines()[-1].startswith("3 messages: ")


def test_the_field_alone_is_written(files: Path) -> None:
    words = ["--write-authentication-results", "--authserv-id", "mx.example.org", "--ip", "192.0.2.1"]
    _, out = message(files, str(files / "good.eml"), *words)
    assert out.startswith("Authentication-Results: mx.example.org;\n\t")
    assert "\tspf=pass\n\t smtp.mailfrom=jane@example.com" in out


def test_the_name_in_the_field_cannot_end_it(files: Path) -> None:
    words = ["--write-authentication-results", "--authserv-id", "mx\nX-Spam: no", "--ip", "192.0.2.1"]
    _, out = message(files, str(files / "good.eml"), *words)
    assert out.startswith('Authentication-Results: "mxX-Spam: no";\n\t')


@pytest.mark.parametrize(
    "words",
    [
        ["--at", "yesterday"],
        ["--ip", "nowhere"],
        ["--trusted", "no name"],
        ["--receiver", "nobody"],
        ["--lang", "fr"],
    ],
)
def test_a_wrong_argument_is_one_line(files: Path, words: list[str]) -> None:
    done = senderauth("message", str(files / "good.eml"), "--zone", str(files / "keys.zone"), *words)
    assert words[1] in refusal(done)


def test_a_time_may_be_given(files: Path) -> None:
    path = files / "expired.eml"
    path.write_bytes(handmade(f"{TAGS}; t={DATE}; x={DATE + DAY}"))
    for at, result in (("2026-11-23T12:00Z", "pass"), ("2027-01-01", "permerror"), (str(DATE), "pass")):
        _, out = message(files, str(path), "--at", at, "--json")
        assert json.loads(out)["signatures"][0]["result"] == result


# --- without an author domain ---------------------------------------------------------------------


NO_ADDRESS = "Messages missing a valid address in From: header, or having no From: header, are not accepted."


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ("", NO_ADDRESS),
        ("From:\r\n", NO_ADDRESS),
        ("From: Jane\r\n", NO_ADDRESS),
        ("From: a@x.example, b@y.example\r\n", "Messages with multiple addresses in From: header "),
        ("From: a@x.example\r\nFrom: a@x.example\r\n", "This message is not RFC 5322 compliant because it"),
    ],
)
def test_gmail_says_what_is_wrong_with_from(fields: str, text: str) -> None:
    report = sync.verify_message(f"{fields}Subject: News\r\n\r\nHello\r\n".encode(), world())
    (said,) = [p for p in report.predictions if p.receiver == "gmail"]
    assert (said.outcome, said.code, said.entry_id) == ("refused", "550 5.7.1", "from-header-invalid")
    assert said.text.startswith(text)
    (other,) = [p for p in report.predictions if p.receiver == "microsoft"]
    assert other.code == "550 5.7.512"


def test_a_message_is_bytes() -> None:
    with pytest.raises(TypeError, match="bytes"):
        sync.verify_message("From: a@example.com\r\n\r\n", world())  # type: ignore[arg-type]
