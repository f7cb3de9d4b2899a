"""What DMARC records that cannot be used, or not as they stand, were meant to say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from senderauth.dmarc.lint import LOOKALIKES
from senderauth.dmarc.record import KNOWN, POLICY_TAGS, Record, is_dmarc, near_miss, parse

POLICIES = ("none", "quarantine", "reject")
CLOSE = 0.7
"""How alike a misspelt policy must be: "rejct", "quarentine"."""

_VERSION = re.compile(r"(?i)\s*v\s*=\s*dmarc[\s\-_.]*1?(?:\.0)?\s*(?:[;,:\s]|\Z)|\s*dmarc1\s*[;,:\s]")
_UNPARTED = re.compile(rf"(?i)(?<![;,\s])(?:\s*,\s*|\s+)(?=(?:{'|'.join(KNOWN - {'v'})})\s*=)")
"""A comma or a space where a ";" belongs."""


def meant_as_record(text: bytes) -> bool:
    """Whether a TXT record is a DMARC record or was meant as one."""
    return is_dmarc(text) or near_miss(text) is not None or _VERSION.match(_bare(text)) is not None


def mend(texts: Iterable[bytes]) -> str | None:
    """One record that says what those at a name were meant to say: the version, tags and policies put right
    (RFC 9989 4.7), of several the mildest (only one may be there, 4.10), with reports to where another one
    sends them if it names nobody. None where nothing is to mend, or nobody can tell what was meant.
    """
    meant = [text for text in texts if meant_as_record(text)]
    records = [mended for text in meant if (mended := _mended(text)) is not None]
    if not records or len(records) < len(meant):
        return None
    mildest = min(records, key=lambda text: POLICIES.index(parse(text).p or "none"))
    if not parse(mildest).has("rua"):
        addresses = [tag.value for text in records for tag in parse(text).tags if tag.name == "rua"]
        mildest += f"; rua={addresses[0]}" if addresses else ""
    written = parse(meant[0])
    usable = len(meant) == 1 and is_dmarc(meant[0]) and not _spoilt(written)
    return None if usable else mildest


def _spoilt(record: Record) -> bool:
    """Whether a policy cannot be read, or a tag is misspelt."""
    asked = [tag for tag in record.tags if tag.name in POLICY_TAGS]
    misspelt = any(t.name in LOOKALIKES and not record.has(LOOKALIKES[t.name]) for t in record.tags)
    return misspelt or any(tag.value.lower() not in POLICIES for tag in asked)


def _bare(text: bytes) -> str:
    return text[:4096].decode("ascii", "replace").strip(" \t\r\n\"'\\\ufffd")


def _mended(text: bytes) -> str | None:
    rest = _bare(text)
    match = _VERSION.match(rest)
    rest = rest[match.end() :] if match else re.sub(r"(?i);\s*v\s*=\s*dmarc1\s*", "", rest)
    record = parse("v=DMARC1; " + _UNPARTED.sub("; ", rest))
    parts = {"v": "DMARC1", "p": "none"}
    for tag in record.tags:
        name = LOOKALIKES.get(tag.name, tag.name)
        value = tag.value
        if not value and name != "p":  # an sp or np that says nothing
            continue
        if name in POLICY_TAGS:
            close = difflib.get_close_matches(value.lower(), POLICIES, 1, CLOSE)
            if not close:
                return None
            value = close[0]
        if tag.name == name or not record.has(name):
            parts[name] = value
    return "; ".join(f"{name}={value}" for name, value in parts.items())
