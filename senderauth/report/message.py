"""The report on a message for people: the answer first, then the signatures and what broke them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from senderauth import names
from senderauth.report import text
from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.wording import Wording

STYLE = {"pass": "accepted", "fail": "refused", "permerror": "refused"}
MAX_LISTED = 12


def message_text(
    report: Any,
    words: Wording,
    *,
    name: str = "",
    width: int = 80,
    colour: bool = False,
    verbose: int = 0,
    quiet: bool = False,
) -> str:
    """The report on one message; `name` is the file's. quiet: the answers alone. verbose as for a check."""
    page = Page(width, colour)
    if quiet:
        if name:
            page.line(printable(name), style="head")
        text.answers(page, report, words)
        return str(page)
    _facts(page, report, words, name)
    page.line()
    if report.scenario is None:
        page.lead(words.ui("outcome-refused"), "refused", words.reason(report.facts.author.reason))
    text.answers(page, report, words)
    _signatures(page, report, words)
    text.bounces(page, report, words, verbose)
    text.remedies(page, report, words, verbose)
    _ways(page, report, words)
    _claims(page, report, words)
    text.findings(page, report, words)
    text.why(page, report, words)
    if verbose:
        text.traces(page, report, words, verbose)
    _limits(page, report, words)
    return str(page)


def _facts(page: Page, report: Any, words: Wording, name: str) -> None:
    facts = report.facts
    if name:
        page.line(printable(name), style="dim")
    author = "; ".join(printable(_mailbox(box)) for box in facts.author.mailboxes[:4]) or words.ui("nobody")
    page.line(words.ui("message-from", author=author), style="head")
    if facts.subject:
        page.line(words.ui("message-subject", subject=printable(facts.subject, 200)), indent=2, hang=2)
    envelope = facts.envelope
    rows = (
        ("client", envelope.address, envelope.address_origin),
        ("helo", envelope.helo, envelope.helo_origin),
        ("path", _path(envelope.mail_from), envelope.mail_from_origin),
    )
    for label, value, origin in rows:
        shown = words.ui(f"message-{label}", value=printable(value)) if value else ""
        said = words.ui(f"origin-{origin}", by=printable(envelope.written_by or "?"))
        page.line(f"{shown} ({said})" if shown else words.ui(f"message-no-{label}"), indent=2, hang=2)
    if report.judged_at is not None:
        page.line(words.ui("message-judged-at", time=_time(report.judged_at)), indent=2, hang=2)


def _mailbox(box: Any) -> str:
    address = str(box)
    if box.domain and names.display(box.domain) != box.domain:
        address += f" ({names.display(box.domain)})"
    return f"{box.display} <{address}>" if box.display else address


def _path(path: str | None) -> str:
    return "<>" if path == "" else path or ""


