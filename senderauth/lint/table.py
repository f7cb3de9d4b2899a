"""What the guest says, as findings: one table from its English to our ids.

checkdmarc has no ids: errors come as the text of an exception, warnings as sentences, which change from
release to release. A sentence that no row knows is not lost: it becomes `lint-checkdmarc-spf` or
`lint-checkdmarc-dmarc` with its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from senderauth.lint.guest import Protocol, Said
from senderauth.values import Finding, Severity

MAX_MESSAGE = 500


class Row(NamedTuple):
    """A sentence of the guest's, known by its beginning; named groups become facts."""

    pattern: re.Pattern[str]
    id: str
    severity: Severity
    rfc: str
    absence: bool
    """It claims that something is not there. The guest takes a timeout for that too (an include whose
    target does not answer is "no SPF record, permerror"), so nothing is claimed where DNS would not tell."""


def _row(pattern: str, id: str, severity: Severity, rfc: str, *, absence: bool = False) -> Row:
    return Row(re.compile(r"(?:\S{1,253}: )?" + pattern), id, severity, rfc, absence)


# Not passed on: whether a domain exists our own rooms tell better (the guest overlooks that a policy for
# missing subdomains applies to just those, RFC 9989 4.7), and unknown answers have a finding of their own.
DROPPED = re.compile(
    r"(?:\S{1,253}: )?(The domain (\S+ )?does not exist\.?$"
    r"|.{0,400}(All nameservers failed|The resolution lifetime|The DNS operation timed"
    r"|Resolver configuration))"
)

SPF = (
    _row("The domain has multiple SPF", "lint-spf-several-records", "high", "RFC 7208 4.5"),
    _row("An SPF record does not exist", "lint-spf-record-absent", "medium", "RFC 7208 4.5", absence=True),
    _row(
        r"The include target (?P<target>\S+) has no SPF record",
        "lint-spf-include-without-record", "high", "RFC 7208 5.2", absence=True,
    ),
    _row(
        r"Parsing the SPF record requires (?P<lookups>\d+)/",
        "lint-spf-too-many-lookups", "high", "RFC 7208 4.6.4",
    ),
    _row(r"Parsing the SPF record has (?P<voids>\d+)/", "lint-spf-too-many-voids", "high", "RFC 7208 4.6.4"),
    _row(r"(?P<target>\S+) has more than 10 MX", "lint-spf-too-many-mx", "high", "RFC 7208 4.6.4"),
    _row("(Include|Redirect) loop", "lint-spf-loop", "high", "RFC 7208 4.6.4"),
    _row("A TXT record that resembles an SPF", "lint-spf-version-inexact", "high", "RFC 7208 4.5"),
    _row("A TXT record with undecodable", "lint-spf-txt-undecodable", "low", "RFC 7208 4.5"),
    _row("A deprecated Sender ID record", "lint-spf-sender-id-record", "low", "RFC 4408 1"),
    _row(
        r"The SPF record for \S+ is (?P<octets>\d+) bytes", "lint-spf-record-large", "low", "RFC 7208 3.4"
    ),
    _row(r"\S+ has both a TXT record and", "lint-spf-cname-beside-record", "high", "RFC 1034 3.6.2"),
    _row(
        r"The (?P<term>\S+) value (?P<value>\S+) is not a fully-qualified",
        "lint-spf-not-a-domain", "medium", "RFC 7208 4.8",
    ),
    _row(
        r"(An?|The) (?P<term>a|mx|ptr) mechanism points to (?P<target>\S+), but",
        "lint-spf-term-without-records", "medium", "RFC 7208 4.6.4", absence=True,
    ),
    _row(
        r"The MX host (?P<target>\S+) does not have any",
        "lint-spf-mx-without-address", "medium", "RFC 5321 5.1", absence=True,
    ),
    _row("The ptr mechanism should not be used", "lint-spf-ptr", "medium", "RFC 7208 5.5"),
    _row(r"Duplicate include: (?P<target>\S+)", "lint-spf-duplicate-include", "low", "RFC 7208 4.6.4"),
    _row("The record contains multiple all", "lint-spf-several-all", "low", "RFC 7208 4.6.2"),
    _row("Any text after the all mechanism", "lint-spf-text-after-all", "medium", "RFC 7208 5.1"),
    _row("The redirect modifier was ignored", "lint-spf-redirect-ignored", "medium", "RFC 7208 6.1"),
    _row(r"The unknown modifier (?P<modifier>\S+) was", "lint-spf-unknown-modifier", "low", "RFC 7208 6"),
    _row("The (ra|rp|rr) ", "lint-spf-reporting-modifier", "low", "RFC 6652 3"),
    _row(
        r"(No TXT records at|Failed to get TXT records at) exp value (?P<target>[^\s:]+?)\.?(:|$)",
        "lint-spf-explanation-absent", "low", "RFC 7208 6.2", absence=True,
    ),
    _row(
        r"Too many TXT records at exp value (?P<target>\S+?)\.?$",
        "lint-spf-explanation-several", "low", "RFC 7208 6.2",
    ),
    _row(
        r"(Expected |Invalid SPF macro|SPF macros? |Qualifiers are not|Multiple (redirect|exp) "
        r"|The (redirect|exp) modifier is missing|The (all|ptr) mechanism does not accept"
        r"|The IPv[46] prefix length|\S+ must have a value|\S+ is not a valid "
        r"|The macro letter|.{0,100}macro)",
        "lint-spf-syntax", "high", "RFC 7208 4.6",
    ),
)  # fmt: skip

