"""One domain: all questions, all verdicts, one row. The same code path whatever drives it."""

from __future__ import annotations

from dataclasses import dataclass

from senderauth import adsp, dkim, dmarc, lint, spf
from senderauth.advice import check
from senderauth.audit import parts
from senderauth.audit.asks import Asks
from senderauth.audit.grade import grade
from senderauth.audit.mx import mail_exchange
from senderauth.audit.read import Entry
from senderauth.audit.row import Host, Row, Silence
from senderauth.audit.stranger import address_of_stranger, spf_of_stranger, spoofing
from senderauth.dns import Question
from senderauth.simulation import Scenario, mail_domain_findings
from senderauth.values import Finding, Reason, Step, Trace

TRIED = ("default", "google", "selector1", "selector2", "s1", "k1")
"""Selectors that are tried where none is named: those of the largest services and panels."""

MTA_STS, TLS_RPT = b"v=STSv1", b"v=TLSRPTv1"


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of every domain."""

    selectors: tuple[str, ...] = ()
    """DKIM selectors to ask for; none: `TRIED`."""
    with_lint: bool = False
    """checkdmarc's findings, too: many times slower."""
    with_timing: bool = False
    """Rows tell how long they took; then no two runs give the same bytes."""


async def examine(entry: Entry, asks: Asks, options: Options, branches: spf.Branches | None = None) -> Row:
    """All that DNS says of one domain. Raises nothing on what DNS holds. branches: what many domains
    include, kept from one row to the next.
    """
    if entry.error is not None:
        return Row(entry.n, entry.given, entry.domain, "bad-input", entry.error)
    domain = entry.domain
    named = tuple(dict.fromkeys((*options.selectors, *entry.selectors)))
    await _ask_own(asks, domain, named)
    survey = await spf.outline(asks, domain, branches)
    newer, older = await dmarc.discover_both(asks, domain)
    policies = {"rfc9989": newer, "rfc7489": older}
    mx = await mail_exchange(asks, domain)
    practice = await _practice(asks, domain, mx.state)
    base = await asks.resolve(Question(f"_domainkey.{domain}", "TXT")) if not named else None
    none_possible = base is not None and base.name_missing
    keys = await _keys(asks, domain, named or TRIED, entry.selectors)
    address = address_of_stranger(survey)
    by_spf = await spf_of_stranger(asks, survey, address)
    spoofed = spoofing(survey, address, by_spf, policies, practice, mx.state)
    hosts, about_hosts = await _hosts(entry, asks)
    linted = await lint.lint(asks, domain) if options.with_lint else ()
    findings = (
        *(() if survey.sends_nothing else mail_domain_findings(mx)),
        *survey.findings,
        *(finding for key in keys if key.state != "temperror" for finding in key.findings),
        *newer.findings,
        *older.findings,
        *dmarc.compare(newer, older),
        *practice.findings,
        *linted,
    )
    if about_hosts:
        findings = parts.once(findings + about_hosts)
    spf_row, dmarc_row, mx_row = parts.spf_part(survey), parts.dmarc_part(policies), parts.mx_part(mx)
    unknown = tuple(Silence(q.name, q.rdtype, answer.status.value) for q, answer in asks.unknown.items())
    return Row(
        entry.n,
        entry.given,
        domain,
        "unknown" if unknown else "ok",
        None,
        grade(spf_row, dmarc_row, spoofed, mx_row, any(f.severity == "high" for f in findings)),
        spoofed,
        spf_row,
        dmarc_row,
        parts.adsp_part(practice),
        parts.dkim_part(keys, named, () if named else TRIED, none_possible),
        mx_row,
        parts.record_state(await asks.resolve(Question(f"_mta-sts.{domain}", "TXT")), MTA_STS),
        parts.record_state(await asks.resolve(Question(f"_smtp._tls.{domain}", "TXT")), TLS_RPT),
        hosts,
        findings,
        unknown,
    )


async def _ask_own(asks: Asks, domain: str, named: tuple[str, ...]) -> None:
    """The domain's own questions, in two rounds: where the name, or `_domainkey` below it, does not exist,
    most of the second is answered by the first (RFC 8020).
    """
    first = [Question(domain, "TXT"), Question(f"_dmarc.{domain}", "TXT"), Question(domain, "MX")]
    labels = ["_mta-sts", "_smtp._tls", "_adsp._domainkey"]
    labels += [f"{selector}._domainkey" for selector in named or TRIED]
    if not named:
        first.append(Question(f"_domainkey.{domain}", "TXT"))
    await asks.resolve_own(first)
    await asks.resolve_own([Question(f"{label}.{domain}", "TXT") for label in labels])


async def _practice(asks: Asks, domain: str, mx: str) -> adsp.Verdict:
    """ADSP of an unsigned mail. Where nothing is published, as nearly everywhere, there is nothing to judge
    (RFC 5617 4.3).
    """
    answer = await asks.resolve(Question(f"_adsp._domainkey.{domain}", "TXT"))
    if answer.absent and mx not in ("missing", "unknown"):
        return NO_PRACTICE
    return await adsp.evaluate(asks, domain)


NO_PRACTICE = adsp.Verdict("none", None, "", None, Reason("adsp-no-record"), Step("adsp", {}, []))


async def _keys(
    asks: Asks, domain: str, selectors: tuple[str, ...], by_line: tuple[str, ...]
) -> list[dkim.Key]:
    """The keys that exist, those that DNS would not tell of, and missing ones that this very line named."""
    found: list[dkim.Key] = []
    for selector in selectors:
        name = f"{selector}._domainkey.{domain}"
        answer = await asks.resolve(Question(name, "TXT"))
        if not answer.absent or selector in by_line:
            found.append(dkim.judge_key(domain, selector, name, answer, Trace("dkim-key")))
    return found


async def _hosts(entry: Entry, asks: Asks) -> tuple[tuple[Host, ...], tuple[Finding, ...]]:
    """What `check` says of the hosts that the line names."""
    if not entry.hosts:
        return (), ()
    scenario = Scenario(entry.author, entry.hosts, entry.mail_from, entry.helo, entry.signers)
    report = await check(scenario, asks)
    return parts.host_parts(report), report.findings
