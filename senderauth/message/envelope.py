"""Client address, HELO and MAIL FROM of a message that has arrived: given, or read from its trace fields."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal

from senderauth import names
from senderauth.message.author import read_author
from senderauth.message.received import Hop, Trusted, client_hop
from senderauth.message.words import unfold, without_comments

Origin = Literal["given", "received-spf", "received", "return-path", "none"]

MAX_FIELD = 8_192
_PAIR = re.compile(r"([a-z-]{1,30}) {0,8}=(?:\"([^\"]{0,500})\"|<?([^\s;>]{0,500})>?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What SPF needs to know, each with where it was found; what was not given is an assumption."""

    address: str | None
    address_origin: Origin
    helo: str | None
    helo_origin: Origin
    mail_from: str | None
    """"" for a null reverse-path; None: not known."""
    mail_from_origin: Origin
    written_by: str
    """The host that wrote the field that the address is from."""
    hop: int | None
    """Which Received field that is, from the top, 0 is the newest."""


def read_envelope(
    fields: Sequence[tuple[str, bytes]],
    hops: Sequence[Hop],
    trusted: Trusted,
    *,
    ip: str | None = None,
    mail_from: str | None = None,
    helo: str | None = None,
) -> Envelope:
    """Arguments first, then Return-Path, a Received-SPF above the border's Received (RFC 7208 9.1), that
    Received itself.
    """
    border = client_hop(hops, trusted)
    noted = _received_spf(fields, border)
    seen = border.address if border is not None else None
    address, address_origin = _first(
        (ip, "given"),
        (noted.get("client-ip"), "received-spf"),
        (seen, "received"),
    )
    # A field that speaks of another client says nothing of this one's HELO
    told = border if seen == address else None
    said = (told.helo or None, told.sender) if told is not None else (None, None)
    same = noted if noted.get("client-ip") in (None, address) else {}
    name, helo_origin = _first(
        (helo, "given"),
        (same.get("helo"), "received-spf"),
        (said[0], "received"),
    )
    path, path_origin = _first(
        (mail_from, "given"),
        (_return_path(fields), "return-path"),
        (same.get("envelope-from"), "received-spf"),
        (said[1], "received"),
    )
    return Envelope(
        address,
        address_origin,
        name,
        helo_origin,
        path,
        path_origin,
        border.by if border is not None and address_origin in ("received", "received-spf") else "",
        border.index if border is not None and address_origin == "received" else None,
    )


def _first(*candidates: tuple[str | None, Origin]) -> tuple[str | None, Origin]:
    return next(((text, origin) for text, origin in candidates if text is not None), (None, "none"))


def _return_path(fields: Sequence[tuple[str, bytes]]) -> str | None:
    """The newest Return-Path (RFC 5321 4.4); None where there is none that can be read."""
    value = next((value for name, value in fields if name == "return-path"), None)
    return None if value is None else _path(unfold(value, MAX_FIELD))


def _path(text: str) -> str | None:
    """A reverse-path in normal form, "" for the null one, None where it is none."""
    bare = text.strip()
    if bare == "<>":
        return ""
    author = read_author([bare.encode()])
    if author.state == "one":
        return author.address
    local, _, host = bare.removeprefix("<").removesuffix(">").rpartition("@")  # root@web01
    plain = re.fullmatch(r"[^\s<>@\"(),:;\\[\]]{1,64}", local)
    return f"{local}@{name}" if plain and (name := names.bare_host(host)) else None


def _received_spf(fields: Sequence[tuple[str, bytes]], border: Hop | None) -> dict[str, str]:
    """The key=value pairs of the newest Received-SPF above the Received field of our border. One below it
    may have come with the message.
    """
    passed = 0
    for name, value in fields:
        if name == "received":
            passed += 1
            if passed > (border.index if border is not None else 0):
                return {}
        elif name == "received-spf":
            text, _ = without_comments(unfold(value, MAX_FIELD))
            return _checked({key.lower(): quoted or plain for key, quoted, plain in _PAIR.findall(text)})
    return {}


def _checked(pairs: dict[str, str]) -> dict[str, str]:
    """The pairs of use, in normal form; a broken one is left out."""
    found: dict[str, str] = {}
    try:
        found["client-ip"] = str(ip_address(pairs.get("client-ip", "").partition("%")[0]))
    except ValueError:
        return {}
    if (helo := names.normalise(pairs.get("helo", ""))) is not None:
        found["helo"] = helo
    sender = pairs.get("envelope-from")
    if sender is not None and not sender.strip("<>"):  # the null path
        found["envelope-from"] = ""
    elif sender and (path := _path(sender if "@" in sender else f"<{sender}>")) is not None:
        found["envelope-from"] = path
    return found
