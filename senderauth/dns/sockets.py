"""What the client's sockets are made of, and the reactor that they hang on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Protocol

from senderauth.dns.exchange import Attempt, Server
from senderauth.dns.flight import Flight


class Timer(Protocol):
    """A call that can be called off."""

    def cancel(self) -> None:
        """Calls it off."""
        ...


class Reactor(Protocol):
    """What `loop.Reactor` and asyncio's loops have in common."""

    def time(self) -> float:
        """Seconds."""
        ...

    def call_soon(self, call: Callable[[], object]) -> object:
        """Calls once what can be done without waiting is done."""
        ...

    def call_at(self, when: float, call: Callable[..., object], *arguments: Any) -> Timer:
        """Calls later."""
        ...

    def add_reader(self, socket: Any, call: Callable[..., object], *arguments: Any) -> None:
        """Calls when there is something to read."""
        ...

    def add_writer(self, socket: Any, call: Callable[..., object], *arguments: Any) -> None:
        """Calls when something can be written."""
        ...

    def remove_reader(self, socket: Any) -> object:
        """Forgets it."""
        ...

    def remove_writer(self, socket: Any) -> object:
        """Forgets it."""
        ...

    def call_soon_threadsafe(self, call: Callable[..., object], *arguments: Any) -> object:
        """Calls soon, from any thread."""
        ...


class Socket(socket.socket):
    """Closes itself: a caller's loop may end while a question is in the air."""

    def __del__(self) -> None:
        self.close()


def _open(server: Server, kind: socket.SocketKind) -> Socket:
    opened = Socket(socket.AF_INET6 if ":" in server.address else socket.AF_INET, kind)
    opened.setblocking(False)
    return opened


class Channel:
    """A UDP socket and what went out through it, by id."""

    __slots__ = ("pending", "send", "server", "socket", "uses")

    def __init__(self, server: Server) -> None:
        self.server = server
        self.socket = _open(server, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.connect((server.address, server.port))  # takes a random port, hears nobody else
        self.send = self.socket.send
        self.pending: dict[bytes, Flight | Attempt] = {}
        self.uses = 0


class Call:
    """One question over TCP: connect, send, receive, close."""

    __slots__ = ("attempt", "id", "reading", "received", "socket", "to_send")

    def __init__(self, attempt: Attempt, id: bytes) -> None:
        self.attempt, self.id = attempt, id
        message = attempt.wire(id)
        self.to_send = len(message).to_bytes(2, "big") + message
        self.received = bytearray()
        self.socket = _open(attempt.server, socket.SOCK_STREAM)
        self.reading = False

    def message(self) -> bytes | None:
        """The whole answer, once it is there."""
        if len(self.received) < 2:
            return None
        size = self.received[0] << 8 | self.received[1]
        return bytes(self.received[2 : 2 + size]) if len(self.received) >= 2 + size else None


def reason(error: OSError) -> str:
    """In a word, as notes have it."""
    return "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"
