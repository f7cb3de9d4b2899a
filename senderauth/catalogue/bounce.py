"""Bounces as they come: text, notifications, free-form mail, log lines; out come facts and readings.

Theory of operation. A message is taken apart into the status fields of each recipient (RFC 3464), the
notice for people, and the returned message. What a recipient's `Diagnostic-Code` says is matched first;
where it says too little, the notice's words about that recipient are. Every fact keeps where it was
found, and what the answer itself says wins over what the returned message says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from senderauth.catalogue import dsn, freeform
from senderauth.catalogue.codes import Codes, find_codes
from senderauth.catalogue.facts import Fact, ip_of
from senderauth.catalogue.load import Permanence, entry
from senderauth.catalogue.logline import LogLine
from senderauth.catalogue.logs import looks_like_log, read_lines
from senderauth.catalogue.matching import RANKS, Match, match
from senderauth.catalogue.mime import MAX_BYTES, Part, parse
from senderauth.catalogue.providers import provider_by_marks, provider_of
from senderauth.catalogue.returned import returned_facts
from senderauth.message import decode

Form = Literal["notification", "notice", "text", "log"]


@dataclass(frozen=True, slots=True)
class Bounce:
    """What was said of one recipient, and what it may mean. Empty: not said."""

    form: Form
    """ "notification": a DSN; "notice": a message in free form; "text": pasted; "log": a line of a log."""
    recipient: str
    text: str
    """The answer, as it was given."""
    codes: Codes
    action: str
    """RFC 3464 2.3.3: "failed", "delayed", …: the fate of the message, not of the cause."""
    refusing_host: str
    reporting_host: str
    provider: str
    """Key of the provider that refused."""
    time: str
    facts: tuple[Fact, ...]
    matches: tuple[Match, ...]
    """The surest first; never empty."""
    returned: bytes
    """The returned message, or its header."""
    line: int
    """Number of the log's line, from 1; 0 elsewhere."""

    @property
    def permanence(self) -> Permanence:
        """Of the cause, by the likeliest reading."""
        return self.matches[0].permanence

    def fact(self, name: str) -> str:
        """The first fact of that name, or empty."""
        return next((fact.value for fact in self.facts if fact.name == name), "")


_MESSAGE = re.compile(
    rb"\A(?:From [^\n]{1,300}\n)?"
    rb"(?:[!-9;-~]{1,80}[ \t]{0,4}:[^\n]{0,2000}\n(?:[ \t][^\n]{0,2000}\n){0,200}){2}"
)
_WAITING = re.compile(r"\bnot yet been delivered\b|\bdelivery attempts will continue\b", re.IGNORECASE)
MAX_FORWARDS = 3
_DAEMONS = ("mailer-daemon", "mailer daemon", "postmaster", "mail delivery")
_KNOWN_FIELD = re.compile(
    rb"^(?:Received|Return-Path|From|To|Subject|Message-I[Dd]|Date|MIME-Version|Content-Type)[ \t]{0,4}:",
    re.MULTILINE | re.IGNORECASE,
)


def read_bounce(data: bytes | str) -> tuple[Bounce, ...]:
    """Every recipient's bounce in a message, a pasted text or some log lines; never raises for what the
    data holds, and reads at most 4 MiB of it. At least one bounce comes out, be it an unknown one.
    """
    octets = data.encode("utf-8", "replace") if isinstance(data, str) else bytes(data[:MAX_BYTES])
    octets = octets[:MAX_BYTES].replace(b"\r\n", b"\n").lstrip(b"\n")
    if is_message(octets):
        return _read_message(parse(octets))
    text = decode(octets)
    if dsn.has_fields(text):
        return tuple(_from_fields(text, freeform.cut(text)[0], "", b"", "notification"))
    if looks_like_log(text):
        return tuple(read_log(octets.split(b"\n"))) or (_unknown(text),)
    notice, rest = freeform.cut(text)
    return tuple(_from_notice(notice, rest.encode(), "text", "", ()))


def is_message(data: bytes) -> bool:
    """Whether the data begins as a mail message does, with header fields."""
    head = data[:65_536].replace(b"\r\n", b"\n").lstrip(b"\n")
    return bool(_MESSAGE.match(head)) and len(_KNOWN_FIELD.findall(head)) >= 2


def read_log(lines: Iterable[bytes]) -> Iterator[Bounce]:
    """The bounces, delays and refusals that a log tells of, line by line; nothing is kept. A line that is
    a reply but of no known format counts where its text is known.
    """
    return (bounce for bounce in read_live_log(lines) if bounce is not None)


def read_live_log(lines: Iterable[bytes | None]) -> Iterator[Bounce | None]:
    """As `read_log`, of a log that is still being written: None among the lines says that no more have come
    for now, and is handed on.
    """
    for found in read_lines(lines):
        if found is None:
            yield None
            continue
        number, line = found
        bounce = _from_line(number, line)
        if line.program != "reply" or bounce.matches[0].span is not None:
            yield bounce


