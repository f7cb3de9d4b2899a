"""The lean readers of DNS messages are equal to dnspython on everything that they take."""

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senderauth.dns import guest, wire
from senderauth.dns.glance import glance

NAMES = st.sampled_from(
    [
        "example.com",
        "a.example.com",
        "B.Example.COM",
        "c.test",
        "x--y_z.c.test",
        r"od\.d.test",
        r"\007.test",
        "",
    ]
)
OWNERS = st.sampled_from(["example.com", "a.example.com", "c.test", "B.Example.COM", ""])
TTLS = st.integers(0, 90_000)
OCTETS = st.binary(max_size=20)


@st.composite
def _rrsets(draw: st.DrawFn, kinds: str) -> dns.rrset.RRset:
    kind = draw(st.sampled_from(kinds.split()))
    number = draw(st.integers(0, 65_535))

    def text() -> str:
        host = draw(NAMES) + "."
        match kind:
            case "A":
                return ".".join(str(octet) for octet in draw(st.binary(min_size=4, max_size=4)))
            case "AAAA":
                return draw(st.ip_addresses(v=6).map(str))
            case "MX":
                return f"{number} {host}"
            case "TXT":
                parts = draw(st.lists(OCTETS, min_size=1, max_size=3))
                return " ".join('"' + "".join(f"\\{octet:03d}" for octet in part) + '"' for part in parts)
            case "SOA":
                return f"{host} {draw(NAMES)}. {number} 2 3 4 {draw(TTLS)}"
            case "SRV":
                return f"1 2 {number} {host}"
        return host

    texts = [text() for _ in range(draw(st.integers(1, 3)))]
    return dns.rrset.from_text_list(draw(OWNERS) + ".", draw(TTLS), "IN", kind, texts)


@st.composite
def messages(draw: st.DrawFn) -> tuple[dns.message.Message, str, str]:
    """A response, and the question that it is to. Not as octets: dnspython shuffles records in them."""
    name = draw(OWNERS.map(str.lower))
    rdtype = draw(st.sampled_from(["A", "AAAA", "MX", "TXT", "PTR", "CNAME", "NS", "SOA"]))
    query = dns.message.make_query(name + ".", rdtype, use_edns=True)
    reply = dns.message.make_response(query, recursion_available=True)
    if draw(st.booleans()):
        reply.flags |= dns.flags.AA
    reply.set_rcode(draw(st.sampled_from([0, 0, 0, 2, 3, 5, 16])))
    here = "A AAAA MX TXT PTR NS CNAME" if draw(st.booleans()) else f"{rdtype} {rdtype} CNAME SRV"
    reply.answer = draw(st.lists(_rrsets(here), max_size=4))
    reply.authority = draw(st.lists(_rrsets("SOA NS SOA TXT"), max_size=2))
    reply.additional = draw(st.lists(_rrsets("A AAAA MX"), max_size=2))
    if draw(st.booleans()):
        codes = st.sampled_from(list(dns.edns.EDECode))
        error = dns.edns.EDEOption(draw(codes), draw(st.text(min_size=1, max_size=8) | st.none()))
        reply.use_edns(0, options=[error])
        reply.set_rcode(draw(st.sampled_from([0, 2, 3])))
    return reply, name, rdtype


@st.composite
def plain_messages(draw: st.DrawFn) -> tuple[dns.message.Message, str, str]:
    """As `messages`, of the two shapes that nearly all have."""
    name = draw(st.sampled_from(["example.com", "a.example.com", "s1._domainkey.c.test", "test", ""]))
    rdtype = draw(st.sampled_from(["A", "AAAA", "MX", "TXT", "PTR", "CNAME", "NS"]))
    reply = dns.message.make_response(dns.message.make_query(name + ".", rdtype, use_edns=True))
    if draw(st.booleans()):
        rrset = draw(_rrsets(rdtype))
        rrset.name = dns.name.from_text(name + ".")
        reply.answer = [rrset]
    else:
        soa = draw(_rrsets("SOA"))
        soa.name = dns.name.from_text(
            draw(st.sampled_from([name, name.partition(".")[2], "", "b.test"])) + "."
        )
        reply.authority = draw(st.sampled_from([[soa], [soa], []]))
        reply.set_rcode(draw(st.sampled_from([0, 3])))
    return reply, name, rdtype


