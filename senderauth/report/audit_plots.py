"""The plots of an audit's page: bars and a histogram in inline SVG.

Written by hand on purpose: a plotting library is tens of megabytes, brings scripts or fonts of its own, and
would draw the same rectangles. Labels and numbers are text beside the bars, so that they wrap on a phone, can
be read aloud and copied, and nothing hangs on colours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from senderauth.report.safe import printable
from senderauth.report.wording import Wording
from senderauth.values import PLACEHOLDER

# By column: its words from good to bad, what is not known last; each with its colour. Plots, filters and
# the order of the table follow it.
SCALES: dict[str, dict[str, str]] = {
    "grade": {
        "A": "good", "B": "good", "C": "fair", "D": "mid", "E": "bad", "F": "worst", "none": "none",
    },
    "spoofable": {"no": "good", "partly": "mid", "yes": "worst", "unknown": "none"},
    "dmarc": {
        "reject": "good", "quarantine": "fair", "none": "mid", "absent": "worst", "unknown": "none",
    },
    "spf": {
        "-all": "good", "~all": "fair", "redirect": "none", "?all": "mid", "none": "mid", "+all": "worst",
        "absent": "bad", "several": "worst", "broken": "worst", "loop": "worst", "cut": "worst",
        "unknown": "none",
    },
    "dkim": {"found": "good", "not-found": "none", "none-possible": "mid", "unknown": "none"},
    "mx": {
        "mx": "good", "address": "fair", "null-mx": "none", "dead-mx": "bad", "none": "bad",
        "missing": "bad", "unknown": "none",
    },
    "worst": {"none": "good", "info": "none", "low": "mid", "medium": "bad", "high": "worst"},
    "state": {"ok": "good", "unknown": "none", "bad-input": "mid"},
    "outcome": {
        "accepted": "none", "marked": "mid", "deferred": "mid", "refused": "good", "unknown": "none",
    },
}  # fmt: skip
CHANGES = {
    "worse": "worst", "unknown": "none", "better": "good", "changed": "mid", "new": "none", "gone": "none",
}  # fmt: skip
FILTERS = ("grade", "spoofable", "dmarc", "worst", "state", "changes")
"""What can be filtered by; bars and tiles are ways to do so."""
FREQUENT = 5
"""Findings of a severity that are listed."""


def number(value: int, words: Wording) -> str:
    """With the language's mark between thousands."""
    return f"{value:,}" if words.language == "en" else f"{value:,}".replace(",", ".")


def share(count: int, total: int) -> str:
    """In percent; what is there is never 0 %."""
    part = 100 * count / max(1, total)
    return "< 1 %" if 0 < part < 1 else f"{part:.0f} %"


def label(words: Wording, column: str, word: str) -> str:
    """A word of a row for people; terms of the protocols stay as they are."""
    return words.template("page", f"value-{column}-{word}") or word


def plots(summary: Mapping[str, Any], comparison: Any, words: Wording) -> Iterator[str]:
    """All of them, those without anything to show left out."""
    dmarc = summary["dmarc"]
    yield _frequent(summary, words)
    if comparison is not None:
        told = changes_labels(words)
        here = [word for word in CHANGES if word != "gone"]
        yield _bars("changes", comparison.counts, CHANGES, told, words, filters=here)
    yield _scale("spoofable", summary["spoofable"], words)
    yield _scale("grade", summary["grades"], words, note=_grades(words))
    yield _scale("worst", summary["severities"], words)
    yield _scale("dmarc", dmarc["rfc9989"], words)
    if dmarc["rfc7489"] != dmarc["rfc9989"]:
        yield _scale("dmarc", dmarc["rfc7489"], words, plot="dmarc_rfc7489")
    yield _lookups(summary["lookups"], words)
    without = {word: count for word, count in summary["spf"].items() if word != "found"}
    yield _scale("spf", {**summary["terminals"], **without}, words)
    yield _scale("dkim", summary["dkim"], words)


def changes_labels(words: Wording) -> dict[str, str]:
    """What can have become of a domain since the earlier audit, for people."""
    return {word: words.say("page", f"diff-{word}") for word in CHANGES}


def _scale(column: str, counts: Mapping[str, int], words: Wording, plot: str = "", note: str = "") -> str:
    scale = SCALES[column]
    told = {word: label(words, column, word) for word in scale}
    filters = scale if not plot and column in FILTERS else ()
    return _bars(plot or column, counts, scale, told, words, filters=filters, note=note)


def _grades(words: Wording) -> str:
    """What each letter stands for."""
    rules = "".join(
        f"<dt>{letter}</dt><dd>{escape(words.say('page', f'grade-{letter.lower()}'))}</dd>"
        for letter in SCALES["grade"]
        if letter != "none"
    )
    return f"<details><summary>{escape(words.say('page', 'grade-rules'))}</summary><dl>{rules}</dl></details>"


def _bars(
    plot: str,
    counts: Mapping[str, int],
    colours: Mapping[str, str],
    told: Mapping[str, str],
    words: Wording,
    *,
    filters: Collection[str] = (),
    note: str = "",
) -> str:
    """A bar for each word that occurs, as long as its share."""
    total = sum(counts.values())
    rows = []
    for word, colour in colours.items():
        if not (count := counts.get(word, 0)):
            continue
        data = f' data-filter="{plot}" data-word="{escape(word)}"' if word in filters else ""
        rows.append(
            f'<tr><th scope="row"{data}>{escape(told[word])}</th><td>{_bar(count, total, colour)}</td>'
            f'<td class="num">{number(count, words)}</td><td class="num">{share(count, total)}</td></tr>'
        )
    return _figure(plot, f'<table class="bars">{"".join(rows)}</table>{note}', words) if rows else ""


