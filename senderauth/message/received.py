"""Received fields: who handed the message to whom (RFC 5321 4.4), as the common programs write them.

Theory of operation. A field is cut into its clauses (from, by, with, id, for) and the comments of each.
What matters stands in the from clause; which of its names is the one that the client gave in HELO and
which is from reverse DNS differs from program to program. Below the first field that no host of our own
wrote, anything may be invented: `client_hop` picks the field that our border wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from senderauth import names
from senderauth.message.words import unfold, without_comments

MAX_FIELD = 8_192
"""Octets of one field that are read."""
MAX_HOPS = 200

_CLAUSE = re.compile(r"(?:^|(?<= ))(from|by|with|id|for|via)(?= )", re.IGNORECASE)
# What a comment of the from clause may be as a whole; the client chooses what stands in its HELO
_BRACKETED = re.compile(
    r"(?:(?P<name>\S{1,320}) )?\[(?:IPv6:)?(?P<ip>[0-9A-Fa-f:.]{2,45})\](?::\d{1,5})?(?: \(.*\)| .*)?",
    re.IGNORECASE,
)
_BARE = re.compile(
    r"(?:\S{1,64}@)?(?P<ip>(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})"
)
_HELO = re.compile(r"\b(?:helo=|(?:HELO|EHLO)\s+)(\S{1,255})", re.IGNORECASE)
_SENDER = re.compile(r"\benvelope-(?:from|sender)[\s=]{1,3}<?([^\s<>()]{0,320})>?", re.IGNORECASE)
_SENDMAIL = re.compile(r"\b8\.\d{1,2}\.\d{1,2}")
_FOR = re.compile(r"<?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?")


@dataclass(frozen=True, slots=True)
class Hop:
    """One Received field."""

    index: int
    """From the top, 0 is the newest."""
    program: str
    """"postfix", "exim", "sendmail", "qmail", "exchange", "gmail", or empty."""
    by: str
    """Who wrote it, lower case."""
    address: str | None
    """Of the client, in normal form."""
    helo: str
    """What the client called itself; empty where it is not said."""
    name: str
    """The client's name from reverse DNS; empty where it is not said."""
    verified: bool
    """Whether that name was looked forward again, by what is known of the program."""
    protocol: str
    sender: str | None
    """The reverse-path, where it is said; "" for a null one."""
    recipient: str
    text: str
    """The field on one line."""


def parse_received(value: bytes, index: int = 0) -> Hop:
    """Reads one field. Never raises; what cannot be read is empty."""
    text = unfold(value, MAX_FIELD)
    clauses = _clauses(text.rpartition(";")[0] or text)
    client, client_comments = clauses.get("from", ("", []))
    by, by_comments = clauses.get("by", ("", []))
    protocol, with_comments = clauses.get("with", ("", []))
    by = by.partition(" ")[0].strip("[]<>").lower().removesuffix(".")
    own = [*by_comments, *with_comments, *clauses.get("id", ("", []))[1]]
    program = _program(by, protocol, own, client_comments)
    address, beside = _address(client, client_comments)
    helo, name, verified = _names(program, client, client_comments, beside)
    sender = next((found[1] for comment in own if (found := _SENDER.search(comment))), None)
    recipient = _FOR.search(clauses.get("for", ("", []))[0])
    return Hop(
        index,
        program,
        by,
        address,
        helo,
        name,
        verified and bool(name),
        protocol.partition(" ")[0].lower(),
        sender,
        recipient[1] if recipient else "",
        text[:1_000],
    )


def _clauses(text: str) -> dict[str, tuple[str, list[str]]]:
    """The clauses with their words and their comments: from, as all before the last "by", since a client may
    have one in its HELO; of what follows the first of each kind.
    """
    plain, comments = _marked(text)
    found: dict[str, tuple[str, list[str]]] = {}
    starts = [*_CLAUSE.finditer(plain)]
    last = max((place for place, start in enumerate(starts) if start[1].lower() == "by"), default=0)
    if starts and starts[0][1].lower() == "from":
        starts = [starts[0], *starts[max(1, last) :]]
    for place, start in enumerate(starts):
        end = starts[place + 1].start() if place + 1 < len(starts) else len(plain)
        words = plain[start.end() : end]
        own = [comments[int(number)] for number in _MARK.findall(words)]
        found.setdefault(start[1].lower(), (" ".join(_MARK.sub(" ", words).split()), own))
    return found


_MARK = re.compile("\x00(\\d{1,3})\x00")


