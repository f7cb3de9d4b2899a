"""DNS over TLS and HTTPS (RFC 7858, RFC 8484), through dnspython in a few threads.

The certificate is always verified, for the name or address that the user gave.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any

from senderauth.dns import wire

if TYPE_CHECKING:
    import ssl

    import dns.message

    from senderauth.dns.exchange import Attempt, Server

THREADS = 8
IDLE = 5.0
"""Seconds after which a thread without work ends, and its connections with it."""

Done = Callable[["Attempt", "wire.Reply | str"], None]
Job = tuple["Attempt", float, Done]


class Secure:
    """The threads, each with kept connections of its own."""

    def __init__(self, hand_back: Callable[..., object]) -> None:
        self._hand_back = hand_back
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._open = 0

    def ask(self, attempt: Attempt, timeout: float, done: Done) -> None:
        """Asks; `done(attempt, reply or what failed)` is called in the loop's thread."""
        self._open += 1
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) < min(self._open, THREADS):
            thread = Thread(target=self._work, name="senderauth-dns", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put((attempt, timeout, done))

    def close(self) -> None:
        """Lets the threads end."""
        for _ in self._threads:
            self._jobs.put(None)

    def _work(self) -> None:
        connections = _Connections()
        try:
            while job := self._jobs.get(timeout=IDLE):
                attempt, timeout, done = job
                reply = connections.ask(attempt, timeout)
                self._hand_back(self._finished, done, attempt, reply)
        except Empty:
            pass
        except RuntimeError:  # the loop has ended
            pass
        finally:
            connections.close()

    def _finished(self, done: Done, attempt: Attempt, reply: wire.Reply | str) -> None:
        self._open -= 1
        done(attempt, reply)


class _Connections:
    """What one thread keeps open, by server."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None
        self._tls: dict[Server, Any] = {}
        self._https: Any = None

    def ask(self, attempt: Attempt, timeout: float) -> wire.Reply | str:
        """The reply, or what failed in a word."""
        import ssl

        import dns.exception
        import dns.message

        from senderauth.dns.guest import from_message

        server = attempt.server
        query = dns.message.from_wire(attempt.wire(b"\0\0"))
        try:
            ask = self._ask_tls if server.scheme == "tls" else self._ask_https
            message = ask(server, query, timeout)
        except ssl.SSLCertVerificationError:
            return f"{server.scheme}-certificate"
        except (TimeoutError, dns.exception.Timeout):
            return f"{server.scheme}-timeout"
        except ConnectionRefusedError:
            return f"{server.scheme}-refused"
        except OSError:
            return f"{server.scheme}-unreachable"
        except (dns.exception.DNSException, ValueError, EOFError):
            return f"{server.scheme}-nonsense"
        question = attempt.exchange.question
        return from_message(message, attempt.name, question.rdtype)

    def _ssl(self) -> ssl.SSLContext:
        import ssl

        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    def _ask_tls(self, server: Server, query: dns.message.Message, timeout: float) -> dns.message.Message:
        kept = self._tls.pop(server, None)
        if kept is not None:
            try:
                return self._over(kept, server, query, timeout)
            except (OSError, EOFError):
                kept.close()  # the server has hung up since; once more on a new connection
        return self._over(self._connect(server, timeout), server, query, timeout)

    def _over(self, sock: Any, server: Server, query: Any, timeout: float) -> dns.message.Message:
        import dns.query

        try:
            message = dns.query.tls(query, server.address, timeout, sock=sock)
        except BaseException:
            sock.close()
            raise
        self._tls[server] = sock
        return message

    def _connect(self, server: Server, timeout: float) -> Any:
        import socket

        plain = socket.create_connection((server.address, server.port), timeout)
        try:
            sock = self._ssl().wrap_socket(plain, server_hostname=server.authname)
        except BaseException:
            plain.close()
            raise
        sock.setblocking(False)
        return sock

    def _ask_https(self, server: Server, query: dns.message.Message, timeout: float) -> dns.message.Message:
        import dns.query

        # the HTTP library is dnspython's choice: httpx up to 2.8, httpx2 since
        http: Any = getattr(dns.query, "httpx2", None) or getattr(dns.query, "httpx", None)
        if self._https is None:
            self._https = http.Client(http1=True, http2=True, verify=self._ssl())
        try:
            return dns.query.https(query, server.address, timeout, session=self._https)
        except http.TimeoutException as error:
            raise TimeoutError from error
        except http.HTTPError as error:
            raise _cause(error) from error

    def close(self) -> None:
        """Hangs up."""
        for sock in self._tls.values():
            sock.close()
        if self._https is not None:
            self._https.close()


def _cause(error: BaseException | None) -> OSError:
    """The OSError at the bottom of the HTTP library's own."""
    while error is not None:
        if isinstance(error, OSError):
            return error
        error = error.__cause__ or error.__context__
    return OSError("no connection")
