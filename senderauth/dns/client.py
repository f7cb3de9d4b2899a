"""The sockets: sends what exchanges want sent, over UDP, TCP, TLS and HTTPS, and wakes who waits.

Theory of operation. One `Client` serves one resolver in one loop, ours or asyncio's, which it knows only
as a reactor. Questions in flight are kept by question, so one that several want is sent once. UDP
goes over a few connected sockets a server, each at a random port and given up after some use, so
that a forger has to hit port, id and spelling at once; a socket is read until it is empty, since waking up
costs more than reading. What one turn of the loop asks leaves together: to wake the server up for each
datagram costs more than to send it. How many questions may be in the air starts low, grows with each
answer and shrinks with each silence: a burst of a thousand would overflow the server's buffer and lose most.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from senderauth.dns import wire
from senderauth.dns.core import Answer, Key, Question, Status
from senderauth.dns.exchange import LETTERS, NEVER, Act, Attempt, Dice, Exchange, Server
from senderauth.dns.flight import Flight
from senderauth.dns.glance import glance
from senderauth.dns.ports import Ports
from senderauth.dns.quiet import NOTE, PATIENCE, QuietZones
from senderauth.dns.secure import Secure
from senderauth.dns.sockets import Channel, Reactor, Timer, reason
from senderauth.dns.tcp import Calls
from senderauth.dns.wire import OPT

FIRST_WINDOW, MIN_WINDOW, MAX_WINDOW = 100.0, 32.0, 512.0
BURST = 32
"""Datagrams that are sent together at most: a server's buffer holds about 200."""
MAX_AHEAD = 1_000
"""Questions waiting for their turn above which announcements are ignored."""
LANDED = 4_096
LANDED_SECONDS = 10.0
LINGER = 1.0
"""Seconds after which sockets without use are closed, where the loop is not ours."""
TICK = 0.01
"""Seconds between two looks for what has expired, at least."""


_WAIT, _SEND, _TCP = Act.WAIT, Act.SEND, Act.TCP  # reading a member off its class costs as much as a call
_STATUS = {0: Status.NOERROR, 3: Status.NXDOMAIN}
_HEAD, _OPTION, _LETTER_BITS, _TYPES = wire.HEAD, wire.OPTION, wire.LETTER_BITS, wire.TYPES


