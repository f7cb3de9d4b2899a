"""What a user may give as facts of a send, and what each becomes."""

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senderauth.simulation import Scenario, ScenarioError, parse_signer
from senderauth.simulation.scenario import parse_address, parse_host


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@example.com", "a@example.com"),
        ("example.com", "example.com"),
        (" Shop@Example.COM. ", "Shop@example.com"),
        ("<a@example.com>", "a@example.com"),
        ('"a b@c"@example.com', '"a b@c"@example.com'),
        ("jörg@müller.example", "jörg@xn--mller-kva.example"),
        ("a@bücher.example", "a@xn--bcher-kva.example"),
        ("a@news_2.example.com", "a@news_2.example.com"),  # RFC 5322 3.2.3; DNS knows such names
        ("a+b=c/d@mail.example.co.uk", "a+b=c/d@mail.example.co.uk"),
    ],
)
def test_an_address_is_kept_and_its_domain_is_brought_to_normal_form(text: str, address: str) -> None:
    assert str(parse_address("author", text)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "localhost",
        "a@localhost",
        "a@",
        "@example.com",
        "a b@example.com",
        "a..b@example.com",
        ".a@example.com",
        "a@exa mple.com",
        "a@-example.com",
        "a@example.123",
        "a@192.0.2.1",
        "a@[192.0.2.1]",
        "a\x1b[31m@example.com",
        "a\n@example.com",
        "a@" + "x" * 64 + ".example",
        "a@" + "x." * 130 + "example",
        "x" * 65 + "@example.com",
        "Jan <a@example.com>",
        "a@example..com",
    ],
)
def test_what_is_no_address_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(ScenarioError) as error:
        Scenario(text, hosts=("192.0.2.1",))
    assert error.value.field == "author"
    assert "\x1b" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("192.0.2.1", ip_address("192.0.2.1")),
        ("::ffff:192.0.2.1", ip_address("192.0.2.1")),  # RFC 7208 5
        ("[192.0.2.1]", ip_address("192.0.2.1")),
        ("[IPv6:2001:db8::1]", ip_address("2001:db8::1")),
        ("2001:DB8:0::1", ip_address("2001:db8::1")),
        ("Mail.Example.COM.", "mail.example.com"),
        ("mail.bücher.example", "mail.xn--bcher-kva.example"),
    ],
)
def test_a_host_is_an_address_or_a_name(text: str, host: object) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text", ["", "192.0.2.256", "fe80::1%eth0", "mail", "a_b.example.com", "x y", "\x00"]
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError) as error:
        Scenario("a@example.com", hosts=(text,))
    assert error.value.field == "host"


@pytest.mark.parametrize(
    ("text", "signer"),
    [
        ("example.com", ("example.com", None)),
        ("Example.com:S1", ("example.com", "s1")),
        ("example.com:2024.mail", ("example.com", "2024.mail")),
    ],
)
def test_a_signer_is_a_domain_with_or_without_selector(text: str, signer: object) -> None:
    assert parse_signer(text) == signer


@pytest.mark.parametrize(
    "text", ["example", "example.com:", "example.com:a b", "example.com:a..b", ":s1", "a@b.c:"]
)
def test_what_is_no_signer_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError) as error:
        parse_signer(text)
    assert error.value.field == "dkim"


def test_a_return_path_at_a_bare_host_is_a_fact() -> None:
    """SPF says none of it (RFC 7208 4.3); an author there is none that anybody could check."""
    assert str(Scenario("a@example.com", (), "root@Web01").mail_from_address) == "root@web01"
    for mail_from in ("web01", "root@-x", "root@[192.0.2.1]"):
        with pytest.raises(ScenarioError):
            Scenario("a@example.com", (), mail_from)


@pytest.mark.parametrize("mail_from", ["", "<>"])
def test_the_null_reverse_path_may_be_written_in_two_ways(mail_from: str) -> None:
    assert Scenario("a@example.com", mail_from=mail_from).mail_from_address is None


def test_the_reverse_path_is_the_authors_where_nobody_said() -> None:
    assert str(Scenario("a@example.com").mail_from_address) == "a@example.com"


def test_hosts_given_as_one_text_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ScenarioError, match="tuple"):
        Scenario("a@example.com", hosts="192.0.2.1")  # type: ignore[arg-type]


@given(st.text(max_size=300))
def test_any_text_is_an_address_or_a_scenario_error(text: str) -> None:
    refused = None
    try:
        address = parse_address("author", text)
    except ScenarioError as error:
        refused = str(error)
    if refused is not None:
        assert refused.isprintable()
    else:
        assert parse_address("author", str(address)) == address


@pytest.mark.parametrize(
    "signers",
    [
        ("ab",),
        ("example.com", "s1"),
        (("example.com",),),
        (("example.com", "s1", "x"),),
        "example.com",
        (None,),
    ],
)
def test_signers_are_pairs(signers: Any) -> None:
    with pytest.raises(ScenarioError, match="domain, selector") as error:
        Scenario("a@example.com", signers=signers)
    assert error.value.field == "dkim"
