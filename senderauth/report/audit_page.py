"""An audit as one HTML file that needs no network: plots, changes, a table that sorts, filters and opens.

Theory of operation. The file is written while the rows are read, so that its size is bounded by the disk
only. Rows stand in it as JSON, a few thousand a script element, and a small script of our own shows a
hundred at a time; without scripts the first ones can be read as they stand. The content policy names the
hashes of the one script and the one style sheet: nothing else may run, and nothing is loaded. Plots are
bars in SVG written here: a plotting library would be a hundred times the size of what it draws.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from itertools import islice
from typing import Any

from senderauth import names
from senderauth.report.safe import printable
from senderauth.report.wording import Wording

CHUNK = 2_000
STATIC_ROWS = 100
"""Rows that can be read without scripts."""
MAX_FACT = 200
MAX_CHANGES = 100
SEVERITIES = ("none", "info", "low", "medium", "high")
COLUMNS = ("domain", "grade", "spoofable", "dmarc", "spf", "lookups", "dkim", "mx", "worst")

Rows = Iterable[Mapping[str, Any]]

# Title, where the counts stand in the summary, and the words in order with their colours.
PLOTS: tuple[tuple[str, tuple[str, ...], dict[str, str]], ...] = (
    ("spoofable", ("spoofable",), {"no": "good", "partly": "mid", "yes": "worst", "unknown": "none"}),
    (
        "grade",
        ("grades",),
        {"A": "good", "B": "good", "C": "fair", "D": "mid", "E": "bad", "F": "worst", "none": "none"},
    ),
    (
        "dmarc",
        ("dmarc", "rfc9989"),
        {"reject": "good", "quarantine": "fair", "none": "mid", "absent": "worst", "unknown": "none"},
    ),
    (
        "dmarc_rfc7489",
        ("dmarc", "rfc7489"),
        {"reject": "good", "quarantine": "fair", "none": "mid", "absent": "worst", "unknown": "none"},
    ),
    (
        "spf",
        ("terminals",),
        {"-all": "good", "~all": "fair", "?all": "mid", "none": "mid", "redirect": "none", "+all": "worst"},
    ),
    (
        "lookups",
        ("lookups",),
        {**{str(n): "good" if n < 8 else "mid" for n in range(11)}, "more": "worst"},
    ),
    (
        "worst",
        ("severities",),
        {"high": "worst", "medium": "bad", "low": "mid", "info": "none", "none": "good"},
    ),
    ("dkim", ("dkim",), {"found": "good", "not-found": "none", "none-possible": "mid", "unknown": "none"}),
)


def audit_page(
    rows: Callable[[], Rows],
    summary: Mapping[str, Any],
    words: Wording,
    *,
    title: str,
    comparison: Any = None,
) -> Iterator[str]:
    """The page, piece by piece. `rows` gives the rows' documents, anew each time it is called; `comparison`
    is what changed since an earlier audit.
    """
    folder = files("senderauth.report").joinpath("html")
    style = folder.joinpath("page.css").read_text("utf-8")
    script = folder.joinpath("page.js").read_text("utf-8")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    facts = {"rows": f"{summary['rows']:,}"}
    lead = words.say("page", "lead", facts)
    yield (
        f'<!doctype html>\n<html lang="{words.language}">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{style}</style>\n"
        f'<header><h1>{_text(title)}</h1><p class="lead">{_text(lead)}</p></header>\n<main>\n'
    )
    yield '<div class="plots">\n'
    for name, path, colours in PLOTS:
        yield _plot(name, _counts(summary, path), colours, words)
    if comparison is not None:
        changes = {"worse": "worst", "unknown": "none", "better": "good", "changed": "mid"}
        yield _plot("changes", comparison.counts, changes | {"new": "none", "gone": "none"}, words)
    yield "</div>\n"
    if comparison is not None:
        yield from _changes(comparison, words)
    yield from _table(rows, words)
    yield from _data(rows, words)
    footer = _text(words.say("page", "footer"))
    yield f"</main>\n<footer>{footer}</footer>\n<script>{script}</script>\n</html>\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(value: object) -> str:
    """Fit to stand in a page, as text or as an attribute in quotes."""
    return escape(printable(value, MAX_FACT * 2))


def _counts(summary: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, int]:
    found: Any = summary
    for name in path:
        found = found.get(name, {})
    counts: Mapping[str, int] = found
    return counts


# --- plots ------------------------------------------------------------------------------------------

WIDTH, LINE, LEFT, RIGHT = 380, 24, 145, 100


def _plot(name: str, counts: Mapping[str, int], colours: Mapping[str, str], words: Wording) -> str:
    """One bar for each word that occurs. The numbers stand beside, so that nothing hangs on the colours."""
    shown = [(word, counts[word], colour) for word, colour in colours.items() if counts.get(word)]
    if not shown:
        return ""
    total, most = sum(counts.values()), max(count for _, count, _ in shown)
    bars = []
    for place, (word, count, colour) in enumerate(shown):
        y = place * LINE
        width = max(1.0, (WIDTH - LEFT - RIGHT) * count / most)
        share = f"{count:,} ({100 * count / total:.0f} %)"
        bars.append(
            f'<text x="0" y="{y + 16}">{_text(_word(words, name, word))}</text>'
            f'<rect class="c-{colour}" x="{LEFT}" y="{y + 4}" width="{width:.1f}" height="15" rx="3"/>'
            f'<text class="count" x="{LEFT + width + 6:.1f}" y="{y + 16}">{share}</text>'
        )
    caption = _text(words.say("page", f"plot-{name}"))
    box = f'viewBox="0 0 {WIDTH} {LINE * len(shown)}" role="img" aria-label="{caption}"'
    return f"<figure><figcaption>{caption}</figcaption><svg {box}>{''.join(bars)}</svg></figure>\n"


def _word(words: Wording, field: str, word: str) -> str:
    """A word of a row for people; terms of the protocols stay as they are."""
    field = {"dmarc_rfc7489": "dmarc", "changes": "diff"}.get(field, field)
    if field == "diff":
        return words.say("page", f"diff-{word}")
    id = f"value-{field}-{word}"
    said = words.say("page", id)
    return word if said == id else said


# --- what changed -----------------------------------------------------------------------------------


def _changes(comparison: Any, words: Wording) -> Iterator[str]:
    worse = [d for d in comparison.differences if d.direction in ("worse", "better")]
    if not worse:
        return
    yield f'<h2>{_text(words.say("page", "head-changes"))}</h2>\n<ul class="changes">\n'
    for difference in worse[:MAX_CHANGES]:
        colour = "worst" if difference.direction == "worse" else "good"
        said = _text(words.say("page", f"diff-{difference.direction}"))
        lines = "".join(
            f"<br>{_text(words.say('page', f'field-{change.field}'))}: "
            f"{_text(_listed(change.before))} → {_text(_listed(change.after))}"
            for change in difference.changes
        )
        domain = _text(_shown(difference.domain))
        yield f'<li><span class="tag t-{colour}">{said}</span> <strong>{domain}</strong>{lines}</li>\n'
    yield "</ul>\n"


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str("–" if value is None else value)


# --- the table --------------------------------------------------------------------------------------


def _table(rows: Callable[[], Rows], words: Wording) -> Iterator[str]:
    """Controls, and the first rows as they can be read without scripts."""

    def say(name: str) -> str:
        return _text(words.say("page", name))

    yield f'<h2>{say("head-domains")}</h2>\n<div class="controls needs-script" hidden>\n'
    yield f'<label>{say("search")}<input type="search" id="search" autocomplete="off"></label>\n'
    for name in ("grade", "spoofable", "dmarc", "worst"):
        every = f'<option value="">{say("all")}</option>'
        yield f'<label>{say(f"column-{name}")}<select id="f-{name}">{every}</select></label>\n'
    yield "</div>\n"
    yield f"<noscript><p>{_text(words.say('page', 'no-script', {'count': STATIC_ROWS}))}</p></noscript>\n"
    heads = "".join(f'<th scope="col" data-column="{c}">{say(f"column-{c}")}</th>' for c in COLUMNS)
    yield f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>\n'
    labels = [say(f"column-{name}") for name in COLUMNS]
    for row in islice(rows(), STATIC_ROWS):
        told = [_text(_static(words, *pair)) for pair in zip(COLUMNS, _cells(row), strict=True)]
        cells = (f'<td data-label="{label}">{text}</td>' for label, text in zip(labels, told, strict=True))
        yield f'<tr class="row">{"".join(cells)}</tr>\n'
    yield '</tbody></table></div>\n<div class="pager needs-script" hidden>\n'
    yield f'<button type="button" id="back">{say("back")}</button><span id="place" aria-live="polite"></span>'
    yield f'<button type="button" id="next">{say("next")}</button></div>\n'


def _static(words: Wording, name: str, cell: Any) -> str:
    if name == "domain":
        return str(cell)
    if name == "worst":
        return _word(words, name, SEVERITIES[cell])
    return "–" if cell in (None, "") else _word(words, name, str(cell))


def _cells(row: Mapping[str, Any]) -> list[Any]:
    """What the columns show, see COLUMNS."""
    spf, dmarc = row.get("spf") or {}, row.get("dmarc") or {}
    policy = dmarc.get("rfc9989") or {}
    word = policy.get("policy") or ("unknown" if policy.get("state") == "unknown" else "absent")
    severities = [SEVERITIES.index(finding["severity"]) for finding in row.get("findings", ())]
    return [
        _shown(row.get("domain") or row.get("given") or ""),
        row.get("grade") or "none",
        (row.get("spoofing") or {}).get("answer", ""),
        word if policy else "",
        spf.get("terminal") or spf.get("state", ""),
        spf.get("lookups") if spf.get("state") == "found" else None,
        (row.get("dkim") or {}).get("state", ""),
        (row.get("mx") or {}).get("state", ""),
        max(severities, default=0),
    ]


def _shown(domain: str) -> str:
    return printable(names.display(domain), MAX_FACT)


# --- the rows as data -------------------------------------------------------------------------------


def _data(rows: Callable[[], Rows], words: Wording) -> Iterator[str]:
    templates = _Templates(words)
    chunk: list[Any] = []
    for row in rows():
        chunk.append([*_cells(row), _detail(row, templates)])
        if len(chunk) == CHUNK:
            yield _json_element(chunk, 'class="rows"')
            chunk = []
    if chunk:
        yield _json_element(chunk, 'class="rows"')
    yield _json_element(templates.words(), 'id="words"')


_UNSAFE = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


def _json_element(value: Any, attribute: str) -> str:
    """JSON that no text in it can end or leave."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_UNSAFE)
    return f'<script type="application/json" {attribute}>{text}</script>\n'


