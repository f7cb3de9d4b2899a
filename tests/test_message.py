"""What a message says of itself: author, way, envelope, what others found."""

from __future__ import annotations

import time

import pytest
from authres import all_features
from authres.core import AuthenticationResultsHeader
from hypothesis import given
from hypothesis import strategies as st

from senderauth.message import (
    MethodResult,
    Trusted,
    client_hop,
    has_too_many_fields,
    messages,
    parse_received,
    read_author,
    read_message,
    read_results,
    write_results,
)

AUTHORS = [
    ("a@example.com", "one", "example.com"),
    (" Jane <jane@Example.COM>", "one", "example.com"),
    ('"Jane, of Example" <jane@example.com>', "one", "example.com"),
    ('"a@evil.example" <jane@example.com>', "one", "example.com"),
    ("a@evil.example <jane@example.com>", "one", "example.com"),
    ("(x@evil.example) jane@example.com", "one", "example.com"),
    ("jane(x)@(y)example(z).com(end)", "one", "example.com"),
    ("jane @ example . com", "one", "example.com"),
    ("=?utf-8?q?J=C3=A4ne?= <jane@example.com>", "one", "example.com"),
    ("=?utf-8?q?x=40evil=2Eexample=3E?= <jane@example.com>", "one", "example.com"),
    ("=?utf-8?q?jane=40example.com?=", "broken", None),
    ('"jane@evil.example"@example.com', "one", "example.com"),
    ('"jane doe"@example.com', "one", "example.com"),
    ('"jane\\"@evil.example"@example.com', "one", "example.com"),
    ("jane doe@example.com", "broken", None),
    ("<@relay.example:jane@example.com>", "one", "example.com"),
    ("<@one.example,@two.example:jane@example.com>", "one", "example.com"),
    ("jane@münchen.example", "one", "xn--mnchen-3ya.example"),
    ("jäne@example.com", "one", "example.com"),
    ("jane@example.com.", "one", "example.com"),
    ("a..b@example.com", "one", "example.com"),
    ("jane@example..com", "broken", None),
    ("jane@[192.0.2.1]", "broken", None),
    ("jane@[192.0.2.1].example.com", "broken", None),
    ("jane@localhost", "broken", None),
    ("jane@evil.example@example.com", "broken", None),
    ("<jane@evil.example> <jane@example.com>", "broken", None),
    ("<jane@example.com> x", "broken", None),
    ("<<jane@example.com>>", "broken", None),
    ("Jane <jane@example.com", "broken", None),
    ('"Jane <jane@example.com>', "broken", None),
    ("(Jane <jane@example.com>", "broken", None),
    ("jane@example.com)", "broken", None),
    ("jane\\@evil.example@example.com", "broken", None),
    ("jane@example.com\x00.evil.example", "broken", None),
    ("Jane", "broken", None),
    ("", "empty", None),
    (" , ,", "empty", None),
    ("undisclosed:;", "empty", None),
    ("Jane <jane@mail_2.example.com>", "one", "mail_2.example.com"),  # RFC 5322 3.2.3
    ("Team: jane@example.com;", "one", "example.com"),
    ("Team: jane@example.com, joe@example.com;", "same-domain", "example.com"),
    ("Team: jane@example.com", "broken", None),
    ("a@evil.example: jane@example.com;", "broken", None),
    ("jane@example.com, joe@EXAMPLE.com", "same-domain", "example.com"),
    ("jane@example.com, joe@sub.example.com", "several", None),
    ("jane@example.com, joe@evil.example", "several", None),
    ("jane@example.com, broken", "broken", None),
    ("jane@example.com;", "broken", None),
    ("jane@example\xa0.com", "broken", None),  # RFC 6532 3.2: only SP and HTAB are white space
    ("jane@example.com\u2028.evil.example", "broken", None),
    ("Jane\xa0Doe <jane@example.com>", "one", "example.com"),
    ("jane\t@example.com", "one", "example.com"),
]


@pytest.mark.parametrize(("value", "state", "domain"), AUTHORS)
def test_from_has_a_defined_author_or_none(value: str, state: str, domain: str | None) -> None:
    author = read_author([value.encode()])

    assert (author.state, author.domain) == (state, domain)
    assert author.reason.id == f"message-from-{state}"


