"""Facts that a bounce's text states: addresses, domains, words of results, codes of filters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import unquote

from senderauth.catalogue.normalise import Text
from senderauth.catalogue.pattern import Hit
from senderauth.names import normalise as normalise_name
from senderauth.values import Span


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that the bounce says, and where it says it."""

    name: str
    value: str
    source: str
    """"text", or the part of the bounce: "diagnostic-code", "remote-mta", "returned-from", …"""
    span: Span | None = None
    """In the raw text, where that is the source."""


_DOMAINS = frozenset(
    [
        "author_domain",
        "mail_from_domain",
        "spf_domain",
        "dkim_domain",
        "helo",
        "host",
        "domain",
        "recipient_domain",
    ]
)
_ADDRESSES = frozenset(["recipient", "mail_from", "sender", "login", "author"])
_POLICIES = frozenset({"none", "quarantine", "reject"})

# Raw text, because its letters' case matters; the grammar is that of real samples of one provider.
_FILTER_CODE = re.compile(
    r"\((B(?:-[A-Z]{1,20}){1,5})(?: ([0-9]{1,12})(?:::([0-9]{10})-([0-9A-F]{8})-([0-9A-F]{8})"
    r"/([0-9]{1,10})/([0-9]{1,20}))?)?\)"
)
_SCOPE = re.compile(r"\((ACC|RID)\)")
_MESSAGE_NUMBER = re.compile(r"\[MSG([0-9]{4})\]")
_RESULTS = "pass|fail|softfail|neutral|none|temperror|permerror|did not pass"
_PAIR = re.compile(rf"\b(spf|dkim|dmarc) ?= ?({_RESULTS})\b")
_GMAIL_SPF = re.compile(
    r"\bspf (?:check for )?\[?([^\s\[\]]{1,255})\]? (?:does not pass |did not pass )?"
    r"with ip: ?\[?([^\s\[\]=]{1,64})\]?"
)
_GMAIL_SPF_IP = re.compile(r"\bspf with \[?([0-9a-f:.]{2,64})\]? = did not pass")
_WHY = re.compile(r"open-?spf\.(?:net|org)/why(?:\.html)?[?;]([^\s<>\"')\]]{1,600})")
_WHY_NAMES = {
    "s": "identity",
    "identity": "mail_from",
    "id": "mail_from",
    "sender": "mail_from",
    "ip": "address",
    "r": "host",
    "receiver": "host",
}
_BLOCK_LIST = re.compile(r"\bblocked using ([a-z0-9][a-z0-9.-]{2,100})")
# Postfix puts before its reason what the reason is about; Gmail the client's address.
_SUBJECT = re.compile(r"<([^<>\s]{1,320})>: (sender address|recipient address|helo command) rejected\b")
_LABELLED = re.compile(r"\bsender address: <?([^\s<>]{1,320}@[^\s<>]{1,255})")  # Microsoft 365
_SUBJECTS = {"sender address": "mail_from", "recipient address": "recipient", "helo command": "helo"}
_CLIENT = re.compile(
    r"\A\[([0-9a-f:.]{3,45})(?: {1,9}\d{1,4})?\] (?:the ip|our system|messages|this message)\b"
)


def facts_of_slots(normal: Text, hit: Hit) -> tuple[Fact, ...]:
    """What the slots of a pattern hold, as far as it is what the slot's name says."""
    found = []
    for name, start, end in hit.slots:
        value = _value(name, normal.shown[start:end]) if start >= 0 else ""
        if value:
            found.append(Fact(name, value, "text", normal.raw_span(start, end)))
    return tuple(found)