def _same(octets: bytes, name: str, rdtype: str) -> bool:
    """Whether the lean reader took it; then it agrees. So does the one that looks at it only shortly."""
    end = 12 + len(wire.encode_name(name) or b"") + 4
    lean = wire.read(octets, end, name, rdtype)
    if lean is not None:
        assert lean == guest.interpret(octets, name, rdtype)
    _glanced(octets, name, rdtype)
    return lean is not None


def _glanced(octets: bytes, name: str, rdtype: str) -> bool:
    """Whether a glance was enough; then it agrees with dnspython."""
    end = 12 + len(wire.encode_name(name) or b"") + 4
    seen = glance(octets, octets[12:end], name, wire.TYPES[rdtype])
    if seen is not None:
        rcode, records, strings, ttl = seen
        assert wire.Reply(rcode, records, strings, ttl) == guest.interpret(octets, name, rdtype)
    return seen is not None


@settings(max_examples=200, deadline=None)
@given(messages())
def test_generated_messages_read_alike(message: tuple[dns.message.Message, str, str]) -> None:
    reply, name, rdtype = message
    _same(reply.to_wire(max_size=65_535), name, rdtype)


@settings(max_examples=200, deadline=None)
@given(plain_messages())
def test_the_plainest_messages_read_alike(message: tuple[dns.message.Message, str, str]) -> None:
    reply, name, rdtype = message
    _same(reply.to_wire(max_size=65_535), name, rdtype)


@settings(max_examples=400, deadline=None)
@given(messages() | plain_messages(), st.data())
def test_mutated_messages_read_alike(
    message: tuple[dns.message.Message, str, str], data: st.DataObject
) -> None:
    reply, name, rdtype = message
    octets = reply.to_wire(max_size=65_535)
    end = 12 + len(wire.encode_name(name) or b"") + 4
    changed = bytearray(octets)
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(2, len(changed) - 1))
        if 12 <= at < end:
            continue  # the question was compared before
        changed[at] = data.draw(st.sampled_from([0, 1, 12, 0xC0, 0xFF]) | st.integers(0, 255))
    cut = data.draw(st.integers(end, len(changed)))
    for octets in (bytes(changed), bytes(changed[:cut])):
        _same(octets, name, rdtype)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80))
def test_octets_behind_the_question_never_raise(tail: bytes) -> None:
    section = wire.question(wire.encode_name("example.com") or b"", 1)
    _same(b"ab\x81\x80\0\1\0\2\0\1\0\1" + section + tail, "example.com", "A")


@pytest.mark.parametrize("rdtype", ["A", "AAAA", "MX", "TXT", "PTR", "CNAME", "NS", "SOA"])
def test_common_shapes_are_read_without_dnspython(rdtype: str) -> None:
    texts = {"A": "192.0.2.1", "AAAA": "::ffff:192.0.2.1", "MX": "10 mx.example.com.", "TXT": '"a" "b"'}
    texts |= {"SOA": "ns.example.com. host.example.com. 1 2 3 4 5"}
    query = dns.message.make_query("Example.com.", rdtype, use_edns=True)
    reply = dns.message.make_response(query)
    reply.answer.append(
        dns.rrset.from_text("example.com.", 60, "IN", rdtype, texts.get(rdtype, "h.example.com."))
    )
    reply.authority.append(dns.rrset.from_text("example.com.", 60, "IN", "NS", "ns.example.com."))
    reply.additional.append(dns.rrset.from_text("ns.example.com.", 60, "IN", "A", "192.0.2.53"))
    assert _same(reply.to_wire(), "example.com", rdtype)


@pytest.mark.parametrize(
    ("records", "soa", "rcode"),
    [
        (["192.0.2.1"], "", 0),
        (["192.0.2.1", "192.0.2.2"], "", 0),
        ([], "example.com.", 3),
        ([], "com.", 3),
        ([], ".", 3),
        ([], "a.example.com.", 0),
        ([], "", 0),
    ],
)
def test_a_glance_is_enough_for_plain_answers_and_denials(records: list[str], soa: str, rcode: int) -> None:
    reply = dns.message.make_response(dns.message.make_query("a.example.com.", "A", use_edns=True))
    reply.set_rcode(dns.rcode.Rcode(rcode))
    if records:
        reply.answer.append(dns.rrset.from_text("a.example.com.", 60, "IN", "A", *records))
    if soa:
        data = "ns.example.com. host.example.com. 1 2 3 4 5"
        reply.authority.append(dns.rrset.from_text(soa, 60, "IN", "SOA", data))
    assert _glanced(reply.to_wire(), "a.example.com", "A")


