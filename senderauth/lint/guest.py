"""The guest: checkdmarc, called on answers of ours. The only file that imports it, and only when called.

Three of its habits would lead it past our answers:

- Its DNS cache is a module's global, keyed by name and type alone: another resolver would be given the
  answers of the one before, so an overlay would change nothing. The cache is put aside during a call.
- The text behind `exp=` is looked up without the resolver that it was given (`parse_spf_record` of 6.0.4
  passes on `nameservers` only) and would go to the network. Hence our answers come as a name server
  object, which is what both parameters lead to.
- It asks the obsolete type SPF of every name (RFC 7208 3.1): answered with "no data", nobody is asked.

Never called: its checks of DNSSEC, SMTP, MTA-STS and BIMI, which open sockets of their own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from senderauth import names
from senderauth.dns import Answer, Question, Status

if TYPE_CHECKING:
    import dns.message
    import dns.name
    import dns.rdata
    import dns.resolver

MAX_TXT = 4_096
"""Octets of a record that the guest is shown. SPF allows 450 in practice (RFC 7208 3.4), no DMARC record
comes near, and the guest's grammar is slow on long ones."""
MAX_RECORDS = 50

ASKED = frozenset({"A", "AAAA", "CNAME", "MX", "TXT"})

Protocol = Literal["spf", "dmarc"]

_one_at_a_time = threading.Lock()


class Missing(BaseException):
    """A question without an answer yet. No Exception: neither the guest nor dnspython may catch it."""

    def __init__(self, question: Question) -> None:
        super().__init__(question)
        self.question = question


@dataclass(frozen=True, slots=True)
class Said:
    """What the guest said of one protocol's record."""

    messages: tuple[str, ...]
    """Its error, if any, then its warnings."""
    found: bool
    """Whether there is a record, whatever is wrong with it."""
    location: str
    """The domain whose record it is; for DMARC it may be a parent's."""
    unknown: tuple[str, ...]
    """Names about which DNS would not tell, and the guest does not know that it does not know."""


def check(protocol: Protocol, domain: str, answers: Mapping[Question, Answer]) -> Said:
    """Runs the guest once. Raises Missing at a question that `answers` does not hold, and whatever the
    guest raises.
    """
    import checkdmarc.dmarc
    import checkdmarc.spf

    desk = _desk(answers)
    # retries: an answer of ours does not get better by asking again
    means = {"resolver": desk.resolver, "nameservers": desk.resolver.nameservers, "retries": 0}
    with _without_cache():
        if protocol == "spf":
            result = checkdmarc.spf.check_spf(domain, **means)
        else:
            # Other TXT records at the name are to be discarded (RFC 9989 4.10); the guest would give up
            result = checkdmarc.dmarc.check_dmarc(domain, ignore_unrelated_records=True, **means)
    error = result.get("error")
    messages = [*([error] if error else []), *result.get("warnings", [])]
    unknown = dict.fromkeys(question.name for question in desk.asked if answers[question].unknown)
    location = str(result.get("location") or domain)
    return Said(tuple(map(str, messages)), result.get("record") is not None, location, tuple(unknown))


class _NoCache:
    """Stands in for the guest's cache: holds nothing."""

    def get(self, key: str) -> None:
        """Nothing."""

    def __setitem__(self, key: str, value: object) -> None:
        pass


@contextmanager
def _without_cache() -> Iterator[None]:
    """Puts the guest's cache aside, and back: the program around us may use checkdmarc itself."""
    import checkdmarc.utils

    with _one_at_a_time:  # two threads that put aside and back in turn would leave it aside
        cache = checkdmarc.utils.DNS_CACHE
        checkdmarc.utils.DNS_CACHE = _NoCache()
        try:
            yield
        finally:
            checkdmarc.utils.DNS_CACHE = cache


@dataclass(frozen=True, slots=True)
class _Desk:
    resolver: dns.resolver.Resolver
    asked: set[Question]


def _desk(answers: Mapping[Question, Answer]) -> _Desk:
    """A dnspython resolver whose one name server is a dict of answers."""
    import dns.nameserver
    import dns.resolver

    asked: set[Question] = set()

    class Desk(dns.nameserver.Nameserver):
        """Raises nothing but Missing: dnspython takes an error for a bad line, and tries again for 5 s."""

        def __str__(self) -> str:
            return "senderauth"

        def kind(self) -> str:
            return "senderauth"

        def is_always_max_size(self) -> bool:
            return True  # nothing is ever truncated

        def answer_nameserver(self) -> str:
            return "senderauth"

        def answer_port(self) -> int:
            return 0

        def query(self, request: dns.message.QueryMessage, *_: Any, **__: Any) -> dns.message.Message:
            question = _question(request)
            if question is None:
                return _reply(request, Answer(Status.SERVFAIL))
            if question.rdtype not in ASKED:
                return _reply(request, Answer(Status.NOERROR))
            answer = answers.get(question)
            if answer is None:
                raise Missing(question)
            asked.add(question)
            return _reply(request, answer)

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [Desk()]  # type: ignore[no-untyped-call]  # dnspython's own constructor
    resolver.search = []
    return _Desk(resolver, asked)


def _question(request: dns.message.Message) -> Question | None:
    """The question in our terms; None for a name that nobody could ask us."""
    import dns.rdatatype

    asked = request.question[0]
    labels = asked.name.labels[:-1]
    if any(b"." in label or not label.isascii() for label in labels):
        return None
    name = names.normalise(b".".join(labels).decode("ascii"))
    return None if name is None else Question(name, dns.rdatatype.to_text(asked.rdtype))


def _reply(request: dns.message.QueryMessage, answer: Answer) -> dns.message.Message:
    """The answer as the DNS message that a recursive server would send."""
    import dns.exception
    import dns.message
    import dns.rcode

    reply = dns.message.make_response(request, recursion_available=True)
    if answer.unknown:
        reply.set_rcode(dns.rcode.SERVFAIL)
    elif answer.status is Status.NXDOMAIN:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif answer.records:
        asked = request.question[0]
        try:
            rrset = reply.find_rrset(reply.answer, asked.name, asked.rdclass, asked.rdtype, create=True)
            for record in _records(answer)[:MAX_RECORDS]:
                rrset.add(_rdata(asked.rdtype, record), ttl=300)
        except (dns.exception.DNSException, ValueError):  # a host name that is none, say
            reply.answer.clear()
            reply.index.clear()
            reply.set_rcode(dns.rcode.SERVFAIL)
    return reply


def _records(answer: Answer) -> tuple[Any, ...]:
    """The records, TXT string by string where that is known."""
    return answer.strings if answer.strings else answer.records


def _rdata(rdtype: int, record: Any) -> dns.rdata.Rdata:
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype
    import dns.rdtypes.ANY.TXT

    if rdtype == dns.rdatatype.TXT:
        strings = _strings(record if isinstance(record, tuple) else (record,))
        return dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings)
    text = f"{record[0]} {record[1]}." if rdtype == dns.rdatatype.MX else str(record)
    if rdtype == dns.rdatatype.CNAME:
        text += "."
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.RdataType(rdtype), text)


def _strings(given: tuple[bytes, ...]) -> list[bytes]:
    """As they were sent, at most 255 octets each (RFC 1035 3.3), cut where the whole is too long."""
    left, cut = MAX_TXT, []
    for string in given:
        for start in range(0, min(len(string), left), 255):
            cut.append(string[start : min(start + 255, left)])
        left -= min(len(string), left)
    return cut or [b""]
