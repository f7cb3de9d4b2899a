"""A small real DNS server on loopback, UDP and TCP, for tests and benchmarks; well- and ill-behaved.

    with Server({("example.com", "TXT"): [b"v=spf1 -all"]}, delay=0.05) as server:
        resolver = LiveResolver([server.where])
        ...
        assert server.questions == [("example.com", "TXT")]

Records are those of `ZoneResolver.from_records`; a Status in place of records is answered as RCODE, and
TIMEOUT by silence. `behave` gives a name one of the habits below, for every type.
"""

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from senderauth.dns import Answer, Question, Resolver, Status, ZoneResolver, drive

HABITS = {
    "silent": "never answers",
    "drop-first": "does not answer the first time",
    "late": "answers only after half a second",
    "truncated": "is truncated over UDP, whatever its size",
    "truncated-always": "is truncated over TCP too",
    "wrong-id": "answers with another id",
    "wrong-source": "answers from another port",
    "forged": "answers another question, then the right one late",
    "forged-only": "answers another question only",
    "lower-case": "repeats the question in lower case",
    "garbage": "answers with the right header and question and nonsense behind",
    "no-edns": "answers FORMERR to EDNS",
    "no-edns-bare": "answers FORMERR to EDNS, with the header alone",
    "one-link": "gives one CNAME at a time, not the chain",
    "tcp-closed": "is truncated over UDP, and over TCP hangs up",
    "extended-error": "SERVFAIL with an extended error",
    "trailing": "has junk behind the message",
    "referral": "names other servers instead of answering",
}