def _unknown(text: str) -> Bounce:
    return _bounce("text", text, freeform.Section("", text, "", ""))


def _read_message(message: Part, depth: int = 0) -> tuple[Bounce, ...]:
    returned = dsn.returned_part(message)
    status = dsn.status_part(message)
    if status is None and dsn.is_other_report(message):
        return (_unknown(""),)
    if status is None and returned and depth < MAX_FORWARDS:  # a bounce that someone forwarded whole?
        inner = parse(returned)
        if dsn.status_part(inner) is not None or dsn.returned_part(inner):
            return _read_message(inner, depth + 1)
    texts = [part for part in message.walk() if part.type.startswith("text/") and not part.parts]
    notice = "\n".join(part.text() for part in texts if part.type == "text/plain")
    if not notice.strip():
        notice = "\n".join(freeform.plain(part.text()) for part in texts if part.type == "text/html")
    fields = status.text() if status is not None else ""
    if not fields and dsn.has_fields(notice):
        fields = notice
    own, rest = freeform.cut(notice) if not returned else (notice, "")
    returned = returned or rest.encode()
    host = _reporting(message)
    if fields:
        found = tuple(_from_fields(fields, own, host, returned, "notification"))
        if found:
            return found
    failed = [one.strip() for one in message.field("x-failed-recipients").split(",")]
    if _by_a_person(message) and not find_codes(own).reply:
        return (replace(_unknown(""), text=own[:8_192]),)
    return tuple(_from_notice(own, returned, "notice", host, tuple(filter(None, failed))))


def _by_a_person(message: Part) -> bool:
    """Whether this answers by itself for a person (RFC 3834): a holiday note, not a bounce."""
    own = message.field("auto-submitted").lower().startswith("auto-replied")
    daemon = any(word in message.field("from").lower() for word in _DAEMONS)
    return own and not daemon and not message.field("x-failed-recipients")


def _reporting(message: Part) -> str:
    """The host of MAILER-DAEMON, who wrote the notice."""
    host = message.field("from").rpartition("@")[2].strip("<> ()").partition(" ")[0].strip("<>()").lower()
    return host if "." in host else ""


def _from_fields(fields: str, notice: str, host: str, returned: bytes, form: Form) -> Iterator[Bounce]:
    told = {section.address.lower(): section for section in freeform.sections(notice)}
    listed = dsn.recipients(fields)
    for recipient in listed:
        section = told.get(recipient.address.lower())
        if section is None and len(listed) == 1:
            section = next(iter(told.values()))
        said = freeform.Section(
            recipient.address,
            recipient.diagnostic,
            recipient.remote_mta or (section.host if section else ""),
            section.host_address if section else "",
        )
        bounce = _bounce(
            form,
            recipient.diagnostic,
            said,
            status=recipient.status,
            action=recipient.action,
            reporting=recipient.reporting_mta or host,
            time=recipient.last_attempt or recipient.arrival,
            returned=returned,
            source="diagnostic-code",
        )
        if section is not None and RANKS.index(bounce.matches[0].rank) >= RANKS.index("provider-code"):
            bounce = _better(bounce, section.text)
        yield bounce


def _better(bounce: Bounce, told: str) -> Bounce:
    """The bounce with the notice's words where they say more than the fields."""
    codes = _codes(told, bounce.codes)
    text, matches = _read(told, bounce.provider, codes)
    if RANKS.index(matches[0].rank) >= RANKS.index(bounce.matches[0].rank):
        return bounce
    named = {fact.name for fact in matches[0].facts}
    kept = tuple(fact for fact in bounce.facts if fact.name not in named)
    facts = (*(replace(fact, source="notice") for fact in matches[0].facts), *kept)
    return replace(bounce, text=text[:8_192], codes=codes, matches=matches, facts=facts)


def _codes(text: str, known: Codes) -> Codes:
    """The codes of the text's answer; what it leaves open is filled from what is known."""
    found = next((f for part in freeform.answers(text) if (f := find_codes(part)).reply), find_codes(text))
    vague = not found.enhanced or found.enhanced.endswith(".0.0")
    return Codes(found.reply or known.reply, (known.enhanced or found.enhanced) if vague else found.enhanced)


def _read(text: str, provider: str, codes: Codes | None) -> tuple[str, tuple[Match, ...]]:
    """The part of the text that says most, the likeliest place first, and its readings."""
    best: tuple[str, tuple[Match, ...]] | None = None
    for part in freeform.answers(text):
        known = str(codes) if codes else ""
        matches = match(part, provider=provider, code=known or None)
        if best and best[1][0].id and matches[0].entry_id == "delayed-notice":
            continue  # the server's own words around the answer
        if RANKS.index(matches[0].rank) <= RANKS.index("generic"):
            return part, matches
        if best is None or RANKS.index(matches[0].rank) < RANKS.index(best[1][0].rank):
            best = part, matches
    assert best is not None  # there is always one part
    return best


