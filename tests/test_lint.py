"""Lint: the guest sees our answers only, and what it says comes back as findings."""

import re
import socket
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth.dns import Answer, Question, Resolver, Status, ZoneResolver, drive
from senderauth.lint import lint
from senderauth.lint.guest import ASKED, MAX_TXT, _strings
from senderauth.lint.run import MAX_ROUNDS
from senderauth.lint.table import DMARC, SPF, finding, plain_text
from senderauth.values import Finding

Records = dict[tuple[str, str], Any]


def found(records: Records, domain: str = "example.com") -> dict[str, Finding]:
    return {each.id: each for each in drive(lint(ZoneResolver.from_records(records), domain))}


def spf(record: bytes, **more: Any) -> set[str]:
    records: Records = {("example.com", "TXT"): [record], ("example.com", "A"): ["192.0.2.1"]}
    records |= {(name.replace("_", "."), "TXT"): given for name, given in more.items()}
    return {id for id in found(records) if not id.startswith("lint-dmarc")}


def dmarc(*records: bytes) -> set[str]:
    return {id for id in found({("_dmarc.example.com", "TXT"): list(records)}) if id.startswith("lint-dmarc")}


class Counting:
    """Notes what is asked."""

    def __init__(self, over: Resolver) -> None:
        self.over = over
        self.asked: list[Question] = []

    async def resolve(self, question: Question) -> Answer:
        self.asked.append(question)
        return await self.over.resolve(question)


# The canary: it fails on the day that the guest's cache, keyed without the resolver, is no longer put aside.
def test_one_name_in_two_zones_has_two_answers() -> None:
    name = ("example.com", "TXT")
    mx = ("example.com", "MX")
    assert spf(b"v=spf1 ptr -all") == {"lint-spf-ptr"}
    assert spf(b"v=spf1 -all") == set()
    with_mx = {
        name: [b"v=spf1 mx -all"],
        mx: [(10, "mx.example.com")],
        ("mx.example.com", "A"): ["192.0.2.1"],
    }
    assert "lint-spf-term-without-records" not in found(with_mx)
    assert "lint-spf-term-without-records" in found({name: [b"v=spf1 mx -all"], mx: []})


def test_the_guests_cache_is_put_back() -> None:
    import checkdmarc.utils

    before = checkdmarc.utils.DNS_CACHE
    before["kept"] = ["x"]
    spf(b"v=spf1 include:a.example -all")
    assert checkdmarc.utils.DNS_CACHE is before
    assert before.get("kept") == ["x"]