_PLACEHOLDER = re.compile(r"\{([a-z0-9_]+)\}")


MX_WORDS = ("null-mx", "dead-mx", "none", "missing", "unknown")


class _Templates:
    """The sentences that the rows need, each once, with the facts that they name."""

    def __init__(self, words: Wording) -> None:
        self._words = words
        self.findings: dict[str, tuple[str, str]] = {}
        self.reasons: dict[str, str] = {}
        self._names: dict[str, frozenset[str]] = {}

    def finding(self, finding: Mapping[str, Any]) -> list[Any]:
        """[id, severity, facts]"""
        id = finding["id"]
        if id not in self.findings:
            pair = (self._words.template("finding", id, "title") or id, self._words.template("finding", id))
            self.findings[id] = pair
            self._names[id] = frozenset(_PLACEHOLDER.findall(" ".join(pair)))
        facts = {"subject": finding["subject"], **finding["evidence"]}
        return [id, SEVERITIES.index(finding["severity"]), self._facts(id, facts)]

    def reason(self, reason: Mapping[str, Any]) -> list[Any]:
        """[id, facts]"""
        id = reason["id"]
        if id not in self.reasons:
            self.reasons[id] = self._words.template("reason", id) or id
            self._names[id] = frozenset(_PLACEHOLDER.findall(self.reasons[id]))
        return [id, self._facts(id, reason["facts"])]

    def _facts(self, id: str, facts: Mapping[str, Any]) -> dict[str, str]:
        named = sorted(self._names[id] & facts.keys())
        return {name: self._words.shown(name, facts[name])[:MAX_FACT] for name in named}

    def words(self) -> dict[str, Any]:
        """Everything that the script says."""
        say = self._words.say
        values = {
            name: {word: _word(self._words, name, word) for word in colours} for name, _, colours in PLOTS
        }
        values["mx"] = {
            w: _word(self._words, "mx", w) for w in ("null-mx", "dead-mx", "none", "missing", "unknown")
        }
        ui = {id: say("page", id) for id in ("why", "hosts", "findings", "unknown", "place")}
        return {
            "ui": ui,
            "columns": {name: say("page", f"column-{name}") for name in COLUMNS},
            "values": values,
            "findings": self.findings,
            "reasons": self.reasons,
        }


