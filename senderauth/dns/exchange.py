"""One question's life, without I/O: which server next, how long to wait, what an answer is worth.

Theory of operation. An `Exchange` is told what happened and says what to do: `next` gives the attempt to
send, `sent`, `received`, `expired` and `unreachable` are the events, and each gives back an `Act` or, at
the end, the `Answer`. A client (client.py) does the sending.

Servers are asked in their order, the next one at once when one refuses, fails or cannot be reached, and
when it stays silent for as long as its usual round trip suggests (RFC 6298, never under MIN_WAIT since a
recursive server may have to work). The second round waits twice as long, and so on; answers to earlier
attempts still count until the deadline. An answer is believed only if it came from where the question
went (connected sockets), with its id, and with its very spelling: each letter's case was thrown by dice.
A server that does not keep the case is asked over TCP, which cannot be forged blindly, and once it has
shown there that it never keeps it, without dice.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from math import inf
from os import urandom
from struct import Struct
from threading import Lock
from typing import Any

from senderauth.dns import wire
from senderauth.dns.core import Answer, Question, Status

FIRST_WAIT = 1.0
"""Seconds for a server that was not asked before."""
MIN_WAIT, MAX_WAIT = 0.4, 2.0
HOLD = 10.0
"""Seconds for which a server that only keeps silent is asked last."""
DOWN = 0.2
"""Seconds for which a closed port counts as closed: systems ration the ICMP messages that say so."""
SILENCES = 4
"""Attempts in a row without an answer that make it so."""
NEVER = inf


class Act(enum.Enum):
    """What a client is to do next with an exchange that is not done."""

    WAIT = enum.auto()
    SEND = enum.auto()
    """Ask for the next attempt and send it."""
    TCP = enum.auto()
    """Send this attempt again over TCP."""


class Server:
    """A name server and what was learnt of it; shared by all exchanges of a resolver, in all threads."""

    __slots__ = (
        "_free",
        "_lock",
        "_smoothed",
        "_variation",
        "address",
        "authname",
        "down",
        "edns",
        "held",
        "interval",
        "keeps_case",
        "lost_case",
        "plain_from",
        "port",
        "scheme",
        "silences",
        "text",
        "wait",
    )

    def __init__(
        self, text: str, scheme: str, address: str, port: int, rate: float | None, authname: str = ""
    ) -> None:
        self.text, self.scheme, self.address, self.port = text, scheme, address, port
        self.authname = authname
        self.interval = 0.0
        """Seconds between two questions."""
        self.edns = self.keeps_case = True
        self.lost_case = self.silences = 0
        self.held = self.down = self._free = 0.0
        self.wait = FIRST_WAIT
        self._smoothed: float | None = None
        self._variation = 0.0
        self._lock = Lock()
        self.plain_from = 0.0
        """From when on it is known of nothing that a question to it must heed (see flight.py)."""
        self.pace(rate)

    def pace(self, rate: float | None) -> None:
        """So many questions a second at most; None: any number."""
        self.interval = 1 / rate if rate else 0.0
        self._review()

    def _review(self) -> None:
        odd = self.scheme != "udp" or self.interval or not self.edns or not self.keeps_case
        self.plain_from = NEVER if odd else max(self.held, self.down)

    def answered(self, took: float) -> None:
        """It answered an attempt that was sent once only (Karn), so the time is its own (RFC 6298 2)."""
        if self.silences:
            self.silences, self.held = 0, 0.0
            self._review()
        if self._smoothed is None:
            self._smoothed, self._variation = took, took / 2
        else:
            off = took - self._smoothed
            self._variation += ((off if off > 0 else -off) - self._variation) / 4
            self._smoothed += off / 8
        wait = self._smoothed + 4 * self._variation
        self.wait = MIN_WAIT if wait < MIN_WAIT else MAX_WAIT if wait > MAX_WAIT else wait

    def silent(self, now: float) -> None:
        """It let an attempt expire."""
        self.silences += 1
        if self.silences >= SILENCES:
            self.held = now + HOLD
            self._review()

    def refused(self, now: float) -> None:
        """Its port is closed."""
        self.down = now + DOWN
        self._review()

    def cannot_edns(self) -> None:
        """It was told to be asked without EDNS (RFC 6891 7)."""
        self.edns = False
        self._review()

    def changes_case(self) -> None:
        """It answered over TCP in another case than asked; twice is a habit."""
        self.lost_case += 1
        if self.lost_case >= 2:
            self.keeps_case = False
            self._review()

    def book(self, now: float) -> float:
        """When the next question may be sent to it, at its pace; that time is taken."""
        with self._lock:
            at = max(now, self._free)
            self._free = at + self.interval
        return at


class Attempt:
    """A question as it is sent to one server, perhaps more than once in the same spelling."""

    __slots__ = (
        "end",
        "exchange",
        "failed",
        "name",
        "route",
        "section",
        "sends",
        "sent",
        "server",
        "with_edns",
    )

    def __init__(self, exchange: Exchange, server: Server, section: bytes) -> None:
        self.exchange, self.server, self.section = exchange, server, section
        self.name = exchange.name
        self.end = 12 + len(section)
        self.with_edns = server.edns
        self.failed = False
        self.sends = 0
        self.sent = 0.0
        self.route: Any = None
        """Where the client expects the answer."""

    def wire(self, id: bytes) -> bytes:
        """The message to send."""
        return id + wire.HEAD + self.section + wire.OPTION if self.with_edns else wire.plain(id, self.section)


LETTERS = 68
"""Octets of a question section whose case `pick` throws."""
_PORTS_AND_IDS = Struct("2sB").iter_unpack


class Dice:
    """Random octets from the operating system, fetched in bulk: a call for each question is too dear."""

    __slots__ = ("_next", "_picks", "_store")

    def __init__(self) -> None:
        self._store, self._next = b"", 0
        self._picks: list[tuple[tuple[bytes, int], int]] = []

    def throw(self, count: int) -> bytes:
        """That many octets, at most 1024."""
        start = self._next
        if start + count > len(self._store):
            self._store, start = urandom(4096), 0
        self._next = start + count
        return self._store[start : start + count]

    def pick(self) -> tuple[tuple[bytes, int], int]:
        """What one question needs: an id and an octet to choose its port by, and a number whose bit 0x20 is
        random in each of its last LETTERS octets.
        """
        if not self._picks:
            self._refill()
        return self._picks.pop()

    def _refill(self) -> None:
        # One bit of eight is used, so a number serves eight times: each shift brings others to its place.
        numbers = [int.from_bytes(urandom(LETTERS + 1), "big") for _ in range(32)]
        letters = [number >> shift for number in numbers for shift in range(8)]
        self._picks = list(zip(_PORTS_AND_IDS(urandom(3 * len(letters))), letters, strict=True))


def _interpret(message: bytes, name: str, rdtype: str) -> wire.Reply | None:
    """dnspython's reading, which is loaded when it is first needed."""
    from senderauth.dns.guest import interpret

    return interpret(message, name, rdtype)


