"""The sum of an audit: how many rows say what. Counted from rows, or from their documents, whole or with some
fields; a test holds both together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from senderauth.audit.row import Fix, Row, adsp_word
from senderauth.values import frozen

SCHEMA = "senderauth/audit-summary/1"
MAX_UNKNOWN = 1_000
MOST_LOOKUPS = 10
SEVERITIES = ("high", "medium", "low", "info")
Word = tuple[str, Any]
"""The name of a counter, and what it counts: a word, of findings severity and id."""


@frozen
class Tally:
    """What a run keeps of a row once its line is made."""

    words: tuple[Word, ...]
    """What is counted of it."""
    questions: int = 0
    """How many have no answer; of a row that does not say which, one. 0: it is not unknown."""
    n: int = 0
    domain: str = ""
    """Of an unknown row only; nobody asks for those of others."""


class Summary:
    """Counts, by the words of the rows."""

    def __init__(self) -> None:
        self.rows = 0
        self._counted: dict[Word, int] = {}
        """One plain dict: to count in a Counter costs twice as much, and each row has some twenty words."""
        self.unknown: dict[int, str] = {}
        self.unknown_count = 0
        self.asked_again = self.answered = 0
        """Rows that were examined once more at the end, and of these the ones that are unknown no longer."""

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """By counter and word."""
        return self._counters(NAMES)

    @property
    def findings(self) -> Counter[tuple[str, str]]:
        """By severity and id, each once a row."""
        return self._counters(("findings",))["findings"]

    @property
    def fixes(self) -> dict[str, Counter[str]]:
        """What rows propose, and where it leads."""
        found = self._counters([f"fix-{name}" for name in FIXES])
        return {name: found[f"fix-{name}"] for name in FIXES}

    def _counters(self, names: Iterable[str]) -> dict[str, Counter[Any]]:
        found: dict[str, Counter[Any]] = {name: Counter() for name in names}
        for (name, word), count in self._counted.items():
            if name in found:
                found[name][word] = count
        return found

    def add(self, row: Mapping[str, Any]) -> None:
        """Counts a row's document."""
        self.count(tally_of_document(row, self.rows + 1))

    def count(self, tally: Tally) -> None:
        """Counts a row."""
        self.rows += 1
        known = self._counted
        for word in tally.words:
            known[word] = known.get(word, 0) + 1
        if tally.questions:
            self._note(tally.n, tally.domain)

    def exchange(self, before: Tally, tally: Tally) -> None:
        """Counts this row, examined anew, in the place of what it was before."""
        for word in before.words:
            self._counted[word] -= 1
            if not self._counted[word]:
                del self._counted[word]
        self.rows -= 1
        self.unknown_count -= 1
        self.unknown.pop(before.n, None)
        self.count(tally)

    def _note(self, n: int, domain: str) -> None:
        self.unknown_count += 1
        self.unknown[n] = domain
        if len(self.unknown) >= 2 * MAX_UNKNOWN:
            self.unknown = dict(sorted(self.unknown.items())[:MAX_UNKNOWN])

    def worst_at_least(self, severities: frozenset[str]) -> bool:
        """Whether any finding has one of these severities."""
        return any(severity in severities for severity, _ in self.findings)

    def document(self, *, complete: bool, seconds: float) -> dict[str, Any]:
        """As JSON knows it (schema audit-summary)."""
        named = {name: _sorted(counter) for name, counter in self.counts.items()}
        standards = {standard: named.pop(standard) for standard in ("rfc9989", "rfc7489")}
        listed = [domain for _, domain in sorted(self.unknown.items())[:MAX_UNKNOWN]]
        told: dict[str, tuple[str, int]] = {}
        findings, proposed = self.findings, self.fixes
        for severity, id in sorted(findings, key=lambda one: SEVERITIES.index(one[0])):
            worst, count = told.get(id, (severity, 0))
            told[id] = worst, count + findings[severity, id]
        order = sorted(told.items(), key=lambda item: (SEVERITIES.index(item[1][0]), -item[1][1], item[0]))
        fixes = {"fix": {name: _frequent(counter) for name, counter in proposed.items()}}
        return {
            "schema": SCHEMA,
            "complete": complete,
            "rows": self.rows,
            **named,
            "dmarc": standards,
            "findings": {id: {"severity": severity, "count": count} for id, (severity, count) in order},
            "unknown": listed,
            "unknown_more": self.unknown_count - len(listed),
            "asked_again": {"rows": self.asked_again, "answered": self.answered},
            "seconds": round(seconds, 3),
            **(fixes if proposed["domains"] else {}),
        }


NAMES = (
    "states", "grades", "spoofable", "spf", "terminals", "lookups", "rfc9989", "rfc7489", "adsp", "dkim",
    "mx", "mta_sts", "tls_rpt", "hosts", "severities",
)  # fmt: skip
FIXES = ("domains", "proposals", "advice", "grades", "spoofable", "hosts")


def tally_of(row: Row) -> Tally:
    """Of a row as it was made."""
    words = tuple(_words(row))
    if row.state != "unknown":
        return Tally(words)
    return Tally(words, len(row.unknown), row.n, row.domain)