DMARC = (
    _row("Multiple DMARC policy records", "lint-dmarc-several-records", "high", "RFC 9989 4.10"),
    _row(
        "A DMARC record does not exist",
        "lint-dmarc-record-absent", "medium", "RFC 9989 4.10", absence=True,
    ),
    _row(r"Found a DMARC record at \S+ that starts with", "lint-dmarc-leading-space", "high", "RFC 9989 4.8"),
    _row(
        r"The DMARC record must be located at (?P<right>\S+?), not (?P<wrong>\S+?)\.?$",
        "lint-dmarc-wrong-location", "high", "RFC 9989 4.5",
    ),
    _row("A DMARC record at the root", "lint-dmarc-at-root", "medium", "RFC 9989 4.5"),
    _row("Found an? SPF record where", "lint-dmarc-spf-record", "high", "RFC 9989 4.5"),
    _row(r"\S+ has both a TXT record and", "lint-dmarc-cname-beside-record", "high", "RFC 1034 3.6.2"),
    _row("The Organizational Domain of", "lint-dmarc-suffix-record", "info", "RFC 9989 4.10.2"),
    _row(r"Duplicate (?P<tag>\S+) tags", "lint-dmarc-tag-twice", "high", "RFC 9989 4.8"),
    _row(r"Unknown DMARC tag '(?P<tag>[^']*)'", "lint-dmarc-unknown-tag", "low", "RFC 9989 4.7"),
    _row(r"Support for the (?P<tag>\S+) tag was removed", "lint-dmarc-tag-removed", "info", "RFC 9989 9.3"),
    _row("A missing p tag", "lint-dmarc-p-absent", "medium", "RFC 9989 4.7"),
    _row("The p tag does not immediately", "lint-dmarc-p-not-second", "low", "RFC 7489 6.3"),
    _row(r"An? (?P<tag>p|sp|np) tag value of none", "lint-dmarc-policy-none", "low", "RFC 9989 4.7"),
    _row(r"Tag (?P<tag>\S+) must have one of", "lint-dmarc-invalid-value", "high", "RFC 9989 4.8"),
    _row(
        r".{0,300}? is not a valid (option for the DMARC )?(?P<tag>adkim|aspf|fo) tag",
        "lint-dmarc-invalid-value", "high", "RFC 9989 4.8",
    ),
    _row(r"(?P<tag>fo)=", "lint-dmarc-invalid-value", "high", "RFC 9989 4.8"),
    _row(".{0,400}? is not a valid DMARC report URI", "lint-dmarc-invalid-uri", "high", "RFC 9989 4.7"),
    _row(
        r"The (?P<tag>rua|ruf) URI .{0,400}? uses the (?P<scheme>\S+) scheme",
        "lint-dmarc-uri-scheme", "medium", "RFC 9989 4.7",
    ),
    _row(
        r"The size limit \(`!size`\) on (?P<tag>rua|ruf) URI",
        "lint-dmarc-size-limit", "info", "RFC 9990 4",
    ),
    _row(
        r"(?P<target>\S+) does not indicate that it accepts",
        "lint-dmarc-reports-refused", "medium", "RFC 9990 4", absence=True,
    ),
    _row(
        r"(Failed to retrieve MX records for the domain of|The domain for) (?P<tag>rua|ruf) email address"
        r" (?P<address>\S+)",
        "lint-dmarc-reports-without-mx", "medium", "RFC 9990 4", absence=True,
    ),
    _row(
        r"Some DMARC reporters might not send to more than two (?P<tag>rua|ruf)",
        "lint-dmarc-many-uris", "info", "RFC 9989 4.7",
    ),
    _row("rua tag ", "lint-dmarc-no-reports", "low", "RFC 9989 4.7"),
    _row("(Error: )?Expected ", "lint-dmarc-syntax", "high", "RFC 9989 4.8"),
)  # fmt: skip

