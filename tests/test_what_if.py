"""What if: records that are only supposed, drafts of zones over DNS, the answers before and after."""

import json
from pathlib import Path
from typing import Any

import pytest

from senderauth import Scenario, ZoneResolver, sync
from senderauth.advice import what_if
from senderauth.cli.arguments import resolver_for, without_changes
from senderauth.dns import Answer, DraftResolver, OverlayResolver, Question, Status, drive, written_changes
from senderauth.report import document, schema, what_if_document, what_if_text, wording
from tests.test_cases import compare
from tests.test_cli import refusal, senderauth

WHAT_IF = Path(__file__).parents[1] / "fixtures" / "what-if"
DEMO = ("--host", "203.0.113.9", "--demo")
BETTER = 'webshop.example TXT "v=spf1 ip4:203.0.113.9 -all"'


@pytest.mark.parametrize(
    ("text", "name", "rdtype", "records"),
    [
        ('example.com TXT "v=spf1 -all"', "example.com", "TXT", (b"v=spf1 -all",)),
        ('Example.COM. 60 IN TXT "a" "b"', "example.com", "TXT", (b"ab",)),
        ("example.com mx 0 .", "example.com", "MX", ((0, ""),)),
        ("example.com A 192.0.2.1", "example.com", "A", ("192.0.2.1",)),
        ("www.example.com CNAME web.example.net", "www.example.com", "CNAME", ("web.example.net",)),
        ("münchen.example A 192.0.2.1", "xn--mnchen-3ya.example", "A", ("192.0.2.1",)),
    ],
)
def test_a_record_is_written_as_in_a_master_file(
    text: str, name: str, rdtype: str, records: tuple[Any, ...]
) -> None:
    (change,) = written_changes([text], []).items()
    assert change[0] == (name, rdtype)
    assert isinstance(change[1], Answer)
    assert change[1].records == records