def _time(seconds: int) -> str:
    """UTC, as ISO 8601 writes it; a number where no calendar reaches."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return str(seconds)


def _signatures(page: Page, report: Any, words: Wording) -> None:
    page.head(words.ui("head-signatures"))
    if not report.signatures:
        page.line(words.ui("signatures-none"), indent=2)
    for one in report.signatures:
        for line in _signature(page, one, words):
            page.line(line, indent=4, hang=2)
    chain = report.arc
    if chain.result != "none":
        sealers = [
            f"i={one.instance} {printable(one.domain)} ({one.seal})" for one in chain.sets[:MAX_LISTED]
        ]
        page.lead(
            f"  ARC {chain.result}",
            STYLE.get(chain.result, "unknown"),
            f"{', '.join(sealers)}: {words.reason(chain.reason)}",
        )


def _signature(page: Page, one: Any, words: Wording) -> Iterator[str]:
    """The heading goes to the page at once; the lines below it are given."""
    result = one.result
    if result.signature is None:  # all beyond the bound
        page.lead("  " + result.result, "unknown", words.reason(result.reason))
        return
    made = ", ".join(
        filter(
            None,
            (
                printable(result.algorithm, 60),
                printable(result.canonicalization, 60),
                words.ui("signature-bits", bits=result.key_bits) if result.key_bits else "",
            ),
        )
    )
    who = words.ui("signature-by", domain=text.shown(result.domain), selector=printable(result.selector))
    page.lead(f"  {result.result}", STYLE.get(result.result, "marked"), f"{who} ({made})")
    yield words.ui(f"signature-aligned-{one.aligned}")
    yield _sentence(words.reason(result.reason))
    state = {True: "signature-part-ok", False: "signature-part-changed", None: "signature-part-unknown"}
    yield words.ui(
        "signature-parts", header=words.ui(state[result.header_ok]), body=words.ui(state[result.body_ok])
    )
    if result.unsigned_bytes:
        yield words.ui("signature-unsigned", count=result.unsigned_bytes)
    if one.on_date is not None:
        yield words.ui("signature-on-date", result=one.on_date)
    if one.diagnosis is not None:
        yield from _diagnosis(one.diagnosis, words)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _diagnosis(diagnosis: Any, words: Wording) -> Iterator[str]:
    for cause in diagnosis.causes:
        yield words.ui("diagnosis-proven", cause=words.reason(cause))
    if diagnosis.body_explained is False or diagnosis.header_explained is False:
        tried = [words.step(step) for step in diagnosis.trace.inner[:MAX_LISTED]]
        yield words.ui("diagnosis-open", attempts=diagnosis.attempts, tried="; ".join(tried) or "–")
        if diagnosis.exhausted:
            yield words.ui("diagnosis-exhausted")


def _ways(page: Page, report: Any, words: Wording) -> None:
    """Which of the two ways to a DMARC pass is nearer, where none is open."""
    said = {action.id for remedy in report.remedies for action in remedy.actions}
    if not report.ways or "nearer-way" in said:
        return
    page.head(words.ui("head-ways"))
    for place, way in enumerate(report.ways):
        steps = [words.say("action", action.id, action.facts) for action in way.actions]
        lead = words.ui("way-nearer" if place == 0 else "way-other", mechanism=way.mechanism.upper())
        page.line(f"{lead} {' '.join(steps) or words.ui('way-open')}", indent=2, hang=2)


def _claims(page: Page, report: Any, words: Wording) -> None:
    if not report.claims:
        return
    page.head(words.ui("head-claims"))
    said: dict[tuple[str, int | None, str], list[Any]] = {}
    for claim in report.claims:
        said.setdefault((claim.authserv_id, claim.instance, claim.standing), []).append(claim)
    for (authserv_id, instance, standing), claims in said.items():
        who = printable(authserv_id) or words.ui("claim-unnamed")
        if instance is not None:
            who += f" (ARC i={instance})"
        page.line(f"{who}: {words.ui(f'claim-{standing}')}", indent=2, hang=2)
        for claim in claims:
            word = f"{claim.method}={claim.theirs} {printable(claim.domain)}".rstrip()
            if claim.agrees:
                page.line(f"{word}: {words.ui('claim-same')}", indent=4, hang=2)
            else:
                ours = claim.ours or "–"
                page.line(
                    f"{word}; {words.ui('claim-ours', ours=ours)}: {words.reason(claim.reason)}",
                    indent=4,
                    hang=2,
                )


def _limits(page: Page, report: Any, words: Wording) -> None:
    page.head(words.ui("head-limits"))
    page.line(words.ui("limits-message"), indent=2, hang=2)
    origins = (
        report.facts.envelope.address_origin,
        report.facts.envelope.helo_origin,
        report.facts.envelope.mail_from_origin,
    )
    if any(origin not in ("given", "none") for origin in origins):
        page.line(words.ui("limits-envelope"), indent=2, hang=2)
    if report.facts.envelope.address_origin == "none":
        page.line(words.ui("limits-no-client"), indent=2, hang=2)
    if report.facts.envelope.mail_from_origin == "none":
        page.line(words.ui("limits-no-path"), indent=2, hang=2)
    silent = any(
        v.spf.result == "temperror" or (v.dmarc.result == "temperror" and v.address) for v in report.verdicts
    )
    if silent or any(one.result.result == "temperror" for one in report.signatures):
        page.line(words.ui("limits-dns"), indent=2, hang=2)
    page.line(words.ui("limits-content"), indent=2, hang=2)