# "of example.com", "for domain example.com", "from a@example.com": whom a refusal names in its own words.
_OF_WHOM = re.compile(
    r"(?<!\w)(?:(?:of|for|from|von|van|für|voor) (?:the )?)?"
    r"(domain|of|for|from|sender|behalf of|domein|namens|von|van|für|voor|says)"
    r" ?:?[ \[(<'\"]{1,3}"
    r"([^\s<>()\[\]'\",;:=/]{1,320})"
)
_TO_WHOM = ("for", "für", "voor")  # an address there is the recipient's as often as not
_ANY_ADDRESS = re.compile(
    r"(?<![\w.:])((?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-f]{1,4}:){2,7}[0-9a-f:]{1,40})(?![\w:])"
)
_MECHANISMS: dict[str, tuple[str, str]] = {
    "spf": ("mail_from", "mail_from_domain"),
    "dmarc": ("author", "author_domain"),
    "adsp": ("author", "author_domain"),
    "dkim": ("", "dkim_domain"),
}


def client_address(normal: Text) -> Iterator[Fact]:
    """The address that a refusal names, where it names only one."""
    places = {routable(place[1]): place for place in _ANY_ADDRESS.finditer(normal.lower)}
    places.pop("", None)
    if len(places) == 1:
        ((address, place),) = places.items()
        yield Fact("address", address, "text", normal.raw_span(*place.span(1)))


def facts_beside(normal: Text, checks: tuple[str, ...]) -> tuple[Fact, ...]:
    """Whom and which address a refusal names that is known by its topic alone: the only one of its kind."""
    found = list(client_address(normal)) if checks else []
    whole, part = _MECHANISMS.get(checks[0], ("", "")) if checks else ("", "")
    named: dict[str, tuple[str, re.Match[str]]] = {}
    for place in _OF_WHOM.finditer(normal.lower):
        text = place[2].rstrip(".")
        domain = domain_of(text.rpartition("@")[2])
        domain = domain.rpartition("._domainkey.")[2].removeprefix("_dmarc.")
        if domain and part and not ("@" in text and place[1] in _TO_WHOM):
            named.setdefault(domain, (text, place))
    if len(named) == 1:
        ((domain, (text, place)),) = named.items()
        span = normal.raw_span(*place.span(2))
        found.append(Fact(part, domain, "text", span))
        if whole and "@" in text:
            found.append(Fact(whole, _value(whole, text), "text", span))
    return tuple(fact for fact in found if fact.value)


def _value(name: str, text: str) -> str:
    """The text as the value of a slot; empty where it is none, such as a placeholder of a manual."""
    text = text.strip("<>[]()'\"").rstrip(".,;:")
    if name == "address":
        return ip_of(text)
    if name in _DOMAINS:
        return domain_of(text)
    if name in _ADDRESSES:
        local, _, domain = text.rpartition("@")
        return f"{local}@{domain.lower()}" if local and domain_of(domain) else ""
    if name == "policy":
        return text.lower() if text.lower() in _POLICIES else ""
    return text


def ip_of(text: str) -> str:
    """The text as an IP address; empty where it is none, or one of a single link (fe80::1%eth0)."""
    if "%" in text:
        return ""
    try:
        return str(ip_address(text.strip("[]").lower().removeprefix("ipv6:")))
    except ValueError:
        return ""


