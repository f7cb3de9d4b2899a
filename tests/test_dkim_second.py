"""dkimpy as second opinion: what it gets wrong is known, guarded against, and noticed when it is mended."""

import time

import pytest

from senderauth.dkim import compare, second_opinion, verify
from senderauth.dns import drive
from tests.dkimsigner import BODY, DOMAIN, FIELDS, HEAD, answers, handmade, record, rsa_key, sign, zone

NAME = f"s._domainkey.{DOMAIN}"
TAGS = "v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s; bh={bh}; h=from:to:subject:date"


def opinions(message, key=None, now=None):
    known = answers() if key is None else {NAME: key}
    ours = drive(verify(zone() if key is None else zone(s=[key]), message, now=now))[0]
    theirs = second_opinion(message, 0, known)
    told = compare(ours, theirs)
    return ours.result, theirs.verdict, told.id if told else None


@pytest.mark.parametrize("how", ["simple/simple", "relaxed/relaxed"])
@pytest.mark.parametrize("algorithm", ["rsa-sha256", "ed25519-sha256"])
def test_both_agree_on_what_is_good_and_on_what_is_changed(how, algorithm):
    message = sign(how=how, algorithm=algorithm)
    assert opinions(message) == ("pass", "pass", None)
    assert opinions(message.replace(b"Quarterly", b"Yearly")) == ("fail", "fail", None)
    assert opinions(message.replace(b"Hello", b"Hullo")) == ("fail", "refused", None)


# Canaries: should one fail, dkimpy was mended, and the table in second.py can shrink.
LENIENT = [
    ("h= without From", handmade(TAGS.replace("from:", "")), None, "permerror"),
    (
        "From changed, not signed",
        handmade(TAGS.replace("from:", "")).replace(b"jane@", b"joan@"),
        None,
        "permerror",
    ),
    ("rsa-sha1", sign(algorithm="rsa-sha1"), None, "policy"),
    ("h= of the key", sign(), record("h=sha1; "), "permerror"),
    ("t=s of the key", sign(identity=b"j@m.example.com"), record("t=s; "), "permerror"),
    ("v= of the key not first", sign(), record("k=rsa; v=DKIM1; "), "permerror"),
    ("a hyphen in a tag's name", handmade(TAGS + "; x-1=2"), None, "permerror"),
    ("x= of 13 digits", handmade(TAGS + "; x=9999999999999"), None, "permerror"),
    ("junk in p=", sign(), record().replace(b"AAOC", b"AA!OC", 1), "permerror"),
    ("junk behind the key", sign(), record(octets=rsa_key()[1] + b"xyz"), "permerror"),
    ("l= beyond the body", handmade(TAGS + "; l=999999"), None, "permerror"),
]


@pytest.mark.parametrize(("message", "key", "ours"), [c[1:] for c in LENIENT], ids=[c[0] for c in LENIENT])
def test_rules_that_it_does_not_enforce(message, key, ours):
    assert opinions(message, key) == (ours, "pass", "dkim-second-lenient")


def test_x_may_be_t_for_it(monkeypatch):
    monkeypatch.setattr("dkim.time.time", lambda: 1_795_000_000)
    message = handmade(TAGS + "; t=1795000000; x=1795000000")
    assert opinions(message) == ("permerror", "pass", "dkim-second-lenient")


STRICTER = [
    ("a list in q=", handmade(TAGS + "; q=foo:dns/txt")),
    ("quoted-printable in i=", handmade(TAGS + "; i=jane=40example.com")),
    ("a blank before the colon", sign(HEAD).replace(b"Date:", b"Date :")),
]


@pytest.mark.parametrize("message", [c[1] for c in STRICTER], ids=[c[0] for c in STRICTER])
def test_what_it_refuses_and_the_rfc_allows(message):
    assert opinions(message) == ("pass", "refused", "dkim-second-stricter")


