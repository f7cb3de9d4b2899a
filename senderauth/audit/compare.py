"""What changed between two audits, and whether for the worse.

Theory of operation. Rows are reduced to what matters of them, and joined by domain; where a list names a
domain more than once, the first goes with the first and so on. Both files are read side by side, so that of
two runs over the same list only rows that wait for their counterpart are kept, as compact JSON (about 1 kB
each), and what changed. Each field has an order from good to bad, or none: then a change is told, but is
neither. What DNS would not tell this time is apart.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, ClassVar, Literal

from senderauth.advice import SILENT
from senderauth.audit.row import adsp_word

Direction = Literal["worse", "unknown", "better", "changed", "new", "gone"]
DIRECTIONS: tuple[Direction, ...] = ("worse", "unknown", "better", "changed", "new", "gone")
"""Newest trouble first."""

# From good to bad; words that stand together are as good as each other. The gravest field first.
ORDERS: dict[str, tuple[str, ...]] = {
    "spoofable": ("no", "partly", "yes"),
    "hosts": ("accepted", "marked", "deferred", "refused"),
    "dmarc": ("reject", "quarantine", "none", "absent"),
    "dmarc_rfc7489": ("reject", "quarantine", "none", "absent"),
    "spf": ("found", "absent several broken loop cut"),
    "spf_terminal": ("-all", "~all", "?all none", "+all"),  # where a redirect leads cannot be told
    "spf_limits": ("kept", "exceeded"),
    "dkim": ("found", "not-found none-possible"),
    "mx": ("mx address null-mx", "dead-mx none missing"),
    "mta_sts": ("present", "absent broken"),
    "tls_rpt": ("present", "absent broken"),
    "findings_high": (),
    "findings_medium": (),
    "grade": ("A", "B", "C", "D", "E", "F"),
    "adsp": (),
    "spf_record": (),
    "dmarc_record": (),
    "mx_hosts": (),
    "dkim_keys": (),
}

RANKS = {
    field: {word: rank for rank, words in enumerate(order) for word in words.split()}
    for field, order in ORDERS.items()
}


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a domain that reads differently now."""

    field: str
    before: Any
    after: Any
    direction: Literal["worse", "unknown", "better", "changed"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One domain that changed."""

    domain: str
    direction: Direction
    changes: tuple[Change, ...]
    """The gravest field first."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that changed."""

    schema: ClassVar[str] = "senderauth/diff/1"
    counts: Mapping[str, int]
    """By direction, and "same"."""
    differences: tuple[Difference, ...]

    @property
    def exit_code(self) -> int:
        """1: something got worse; 3: nothing did, but of some domains DNS would not tell; else 0."""
        if self.counts["worse"]:
            return 1
        return 3 if self.counts["unknown"] else 0


def compare(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> Comparison:
    """Compares two audits, given as rows' documents in the order of their files. Raises ValueError for rows
    that do not tell their domain.
    """
    counts: Counter[str] = Counter(dict.fromkeys((*DIRECTIONS, "same"), 0))
    found: list[Difference] = []
    for domain, old, new in _joined(before, after):
        difference = _difference(domain, old, new)
        counts[difference.direction if difference else "same"] += 1
        if difference is not None:
            found.append(difference)
    found.sort(key=_order)
    return Comparison(dict(counts), tuple(found))


def _order(difference: Difference) -> tuple[int, int, str]:
    fields = list(ORDERS)
    leading = [fields.index(c.field) for c in difference.changes if c.direction == difference.direction]
    return DIRECTIONS.index(difference.direction), min(leading, default=0), difference.domain


Essence = dict[str, Any]
Waiting = dict[str, deque[bytes]]
Key = tuple[str, str]


def _joined(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[str, Essence | None, Essence | None]]:
    """The rows of both by domain; only those without a counterpart yet are kept."""
    waiting: tuple[Waiting, Waiting] = ({}, {})
    for both in zip_longest(before, after):
        for side, row in enumerate(both):
            if row is None or row.get("state") == "bad-input":
                continue
            if "domain" not in row:
                raise ValueError("rows without the field domain cannot be compared: see --fields")
            if not (domain := row["domain"]):
                continue
            found = essence(row)
            if domain in waiting[1 - side]:
                other = _taken(waiting[1 - side], domain)
                yield (domain, found, other) if side == 0 else (domain, other, found)
            else:
                waiting[side].setdefault(domain, deque()).append(json.dumps(found).encode())
    for side, rows in enumerate(waiting):
        for domain in list(rows):
            while domain in rows:
                left = _taken(rows, domain)
                yield (domain, left, None) if side == 0 else (domain, None, left)


def _taken(waiting: Waiting, domain: str) -> Essence:
    rows = waiting[domain]
    found: Essence = json.loads(rows.popleft())
    if not rows:
        del waiting[domain]
    return found


def essence(row: Mapping[str, Any]) -> Essence:
    """What of a row is compared. A field that the file does not have is left out."""
    found: Essence = {"state": row.get("state", "ok")}
    if "grade" in row:  # none where DNS would not tell what decides it
        found["grade"] = row["grade"] or ("unknown" if found["state"] == "unknown" else "none")
    if spoofing := row.get("spoofing"):
        found["spoofable"] = spoofing["answer"]
    if spf := row.get("spf"):
        found |= {"spf": spf["state"], "spf_terminal": spf["terminal"], "spf_record": spf["record"]}
        if spf["state"] == "found":
            found["spf_limits"] = "exceeded" if spf["lookups"] > 10 or spf["void_lookups"] > 2 else "kept"
    if dmarc := row.get("dmarc"):
        for field, standard in (("dmarc", "rfc9989"), ("dmarc_rfc7489", "rfc7489")):
            policy = dmarc[standard]
            found[field] = policy["policy"] or ("unknown" if policy["state"] == "unknown" else "absent")
        found["dmarc_record"] = dmarc["record"]
    if dkim := row.get("dkim"):
        found["dkim"] = dkim["state"]
        found["dkim_keys"] = sorted(f"{key['selector']} {key['state']}" for key in dkim["keys"])
    if mx := row.get("mx"):
        found |= {"mx": mx["state"], "mx_hosts": list(mx["hosts"])}
    if adsp := row.get("adsp"):
        found["adsp"] = adsp_word(adsp["state"], adsp["practice"])
    for name in ("mta_sts", "tls_rpt"):
        if name in row:
            found[name] = row[name]
    if "hosts" in row:
        found["hosts"] = {f"{h['host']} {h['address']} {h['signing']}": h["outcome"] for h in row["hosts"]}
    for severity in ("high", "medium"):
        if "findings" in row:
            found[f"findings_{severity}"] = [
                {name: finding[name] for name in ("id", "subject", "evidence")}
                for finding in row["findings"]
                if finding["severity"] == severity
            ]
    return found


def _difference(domain: str, old: Essence | None, new: Essence | None) -> Difference | None:
    if new is None:
        return Difference(domain, "gone", ())
    if old is None:
        return Difference(domain, "new", ())
    changes = [
        change for field in ORDERS if field in old and field in new for change in _changes(field, old, new)
    ]
    if not changes:
        return None
    told = {change.direction for change in changes}
    direction = next(d for d in DIRECTIONS if d in told)
    return Difference(domain, direction, tuple(changes))


def _changes(field: str, old: Essence, new: Essence) -> Iterator[Change]:
    before, after = old[field], new[field]
    if before == after:
        return
    if field == "hosts":
        for host in sorted(set(before) & set(after)):
            if before[host] != after[host]:
                yield Change(field, f"{host}: {before[host]}", f"{host}: {after[host]}",
                             _direction(field, before[host], after[host]))  # fmt: skip
    elif field.startswith("findings_"):
        yield from _finding_changes(field, old, new)
    else:
        yield Change(field, before, after, _direction(field, before, after))


def _finding_changes(field: str, old: Essence, new: Essence) -> Iterator[Change]:
    """Findings that came and went. What was not seen for want of answers is neither new nor gone; one that
    is only graver or lighter now is told once, with the graver of its two fields.
    """
    before, after = _by_key(old[field]), _by_key(new[field])
    graver = "findings_high" if field != "findings_high" else ""
    was, now = _by_key(old.get(graver, ())), _by_key(new.get(graver, ()))
    added = [after[key] for key in sorted(after.keys() - before.keys() - was.keys())]
    removed = [before[key] for key in sorted(before.keys() - after.keys() - now.keys())]
    if loud := [one for one in added if one["id"] not in SILENT]:
        yield Change(field, [], loud, "changed" if old["state"] == "unknown" else "worse")
    if silent := [one for one in added if one["id"] in SILENT]:
        yield Change(field, [], silent, "unknown")
    if answered := [one for one in removed if one["id"] in SILENT]:
        yield Change(field, answered, [], "changed")
    gone = [one for one in removed if one["id"] not in SILENT]
    if gone and new["state"] != "unknown":
        yield Change(field, gone, [], "better")


def _by_key(findings: Iterable[dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    """A finding is the same while its id and subject are; its evidence may change."""
    return {(one["id"], one["subject"]): one for one in findings}


def _direction(field: str, before: Any, after: Any) -> Literal["worse", "unknown", "better", "changed"]:
    if after == "unknown":
        return "unknown"
    ranks = RANKS[field]
    one, other = ranks.get(str(before)), ranks.get(str(after))
    if one is None or other is None or one == other:
        return "changed"
    return "worse" if other > one else "better"
