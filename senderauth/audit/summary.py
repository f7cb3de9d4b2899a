"""The sum of an audit: how many rows say what. Counted from rows' documents, whole or with some fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

SCHEMA = "senderauth/audit-summary/1"
MAX_UNKNOWN = 1_000
MOST_LOOKUPS = 10
SEVERITIES = ("high", "medium", "low", "info")


class Summary:
    """Counts, by the words of the rows."""

    def __init__(self) -> None:
        self.rows = 0
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in NAMES}
        self.findings: Counter[tuple[str, str]] = Counter()
        """By severity and id, each once a row."""
        self.unknown: list[tuple[int, str]] = []
        self.unknown_count = 0
        self.fixes: dict[str, Counter[str]] = {}
        """What rows propose and where it leads, once one of them does."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Counts a row's document."""
        self.rows += 1
        counts = self.counts
        state = row.get("state")
        if state is not None:
            counts["states"][state] += 1
            if state == "unknown":
                self._note(row.get("n", self.rows), row.get("domain", ""))
        if state == "bad-input":
            return
        if "grade" in row and row.get("spoofing", row) is not None:  # else it was not asked for
            counts["grades"][row["grade"] or "none"] += 1
        if spoofing := row.get("spoofing"):
            counts["spoofable"][spoofing["answer"]] += 1
        if spf := row.get("spf"):
            self._spf(spf)
        if dmarc := row.get("dmarc"):
            for standard in ("rfc9989", "rfc7489"):
                policy = dmarc[standard]
                counts[standard][policy["policy"] or _without(policy["state"])] += 1
        if adsp := row.get("adsp"):
            counts["adsp"][adsp["practice"] or adsp["state"]] += 1
        for name in ("dkim", "mx"):
            if part := row.get(name):
                counts[name][part["state"]] += 1
        for name in ("mta_sts", "tls_rpt"):
            if word := row.get(name):
                counts[name][word] += 1
        for host in row.get("hosts", ()):
            counts["hosts"][host["outcome"]] += 1
        if "findings" in row:
            self._findings(row["findings"])
        if fix := row.get("fix"):
            self._fix(fix)

    def _spf(self, spf: Mapping[str, Any]) -> None:
        counts = self.counts
        counts["spf"][spf["state"]] += 1
        if spf["terminal"] is not None:
            counts["terminals"][spf["terminal"]] += 1
        if spf["state"] == "found":
            counts["lookups"][str(spf["lookups"]) if spf["lookups"] <= MOST_LOOKUPS else "more"] += 1

    def _findings(self, findings: list[Mapping[str, Any]]) -> None:
        told = {(finding["severity"], finding["id"]) for finding in findings}
        self.findings.update(told)
        severities = {severity for severity, _ in told}
        worst = next((severity for severity in SEVERITIES if severity in severities), "none")
        self.counts["severities"][worst] += 1

    def _fix(self, fix: Mapping[str, Any]) -> None:
        """Each proposal once a row."""
        told = {
            "domains": ["changed" if fix["proposals"] else "unchanged"],
            "proposals": {proposal["id"] for proposal in fix["proposals"]},
            "advice": {advice["id"] for advice in fix["advice"]},
            "grades": [fix["grade"] or "none"],
            "spoofable": [fix["spoofable"]] if fix["spoofable"] else [],
            "hosts": [fix["hosts"]] if fix["hosts"] else [],
        }
        for name, words in told.items():
            self.fixes.setdefault(name, Counter()).update(words)

    def _note(self, n: int, domain: str) -> None:
        self.unknown_count += 1
        self.unknown.append((n, domain))
        if len(self.unknown) >= 2 * MAX_UNKNOWN:
            self.unknown = sorted(self.unknown)[:MAX_UNKNOWN]

    def merge(self, other: Summary) -> None:
        """Adds what another one counted."""
        self.rows += other.rows
        for name, counter in other.counts.items():
            self.counts[name].update(counter)
        self.findings.update(other.findings)
        for name, counter in other.fixes.items():
            self.fixes.setdefault(name, Counter()).update(counter)
        self.unknown = sorted(self.unknown + other.unknown)[:MAX_UNKNOWN]
        self.unknown_count += other.unknown_count

    def worst_at_least(self, severities: frozenset[str]) -> bool:
        """Whether any finding has one of these severities."""
        return any(severity in severities for severity, _ in self.findings)

    def document(self, *, complete: bool, seconds: float) -> dict[str, Any]:
        """As JSON knows it (schema audit-summary)."""
        named = {name: _sorted(counter) for name, counter in self.counts.items()}
        standards = {standard: named.pop(standard) for standard in ("rfc9989", "rfc7489")}
        listed = [domain for _, domain in sorted(self.unknown)[:MAX_UNKNOWN]]
        told: dict[str, tuple[str, int]] = {}
        for severity, id in sorted(self.findings, key=lambda one: SEVERITIES.index(one[0])):
            worst, count = told.get(id, (severity, 0))
            told[id] = worst, count + self.findings[severity, id]
        order = sorted(told.items(), key=lambda item: (SEVERITIES.index(item[1][0]), -item[1][1], item[0]))
        fixes = {"fix": {name: _frequent(counter) for name, counter in self.fixes.items()}}
        return {
            "schema": SCHEMA,
            "complete": complete,
            "rows": self.rows,
            **named,
            "dmarc": standards,
            "findings": {id: {"severity": severity, "count": count} for id, (severity, count) in order},
            "unknown": listed,
            "unknown_more": self.unknown_count - len(listed),
            "seconds": round(seconds, 3),
            **(fixes if self.fixes else {}),
        }


NAMES = (
    "states", "grades", "spoofable", "spf", "terminals", "lookups", "rfc9989", "rfc7489", "adsp", "dkim",
    "mx", "mta_sts", "tls_rpt", "hosts", "severities",
)  # fmt: skip


def _without(state: str) -> str:
    """What stands in a policy's place."""
    return "unknown" if state == "unknown" else "absent"


def _sorted(counter: Counter[str]) -> dict[str, int]:
    """By word; numbers as numbers, so that "10" comes after "9"."""
    return {word: counter[word] for word in sorted(counter, key=lambda word: (len(word), word))}


def _frequent(counter: Counter[str]) -> dict[str, int]:
    """The most frequent first."""
    return dict(sorted(counter.items(), key=lambda pair: (-pair[1], pair[0])))
