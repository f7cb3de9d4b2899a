"""Faults in records: their places, what was probably meant, and edits that leave the rest alone."""

import time
from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth.advice.proposals.spf import as_version
from senderauth.spf import Mechanism, Modifier, Record, parse
from senderauth.spf.mistakes import glued, meant_as_record, reads_as_record
from senderauth.spf.record import macro_string


@pytest.mark.parametrize(
    ("term", "problem", "meant"),
    [
        ("ip:192.0.2.1", "spf-mechanism-misspelt", "ip4:192.0.2.1"),
        ("-ipv4:192.0.2.0/24", "spf-mechanism-misspelt", "-ip4:192.0.2.0/24"),
        ("ipv6:2001:db8::1", "spf-mechanism-misspelt", "ip6:2001:db8::1"),
        ("inlcude:example.com", "spf-mechanism-misspelt", "include:example.com"),
        ("host:mail.example.com", "spf-mechanism-misspelt", "a:mail.example.com"),
        ("-all.", "spf-mechanism-misspelt", "-all"),
        ("all:", "spf-mechanism-misspelt", "all"),
        ("redirect:example.com", "spf-mechanism-misspelt", "redirect=example.com"),
        ("ip4:192.168.001.001", "spf-mechanism-misspelt", "ip4:192.168.1.1"),
        ("ip4:2001:db8::/32", "spf-wrong-family", "ip6:2001:db8::/32"),
        ("~ip6:192.0.2.1", "spf-wrong-family", "~ip4:192.0.2.1"),
        ("ip4:mail.example.com", "spf-domain-as-address", "a:mail.example.com"),
        ("a:192.0.2.1", "spf-address-as-domain", "ip4:192.0.2.1"),
        ("mx:192.0.2.0/24", "spf-address-as-domain", "ip4:192.0.2.0/24"),
        ("include:192.0.2.1", "spf-address-as-domain", "ip4:192.0.2.1"),
        ("192.0.2.1", "spf-bare-address", "ip4:192.0.2.1"),
        ("2001:db8::/32", "spf-bare-address", "ip6:2001:db8::/32"),
        ("mail.example.com", "spf-bare-domain", "include:mail.example.com"),
        ("include example.com", "spf-space-in-term", "include:example.com"),
        ("include: example.com", "spf-space-in-term", "include:example.com"),
        ("ip4: 192.0.2.1", "spf-space-in-term", "ip4:192.0.2.1"),
        ("redirect example.com", "spf-space-in-term", "redirect=example.com"),
        ("~ all", "spf-space-in-term", "~all"),
        ("ip4:192.0.2.1,ip4:192.0.2.2", "spf-terms-not-separated", "ip4:192.0.2.1 ip4:192.0.2.2"),
        ("ip4:192.0.2.1,192.0.2.2", "spf-terms-not-separated", "ip4:192.0.2.1 ip4:192.0.2.2"),
        ("-all;", "spf-terms-not-separated", "-all"),
        ('-all"', "spf-terms-not-separated", "-all"),
        ("-include=example.com", "spf-qualified-modifier", "-include:example.com"),
        ("?redirect=example.com", "spf-qualified-modifier", "redirect=example.com"),
        ("–all", "spf-typographic-character", "-all"),
        ("include:“example.com”", "spf-typographic-character", "include:example.com"),
        ("\u200bmx", "spf-typographic-character", "mx"),
    ],
)
def test_what_people_write_and_what_they_mean(term: str, problem: str, meant: str) -> None:
    (found,) = parse(f"v=spf1 {term}").problems

    assert found.id == problem
    assert found.facts["meant"] == meant
    assert parse(f"v=spf1 {meant}").problems == ()


