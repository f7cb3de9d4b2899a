"""Cues: refusals in words of their own, known by what they speak of and what became of it."""

import time
import tomllib
from pathlib import Path

import pytest

from senderauth.catalogue import entries, load, match
from senderauth.catalogue.cues import blanked, cues, find_cue
from senderauth.catalogue.normalise import MAX_TEXT, normalise

DATA = tomllib.loads((Path(load.__file__).parent / "cues.toml").read_text("utf-8"))
SAMPLES = [pytest.param(cue, text, id=cue.id) for cue in cues() for text in cue.samples]


@pytest.mark.parametrize(("cue", "text"), SAMPLES)
def test_its_own_sample_leads_to_it_and_to_no_other_cue(cue, text):
    found = match(text)[0]
    assert (found.pattern, found.entry_id) == (f"cue/{cue.id}", cue.entry)


def test_every_cue_has_a_sample_of_its_own_and_names_what_there_is():
    families = {entry.family for entry in entries().values()}
    assert len({cue.id for cue in cues()}) == len(cues())
    used = set()
    for cue in cues():
        assert cue.samples, cue.id
        assert cue.entry in entries()
        assert cue.over <= families | entries().keys(), cue.id
        assert {*cue.topics, *cue.beside, *cue.passing, *cue.unless} <= DATA["words"].keys(), cue.id
        used |= {*cue.topics, *cue.beside, *cue.passing, *cue.unless}
    assert used == DATA["words"].keys(), "a set that no cue uses"


@pytest.mark.parametrize("name", DATA["words"])
def test_words_are_written_as_normalised_text_looks(name):
    listed = DATA["words"][name]
    assert len(set(listed)) == len(listed)
    for word in listed:
        assert word == " ".join(word.lower().split())
        assert word.rstrip("*")[:1].isalnum() or word in ("{address}", "-all")


@pytest.mark.parametrize(
    ("rule", "text", "id"),
    [
        (
            "DMARC is judged from SPF",
            "550 5.7.1 SPF fail for example.com, so DMARC refuses",
            "dmarc-policy-refused",
        ),
        ("both", "550 5.7.1 Neither DKIM nor SPF passed for example.com", "unauthenticated-message"),
        ("vague words give way", "550 5.7.1 Client host rejected: no PTR", "reverse-dns-missing"),
        ("an open fault", "451 4.7.24 SPF: temporary DNS failure for example.com", "spf-dns-unavailable"),
        (
            "a broken record",
            "550 5.5.2 SPF record of example.com has too many DNS lookups",
            "spf-record-broken",
        ),
        (
            "not a list",
            "550 5.7.1 Sender 192.0.2.1 is not listed in the SPF record of a.example",
            "spf-check-failed",
        ),
        ("German", "550 5.7.1 Nachricht abgelehnt: SPF-Prüfung fehlgeschlagen", "spf-check-failed"),
        ("Dutch", "550 5.7.1 Geweigerd vanwege het DMARC-beleid van example.com", "dmarc-policy-refused"),
        ("Dutch mailbox", "552 5.2.2 De mailbox van de ontvanger is vol", "mailbox-full"),
        ("a name is no topic", "550 5.1.1 <spf@example.org>: User unknown, failed", "recipient-unknown"),
        (
            "nor is a host",
            "550 5.7.1 Message identified as SPAM by spf-box.example.net",
            "content-refused-as-spam",
        ),
        (
            "nor a filter's test",
            "554 5.7.1 Spam detected (SPF_FAIL, DKIM_INVALID)",
            "content-refused-as-spam",
        ),
        (
            "what passed is no topic",
            "550 5.7.1 SPF passed, your IP 192.0.2.1 is blacklisted",
            "address-reputation",
        ),
        ("when it was said", "554 5.7.1 <jan@example.org>: Nope, refused (in reply to EHLO command)", ""),
        ("no refusal", "250 2.0.0 Ok: queued (spf=fail dmarc=fail)", ""),
        ("no code, no refusal", "Our DMARC report says that nothing failed", ""),
        ("nor with a pattern's words", "250 2.6.0 accepted, DMARC fail noted", ""),
        ("a list is one", "550 5.7.1 blocked: 203.0.113.5 in RBL; spf=softfail", "address-reputation"),
        ("not a field", "550 5.7.1 192.0.2.1 is missing from example.com's SPF record", "spf-check-failed"),
        ("TLS is TLS", "550 5.7.10 TLS required, DKIM alone is not enough", "tls-required-inbound"),
        (
            "not what passed",
            "550 5.7.26 It has neither a passing SPF nor a valid DKIM signature",
            "unauthenticated-message",
        ),
        ("a greylist is one", "451 4.7.1 Greylisted, since SPF failed, please retry", "greylisted"),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) and len(value) < 30 else "",
)
def test_what_a_sentence_speaks_of_decides(rule, text, id):
    assert match(text)[0].entry_id == id, rule


