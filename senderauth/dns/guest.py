"""What dnspython says: messages of uncommon shape, odd names and types, its records as ours.

Loaded when the first of them comes by: the import costs 100 ms.
"""

from __future__ import annotations

from collections.abc import Iterable
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype

from senderauth.dns.wire import (
    AAAA,
    CNAME,
    MAX_NOTE,
    MX,
    NS,
    PTR,
    SOA,
    TXT,
    A,
    Reply,
    Section,
    ede_note,
    follow,
    rdtype_number,
)


def encode_odd_name(name: str) -> bytes | None:
    """The octets of a name with escapes; None if it is none."""
    if not name.isascii():
        return None
    try:
        return dns.name.from_text(name).to_wire()
    except (dns.exception.DNSException, ValueError):
        return None


def odd_type(rdtype: str) -> int:
    """The number of an uncommon record type; ValueError if there is no such type."""
    try:
        return int(dns.rdatatype.from_text(rdtype))
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        raise ValueError(f"there is no record type {rdtype!r}") from None


def interpret(wire: bytes, name: str, rdtype: str) -> Reply | None:
    """As `read`, by dnspython and for every shape; None if the message is malformed."""
    try:
        message = dns.message.from_wire(
            wire, ignore_trailing=True, continue_on_error=True, raise_on_truncation=False
        )
    except dns.exception.DNSException:
        return None
    if message.errors or not isinstance(message, dns.message.QueryMessage):
        return None
    return from_message(message, name, rdtype)


def from_message(message: dns.message.Message, name: str, rdtype: str) -> Reply:
    """As `read`, from a message that dnspython has parsed."""
    number = rdtype_number(rdtype)
    section = Section({}, {}, {}, False)
    for rrset in message.answer:
        if rrset.rdclass != dns.rdataclass.IN or rrset.covers:
            continue
        owner = host_text(rrset.name)
        if rrset.rdtype == number:
            section.answers[owner] = (rrset.ttl, *values(rrset))
        if rrset.rdtype == dns.rdatatype.CNAME:
            section.aliases[owner] = (rrset.ttl, host_text(rrset[0].target))
    delegates = False
    for rrset in message.authority:
        if rrset.rdclass == dns.rdataclass.IN and rrset.rdtype == dns.rdatatype.SOA:
            section.soas[host_text(rrset.name)] = min(rrset.ttl, rrset[0].minimum)
        delegates |= rrset.rdtype == dns.rdatatype.NS
    note = "; ".join(ede_note(int(error.code), error.text) for error in message.extended_errors())
    return follow(
        section._replace(delegates=delegates),
        canonical_text(name),
        rdtype,
        int(message.rcode()),
        bool(message.flags & dns.flags.AA),
        note[:MAX_NOTE],
    )


def canonical_text(name: str) -> str:
    """A name as the records would have it: escapes written as dnspython writes them."""
    if "\\" not in name:
        return name
    return host_text(dns.name.from_text(name))


def host_text(name: Any) -> str:
    """A dnspython name as this room writes names."""
    text: str = name.to_text(omit_final_dot=True).lower()
    return "" if text == "." else text


def values(rdatas: Iterable[Any]) -> tuple[tuple[Any, ...], tuple[tuple[bytes, ...], ...]]:
    """Records and TXT strings of dnspython's rdatas, all of one type."""
    records: dict[Any, None] = dict.fromkeys(_value(rdata) for rdata in rdatas)
    if records and isinstance(first := next(iter(records)), tuple) and isinstance(first[0], bytes):
        strings = tuple(records)
        return tuple([b"".join(parts) for parts in strings]), strings
    return tuple(records), ()


def _value(rdata: Any) -> Any:
    number = int(rdata.rdtype)
    if number in (A, AAAA):
        return inet_ntop(AF_INET if number == A else AF_INET6, rdata.to_wire())
    if number in (NS, CNAME, PTR):
        return host_text(rdata.target)
    if number == MX:
        return rdata.preference, host_text(rdata.exchange)
    if number == TXT:
        return rdata.strings
    if number == SOA:
        hosts = host_text(rdata.mname) or ".", host_text(rdata.rname) or "."
        numbers = rdata.serial, rdata.refresh, rdata.retry, rdata.expire, rdata.minimum
        return " ".join([*hosts, *map(str, numbers)])
    return str(rdata)
