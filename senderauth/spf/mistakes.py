"""What people write in SPF records, and what they mean by it.

The grammar has spoken before: nothing here makes a record valid, and a word that the grammar accepts is
never looked at. A fault whose meaning can be told carries it as the fact `meant`.
"""

from __future__ import annotations

import itertools
import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from senderauth import names
from senderauth.spf.fault import FaultError

MISSPELT = {
    "ip": "ip4", "ipv4": "ip4", "ip-4": "ip4", "ip4v": "ip4", "ipv6": "ip6", "ip-6": "ip6", "ip6v": "ip6",
    "ipaddress": "ip4", "address": "ip4", "addr": "ip4",
    "includes": "include", "incude": "include", "inlcude": "include", "inclue": "include",
    "includ": "include", "inculde": "include", "incluye": "include", "domain": "include", "spf": "include",
    "host": "a", "hostname": "a", "server": "a", "aaaa": "a", "mxs": "mx", "mail": "mx",
    "exist": "exists", "al": "all", "alll": "all",
}  # fmt: skip
MODIFIERS = frozenset({"redirect", "exp"})
WITH_ADDRESS = {"a", "mx", "include", "exists", "ptr"}

_VERSION = re.compile(r"v\s*+[=:-]?\s*+[\"']?\s*+s[pf]{2}\s*1?|spf1|spf=")
_WORD = re.compile(r"([+\-~?]?)([A-Za-z][A-Za-z0-9\-_.]*)([:=/]?)(.*)", re.DOTALL)
_BEGINNING = re.compile(
    rb"[ \t\r\n\"'\\()]*(?:v|s[p\x80-\xff]|i[np\x80-\xff]|a[:\x80-\xff]|m[x\x80-\xff]|[\x80-\xff])", re.I
)
"""The first octets of all that `meant_as_record` is true of: nearly all texts are told apart by these."""
_URL = re.compile(r"https?://([^/:]+)/?", re.IGNORECASE)
_TYPOGRAPHY = str.maketrans({
    "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "⁃": "-",
    "：": ":", "＝": "=", "∼": "~", "～": "~", "˜": "~",
    "“": None, "”": None, "„": None, "‘": None, "’": None, "«": None, "»": None,
    "\u200b": None, "\u200c": None, "\u200d": None, "\u2060": None, "\ufeff": None, "\u00ad": None,
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u3000": " ",
})  # fmt: skip
MAX_LOOKED_AT = 512
"""Characters; a longer word is no slip of the pen."""


def recognised(word: str, following: str, fault: FaultError) -> FaultError:
    """The fault told more exactly where the mistake is a known one, else as it is."""
    if len(word) > MAX_LOOKED_AT:
        return fault
    match fault.id:
        case "spf-not-ascii":
            return _typography(word, fault) or fault
        case "spf-control-character":
            return fault
    together = _torn(word, following, fault)
    return together or _separators(word) or _term(word, fault) or fault


def meant_as_record(text: bytes) -> bool:
    """Whether a TXT record that is no SPF record was probably meant to be one: a blank, a quote or a byte
    order mark before the version, the version misspelt, glued to what follows, or forgotten.
    """
    return _BEGINNING.match(text) is not None and reads_as_record(text)


def reads_as_record(text: bytes) -> bool:
    """As `meant_as_record`, looking at the whole text."""
    start = text[:MAX_LOOKED_AT].decode("utf-8", "replace").translate(_TYPOGRAPHY)
    start = start.strip(" \t\r\n\"'\\()").lower()
    if start.startswith(("spf2.0", "v=spf2.0")):  # Sender ID (RFC 4406)
        return False
    if _VERSION.match(start):
        return True
    words = start.split(" ")
    return words[-1].lstrip("+-~?") == "all" and words[0].startswith(("include:", "ip4:", "ip6:", "a:", "mx"))