def test_a_word_far_from_its_topic_says_nothing_of_it():
    near = blanked(normalise("550 5.7.1 SPF " + "x " * 20 + "refused").lower)
    far = blanked(normalise("550 5.7.1 SPF " + "x " * 60 + "refused").lower)
    assert find_cue(near)
    assert find_cue(far) is None


def test_a_provider_s_own_code_goes_before_a_cue():
    assert match("550 5.7.27 SPF refused", provider="gmail")[0].entry_id == "spf-pass-required"


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        (
            "550 5.7.1 Sender IP 203.0.113.5 is not listed in the SPF record of example.com",
            {"address": "203.0.113.5", "mail_from_domain": "example.com"},
        ),
        (
            "550 5.7.1 SPF denied: mail from a@Example.com by 2001:db8::5",
            {"address": "2001:db8::5", "mail_from": "a@example.com", "mail_from_domain": "example.com"},
        ),
        ("550 5.7.1 The DMARC policy of example.com prohibits this", {"author_domain": "example.com"}),
        ("550 5.7.1 DMARC of a.example, sent for b.example, failed", {}),  # which of them is it?
        ("550 5.7.1 DKIM key of s1._domainkey.example.com is invalid", {"dkim_domain": "example.com"}),
        ("550 5.7.1 DMARC record of _dmarc.example.com forbids it", {"author_domain": "example.com"}),
        ("550 5.7.1 DMARC forbids this mail to jan@example.org", {}),
        ("550 5.7.1 DMARC refused for <jan@example.org>", {}),
        ("550 5.7.1 DMARC refused by mx.example.org", {}),
        ("550 5.7.1 Your rDNS is refused: 203.0.113.5", {"address": "203.0.113.5"}),
        ("550 5.7.1 203.0.113.5 and 203.0.113.6 have rDNS that we refuse", {}),
        ("550 5.1.1 Empfänger von example.com nicht bekannt", {}),
    ],
)
def test_whom_a_cue_speaks_of_is_a_fact_where_only_one_is_named(text, facts):
    found = match(text)[0]
    assert found.pattern.startswith("cue/")
    assert {fact.name: fact.value for fact in found.facts} == facts


@pytest.mark.parametrize(
    "piece", ["spf ", "no dkim ", "a.", "a@", "spf fail", "1.2.3.4 ", "a:", "in reply to x "]
)
def test_hostile_texts_take_time_that_grows_with_them_only(piece):
    def seconds(size):
        text = ("550 5.7.1 " + piece * (size // len(piece)))[:size]
        best = 1.0
        for _ in range(2):
            start = time.process_time()
            match(text)
            best = min(best, time.process_time() - start)
        return best

    small, large = seconds(MAX_TEXT // 4), seconds(MAX_TEXT)
    assert large < 1.0
    assert large < 0.02 or large / small < 8, "four times the text, more than eight times the time"


@pytest.mark.parametrize(
    ("text", "provider", "id"),
    [
        (
            "550 5.7.705 Service unavailable. Nope",
            "",
            "sending-not-allowed",
        ),  # three digits: Microsoft's alone
        ("550 5.7.708 Service unavailable", "microsoft", "sending-not-allowed"),
        ("450 4.7.32 Service unavailable", "gmail", "dmarc-not-aligned"),
        ("451 4.3.2 Service unavailable", "gmail", "temporary-server-failure"),
        ("550 5.1.8 Domain does not exist", "", "sender-domain-unresolvable"),  # RFC 3463 3.2: of the sender
        ("550 5.1.2 Domain does not exist", "", "recipient-domain-unknown"),
    ],
)
def test_codes_that_say_more_than_vague_words(text, provider, id):
    assert match(text, provider=provider)[0].entry_id == id
