"""Facts from the returned message inside a bounce: author, return path, signatures, first hop."""

from __future__ import annotations

import re
from collections.abc import Iterator

from senderauth.catalogue.facts import Fact, domain_of, routable
from senderauth.catalogue.mime import split_header

_ADDRESS = re.compile(r"<([^\s<>]{1,255})>|([^\s<>,;:\"()]{1,128}@[^\s<>,;\"()]{1,255})")
_TAG = re.compile(r"(?:^|;)\s{0,80}([a-z]{1,20})\s{0,8}=\s{0,8}([^;]{0,400})")
_RECEIVED_IP = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]")
MAX_SIGNATURES = 16


def returned_facts(returned: bytes) -> tuple[Fact, ...]:
    """What the header of the returned message states."""
    return tuple(_facts(returned)) if returned else ()


def _facts(returned: bytes) -> Iterator[Fact]:
    fields, _ = split_header(returned.replace(b"\r\n", b"\n"))
    seen = set()
    signatures = 0
    for name, value in fields:
        if name == "dkim-signature" and signatures < MAX_SIGNATURES:
            signatures += 1
            tags = dict(_TAG.findall(value[:8_000]))
            for tag, fact in (("d", "dkim_domain"), ("s", "dkim_selector")):
                text = "".join(tags.get(tag, "").split()).lower()
                if text:
                    yield Fact(fact, text, "returned-dkim-signature")
        if name in seen:
            continue
        seen.add(name)
        if name == "from":
            yield from _address("author", "author_domain", value, "returned-from")
        elif name in ("return-path", "x-envelope-from"):
            yield from _address("mail_from", "mail_from_domain", value, "returned-return-path")
        elif name == "message-id":
            yield Fact("message_id", value.strip("<> ")[:255], "returned-message-id")
        elif name == "received":
            address = _RECEIVED_IP.search(value)
            if address and routable(address[1]):
                yield Fact("first_hop", routable(address[1]), "returned-received")
        elif name == "x-rzg-fwd-by":
            yield Fact("forwarded_by", value[:255], "returned-x-rzg-fwd-by")
        elif name == "list-id":
            yield Fact("list_id", value[:255], "returned-list-id")


def _address(whole: str, part: str, value: str, source: str) -> Iterator[Fact]:
    found = _ADDRESS.search(value[:4_000])
    text = (found[1] or found[2]) if found else ""
    local, at, domain = text.rpartition("@")
    name = domain_of(domain) if at else ""
    if name:
        yield Fact(whole, f"{local}@{name}", source)
        yield Fact(part, name, source)
    elif value.strip() == "<>" and whole == "mail_from":
        yield Fact(whole, "", source)
