"""Expanding macros (RFC 7208 7)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from senderauth import names
from senderauth.spf.record import Macro, MacroString

MAX_TEXT = 4_096
"""Characters of an explanation."""
MAX_VALUE = 1_024
"""Characters of a sender or a HELO name; SMTP's path has 256 octets (RFC 5321 4.5.3.1.3)."""


Values = Callable[[str], str]
"""The value of a macro letter."""


def expand_name(spec: MacroString, value: Values) -> str:
    """The name that a domain-spec stands for, shortened on the left until it fits (RFC 7208 7.3)."""
    pieces: list[str] = []
    length = 0
    for part in reversed(spec.parts):
        pieces.append(part if isinstance(part, str) else _one(part, value(part.letter)))
        length += len(pieces[-1])
        if length > names.MAX_NAME + 1:  # what is left of this is dropped in any case
            break
    pieces.reverse()
    return shorten("".join(pieces))


def expand_text(spec: MacroString, value: Values) -> str:
    """An explanation with its macros replaced, as far as MAX_TEXT goes."""
    pieces: list[str] = []
    length = 0
    for part in spec.parts:
        pieces.append(part if isinstance(part, str) else _one(part, value(part.letter)))
        length += len(pieces[-1])
        if length >= MAX_TEXT:
            break
    return "".join(pieces)[:MAX_TEXT]


def _one(macro: Macro, value: str) -> str:
    """Split on delimiters, reverse, keep the rightmost, join with dots, escape (RFC 7208 7.3)."""
    if macro.keep or macro.reverse or macro.delimiters != ".":
        delimiters = macro.delimiters
        parts = value.split(delimiters) if len(delimiters) == 1 else _splitter(delimiters).split(value)
        if macro.reverse:
            parts.reverse()
        if macro.keep:
            parts = parts[-macro.keep :]
        value = ".".join(parts)
    return _escaped(value) if macro.escape else value


def _escaped(value: str) -> str:
    """Percent-encoded but for the unreserved characters (RFC 3986 2.3); urllib costs 10 ms to import."""
    return "".join(
        char
        if char.isascii() and (char.isalnum() or char in "-._~")
        else "".join(f"%{o:02X}" for o in char.encode("utf-8", "surrogatepass"))
        for char in value
    )


@lru_cache(maxsize=256)
def _splitter(delimiters: str) -> re.Pattern[str]:
    return re.compile("[" + re.escape("".join(sorted(set(delimiters)))) + "]")


@lru_cache(maxsize=4_096)
def dotted(ip: str) -> str:
    """The value of %{i}: dotted quad, or 32 dotted nibbles, in capitals (RFC 7208 7.3)."""
    return ".".join(IPv6Address(ip).exploded.replace(":", "").upper()) if ":" in ip else ip


@lru_cache(maxsize=4_096)
def reverse(ip: str) -> str:
    """The name of the client's PTR records (RFC 7208 5.5)."""
    return names.reverse(IPv6Address(ip) if ":" in ip else IPv4Address(ip))


def shorten(name: str) -> str:
    """Drops whole labels on the left until the name fits (RFC 7208 7.3)."""
    name = name.removesuffix(".")
    if len(name) > names.MAX_NAME:
        cut = name.find(".", len(name) - names.MAX_NAME - 1)
        name = name[cut + 1 :] if cut >= 0 else name.rpartition(".")[2]
    return name