PROCESSING = re.compile(r"Error when processing (?P<at>\S{1,253}): (?P<rest>.*)")


def plain_text(text: str) -> str:
    """One printable line: a record's control and direction characters never reach a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 2 * MAX_MESSAGE]).split())[
        :MAX_MESSAGE
    ]


def findings_of(protocol: Protocol, domain: str, said: Said) -> tuple[Finding, ...]:
    """The guest's words as findings."""
    subject = domain if protocol == "spf" else f"_dmarc.{said.location}"
    found = [
        each
        for text in said.messages
        if (each := finding(protocol, subject, text, unknown=bool(said.unknown), record=said.found))
    ]
    return (*_unknown(protocol, subject, said), *found)


def _unknown(protocol: Protocol, subject: str, said: Said) -> Iterator[Finding]:
    if said.unknown:
        facts = {"protocol": protocol.upper(), "names": list(said.unknown[:10])}
        yield Finding("lint-dns-unknown", "info", subject, facts, source="checkdmarc")


def finding(
    protocol: Protocol, subject: str, text: str, *, unknown: bool = False, record: bool = False
) -> Finding | None:
    """One sentence as a finding; None for one that is not passed on. `unknown`: DNS did not tell all;
    `record`: there is a record.
    """
    message = plain_text(text)
    at = PROCESSING.match(message)
    rest = at["rest"] if at else message
    if protocol == "spf" and not unknown and (about := _target(at, rest, message, record)):
        return Finding(about[0], about[1], subject, about[2], about[3], "checkdmarc")
    if DROPPED.match(rest):
        return None
    for row in SPF if protocol == "spf" else DMARC:
        if match := row.pattern.match(rest):
            if row.absence and unknown:
                return None
            facts = {**match.groupdict(), "message": message}
            return Finding(row.id, row.severity, subject, facts, row.rfc, "checkdmarc")
    id = "lint-checkdmarc-spf" if protocol == "spf" else "lint-checkdmarc-dmarc"
    return Finding(id, "info", subject, {"message": message}, source="checkdmarc")


ABSENT = re.compile(r"(?:The domain (?:(?P<target>\S+) )?does not exist|An SPF record does not exist)")


def _target(
    at: re.Match[str] | None, rest: str, message: str, record: bool
) -> tuple[str, Severity, dict[str, object], str] | None:
    """What is missing behind a term: the guest says it in the words for the domain itself."""
    absent = ABSENT.match(rest)
    if absent is None:
        return None
    if at:
        facts: dict[str, object] = {"target": absent["target"] or at["at"], "message": message}
        return "lint-spf-target-missing", "medium", facts, "RFC 7208 4.6.4"
    if record:  # the one term whose target the guest does not name
        return "lint-spf-redirect-without-record", "high", {"message": message}, "RFC 7208 6.1"
    return None