def glued(strings: tuple[bytes, ...]) -> str:
    """Of a record sent in several strings: the first place where two terms run into each other because no
    space stands between the strings (RFC 7208 3.3); empty where there is none.
    """
    for before, after in itertools.pairwise(strings):
        if start := _glued_start(before, after):
            last = before[-MAX_LOOKED_AT:].decode("latin-1").rpartition(" ")[2]
            return f"{last}{start}"
    return ""


def parted(strings: tuple[bytes, ...]) -> str:
    """The record of several strings with the spaces between them that `glued` misses."""
    text = strings[0]
    for before, after in itertools.pairwise(strings):
        text += (b" " if _glued_start(before, after) else b"") + after
    return text.decode("latin-1")


def _glued_start(before: bytes, after: bytes) -> str:
    """The term that a string begins with, if what stands before runs into it."""
    start = _START.match(after[:MAX_LOOKED_AT].decode("latin-1"))
    return start[0] if start and before and not before.endswith(b" ") else ""


_START = re.compile(
    r"(?:[+\-~?]?(?:include:|exists:|ip4:|ip6:|(?:all|mx|ptr)(?= |$)|a:|mx:)|redirect=|exp=)\S{0,64}", re.I
)


def _meaning(id: str, fault: FaultError, meant: str, **facts: object) -> FaultError:
    return FaultError(id, fault.start, fault.end, **{**fault.facts, **facts, "meant": meant})


def _typography(word: str, fault: FaultError) -> FaultError | None:
    """A word processor's dashes, quotes and spaces."""
    try:
        plain = word.encode("latin-1").decode("utf-8").translate(_TYPOGRAPHY).strip()
    except UnicodeError:  # octets of another encoding
        return None
    if not plain.isascii():
        return None
    return FaultError("spf-typographic-character", code=fault.facts["code"], meant=plain)


def _torn(word: str, following: str, fault: FaultError) -> FaultError | None:
    """`include example.com`, `ip4: 192.0.2.1`, `~ all`: a space inside a term."""
    match = _WORD.fullmatch(word)
    if match is None:
        if word not in ("+", "-", "~", "?") or not following[:1].isalpha():
            return None
        meant = word + following
    elif match[2].lower() in MODIFIERS and not match[4] and names.hostname(following):
        meant = f"{match[2]}={following}"
    elif fault.id not in ("spf-argument-missing", "spf-domain-missing") or match[4]:
        return None
    else:
        argument = following.removeprefix(":")
        family = _family(argument.partition("/")[0])
        fits = family == match[2].lower() or (not family and names.hostname(argument) is not None)
        if match[3] == "/" or not fits:
            return None
        meant = f"{match[1]}{match[2]}:{argument}"
    torn = FaultError("spf-space-in-term", 0, meant=meant[:MAX_LOOKED_AT])
    torn.takes_next = True
    return torn


def _separators(word: str) -> FaultError | None:
    """Commas and semicolons between terms, or after one; quotes around them."""
    stripped = word.strip("\"';,")
    parts = [part for part in re.split("[,;]", stripped) if part]
    if not parts or (len(parts) == 1 and stripped == word) or "%{" in word:
        return None
    head = parts[0].partition(":")[0]
    if all(":" not in part and _is_argument(part) for part in parts[1:]):
        parts = [parts[0], *(f"{head}:{part}" for part in parts[1:])]  # ip4:192.0.2.1,192.0.2.2
    return FaultError("spf-terms-not-separated", meant=" ".join(parts))


def _is_argument(text: str) -> bool:
    """An address or a domain."""
    return bool(_family(text.partition("/")[0]) or names.hostname(text))