def _bar(count: int, total: int, colour: str) -> str:
    rect = f'<rect class="c-{colour}" width="{max(0.5, 100 * count / total):.1f}%" height="100%"/>'
    return f'<svg class="bar" aria-hidden="true">{rect}</svg>'


def _figure(plot: str, inner: str, words: Wording, style: str = "") -> str:
    caption = escape(words.say("page", f"plot-{plot}"))
    return f"<figure{style}><figcaption>{caption}</figcaption>{inner}</figure>\n"


def _frequent(summary: Mapping[str, Any], words: Wording) -> str:
    """The findings that most domains have, the grave ones first, and what is to be done."""
    rows: list[str] = []
    for id, severity, count in frequent(summary):
        colour, said = SCALES["worst"][severity], escape(label(words, "worst", severity))
        title = _general(words.template("finding", id, "title")) or escape(printable(id))
        advice = _general(words.template("finding", id))
        rows.append(
            f'<tr><th scope="row"><span class="tag t-{colour}">{said}</span> '
            f'<span data-finding="{escape(printable(id))}">{title}</span>'
            f'<span class="more">{advice}</span></th>'
            f"<td>{_bar(count, summary['rows'], colour)}</td>"
            f'<td class="num">{number(count, words)}</td></tr>'
        )
    table = f'<table class="bars frequent">{"".join(rows)}</table>'
    return _figure("findings", table, words, ' class="wide"') if rows else ""


def frequent(summary: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """Id, severity and number of domains of the findings to mend first."""
    chosen: list[tuple[str, str, int]] = []
    for severity in ("high", "medium"):
        found = [
            (id, severity, told["count"])
            for id, told in summary["findings"].items()
            if told["severity"] == severity
        ]
        chosen += sorted(found, key=lambda one: -one[2])[:FREQUENT]
    return chosen


def _general(template: str) -> str:
    """A sentence about many domains: the facts of each are named, not told."""
    return PLACEHOLDER.sub(lambda place: f"<var>{place[1].upper()}</var>", escape(template))


BINS = (*map(str, range(11)), "more")
WIDTH, HEIGHT, STEP = 336, 120, 28


def _lookups(counts: Mapping[str, int], words: Wording) -> str:
    """How many records need how many lookups: the ones beyond the line cannot be evaluated."""
    if not counts:
        return ""
    most, total = max(counts.values()), sum(counts.values())
    drawn = []
    for place, bin in enumerate(BINS):
        count, middle = counts.get(bin, 0), place * STEP + STEP / 2
        height = (HEIGHT - 20) * count / most if count else 0
        colour = "worst" if bin == "more" else "mid" if place > 8 else "good"
        text = "> 10" if bin == "more" else bin
        top = HEIGHT - max(height, 1.5 if count else 0)
        drawn.append(
            f'<rect class="c-{colour}" x="{place * STEP + 4}" y="{top:.1f}" width="{STEP - 8}" '
            f'height="{HEIGHT - top:.1f}" rx="2"/><text x="{middle}" y="{HEIGHT + 15}">{text}</text>'
        )
        if count:
            drawn.append(f'<text class="soft" x="{middle}" y="{top - 4:.1f}">{_short(count)}</text>')
    limit = 11 * STEP
    drawn.append(f'<path class="limit" d="M{limit} 6V{HEIGHT}"/><path class="axis" d="M0 {HEIGHT}H{WIDTH}"/>')
    over = counts.get("more", 0)
    facts = {"count": number(over, words), "share": share(over, total)}
    alone = escape(words.say("page", "lookups-over", facts))
    box = f'<svg class="columns" viewBox="0 0 {WIDTH} {HEIGHT + 20}" role="img" aria-label="{alone}">'
    return _figure("lookups", f'{box}{"".join(drawn)}</svg><p class="soft">{alone}</p>', words)


def _short(count: int) -> str:
    """Short enough to stand above a column."""
    for size, mark in ((1_000_000, "M"), (1_000, "k")):
        if count >= 10 * size:
            return f"{count // size}{mark}"
    return str(count)


def tiles(figures: Sequence[tuple[str, int, str]], words: Wording) -> str:
    """The few numbers to see first: id of the label, number, colour."""
    each = (
        f'<li class="t-{colour if count else "none"}"><strong>{number(count, words)}</strong> '
        f"<span{_way(id) if count else ''}>{escape(words.say('page', f'tile-{id}'))}</span></li>"
        for id, count, colour in figures
    )
    return f'<ul class="tiles">{"".join(each)}</ul>\n'


_WAYS = {
    "spoofable": ("spoofable", "yes"), "high": ("worst", "high"), "unknown": ("state", "unknown"),
    "bad-input": ("state", "bad-input"), "worse": ("changes", "worse"), "better": ("changes", "better"),
}  # fmt: skip
"""By tile: the filter, and the word in it, that show its domains."""


def _way(id: str) -> str:
    if id not in _WAYS:
        return ""
    name, word = _WAYS[id]
    return f' data-filter="{name}" data-word="{word}"'