class Client:
    """Asks the servers of one resolver in one loop."""

    def __init__(
        self, servers: tuple[Server, ...], timeout: float, tries: int, reactor: Reactor, *, own: bool
    ) -> None:
        self._servers, self._timeout, self._tries = servers, timeout, tries
        self._reactor, self._own = reactor, own
        self._time = reactor.time
        self._dice = Dice()
        self._flights: dict[Key, Flight | Exchange] = {}
        self._queue: deque[Flight | Exchange] = deque()
        self._landed: dict[Key, tuple[float, Answer]] = {}
        self._ports = Ports(servers, reactor, self._readable)
        self._calls = Calls(reactor, self._dice, self._do, self._watch)
        self._window, self._in_air = FIRST_WINDOW, 0
        self._first_wait = timeout if tries * len(servers) == 1 else timeout / 2
        """The most that a flight is waited for; as in Exchange.sent."""
        self._only_once = tries * len(servers) == 1
        self._quiet = QuietZones()
        self._pumping = False
        self._outbox: list[Flight] = []
        self._leaving = False
        self._timer: Timer | None = None
        self._timer_at = NEVER
        self._idle: Timer | None = None
        self._secure: Secure | None = None

    # --- what resolvers call ----------------------------------------------------------------------

    def ask(self, question: Question) -> Answer | Flight | Exchange:
        """The answer if it was announced and is there, else the flight to wait for."""
        key = question.name, question.rdtype
        if self._landed:
            landed = self._landed.pop(key, None)
            if landed is not None and landed[0] > self._time():
                return landed[1]
        return self._flights.get(key) or self._start(question, key)

    def announce(self, questions: Iterable[Question]) -> None:
        """Sends them without anybody waiting, as long as there is room."""
        for question in questions:
            if len(self._queue) >= MAX_AHEAD:
                return
            key = question.name, question.rdtype
            if key not in self._flights and key not in self._landed:
                with suppress(ValueError):  # no such type: `ask` will say so
                    self._start(question, key, announced=True)

    def _start(self, question: Question, key: Key, *, announced: bool = False) -> Answer | Flight | Exchange:
        name = wire.encode_name(question.name)
        if name is None:
            return Answer(Status.NXDOMAIN, note="not-a-name")
        number = _TYPES.get(question.rdtype) or wire.rdtype_number(question.rdtype)
        flight = Flight(question, key, wire.question(name, number), number)
        self._flights[key] = flight
        if self._in_air >= self._window:
            self._queue.append(flight)
            return flight
        self._launch(flight)
        if flight.done and not announced:  # taken over at once, perhaps answered: no server can be reached
            return self._flights.get(key) or self._landed.pop(key)[1]
        return flight

    # --- a flight's way ---------------------------------------------------------------------------

    def _launch(self, flight: Flight) -> None:
        """It leaves with the others of this turn."""
        server, now, name = self._servers[0], self._time(), flight.question.name
        if (
            server.plain_from > now
            or flight.number > OPT  # might look like letters
            or "\\" in name
            or (self._quiet.until and self._quiet.is_silent(name, now))
        ):
            self._go(self._take_over(flight))
            return
        self._in_air += 1
        self._outbox.append(flight)
        if len(self._outbox) >= BURST:
            self._send_off()
        elif not self._leaving:
            self._leaving = True
            self._reactor.call_soon(self._leave)

    def _leave(self) -> None:
        self._leaving = False
        self._send_off()

    def _send_off(self) -> None:
        """Sends one datagram for each flight that waits to leave. Written flat: a call for each of them costs
        a fiftieth of the question.
        """
        leaving, self._outbox = self._outbox, []
        server, now, dice = self._servers[0], self._time(), self._dice
        wait = self._first_wait if self._only_once else min(server.wait, self._first_wait)
        for flight in leaving:
            if flight.done:  # the client is closed
                continue
            (id, port), letters = dice.pick()
            try:
                channel = self._ports.choose(server, port)
            except OSError:  # no descriptors are left
                self._in_air -= 1
                self._go(self._take_over(flight))
                continue
            while id in channel.pending:
                id = dice.throw(2)
            section = flight.section
            if (length := len(section)) > LETTERS:
                section = wire.mixed_case(section, dice.throw(length - 4))
            elif length > 5:  # the same, with dice that are a number; the last four octets are no letters
                bits = int.from_bytes(section.translate(_LETTER_BITS)) & letters
                section = (int.from_bytes(section) ^ bits).to_bytes(length)
            flight.section, flight.channel, flight.id, flight.sent = section, channel, id, now
            flight.expires = now + wait
            channel.pending[id] = flight
            try:
                channel.send(id + _HEAD + section + _OPTION)
            except BlockingIOError:
                pass  # as good as lost on the way
            except OSError as error:
                self._mark(server, error)
                attempt = self._attempt_of(flight)
                self._do(attempt, attempt.exchange.unreachable(attempt, reason(error)))
        if now + wait < self._timer_at:
            self._set_timer(now + wait)

    def _take_over(self, flight: Flight) -> Exchange:
        """The exchange that goes on where the flight is."""
        question, number, now = flight.question, flight.number, self._time()
        name = wire.encode_name(question.name) or b"\0"
        timeout, tries, note = self._timeout, self._tries, ""
        if flight.channel is None and self._quiet.until and self._quiet.is_silent(question.name, now):
            timeout, tries, note = min(timeout, max(PATIENCE, self._servers[0].wait)), 1, NOTE
        section = wire.question(name, number)
        exchange = Exchange(question, section, number, self._servers, timeout, tries, self._dice, note)
        exchange.waiters = flight.waiters
        self._flights[flight.key] = exchange
        flight.done = True
        return exchange

    def _taken_over(self, flight: Flight) -> Exchange:
        return self._take_over(flight) if flight.channel is None else self._attempt_of(flight).exchange

    def _attempt_of(self, flight: Flight) -> Attempt:
        """The first attempt of the exchange that takes over a flight that was sent."""
        exchange = self._take_over(flight)
        exchange.flying = True
        attempt = exchange.take_over(flight.section, flight.sent)
        assert flight.channel is not None
        attempt.route = flight.channel, flight.id
        flight.channel.pending[flight.id] = attempt
        self._watch(exchange)
        return attempt

    def _readable(self, channel: Channel) -> None:
        """Reads all that is there. A flight's plain answer is dealt with here, without one call more."""
        receive, pending, flights = channel.socket.recv, channel.pending, self._flights
        server, now, silences = channel.server, self._time(), self._quiet.silences
        text, landed = server.text, 0
        last: Flight | None = None
        try:
            while True:
                message = receive(4096)
                flight = pending.get(message[:2])
                if not isinstance(flight, Flight):
                    if flight is None or flight.failed:
                        continue  # late, stray or forged
                    attempt = flight
                else:
                    name = flight.key[0]
                    seen = glance(message, flight.section, name, flight.number)
                    if seen is not None:
                        rcode, records, strings, ttl = seen
                        del pending[flight.id], flights[flight.key]
                        flight.done, last = True, flight
                        landed += 1
                        if silences:
                            self._quiet.answered(name)
                        took = now - flight.sent
                        answer = Answer(_STATUS[rcode], records, ttl, None, strings, text, took)
                        if flight.waiters:
                            for wake in flight.waiters:
                                wake(answer)
                        else:
                            self._keep(flight.key, answer)
                        continue
                    attempt = self._attempt_of(flight)
                now = self._time()
                self._do(attempt, attempt.exchange.received(attempt, message, now))
        except BlockingIOError:
            pass
        except OSError as error:
            if channel.socket.fileno() >= 0:  # else worn out, and closed by what was just read
                self._mark(server, error)
                self._broken(server, reason(error))
        if last is not None:
            self._in_air -= landed
            self._window = min(MAX_WINDOW, self._window + landed)
            server.answered(max(0.0, now - last.sent))  # one sample a round trip is enough (RFC 6298 3)
            self._after()

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
            self._watch(exchange)

    def _do(self, attempt: Attempt, act: Act | Answer) -> None:
        if isinstance(act, Answer):
            self._finish(attempt.exchange, act)
        elif act is _SEND:
            self._go(attempt.exchange)
        elif act is _TCP:
            self._calls.want(attempt)

    def _finish(self, exchange: Exchange, answer: Answer) -> None:
        if exchange.done:
            return
        exchange.done = True
        self._release(exchange)
        del self._flights[exchange.key]
        if exchange.flying:
            exchange.flying = False
            self._in_air -= 1
        if not answer.unknown and self._window < MAX_WINDOW:
            self._window += 1
        if answer.status is not Status.TIMEOUT:
            if self._quiet.silences:
                self._quiet.answered(exchange.question.name)
        elif answer.note in ("", NOTE) and exchange.started is not None:
            self._quiet.timed_out(exchange.question.name, self._time())
        if exchange.waiters:
            for wake in exchange.waiters:
                wake(answer)
        else:
            self._keep(exchange.key, answer)
        self._after()

    def _keep(self, key: Key, answer: Answer) -> None:
        """For who will ask soon."""
        if len(self._landed) >= LANDED:
            del self._landed[next(iter(self._landed))]
        self._landed[key] = self._time() + LANDED_SECONDS, answer

    def _after(self) -> None:
        """Something has landed."""
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
                following = self._queue.popleft()
                if isinstance(following, Exchange):
                    self._go(following)
                elif not following.done:
                    self._launch(following)
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
        self._calls.end(exchange)

    # --- time -------------------------------------------------------------------------------------

    def _watch(self, exchange: Exchange) -> None:
        if exchange.expires < self._timer_at:
            self._set_timer(exchange.expires)

    def _set_timer(self, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._timer_at = self._reactor.call_at(at, self._sweep), at

    def _sweep(self) -> None:
        """Deals with what has expired. It looks at all that is in the air, a few times a second: what would
        order it by time would cost each question more.
        """
        self._timer, self._timer_at = None, NEVER
        now = self._time()
        for flight in [flight for flight in self._flights.values() if flight.expires <= now]:
            if flight.done or flight.expires > now:  # by what happened to one before it
                continue
            exchange = flight if isinstance(flight, Exchange) else self._taken_over(flight)
            if exchange.flying:
                self._window = max(MIN_WINDOW, self._window - 2)
            self._land(exchange)
            act = exchange.expired(self._time())
            if isinstance(act, Answer):
                self._finish(exchange, act)
            elif act is _SEND:
                self._go(exchange)
            else:
                self._watch(exchange)
        at = min([flight.expires for flight in self._flights.values()], default=NEVER)
        if at < self._timer_at:
            self._set_timer(max(at, self._time() + TICK))

    # --- UDP --------------------------------------------------------------------------------------

    def _transmit(self, exchange: Exchange, attempt: Attempt, now: float) -> Act | Answer:
        server = attempt.server
        if server.interval and (at := server.book(now)) > now:
            exchange.expires = NEVER
            self._reactor.call_at(at, self._paced, exchange, attempt)
            return _WAIT
        act = self._send(attempt, now) if server.scheme == "udp" else self._hand_over(attempt)
        if act is _WAIT:
            exchange.sent(attempt, now)
            self._watch(exchange)
        return act

    def _paced(self, exchange: Exchange, attempt: Attempt) -> None:
        if exchange.done or attempt.failed:
            return
        now = self._time()
        act = self._send(attempt, now) if attempt.server.scheme == "udp" else self._hand_over(attempt)
        if act is _WAIT:
            exchange.sent(attempt, now)
            self._watch(exchange)
        else:
            self._do(attempt, act)

    def _send(self, attempt: Attempt, now: float) -> Act | Answer:
        if attempt.server.down > now:
            return attempt.exchange.unreachable(attempt, "refused")
        try:
            if attempt.route is None:
                (id, dice), _ = self._dice.pick()
                channel = self._ports.choose(attempt.server, dice)
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
            return attempt.exchange.unreachable(attempt, reason(error))
        return _WAIT

    def _mark(self, server: Server, error: OSError) -> None:
        if isinstance(error, ConnectionRefusedError):
            server.refused(self._time())

    def _broken(self, server: Server, why: str) -> None:
        """An ICMP message: nobody listens there, or there is no way."""
        for channel in list(self._ports.of(server)):
            for id, sent in list(channel.pending.items()):
                attempt = sent if isinstance(sent, Attempt) else self._attempt_of(sent)
                channel.pending.pop(id, None)
                exchange = attempt.exchange
                if not exchange.done and not attempt.failed:
                    self._do(attempt, exchange.unreachable(attempt, why))

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
        self._ports.free()
        if self._secure is not None:
            self._secure.close()
            self._secure = None

    def close(self) -> None:
        """Ends what is in the air; who waits gets "unknown now". To be called in the loop's thread."""
        self._queue.clear()
        for flight in list(self._flights.values()):
            exchange = flight if isinstance(flight, Exchange) else self._taken_over(flight)
            self._finish(exchange, Answer(Status.TIMEOUT, note="closed"))
        for timer in (self._timer, self._idle):
            if timer is not None:
                timer.cancel()
        self._timer = self._idle = None
        self._free()

    def abandon(self) -> None:
        """As `close`, after the loop has ended: frees the sockets, wakes nobody."""
        self._ports.abandon()
        self._calls.abandon()
        if self._secure is not None:
            self._secure.close()