_INTERNAL: list[IPv4Network | IPv6Network] = [
    *map(IPv4Network, ("0.0.0.0/8", "10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    *map(IPv4Network, ("100.64.0.0/10", "169.254.0.0/16")),
    *map(IPv6Network, ("::/127", "fc00::/7", "fe80::/10")),
]
"""Addresses that a server has behind a router, or for itself (RFC 6890)."""


def routable(text: str) -> str:
    """The text as an IP address that others can see mail come from; empty where it is none."""
    address = ip_of(text)
    inside = any(ip_address(address) in network for network in _INTERNAL) if address else False
    return "" if inside else address


def domain_of(text: str) -> str:
    """The text as a domain name in normal form; empty where it is none."""
    name = normalise_name(text.lower()) if "." in text else None
    return name if name and not ip_of(text) else ""


def facts_of_text(normal: Text) -> tuple[Fact, ...]:
    """What any text may state, whatever else it says; the first of a name counts."""
    found: dict[str, Fact] = {}
    for fact in (*_filter_codes(normal.raw), *_results(normal)):
        found.setdefault(fact.name, fact)
    return tuple(found.values())


def stated_code_word(facts: tuple[Fact, ...]) -> str:
    """The filter's code word in lower case, without what follows it: "b-url"."""
    for fact in facts:
        if fact.name == "filter_code":
            return fact.value.lower()
    return ""


def _filter_codes(raw: str) -> Iterator[Fact]:
    code = _FILTER_CODE.search(raw)
    if code:
        names = ("filter_code", "filter_rule", "filter_time", "filter_id", "filter_message", "", "")
        for number, name in enumerate(names, 1):
            if name and code[number]:
                yield Fact(name, code[number], "text", Span(*code.span(number)))
    for name, regex in (("filter_scope", _SCOPE), ("filter_text", _MESSAGE_NUMBER)):
        one = regex.search(raw)
        if one:
            yield Fact(name, one[1], "text", Span(*one.span(1)))


def _results(normal: Text) -> Iterator[Fact]:
    def fact(name: str, value: str, start: int, end: int) -> Fact:
        return Fact(name, value, "text", normal.raw_span(start, end))

    lower = normal.lower
    subject = _SUBJECT.search(lower)
    if subject and "response: " not in lower[max(0, subject.start() - 20) : subject.start()]:  # Exim's probe
        name = _SUBJECTS[subject[2]]
        value = _value(name, normal.shown[subject.start(1) : subject.end(1)])
        if value:
            yield fact(name, value, *subject.span(1))
    sender = _LABELLED.search(lower)
    if sender and _value("mail_from", normal.shown[sender.start(1) : sender.end(1)]):
        yield fact("mail_from", _value("mail_from", sender[1]), *sender.span(1))
    client = _CLIENT.search(lower)
    if client and ip_of(client[1]):
        yield fact("address", ip_of(client[1]), *client.span(1))
    for pair in _PAIR.finditer(lower):
        word = "fail" if pair[2] == "did not pass" else pair[2]
        yield fact(f"{pair[1]}_word", word, *pair.span(2))
    spf = _GMAIL_SPF.search(lower)
    if spf:
        if domain_of(spf[1]):
            yield fact("spf_domain", domain_of(spf[1]), *spf.span(1))
        if ip_of(spf[2]):
            yield fact("address", ip_of(spf[2]), *spf.span(2))
        rest = lower[spf.end() : spf.end() + 20]
        if "did not pass" in rest or "not pass" in spf[0]:
            yield fact("spf_word", "fail", *spf.span())
    spf = _GMAIL_SPF_IP.search(lower)
    if spf and ip_of(spf[1]):
        yield fact("address", ip_of(spf[1]), *spf.span(1))
    for why in _WHY.finditer(lower):
        yield from _why(normal, why)
    listed = _BLOCK_LIST.search(lower)
    if listed:
        yield fact("block_list", listed[1].rstrip("."), *listed.span(1))


def _why(normal: Text, why: re.Match[str]) -> Iterator[Fact]:
    """Parameters of the explaining page: "s=mfrom;id=…;ip=…;r=…", also with "&" and "identity="."""
    at = why.start(1)
    for part in re.split(r"[;&]", normal.shown[why.start(1) : why.end(1)])[:12]:
        key, _, value = part.partition("=")
        start = at + len(key) + 1
        at += len(part) + 1
        name, value = _WHY_NAMES.get(key.lower(), ""), unquote(value)
        span = normal.raw_span(start, start + len(part) - len(key) - 1)
        if name == "identity" and value.lower() in ("mfrom", "helo"):
            yield Fact("identity", value.lower(), "text", span)
        elif name == "address" and ip_of(value):
            yield Fact("address", ip_of(value), "text", span)
        elif name == "host" and domain_of(value):
            yield Fact("host", domain_of(value), "text", span)
        elif name == "mail_from" and "@" in value:
            local, _, domain = value.rpartition("@")
            if domain_of(domain):
                yield Fact("mail_from", f"{local}@{domain_of(domain)}", "text", span)
                yield Fact("mail_from_domain", domain_of(domain), "text", span)
        elif name == "mail_from" and domain_of(value):
            yield Fact("mail_from_domain", domain_of(value), "text", span)
