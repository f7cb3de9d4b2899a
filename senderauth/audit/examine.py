"""One domain: all questions, all verdicts, one row. The same code path whatever drives it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from senderauth import adsp, dkim, dmarc, lint, names, spf
from senderauth.advice import check
from senderauth.audit import parts as of_row
from senderauth.audit.asks import Asks
from senderauth.audit.grade import grade
from senderauth.audit.mx import mail_exchange
from senderauth.audit.read import Entry
from senderauth.audit.row import ADSP, DKIM, DMARC, MX, SPF, Host, Key, Row, Silence, Spoofing
from senderauth.audit.stranger import address_of_stranger, spf_of_stranger, spoofing
from senderauth.dns import Answer, Question
from senderauth.simulation import MailDomain, Scenario, mail_domain_findings
from senderauth.values import Finding, Reason, Step

TRIED = ("default", "google", "selector1", "selector2", "s1", "k1")
"""Selectors that are tried where none is named: those of the largest services and panels."""

MTA_STS, TLS_RPT = b"v=STSv1", b"v=TLSRPTv1"

PARTS = ("spf", "dmarc", "adsp", "dkim", "mx", "mta_sts", "tls_rpt", "spoofing", "hosts")
"""What can be asked of a domain, by the row's fields."""
NEEDED_TO_SPOOF = frozenset({"spf", "dmarc", "adsp", "mx"})


def chosen_parts(text: str | None, *, with_fix: bool = False) -> frozenset[str]:
    """The parts that `--only a,b` names with what they need, all where none are. Raises ValueError, also
    where changes are to be proposed and what they are tried on is left out.
    """
    if text is None:
        return frozenset(PARTS)
    wanted = {word.strip().lower().replace("-", "_") for word in text.split(",") if word.strip()}
    for word in sorted(wanted):
        if word not in PARTS:
            raise ValueError(f"--only: {word!r} is none of {', '.join(PARTS)}")
    if not wanted:
        raise ValueError(f"--only: name some of {', '.join(PARTS)}")
    if with_fix and "spoofing" not in wanted:
        raise ValueError("--fix tries changes on the whole domain: --only must name spoofing, too")
    return frozenset(wanted | NEEDED_TO_SPOOF if "spoofing" in wanted else wanted)


def by_organization(senders: Iterable[Scenario]) -> dict[str, tuple[Scenario, ...]]:
    """Sends by the registrable domains of their author and return path."""
    found: dict[str, tuple[Scenario, ...]] = {}
    for sender in senders:
        path = sender.mail_from_address
        domains = [sender.author_address.domain, *([path.domain] if path is not None else [])]
        for owner in dict.fromkeys(names.registrable(domain) or domain for domain in domains):
            found[owner] = (*found.get(owner, ()), sender)
    return found


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of every domain."""

    selectors: tuple[str, ...] = ()
    """DKIM selectors to ask for; none: `TRIED`."""
    with_lint: bool = False
    """checkdmarc's findings, too: many times slower."""
    with_timing: bool = False
    """Rows tell how long they took; then no two runs give the same bytes."""
    parts: frozenset[str] = frozenset(PARTS)
    """Those of `PARTS` that are wanted; what only the others need is not asked."""
    with_fix: bool = False
    """Rows tell what to change, each change tried."""
    senders: Mapping[str, tuple[Scenario, ...]] = field(default_factory=dict)
    """Sends that no change may make worse, by the organizations that they use the names of."""


async def examine(entry: Entry, asks: Asks, options: Options, branches: spf.Branches | None = None) -> Row:
    """All that DNS says of one domain, or the parts that are wanted. Raises nothing on what DNS holds.
    branches: what many domains include, kept from one row to the next.
    """
    if entry.error is not None:
        return Row(entry.n, entry.given, entry.domain, "bad-input", entry.error)
    return await Examination(entry, asks, options, branches).row()


