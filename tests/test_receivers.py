"""Receivers' policies: the data is whole, and the rules decide as their theory of operation says."""

import pytest

from senderauth import catalogue
from senderauth.advice.remedies import ADVISORS
from senderauth.simulation import answer, choose, receivers
from senderauth.simulation.receiver import FACTS, OUTCOMES, STAGES, Receiver, Rule

GOOD = {
    "spf": "pass",
    "spf-helo": "pass",
    "spf-record": "other",
    "dkim": "pass",
    "authentication": "pass",
    "dmarc": "pass",
    "dmarc-policy": "reject",
    "disposition": "none",
    "adsp": "none",
    "author-signature": "yes",
    "reverse": "confirmed",
    "ip": "4",
    "mail-from-domain": "mx",
    "author-domain": "mx",
    "helo": "matches",
    "login": "none",
    "envelope": "other",
}
UNSIGNED = {"dkim": "none", "author-signature": "no"}
SPF_FAILS = {"spf": "fail", "spf-helo": "none"}
SPOOFED = {**UNSIGNED, **SPF_FAILS, "authentication": "fail", "dmarc": "fail", "disposition": "reject"}
REJECTED = {"dmarc": "fail", "disposition": "reject"}


@pytest.mark.parametrize("receiver", receivers().values(), ids=lambda r: r.id)
def test_every_rule_speaks_of_known_facts_and_of_entries_that_exist(receiver: Receiver) -> None:
    assert receiver.evidence in ("standard", "documented", "sampled", "reported")
    assert receiver.source
    assert receiver.read.startswith("20")
    for rule in receiver.rules:
        assert rule.stage in STAGES
        assert rule.outcome in OUTCOMES
        for fact, words in rule.when.items():
            assert words <= FACTS[fact]
        assert rule.entry in ADVISORS
        assert catalogue.entry(rule.entry).id == rule.entry
        if rule.outcome in ("refused", "deferred"):
            said = catalogue.message(rule.message)
            assert rule.code or said.reply
            assert said.template


def test_every_fact_has_words() -> None:
    assert set(GOOD) == set(FACTS)
    assert all(GOOD[fact] in FACTS[fact] for fact in FACTS)


@pytest.mark.parametrize("receiver", receivers().values(), ids=lambda r: r.id)
def test_nobody_refuses_what_passes_everything(receiver: Receiver) -> None:
    assert answer(receiver, GOOD).outcome == "accepted"


