"""Domain names: normal form, IDNA, tree, public suffixes, reverse names.

A name in normal form is lower case, in A-labels, without the trailing dot. Public suffixes are read
from the list that the publicsuffixlist package ships; its own reader needs 80 ms to load it, the
look-up here is a set of lines (RFC 7489 3.2, algorithm of publicsuffix.org).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from typing import overload

MAX_NAME = 253
MAX_LABEL = 63
MAX_WRITTEN = 1_024
"""Characters; a name of 253 octets is shorter in any form."""
KEPT = 2_048
"""Names remembered by each function: an audit asks for a name some times in a row, then never again."""


def normalise(name: str) -> str | None:
    """The name in normal form, or None if it is none: an empty or over-long label, over 253 octets,
    a character that IDNA refuses (RFC 5890). Underscores are fine, as is any printable ASCII (RFC 2181 11).
    """
    # Nothing that long becomes a name, and the cache must not keep what hostile records hold
    return _normalise(name) if len(name) <= MAX_WRITTEN else None


@lru_cache(maxsize=KEPT)
def _normalise(name: str) -> str | None:
    if not name.isascii():
        name = _to_ascii(name)
    name = name.removesuffix(".").lower()
    if not name or len(name) > MAX_NAME:
        return None
    for label in name.split("."):
        if not 0 < len(label) <= MAX_LABEL:
            return None
    return name if name.isprintable() else None


def _to_ascii(name: str) -> str:
    """Mapped as browsers and mail programs do (UTS 46), then label by label: one label may have an
    underscore though another has an umlaut. Empty where IDNA refuses.
    """
    import idna

    try:
        labels = idna.uts46_remap(name, std3_rules=False, transitional=False).split(".")
        return ".".join(label if label.isascii() else idna.alabel(label).decode("ascii") for label in labels)
    except UnicodeError:  # idna.IDNAError is one
        return ""


@lru_cache(maxsize=KEPT)
def hostname(name: str) -> str | None:
    """As `normalise`, and only letters, digits and hyphens in each label, as a host or a mail domain
    has them (RFC 1123 2.1, RFC 5321 2.3.5); at least two labels.
    """
    normal = normalise(name)
    if normal is None or "." not in normal:
        return None
    for label in normal.split("."):
        if not label.replace("-", "a").isalnum() or label[0] == "-" or label[-1] == "-":
            return None
    return None if normal.rpartition(".")[2].isdigit() else normal


@lru_cache(maxsize=16_384)
def mail_domain(name: str) -> str | None:
    """As `hostname`, with underscores too: an address may have them (RFC 5322 3.2.3, 3.4.1) and DNS knows
    such names (RFC 2181 11), so that receivers look them up like any other.
    """
    normal = normalise(name)
    return normal if normal is not None and hostname(normal.replace("_", "a")) is not None else None


def bare_host(name: str) -> str | None:
    """A host's name of one label, as in addresses that programs make up from it: root@web01."""
    normal = normalise(name)
    return normal if normal is not None and "." not in normal and hostname(f"{normal}.x") else None


@lru_cache(maxsize=1_024)
def display(name: str) -> str:
    """The name in U-labels, for people; a label that cannot be decoded stays as it is, and so does what is
    too long to be a name.
    """
    if "xn--" not in name or len(name) > MAX_NAME:
        return name
    import idna

    labels = name.split(".")
    for index, label in enumerate(labels):
        if label.startswith("xn--"):
            try:
                labels[index] = idna.ulabel(label)
            except UnicodeError:  # idna.IDNAError is one
                continue
    return ".".join(labels)


def parent(name: str) -> str:
    """The name without its leftmost label; empty at the top."""
    return name.partition(".")[2]


def is_below(name: str, ancestor: str) -> bool:
    """Whether name is ancestor or below it. Whole labels are compared."""
    return name == ancestor or name.endswith("." + ancestor)


def walk(name: str) -> tuple[str, ...]:
    """The names that the DNS tree walk may ask, at most 8, longest first (RFC 9989 4.10)."""
    return name, *_above(parent(name) if name.count(".") < 7 else ".".join(name.split(".")[-7:]))


@lru_cache(maxsize=KEPT)
def _above(name: str) -> tuple[str, ...]:
    """The name and all above it: names of one list have the same."""
    return (name, *_above(parent(name))) if name else ()


@overload
def reverse(ip: IPv4Address) -> str: ...
@overload
def reverse(ip: IPv6Address) -> str: ...
def reverse(ip: IPv4Address | IPv6Address) -> str:
    """The name below in-addr.arpa or ip6.arpa where the PTR records of ip are (RFC 1035 3.5)."""
    return ip.reverse_pointer


@lru_cache(maxsize=1)
def _suffixes() -> frozenset[str]:
    from importlib.resources import files

    text = files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text("utf-8")
    return frozenset(
        line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("//")
    )


@lru_cache(maxsize=KEPT)
def public_suffix(name: str) -> str:
    """The public suffix of a name in normal form, private section included; the top label if no rule
    fits ("*" is the default rule).
    """
    shown, above, rules = display(name), parent(name), _suffixes()
    if not above:
        return name
    if "!" + shown in rules:  # an exception rule: one label less
        return above
    if shown in rules or f"*.{parent(shown)}" in rules:
        return name
    return public_suffix(above)  # names of one list have the same few above them


def registrable(name: str) -> str | None:
    """The organizational domain by public suffix: the suffix and one label more (RFC 7489 3.2); None
    where name is itself a public suffix.
    """
    suffix = public_suffix(name)
    if name == suffix:
        return None
    rest = name[: -len(suffix) - 1]
    return rest.rpartition(".")[2] + "." + suffix
