"""Domain names: normal form, IDNA, the tree walk, public suffixes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth import names
from tests.conformance import suite


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),  # IDNA 2008, not "fass"
        ("_dmarc.bücher.example", "_dmarc.xn--bcher-kva.example"),  # an underscore beside an umlaut
        ("example。com。", "example.com"),  # UTS 46: other full stops
        ("xn--zzzzzz--.example", "xn--zzzzzz--.example"),  # no U-label, but a name in DNS
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        ("a" * 64 + ".example", None),
        (".".join(["a" * 49] * 5), ".".join(["a" * 49] * 5)),  # 249 octets
        (".".join(["a" * 50] * 5), None),  # 254 octets
        ("", None),
        (".", None),
        ("..", None),
        ("a..example", None),
        (".example", None),
        ("tab\t.example", None),
        ("nul\x00.example", None),
        ("\u200d.example", None),  # a joiner that joins nothing
        ("ä" * 64 + ".example", None),
        ("ä" * 100_000, None),
    ],
)
def test_normal_form(written: str, normal: str | None) -> None:
    assert names.normalise(written) == normal


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("Mail.Example.com", "mail.example.com"),
        ("localhost", None),
        ("_dmarc.example.com", None),
        ("-a.example.com", None),
        ("a-.example.com", None),
        ("192.0.2.1", None),
        ("a b.example.com", None),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_name_is_stricter(written: str, host: str | None) -> None:
    assert names.hostname(written) == host


@pytest.mark.parametrize(
    ("written", "domain"),
    [
        ("Mail.Example.com", "mail.example.com"),
        ("a_b.example.com", "a_b.example.com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("-a.example.com", None),
        ("localhost", None),
        ("192.0.2.1", None),
        ("a b.example.com", None),
    ],
)
def test_the_domain_of_an_address_may_have_underscores(written: str, domain: str | None) -> None:
    assert names.mail_domain(written) == domain


@given(st.text(alphabet="aZ1-_.ßüİ。xn\u200d\u0661 \t\x00אa", max_size=40))
def test_normalising_is_idempotent_and_never_raises(written: str) -> None:
    normal = names.normalise(written)
    names.hostname(written)
    if normal is not None:
        assert names.normalise(normal) == normal
        assert normal.isascii()
        names.display(normal)
        assert names.is_below(normal, names.public_suffix(normal))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("xn--bcher-kva.example", "bücher.example"),
        ("example.com", "example.com"),
        ("xn--zzzzzz--.xn--bcher-kva.example", "xn--zzzzzz--.bücher.example"),  # only what can be decoded
    ],
)
def test_display(name: str, shown: str) -> None:
    assert names.display(name) == shown


@pytest.mark.parametrize(
    ("name", "ancestor", "below"),
    [
        ("example.com", "example.com", True),
        ("a.b.example.com", "example.com", True),
        ("badexample.com", "example.com", False),  # whole labels
        ("com", "example.com", False),
    ],
)
def test_is_below(name: str, ancestor: str, below: bool) -> None:
    assert names.is_below(name, ancestor) == below


def test_the_walk_of_the_rfc_example() -> None:  # RFC 9989 4.10
    assert names.walk("a.b.c.d.e.f.g.h.i.j.mail.example.com") == (
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    )


@pytest.mark.parametrize(
    ("labels", "questions"),
    [(1, 1), (2, 2), (6, 6), (7, 7), (8, 8), (9, 8), (10, 8), (11, 8), (100, 8)],
)
def test_a_walk_asks_at_most_eight_names(labels: int, questions: int) -> None:
    walked = names.walk(".".join(f"l{number}" for number in range(labels)))

    assert len(walked) == questions
    assert len(set(walked)) == questions
    if labels >= 8:
        assert walked[1].count(".") == 6  # seven labels


def psl_cases() -> list[Any]:
    try:
        data = suite("psl")
    except pytest.skip.Exception:
        return []
    return [pytest.param(c["input"], c["registrable_domain"], id=str(c["input"])) for c in data["cases"]]


@pytest.mark.parametrize(("name", "registrable"), psl_cases())
def test_registrable_domain_as_the_list_itself_tests_it(name: str | None, registrable: str | None) -> None:
    normal = names.normalise(name or "")

    found = None if normal is None else names.registrable(normal)

    assert found == (registrable and names.normalise(registrable))


def mox_cases() -> list[Any]:
    try:
        data = suite("psl", "mox_cases.json")
    except pytest.skip.Exception:
        return []
    # The private section counts for us (RFC 7489 erratum 6729 leaves it open), theirs is left out
    rules = [line.strip() for line in data["list"].splitlines()]
    rules = rules[: rules.index("// ===END ICANN DOMAINS===")]
    return [pytest.param(rules, c["input"], c["organizational_domain"], id=c["input"]) for c in data["cases"]]


@pytest.mark.parametrize(("rules", "name", "organizational_domain"), mox_cases())
def test_the_algorithm_on_another_list(
    rules: list[str], name: str, organizational_domain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = frozenset(rule for rule in rules if rule and not rule.startswith("//"))
    monkeypatch.setattr(names, "_suffixes", lambda: wanted)
    names.public_suffix.cache_clear()
    normal = names.normalise(name)
    try:
        assert normal is not None
        found = names.registrable(normal) or normal  # a public suffix is its own organizational domain
    finally:
        names.public_suffix.cache_clear()

    assert found == names.normalise(organizational_domain)


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("shop.example.co.uk", "co.uk"),
        ("me.blogspot.com", "blogspot.com"),  # the private section counts
        ("a.b.ck", "b.ck"),  # a wildcard rule
        ("a.www.ck", "ck"),  # and its exception
        ("name.unlisted", "unlisted"),  # the default rule
        ("a.xn--55qx5d.cn", "xn--55qx5d.cn"),  # the list is in U-labels
        ("xn--x.xn--55qx5d.cn", "xn--55qx5d.cn"),  # a label beside it that is no U-label
        ("com", "com"),
    ],
)
def test_public_suffix(name: str, suffix: str) -> None:
    assert names.public_suffix(name) == suffix