def test_two_threads_do_not_lose_the_guests_cache() -> None:
    import checkdmarc.utils

    before = checkdmarc.utils.DNS_CACHE
    threads = [threading.Thread(target=spf, args=(b"v=spf1 a mx -all",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert checkdmarc.utils.DNS_CACHE is before


def test_the_explanation_is_asked_of_our_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guest looks exp= up without the resolver it was given: that must not reach a socket."""

    def no_socket(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_socket)
    record = b"v=spf1 -all exp=why.example"
    assert spf(record) == {"lint-spf-explanation-absent"}
    assert spf(record, why_example=[b"not for you"]) == set()
    assert spf(record, why_example=[b"one", b"two"]) == {"lint-spf-explanation-several"}
    assert spf(record, why_example=Status.TIMEOUT) == {"lint-dns-unknown"}


def test_each_question_is_asked_once_and_in_our_types() -> None:
    records = {
        ("example.com", "TXT"): [b"v=spf1 a mx include:a.example ~all"],
        ("example.com", "A"): ["192.0.2.1"],
    }
    counting = Counting(ZoneResolver.from_records(records))
    drive(lint(counting, "Example.COM."))
    assert len(counting.asked) == len(set(counting.asked))
    assert {question.rdtype for question in counting.asked} <= ASKED


def test_the_guest_is_stopped_after_so_many_questions() -> None:
    hosts = [f"h{number}.example.com" for number in range(10)]
    records: Records = {
        ("example.com", "TXT"): [b"v=spf1 " + b" ".join(b"mx:m%d.example" % n for n in range(9))]
    }
    for number in range(9):
        records[f"m{number}.example", "MX"] = [(10, f"m{number}.{host}") for host in hosts]
        records |= {(f"m{number}.{host}", "A"): ["192.0.2.1"] for host in hosts}
    counting = Counting(ZoneResolver.from_records(records))
    ids = [each.id for each in drive(lint(counting, "example.com"))]
    assert "lint-unfinished" in ids
    assert len(counting.asked) <= 2 * MAX_ROUNDS


@pytest.mark.parametrize("domain", ["", "a..b", "x" * 300, "exa mple\n.com"])
def test_no_name_no_opinion(domain: str) -> None:
    assert drive(lint(ZoneResolver.from_records({}), domain)) == ()


SPF_RULES = [
    (b"v=spf1 -all", set()),
    (b"v=spf1 bogus -all", {"lint-spf-syntax"}),
    (b"v=spf1 ip4:192.0.2.999 -all", {"lint-spf-syntax"}),
    (b"v=spf1 redirect=%{d}.a.example redirect=b.example", {"lint-spf-syntax"}),
    (b"v=spf1 redirect=nowhere.example", {"lint-spf-redirect-without-record"}),
    (b"v=spf1 ptr -all", {"lint-spf-ptr"}),
    (b"v=spf1 ip4:192.0.2.1 -all ip4:192.0.2.2", {"lint-spf-text-after-all"}),
    (b"v=spf1 include:example.com -all", {"lint-spf-loop"}),
    (b"v=spf1 redirect=b.example -all", {"lint-spf-redirect-ignored"}),
    (b"v=spf10 -all", {"lint-spf-version-inexact", "lint-spf-record-absent"}),
    (b"v=spf1 foo=bar -all", {"lint-spf-unknown-modifier"}),
    (b"v=spf1 ra=a@b -all", {"lint-spf-reporting-modifier"}),
    (b"v=spf1 a:nowhere.example -all", {"lint-spf-target-missing"}),
    (b"v=spf1 include:nowhere.example -all", {"lint-spf-include-without-record"}),
    (b"v=spf1 " + b"ip4:192.0.2.1 " * 40 + b"-all", {"lint-spf-record-large"}),
    (b"v=spf2.0/pra -all", {"lint-spf-sender-id-record", "lint-spf-record-absent"}),
]


@pytest.mark.parametrize(("record", "ids"), SPF_RULES)
def test_spf_warnings_are_findings(record: bytes, ids: set[str]) -> None:
    assert spf(record) == ids


DMARC_RULES = [
    ((b"v=DMARC1; p=reject; rua=mailto:a@example.com",), {"lint-dmarc-reports-without-mx"}),
    ((b"v=DMARC1; p=reject",), {"lint-dmarc-no-reports"}),
    ((b"v=DMARC1; p=reject", b"stray"), {"lint-dmarc-no-reports"}),  # RFC 9989 4.10: to be discarded
    ((b"v=DMARC1; p=reject", b"v=DMARC1; p=none"), {"lint-dmarc-several-records"}),
    ((b"v=DMARC1; p=maybe",), {"lint-dmarc-invalid-value"}),
    ((b"v=DMARC1; p=reject; p=none",), {"lint-dmarc-tag-twice"}),
    ((b"v=DMARC1; p=none; pct=3",),
     {"lint-dmarc-no-reports", "lint-dmarc-policy-none", "lint-dmarc-tag-removed"}),
    ((b"v=DMARC1; p=reject; x=1",), {"lint-dmarc-no-reports", "lint-dmarc-unknown-tag"}),
    ((b"v=DMARC1; p=reject; rua=a@example.com",), {"lint-dmarc-invalid-uri"}),
    ((b"v=DMARC1; p=reject; adkim=x",), {"lint-dmarc-invalid-value", "lint-dmarc-no-reports"}),
    ((b"v=DMARC1; p=reject; rua=mailto:a@other.example",), {"lint-dmarc-reports-refused"}),
    ((b"v=DMARC1; rua=https://example.com/r",),
     {"lint-dmarc-p-absent", "lint-dmarc-policy-none", "lint-dmarc-uri-scheme"}),
]  # fmt: skip


@pytest.mark.parametrize(("records", "ids"), DMARC_RULES)
def test_dmarc_warnings_are_findings(records: tuple[bytes, ...], ids: set[str]) -> None:
    assert dmarc(*records) == ids


def test_a_timeout_is_never_an_absent_record() -> None:
    """The guest says of an include that does not answer: no SPF record, permerror."""
    assert spf(b"v=spf1 include:a.example -all", a_example=Status.TIMEOUT) == {"lint-dns-unknown"}
    ids = set(found({("example.com", "TXT"): Status.SERVFAIL, ("_dmarc.example.com", "TXT"): Status.TIMEOUT}))
    assert ids == {"lint-dns-unknown"}


def test_a_domain_that_is_missing_is_left_to_others() -> None:
    assert found({}, "nowhere.example") == {}


def test_facts_come_from_the_guests_sentence() -> None:
    records = {("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=none; rua=mailto:a@other.example!10m"]}
    refused = found(records)["lint-dmarc-reports-refused"]
    assert refused.evidence["target"] == "other.example"
    assert (refused.subject, refused.source, refused.rfc) == (
        "_dmarc.example.com",
        "checkdmarc",
        "RFC 9990 4",
    )


def test_a_sentence_that_no_row_knows_is_kept() -> None:
    told = finding("spf", "example.com", "Quite \x1b[31mnew\u202e " + "x" * 900)
    assert told is not None
    assert told.id == "lint-checkdmarc-spf"
    message = str(told.evidence["message"])
    assert message.startswith("Quite [31mnew xxx")
    assert len(message) == 500
    assert message.isprintable()


def test_a_guest_that_fails_takes_nobody_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import checkdmarc.spf

    def broken(*_: object, **__: object) -> None:
        raise KeyError("p")

    monkeypatch.setattr(checkdmarc.spf, "check_spf", broken)
    ids = found({("_dmarc.example.com", "TXT"): [b"v=DMARC1; p=reject"]})
    assert set(ids) == {"lint-failed", "lint-dmarc-no-reports"}
    assert ids["lint-failed"].evidence == {"protocol": "SPF", "message": "KeyError: 'p'"}


def test_aliases_are_no_conflict_and_strings_arrive_as_sent() -> None:
    records: Records = {
        ("example.com", "CNAME"): ["real.example"],
        ("real.example", "TXT"): [(b"v=spf1 ip4:192.0.2.1", b" -all")],
    }
    assert not any(id.startswith("lint-spf") for id in found(records))


@given(st.lists(st.binary(max_size=3_000), max_size=4))
def test_strings_fit_the_wire(strings: list[bytes]) -> None:
    cut = _strings(tuple(strings))
    assert all(len(string) <= 255 for string in cut)
    assert b"".join(cut) == b"".join(strings)[:MAX_TXT]


ALPHABET = "v=spf1DMARC;: +-~?allincludemxptr4629./%{}" + "\u00e9\u202e\x00\n"


@given(st.text(ALPHABET, max_size=80), st.sampled_from(["v=spf1 ", "v=DMARC1; p=", ""]))
def test_nothing_raises_on_what_records_hold(text: str, head: str) -> None:
    record = (head + text).encode()
    for each in found({("example.com", "TXT"): [record], ("_dmarc.example.com", "TXT"): [record]}).values():
        assert plain_text(str(each.evidence.get("message", ""))).isprintable()


def test_the_guest_is_loaded_when_it_is_called() -> None:
    import subprocess

    code = "import sys, senderauth.lint; print(sorted({'checkdmarc', 'dns'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("language", ["en", "nl", "de"])
def test_wording_asks_for_no_fact_that_a_row_does_not_give(language: str) -> None:
    text = Path(__file__).parents[1] / "senderauth" / "report" / "text" / language / "lint.toml"
    words = tomllib.loads(text.read_text("utf-8"))["finding"]
    for row in (*SPF, *DMARC):
        asked = set(re.findall(r"\{([a-z0-9_]+)\}", "".join(words[row.id].values())))
        assert asked <= {*row.pattern.groupindex, "subject", "message"}, row.id