class Server:
    """Serves records from a thread until the with block ends."""

    def __init__(
        self,
        records: Mapping[tuple[str, str], Iterable[Any] | Status] | Resolver,
        *,
        delay: float = 0.0,
        behave: Mapping[str, str] | None = None,
        max_udp: int = 1232,
        negative_ttl: int = 60,
        address: str = "127.0.0.1",
    ) -> None:
        self.zone = ZoneResolver.from_records(records) if isinstance(records, Mapping) else records
        self.behave = dict(behave or {})
        assert set(self.behave.values()) <= set(HABITS), self.behave
        self.delay, self.max_udp, self.negative_ttl = delay, max_udp, negative_ttl
        self.address = address
        self.questions: list[tuple[str, str]] = []
        """Every question as it came, over UDP and TCP, in lower case."""
        self.messages: list[tuple[bytes, tuple[str, int], str]] = []
        """Question as octets with their case, from where, "udp" or "tcp"."""
        self._selector = selectors.DefaultSelector()
        self._later: list[tuple[float, int, Any]] = []
        self._numbers = itertools.count()
        self._stop = False
        self._udp, self._tcp = self._bind()
        self.port: int = self._udp.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def where(self) -> str:
        """As `LiveResolver` takes it."""
        return f"{self.address}:{self.port}"

    def _bind(self) -> tuple[socket.socket, socket.socket]:
        while True:
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.bind((self.address, 0))
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tcp.bind(udp.getsockname())
            except OSError:  # taken for TCP: another one
                udp.close()
                tcp.close()
                continue
            tcp.listen(128)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
            for sock in (udp, tcp):
                sock.setblocking(False)
            return udp, tcp

    def __enter__(self) -> "Server":
        self._selector.register(self._udp, selectors.EVENT_READ, self._datagrams)
        self._selector.register(self._tcp, selectors.EVENT_READ, self._accept)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    # --- the thread -------------------------------------------------------------------------------

    def _serve(self) -> None:
        while not self._stop:
            due = self._later[0][0] - time.monotonic() if self._later else 0.05
            for key, _ in self._selector.select(max(0.0, min(due, 0.05))):
                key.data(key.fileobj)
            while self._later and self._later[0][0] <= time.monotonic():
                heapq.heappop(self._later)[2]()

    def _after(self, seconds: float, call: Any) -> None:
        if seconds <= 0:
            call()
        else:
            heapq.heappush(self._later, (time.monotonic() + seconds, next(self._numbers), call))

    def _datagrams(self, sock: socket.socket) -> None:
        while True:
            try:
                wire, client = sock.recvfrom(4096)
            except BlockingIOError:
                return
            self._handle(wire, client, "udp", lambda reply, to=client: sock.sendto(reply, to))

    def _accept(self, sock: socket.socket) -> None:
        connection, client = sock.accept()
        connection.setblocking(False)
        received = bytearray()

        def read(_: Any) -> None:
            try:
                part = connection.recv(4096)
            except ConnectionError:
                part = b""
            received.extend(part)
            if not part:
                hang_up()
            elif len(received) >= 2 and len(received) >= 2 + int.from_bytes(received[:2], "big"):
                wire = bytes(received[2:])
                received.clear()
                self._handle(wire, client, "tcp", send, hang_up)

        def send(reply: bytes) -> None:
            connection.setblocking(True)
            try:
                connection.sendall(len(reply).to_bytes(2, "big") + reply)
            except OSError:
                hang_up()
            else:
                connection.setblocking(False)

        def hang_up() -> None:
            if connection.fileno() >= 0:
                self._selector.unregister(connection)
                connection.close()

        self._selector.register(connection, selectors.EVENT_READ, read)

    def _handle(
        self, wire: bytes, client: tuple[str, int], over: str, send: Any, hang_up: Any = lambda: None
    ) -> None:
        query = dns.message.from_wire(wire)
        asked = query.question[0]
        name = asked.name.to_text(omit_final_dot=True).lower()
        rdtype = dns.rdatatype.to_text(asked.rdtype)
        seen = (name, rdtype) in self.questions
        self.questions.append((name, rdtype))
        self.messages.append((wire[12 : 12 + len(asked.name.to_wire())], client, over))
        habit = self.behave.get(name, "")
        delay = self.delay
        if habit == "silent" or (habit == "drop-first" and not seen):
            return
        if habit == "late":
            delay += 0.5
        if habit == "tcp-closed" and over == "tcp":
            hang_up()
            return
        answer = drive(self.zone.resolve(Question(name, rdtype)))
        if answer.status is Status.TIMEOUT:
            return
        for reply, after, elsewhere in self._replies(query, answer, name, rdtype, habit, over):
            if elsewhere:
                self._after(delay + after, lambda reply=reply: self._send_from_elsewhere(reply, client))
            else:
                self._after(delay + after, lambda reply=reply: send(reply))

    def _send_from_elsewhere(self, reply: bytes, client: tuple[str, int]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((self.address, 0))
            other.sendto(reply, client)

    # --- what is answered -------------------------------------------------------------------------

    def _replies(
        self, query: dns.message.Message, answer: Answer, name: str, rdtype: str, habit: str, over: str
    ) -> list[tuple[bytes, float, bool]]:
        reply = self._reply(query, answer, name, rdtype, habit, over)
        if habit == "wrong-id":
            reply = bytes((reply[0] ^ 1, reply[1])) + reply[2:]
        if habit == "lower-case":
            size = len(query.question[0].name.to_wire())
            reply = reply[:12] + reply[12 : 12 + size].lower() + reply[12 + size :]
        if habit == "garbage":
            end = 12 + len(query.question[0].name.to_wire()) + 4
            reply = reply[:6] + b"\0\3\0\0\0\0" + reply[12:end] + b"\xff\xff\xff\x07nonsense"
        if habit == "trailing":
            reply += b"junk"
        if habit in ("forged", "forged-only"):
            other = dns.message.make_query("forged.example", rdtype, id=query.id, use_edns=True)
            lie = Answer(Status.NOERROR, ("192.0.2.66",) if rdtype == "A" else (), 60)
            forged = self._reply(other, lie, "forged.example", rdtype, "", over)
            return [(forged, 0, False)] + ([(reply, 0.05, False)] if habit == "forged" else [])
        return [(reply, 0, habit == "wrong-source")]

    def _reply(
        self, query: dns.message.Message, answer: Answer, name: str, rdtype: str, habit: str, over: str
    ) -> bytes:
        reply = dns.message.make_response(query, recursion_available=True)
        if habit.startswith("no-edns") and query.edns >= 0:
            reply.use_edns(False)
            reply.set_rcode(dns.rcode.FORMERR)
            return reply.to_wire()[:4] + bytes(8) if habit == "no-edns-bare" else reply.to_wire()
        if habit == "extended-error":
            error = dns.edns.EDEOption(dns.edns.EDECode.NO_REACHABLE_AUTHORITY, "at 192.0.2.53")
            reply.use_edns(0, options=[error])
            answer = Answer(Status.SERVFAIL)
        if answer.note == "cname-loop":
            answer = Answer(Status.NOERROR)  # the chain is given as it is
        reply.set_rcode(dns.rcode.from_text(answer.status.value))
        if habit == "referral":
            cut = dns.rrset.from_text(name.partition(".")[2] + ".", 60, "IN", "NS", "ns.elsewhere.example.")
            reply.authority.append(cut)
            return reply.to_wire()
        if not answer.unknown:
            self._fill(reply, answer, name, rdtype, habit)
        limit = (
            65_535
            if over == "tcp"
            else min(max(512, query.payload if query.edns >= 0 else 512), self.max_udp)
        )
        cut_short = habit == "truncated-always" or (habit in ("truncated", "tcp-closed") and over == "udp")
        if not cut_short and len(answer.records) < 800:
            wire = reply.to_wire(max_size=65_535)
            if len(wire) <= limit:
                return wire
        reply.answer.clear()
        reply.authority.clear()
        reply.flags |= dns.flags.TC
        return reply.to_wire()

    def _fill(self, reply: dns.message.Message, answer: Answer, name: str, rdtype: str, habit: str) -> None:
        owner = name
        seen: set[str] = set()
        while rdtype != "CNAME" and owner not in seen:
            seen.add(owner)
            alias = drive(self.zone.resolve(Question(owner, "CNAME")))
            if not alias.records:
                break
            reply.answer.append(
                dns.rrset.from_text(owner + ".", alias.ttl, "IN", "CNAME", alias.records[0] + ".")
            )
            owner = alias.records[0]
            if habit == "one-link":
                return
        if answer.records:
            rdatas = [_rdata(rdtype, record) for record in answer.strings or answer.records]
            reply.answer.append(dns.rrset.from_rdata_list(owner + ".", answer.ttl or 300, rdatas))
        else:
            top = owner.rpartition(".")[2] + "."
            soa = f"ns.{top} host.{top} 1 3600 600 86400 {self.negative_ttl}"
            reply.authority.append(dns.rrset.from_text(top, 3600, "IN", "SOA", soa))


def _rdata(rdtype: str, record: Any) -> dns.rdata.Rdata:
    if rdtype == "TXT":
        parts = record if isinstance(record, tuple) else (record,)
        text = " ".join('"' + "".join(f"\\{octet:03d}" for octet in part) + '"' for part in parts)
    elif rdtype == "MX":
        text = f"{record[0]} {record[1]}."
    elif rdtype in ("PTR", "CNAME", "NS"):
        text = f"{record}."
    else:
        text = str(record)
    return dns.rdata.from_text("IN", rdtype, text)