@pytest.mark.parametrize(
    ("receiver", "facts", "outcome", "entry"),
    [
        # RFC 9989 5.4, 7.4: never refused for the policy alone
        ("rfc9989", SPOOFED, "marked", "dmarc-policy-refused"),
        ("dmarc-tree-walk", SPOOFED, "refused", "dmarc-policy-refused"),
        ("dmarc-suffix-list", SPOOFED, "refused", "dmarc-policy-refused"),
        ("dmarc-tree-walk", {**SPOOFED, "disposition": "quarantine"}, "marked", "dmarc-policy-refused"),
        ("dmarc-tree-walk", {**SPOOFED, "disposition": "none"}, "accepted", ""),
        # SPF at SMTP time is before DKIM: a signature does not help
        ("spf-at-smtp", SPF_FAILS, "refused", "spf-check-failed"),
        ("spf-at-smtp", {"spf": "softfail"}, "accepted", ""),  # RFC 7208 8.5
        ("spf-at-smtp", {"spf": "neutral"}, "accepted", ""),  # RFC 7208 8.2
        ("spf-at-smtp", {"spf": "permerror"}, "refused", "spf-record-broken"),
        ("spf-at-smtp", {"spf": "temperror"}, "deferred", "spf-dns-unavailable"),
        ("adsp", {"adsp": "fail"}, "refused", "adsp-all-refused"),
        ("adsp", {"adsp": "discard"}, "refused", "adsp-discardable"),
        ("adsp", {"adsp": "unknown"}, "accepted", ""),
        ("strato", SPF_FAILS, "refused", "spf-failed-for"),
        ("strato", {**UNSIGNED, **REJECTED}, "refused", "dmarc-policy-refused"),
        ("strato", {**UNSIGNED, "adsp": "fail"}, "refused", "adsp-all-refused"),
        ("strato-submission", {"login": "foreign"}, "refused", "foreign-sender-quota"),
        ("strato-submission", {"login": "own"}, "accepted", ""),
        (
            "strato-submission",
            {"login": "foreign", "envelope": "provider"},
            "refused",
            "envelope-domain-forbidden",
        ),
        ("postfix-submission", {"login": "same-domain"}, "refused", "submission-sender-mismatch"),
        ("gmail", SPOOFED, "refused", "spf-hard-fail"),
        ("gmail", {**SPOOFED, "spf": "softfail"}, "refused", "unauthenticated-message"),
        ("gmail", {**SPF_FAILS, "spf": "fail"}, "accepted", ""),  # DKIM alone is enough for ordinary senders
        ("gmail", {**UNSIGNED, **REJECTED}, "refused", "dmarc-policy-refused"),
        ("gmail", {"reverse": "missing"}, "refused", "reverse-dns-missing"),
        ("gmail-bulk", {"spf": "softfail"}, "refused", "spf-pass-required"),
        ("gmail-bulk", UNSIGNED, "refused", "dkim-signature-required"),
        ("gmail-bulk", {"dmarc": "none", "dmarc-policy": "absent"}, "refused", "dmarc-record-missing"),
        ("gmail-bulk", {"dmarc": "fail", "disposition": "none"}, "refused", "dmarc-not-aligned"),
        # a mark does not end the session: the bulk rules after it still refuse
        ("gmail-bulk", {"dmarc": "fail", "disposition": "quarantine"}, "refused", "dmarc-not-aligned"),
        ("microsoft", {**UNSIGNED, **REJECTED}, "refused", "dmarc-policy-refused"),
        ("microsoft", {**SPOOFED, "ip": "6"}, "deferred", "unauthenticated-message"),
        ("microsoft-bulk", {"spf": "softfail"}, "refused", "authentication-level-too-low"),
        ("yahoo", {**UNSIGNED, **SPF_FAILS, "authentication": "fail"}, "refused", "unauthenticated-message"),
        ("yahoo", {**UNSIGNED, **REJECTED}, "refused", "dmarc-policy-refused"),
        ("yahoo", {"reverse": "missing"}, "deferred", "reverse-dns-missing"),  # asked of all senders
        ("postfix", {"spf-helo": "fail"}, "refused", "spf-hard-fail"),
        ("postfix", {"spf": "permerror"}, "accepted", ""),  # policyd-spf's default
        ("postfix", {"mail-from-domain": "null-mx"}, "refused", "sender-null-mx"),
        ("postfix", {"mail-from-domain": "missing"}, "deferred", "sender-domain-unresolvable"),
        ("rfc7372", {"reverse": "missing"}, "refused", "reverse-dns-missing"),
        ("rfc7372", {**UNSIGNED, **SPF_FAILS}, "refused", "unauthenticated-message"),
        ("rfc7372", SPF_FAILS, "refused", "spf-hard-fail"),
        ("rfc7372", UNSIGNED, "refused", "dkim-signature-required"),
        ("rfc7372", {"dkim": "policy"}, "refused", "dkim-signature-required"),
        ("rfc7372", {"author-signature": "no"}, "refused", "dmarc-not-aligned"),
    ],
)
def test_what_each_receiver_answers(receiver: str, facts: dict[str, str], outcome: str, entry: str) -> None:
    answered = answer(receivers()[receiver], GOOD | facts)

    assert (answered.outcome, answered.rule.entry if answered.rule else "") == (outcome, entry)


def _receiver(*rules: tuple[dict[str, str], str]) -> Receiver:
    made = tuple(
        Rule(
            "data", {fact: frozenset(words.split()) for fact, words in when.items()}, outcome, "e", "", "", ()
        )  # type: ignore[arg-type]
        for when, outcome in rules
    )
    return Receiver("r", "r", "rfc9989", "receiver", "standard", "s", "2026", (), made, False, frozenset())


@pytest.mark.parametrize(
    ("rules", "facts", "outcome"),
    [
        ([({"spf": "fail"}, "refused")], {"spf": "temperror"}, "unknown"),  # the receiver may get an answer
        (
            [({"spf": "fail"}, "refused"), ({"spf": "temperror"}, "deferred")],
            {"spf": "temperror"},
            "deferred",
        ),
        (
            [({"spf": "temperror"}, "deferred"), ({"spf": "fail"}, "refused")],
            {"spf": "temperror"},
            "deferred",
        ),
        (
            [({"reverse": "missing"}, "refused"), ({"spf": "fail"}, "deferred")],
            {"reverse": "unknown", "spf": "fail"},
            "deferred",
        ),  # not taken either way
        (
            [({"spf": "fail"}, "marked"), ({"dkim": "none"}, "refused")],
            {"spf": "temperror", **UNSIGNED},
            "refused",
        ),
        (
            [({"spf": "fail", "dkim": "none"}, "refused")],
            {"spf": "temperror"},
            "accepted",
        ),  # cannot hold anyhow
        ([({"adsp": "fail"}, "refused")], {"adsp": "unknown"}, "accepted"),  # a practice, not a failure
    ],
)
def test_what_dns_would_not_tell_leaves_the_answer_open(
    rules: list[tuple[dict[str, str], str]], facts: dict[str, str], outcome: str
) -> None:
    assert answer(_receiver(*rules), GOOD | facts).outcome == outcome


def test_receivers_are_chosen_by_id_or_family() -> None:
    assert [r.id for r in choose(["gmail"])] == ["gmail", "gmail-bulk"]
    assert [r.id for r in choose(["gmail-bulk", "strato"])] == ["gmail-bulk", "strato", "strato-submission"]
    assert len(choose(None)) == len(receivers())
    with pytest.raises(ValueError, match="no receiver 'hotmail'; known are"):
        choose(["hotmail"])