def tally_of_document(row: Mapping[str, Any], n: int = 0) -> Tally:
    """Of a row's document; n: where it does not tell its number."""
    words = tuple(counted(row))
    if row.get("state") != "unknown":
        return Tally(words)
    return Tally(
        words, len(row["unknown"]) if "unknown" in row else 1, row.get("n", n), row.get("domain") or ""
    )


def _words(row: Row) -> list[Word]:
    """As `counted` of the row's document: for every row of an audit, so nothing is made for it."""
    words: list[Word] = [("states", row.state)]
    if row.state == "bad-input":
        return words
    if spoofing := row.spoofing:
        words += (("grades", row.grade or "none"), ("spoofable", spoofing.answer))
    if spf := row.spf:
        words.append(("spf", spf.state))
        if spf.terminal is not None:
            words.append(("terminals", spf.terminal))
        if spf.state == "found":
            words.append(("lookups", str(spf.lookups) if spf.lookups <= MOST_LOOKUPS else "more"))
    if dmarc := row.dmarc:
        for name, policy in (("rfc9989", dmarc.rfc9989), ("rfc7489", dmarc.rfc7489)):
            words.append((name, policy.policy or _without(policy.state)))
    if adsp := row.adsp:
        words.append(("adsp", adsp_word(adsp.state, adsp.practice)))
    if row.dkim:
        words.append(("dkim", row.dkim.state))
    if row.mx:
        words.append(("mx", row.mx.state))
    if row.mta_sts:
        words.append(("mta_sts", row.mta_sts))
    if row.tls_rpt:
        words.append(("tls_rpt", row.tls_rpt))
    words += [("hosts", host.outcome) for host in row.hosts]
    told = {(finding.severity, finding.id) for finding in row.findings}
    words += [("findings", pair) for pair in told]
    words.append(("severities", _worst({severity for severity, _ in told})))
    if row.fix:
        words += _words_of_fix(row.fix)
    return words


def _words_of_fix(fix: Fix) -> list[Word]:
    words: list[Word] = [("fix-domains", "changed" if fix.proposals else "unchanged")]
    words += [("fix-proposals", id) for id in {proposal.id for proposal in fix.proposals}]
    words += [("fix-advice", id) for id in {advice.id for advice in fix.advice}]
    words.append(("fix-grades", fix.grade or "none"))
    if fix.spoofable:
        words.append(("fix-spoofable", fix.spoofable))
    if fix.hosts:
        words.append(("fix-hosts", fix.hosts))
    return words


def counted(row: Mapping[str, Any]) -> Iterator[Word]:
    """What is counted of a row's document: names of counters and words."""
    state = row.get("state")
    if state is not None:
        yield "states", state
    if state == "bad-input":
        return
    if "grade" in row and row.get("spoofing", row) is not None:  # else it was not asked for
        yield "grades", row["grade"] or "none"
    if spoofing := row.get("spoofing"):
        yield "spoofable", spoofing["answer"]
    if spf := row.get("spf"):
        yield "spf", spf["state"]
        if spf["terminal"] is not None:
            yield "terminals", spf["terminal"]
        if spf["state"] == "found":
            yield "lookups", str(spf["lookups"]) if spf["lookups"] <= MOST_LOOKUPS else "more"
    if dmarc := row.get("dmarc"):
        for standard in ("rfc9989", "rfc7489"):
            policy = dmarc[standard]
            yield standard, policy["policy"] or _without(policy["state"])
    if adsp := row.get("adsp"):
        yield "adsp", adsp_word(adsp["state"], adsp["practice"])
    for name in ("dkim", "mx"):
        if part := row.get(name):
            yield name, part["state"]
    for name in ("mta_sts", "tls_rpt"):
        if word := row.get(name):
            yield name, word
    for host in row.get("hosts", ()):
        yield "hosts", host["outcome"]
    if "findings" in row:
        told = {(finding["severity"], finding["id"]) for finding in row["findings"]}
        for pair in told:
            yield "findings", pair
        yield "severities", _worst({severity for severity, _ in told})
    if fix := row.get("fix"):
        yield from _counted_fix(fix)


def _counted_fix(fix: Mapping[str, Any]) -> Iterator[Word]:
    """Each proposal once a row."""
    yield "fix-domains", "changed" if fix["proposals"] else "unchanged"
    for name in ("proposals", "advice"):
        for id in {one["id"] for one in fix[name]}:
            yield f"fix-{name}", id
    yield "fix-grades", fix["grade"] or "none"
    for name in ("spoofable", "hosts"):
        if fix[name]:
            yield f"fix-{name}", fix[name]


def _worst(severities: set[str]) -> str:
    for word in SEVERITIES:
        if word in severities:
            return word
    return "none"


def _without(state: str) -> str:
    """What stands in a policy's place."""
    return "unknown" if state == "unknown" else "absent"


def _sorted(counter: Counter[str]) -> dict[str, int]:
    """By word; numbers as numbers, so that "10" comes after "9"."""
    return {word: counter[word] for word in sorted(counter, key=lambda word: (len(word), word))}


def _frequent(counter: Counter[str]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))
