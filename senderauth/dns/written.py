"""Records as text for master files (RFC 1035 5.1) and what reads them."""

from __future__ import annotations

import re

MAX_STRING = 255


def rdata(rdtype: str, value: str) -> str:
    """A value in master file syntax: TXT in quoted strings of at most 255 octets, names with the last dot."""
    if rdtype == "TXT":
        return " ".join(f'"{_escaped(part)}"' for part in pieces(value))
    preference, space, name = value.rpartition(" ") if rdtype == "MX" else ("", "", value)
    name = _name(name)  # what DNS holds must not become a line of a script
    if rdtype in ("MX", "CNAME", "PTR", "NS") and not name.endswith("."):
        name += "."
    return f"{_name(preference)}{space}{name}"


def owner(name: str) -> str:
    """A record's name in master file syntax, with the last dot."""
    return f"{_name(name)}."


_SPECIAL = re.compile(r"\\(?:[0-9]{3}|[!-~])|[^A-Za-z0-9_.:*/-]")


def _name(text: str) -> str:
    """A name or address with everything escaped that a master file or nsupdate would act on; what is
    escaped already, as odd names from DNS are, stays.
    """
    return _SPECIAL.sub(lambda found: found[0] if found[0][1:] else f"\\{ord(found[0]) & 255:03d}", text)


def pieces(text: str) -> list[str]:
    """A text cut into strings of at most 255 octets, where possible after a space (RFC 7208 3.3)."""
    parts = []
    while len(text) > MAX_STRING:
        cut = text.rfind(" ", 0, MAX_STRING) + 1 or MAX_STRING
        parts.append(text[:cut])
        text = text[cut:]
    return [*parts, text]


def _escaped(text: str) -> str:
    """One character an octet; RFC 1035 5.1 for all but printable ASCII."""
    return "".join(
        f"\\{char}" if char in '"\\' else char if " " <= char <= "~" else f"\\{ord(char):03d}"
        for char in text
    )