HOST = ("host", "address", "signing", "outcome", "code")


def _detail(row: Mapping[str, Any], templates: _Templates) -> dict[str, Any]:
    """What opens below a row."""
    spf, dmarc, dkim = row.get("spf") or {}, row.get("dmarc") or {}, row.get("dkim") or {}
    reason = row.get("error") or (row.get("spoofing") or {}).get("reason")
    location = (dmarc.get("rfc9989") or {}).get("location")
    domain = row.get("domain") or ""
    keys = [
        f"{key['selector']} ({key['type']} {key['bits']}, {key['state']})" for key in dkim.get("keys", ())
    ]
    findings = sorted(row.get("findings", ()), key=lambda one: -SEVERITIES.index(one["severity"]))
    record = f"{location}: {dmarc['record']}" if dmarc.get("record") else ""
    return {
        "a": domain if names.display(domain) != domain else "",
        "r": templates.reason(reason) if reason else None,
        "s": printable(spf.get("record") or "", 2_000),
        "d": printable(record, 2_000),
        "k": [printable(key) for key in keys[:20]],
        "h": [
            printable(
                " ".join(filter(None, (h["host"], h["address"], h["signing"], h["outcome"], h["code"])))
            )
            for h in row.get("hosts", ())[:20]
        ],
        "f": [templates.finding(finding) for finding in findings[:40]],
        "u": [
            printable(f"{one['name']} {one['type']} {one['status']}") for one in row.get("unknown", ())[:20]
        ],
    }