def test_a_glance_is_not_enough_for_anything_doubtful() -> None:
    section = wire.question(wire.encode_name("a.example.com") or b"", 1)
    good = b"ab\x81\x80\0\1\0\1\0\0\0\0" + section + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1"
    assert glance(good, section, "a.example.com", 1) == (0, ("192.0.2.1",), (), 60)
    other_case = good[:14] + good[14:].replace(b"example", b"eXample")
    for bad in (
        other_case,
        good[:2] + b"\x01" + good[3:],  # no response
        good[:2] + b"\x83" + good[3:],  # truncated
        good[:3] + b"\x82" + good[4:],  # SERVFAIL
        good[:5] + b"\2" + good[6:],  # two questions
        good[:-1],
        good[: 12 + len(section)] + b"\xc0\x0d" + good[14 + len(section) :],  # of another name
    ):
        assert glance(bad, section, "a.example.com", 1) is None


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("", b"\0"),
        ("example.com", b"\7example\3com\0"),
        (r"a\.b.com", b"\3a.b\3com\0"),
        ("a..com", None),
        (".com", None),
        ("com.", None),
        ("x" * 63 + ".com", b"\x3f" + b"x" * 63 + b"\3com\0"),
        ("x" * 64 + ".com", None),
        (".".join(["x" * 49] * 5), b"".join([b"\x31" + b"x" * 49] * 5) + b"\0"),
        (".".join(["x" * 50] * 5), None),
        ("é.com", None),
        ("\\", None),
        (r"\999.com", None),
        (r"com.\.", b"\3com\1.\0"),
        ("é", None),
        (".", None),
        ("x" * 200_000, None),
    ],
)
def test_names_to_octets(name: str, octets: bytes | None) -> None:
    for _ in range(2):  # the second time from memory
        assert wire.encode_name(name) == octets


def test_case_is_mixed_in_letters_only() -> None:
    section = wire.question(wire.encode_name("a-1_z.example") or b"", 16)
    mixed = {wire.mixed_case(section, bytes([n]) * (len(section) - 4)) for n in range(256)}
    assert len(mixed) == 2  # the bit 0x20 is thrown or not
    assert {case.lower() for case in mixed} == {section}
    assert wire.mixed_case(section, b"\xff" * (len(section) - 4)) == section[:-4].upper() + section[-4:]


@pytest.mark.parametrize(
    ("soa_ttl", "minimum", "ttl"),
    [(3600, 60, 60), (30, 600, 30), (0, 60, 0)],
)
def test_negative_ttl_is_the_smaller_of_soa_ttl_and_minimum(soa_ttl: int, minimum: int, ttl: int) -> None:
    reply = dns.message.make_response(dns.message.make_query("x.example.com.", "A"))
    reply.set_rcode(dns.rcode.NXDOMAIN)
    soa = f"ns.example.com. host.example.com. 1 2 3 4 {minimum}"
    reply.authority.append(dns.rrset.from_text("example.com.", soa_ttl, "IN", "SOA", soa))
    read = guest.interpret(reply.to_wire(), "x.example.com", "A")
    assert read is not None
    assert (read.rcode, read.ttl) == (3, ttl)  # RFC 2308 5
    assert _same(reply.to_wire(), "x.example.com", "A")


def test_an_alias_without_its_target_is_partial_unless_an_soa_denies_the_target() -> None:
    reply = dns.message.make_response(dns.message.make_query("w.example.com.", "A"))
    reply.answer.append(dns.rrset.from_text("w.example.com.", 60, "IN", "CNAME", "t.example.net."))
    read = guest.interpret(reply.to_wire(), "w.example.com", "A")
    assert read is not None
    assert (read.partial, read.chain, read.ttl) == (True, ("t.example.net",), 60)
    soa = "ns.example.net. host.example.net. 1 2 3 4 5"
    reply.authority.append(dns.rrset.from_text("example.net.", 60, "IN", "SOA", soa))
    read = guest.interpret(reply.to_wire(), "w.example.com", "A")
    assert read is not None
    assert (read.partial, read.ttl) == (False, 5)
