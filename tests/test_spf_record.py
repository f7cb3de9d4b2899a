"""SPF records as text: what the grammar allows, what it does not, and where the fault is (RFC 7208 12)."""

from ipaddress import AddressValueError, IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth.spf import parse

ALPHABET = "v=spf1 +-~?aimxp4:/.%{}drlo0129include:exists=redirect,\t\x1b\xff"


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1",
        "V=SPF1 -ALL",
        "v=spf1   mx  -all ",
        "v=spf1 a/24 mx//64 a:b.example/24//64 -all",
        "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ip6:::1 ~all",
        "v=spf1 exists:%{ir}.%{v}._spf.%{d2} ?all",
        "v=spf1 include:%{d} redirect=b.example. exp=e.example",
        "v=spf1 unknown=anything%{c} other.name-1=",
        "v=spf1 a:%{l1r+-}.x.example ptr ptr:b.example",
    ],
)
def test_what_the_grammar_allows_has_no_problems(text: str) -> None:
    assert parse(text).problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 -all bogus:",  # after the match, still read (4.6)
        "v=spf1 ip4:192.0.2.0/024",
        "v=spf1 ip4:192.0.2.256",
        "v=spf1 ip4:192.0.2",
        "v=spf1 ip6:192.0.2.1",
        "v=spf1 a/33",
        "v=spf1 a//129",
        "v=spf1 a:1.2.3.4",
        "v=spf1 a:example",
        "v=spf1 all:x",
        "v=spf1 include:",
        "v=spf1 redirect=",
        "v=spf1 redirect=a.example redirect=b.example",
        "v=spf1 exp=a.example exp=b.example",
        "v=spf1 -redirect=a.example",
        "v=spf1 a:%{x}.example",
        "v=spf1 a:%{d0}.example",
        "v=spf1 a:%{c}.example",  # c, r, t only in explanations (7.2)
        "v=spf1 a:%(d).example",
        "v=spf1 a:mail%%_",  # "%%", then an underscore: not the macro-expand "%_" (7.1)
        "v=spf1\tmx",
        "v=spf1 mx\t-all",
        "v=spf1 mx, -all",
        "v=spf1 ipv4:192.0.2.1",
    ],
)
def test_what_the_grammar_forbids_is_a_problem_with_its_place(text: str) -> None:
    problems = parse(text).problems

    assert problems
    assert all(0 <= p.span.start < p.span.end <= len(text) for p in problems)


@pytest.mark.parametrize(
    ("term", "meant"),
    [
        ("ipv4:192.0.2.1", "ip4:192.0.2.1"),
        ("-all.", "-all"),
        ("ip6:192.0.2.1", "ip4:192.0.2.1"),
        ("192.0.2.1", "ip4:192.0.2.1"),
    ],
)
def test_a_mistake_is_told_with_what_was_probably_meant(term: str, meant: str) -> None:
    assert parse(f"v=spf1 {term}").problems[0].facts["meant"] == meant


def test_a_long_record_is_read_in_a_moment() -> None:
    assert parse("v=spf1 " + "a:%{d}.x.example " * 3_000).problems == ()
    assert parse("v=spf1 " + "%" * 60_000).problems
    assert parse("v=spf1 " + "a" * 70_000).problems


@given(st.text(st.sampled_from(ALPHABET), max_size=200))
def test_no_text_of_the_alphabet_raises(text: str) -> None:
    record = parse("v=spf1 " + text)

    assert all(0 <= problem.span.start <= problem.span.end for problem in record.problems)


@given(st.binary(max_size=300))
def test_no_octets_raise(octets: bytes) -> None:
    parse(b"v=spf1 " + octets)


@given(st.text(st.sampled_from(ALPHABET), max_size=200))
def test_a_record_written_out_is_the_same_record(text: str) -> None:
    record = parse("v=spf1 " + text)

    assert parse(str(record)) == parse(str(parse(str(record))))
    if not record.problems:
        assert parse(str(record)) == record


OCTETS = ["0", "1", "9", "10", "99", "192", "255", "256", "00", "01", "1x", "0x1", "", "-1", "1000"]


@given(st.lists(st.sampled_from(OCTETS[:8]) | st.sampled_from(OCTETS), min_size=3, max_size=5).map(".".join))
def test_ip4_takes_the_addresses_that_python_takes(text: str) -> None:
    try:
        expected = str(IPv4Address(text))
    except AddressValueError:
        assert parse(f"v=spf1 ip4:{text}").problems
        return
    (term,) = parse(f"v=spf1 ip4:{text}").mechanisms
    assert str(term.network) == f"{expected}/32"