def test_no_from_and_several_have_no_author_domain() -> None:
    assert read_author([]).state == "missing"
    two = read_author([b"a@example.com", b"b@example.com"])
    assert (two.state, two.domain, two.fields) == ("several-fields", None, 2)


def test_octets_that_are_no_text_never_make_a_domain() -> None:
    assert read_author([b"jane@exa\xffmple.com"]).domain is None
    assert read_author([b"j\xffne <jane@example.com>"]).domain == "example.com"
    assert read_author([b"x" * 100_000 + b"@example.com"]).state == "broken"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('"service@bank.example" <x@evil.example>', "bank.example"),
        ("=?utf-8?b?c2VydmljZUBiYW5rLmV4YW1wbGU=?= <x@evil.example>", "bank.example"),
        ('"x@mail.evil.example" <x@evil.example>', None),
        ('"Jane" <x@evil.example>', None),
    ],
)
def test_a_display_name_that_looks_like_another_address_is_told(value: str, shown: str | None) -> None:
    found = {f.id: f.evidence for f in read_author([value.encode()]).findings}

    assert found.get("message-display-name-address", {}).get("shown") == shown


@given(st.text('ab@.,:;<>()[]"\\ \t=?\u00e4\u202e', max_size=40))
def test_an_author_domain_is_always_one_that_stands_in_the_field(value: str) -> None:
    author = read_author([value.encode()])

    if author.domain is not None:
        assert author.state in ("one", "same-domain")
        assert author.domain.isascii()
        assert all(box.domain == author.domain for box in author.mailboxes)


