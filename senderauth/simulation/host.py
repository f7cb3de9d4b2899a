"""The sending host itself: its addresses, its reverse name, its HELO name (RFC 8601 3, RFC 5321 4.1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from senderauth import names
from senderauth.dns import Question, Resolver
from senderauth.simulation.ask import addresses, ask
from senderauth.simulation.scenario import parse_host
from senderauth.values import Finding, Step, Trace

MAX_PTR = 10  # RFC 8601 3, as RFC 7208 4.6.4
MAX_ADDRESSES = 16

# What an address is for, where it is not for the public network (IANA special-purpose registries).
SPECIAL = tuple(
    (ip_network(network), kind)
    for network, kind in (
        ("192.0.2.0/24", "documentation"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("127.0.0.0/8", "loopback"),
        ("::1/128", "loopback"),
        ("10.0.0.0/8", "private"),
        ("172.16.0.0/12", "private"),
        ("192.168.0.0/16", "private"),
        ("fc00::/7", "private"),
        ("100.64.0.0/10", "shared"),
        ("169.254.0.0/16", "link-local"),
        ("fe80::/10", "link-local"),
        ("198.18.0.0/15", "benchmarking"),
        ("0.0.0.0/8", "reserved"),
        ("224.0.0.0/4", "multicast"),
        ("ff00::/8", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "reserved"),
    )
)


@dataclass(frozen=True, slots=True)
class Host:
    """One host as given, and the addresses it stands for."""

    name: str
    """As given, in normal form."""
    state: Literal["address", "found", "missing", "unknown"]
    addresses: tuple[str, ...]
    trace: Step


@dataclass(frozen=True, slots=True)
class Reverse:
    """Reverse and forward look-up of an address: iprev (RFC 8601 3)."""

    state: Literal["confirmed", "missing", "unconfirmed", "unknown"]
    names: tuple[str, ...]
    """The PTR names, at most 10 of them looked at."""
    confirmed: tuple[str, ...]
    """Those that lead back to the address."""
    generic: bool
    """The name looks as if it was made from the address, as dial-up and default names are."""
    trace: Step


@dataclass(frozen=True, slots=True)
class Sender:
    """One sending address, its reverse name and the name it will give in HELO."""

    host: str
    address: str
    special: str | None
    """What the address is reserved for, where it is not public."""
    reverse: Reverse
    helo: str | None
    helo_origin: Literal["given", "reverse", "host", "none"]
    helo_state: Literal["matches", "elsewhere", "missing", "literal", "bare", "unknown", "none"]
    """Whether the HELO name leads to the address."""
    trace: Step


def special(network: IPv4Network | IPv6Network) -> str | None:
    """What a network, or an address as one, is reserved for; None where it is public, in part at least."""
    return next((kind for known, kind in SPECIAL if network[0] in known and network[-1] in known), None)


async def resolve_host(resolver: Resolver, given: str) -> Host:
    """The addresses of a host: itself if it is one, else all A and AAAA records."""
    host = parse_host(given)
    trace = Trace("host", host=str(host))
    if not isinstance(host, str):
        return Host(str(host), "address", (str(host),), trace.root)
    found, unknown = await addresses(resolver, trace, host)
    if found:
        return Host(host, "found", found[:MAX_ADDRESSES], trace.root)
    return Host(host, "unknown" if unknown else "missing", (), trace.root)


async def reverse(resolver: Resolver, address: str) -> Reverse:
    """The PTR names of an address and which of them lead back to it."""
    ip = ip_address(address)
    name = names.reverse(ip)
    trace = Trace("reverse", address=address, name=name)
    (answer,) = await ask(resolver, trace, Question(name, "PTR"))
    if answer.unknown:
        return Reverse("unknown", (), (), False, trace.root)
    candidates = [ptr for ptr in answer.records if names.normalise(ptr)][:MAX_PTR]
    rdtype = "A" if ip.version == 4 else "AAAA"
    answers = await ask(resolver, trace, *(Question(ptr, rdtype) for ptr in candidates))
    confirmed, unknown = [], False
    for ptr, forward in zip(candidates, answers, strict=True):
        unknown |= forward.unknown
        if any(ip_address(record) == ip for record in forward.records):
            confirmed.append(ptr)
    state: Literal["confirmed", "missing", "unconfirmed", "unknown"]
    if confirmed:
        state = "confirmed"
    elif not candidates:
        state = "missing"
    else:
        state = "unknown" if unknown else "unconfirmed"
    best = confirmed[0] if confirmed else (candidates[0] if candidates else "")
    return Reverse(state, tuple(candidates), tuple(confirmed), _made_from_address(best, ip), trace.root)


def _made_from_address(name: str, ip: IPv4Address | IPv6Address) -> bool:
    """Whether the leftmost labels spell the address, as in 203-0-113-9.dsl.example."""
    if not name:
        return False
    host = name.replace(".", "-").replace("_", "-")
    if isinstance(ip, IPv4Address):
        parts = str(ip).split(".")
        spelled = ("-".join(parts), "-".join(reversed(parts)), "".join(part.zfill(3) for part in parts))
        return any(f"-{word}-" in f"-{host}-" for word in spelled[:2]) or spelled[2] in host
    digits = ip.exploded.replace(":", "")
    return digits in host.replace("-", "") or digits[16:] in host.replace("-", "")


async def sender(resolver: Resolver, host: str, address: str, helo: str | None) -> Sender:
    """One sending address with its HELO name: the given one, else the confirmed PTR name, else the
    host's own name.
    """
    ip = ip_address(address)
    trace = Trace("sender", address=address)
    back = await reverse(resolver, address)
    trace.root.inner.append(back.trace)
    origin: Literal["given", "reverse", "host", "none"] = "none"
    name: str | None = None
    if helo is not None:
        name, origin = helo.strip(), "given"
    elif back.confirmed:
        name, origin = back.confirmed[0], "reverse"
    elif host != address:
        name, origin = host, "host"
    state = await _helo_state(resolver, name, ip, trace)
    if name is not None:
        name = names.normalise(name) or name
    return Sender(host, address, special(ip_network(ip)), back, name, origin, state, trace.root)


def unknown(helo: str | None) -> Sender:
    """A sender whose address nobody knows."""
    trace = Trace("sender", address="")
    nowhere = Reverse("unknown", (), (), False, trace.root)
    name = None if helo is None else names.normalise(helo) or helo.strip()
    return Sender("", "", None, nowhere, name, "given" if name else "none", "unknown", trace.root)


async def _helo_state(
    resolver: Resolver, helo: str | None, ip: IPv4Address | IPv6Address, trace: Trace
) -> Literal["matches", "elsewhere", "missing", "literal", "bare", "unknown", "none"]:
    if helo is None:
        return "none"
    if helo.startswith("["):
        return "literal"
    name = names.hostname(helo)
    if name is None:
        return "bare"
    with trace.step("helo", name=name):
        found, unknown = await addresses(resolver, trace, name)
    if str(ip) in found:
        return "matches"
    if unknown:
        return "unknown"
    return "elsewhere" if found else "missing"


def findings(sender: Sender) -> tuple[Finding, ...]:
    """What is worth telling about a sending address, whatever the records say."""
    found: list[Finding] = []
    if not sender.address:
        return ()

    def add(id: str, severity: Literal["info", "low", "medium", "high"], rfc: str, **facts: object) -> None:
        found.append(Finding(id, severity, sender.address, {"host": sender.host, **facts}, rfc))

    back = sender.reverse
    if sender.special is not None:
        add("host-address-special", "info", "RFC 6890 2", kind=sender.special)
    if back.state == "missing":
        add("host-reverse-missing", "medium", "RFC 8601 3", name=names.reverse(ip_address(sender.address)))
    elif back.state == "unconfirmed":
        add("host-reverse-unconfirmed", "medium", "RFC 8601 3", names=list(back.names))
    elif back.state == "unknown":
        add("host-reverse-unknown", "low", "RFC 8601 3", name=names.reverse(ip_address(sender.address)))
    elif back.generic:
        add("host-reverse-generic", "low", "RFC 8601 3", names=list(back.confirmed))
    if sender.helo_origin == "none":
        add("host-helo-not-known", "info", "RFC 5321 4.1.1.1")
    elif sender.helo_state == "missing":
        add("host-helo-without-address", "medium", "RFC 5321 4.1.1.1", helo=sender.helo)
    elif sender.helo_state == "elsewhere":
        add("host-helo-elsewhere", "low", "RFC 5321 4.1.4", helo=sender.helo)
    elif sender.helo_state in ("literal", "bare"):
        add("host-helo-no-name", "medium", "RFC 5321 2.3.5", helo=sender.helo)
    elif sender.helo_state == "unknown":
        add("host-helo-unknown", "low", "RFC 5321 4.1.1.1", helo=sender.helo)
    return tuple(found)
