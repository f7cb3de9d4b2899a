"""The resolver that asks real name servers."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from senderauth.dns.core import Answer, Question, Resolver
from senderauth.dns.drive import Scheduler, scheduler, suspend, together

if TYPE_CHECKING:
    from senderauth.dns.client import Client
    from senderauth.dns.exchange import Server

PORTS = {"udp": 53, "tls": 853}


class LiveResolver:
    """Asks name servers, as a stub resolver does: one question at a time to recursive servers, or straight
    to an authoritative one. Works under `run`, `crowd` and asyncio; any number of loops and threads may
    use one at the same time. It keeps no answers: wrap it in a `CachingResolver` for that.

    nameservers: address, address:port, [v6]:port, `tls://host[:port][#name on the certificate]` or an
    `https://` URL; the system's where none are given. ValueError for what is none of these.
    timeout: seconds until a question is given up, all its attempts together.
    tries: how often each server is asked at most.
    rate: questions a second to each server at most.
    port: of servers given as a bare address.
    """

    def __init__(
        self,
        nameservers: Iterable[str] | None = None,
        *,
        timeout: float = 5.0,
        tries: int = 3,
        rate: float | None = None,
        port: int = 53,
    ) -> None:
        if not timeout > 0:  # nor NaN
            raise ValueError("timeout must be more than 0 seconds")
        if tries < 1:
            raise ValueError("tries must be at least 1")
        if rate is not None and not rate > 0:
            raise ValueError("rate must be more than 0 questions a second")
        if not 0 < port < 65_536:
            raise ValueError("port must be between 1 and 65535")
        if isinstance(nameservers, str):
            raise TypeError("nameservers is a list of texts, not one text")
        self._timeout, self._tries = timeout, tries
        self._given = None if nameservers is None else tuple(nameservers)
        self._rate, self._port = rate, port
        self._servers: tuple[Server, ...] | None = None
        self._clients: dict[Any, Client] = {}
        if self._given is not None:
            if not self._given:
                raise ValueError("no name server is given")
            self._servers = tuple(parse_server(text, port, rate) for text in self._given)

    def __reduce__(self) -> tuple[object, ...]:
        """For another process: the same servers, nothing of what was learnt of them."""
        return _again, (self._given, self._timeout, self._tries, self._rate, self._port)

    def share(self, count: int) -> None:
        """From now on, `count` processes ask with this rate together."""
        if self._rate:
            for server in self._known_servers():
                server.pace(self._rate / count)

    @property
    def nameservers(self) -> tuple[str, ...]:
        """The servers that are asked, in order."""
        return tuple(server.text for server in self._known_servers())

    def _known_servers(self) -> tuple[Server, ...]:
        if self._servers is None:
            found = system_nameservers()
            self._servers = tuple(parse_server(text, self._port, self._rate) for text in found)
        return self._servers

    async def resolve(self, question: Question) -> Answer:
        """The answer of the first server that gives one. Whatever happens on the way is in the answer:
        SERVFAIL, REFUSED, or TIMEOUT with a note such as "refused" or "unreachable".
        """
        running = scheduler()
        if running is not None:
            client: Any = running.clients.get(self) or self._client_in(running)
            flight = client.ask(question)
            return flight if isinstance(flight, Answer) else await suspend(flight.waiters.append)
        flight = self._client_of_asyncio().ask(question)
        if isinstance(flight, Answer):
            return flight
        from senderauth.dns.aio import wait

        return await wait(flight.waiters.append)  # type: ignore[no-any-return]

    async def resolve_all(self, questions: Iterable[Question]) -> list[Answer]:
        """The answers to several questions, in order, all sent at once."""
        from senderauth.dns.many import Flights

        running = scheduler()
        if running is None:
            return await together(*(self.resolve(question) for question in questions))
        client: Any = running.clients.get(self) or self._client_in(running)
        flights = Flights(client, questions)
        if flights.left:
            await suspend(flights.begin)
        return flights.answers

    def prefetch(self, questions: Iterable[Question]) -> None:
        """Sends questions that will probably be asked soon; `resolve` finds their answers there. To be
        called by work that is being driven. Too many at a time are ignored.
        """
        try:
            running = scheduler()
        except RuntimeError:
            return
        if running is None:
            self._client_of_asyncio().announce(questions)
        else:
            client: Any = running.clients.get(self) or self._client_in(running)
            client.announce(questions)

    def _client_of_asyncio(self) -> Client:
        from senderauth.dns.aio import running_loop

        loop = running_loop()
        client = self._clients.get(loop)
        if client is None:
            from senderauth.dns.client import Client

            self._bury()
            client = Client(self._known_servers(), self._timeout, self._tries, loop, own=False)
            self._clients[loop] = client
        return client

    def _client_in(self, running: Scheduler) -> Client:
        from senderauth.dns.client import Client

        client = Client(self._known_servers(), self._timeout, self._tries, running.reactor, own=True)
        running.clients[self] = client
        return client

    def _bury(self) -> None:
        """Frees what was left by asyncio loops that have ended."""
        for loop in [loop for loop in self._clients if loop.is_closed()]:
            self._clients.pop(loop).abandon()

    def close(self) -> None:
        """Frees the sockets, as far as they are not freed with their loop. The resolver stays usable."""
        for loop in list(self._clients):
            client = self._clients.pop(loop)
            client.abandon() if loop.is_closed() else client.close()

    def __enter__(self) -> LiveResolver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def share_rate(resolver: Resolver, count: int) -> None:
    """Tells a resolver in this process, whatever it is wrapped in, that `count` of its kind are at work."""
    below: Any = resolver
    while not isinstance(below, LiveResolver) and hasattr(below, "over"):
        below = below.over
    if isinstance(below, LiveResolver):
        below.share(count)


def _again(
    given: tuple[str, ...] | None, timeout: float, tries: int, rate: float | None, port: int
) -> LiveResolver:
    return LiveResolver(given, timeout=timeout, tries=tries, rate=rate, port=port)


def system_nameservers() -> tuple[str, ...]:
    """The name servers of the system's configuration. ValueError if it has none."""
    import dns.resolver

    try:
        found = dns.resolver.Resolver().nameservers
    except dns.resolver.NoResolverConfiguration:
        found = []
    if not found:
        raise ValueError("the system has no name server configured; give one")
    return tuple(_text(server) for server in found)


