"""Proposed changes over a resolver: the same answers as from a zone in which they are made."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senderauth.dns import Answer, OverlayResolver, Question, Status, ZoneResolver, drive

NOERROR, NXDOMAIN = Status.NOERROR, Status.NXDOMAIN

BASE: dict[tuple[str, str], Any] = {
    ("example.com", "TXT"): [b"v=spf1 -all"],
    ("example.com", "MX"): [(10, "mx.example.com")],
    ("mx.example.com", "A"): ["192.0.2.1"],
    ("www.example.com", "CNAME"): ["mx.example.com"],
    ("far.example.com", "CNAME"): ["x.provider.example"],
    ("x.provider.example", "CNAME"): ["y.provider.example"],
    ("y.provider.example", "TXT"): [b"key"],
    ("*.wild.example.com", "TXT"): [b"wild"],
    ("_adsp._domainkey.example.com", "TXT"): [b"dkim=all"],
    ("only.example.com", "TXT"): [b"alone"],
    ("loop.example.com", "CNAME"): ["loop2.example.com"],
    ("loop2.example.com", "CNAME"): ["loop.example.com"],
    ("slow.example.com", "TXT"): Status.TIMEOUT,
}


class Counting:
    """Counts what is asked of the base."""

    def __init__(self, records: dict[tuple[str, str], Any]) -> None:
        self.zone, self.asked = ZoneResolver.from_records(records), list[Question]()

    async def resolve(self, question: Question) -> Answer:
        self.asked.append(question)
        return await self.zone.resolve(question)


def ask(changes: Any, name: str, rdtype: str, base: dict[tuple[str, str], Any] = BASE) -> Answer:
    return drive(
        OverlayResolver(changes, over=ZoneResolver.from_records(base)).resolve(Question(name, rdtype))
    )


@pytest.mark.parametrize(
    ("changes", "name", "rdtype", "status", "records", "source"),
    [
        # a whole set of records is replaced
        ({("example.com", "TXT"): [b"new"]}, "example.com", "TXT", NOERROR, (b"new",), "proposed"),
        ({("example.com", "TXT"): [b"new"]}, "example.com", "MX", NOERROR, ((10, "mx.example.com"),), "zone"),
        ({("example.com", "TXT"): [b"new"]}, "other.example", "TXT", NXDOMAIN, (), "zone"),
        # setting makes the name exist, and those above it
        ({("a.b.new.example", "TXT"): [b"x"]}, "a.b.new.example", "A", NOERROR, (), "proposed"),
        ({("a.b.new.example", "TXT"): [b"x"]}, "b.new.example", "TXT", NOERROR, (), "proposed"),
        ({("a.b.new.example", "TXT"): [b"x"]}, "c.new.example", "TXT", NXDOMAIN, (), "zone"),
        # removing
        ({("example.com", "TXT"): None}, "example.com", "TXT", NOERROR, (), "proposed"),
        ({("example.com", "TXT"): []}, "example.com", "TXT", NOERROR, (), "proposed"),
        ({("only.example.com", "TXT"): None}, "only.example.com", "TXT", NXDOMAIN, (), "proposed"),
        (
            {("_adsp._domainkey.example.com", "TXT"): None},
            "_adsp._domainkey.example.com",
            "TXT",
            NXDOMAIN,
            (),
            "proposed",
        ),
        ({("www.example.com", "CNAME"): None}, "www.example.com", "A", NXDOMAIN, (), "proposed"),
        (
            {("www.example.com", "CNAME"): None, ("www.example.com", "A"): ["192.0.2.5"]},
            "www.example.com",
            "A",
            NOERROR,
            ("192.0.2.5",),
            "proposed",
        ),
        # failing
        ({("example.com", "TXT"): Status.TIMEOUT}, "example.com", "TXT", Status.TIMEOUT, (), "proposed"),
        ({("slow.example.com", "TXT"): [b"x"]}, "slow.example.com", "TXT", NOERROR, (b"x",), "proposed"),
        ({("slow.example.com", "A"): ["192.0.2.1"]}, "slow.example.com", "TXT", Status.TIMEOUT, (), "zone"),
        # aliases
        (
            {("new.example.com", "CNAME"): ["www.example.com"]},
            "new.example.com",
            "A",
            NOERROR,
            ("192.0.2.1",),
            "proposed",
        ),
        (
            {("new.example.com", "CNAME"): ["www.example.com"]},
            "new.example.com",
            "CNAME",
            NOERROR,
            ("www.example.com",),
            "proposed",
        ),
        (
            {("mx.example.com", "A"): ["192.0.2.7"]},
            "www.example.com",
            "A",
            NOERROR,
            ("192.0.2.7",),
            "proposed",
        ),
        ({("x.provider.example", "TXT"): [b"mid"]}, "far.example.com", "TXT", NOERROR, (b"mid",), "proposed"),
        ({("y.provider.example", "TXT"): None}, "far.example.com", "TXT", NXDOMAIN, (), "proposed"),
        ({("www.example.com", "TXT"): [b"x"]}, "www.example.com", "A", NOERROR, (), "proposed"),
        (
            {("www.example.com", "A"): ["192.0.2.8"]},
            "www.example.com",
            "A",
            NOERROR,
            ("192.0.2.8",),
            "proposed",
        ),
        (
            {("a.example.com", "CNAME"): ["b.example.com"], ("b.example.com", "CNAME"): ["a.example.com"]},
            "a.example.com",
            "A",
            Status.SERVFAIL,
            (),
            "proposed",
        ),
        (
            {("loop2.example.com", "A"): ["192.0.2.1"]},
            "loop.example.com",
            "A",
            NOERROR,
            ("192.0.2.1",),
            "proposed",
        ),
        # wildcards of the base
        ({("a.wild.example.com", "A"): ["192.0.2.1"]}, "a.wild.example.com", "TXT", NOERROR, (), "proposed"),
        (
            {("a.wild.example.com", "A"): ["192.0.2.1"]},
            "b.wild.example.com",
            "TXT",
            NOERROR,
            (b"wild",),
            "zone",
        ),
        (
            {("a.b.wild.example.com", "A"): ["192.0.2.1"]},
            "b.wild.example.com",
            "TXT",
            NOERROR,
            (),
            "proposed",
        ),
        (
            {("a.b.wild.example.com", "A"): ["192.0.2.1"]},
            "c.b.wild.example.com",
            "TXT",
            NXDOMAIN,
            (),
            "proposed",
        ),
        (
            {("*.wild.example.com", "TXT"): [b"new"]},
            "b.wild.example.com",
            "TXT",
            NOERROR,
            (b"new",),
            "proposed",
        ),
        # wildcards proposed
        ({("*.example.com", "TXT"): [b"w"]}, "nope.example.com", "TXT", NOERROR, (b"w",), "proposed"),
        ({("*.example.com", "TXT"): [b"w"]}, "a.nope.example.com", "TXT", NOERROR, (b"w",), "proposed"),
        ({("*.example.com", "TXT"): [b"w"]}, "nope.example.com", "A", NOERROR, (), "proposed"),
        ({("*.example.com", "TXT"): [b"w"]}, "mx.example.com", "TXT", NOERROR, (), "zone"),
        ({("*.example.com", "TXT"): [b"w"]}, "a.mx.example.com", "TXT", NXDOMAIN, (), "zone"),
        (
            {("*.example.com", "CNAME"): ["mx.example.com"]},
            "nope.example.com",
            "A",
            NOERROR,
            ("192.0.2.1",),
            "proposed",
        ),
    ],
)
def test_what_a_change_does(
    changes: Any, name: str, rdtype: str, status: Status, records: tuple[Any, ...], source: str
) -> None:
    answer = ask(changes, name, rdtype)
    assert (answer.status, answer.records, answer.source) == (status, records, source)


WILD: dict[tuple[str, str], Any] = {
    ("example.com", "MX"): [(10, "mx.example.com")],
    ("*.example.com", "A"): ["192.0.2.7"],
    ("*.alias.example.com", "CNAME"): ["mx.example.com"],
    ("mx.example.com", "A"): ["192.0.2.1"],
    ("own.example.com", "A"): ["192.0.2.2"],
    ("to.example.com", "CNAME"): ["own.example.com"],
}


@pytest.mark.parametrize(
    ("changes", "name", "rdtype", "status", "records"),
    [
        # another type beside a wildcard's own records
        ({("*.example.com", "TXT"): [b"w"]}, "q.example.com", "A", NOERROR, ("192.0.2.7",)),
        ({("*.example.com", "TXT"): [b"w"]}, "*.example.com", "A", NOERROR, ("192.0.2.7",)),
        ({("*.example.com", "TXT"): [b"w"]}, "q.example.com", "TXT", NOERROR, (b"w",)),
        # a wildcard below a name that only a wildcard has answered for
        ({("*.a.example.com", "TXT"): [b"w"]}, "q.a.example.com", "TXT", NOERROR, (b"w",)),
        ({("*.a.example.com", "TXT"): [b"w"]}, "q.a.example.com", "A", NOERROR, ()),
        ({("*.a.example.com", "TXT"): [b"w"]}, "a.example.com", "A", NOERROR, ()),
        # a wildcard taken away
        ({("*.example.com", "A"): None}, "q.example.com", "A", NXDOMAIN, ()),
        ({("*.example.com", "A"): None}, "q.example.com", "TXT", NXDOMAIN, ()),
        ({("*.alias.example.com", "CNAME"): None}, "q.alias.example.com", "A", NXDOMAIN, ()),
        # the last record of a name: what then covers it answers for every type
        ({("own.example.com", "A"): None}, "own.example.com", "A", NOERROR, ("192.0.2.7",)),
        ({("mx.example.com", "A"): None, ("*.example.com", "A"): None}, "mx.example.com", "A", NXDOMAIN, ()),
        (
            {("mx.example.com", "A"): None, ("*.example.com", "A"): None},
            "mx.example.com",
            "MX",
            NXDOMAIN,
            (),
        ),
        (
            {("own.example.com", "A"): None, ("*.example.com", "A"): None},
            "to.example.com",
            "MX",
            NXDOMAIN,
            (),
        ),
        (
            {("own.example.com", "A"): None, ("*.example.com", "TXT"): [b"w"]},
            "own.example.com",
            "TXT",
            NOERROR,
            (b"w",),
        ),
    ],
)
def test_what_a_change_does_to_wildcards(
    changes: Any, name: str, rdtype: str, status: Status, records: tuple[Any, ...]
) -> None:  # RFC 4592 2.2, 3.3.1
    answer = ask(changes, name, rdtype, WILD)
    assert (answer.status, answer.records) == (status, records)


def test_a_change_may_be_keyed_by_question_and_given_as_an_answer() -> None:
    question = Question("example.com", "TXT")
    answer = Answer(NOERROR, (b"x",), 60, strings=((b"x",),))
    overlay = OverlayResolver({question: answer}, over=ZoneResolver.from_records(BASE))
    assert overlay.changed == (question,)
    assert drive(overlay.resolve(question)).records == (b"x",)


def test_untouched_answers_cost_no_more_questions() -> None:
    base = Counting(BASE)
    overlay = OverlayResolver({("example.com", "TXT"): [b"new"]}, over=base)
    for name, rdtype in [
        ("example.com", "TXT"),
        ("example.com", "MX"),
        ("www.example.com", "A"),
        ("q.test", "A"),
    ]:
        drive(overlay.resolve(Question(name, rdtype)))
    assert len(base.asked) == 3  # the changed one is not asked, the others once


def test_announcements_pass_through_but_for_what_is_changed() -> None:
    class Base(Counting):
        announced: tuple[Question, ...] = ()

        def prefetch(self, questions: Any) -> None:
            self.announced += tuple(questions)

    base = Base(BASE)
    one, other = Question("example.com", "TXT"), Question("example.net", "TXT")
    OverlayResolver({one: [b"x"]}, over=base).prefetch([one, other])
    assert base.announced == (other,)
    assert not hasattr(OverlayResolver({}, over=Counting(BASE)), "prefetch")


OWNERS = st.sampled_from(["z.test", "a.z.test", "b.a.z.test", "c.z.test", "d.c.z.test"])
TYPES = st.sampled_from(["A", "TXT"])


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.tuples(OWNERS, TYPES), st.integers(1, 9), max_size=5), OWNERS, TYPES, st.integers(1, 9)
)
def test_setting_equals_a_zone_with_the_record_in_it(
    base: dict[tuple[str, str], int], owner: str, rdtype: str, value: int
) -> None:
    def records(of: dict[tuple[str, str], int]) -> dict[tuple[str, str], Any]:
        return {
            (name, kind): [f"192.0.2.{n}" if kind == "A" else b"%d" % n] for (name, kind), n in of.items()
        }

    change = {(owner, rdtype): value}
    overlay = OverlayResolver(records(change), over=ZoneResolver.from_records(records(base)))
    merged = ZoneResolver.from_records(records(base | change))
    for name in (
        "z.test",
        "a.z.test",
        "b.a.z.test",
        "c.z.test",
        "d.c.z.test",
        "e.z.test",
        "x.b.a.z.test",
        "test",
    ):
        for kind in ("A", "TXT", "MX"):
            one = drive(overlay.resolve(Question(name, kind)))
            other = drive(merged.resolve(Question(name, kind)))
            assert (one.status, one.records) == (other.status, other.records), (name, kind)


OWNERS_WITH_WILDCARDS = st.sampled_from(["z.test", "a.z.test", "b.a.z.test", "*.z.test", "*.a.z.test"])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(OWNERS_WITH_WILDCARDS, TYPES), min_size=1, max_size=6, unique=True))
def test_setting_equals_a_zone_with_the_record_in_it_wildcards_and_all(keys: list[tuple[str, str]]) -> None:
    # no two records say the same: what says the same as a wildcard cannot be told from it
    records = {
        (name, kind): [f"192.0.2.{n}" if kind == "A" else b"%d" % n] for n, (name, kind) in enumerate(keys)
    }
    *_, change = records.items()
    overlay = OverlayResolver(dict([change]), over=ZoneResolver.from_records(dict([*records.items()][:-1])))
    merged = ZoneResolver.from_records(records)
    for name in ("z.test", "a.z.test", "b.a.z.test", "c.z.test", "*.z.test", "x.a.z.test", "y.x.a.z.test"):
        for kind in ("A", "TXT", "MX"):
            one = drive(overlay.resolve(Question(name, kind)))
            other = drive(merged.resolve(Question(name, kind)))
            assert (one.status, one.records) == (other.status, other.records), (name, kind)