_RCODE_STATUS = {0: Status.NOERROR, 3: Status.NXDOMAIN, 5: Status.REFUSED}
_WITHOUT_EDNS = frozenset({1, 4, 16})  # FORMERR, NOTIMP, BADVERS (RFC 6891 7)
_HEADER_ONLY = frozenset({1, 2, 4, 5})


class Exchange:
    """One question on its way to an answer."""

    __slots__ = (
        "_chain",
        "_current",
        "_dice",
        "_failure",
        "_number",
        "_order",
        "_section",
        "_silence",
        "_timeout",
        "_tries",
        "_ttl",
        "_turn",
        "attempts",
        "deadline",
        "done",
        "expires",
        "flying",
        "key",
        "name",
        "past",
        "question",
        "started",
        "waiters",
    )

    def __init__(
        self,
        question: Question,
        section: bytes,
        number: int,
        servers: tuple[Server, ...],
        timeout: float,
        tries: int,
        dice: Dice,
        silence: str = "",
    ) -> None:
        self.question = question
        self.key = question.name, question.rdtype
        self.name, self._number = question.name, number
        self._section = section
        self._order, self._timeout, self._tries, self._dice = servers, timeout, tries, dice
        self._turn = 0
        self._current: Attempt | None = None
        self._failure: tuple[Status, str, str] | None = None
        self._silence = silence
        self._chain: tuple[str, ...] = ()
        self._ttl: int | None = None
        self.attempts: list[Attempt] = []
        self.past: tuple[Attempt, ...] = ()
        """Attempts for an earlier name of the chain, or with EDNS where the server cannot; done with."""
        self.started: float | None = None
        """When it was first sent; the deadline counts from here, not from the queue."""
        self.deadline = 0.0
        self.expires = NEVER
        self.done = self.flying = False
        self.waiters: list[Callable[[Answer], object]] = []
        """Who wants the answer; the client's."""

    # --- what to send -----------------------------------------------------------------------------

    def next(self, now: float) -> Attempt | None:
        """The attempt to send now; None if there is none left (see `give_up`)."""
        if self._turn == 0:
            self._turn = 1
            if len(self._order) > 1:
                self._order = tuple(sorted(self._order, key=lambda server: server.held > now))
            return self._attempt(self._order[0])
        order = self._order
        if now >= self.deadline:
            return None
        while self._turn < self._tries * len(order):
            server = order[self._turn % len(order)]
            self._turn += 1
            attempt = next((known for known in self.attempts if known.server is server), None)
            if attempt is None:
                return self._attempt(server)
            if not attempt.failed:
                return attempt
        return None

    def take_over(self, section: bytes, sent: float) -> Attempt:
        """As if it had sent its first attempt itself, to the first server, then and in that spelling."""
        self._turn = 1
        attempt = Attempt(self, self._order[0], section)
        self.attempts.append(attempt)
        self.sent(attempt, sent)
        return attempt

    def _attempt(self, server: Server) -> Attempt:
        section = self._section
        if server.keeps_case and len(section) > 5:
            section = wire.mixed_case(section, self._dice.throw(len(section) - 4))
        attempt = Attempt(self, server, section)
        self.attempts.append(attempt)
        return attempt

    def sent(self, attempt: Attempt, now: float) -> None:
        """The attempt left; from now until `expires` its answer is awaited."""
        if self.started is None:
            self.started = now
            self.deadline = now + self._timeout
        self._current = attempt
        attempt.sent = now
        attempt.sends += 1
        turn, servers = self._turn, len(self._order)
        if turn >= self._tries * servers:
            self.expires = self.deadline  # the last one has all the time that is left
        else:
            patience = attempt.server.wait
            if turn > servers:
                patience *= 1 << min((turn - 1) // servers, 4)
            left = (self.deadline - now) / 2  # however short the timeout, there is another try
            self.expires = now + (patience if patience < left else left)

    def end(self) -> None:
        """Lets go of the attempts: they hold the exchange and it holds them, which only the garbage collector
        would find out.
        """
        self.attempts.clear()
        self.past = ()
        self._current = None

    # --- what happened ----------------------------------------------------------------------------

    def expired(self, now: float) -> Act | Answer:
        """`expires` has passed."""
        if self._current is not None:
            self._current.server.silent(now)
            self._current = None
        return self.give_up(now) if now >= self.deadline else Act.SEND

    def unreachable(self, attempt: Attempt, note: str = "unreachable") -> Act | Answer:
        """The server cannot be reached: its port is closed, there is no way to it, TLS fails."""
        return self._failed(attempt, Status.TIMEOUT, note)

    def give_up(self, now: float) -> Act | Answer:
        """Nothing is left to send: waits for late answers until the deadline, then says what went wrong."""
        if now < self.deadline and any(attempt.sends and not attempt.failed for attempt in self.attempts):
            self.expires = self.deadline
            return Act.WAIT
        status, note, server = self._failure or (Status.TIMEOUT, self._silence, self._asked_servers())
        elapsed = None if self.started is None else now - self.started
        alias = self._chain[-1] if self._chain else None
        return Answer(status, (), 0, alias, (), server, elapsed, note, chain=self._chain)

    def _asked_servers(self) -> str:
        return ", ".join(attempt.server.text for attempt in self.attempts)

    def _failed(self, attempt: Attempt, status: Status, note: str) -> Act | Answer:
        attempt.failed = True
        worth = (Status.TIMEOUT, Status.REFUSED, Status.SERVFAIL)
        if self._failure is None or worth.index(status) > worth.index(self._failure[0]):
            self._failure = status, note, attempt.server.text
        return Act.SEND

    def received(self, attempt: Attempt, message: bytes, now: float, *, tcp: bool = False) -> Act | Answer:
        """A message with the attempt's id came from where it was sent."""
        end = attempt.end
        if message[12:end] != attempt.section or message[4:6] != b"\0\1":
            act = self._mismatch(attempt, message, tcp)
            if act is not None:
                return act
        if len(message) < end or message[2] & 0xF8 != 0x80:  # a response to a plain query
            return Act.WAIT
        if message[2] & 2:  # truncated
            return self._failed(attempt, Status.SERVFAIL, "truncated over TCP") if tcp else Act.TCP
        name, rdtype = self.name, self.question.rdtype
        reply = wire.read(message, end, name, rdtype) or _interpret(message, name, rdtype)
        if attempt.sends == 1 and not tcp:
            attempt.server.answered(now - attempt.sent)
        if reply is None:
            return self._failed(attempt, Status.SERVFAIL, "malformed")
        return self.heard(attempt, reply, now)

    def _mismatch(self, attempt: Attempt, message: bytes, tcp: bool) -> Act | Answer | None:
        """What to do with another question than ours; None: go on, it is ours in another case."""
        if message[4:6] == b"\0\0" and len(message) >= 12 and message[2] & 0xF8 == 0x80:
            rcode = message[3] & 15
            if rcode not in _HEADER_ONLY:
                return Act.WAIT
            return self._refused(attempt, rcode, "")
        section = message[12 : attempt.end]
        if message[4:6] != b"\0\1" or section.lower() != attempt.section.lower():
            return Act.WAIT  # forged, or a stray
        if not tcp:
            return Act.TCP
        attempt.server.changes_case()
        return None

    def heard(self, attempt: Attempt, reply: wire.Reply, now: float) -> Act | Answer:
        """What a verified message says."""
        if reply.rcode not in (0, 3):
            return self._refused(attempt, reply.rcode, reply.note)
        if reply.loop:
            return self._answer(attempt, Status.SERVFAIL, reply, now, "cname-loop")
        if reply.referral:
            return self._failed(attempt, Status.SERVFAIL, "referral")
        if reply.partial:
            return self._ask_on(attempt, reply, now)
        return self._answer(attempt, _RCODE_STATUS[reply.rcode], reply, now, reply.note)

    def _refused(self, attempt: Attempt, rcode: int, note: str) -> Act | Answer:
        if rcode in _WITHOUT_EDNS and attempt.with_edns and attempt.server.scheme == "udp":
            attempt.server.cannot_edns()
            self._set_aside(attempt)
            self._turn -= 1
            return Act.SEND
        status = _RCODE_STATUS.get(rcode, Status.SERVFAIL)
        return self._failed(attempt, status, note or ("" if rcode in (2, 5) else f"rcode-{rcode}"))

    def _ask_on(self, attempt: Attempt, reply: wire.Reply, now: float) -> Act | Answer:
        """The server followed the chain part of the way only (RFC 1034 3.6.2)."""
        alias = reply.chain[-1]
        before = (self.question.name, *self._chain)
        section = wire.encode_name(alias)
        if not set(reply.chain).isdisjoint(before) or len(before) > wire.MAX_CHAIN or section is None:
            return self._answer(attempt, Status.SERVFAIL, reply, now, "cname-loop")
        self._chain += reply.chain
        self._ttl = reply.ttl if self._ttl is None else min(self._ttl, reply.ttl)
        self.name, self._section = alias, wire.question(section, self._number)
        for asked in list(self.attempts):
            self._set_aside(asked)
        self._turn = 0
        return Act.SEND

    def _set_aside(self, attempt: Attempt) -> None:
        attempt.failed = True
        self.attempts.remove(attempt)
        self.past += (attempt,)

    def _answer(self, attempt: Attempt, status: Status, reply: wire.Reply, now: float, note: str) -> Answer:
        ttl = reply.ttl if self._ttl is None else min(self._ttl, reply.ttl)
        chain = self._chain + reply.chain
        return Answer(
            status,
            reply.records,
            ttl,
            chain[-1] if chain else None,
            reply.strings,
            attempt.server.text,
            now - (self.started or now),
            note,
            chain=chain,
        )
