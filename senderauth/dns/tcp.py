"""Questions over TCP: for answers that UDP cannot carry, and for spellings that UDP does not prove."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from senderauth.dns.core import Answer
from senderauth.dns.exchange import Act, Attempt, Dice, Exchange
from senderauth.dns.sockets import Call, Reactor, reason

MAX_TCP = 64
"""Connections at a time."""


class Calls:
    """The connections of one client. `tell` hears what an attempt's exchange says to what happened."""

    def __init__(
        self,
        reactor: Reactor,
        dice: Dice,
        tell: Callable[[Attempt, Act | Answer], None],
        watch: Callable[[Exchange], None],
    ) -> None:
        self._reactor, self._dice, self._tell, self._watch = reactor, dice, tell, watch
        self._calls: dict[Exchange, Call] = {}
        self._queue: deque[Attempt] = deque()

    def want(self, attempt: Attempt) -> None:
        """Sends the attempt once more, by a call; one for each exchange."""
        if attempt.exchange in self._calls:
            return
        if len(self._calls) < MAX_TCP:
            self._tell(attempt, self._call(attempt))
        else:
            self._queue.append(attempt)

    def _call(self, attempt: Attempt) -> Act | Answer:
        call: Call | None = None
        try:
            call = Call(attempt, self._dice.throw(2))
            call.socket.connect((attempt.server.address, attempt.server.port))
        except BlockingIOError:
            pass
        except OSError as error:
            if call is not None:
                call.socket.close()
            return attempt.exchange.unreachable(attempt, f"tcp-{reason(error)}")
        assert call is not None
        self._calls[attempt.exchange] = call
        self._reactor.add_writer(call.socket, self._writable, call)
        attempt.exchange.expires = attempt.exchange.deadline  # it is known to be there: no hurry
        self._watch(attempt.exchange)
        return Act.WAIT

    def _writable(self, call: Call) -> None:
        if self._calls.get(call.attempt.exchange) is not call:
            return  # hung up by what was read in the same turn
        try:
            sent = call.socket.send(call.to_send)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(call, reason(error))
            return
        call.to_send = call.to_send[sent:]
        if not call.to_send:
            self._reactor.remove_writer(call.socket)
            call.reading = True
            self._reactor.add_reader(call.socket, self._arriving, call)

    def _arriving(self, call: Call) -> None:
        if self._calls.get(call.attempt.exchange) is not call:
            return
        try:
            part = call.socket.recv(65_537)
        except BlockingIOError:
            return
        except OSError as error:
            self._failed(call, reason(error))
            return
        call.received += part
        message = call.message()
        if message is None:
            if not part:
                self._failed(call, "closed")
            return
        attempt = call.attempt
        self._hang_up(call)
        answer: Act | Answer = Act.WAIT
        if message[:2] == call.id:
            answer = attempt.exchange.received(attempt, message, self._reactor.time(), tcp=True)
        if answer is Act.WAIT:
            answer = attempt.exchange.unreachable(attempt, "tcp-nonsense")
        self._tell(attempt, answer)

    def _failed(self, call: Call, why: str) -> None:
        self._hang_up(call)
        self._tell(call.attempt, call.attempt.exchange.unreachable(call.attempt, f"tcp-{why}"))

    def _hang_up(self, call: Call) -> None:
        (self._reactor.remove_reader if call.reading else self._reactor.remove_writer)(call.socket)
        call.socket.close()
        self._calls.pop(call.attempt.exchange, None)
        while self._queue and len(self._calls) < MAX_TCP:
            attempt = self._queue.popleft()
            if not attempt.exchange.done and attempt.exchange not in self._calls:
                self._tell(attempt, self._call(attempt))

    def end(self, exchange: Exchange) -> None:
        """Hangs up where the exchange is done."""
        call = self._calls.get(exchange)
        if call is not None:
            self._hang_up(call)

    def abandon(self) -> None:
        """Closes the sockets, after the loop has ended."""
        for call in self._calls.values():
            call.socket.close()
