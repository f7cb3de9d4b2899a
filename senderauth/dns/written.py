"""Records as text for master files (RFC 1035 5.1) and what reads them."""

from __future__ import annotations

MAX_STRING = 255


def rdata(rdtype: str, value: str) -> str:
    """A value in master file syntax: TXT in quoted strings of at most 255 octets, names with the last dot."""
    if rdtype == "TXT":
        return " ".join(f'"{_escaped(part)}"' for part in pieces(value))
    preference, space, name = value.rpartition(" ") if rdtype == "MX" else ("", "", value)
    name = _name(name)  # what DNS holds must not become a line of a script
    if rdtype in ("MX", "CNAME", "PTR", "NS") and not name.endswith("."):
        name += "."
    return f"{preference}{space}{name}"


def _name(text: str) -> str:
    """A name or address with everything escaped that a master file or nsupdate would act on."""
    return "".join(
        char if char.isascii() and (char.isalnum() or char in "-_.:*/") else f"\\{ord(char) & 255:03d}"
        for char in text
    )


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
