"""The report of `check` for people: the answer first, then what to do, then why."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from senderauth import names
from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.trace import trace_lines
from senderauth.report.wording import Wording
from senderauth.values import SEVERITIES

MAX_NAMED = 4


def check_text(
    report: Any,
    words: Wording,
    *,
    width: int = 80,
    colour: bool = False,
    verbose: int = 0,
    quiet: bool = False,
) -> str:
    """The report of a check. verbose: 1 adds the traces, 2 every DNS answer; quiet: a line per host."""
    page = Page(width, colour)
    if quiet:
        answers(page, report, words)
        return str(page)
    _facts(page, report, words)
    page.line()
    answers(page, report, words)
    bounces(page, report, words, verbose)
    remedies(page, report, words, verbose)
    findings(page, report, words)
    why(page, report, words)
    if verbose:
        traces(page, report, words, verbose)
    limits(page, report, words)
    return str(page)


def shown(name: str) -> str:
    """A domain for people, with its A-labels where it has others."""
    unicode = names.display(name)
    return printable(name if unicode == name else f"{unicode} ({name})")


def _facts(page: Page, report: Any, words: Wording) -> None:
    scenario = report.scenario
    author = scenario.author_address
    page.line(
        words.ui("from", author=printable(author), hosts=[printable(host) for host in scenario.hosts]),
        style="head",
    )
    if names.display(author.domain) != author.domain:
        page.line(shown(author.domain), indent=2)
    path = scenario.mail_from_address
    page.line(words.ui("mail-from", mail_from=printable(path) if path else "<>"), indent=2)
    for sender in report.senders:
        origin = words.ui(f"helo-{sender.helo_origin}", helo=sender.helo or "", address=sender.address)
        page.line(f"{sender.address}: {origin}", indent=2, hang=2)
    for host in report.hosts:
        if host.state in ("missing", "unknown"):
            page.lead(words.ui("outcome-unknown"), "unknown", words.ui(f"host-{host.state}", host=host.name))


def _author(report: Any) -> str:
    """The author domain for people; a message may have none."""
    return names.display(report.scenario.author_address.domain) if report.scenario is not None else ""


def _groups(report: Any) -> Iterable[tuple[tuple[str, str, str], list[Any]]]:
    """Predictions by host, address and signing."""

    def key(p: Any) -> tuple[str, str, str]:
        return p.host, p.address, p.signing

    return ((place, list(group)) for place, group in groupby(report.predictions, key))


def answers(page: Page, report: Any, words: Wording) -> None:
    """One line for each address and signing: the worst answer and how many give it."""
    author = _author(report)
    worst: dict[tuple[str, str], set[str]] = {}
    for (host, address, signing), group in _groups(report):
        counted = [p for p in group if not p.optional]
        outcome = next(
            o
            for o in ("refused", "deferred", "unknown", "marked", "accepted")
            if _with(counted, o) or o == "accepted"
        )
        count = len(_with(counted, outcome))
        if outcome == "deferred" and all(p.for_now for p in _with(counted, outcome)):
            # only receivers whom DNS fails as it failed us would defer
            count += len(_with(counted, "unknown"))
            outcome = "unknown"
        worst.setdefault((host, address), set()).add(outcome)
        where = address if host == address else f"{host} [{address}]"
        if report.scenario is not None:
            where = where or words.ui("address-unknown")
        said = words.ui(f"signing-{signing}", domain=author)
        depends = "answer-unknown-client" if outcome == "unknown" and not address else f"answer-{outcome}"
        text = words.ui(depends, count=count, total=len(counted))
        line = f"{', '.join(filter(None, (printable(where), said)))}: {text}"
        if outcome not in ("accepted", "unknown") and count <= MAX_NAMED:
            line += f" ({', '.join(p.receiver for p in _with(counted, outcome))})"
        page.lead(words.ui(f"outcome-{outcome}"), outcome, line)
        stricter = [p.receiver for p in group if p.optional and p.outcome in ("refused", "deferred")]
        if stricter and outcome != "refused":
            page.line(words.ui("answer-optional", receivers=stricter), indent=2, hang=2)
    if any(len(outcomes) > 1 for outcomes in worst.values()):
        page.line(words.ui("depends-on-dkim", domain=author), indent=2, hang=2)


def _with(predictions: list[Any], outcome: str) -> list[Any]:
    return [p for p in predictions if p.outcome == outcome]


def bounces(page: Page, report: Any, words: Wording, verbose: int) -> None:
    """The words of the receivers, each once, with all who say them."""
    said: dict[tuple[str, str, str], list[Any]] = {}
    for prediction in report.predictions:
        if prediction.text:
            said.setdefault((prediction.outcome, prediction.code, prediction.text), []).append(prediction)
    chosen = {key: group for key, group in said.items() if not all(p.optional for p in group)}
    if verbose or not chosen:
        chosen = said
    if not chosen:
        return
    page.head(words.ui("head-bounces"))
    order = ("refused", "deferred")
    several = len({(p.address, p.signing) for p in report.predictions}) > 1
    for (outcome, code, text), group in sorted(chosen.items(), key=lambda item: order.index(item[0][0])):
        page.line(f"{code} {printable(text)}", indent=2, hang=4, style=outcome)
        line = words.ui("said-by", receivers=list(dict.fromkeys(p.receiver for p in group)))
        if several:
            line += "; " + words.ui(
                "said-to", cases=" / ".join(list(dict.fromkeys(_case(p, words, report) for p in group))[:6])
            )
        page.line(line, indent=4, hang=2)
        if all(p.optional for p in group):
            page.line(words.ui("only-optional"), indent=4, hang=2, style="dim")
        for note in dict.fromkeys(note for p in group for note in p.notes if note in SPOKEN):
            page.line(words.say("note", note), indent=4, hang=2)
    if len(chosen) < len(said):
        page.line(words.ui("more-bounces", count=len(said) - len(chosen)), indent=2, hang=2)


# Notes that a reader of the bounce must know at once; the others stand in `senderauth receivers`.
SPOKEN = frozenset(
    {
        "dkim-does-not-help",
        "after-a-few-messages",
        "mended-in-the-account",
        "helo-record-decides",
        "may-be-deferred-first",
        "text-not-verified",
        "may-be-dropped-silently",
    }
)


def _case(prediction: Any, words: Wording, report: Any) -> str:
    said = words.ui(f"signing-{prediction.signing}", domain=_author(report))
    return f"{prediction.address} {said}" if len(report.senders) > 1 else said


def remedies(page: Page, report: Any, words: Wording, verbose: int) -> None:
    """What to do here, each action once, then what such bounces mean in general."""
    usual = [remedy for remedy in report.remedies if not remedy.optional]
    remedies = report.remedies if verbose or not usual else usual
    if not remedies:
        return
    page.head(words.ui("head-remedies"))
    texts = {words.say("action", a.id, a.facts): a for remedy in remedies for a in remedy.actions}
    for number, (text, action) in enumerate(texts.items(), 1):
        page.line(f"{number}. {text} [{words.say('actor', action.who)}]", indent=2, hang=3)
    if any(action.id == "not-in-dns" for action in texts.values()):
        page.line(words.ui("not-in-dns"), indent=2, hang=2)
    page.head(words.ui("head-causes"))
    for remedy in remedies:
        entry = words.entry(remedy.entry_id)
        page.line(f"{entry.title} ({remedy.entry_id})", indent=2, hang=2, style="head")
        page.line(entry.cause, indent=4)
        if entry.case:
            page.line(words.fill(entry.case, remedy.facts), indent=4)
        page.line(entry.remedy, indent=4)


def findings(page: Page, report: Any, words: Wording) -> None:
    """What is worth telling, the gravest first."""
    if not report.findings:
        return
    page.head(words.ui("head-findings"))
    for severity in reversed(SEVERITIES):
        for finding in report.findings:
            if finding.severity != severity:
                continue
            title, text = words.finding(finding)
            source = "" if finding.source == "senderauth" else f" ({finding.source})"
            page.line(f"[{words.ui('severity-' + severity)}] {title}{source}", indent=2, hang=2)
            page.line(f"{text} {finding.rfc and f'({finding.rfc})'}".rstrip(), indent=6)
            if "start" in finding.evidence:
                caret(page, finding.evidence)


def caret(page: Page, evidence: Any) -> None:
    """The record with a mark under the fault."""
    record, start = str(evidence.get("record", "")), int(evidence["start"])
    end = max(start + 1, int(evidence.get("end", start + 1)))
    room = page.width - 9
    cut = max(0, min(start - room // 3, len(record) - room))
    part = "".join(char if char.isprintable() else "?" for char in record[cut : cut + room])
    page.lines.append(f"      {part}")
    page.lines.append(" " * (6 + start - cut) + "^" + "~" * max(0, min(end, cut + room) - start - 1))


def why(page: Page, report: Any, words: Wording) -> None:
    """Each verdict with its reason, each said once."""
    told: set[str] = set()

    def once(text: str) -> None:
        if not told:
            page.head(words.ui("head-why"))
        if text not in told:
            told.add(text)
            page.line(text, indent=2, hang=2)

    for verdict in report.verdicts:
        identities = (("MAIL FROM", verdict.spf), ("HELO", verdict.spf_helo))
        for label, result in identities if verdict.address else identities[:1]:
            where = ", ".join(filter(None, (verdict.address, f"{label} {shown(result.domain)}")))
            once(f"SPF {result.result}  {where}: {words.reason(result.reason)}")
            if result.explanation:
                once(words.ui("explains", domain=result.domain, text=result.explanation))
        for signature in verdict.dkim:
            name = shown(signature.domain) + (
                f", {printable(signature.selector)}" if signature.selector else ""
            )
            once(f"DKIM {signature.result}  {name}: {words.reason(signature.reason)}")
    for verdict in report.verdicts:
        said = words.ui(f"signing-{verdict.signing}", domain=_author(report))
        alike: dict[str, list[str]] = {}
        for name, judged in (("RFC 9989", verdict.dmarc), ("RFC 7489", verdict.dmarc_rfc7489)):
            alike.setdefault(f"{judged.result}|{words.reason(judged.reason)}", []).append(name)
        for text, standards in alike.items():
            result, _, why = text.partition("|")
            case = ", ".join(filter(None, (verdict.address, said, " + ".join(standards))))
            once(f"DMARC {result}  {case}: {why}")
        once(f"ADSP {verdict.adsp.result}  {said}: {words.reason(verdict.adsp.reason)}")
    for policy in report.policies.values():
        if policy.record is not None:
            once(f"{policy.location}: {printable(policy.record.text)}")
    for survey in report.surveys:
        if survey.record is not None:
            cost = words.ui("spf-cost", lookups=survey.lookups, voids=survey.void_lookups)
            once(f"{shown(survey.domain)}: {printable(survey.record)} ({cost})")


def traces(page: Page, report: Any, words: Wording, verbose: int) -> None:
    """Every step of every check; DNS answers from verbose 2 on."""
    page.head(words.ui("head-traces"))
    steps: list[tuple[str, Any]] = []
    for verdict in report.verdicts:
        steps.append((f"SPF {verdict.address} MAIL FROM {verdict.spf.domain}", verdict.spf.trace))
        steps.append((f"SPF {verdict.address} HELO {verdict.spf_helo.domain}", verdict.spf_helo.trace))
        steps.append((f"DMARC RFC 9989 {verdict.signing}", verdict.dmarc.trace))
        steps.append((f"DMARC RFC 7489 {verdict.signing}", verdict.dmarc_rfc7489.trace))
        steps.append(("ADSP", verdict.adsp.trace))
    steps += [
        (f"DKIM {s.key.name}", s.key.trace) for v in report.verdicts for s in v.dkim if s.key is not None
    ]
    steps += [(f"{words.ui('sender')} {s.address}", s.trace) for s in report.senders]
    seen: set[tuple[str, str]] = set()
    for title, step in steps:
        lines = list(trace_lines(step, words, verbose))
        key = (title, "\n".join(lines))
        if key in seen or not lines:
            continue
        seen.add(key)
        page.line(printable(title), indent=2, style="head")
        for line in lines:
            depth = len(line) - len(line.lstrip())
            page.line(line.strip(), indent=4 + depth, hang=2)


def limits(page: Page, report: Any, words: Wording) -> None:
    """What was checked, assumed, and could not be known."""
    page.head(words.ui("head-limits"))
    page.line(words.ui("limits-checked"), indent=2, hang=2)
    if any(s.assumed == "signature" for v in report.verdicts for s in v.dkim):
        page.line(words.ui("limits-signature"), indent=2, hang=2)
    if any(s.assumed == "key" for v in report.verdicts for s in v.dkim):
        page.line(words.ui("limits-key"), indent=2, hang=2)
    silent = any(v.spf.result == "temperror" or v.dmarc.result == "temperror" for v in report.verdicts)
    if silent or any(host.state == "unknown" for host in report.hosts):
        page.line(words.ui("limits-dns"), indent=2, hang=2)
    page.line(words.ui("limits-content"), indent=2, hang=2)