@pytest.mark.parametrize(
    ("term", "problem", "place"),
    [
        ("foo", "spf-unknown-mechanism", "foo"),
        ("mx\tall", "spf-control-character", "\t"),
        ("+", "spf-not-a-term", "+"),
        ("all/8", "spf-all-with-argument", "/8"),
        ("include", "spf-argument-missing", "include"),
        ("ip4:", "spf-argument-missing", "ip4:"),
        ("include:", "spf-domain-missing", ":"),
        ("exp=", "spf-domain-missing", "="),
        ("a:/24", "spf-domain-missing", ":"),
        ("ptr/24", "spf-prefix-not-allowed", "/24"),
        ("include:example", "spf-domain-malformed", "example"),
        ("include:foo.%{d}com", "spf-domain-malformed", "foo.%{d}com"),
        ("ip4:192.0.2", "spf-not-an-address", "192.0.2"),
        ("ip4:192.0.2.1-192.0.2.9", "spf-not-an-address", "192.0.2.1-192.0.2.9"),
        ("ip6:fe80::1%25eth0", "spf-not-an-address", "fe80::1%25eth0"),
        ("ip4:192.0.2.0/33", "spf-prefix-too-long", "/33"),
        ("a//129", "spf-prefix-too-long", "//129"),
        ("ip4:192.0.2.0/024", "spf-prefix-malformed", "/024"),
        ("a/00", "spf-prefix-malformed", "/00"),
        ("exists:%{x}.example.com", "spf-macro-malformed", "%{x}"),
        ("exists:%{d0}.example.com", "spf-macro-malformed", "%{"),
        ("exists:foo.%", "spf-macro-malformed", "%"),
        ("a:%{c}.example.com", "spf-macro-not-allowed", "%{c}"),
        ("redirect=%{R}.example.com", "spf-macro-not-allowed", "%{R}"),
    ],
)
def test_faults_have_their_place(term: str, problem: str, place: str) -> None:
    text = f"v=spf1 {term} -all"
    (found,) = parse(text).problems

    assert found.id == problem
    assert text[found.span.start : found.span.end] == place


def test_every_fault_is_told_and_the_rest_is_read() -> None:
    record = parse("v=spf1 ip:192.0.2.1 mx foo include: -all bogus:")

    told = ["spf-mechanism-misspelt", "spf-unknown-mechanism", "spf-domain-missing", "spf-unknown-mechanism"]
    assert [problem.id for problem in record.problems] == told
    assert str(record) == "v=spf1 mx -all"


def test_only_a_directive_called_all_switches_redirect_off() -> None:
    assert parse("v=spf1 redirect=a.example -all").redirect is None
    assert parse("v=spf1 all=x redirect=a.example").redirect is not None


def test_an_edit_leaves_the_other_terms_as_they_were_written() -> None:
    record = parse("v=spf1  +MX ip4:192.0.2.1/24 ?ALL")
    *before, last = record.terms
    assert isinstance(last, Mechanism)
    added = Mechanism("ip4", network=ip_network("198.51.100.7"))
    edited = replace(record, terms=(*before, added, replace(last, qualifier="~")))

    assert str(edited) == "v=spf1 +MX ip4:192.0.2.1/24 ip4:198.51.100.7 ~all"


@pytest.mark.parametrize(
    "terms",
    [
        b"a:" + b"a." * 32_000,
        b"a:" + b"a-" * 32_000,
        b"x=" + b"%{d}" * 16_000,
        b"a" + b"/1" * 32_000,
        b"," * 64_000,
        b"exp=a.b " * 8_000,
        b"include " * 8_000,
        b"%{d" + b"1" * 64_000 + b"}",
        b"- " * 30_000,
    ],
)
def test_time_grows_with_length_only(terms: bytes) -> None:
    start = time.perf_counter()
    parse(b"v=spf1 " + terms)
    assert time.perf_counter() - start < 3


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (b" v=spf1 -all", True),
        (b'"v=spf1 -all"', True),
        (b"\xef\xbb\xbfv=spf1 -all", True),
        (b"v=spf1include:example.com", True),
        (b"v=spf1;mx", True),
        (b"v=spf -all", True),
        (b"v=sfp1 -all", True),
        (b"v = spf1 mx", True),
        (b"spf1 mx -all", True),
        (b"include:_spf.example.com ~all", True),
        (b"spf2.0/pra -all", False),
        (b"google-site-verification=spf1", False),
        (b"v=DMARC1; p=none; aspf=s", False),
        (b"", False),
        (b"\xff\xfe", False),
    ],
)
def test_texts_that_were_meant_as_records(text: bytes, meant: bool) -> None:
    assert meant_as_record(text) is meant


