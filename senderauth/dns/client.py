"""The sockets: sends what exchanges want sent, over UDP, TCP, TLS and HTTPS, and wakes who waits.

Theory of operation. One `Client` serves one resolver in one loop, ours or asyncio's, which it knows only
as a reactor. Questions in flight are kept by question, so one that several want is sent once. UDP
goes over a few connected sockets a server, each at a random port and given up after some use, so
that a forger has to hit port, id and spelling at once; a socket is read until it is empty, since waking up
costs more than reading. How many questions may be in the air starts low, grows with each answer and
shrinks with each silence: a burst of a thousand would overflow the server's buffer and lose most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from heapq import heappop, heappush

from senderauth.dns import wire
from senderauth.dns.core import Answer, Question, Status
from senderauth.dns.exchange import DOWN, Act, Attempt, Dice, Exchange, Server
from senderauth.dns.secure import Secure
from senderauth.dns.sockets import Call, Channel, Reactor, Timer

SOCKETS = 8
"""UDP sockets for each server."""
SOCKET_LIFE = 4_096
"""Questions sent from one port."""
FIRST_WINDOW, MIN_WINDOW, MAX_WINDOW = 100.0, 32.0, 512.0
MAX_TCP = 64
MAX_AHEAD = 1_000
"""Questions waiting for their turn above which announcements are ignored."""
LANDED = 4_096
LANDED_SECONDS = 10.0
LINGER = 1.0
"""Seconds after which sockets without use are closed, where the loop is not ours."""


_WAIT, _SEND, _TCP = Act.WAIT, Act.SEND, Act.TCP  # reading a member off its class costs as much as a call


class Client:
    """Asks the servers of one resolver in one loop."""

    def __init__(
        self, servers: tuple[Server, ...], timeout: float, tries: int, reactor: Reactor, *, own: bool
    ) -> None:
        self._servers, self._timeout, self._tries = servers, timeout, tries
        self._reactor, self._own = reactor, own
        self._time = reactor.time
        self._dice = Dice()
        self._flights: dict[Question, Exchange] = {}
        self._queue: deque[Exchange] = deque()
        self._landed: dict[Question, tuple[float, Answer]] = {}
        self._channels: dict[Server, list[Channel]] = {server: [] for server in servers}
        self._calls: dict[Exchange, Call] = {}
        self._tcp_queue: deque[Attempt] = deque()
        self._window, self._in_air = FIRST_WINDOW, 0
        self._due: list[tuple[float, int, Exchange]] = []
        self._number = 0
        self._pumping = False
        self._timer: Timer | None = None
        self._timer_at = 0.0
        self._idle: Timer | None = None
        self._secure: Secure | None = None

    # --- what resolvers call ----------------------------------------------------------------------

    def ask(self, question: Question) -> Answer | Exchange:
        """The answer if it was announced and is there, else the flight to wait for."""
        landed = self._landed.pop(question, None) if self._landed else None
        if landed is not None and landed[0] > self._time():
            return landed[1]
        flight = self._flights.get(question)
        if flight is not None:
            return flight
        started = self._start(question)
        if isinstance(started, Exchange) and started.done:  # no server could be reached
            return self._landed.pop(question)[1]
        return started

    def announce(self, questions: Iterable[Question]) -> None:
        """Sends them without anybody waiting, as long as there is room."""
        for question in questions:
            if len(self._queue) >= MAX_AHEAD:
                return
            if question not in self._flights and question not in self._landed:
                with suppress(ValueError):  # no such type: `ask` will say so
                    self._start(question)

    def _start(self, question: Question) -> Answer | Exchange:
        name = wire.encode_name(question.name)
        if name is None:
            return Answer(Status.NXDOMAIN, note="not-a-name")
        number = wire.TYPES.get(question.rdtype) or wire.rdtype_number(question.rdtype)
        exchange = Exchange(question, name, number, self._servers, self._timeout, self._tries, self._dice)
        self._flights[question] = exchange
        if self._in_air < self._window:
            self._go(exchange)
        else:
            self._queue.append(exchange)
        return exchange

    # --- an exchange's way ------------------------------------------------------------------------

    def _go(self, exchange: Exchange) -> None:
        """Sends the next attempt. Where one fails at once, the next."""
        if not exchange.flying:
            exchange.flying = True
            self._in_air += 1
        while True:
            now = self._time()
            attempt = exchange.next(now)
            act = exchange.give_up(now) if attempt is None else self._transmit(exchange, attempt, now)
            if act is not _SEND:
                break
        if isinstance(act, Answer):
            self._finish(exchange, act)
        elif attempt is None:
            self._land(exchange)
            self._wait(exchange)

    def _do(self, attempt: Attempt, act: Act | Answer) -> None:
        if isinstance(act, Answer):
            self._finish(attempt.exchange, act)
        elif act is _SEND:
            self._go(attempt.exchange)
        elif act is _TCP and attempt.exchange not in self._calls:
            if len(self._calls) < MAX_TCP:
                self._do(attempt, self._call(attempt))
            else:
                self._tcp_queue.append(attempt)

    def _finish(self, exchange: Exchange, answer: Answer) -> None:
        if exchange.done:
            return
        exchange.done = True
        self._release(exchange)
        del self._flights[exchange.question]
        if exchange.flying:
            exchange.flying = False
            self._in_air -= 1
        if not answer.unknown and self._window < MAX_WINDOW:
            self._window += 1
        if exchange.waiters:
            for wake in exchange.waiters:
                wake(answer)
        else:
            if len(self._landed) >= LANDED:
                del self._landed[next(iter(self._landed))]
            self._landed[exchange.question] = self._time() + LANDED_SECONDS, answer
        if self._queue:
            self._pump()
        if not self._own and not self._flights and self._idle is None:
            self._idle = self._reactor.call_at(self._time() + LINGER, self._rest)

    def _pump(self) -> None:
        """Sends what has waited for room. Not from within itself: a thousand that fail at once would nest."""
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._queue and self._in_air < self._window:
                self._go(self._queue.popleft())
        finally:
            self._pumping = False

    def _land(self, exchange: Exchange) -> None:
        if exchange.flying:
            exchange.flying = False
            self._in_air -= 1

    def _release(self, exchange: Exchange) -> None:
        """Nothing is awaited for it any more."""
        for attempt in (*exchange.attempts, *exchange.past) if exchange.past else exchange.attempts:
            if attempt.route is not None:
                channel, id = attempt.route
                channel.pending.pop(id, None)
        exchange.end()
        if self._calls and exchange in self._calls:
            self._hang_up(self._calls[exchange])

    # --- time -------------------------------------------------------------------------------------

    def _wait(self, exchange: Exchange) -> None:
        at = exchange.expires
        self._number += 1
        heappush(self._due, (at, self._number, exchange))
        if self._timer is None or at < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer, self._timer_at = self._reactor.call_at(at, self._sweep), at

    def _sweep(self) -> None:
        """Deals with what has expired; entries of answered questions fall away on the way."""
        self._timer = None
        due = self._due
        while due and (due[0][2].done or due[0][0] <= self._time()):
            at, _, exchange = heappop(due)
            if exchange.done or exchange.expires != at:
                continue
            if exchange.flying:
                self._window = max(MIN_WINDOW, self._window - 2)
            self._land(exchange)
            act = exchange.expired(self._time())
            if isinstance(act, Answer):
                self._finish(exchange, act)
            elif act is _SEND:
                self._go(exchange)
            else:
                self._wait(exchange)
        if due and self._timer is None:
            self._timer_at = max(due[0][0], self._time() + 0.01)
            self._timer = self._reactor.call_at(self._timer_at, self._sweep)

    # --- UDP --------------------------------------------------------------------------------------

    def _transmit(self, exchange: Exchange, attempt: Attempt, now: float) -> Act | Answer:
        server = attempt.server
        if server.interval and (at := server.book(now)) > now:
            self._reactor.call_at(at, self._paced, exchange, attempt)
            return _WAIT
        act = self._send(attempt, now) if server.scheme == "udp" else self._hand_over(attempt)
        if act is _WAIT:
            exchange.sent(attempt, now)
            self._wait(exchange)
        return act

    def _paced(self, exchange: Exchange, attempt: Attempt) -> None:
        if exchange.done or attempt.failed:
            return
        now = self._time()
        act = self._send(attempt, now) if attempt.server.scheme == "udp" else self._hand_over(attempt)
        if act is _WAIT:
            exchange.sent(attempt, now)
            self._wait(exchange)
        else:
            self._do(attempt, act)

    def _send(self, attempt: Attempt, now: float) -> Act | Answer:
        if attempt.server.down > now:
            return attempt.exchange.unreachable(attempt, "refused")
        try:
            if attempt.route is None:
                dice = self._dice.throw(3)
                channel, id = self._channel(attempt.server, dice[0]), dice[1:]
                while id in channel.pending:
                    id = self._dice.throw(2)
                channel.pending[id] = attempt
                attempt.route = channel, id
            else:
                channel, id = attempt.route
            channel.socket.send(attempt.wire(id))
        except BlockingIOError:
            pass  # as good as lost on the way
        except OSError as error:
            self._mark(attempt.server, error)
            return attempt.exchange.unreachable(attempt, _reason(error))
        return _WAIT

    def _mark(self, server: Server, error: OSError) -> None:
        if isinstance(error, ConnectionRefusedError):
            server.down = self._time() + DOWN

    def _channel(self, server: Server, dice: int) -> Channel:
        channels = self._channels[server]
        number = dice % SOCKETS
        if number >= len(channels):
            return self._new_channel(server)
        channel = channels[number]
        channel.uses += 1
        if channel.uses > SOCKET_LIFE and not channel.pending:
            channels.remove(channel)
            self._close(channel)
            return self._new_channel(server)
        return channel

    def _new_channel(self, server: Server) -> Channel:
        channel = Channel(server)
        self._reactor.add_reader(channel.socket, self._readable, channel)
        self._channels[server].append(channel)
        return channel

    def _close(self, channel: Channel) -> None:
        self._reactor.remove_reader(channel.socket)
        channel.socket.close()

    def _readable(self, channel: Channel) -> None:
        receive, pending = channel.socket.recv, channel.pending
        time = self._time
        try:
            while True:
                message = receive(4096)
                attempt = pending.get(message[:2])
                if attempt is None or attempt.failed:
                    continue  # late, stray or forged
                exchange = attempt.exchange
                act = exchange.received(attempt, message, time())
                if act.__class__ is Answer:
                    self._finish(exchange, act)
                elif act is not _WAIT:
                    self._do(attempt, act)
        except BlockingIOError:
            return
        except OSError as error:
            if channel.socket.fileno() < 0:  # worn out, and closed by what was just read
                return
            self._mark(channel.server, error)
            self._broken(channel.server, _reason(error))

    def _broken(self, server: Server, why: str) -> None:
        """An ICMP message: nobody listens there, or there is no way."""
        for channel in list(self._channels[server]):
            for id, attempt in list(channel.pending.items()):
                channel.pending.pop(id, None)
                exchange = attempt.exchange
                if not exchange.done and not attempt.failed:
                    self._do(attempt, exchange.unreachable(attempt, why))

    # --- TCP --------------------------------------------------------------------------------------

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
            return attempt.exchange.unreachable(attempt, f"tcp-{_reason(error)}")
        assert call is not None
        self._calls[attempt.exchange] = call
        self._reactor.add_writer(call.socket, self._writable, call)
        attempt.exchange.expires = attempt.exchange.deadline  # it is known to be there: no hurry
        self._wait(attempt.exchange)
        return _WAIT

    def _writable(self, call: Call) -> None:
        if self._calls.get(call.attempt.exchange) is not call:
            return  # hung up by what was read in the same turn
        try:
            sent = call.socket.send(call.to_send)
        except BlockingIOError:
            return
        except OSError as error:
            self._call_failed(call, _reason(error))
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
            self._call_failed(call, _reason(error))
            return
        call.received += part
        message = call.message()
        if message is None:
            if not part:
                self._call_failed(call, "closed")
            return
        attempt = call.attempt
        self._hang_up(call)
        answer: Act | Answer = _WAIT
        if message[:2] == call.id:
            answer = attempt.exchange.received(attempt, message, self._time(), tcp=True)
        if answer is _WAIT:
            answer = attempt.exchange.unreachable(attempt, "tcp-nonsense")
        self._do(attempt, answer)

    def _call_failed(self, call: Call, why: str) -> None:
        self._hang_up(call)
        self._do(call.attempt, call.attempt.exchange.unreachable(call.attempt, f"tcp-{why}"))

    def _hang_up(self, call: Call) -> None:
        (self._reactor.remove_reader if call.reading else self._reactor.remove_writer)(call.socket)
        call.socket.close()
        self._calls.pop(call.attempt.exchange, None)
        while self._tcp_queue and len(self._calls) < MAX_TCP:
            attempt = self._tcp_queue.popleft()
            if not attempt.exchange.done and attempt.exchange not in self._calls:
                self._do(attempt, self._call(attempt))

    # --- TLS and HTTPS ----------------------------------------------------------------------------

    def _hand_over(self, attempt: Attempt) -> Act | Answer:
        """A thread asks through dnspython, which blocks; its answer is handed back to the loop."""
        if self._secure is None:
            prepare = getattr(self._reactor, "expect_threads", None)  # asyncio's loops always are
            if prepare is not None:
                prepare()
            self._secure = Secure(self._reactor.call_soon_threadsafe)
        exchange = attempt.exchange
        left = self._timeout if exchange.started is None else exchange.deadline - self._time()
        self._secure.ask(attempt, max(left, 0.1), self._heard)
        return _WAIT

    def _heard(self, attempt: Attempt, reply: wire.Reply | str) -> None:
        exchange = attempt.exchange
        if exchange.done or attempt.failed:
            return
        if isinstance(reply, str):
            self._do(attempt, exchange.unreachable(attempt, reply))
        else:
            now = self._time()
            if attempt.sends == 1:
                attempt.server.answered(now - attempt.sent)
            self._do(attempt, exchange.heard(attempt, reply, now))

    # --- the end ----------------------------------------------------------------------------------

    def _rest(self) -> None:
        self._idle = None
        if not self._flights:
            self._free()

    def _free(self) -> None:
        for channels in self._channels.values():
            for channel in channels:
                self._close(channel)
            channels.clear()
        if self._secure is not None:
            self._secure.close()
            self._secure = None

    def close(self) -> None:
        """Ends what is in the air; who waits gets "unknown now". To be called in the loop's thread."""
        self._queue.clear()
        for exchange in list(self._flights.values()):
            self._finish(exchange, Answer(Status.TIMEOUT, note="closed"))
        for timer in (self._timer, self._idle):
            if timer is not None:
                timer.cancel()
        self._timer = self._idle = None
        self._free()

    def abandon(self) -> None:
        """As `close`, after the loop has ended: frees the sockets, wakes nobody."""
        for channels in self._channels.values():
            for channel in channels:
                channel.socket.close()
        for call in self._calls.values():
            call.socket.close()
        if self._secure is not None:
            self._secure.close()


def _reason(error: OSError) -> str:
    return "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"