def test_it_takes_a_list_of_services_for_no_key():
    tags = record("s=tlsrpt:email; ")
    (ours,) = drive(verify(zone(s=[tags]), sign()))
    theirs = second_opinion(sign(), 0, {NAME: tags})
    assert (ours.result, compare(ours, theirs).id) == ("pass", "dkim-second-stricter")


def test_a_second_from_is_always_counted():
    message = b"From: ceo@bank.example\r\n" + sign(names=FIELDS)
    assert opinions(message) == ("pass", "fail", "dkim-second-adds-from")


def test_it_takes_the_first_of_several_records():
    message = sign()
    (ours,) = drive(verify(zone(s=[b"v=DKIM1; p=", record()]), message))
    theirs = second_opinion(message, 0, {NAME: b"v=DKIM1; p="})
    assert (ours.result, theirs.verdict) == ("pass", "fail")
    assert compare(ours, theirs).id == "dkim-second-first-record"


def test_it_has_a_clock_of_its_own():
    message = handmade(TAGS + "; t=1000; x=2000")
    assert opinions(message, now=1500) == ("pass", "refused", "dkim-second-own-clock")


CRASHES = [
    ("ed25519 key under rsa", sign(), record("k=ed25519; ", b"x" * 32)),
    ("first line folded", b" folded\r\n" + sign(), None),
    ("i= shorter than d=", handmade(TAGS + "; i=m"), None),
    ("no UTF-8 in s=", handmade(TAGS.replace("s=s", "s=a..b")), None),
    ("l= empty", handmade(TAGS + "; l="), None),
]


@pytest.mark.parametrize(("message", "key"), [c[1:] for c in CRASHES], ids=[c[0] for c in CRASHES])
def test_whatever_it_raises_is_caught(message, key):
    known = answers() if key is None else {NAME: key}
    assert second_opinion(message, 0, known).verdict in ("crashed", "refused", "fail")


def test_a_crash_is_told():
    ours = drive(verify(zone(), b" folded\r\n" + sign()))[0]
    theirs = second_opinion(b" folded\r\n" + sign(), 0, answers())
    assert (ours.result, theirs.verdict, theirs.why) == ("pass", "crashed", "IndexError")
    assert compare(ours, theirs).id == "dkim-second-crashed"


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (sign(body=b" " * 2_000 + b"x\r\n"), "blanks"),
        (sign(body=(b" " * 100 + b"x\r\n") * 300), "blanks"),
        (b"X: y" + b"\r\n z" * 6_000 + b"\r\n" + sign(), "folding"),
        (b"X: y" + b"\n z" * 6_000 + b"\n" + sign().replace(b"\r\n", b"\n"), "folding"),
        (sign() + b"line\r\n" * 400_000, "size"),
    ],
)
def test_shapes_that_it_cannot_bear_are_not_shown_to_it(message, why):
    opinion = second_opinion(message, 0, answers())
    assert (opinion.verdict, opinion.why) == ("unasked", why)
    assert compare(drive(verify(zone(), message))[0], opinion).id == "dkim-second-unasked"


def test_to_see_that_a_shape_is_bearable_takes_linear_time():
    runs = (b"X: y" + b"\r\n z" * 4_990 + b"\r\n") * 60
    started = time.process_time()
    assert second_opinion(runs + sign(), 0, answers()).verdict == "pass"
    assert time.process_time() - started < 3


def test_it_asks_nobody_but_us():
    assert second_opinion(sign(), 0, {}).verdict == "fail"


def test_an_unexplained_difference_is_said_plainly():
    ours = drive(verify(zone(), sign()))[0]
    theirs = second_opinion(HEAD + b"\r\n" + BODY, 0, answers())
    told = compare(ours, theirs)
    assert (told.id, told.severity, told.source) == ("dkim-second-differs", "medium", "dkimpy")


def test_a_small_key_is_refused_by_both():
    message = sign(key=rsa_key(1024)[0])
    assert opinions(message, record(octets=rsa_key(1024)[1])) == ("pass", "pass", None)