def _term(word: str, fault: FaultError) -> FaultError | None:
    """One word whose meaning shows."""
    match = _WORD.fullmatch(word)
    if match is None or fault.id == "spf-not-a-term":
        return _bare(word, fault)
    qualifier, name, separator, rest = match.groups()
    name = name.lower()
    match fault.id:
        case "spf-unknown-mechanism":
            return _unknown(word, qualifier, name, separator, rest, fault)
        case "spf-all-with-argument" if not rest.strip(":/="):
            return _meaning("spf-mechanism-misspelt", fault, f"{qualifier}all")
        case "spf-prefix-malformed" if name in ("a", "mx") and word == f"{qualifier}{match[2]}/":
            return _meaning("spf-mechanism-misspelt", fault, f"{qualifier}{name}")
        case "spf-qualified-modifier" if name not in MODIFIERS:
            return _meaning("spf-qualified-modifier", fault, f"{qualifier}{name}:{rest}")
        case "spf-not-an-address":
            return _not_an_address(qualifier, name, rest, fault)
        case "spf-domain-malformed" | "spf-not-a-term" if name in WITH_ADDRESS and (host := _of_url(rest)):
            return _meaning("spf-mechanism-misspelt", fault, f"{qualifier}{name}:{host}")
        case "spf-domain-malformed" if name in WITH_ADDRESS and (family := _family(rest.partition("/")[0])):
            return _meaning("spf-address-as-domain", fault, f"{qualifier}{family}:{rest}")
    return None


def _unknown(
    word: str, qualifier: str, name: str, separator: str, rest: str, fault: FaultError
) -> FaultError | None:
    if name in MODIFIERS and separator == ":":
        return _meaning("spf-mechanism-misspelt", fault, f"{name}={rest}")
    bare = name.rstrip(".")
    if name == "all-" and not qualifier:
        return _meaning("spf-mechanism-misspelt", fault, "-all")
    if bare in ("all", "a", "mx", "ptr") and not rest:
        return _meaning("spf-mechanism-misspelt", fault, qualifier + bare)
    meant = MISSPELT.get(name)
    if meant is not None and (rest or meant == "all"):
        family = _family(rest.partition("/")[0])
        if meant in ("ip4", "ip6"):
            meant = family or (meant if not names.hostname(rest) else "a")
        return _meaning("spf-mechanism-misspelt", fault, f"{qualifier}{meant}{':' if rest else ''}{rest}")
    return _bare(word, fault)


def _of_url(text: str) -> str | None:
    """The host of a URL that was pasted in place of a domain."""
    match = _URL.fullmatch(text)
    return match[1] if match and names.hostname(match[1]) else None


def _bare(word: str, fault: FaultError) -> FaultError | None:
    """An address or a domain without a mechanism before it."""
    bare = word.lstrip("+-~?:")
    if family := _family(bare.partition("/")[0]):
        return _meaning("spf-bare-address", fault, f"{family}:{bare}")
    if names.hostname(bare) is not None:
        return _meaning("spf-bare-domain", fault, f"include:{bare}", other=f"a:{bare}")
    return None


def _not_an_address(qualifier: str, name: str, rest: str, fault: FaultError) -> FaultError | None:
    address, _, _ = rest.partition("/")
    family = _family(address)
    if family:
        return _meaning("spf-wrong-family", fault, f"{qualifier}{family}:{rest}")
    octets = address.split(".")
    if name == "ip4" and len(octets) == 4 and all(o.isdigit() and len(o) < 4 for o in octets):
        plain = ".".join(str(int(octet)) for octet in octets)
        if plain != address and _family(plain):  # 192.000.002.001
            return _meaning("spf-mechanism-misspelt", fault, f"{qualifier}ip4:{plain}{rest[len(address) :]}")
    if names.hostname(rest) is not None and not octets[0].isdigit():
        return _meaning("spf-domain-as-address", fault, f"{qualifier}a:{rest}")
    return None


def _family(text: str) -> str:
    """ "ip4" or "ip6" if the text is such an address, else empty."""
    try:
        IPv4Address(text)
        return "ip4"
    except AddressValueError:
        pass
    try:
        IPv6Address(text)
    except AddressValueError:
        return ""
    return "" if "%" in text else "ip6"