def _by_marks(answer: str, codes: Codes, matches: tuple[Match, ...]) -> tuple[str, tuple[Match, ...]]:
    """The provider that an answer without a host betrays, and the answer read again as its own."""
    provider = provider_by_marks(answer)
    return provider, match(answer, provider=provider, code=str(codes) or None) if provider else matches


def _from_notice(
    notice: str, returned: bytes, form: Form, host: str, failed: tuple[str, ...]
) -> Iterator[Bounce]:
    told = freeform.sections(notice)
    if len(told) == 1 and failed and (len(failed) > 1 or not told[0].address):  # one answer for all
        told = tuple(replace(told[0], address=address) for address in failed[: dsn.MAX_RECIPIENTS])
    for section in told:
        bounce = _bounce(
            form,
            section.text,
            section,
            reporting=host,
            returned=returned,
            source="notice" if form == "notice" else "text",
        )
        yield bounce


def _bounce(
    form: Form,
    text: str,
    section: freeform.Section,
    *,
    status: str = "",
    action: str = "",
    reporting: str = "",
    time: str = "",
    returned: bytes = b"",
    source: str = "text",
) -> Bounce:
    codes = _codes(text, Codes("", status))
    provider = provider_of(section.host or section.writer) or provider_of(section.address.rpartition("@")[2])
    answered, matches = _read(text, provider, codes)
    if section.writer and section.host:
        reporting = section.writer
    elif section.writer and matches[0].rank == "provider-text":  # its own words: it refused itself
        section = replace(section, host=section.writer)
    elif section.writer:
        provider, reporting = provider_of(section.address.rpartition("@")[2]), reporting or section.writer
        answered, matches = _read(text, provider, codes)
    if not provider and not section.host:
        provider, matches = _by_marks(answered, codes, matches)
    if not section.address:
        section = replace(section, address=_concerned(answered, matches[0].entry_id))
    facts = [replace(fact, source=source) for fact in matches[0].facts]
    facts += _envelope(section, reporting, source)
    known = {fact.name for fact in facts}
    named = next((fact.value for fact in facts if fact.name == "recipient"), "")
    later = [fact for fact in returned_facts(returned) if fact.name not in known]
    return Bounce(
        form=form,
        recipient=section.address or named,
        text=answered[:8_192],
        codes=codes,
        action=action or _action(codes) or ("delayed" if _WAITING.search(text) else ""),
        refusing_host=section.host,
        reporting_host=reporting,
        provider=provider,
        time=time,
        facts=(*facts, *later),
        matches=matches,
        returned=returned,
        line=0,
    )


# An answer begins with the address that it is about: "<jan@example.org>: User unknown".
_ABOUT = re.compile(
    r"^(?:[245]\d\d[- ])?(?:[245]\.\d{1,3}\.\d{1,3} )?"
    r"<([^\s<>]{1,128}@[^\s<>]{1,255})>(?:: |\.\.\.|,? )(?!sender)",
    re.IGNORECASE,
)


def _concerned(answer: str, id: str) -> str:
    """The recipient that an answer about a recipient begins with; empty where it does not."""
    if not id or entry(id).family not in ("recipient", "quota", "relay"):
        return ""
    found = _ABOUT.match(answer.lstrip())
    return found[1] if found else ""


def _action(codes: Codes) -> str:
    if codes.final is None:
        return ""
    return "failed" if codes.final else "delayed"


def _envelope(section: freeform.Section, reporting: str, source: str) -> Iterator[Fact]:
    notified = source == "diagnostic-code"
    if section.address:
        yield Fact("recipient", section.address, "final-recipient" if notified else source)
    if section.host:
        yield Fact("refusing_host", section.host, "remote-mta" if notified else source)
    if ip_of(section.host_address):
        yield Fact("refusing_address", ip_of(section.host_address), source)
    if reporting:
        place = "reporting-mta" if notified else source if reporting == section.writer else "from"
        yield Fact("reporting_host", reporting, place)


def _from_line(number: int, line: LogLine) -> Bounce:
    section = freeform.Section(line.recipient, line.text, line.host, line.host_address)
    codes = _codes(line.text, line.codes)
    provider = provider_of(line.host) or provider_of(line.recipient.rpartition("@")[2])
    answered, matches = _read(line.text, provider, codes)
    if not provider and not line.host and not line.own:
        provider, matches = _by_marks(answered, codes, matches)
    facts = [replace(fact, source="log") for fact in matches[0].facts]
    facts += _envelope(section, "", "log")
    known = {fact.name for fact in facts}
    said = (("address", ip_of(line.client_address)), ("mail_from", line.mail_from), ("helo", line.helo))
    facts += [Fact(name, value, "log") for name, value in said if value and name not in known]
    return Bounce(
        form="log",
        recipient=line.recipient,
        text=answered,
        codes=codes,
        action=line.action,
        refusing_host=line.host,
        reporting_host="",
        provider=provider if not line.own else "",
        time=line.time,
        facts=tuple(facts),
        matches=matches,
        returned=b"",
        line=number,
    )