class Examination:
    """One domain on its way to a row: each part has a method, and what it finds an attribute."""

    def __init__(self, entry: Entry, asks: Asks, options: Options, branches: spf.Branches | None) -> None:
        self.entry, self.asks, self.options, self.branches = entry, asks, options, branches
        self.domain, self.parts = entry.domain, options.parts
        self.named = _named(options.selectors, entry.selectors)
        self.selectors = self.named or TRIED
        self.answers: dict[str, Answer] = {}
        """What the names below the domain say, by label."""
        self.findings: list[Finding] = []
        self.survey: spf.Outline | None = None
        self.policies: dict[str, dmarc.Policy] | None = None
        self.practice: adsp.Verdict | None = None
        self.mail_domain: MailDomain | None = None

    async def row(self) -> Row:
        """Everything that is wanted."""
        entry, parts = self.entry, self.parts
        await self._ask_own()
        mx = await self._mx() if "mx" in parts else None
        found = await self._spf() if "spf" in parts else None
        keys = await self._dkim() if "dkim" in parts else None
        policy = await self._dmarc() if "dmarc" in parts else None
        practice = await self._adsp() if "adsp" in parts else None
        if self.options.with_lint:
            self.findings += await lint.lint(self.asks, self.domain)
        spoofed = await self._spoofing() if "spoofing" in parts else None
        graded = None
        if spoofed and found and policy and mx:
            graded = grade(found, policy, spoofed, mx, any(f.severity == "high" for f in self.findings))
        hosts = await self._hosts() if "hosts" in parts and entry.hosts else ()
        unknown = self.asks.unknown
        mta_sts = of_row.record_state(self.answers[MTA_STS_LABEL], MTA_STS) if "mta_sts" in parts else None
        tls_rpt = of_row.record_state(self.answers[TLS_RPT_LABEL], TLS_RPT) if "tls_rpt" in parts else None
        return Row(
            entry.n,
            entry.given,
            self.domain,
            "unknown" if unknown else "ok",
            None,
            graded,
            spoofed,
            found,
            policy,
            practice,
            keys,
            mx,
            mta_sts,
            tls_rpt,
            hosts,
            tuple(self.findings),
            tuple([Silence(q.name, q.rdtype, answer.status.value) for q, answer in unknown.items()]),
        )

    async def _ask_own(self) -> None:
        """The domain's own questions, in two rounds: where the name, or `_domainkey` below it, does not
        exist, most of the second is answered by the first (RFC 8020).
        """
        domain, parts, asks = self.domain, self.parts, self.asks
        first = [Question(domain, "TXT")] if "spf" in parts else []
        if "dmarc" in parts:
            first.append(Question(f"_dmarc.{domain}", "TXT"))
        if "mx" in parts:
            first.append(Question(domain, "MX"))
        if "dkim" in parts and not self.named:
            first.append(Question(f"_domainkey.{domain}", "TXT"))
        await asks.resolve_own(first)
        if labels := _labels(parts, self.selectors):
            questions = [Question(f"{label}.{domain}", "TXT") for label in labels]
            self.answers = dict(zip(labels, await asks.resolve_own(questions), strict=True))

    async def _mx(self) -> MX:
        found = self.mail_domain = await mail_exchange(self.asks, self.domain)
        if "spf" not in self.parts:
            self.findings += mail_domain_findings(found)
        return of_row.mx_part(found)

    async def _spf(self) -> SPF:
        found = self.survey = await spf.outline(self.asks, self.domain, self.branches)
        if self.mail_domain is not None and not found.sends_nothing:  # who sends nothing needs no answers
            self.findings += mail_domain_findings(self.mail_domain)
        self.findings += found.findings
        return of_row.spf_part(found)

    async def _dkim(self) -> DKIM:
        """The keys that exist, those that DNS would not tell of, and missing ones that the line named."""
        named, by_line, none_possible = self.named, self.entry.selectors, False
        found: list[Key] = []
        if not named:
            base = await self.asks.resolve(Question(f"_domainkey.{self.domain}", "TXT"))
            none_possible = base.name_missing
        for selector in self.selectors:
            answer = self.answers[f"{selector}._domainkey"]
            if answer.records or selector in by_line or not answer.absent:
                key = dkim.outline_key(f"{selector}._domainkey.{self.domain}", answer)
                if key.state != "missing":
                    found.append(Key(selector, key.state, key.type, key.bits, key.testing))
                if key.state == "revoked" and selector not in by_line:
                    continue  # retired on purpose, or never used: nobody says that the domain signs with it
                if key.state != "temperror":
                    self.findings += key.findings
        return of_row.dkim_part(tuple(found), named, () if named else TRIED, none_possible)

    async def _dmarc(self) -> DMARC:
        newer, older = await dmarc.discover_both(self.asks, self.domain)
        self.findings += newer.findings
        self.findings += older.findings
        self.findings += dmarc.compare(newer, older)
        self.policies = {"rfc9989": newer, "rfc7489": older}
        return of_row.dmarc_part(self.policies)

    async def _adsp(self) -> ADSP:
        """The practice for an unsigned mail. Where nothing is published, as nearly everywhere, there is
        nothing to judge (RFC 5617 4.3).
        """
        answer = self.answers[ADSP_LABEL]
        exists = self.mail_domain is not None and self.mail_domain.state not in ("missing", "unknown")
        found = NO_PRACTICE
        if not (answer.absent and exists):
            found = await adsp.evaluate(self.asks, self.domain)
            self.findings += found.findings
        self.practice = found
        return of_row.adsp_part(found)

    async def _spoofing(self) -> Spoofing | None:
        survey, policies, practice, mx = self.survey, self.policies, self.practice, self.mail_domain
        if survey is None or policies is None or practice is None or mx is None:
            return None
        address = address_of_stranger(survey)
        by_spf = await spf_of_stranger(self.asks, survey, address)
        return spoofing(survey, address, by_spf, policies, practice, mx.state)

    async def _hosts(self) -> tuple[Host, ...]:
        """What `check` says of the hosts that the line names."""
        entry = self.entry
        scenario = Scenario(entry.author, entry.hosts, entry.mail_from, entry.helo, entry.signers)
        report = await check(scenario, self.asks, with_misplaced=False)
        self.findings = of_row.once([*self.findings, *report.findings])
        return of_row.host_parts(report)


@lru_cache(maxsize=64)
def _named(by_all: tuple[str, ...], by_line: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*by_all, *by_line)))


@lru_cache(maxsize=64)
def _labels(parts: frozenset[str], selectors: tuple[str, ...]) -> tuple[str, ...]:
    """What is asked below a domain."""
    labels = [label for part, label in LABELS if part in parts]
    if "dkim" in parts:
        labels += [f"{selector}._domainkey" for selector in selectors]
    return tuple(labels)


ADSP_LABEL, MTA_STS_LABEL, TLS_RPT_LABEL = "_adsp._domainkey", "_mta-sts", "_smtp._tls"
LABELS = (("mta_sts", MTA_STS_LABEL), ("tls_rpt", TLS_RPT_LABEL), ("adsp", ADSP_LABEL))
NO_PRACTICE = adsp.Verdict("none", None, "", None, Reason("adsp-no-record"), Step("adsp", {}, []))