POSTFIX = (
    "from out.example.net (out.example.net [203.0.113.9])\r\n\t(using TLSv1.3 with cipher X (256/256 bits))"
    "\r\n\tby mx.example.org (Postfix) with ESMTPS id 4F7B2 for <u@example.org>; Mon, 23 Nov 2026 10:00"
)
RECEIVED = {
    "postfix": (POSTFIX, "mx.example.org", "203.0.113.9", "out.example.net", "out.example.net", True),
    "postfix without reverse name": (
        "from helo.example (unknown [203.0.113.9]) by mx.example.org (Postfix) with ESMTP id 1; Mon",
        "mx.example.org", "203.0.113.9", "helo.example", "", False,
    ),
    "postfix, IPv6": (
        "from helo.example (r.example [IPv6:2001:db8::9]) by mx.example.org (Postfix) with ESMTP id 1; Mon",
        "mx.example.org", "2001:db8::9", "helo.example", "r.example", True,
    ),
    "exim": (
        "from r.example ([203.0.113.9] helo=helo.example) by mx.example.org with esmtps (TLS1.3) tls X "
        "(Exim 4.96) (envelope-from <b@example.net>) id 1abc-00 for u@example.org; Mon",
        "mx.example.org", "203.0.113.9", "helo.example", "r.example", True,
    ),
    "exim, HELO is the reverse name": (
        "from r.example ([203.0.113.9]) by mx.example.org with esmtp (Exim 4.96) id 1; Mon",
        "mx.example.org", "203.0.113.9", "r.example", "r.example", True,
    ),
    "exim without reverse name": (
        "from [203.0.113.9] (port=4711 helo=helo.example) by mx.example.org with esmtp (Exim 4.96) id 1; Mon",
        "mx.example.org", "203.0.113.9", "helo.example", "", False,
    ),
    "sendmail": (
        "from helo.example (r.example [203.0.113.9]) by mx.example.org (8.17.1/8.17.1) with ESMTP id 1; Mon",
        "mx.example.org", "203.0.113.9", "helo.example", "r.example", True,
    ),
    "sendmail, forged": (
        "from helo.example (r.example [203.0.113.9] (may be forged)) by mx.example.org (8.17.1/8.17.1) "
        "with ESMTP id 1; Mon",
        "mx.example.org", "203.0.113.9", "helo.example", "r.example", False,
    ),
    "qmail": (
        "from unknown (HELO helo.example) (203.0.113.9) by mx.example.org with SMTP; 23 Nov 2026",
        "mx.example.org", "203.0.113.9", "helo.example", "", False,
    ),
    "qmail, with a name": (
        "from r.example (HELO helo.example) (joe@203.0.113.9) by mx.example.org with SMTP; 23 Nov 2026",
        "mx.example.org", "203.0.113.9", "helo.example", "r.example", False,
    ),
    "exchange": (
        "from helo.example (203.0.113.9) by AM1.mail.protection.outlook.com (10.1.2.3) with Microsoft SMTP "
        "Server (version=TLS1_3, cipher=X) id 15.20.1.2 via Frontend Transport; Mon",
        "am1.mail.protection.outlook.com", "203.0.113.9", "helo.example", "", False,
    ),
    "exchange, inside": (
        "from A.prod.outlook.com (2603:10a6:20b::5) by B.prod.outlook.com (2603:10a6:10::7) with Microsoft "
        "SMTP Server (version=TLS1_2, cipher=X) id 15.20; Mon",
        "b.prod.outlook.com", "2603:10a6:20b::5", "A.prod.outlook.com", "", False,
    ),
    "gmail": (
        "from helo.example (r.example. [203.0.113.9]) by mx.google.com with ESMTPS id a1 for <u@gmail.com> "
        "(version=TLS1_3 cipher=X bits=256/256); Mon",
        "mx.google.com", "203.0.113.9", "helo.example", "r.example", False,
    ),
    "gmail, inside": ("by 2002:a05:6214:1c8 with SMTP id q8; M", "2002:a05:6214:1c8", None, "", "", False),
    "the client's HELO is an address of its choice": (
        "from [127.0.0.1] (unknown [203.0.113.9]) by mx.example.org (Postfix) with ESMTP id 1; Mon",
        "mx.example.org", "203.0.113.9", "127.0.0.1", "", False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RECEIVED.values(), ids=RECEIVED)
def test_received_of_the_common_programs(case: tuple[str, str, str | None, str, str, bool]) -> None:
    text, *expected = case
    hop = parse_received(text.encode())

    assert [hop.by, hop.address, hop.helo, hop.name, hop.verified] == expected


FORGED = [
    "from x(evil [192.0.2.66]) (unknown [203.0.113.9]) by mx.example (Postfix) with ESMTP id 1; M",
    "from x (a [192.0.2.66]) by mx.evil (unknown [203.0.113.9]) by mx.example (Postfix) with ESMTP id 1; M",
    "from x.by.y (unknown [203.0.113.9]) by mx.example (Postfix) with ESMTP id 1; M",
    "from [203.0.113.9] (helo=[192.0.2.66]) by mx.example with esmtp (Exim 4.96) id 1; M",
    "from r.example ([203.0.113.9]:47 helo=[192.0.2.66]) by mx.example with esmtp (Exim 4.96) id 1; M",
    "from [192.0.2.66] (r.example [203.0.113.9]) by mx.example (8.17.1/8.17.1) with ESMTP id 1; M",
    "from h (192.0.2.66@r.example [203.0.113.9]) by mx.example (8.17.1/8.17.1) with ESMTP id 1; M",
    "from h (r.example [203.0.113.9]) (authenticated bits=0) by mx.a.example (8.17.1/8.17.1) with ESMTP; M",
    "from 192.0.2.66 (203.0.113.9) by mx.outlook.com (10.1.2.3) with Microsoft SMTP Server id 15; M",
    "from a (192.0.2.66) (203.0.113.9) by mx.outlook.com (10.1.2.3) with Microsoft SMTP Server id 15; M",
    "from [192.0.2.66] ([203.0.113.9]) by mx.google.com with ESMTPS id a1; M",
    "from unknown (HELO [192.0.2.66]) (203.0.113.9) by mx.example with SMTP; M",
    "from unknown (HELO evil) (192.0.2.66) (203.0.113.9) by mx.example with SMTP; M",
    "from 203.0.113.9 (EHLO 192.0.2.66) (203.0.113.9) by 10.1.2.3 with SMTPs; M",
]


@pytest.mark.parametrize("text", FORGED)
def test_what_a_client_says_in_helo_is_never_taken_for_its_address(text: str) -> None:
    assert parse_received(text.encode()).address == "203.0.113.9"


def test_a_program_named_in_helo_makes_no_name_verified() -> None:
    text = b"from Exim.mx.example.org ([203.0.113.9]) by mx.example.org with SMTP id 1; M"
    assert not parse_received(text).verified
    assert client_hop([parse_received(text)], Trusted()) is not None


def test_the_reverse_path_that_exim_notes_is_read() -> None:
    assert parse_received(RECEIVED["exim"][0].encode()).sender == "b@example.net"


def hops(*names: str) -> list:  # type: ignore[type-arg]
    return [parse_received(RECEIVED[name][0].encode(), index) for index, name in enumerate(names)]


@pytest.mark.parametrize(
    ("way", "trusted", "index"),
    [
        (["postfix", "exim"], [], 0),
        (["gmail, inside", "gmail"], [], 1),
        (["exchange, inside", "exchange, inside", "exchange"], [], 2),
        (["postfix", "exim"], ["203.0.113.0/24"], None),
        (["postfix", "exim"], ["out.example.net"], 1),
        (["postfix", "exim"], ["example.net"], 1),
        (["qmail, with a name", "exim"], ["r.example"], 0),  # a name nobody verified is worth nothing
        (["gmail, inside"], [], None),
    ],
)
def test_the_client_is_whom_our_border_saw(way: list[str], trusted: list[str], index: int | None) -> None:
    found = client_hop(hops(*way), Trusted.parse(trusted))

    assert (found.index if found else None) == index


def test_own_hosts_by_verified_name_are_passed_over() -> None:
    inner = b"from x (mx.example.org [198.51.100.1]) by store.example.org (Postfix) with ESMTP id 1; M"
    found = client_hop([parse_received(inner), parse_received(POSTFIX.encode(), 1)], Trusted())
    assert found is not None
    assert found.index == 1


def test_a_client_without_address_ends_the_search() -> None:
    strange = parse_received(b"from somebody by mx.example.org with SMTP id 1; M")
    assert client_hop([strange, parse_received(POSTFIX.encode(), 1)], Trusted()) is None


def test_what_is_no_network_and_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match="trusted"):
        Trusted.parse(["not a name"])


