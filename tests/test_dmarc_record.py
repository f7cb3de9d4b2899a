"""DMARC records: text to value and back (RFC 9989 4.7, 4.8; RFC 7489 6.3)."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth.dmarc import Record, parse
from senderauth.dmarc.record import near_miss


def faults(record: Record) -> list[str]:
    return [problem.id for problem in record.problems]


@pytest.mark.parametrize(
    ("text", "is_record"),
    [
        ("v=DMARC1", True),
        ("v=DMARC1;", True),
        ("v = DMARC1 ; p=none", True),
        ("v\t=\tDMARC1\t;p=none", True),
        ("V=DMARC1; p=none", True),  # a literal of ABNF (RFC 5234 2.3, RFC 7489 6.4, RFC 9989 4.8)
        ("v=dmarc1; p=none", False),  # the value is exact (RFC 9989 4.8)
        ("v=DMARC12; p=none", False),
        ("v=DMARC1 p=none", False),
        ("v=DMARC1, p=none", False),
        (" v=DMARC1; p=none", False),
        ("\ufeffv=DMARC1; p=none", False),
        ('"v=DMARC1; p=none"', False),
        ("p=none; v=DMARC1", False),
        ("p=none", False),
        ("", False),
        ("v=DMARC1" + " " * 60 + "x; p=none", False),
        ("v=DMARC1" + " " * 60 + "; p=none", True),
    ],
)
def test_version_first_and_exact(text: str, is_record: bool) -> None:
    record = parse(text)
    assert record.is_record == is_record
    assert ("dmarc-not-a-record" in faults(record)) != is_record
    assert parse(text.encode()) == record


def test_everything_typed() -> None:
    record = parse(
        "v=DMARC1; p=Reject; sp=QUARANTINE;np=none; adkim=s ; aspf = S; t=y; psd=n; fo=1:d:s; rf=afrf:iodef;"
        "ri=3600;pct=7;rua=mailto:a@Example.com!10m ,\t https://[2001:db8::1]:8443/x; ruf=mailto:f@b.ex?x"
    )
    assert (record.p, record.sp, record.np, record.adkim, record.aspf) == (
        "reject", "quarantine", "none", "s", "s",
    )  # fmt: skip
    assert (record.t, record.psd, record.fo, record.rf, record.ri, record.pct) == (
        True, "n", ("1", "d", "s"), ("afrf", "iodef"), 3600, 7,
    )  # fmt: skip
    assert [(uri.uri, uri.scheme, uri.host, uri.size) for uri in (*record.rua, *record.ruf)] == [
        ("mailto:a@Example.com", "mailto", "example.com", "10m"),
        ("https://[2001:db8::1]:8443/x", "https", "[2001:db8::1]", ""),
        ("mailto:f@b.ex?x", "mailto", "b.ex", ""),
    ]
    assert not record.problems
    assert record.text.startswith("v=DMARC1; p=Reject")


@pytest.mark.parametrize(
    ("tag", "field", "default"),
    [
        ("p=n", "p", None),
        ("p=", "p", None),
        ("sp=all", "sp", None),
        ("np=x", "np", None),
        ("adkim=strict", "adkim", "r"),
        ("aspf=", "aspf", "r"),
        ("t=1", "t", False),
        ("psd=x", "psd", "u"),
        ("fo=0:1", "fo", ("0",)),  # they exclude each other
        ("fo=d:d", "fo", ("0",)),
        ("fo=01", "fo", ("0",)),
        ("fo=0:d:s:0:1:d:s:0:1:d:s", "fo", ("0",)),
        ("rf=iodef", "rf", ("afrf",)),
        ("ri=-1", "ri", 86_400),
        ("ri=4294967296", "ri", 86_400),
        ("ri=99999999999999999999999", "ri", 86_400),
        ("pct=101", "pct", 100),
        ("pct=0050", "pct", 100),  # 1*3DIGIT
        ("np=", "np", None),
        ("pct=50%", "pct", 100),
        ("pct=٥", "pct", 100),
    ],
)
def test_an_invalid_value_becomes_the_default(tag: str, field: str, default: Any) -> None:
    record = parse(f"v=DMARC1; {tag}; rua=mailto:x@example.com")
    assert getattr(record, field) == default
    assert len(record.problems) == 1


@pytest.mark.parametrize(
    ("rua", "uris", "fault"),
    [
        ("mailto:a@b.example", 1, []),
        ("mailto:a@b.example,", 1, ["dmarc-invalid-uri"]),
        ("mailto:a@b.example!10m,mailto:c@d.example", 2, []),
        ("mailto:a@b.example!", 0, ["dmarc-invalid-uri"]),
        ("mailto:a@b.example!10p", 0, ["dmarc-invalid-uri"]),
        ("mailto:a@b.example!1m!2m", 0, ["dmarc-invalid-uri"]),
        ("a@b.example", 0, ["dmarc-uri-without-scheme"]),
        ("mailto:a@b.example mailto:c@d.example", 0, ["dmarc-invalid-uri"]),
        ("http://b.example/r", 1, []),
        ("mailto:a%2Cb+c@b.example?subject=x&y='z'", 1, []),
        ("mailto:<a@b.example>", 0, ["dmarc-invalid-uri"]),  # RFC 3986 2
        ("mailto:a%4@b.example", 0, ["dmarc-invalid-uri"]),
        ("bogus", 0, ["dmarc-invalid-uri"]),
        (",".join(["mailto:a@b.example"] * 60), 50, ["dmarc-many-uris"]),
    ],
)
def test_report_uris(rua: str, uris: int, fault: list[str]) -> None:
    record = parse(f"v=DMARC1; p=none; rua={rua}")
    assert len(record.rua) == uris
    assert faults(record) == fault


def test_problems_are_collected_whole_with_their_places() -> None:
    text = "v=DMARC1; p=rejct;; junk ; sp=x; p=none;pct = 200 ; ü=1; rua=x"
    record = parse(text)
    marked = [(problem.id, text[problem.span.start : problem.span.end]) for problem in record.problems]
    assert marked == [
        ("dmarc-not-a-tag", "junk"),
        ("dmarc-tag-twice", "p=none"),
        ("dmarc-not-a-tag", "ü=1"),
        ("dmarc-invalid-value", "p=rejct"),
        ("dmarc-invalid-value", "sp=x"),
        ("dmarc-invalid-uri", "rua=x"),
        ("dmarc-invalid-value", "pct = 200"),
    ]


def test_the_first_of_two_tags_counts() -> None:
    assert parse("v=DMARC1; p=none; p=reject").p == "none"


def test_tags_keep_their_name_as_written() -> None:
    record = parse("v=DMARC1; P=reject")
    assert (record.p, record.tags[1].name, record.tags[1].written) == ("reject", "p", "P")


@pytest.mark.parametrize(
    ("text", "standard", "inherited", "exists", "asked"),
    [
        ("p=reject", "rfc9989", False, True, ("reject", "p")),
        ("p=reject; sp=none", "rfc9989", False, True, ("reject", "p")),
        ("p=reject; sp=none", "rfc9989", True, True, ("none", "sp")),
        ("p=reject; sp=none; np=quarantine", "rfc9989", True, False, ("quarantine", "np")),
        ("p=reject; sp=none; np=quarantine", "rfc7489", True, False, ("none", "sp")),
        ("p=reject; sp=none", "rfc9989", True, False, ("none", "sp")),
        ("p=reject", "rfc9989", True, False, ("reject", "p")),
        ("p=reject; sp=x", "rfc9989", False, True, None),
        ("p=reject; sp=x; rua=mailto:a@b.example", "rfc9989", False, True, ("none", "default")),
        ("p=reject; np=x", "rfc9989", False, True, None),
        ("p=reject; np=x", "rfc7489", False, True, ("reject", "p")),
        ("rua=mailto:a@b.example", "rfc7489", False, True, ("none", "default")),
        ("sp=reject", "rfc9989", True, True, None),
        ("", "rfc9989", False, True, None),
    ],
)
def test_policy_by_standard(text: str, standard: Any, inherited: bool, exists: bool, asked: Any) -> None:
    record = parse(f"v=DMARC1; {text}")
    assert record.policy_for(standard, inherited=inherited, exists=exists) == asked


def test_no_record_has_no_policy() -> None:
    assert parse("p=reject").policy_for("rfc9989") is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"v=DMARC1; p=none", None),
        (b"V=DMARC1; p=none", None),
        (b"v=dmarc1;p=none", "case"),
        (b" v=DMARC1; p=none", "start"),
        (b'"v=DMARC1; p=none"', "start"),
        (b"\xef\xbb\xbfv=DMARC1; p=none", "start"),
        (b"v=DMARC1 p=none", "version"),
        (b"v=DMARC2; p=none", "version"),
        (b"v=DMARC; p=none", "version"),
        (b"p=none; v=DMARC1", "not-first"),
        (b"p=reject; rua=mailto:a@b.example", "no-version"),
        (b"v=spf1 -all", None),
        (b"k=rsa; p=MIIB", None),
        (b"", None),
    ],
)
def test_what_was_meant_as_a_record(text: bytes, fault: str | None) -> None:
    assert near_miss(text) == fault


ALPHABET = 'v=DMARC1;prejctnoqualis mailto:@.,!09\t"ü\x00\\'
TAGS = st.sampled_from(
    ["v=DMARC1", "p=reject", "sp = none", "rua=mailto:a@b.c!1m", "fo=1:d", "x=y=z", "T=y", "=", ""]
)


@given(
    st.one_of(st.text(alphabet=ALPHABET), st.lists(TAGS).map(";".join)).map(lambda rest: f"v=DMARC1;{rest}")
)
def test_round_trip(text: str) -> None:
    record = parse(text)
    assert record.is_record
    assert parse(str(record)) == record
    assert str(parse(str(record))) == str(record)
    for problem in record.problems:
        assert 0 <= problem.span.start <= problem.span.end <= len(text)


@given(st.binary(), st.text())
def test_nothing_crashes(data: bytes, text: str) -> None:
    for given_text in (data, text, b"v=DMARC1;" + data, "v=DMARC1;" + text):
        record = parse(given_text)
        assert parse(str(record)) == record
    near_miss(data)


@pytest.mark.parametrize(
    "text",
    [
        "v=DMARC1; p=" + " " * 60_000 + "x",
        "v" + " " * 65_000,
        "v=DMARC1" + " " * 65_000 + "x",
        "v=DMARC1;" + ";" * 65_000,
        "v=DMARC1; rua=" + "," * 65_000,
        "v=DMARC1; rua=" + "mailto:" * 9_000,
        "v=DMARC1; rua=mailto:a@b" + "!" * 60_000,
        "v=DMARC1; " + "a=1;" * 16_000,
        "v=DMARC1; p=" + "=" * 60_000,
        "v=DMARC1; p=none; n=" + "x" * 1_000_000,
    ],
    ids=range(10),
)
def test_work_is_linear(text: str) -> None:
    began = time.perf_counter()
    record = parse(text)
    near_miss(text.encode())
    assert time.perf_counter() - began < 0.5
    assert len(record.problems) < 300