@pytest.mark.parametrize(
    "text",
    [
        "example.com TXT v=spf1 -all",  # two strings, which DNS joins to v=spf1-all
        "example.com TXT v=DMARC1; p=none",  # the policy would be a comment
        "example.com TXT",
        "example.com A 192.0.2",
        "@ A 192.0.2.1",
        "$INCLUDE /etc/passwd",
        "",
        "a.example A 192.0.2.1\nb.example A 192.0.2.1",
        "x" * 10_000,
        'example.com TXT "open',
    ],
)
def test_what_is_no_record_is_said_so_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="--set") as caught:
        written_changes([text], [])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sets", "unsets", "problem"),
    [
        (["a.example A 192.0.2.1"], ["a.example A"], "set and removed"),
        (["a.example CNAME b.example", 'a.example TXT "x"'], [], "stands alone"),
        ([], ["a.example"], "--unset needs"),
        ([], ["a.example TXT now"], "--unset needs"),
    ],
)
def test_changes_that_contradict_each_other_are_refused(
    sets: list[str], unsets: list[str], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        written_changes(sets, unsets)


def test_values_of_one_name_and_type_stand_side_by_side() -> None:
    (answer,) = written_changes(["a.example MX 10 m1.example", "a.example MX 20 m2.example"], []).values()
    assert isinstance(answer, Answer)
    assert answer.records == ((10, "m1.example"), (20, "m2.example"))


LIVE = ZoneResolver.from_records(
    {
        ("example.com", "TXT"): [b"v=spf1 -all"],
        ("old.example.com", "A"): ["192.0.2.9"],
        ("far.example", "CNAME"): ["mail.example.com"],
        ("near.example", "CNAME"): ["web.example"],
        ("web.example", "A"): ["192.0.2.80"],
    }
)


@pytest.fixture
def draft(tmp_path: Path) -> DraftResolver:
    file = tmp_path / "example.com.zone"
    file.write_text(
        '$ORIGIN example.com.\n$TTL 60\n@ SOA ns h 1 2 3 4 60\n@ TXT "v=spf1 mx -all"\n'
        "mail A 192.0.2.25\nout CNAME web.example.\nto CNAME far.example.\nsub NS ns.other.example.\n"
    )
    return DraftResolver(ZoneResolver.from_files(file), over=LIVE)


@pytest.mark.parametrize(
    ("name", "rdtype", "status", "records"),
    [
        ("example.com", "TXT", Status.NOERROR, (b"v=spf1 mx -all",)),
        ("old.example.com", "A", Status.NXDOMAIN, ()),  # not in the draft, so it will be gone
        ("web.example", "A", Status.NOERROR, ("192.0.2.80",)),
        ("near.example", "A", Status.NOERROR, ("192.0.2.80",)),
        ("out.example.com", "A", Status.NOERROR, ("192.0.2.80",)),  # from the draft to DNS
        ("far.example", "A", Status.NOERROR, ("192.0.2.25",)),  # from DNS into the draft
        ("to.example.com", "A", Status.NOERROR, ("192.0.2.25",)),  # out and in again
        ("host.sub.example.com", "A", Status.NXDOMAIN, ()),  # delegated away: DNS knows
    ],
)
def test_a_draft_stands_over_dns(
    draft: DraftResolver, name: str, rdtype: str, status: Status, records: tuple[Any, ...]
) -> None:
    answer = drive(draft.resolve(Question(name, rdtype)))
    assert (answer.status, answer.records) == (status, records)
    assert answer.canonical_name == (answer.chain[-1] if answer.chain else None)


def test_a_loop_between_draft_and_dns_ends(tmp_path: Path) -> None:
    file = tmp_path / "example.com.zone"
    file.write_text("$ORIGIN example.com.\n@ SOA ns h 1 2 3 4 60\na CNAME b.example.\n")
    live = ZoneResolver.from_records({("b.example", "CNAME"): ["a.example.com"]})
    both = DraftResolver(ZoneResolver.from_files(file), over=live)
    assert drive(both.resolve(Question("a.example.com", "A"))).status is Status.SERVFAIL


def test_the_report_tells_before_and_after() -> None:
    zone = ZoneResolver.from_records(
        {("shop.example", "TXT"): [b"v=spf1 -all"], ("shop.example", "MX"): [(10, "shop.example")]}
    )
    changed = OverlayResolver(
        written_changes(['shop.example TXT "v=spf1 ip4:203.0.113.9 -all"'], []), over=zone
    )
    scenario = Scenario("a@shop.example", ("203.0.113.9",), signers=())
    before, after = sync.check(scenario, zone), sync.check(scenario, changed)
    tried = what_if(before, after, changed)

    assert "spf-at-smtp" in {case.receiver for case in tried.cures}
    assert not tried.worse
    text = what_if_text(tried, wording("en"))
    assert 'shop.example TXT "v=spf1 ip4:203.0.113.9 -all"' in text
    jsonschema = pytest.importorskip("jsonschema")
    whole = json.loads(json.dumps(document(after) | {"what_if": what_if_document(tried)}))
    jsonschema.Draft202012Validator(schema("check")).validate(whole)


def test_a_change_for_the_worse_is_said() -> None:
    zone = ZoneResolver.from_records({("shop.example", "TXT"): [b"v=spf1 ip4:203.0.113.9 -all"]})
    changed = OverlayResolver(written_changes(['shop.example TXT "v=spf1 -all"'], []), over=zone)
    scenario = Scenario("a@shop.example", ("203.0.113.9",), signers=())
    tried = what_if(sync.check(scenario, zone), sync.check(scenario, changed), changed)
    assert tried.worse


def test_options_of_changes_lie_over_any_source() -> None:
    base = resolver_for((), True, (), 5, 3)
    over = resolver_for((), True, (), 5, 3, sets=[BETTER], unsets=["x.example TXT"])
    assert without_changes(base) is None
    below = without_changes(over)
    assert below is not None
    assert drive(over.resolve(Question("webshop.example", "TXT"))).source == "proposed"
    assert drive(below.resolve(Question("webshop.example", "TXT"))).source == "zone"


def test_check_answers_what_if() -> None:
    done = senderauth("check", "shop@webshop.example", *DEMO, "--unsigned", "--set", BETTER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("As it is now") < done.stdout.index("REFUSED")
    assert done.stdout.index("With these records") < done.stdout.index("NO OBJECTION")


BOUNCE = "550 5.7.1 Email rejected per DMARC policy for webshop.example"
LOG = (
    "Nov 24 10:00:00 mx postfix/qmgr[1]: 4F1A23BCD1: from=<a@webshop.example>, size=9, nrcpt=1 (active)\n"
    "Nov 24 10:00:01 mx postfix/smtp[2]: 4F1A23BCD1: to=<b@example.net>, relay=mx.example.net[192.0.2.9]:25, "
    "delay=1, delays=0/0/0/0, dsn=5.7.1, status=bounced (host mx.example.net[192.0.2.9] said: "
    f"{BOUNCE} (in reply to end of DATA command))\n"
)
MAIL = "From: Shop <shop@webshop.example>\nSubject: Order\n\nHello\n"


@pytest.mark.parametrize("several", [False, True], ids=["one", "several"])
def test_a_message_is_judged_without_the_changes_too(tmp_path: Path, several: bool) -> None:
    files = [tmp_path / f"{name}.eml" for name in ("one", "two")[: 1 + several]]
    for file in files:
        file.write_text(MAIL)
    done = senderauth("message", *map(str, files), "--ip", "203.0.113.9", "--demo", "--set", BETTER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("As it is now\nREFUSED") == len(files)
    assert done.stdout.count("With these records\n") == len(files)
    assert done.stdout.index("REFUSED") < done.stdout.index("NO OBJECTION")
    if several:
        assert done.stdout.startswith(f"{files[0]}\n")


def test_a_bounce_is_explained_without_the_changes_too() -> None:
    done = senderauth("explain", BOUNCE, "--ip", "203.0.113.9", "--demo", "--set", BETTER)
    assert done.returncode == 0, done.stderr
    assert done.stdout.index("As it is now\nCONFIRMED") < done.stdout.index("With these records")
    assert done.stdout.index("With these records") < done.stdout.index("NOT REPRODUCED")


def test_a_log_is_explained_without_the_changes_too(tmp_path: Path) -> None:
    file = tmp_path / "mail.log"
    file.write_text(LOG)
    done = senderauth("explain", str(file), "--ip", "203.0.113.9", "--demo", "--set", BETTER)
    assert done.returncode == 0, done.stderr
    assert "1 × webshop.example 203.0.113.9: CONFIRMED" in done.stdout
    assert done.stdout.index("203.0.113.9: CONFIRMED") < done.stdout.index("NOT REPRODUCED")


@pytest.mark.parametrize("kind", ["check", "message", "explain", "log"])
def test_what_stood_before_stands_before_the_report(kind: str, tmp_path: Path) -> None:
    mail, log = tmp_path / "a.eml", tmp_path / "mail.log"
    mail.write_text(MAIL)
    log.write_text(LOG)
    words = {
        "check": ("check", "shop@webshop.example", "--unsigned", "--host", "203.0.113.9"),
        "message": ("message", str(mail), "--ip", "203.0.113.9", "--at", "2026-11-24T12:00Z"),
        "explain": ("explain", BOUNCE, "--ip", "203.0.113.9"),
        "log": ("explain", str(log), "--ip", "203.0.113.9"),
    }[kind]
    words = (*words, "--demo", "--set", BETTER, "--unset", "_dmarc.webshop.example TXT")
    for language in ("en", "nl", "de"):
        compare(WHAT_IF / f"{kind}.{language}.txt", senderauth(*words, "--lang", language).stdout)

    jsonschema = pytest.importorskip("jsonschema")
    done = senderauth(*words[:-2], "--json")
    whole = json.loads(done.stdout)
    jsonschema.Draft202012Validator(schema(whole["schema"].split("/")[1])).validate(whole)
    told = whole["what_if"]
    assert (told["before"], told["after"]) == ("refused", "accepted")
    assert told["changes"][0]["name"] == "webshop.example"
    assert "dmarc-tree-walk" in {case["receiver"] for case in told["cures"]}
    if whole["schema"] == "senderauth/explain/1":
        assert told["confirmation"] == {"before": "confirmed", "after": "not-reproduced"}


@pytest.mark.parametrize(
    "words",
    [
        ("--set", "nonsense"),
        ("--unset", "nonsense"),
        ("--over-live",),
        ("--set", "webshop.example TXT v=spf1 -all"),
    ],
)
def test_wrong_use_is_told_in_one_line(words: tuple[str, ...]) -> None:
    assert refusal(senderauth("check", "shop@webshop.example", *DEMO, *words))