MAIL = (
    "Return-Path: <bounce@example.net>\r\nReceived: " + POSTFIX + "\r\nFrom: a@example.com\r\n"
    "Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nSubject: =?utf-8?q?h=C3=A9?=\r\n\r\nbody\r\n"
).encode()


def test_the_envelope_is_read_from_the_trace() -> None:
    facts = read_message(MAIL)
    envelope = facts.envelope

    assert (envelope.address, envelope.address_origin, envelope.hop) == ("203.0.113.9", "received", 0)
    assert (envelope.helo, envelope.helo_origin) == ("out.example.net", "received")
    assert (envelope.mail_from, envelope.mail_from_origin) == ("bounce@example.net", "return-path")
    assert envelope.written_by == "mx.example.org"
    assert (facts.subject, facts.date) == ("hé", 1795428000)


def test_what_the_caller_knows_goes_first() -> None:
    envelope = read_message(MAIL, ip="198.51.100.7", mail_from="", helo="h.example").envelope
    assert (envelope.address, envelope.mail_from, envelope.helo) == ("198.51.100.7", "", "h.example")
    assert {envelope.address_origin, envelope.mail_from_origin, envelope.helo_origin} == {"given"}


def test_a_given_address_takes_no_helo_from_a_field_about_another_one() -> None:
    assert read_message(MAIL, ip="198.51.100.7").envelope.helo is None
    assert read_message(MAIL, ip="203.0.113.9").envelope.helo == "out.example.net"


def test_received_spf_above_the_next_hop_is_preferred() -> None:
    noted = b"Received-SPF: pass client-ip=203.0.113.77; envelope-from=<v@a.ex>; helo (y)\r\n =q.ex;\r\n"
    envelope = read_message(noted + MAIL).envelope
    assert (envelope.address, envelope.address_origin) == ("203.0.113.77", "received-spf")
    assert (envelope.helo, envelope.mail_from) == ("q.ex", "bounce@example.net")


@pytest.mark.parametrize("written", [b"<>", b'""', b'"<>"'])
def test_a_null_path_in_received_spf(written: bytes) -> None:
    noted = b"Received-SPF: none client-ip=203.0.113.77; envelope-from=" + written + b"; helo=q.example\r\n"
    envelope = read_message(noted + MAIL.replace(b"Return-Path", b"X-Path")).envelope
    assert (envelope.mail_from, envelope.mail_from_origin) == ("", "received-spf")


def test_the_zone_of_an_address_is_left_out() -> None:
    noted = b"Received-SPF: none (x) client-ip=fe80::1%eth0; helo=q.example;\r\n"
    assert read_message(noted + MAIL).envelope.address == "fe80::1"


