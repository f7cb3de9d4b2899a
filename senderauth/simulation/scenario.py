"""The facts of one planned send, and how what a user wrote becomes them."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from senderauth import names

MAX_HOSTS = 64
MAX_SIGNERS = 32
MAX_LOCAL = 64
SELECTOR = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")  # RFC 6376 3.1, and the underscores in use


class ScenarioError(ValueError):
    """What the caller gave is no fact about a send. `field` names the fact, `value` what was given."""

    def __init__(self, field: str, value: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}: {value!r}")
        self.field, self.value, self.problem = field, value, problem


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address or, where nobody gave a local part, a bare domain."""

    local: str
    """Empty for a bare domain."""
    domain: str
    """In normal form: lower case, A-labels."""

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}" if self.local else self.domain

    @property
    def mailbox(self) -> str:
        """With the local part that SPF supplies where there is none (RFC 7208 4.3)."""
        return f"{self.local or 'postmaster'}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is known of a send before it happens (RFC 5598, RFC 5321).

    Raises ScenarioError (a ValueError) for what cannot be such a fact.
    """

    author: str
    """The From address, or its domain alone."""
    hosts: tuple[str, ...] = ()
    """Addresses or names of the sending hosts. A name stands for all its addresses."""
    mail_from: str | None = None
    """The reverse-path; None: the author's; "" or "<>": the null reverse-path."""
    helo: str | None = None
    """None: the PTR name that confirms forward, else the host's given name."""
    signers: tuple[tuple[str, str | None], ...] | None = None
    """Planned DKIM signatures as (domain, selector or None); (): unsigned; None: not said, both judged."""
    login: str | None = None
    """The address one logs in with at the submission server."""

    def __post_init__(self) -> None:
        given: object = self.hosts
        if isinstance(given, str):  # a tempting mistake: each letter would be a host
            raise ScenarioError("host", given, "hosts is a tuple of texts")
        if len(self.hosts) > MAX_HOSTS:
            raise ScenarioError("host", str(len(self.hosts)), f"a tuple of at most {MAX_HOSTS} hosts")
        if self.signers is not None and len(self.signers) > MAX_SIGNERS:
            raise ScenarioError("dkim", str(len(self.signers)), f"at most {MAX_SIGNERS} signers")
        for host in self.hosts:
            parse_host(host)
        _ = self.author_address, self.mail_from_address, self.login_address
        if self.helo is not None:
            _checked("helo", self.helo, names.MAX_NAME)
        for signer in self.signers or ():
            if not isinstance(signer, tuple | list) or len(signer) != 2:
                raise ScenarioError("dkim", str(signer), "signers is a tuple of (domain, selector or None)")
            domain, selector = signer
            parse_signer(domain if selector is None else f"{domain}:{selector}")

    @property
    def author_address(self) -> Address:
        """The author's address in normal form."""
        return parse_address("author", self.author)

    @property
    def mail_from_address(self) -> Address | None:
        """The reverse-path in normal form; None if it is null."""
        if self.mail_from is None:
            return self.author_address
        if self.mail_from in ("", "<>"):
            return None
        return parse_address("mail-from", self.mail_from)

    @property
    def login_address(self) -> Address | None:
        """The login in normal form, where one is known."""
        return None if self.login is None else parse_address("login", self.login)


def parse_address(field: str, text: str) -> Address:
    """A mail address or bare domain. Raises ScenarioError."""
    _checked(field, text, names.MAX_NAME + MAX_LOCAL + 3)
    inner = text.strip()
    if inner.startswith("<") and inner.endswith(">"):
        inner = inner[1:-1]
    local, at, domain = inner.rpartition("@")
    normal = names.mail_domain(domain)
    if normal is None and at and field == "mail-from":  # SPF says none of it (RFC 7208 4.3)
        normal = names.bare_host(domain)
    if normal is None:
        raise ScenarioError(field, text, "not a domain name" if not at else "not a mail address")
    if at and not _local_part(local):
        raise ScenarioError(field, text, "not a mail address")
    return Address(local, normal)


def _local_part(local: str) -> bool:
    if not 0 < len(local.encode()) <= MAX_LOCAL:
        return False
    if len(local) > 1 and local[0] == local[-1] == '"':  # a quoted string may hold anything printable
        return True
    # RFC 5322 3.4.1 dot-atom, RFC 6531 for all beyond ASCII
    return ".." not in local and local.strip(".") == local and not any(c in '()<>[]:;@\\," ' for c in local)


def parse_host(text: str) -> IPv4Address | IPv6Address | str:
    """An address (an IPv4-mapped one as IPv4) or a host name in normal form. Raises ScenarioError."""
    _checked("host", text, names.MAX_NAME + 1)
    bare = text.strip().removeprefix("[").removesuffix("]").removeprefix("IPv6:")
    try:
        ip = ip_address(bare)
    except ValueError:
        name = names.hostname(bare)
        if name is None:
            raise ScenarioError("host", text, "neither an address nor a host name") from None
        return name
    if isinstance(ip, IPv6Address):
        if ip.scope_id is not None:
            raise ScenarioError("host", text, "an address with a zone id belongs to one link only")
        return ip.ipv4_mapped or ip  # RFC 7208 5
    return ip


def parse_signer(text: str) -> tuple[str, str | None]:
    """A planned signer `domain[:selector]`. Raises ScenarioError."""
    _checked("dkim", text, 2 * names.MAX_NAME)
    domain, colon, selector = text.strip().partition(":")
    normal = names.hostname(domain)
    if normal is None:
        raise ScenarioError("dkim", text, "not a domain name")
    if not colon:
        return normal, None
    wanted = names.normalise(selector)
    if wanted is None or set(wanted) - SELECTOR or names.normalise(f"{wanted}._domainkey.{normal}") is None:
        raise ScenarioError("dkim", text, "not a selector")
    return normal, wanted


def _checked(field: str, text: str, limit: int) -> None:
    if not isinstance(text, str):
        raise ScenarioError(field, repr(text), "not text")
    if not text.strip():
        raise ScenarioError(field, text, "empty")
    if len(text) > limit:
        raise ScenarioError(field, text[:40] + "…", f"longer than {limit} characters")
    if any(not char.isprintable() for char in text):
        raise ScenarioError(field, text, "holds a control character")