@pytest.mark.parametrize(
    ("strings", "place"),
    [
        ((b"v=spf1 include:a.example", b"include:b.example -all"), "include:a.exampleinclude:b.example"),
        ((b"v=spf1 mx", b"-all"), "mx-all"),
        ((b"v=spf1 mx ", b"-all"), ""),
        ((b"v=spf1 include:a.exam", b"ple -all"), ""),
        ((b"v=spf1 ip4:192.0.2.", b"1 -all"), ""),
        ((b"v=spf1 -all",), ""),
    ],
)
def test_strings_that_are_joined_without_a_space(strings: tuple[bytes, ...], place: str) -> None:
    assert glued(strings) == place


# Properties

ALPHABET = st.sampled_from([*'aimxptrsecludno246 :/=.%{}+-~?,_1029dlvhDL\t\xe9;"', "include:", "ip4:", "%{"])
label = st.from_regex(r"[a-z0-9_]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
macro = st.from_regex(r"%\{[slodiphvSLODIPHV](1?[1-9])?r?[.\-+,/_=]{0,3}\}|%%|%_|%-", fullmatch=True)
domain = st.builds(
    lambda front, end: ".".join([*front, end]),
    st.lists(label | macro, max_size=4),
    st.sampled_from(["example.com", "%{d}", "a.b-1"]),
).map(macro_string)
qualifier = st.sampled_from("+-~?")
prefix4, prefix6 = (st.none() | st.integers(0, longest) for longest in (32, 128))
none = st.none()
mechanism = st.one_of(
    st.builds(Mechanism, st.just("all"), qualifier),
    st.builds(Mechanism, st.sampled_from(["include", "exists"]), qualifier, domain),
    st.builds(Mechanism, st.just("ptr"), qualifier, none | domain),
    st.builds(Mechanism, st.sampled_from(["a", "mx"]), qualifier, none | domain, none, prefix4, prefix6),
    st.builds(Mechanism, st.just("ip4"), qualifier, network=st.ip_addresses(v=4).map(ip_network)),
    st.builds(Mechanism, st.just("ip6"), qualifier, network=st.ip_addresses(v=6).map(ip_network)),
)
unknown = st.builds(Modifier, st.from_regex(r"x[a-z0-9._-]{0,5}", fullmatch=True), domain)
redirect = st.lists(st.builds(Modifier, st.just("redirect"), domain), max_size=1)
records = st.builds(
    lambda terms, last: Record((*terms, *last)), st.lists(mechanism | unknown, max_size=8), redirect
)


@given(records)
def test_what_is_written_is_read_back(record: Record) -> None:
    read = parse(str(record))

    assert read.problems == ()
    assert read == record
    assert str(read) == str(record)


@given(st.lists(ALPHABET, max_size=60).map("".join))
def test_nothing_crashes_and_what_parses_is_stable(terms: str) -> None:
    record = parse(f"v=spf1 {terms}")
    for problem in record.problems:
        assert 6 <= problem.span.start <= problem.span.end <= len(record.text)
    assert parse(str(record)) == replace(record, problems=())


@given(st.binary(max_size=80))
def test_any_octets_are_read(octets: bytes) -> None:
    parse(octets)
    parse(b"v=spf1 " + octets)
    meant_as_record(octets)


BEGINNINGS = [
    "v", "V=", "s", "sp", "pf", "1", "spf=", "i", "in", "include:", "ip", "ip4:", "a", "a:", "m", "mx",
    " ", "\t", '"', "'", "\\", "(", "=", "-all", " -all", "\ufeff", "\u200b", "\u00a0", "：", "“", "x",
    "\u0130", "\u017f",
]  # fmt: skip


@given(st.lists(st.sampled_from(BEGINNINGS), max_size=8).map("".join), st.binary(max_size=3))
def test_texts_told_apart_by_their_first_octets_were_no_records(text: str, octets: bytes) -> None:
    for whole in (text.encode(), octets + text.encode()):
        assert meant_as_record(whole) == reads_as_record(whole)


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0"])
def test_blanks_in_a_version_are_passed_over_in_linear_time(blank: str) -> None:
    started = time.process_time()
    assert as_version("v" + blank * 20_000 + "x") is None
    for _ in range(100):
        assert not reads_as_record(("v" + blank * 500 + "x").encode())
    assert time.process_time() - started < 0.5
    assert as_version(f'v{blank}={blank}"{blank}spf1{blank}-all') == "v=spf1 -all"
    assert reads_as_record(f'v{blank}={blank}"{blank}sfp{blank}1'.encode())
