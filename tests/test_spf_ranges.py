"""The arithmetic of networks against sets of single addresses, on spaces small enough to count."""

from ipaddress import ip_address, ip_network
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from senderauth import ZoneResolver, spf
from senderauth.advice.proposals.prove import reach_of
from senderauth.dns import drive
from senderauth.spf.ranges import Ranges, spans_of

SMALL = 64
FIRST = int(ip_address("198.51.100.0"))

spans = st.lists(
    st.tuples(st.integers(0, SMALL - 1), st.integers(0, 12)).map(
        lambda s: (s[0], min(s[0] + s[1], SMALL - 1))
    ),
    max_size=6,
)


def numbers(ranges: Ranges) -> set[int]:
    return {number for low, high in ranges.spans for number in range(low, high + 1)}


@given(spans, spans)
def test_ranges_are_sets(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    a, b = Ranges.joined(one), Ranges.joined(other)
    plain_a = {n for low, high in one for n in range(low, high + 1)}
    plain_b = {n for low, high in other for n in range(low, high + 1)}
    for made, plain in ((a, plain_a), (a | b, plain_a | plain_b), (a - b, plain_a - plain_b)):
        assert numbers(made) == plain
        assert made.size == len(plain)
        assert all(high + 1 < low for (_, high), (low, _) in zip(made.spans, made.spans[1:], strict=False))
        assert {n for n in range(SMALL) if n in made} == plain
        networks = made.networks(4, 1_000)
        assert {int(ip) for network in networks for ip in network} == plain
        assert Ranges.joined(spans_of(networks, 4)) == made


# --- what records pass -------------------------------------------------------------------------------------

HOSTS = ("h0.example", "h1.example", "gone.example")
terms = st.builds(
    lambda qualifier, term: qualifier + term,
    st.sampled_from(["", "", "", "-", "~", "?"]),
    st.one_of(
        st.builds(
            lambda last, prefix: f"ip4:{ip_network((FIRST + last, prefix), strict=False)}",
            st.integers(0, SMALL - 1), st.integers(26, 32),
        ),
        st.sampled_from([f"a:{host}" for host in HOSTS]),
        st.sampled_from(["a:h0.example/29", "mx:h1.example/30", "include:i0.example", "include:i1.example"]),
    ),
)  # fmt: skip
ends = st.sampled_from(["-all", "~all", "", "all", "redirect=i1.example"])
texts = st.builds(
    lambda words, end: " ".join(filter(None, ["v=spf1", *words, end])), st.lists(terms, max_size=5), ends
)
included = st.builds(
    lambda words, end: " ".join(["v=spf1", *(w for w in words if "include:" not in w), end]),
    st.lists(terms, max_size=4),
    st.sampled_from(["-all", "~all"]),
)


def zone(text: str, i0: str, i1: str) -> ZoneResolver:
    records: dict[tuple[str, str], Any] = {
        ("d.example", "TXT"): [text.encode()],
        ("i0.example", "TXT"): [i0.encode()],
        ("i1.example", "TXT"): [i1.encode()],
        ("h0.example", "A"): ["198.51.100.9", "198.51.100.33"],
        ("h1.example", "A"): ["198.51.100.60"],
        ("h1.example", "MX"): [(10, "h0.example")],
    }
    return ZoneResolver.from_records(records)


def passed(resolver: ZoneResolver) -> set[int]:
    """One by one, as receivers ask."""
    found = set()
    for number in range(FIRST, FIRST + SMALL):
        asked = spf.check_host(
            resolver, ip=str(ip_address(number)), domain="d.example", sender="a@d.example", helo="h.example"
        )
        if drive(asked).result == "pass":
            found.add(number)
    return found


@given(texts, texts, included, included)
@settings(max_examples=60)
def test_what_a_record_passes_and_what_a_change_does_to_that(old: str, new: str, i0: str, i1: str) -> None:
    note(f"{old} | {new} | {i0} | {i1}")
    surveys = []
    for text in (old, new):
        resolver = zone(text, i0, i1)
        survey = drive(spf.survey(resolver, "d.example"))
        passes = drive(spf.outline(resolver, "d.example")).passes  # in one walk what is here one by one
        assert passes == {version: spf.authorised(survey.tree, version) for version in (4, 6)}
        here = spf.authorised(survey.tree, 4) - Ranges(((0, FIRST - 1), (FIRST + SMALL, 2**32 - 1)))
        if survey.lookups <= spf.MAX_TERMS and survey.void_lookups <= spf.MAX_VOIDS:
            assert numbers(here) == passed(resolver)
        surveys.append((survey, numbers(here)))
    (before, was), (after, now) = surveys
    if before.terminal != "+all" and after.terminal != "+all":  # else what is outside counts, too
        reach = reach_of(before, after)
        assert (reach.lost, reach.gained4, reach.gained6) == (len(was - now), len(now - was), 0)