def test_received_spf_that_came_with_the_message_is_hearsay() -> None:
    head, body = MAIL.split(b"From: ")
    forged = head + b"Received: from x by y; M\r\nReceived-SPF: pass client-ip=192.0.2.66\r\nFrom: " + body
    assert read_message(forged).envelope.address == "203.0.113.9"


def test_received_spf_right_below_the_border_may_be_the_senders_own() -> None:
    head, body = MAIL.split(b"From: ")
    forged = head + b"Received-SPF: pass client-ip=192.0.2.66; helo=evil.example\r\nFrom: " + body
    envelope = read_message(forged).envelope
    assert (envelope.address, envelope.helo) == ("203.0.113.9", "out.example.net")


def test_a_message_without_trace_has_no_envelope() -> None:
    envelope = read_message(b"From: a@example.com\n\nx").envelope
    assert (envelope.address, envelope.helo, envelope.mail_from) == (None, None, None)


RESULTS = [
    (
        b"mx.example.org; dkim=pass header.d=example.com header.s=s1; spf=pass (a designates 203.0.113.9 as "
        b"permitted sender) smtp.mailfrom=b@example.com; dmarc=pass (p=REJECT) header.from=example.com",
        "mx.example.org", ["dkim", "spf", "dmarc"], "203.0.113.9",
    ),
    (
        b"spf=pass (sender IP is 203.0.113.9)\r\n smtp.mailfrom=a.example; dkim=pass (ok) header.d=a.example;"
        b"dmarc=pass action=none header.from=hotmail.com;compauth=pass reason=100",
        "", ["spf", "dkim", "dmarc", "compauth"], "203.0.113.9",
    ),
    (b"mx.example.org; none", "mx.example.org", [], None),
    (b"mx.example.org 1; iprev=pass policy.iprev=203.0.113.9", "mx.example.org", ["iprev"], "203.0.113.9"),
    (b"mx.example.org; dkim=fail (" + b"(" * 3_000 + b"x", "mx.example.org", ["dkim"], None),
    (b'"MX of; us" 1 (c); spf=pass', "mx of; us", ["spf"], None),
    (b"mx.example.org; spf=; junk junk; dmarc=pass; none", "mx.example.org", ["dmarc"], None),
    (b"mx.example.org; spf=pass smtp.mailfrom=<>; dkim=none", "mx.example.org", ["spf", "dkim"], None),
    (b"mx.example.org; dkim/2=pass; spf/1=pass; arc / 01 (x) = pass", "mx.example.org", ["spf", "arc"], None),
    (b"mx.example.org; bimi=pass policy.authority-uri=https://x.example/y?z=1; spf=none", "mx.example.org",
     ["bimi", "spf"], None),
    ("mx.bücher.example; spf=pass smtp.mailfrom=ü@b.example".encode(), "mx.bücher.example", ["spf"], None),
    (b'mx.example.org; dkim=fail reason="a; ;;b=c \\"; spf=none" header.d=b.example', "mx.example.org",
     ["dkim"], None),
    (b"mx.example.org; " + b'x=y z="' * 2_000, "mx.example.org", ["x"], None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "authserv_id", "methods", "client"), RESULTS)
def test_authentication_results_as_they_come(
    value: bytes, authserv_id: str, methods: list[str], client: str | None
) -> None:
    (field,) = read_results([("authentication-results", value)])

    assert field.authserv_id == authserv_id
    assert [result.method for result in field.results] == methods
    assert field.client == client


@pytest.mark.parametrize(
    "value",
    [
        "mx.example; dkim=pass header.d=a.b header.i=@a.example header.b=aB3+; dmarc=fail header.from=a",
        'mx.example 1; dkim/1 = fail reason="no; key" header . d = a.b; iprev=pass policy.iprev=192.0.2.1',
        'mx.example; auth=pass smtp.auth="jane doe"; spf=none smtp.mailfrom=; x-tls=pass smtp.bits=256/256',
        "MX.Example; DKIM=Pass Header.D=A.example; dmarc=pass action=none header.from=a.example",
    ],
)
def test_our_reading_of_results_is_that_of_authres(value: str) -> None:
    (ours,) = read_results([("authentication-results", value.encode())])
    theirs = AuthenticationResultsHeader.parse_value(all_features(), value)

    assert ours.authserv_id == theirs.authserv_id
    assert [(one.method, one.result, one.reason) for one in ours.results] == [
        (one.method, one.result, one.reason or "") for one in theirs.results
    ]
    assert [one.properties for one in ours.results] == [
        tuple((f"{each.type}.{each.name}".lower(), each.value or "") for each in one.properties)
        for one in theirs.results
    ]


