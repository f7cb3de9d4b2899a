"""Would zones as drafted still authorise all who send? For CI, before anything is published."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from senderauth.advice.judge import Report, check
from senderauth.dns import CachingResolver, Resolver
from senderauth.simulation import OUTCOMES, Outcome, Prediction, Scenario
from senderauth.values import SEVERITIES, Finding, Severity

Place = tuple[str, int]
"""File and line."""
Places = Mapping[tuple[str, str], Place]
"""Of the first record of each name and type."""

BAD = ("refused", "deferred")


@dataclass(frozen=True, slots=True)
class Blamed:
    """A record that an answer hangs on, and where it stands; no place: it is not in the draft."""

    name: str
    rdtype: str
    place: Place | None


@dataclass(frozen=True, slots=True)
class SenderVerdict:
    """What receivers would answer to one of the senders."""

    place: Place
    """Of its row."""
    scenario: Scenario
    outcome: Outcome
    exit_code: int
    refusals: tuple[Prediction, ...]
    """Those that everybody meets."""
    blamed: tuple[Blamed, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """A finding and the record that it is about."""

    finding: Finding
    place: Place | None


@dataclass(frozen=True, slots=True)
class DraftReport:
    """All senders judged on a draft, and what is wrong with its records."""

    schema: ClassVar[str] = "senderauth/lint/1"
    senders: tuple[SenderVerdict, ...]
    findings: tuple[Located, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all senders."""
        return max((s.outcome for s in self.senders), key=OUTCOMES.index, default="accepted")

    def exit_code(self, fail_on: Severity | None = None) -> int:
        """0, 1, 2 or 3, as of `check`, the worst of all: what is refused, then hosts without an address, then
        what DNS would not tell.
        """
        codes = {sender.exit_code for sender in self.senders}
        if fail_on is not None:
            level = SEVERITIES.index(fail_on)
            if any(SEVERITIES.index(one.finding.severity) >= level for one in self.findings):
                codes.add(1)
        return next((code for code in (1, 2, 3) if code in codes), 0)


async def check_draft(
    senders: Sequence[tuple[Place, Scenario]],
    resolver: Resolver,
    *,
    places: Places,
    receivers: Iterable[str] | None = None,
) -> DraftReport:
    """Judges every sender on one resolver. places: where the records of the draft stand."""
    asked = CachingResolver(over=resolver)
    wanted = list(receivers or ()) or None
    judged: list[SenderVerdict] = []
    found: dict[tuple[str, str, str], Located] = {}
    for place, scenario in senders:
        report = await check(scenario, asked, receivers=wanted)
        refusals = tuple(p for p in report.predictions if p.outcome in BAD and not p.optional)
        judged.append(
            SenderVerdict(
                place,
                scenario,
                report.outcome,
                report.exit_code(),
                refusals,
                tuple(_blamed(report, refusals, places)),
            )
        )
        for finding in report.findings:
            key = (finding.id, finding.subject, repr(sorted(finding.evidence.items())))
            found.setdefault(key, Located(finding, _place(finding, places)))
    return DraftReport(tuple(judged), tuple(found.values()))


def _blamed(report: Report, refusals: Iterable[Prediction], places: Places) -> Iterator[Blamed]:
    """The records that the refusals hang on, each once."""
    wanted: dict[tuple[str, str], None] = {}
    for refusal in refusals:
        verdict = next(
            v for v in report.verdicts if (v.address, v.signing) == (refusal.address, refusal.signing)
        )
        if verdict.spf.result != "pass":
            wanted[verdict.mail_from_domain, "TXT"] = None
        for signature in verdict.dkim:
            if signature.result != "pass" and signature.key is not None:
                wanted[signature.key.name, "TXT"] = None
        if refusal.entry_id.startswith("adsp"):
            wanted[f"_adsp._domainkey.{report.scenario.author_address.domain}", "TXT"] = None
        if refusal.entry_id.startswith("dmarc"):
            location = report.policies["rfc9989"].location or report.policies["rfc7489"].location
            wanted[location or f"_dmarc.{report.scenario.author_address.domain}", "TXT"] = None
        if refusal.entry_id in ("sender-null-mx", "sender-domain-unresolvable"):
            wanted[verdict.mail_from_domain, "MX"] = None
    for name, rdtype in wanted:
        yield Blamed(name, rdtype, _at(name, rdtype, places))


def _at(name: str, rdtype: str, places: Places) -> Place | None:
    return places.get((name, rdtype)) or places.get((name, "CNAME"))


PREFIXES = {"dmarc": "_dmarc.", "adsp": "_adsp._domainkey."}


def _place(finding: Finding, places: Places) -> Place | None:
    """Where the record stands that a finding is about."""
    protocol = finding.id.partition("-")[0]
    rdtype = "MX" if protocol == "mail" else "TXT"
    below = PREFIXES.get(protocol, "") + finding.subject
    return _at(below, rdtype, places) or _at(finding.subject, rdtype, places)