def _text(server: Any) -> str:
    text = str(server).removeprefix("Do53:").partition("@")[0]
    return text


def parse_server(text: str, port: int = 53, rate: float | None = None) -> Server:
    """A name server as users write it. ValueError if it is none."""
    from senderauth.dns.exchange import Server

    given = text.strip()
    if given.lower().startswith("https://"):
        return _https(given, rate)
    if given.lower().startswith("tls://"):
        where, _, name = given[6:].partition("#")
        host, number = _host_and_port(where, text, PORTS["tls"])
        if not host:
            raise _bad(text)
        return Server(given, "tls", host, number, rate, name or host)
    if "://" in given:
        raise _bad(text)
    host, number = _host_and_port(given, text, port)
    try:
        address = ip_address(host)
    except ValueError:
        raise _bad(text) from None
    shown = f"[{address}]" if address.version == 6 else str(address)
    return Server(str(address) if number == 53 else f"{shown}:{number}", "udp", str(address), number, rate)


def _https(url: str, rate: float | None) -> Server:
    from urllib.parse import urlsplit

    import dns.query

    from senderauth.dns.exchange import Server

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError:
        host, port = None, 0
    if not host or any(char.isspace() or not char.isprintable() for char in url):
        raise _bad(url)
    if not dns.query.have_doh:
        raise ValueError(f"{url[:100]} needs httpx and h2: pip install 'senderauth[doh]'")
    return Server(url, "https", url, port, rate, host)


def _host_and_port(where: str, text: str, default: int) -> tuple[str, int]:
    host, port = where, ""
    if where.startswith("["):
        host, bracket, rest = where[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _bad(text)
        port = rest[1:]
        if rest and not port:
            raise _bad(text)
    elif where.count(":") == 1:
        host, _, port = where.partition(":")
        if not port:
            raise _bad(text)
    if any(char.isspace() or not char.isprintable() for char in host):
        raise _bad(text)
    if not port:
        return host, default
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
        raise ValueError(f"{port[:20]!r} in {text[:100]!r} is not a port number")
    return host, int(port)


def _bad(text: str) -> ValueError:
    forms = "an address, address:port, [IPv6]:port, tls://host or https://host/path"
    return ValueError(f"{text[:100]!r} is not a name server: write {forms}")