def test_results_are_read_in_linear_time() -> None:
    for piece in (b'"', b'\\"', b'a.b="', b"a=b;", b" .", b"a . ", b"x" * 50, b"(", b"=", b"reason = "):
        start = time.process_time()
        read_results([("authentication-results", b"mx; x=y " + piece * 8_000)] * 10)
        assert time.process_time() - start < 2


def test_the_instance_of_an_arc_field_is_read() -> None:
    (field,) = read_results(
        [("arc-authentication-results", b"i=2; mx.example.org; dkim=pass header.d=x.example")]
    )
    assert (field.instance, field.authserv_id) == (2, "mx.example.org")


def test_what_is_written_can_be_read_and_cannot_break_out() -> None:
    hostile = 'x"\r\nBcc: evil@example.com; dkim=pass'
    written = write_results(
        "mx.example.org",
        [
            MethodResult("spf", "pass", (("smtp.mailfrom", "u@example.com"),), ""),
            MethodResult("dkim", "fail", (("header.d", hostile),), hostile),
        ],
    )
    assert "\r\nBcc" not in written
    (field,) = read_results([("authentication-results", written.partition(":")[2].encode())])
    assert [(result.method, result.result) for result in field.results] == [("spf", "pass"), ("dkim", "fail")]
    assert write_results("mx.example.org", ()).endswith("none\r\n")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("example.com", "example.com"),
        ("aB+cd", "aB+cd"),
        ("aB/cd", '"aB/cd"'),  # no token (RFC 2045 5.1)
        ("aB=", '"aB="'),
        ("@example.com", "@example.com"),
        ("a/b=c@example.com", "a/b=c@example.com"),  # an address
        ("a@b@example.com", '"a@b@example.com"'),
        ("2001:db8::1", '"2001:db8::1"'),
        ("", '""'),
    ],
)
def test_values_are_written_as_tokens_addresses_or_strings(value: str, written: str) -> None:
    result = MethodResult("x", "pass", (("header.b", value),), "")
    assert write_results("mx", [result]).endswith(f"header.b={written}\r\n")
    (field,) = read_results([("authentication-results", f"mx; x=pass header.b={written}".encode())])
    assert field.results == (result,)


@pytest.mark.parametrize(
    ("message", "too_many"),
    [
        (b"A: b\n" * 5 + b"\n" + b"line\n" * 9, False),
        (b"A: b\r\n" * 6 + b"\r\nbody", True),
        (b"A: b\n" * 6, True),
        (b"A: b\n" + b" folded\n" * 9 + b"\tfolded\n\n", False),
    ],
)
def test_fields_of_a_header_are_counted_before_it_is_taken_apart(message: bytes, too_many: bool) -> None:
    assert has_too_many_fields(message, 5) is too_many


def test_an_mbox_is_read_message_by_message() -> None:
    box = b"From a Mon\nSubject: 1\n\n>From x\nFrom y\n\nFrom b Tue\r\nSubject: 2\r\n\r\nz\r\n\r\n"
    assert [(n, m) for n, m, _ in messages(box.splitlines(keepends=True))] == [
        (2, b"Subject: 1\n\nFrom x\nFrom y\n"),
        (8, b"Subject: 2\r\n\r\nz\r\n"),
    ]


def test_a_message_alone_is_itself() -> None:
    mail = b"Subject: 1\n\nFrom x\n\nFrom y\n"
    assert [m for _, m, _ in messages(mail.splitlines(keepends=True))] == [mail]
    assert [m for _, m, _ in messages([])] == [b""]


def test_a_message_beyond_the_bound_is_cut_and_says_so() -> None:
    ((_, kept, cut),) = messages([b"a" * 10, b"b" * 10], limit=12)
    assert (len(kept), cut) == (13, True)


@given(st.binary(max_size=300))
def test_no_header_raises(data: bytes) -> None:
    for name in (b"From", b"Received", b"Authentication-Results", b"Return-Path", b"Received-SPF", b"Date"):
        read_message(name + b": " + data + b"\n\nx")