def _marked(text: str) -> tuple[str, list[str]]:
    """The text with each comment replaced by a mark that says which it was."""
    _, comments = without_comments(text := text.replace("\x00", " "))
    kept: list[str] = []
    at = 0
    for number, comment in enumerate(comments):
        start = text.index(f"({comment}", at)
        kept.append(f"{text[at:start]} \x00{number}\x00 ")
        at = min(len(text), start + len(comment) + 2)
    kept.append(text[at:])
    return " ".join("".join(kept).split()), comments


def _program(by: str, protocol: str, own: list[str], client: list[str]) -> str:
    """Which program wrote it, by what the client has no say in: `own` are the comments behind "by"."""
    joined = " ".join(own)
    if "Postfix" in joined:
        return "postfix"
    if "Exim" in joined:
        return "exim"
    if "microsoft smtp server" in protocol.lower() or "mapi" in protocol.lower():
        return "exchange"
    if names.is_below(by, "google.com"):
        return "gmail"
    if _SENDMAIL.search(joined):
        return "sendmail"
    if "invoked" in joined or any(comment.startswith("HELO ") for comment in client):
        return "qmail"
    return ""


def _address(client: str, comments: list[str]) -> tuple[str | None, str]:
    """The client's address, and the name that stands with it: of the last comment that holds one, since what
    stands before may come from its HELO; else of the first word.
    """
    for pattern in (_BRACKETED, _BARE):
        for text in (*reversed([_HELO.split(comment)[0].strip() for comment in comments]), client):
            found = pattern.fullmatch(text.strip())
            if found is not None and (ip := _ip(found["ip"])) is not None:
                return str(ip), found.groupdict().get("name") or ""
    return None, ""


def _ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(text)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip


def _names(program: str, client: str, comments: list[str], beside: str) -> tuple[str, str, bool]:
    """HELO, reverse name, and whether the latter was verified; `beside`: the name before the address."""
    first = client.partition(" ")[0].strip("[]").removesuffix(".")
    said = next((found[1] for comment in comments if (found := _HELO.search(comment))), None)
    if said is not None:  # Exim, qmail, Yahoo: the name before the comment is from reverse DNS
        name = "" if first.lower() == "unknown" or _ip(first) else first.lower()
        return said.strip("[]()"), name, program == "exim"
    reverse = beside.rpartition("@")[2].removesuffix(".").lower()
    if program == "exim":  # the client gave its own reverse name
        return ("", "", False) if _ip(first) else (first, first.lower(), True)
    if reverse == "unknown" or not names.hostname(reverse):
        reverse = ""
    forged = any("forged" in comment or "unverified" in comment for comment in comments)
    return first, reverse, program in ("postfix", "sendmail") and not forged


# Addresses that no stranger connects from: what one of our own hosts wrote about another.
INTERNAL = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
        "2603:1000::/24",  # between the servers of Microsoft 365
    )
)


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whose Received fields are believed: networks and host names (a name stands for all below it)."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    names: tuple[str, ...] = field(default=())

    @classmethod
    def parse(cls, words: Iterable[str]) -> Trusted:
        """From networks, addresses and host names as a user writes them. Raises ValueError."""
        networks: list[IPv4Network | IPv6Network] = []
        hosts: list[str] = []
        for word in words:
            try:
                networks.append(ip_network(word.strip(), strict=False))
            except ValueError:
                name = names.hostname(word.strip().removeprefix("."))
                if name is None:
                    raise ValueError(f"trusted: neither a network nor a host name: {word!r}") from None
                hosts.append(name)
        return cls(tuple(networks), tuple(hosts))

    def covers(self, hop: Hop) -> bool:
        """Whether the client of this hop is one of ours."""
        if hop.address is None:
            return False
        ip = ip_address(hop.address)
        if any(ip.version == network.version and ip in network for network in (*INTERNAL, *self.networks)):
            return True
        if hop.verified and any(names.is_below(hop.name, name) for name in self.names):
            return True
        # From one host of the same organization to another, by a name that was looked up both ways
        own = names.registrable(hop.by) if names.normalise(hop.by) else None
        return bool(hop.verified and own and names.registrable(hop.name) == own)


def client_hop(hops: Sequence[Hop], trusted: Trusted) -> Hop | None:
    """The field that our border wrote about the stranger who brought the message; None where none did.

    Handovers inside a host or between our own are passed over. A field that names a client without an
    address ends the search: whoever it was may have written all below.
    """
    for hop in hops:
        if hop.address is None:
            if _inside(hop):
                continue
            return None
        if not trusted.covers(hop):
            return hop
    return None


def _inside(hop: Hop) -> bool:
    """A handover without a network between: no from clause, LMTP, or a local program."""
    if not hop.helo and not hop.name:
        return True
    return hop.protocol.startswith(("lmtp", "local", "mapi", "http", "esmtpsa-local"))
