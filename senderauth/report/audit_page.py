"""An audit as one HTML file that needs no network: plots, changes, a table that sorts, filters and opens.

Theory of operation. The file is written while the rows are read, so that memory does not grow with them.
Rows stand in it as JSON, a few thousand a script element, and a small script of our own shows a hundred at
a time; without scripts the first ones can be read as they stand. The content policy names the hashes of the
one script and the one style sheet: nothing else may run, and nothing is loaded.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from importlib.resources import files
from itertools import islice
from typing import Any

from senderauth.report.audit_plots import FILTERS, SCALES, label, number, plots, tiles
from senderauth.report.audit_rows import COLUMNS, SEVERITIES, RowData, cells, json_element
from senderauth.report.diff_text import change_texts, told_changes
from senderauth.report.safe import printable
from senderauth.report.text import shown
from senderauth.report.wording import Wording

CHUNK = 2_000
STATIC_ROWS = 100
"""Rows that can be read without scripts."""
MAX_CHANGES = 100
"""Domains that got worse, and as many that got better."""

Rows = Iterable[Mapping[str, Any]]


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
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    yield (
        f'<!doctype html>\n<html lang="{words.language}">\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{_text(title)}</title>\n<style>{style}</style>\n"
        f'<header><h1>{_text(title)}</h1><p class="soft">{_say(words, "lead")}</p>\n'
    )
    yield tiles(_figures(summary, comparison), words)
    yield '</header>\n<main>\n<div class="plots">\n'
    yield from plots(summary, comparison, words)
    yield "</div>\n"
    if comparison is not None:
        yield from _changes(comparison, words)
    yield from _table(rows, words, [name for name in FILTERS if name != "changes" or comparison is not None])
    yield from _data(rows, words, comparison)
    yield f'</main>\n<footer class="soft">{_say(words, "footer")}</footer>\n'
    yield f"<script>{script}</script>\n</html>\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(value: object) -> str:
    """Fit to stand in a page, as text or as an attribute in quotes."""
    return escape(printable(value))


def _say(words: Wording, id: str, facts: Mapping[str, object] | None = None) -> str:
    return escape(words.say("page", id, facts))


def _figures(summary: Mapping[str, Any], comparison: Any) -> list[tuple[str, int, str]]:
    """What to see first."""
    states = summary["states"]
    found = [("domains", summary["rows"] - states.get("bad-input", 0), "plain")]
    if summary["spoofable"]:  # an audit with some fields only may not say
        found.append(("spoofable", summary["spoofable"].get("yes", 0), "worst"))
    if summary["severities"]:
        found.append(("high", summary["severities"].get("high", 0), "worst"))
    if states:
        found.append(("unknown", states.get("unknown", 0), "mid"))
    if bad := states.get("bad-input", 0):
        found.append(("bad-input", bad, "mid"))
    if comparison is not None:
        counts = comparison.counts
        found += [("worse", counts["worse"], "worst"), ("better", counts["better"], "good")]
    return found


# --- what changed -----------------------------------------------------------------------------------


def _changes(comparison: Any, words: Wording) -> Iterator[str]:
    chosen = {
        direction: [d for d in comparison.differences if d.direction == direction]
        for direction in ("worse", "better")
    }
    if not any(chosen.values()):
        return
    yield f"<h2>{_say(words, 'head-changes')}</h2>\n"
    for (direction, differences), colour in zip(chosen.items(), ("worst", "good"), strict=True):
        if not differences:
            continue
        opened = " open" if direction == "worse" else ""
        said = f"{words.say('page', f'diff-{direction}')}: {number(len(differences), words)}"
        yield f'<details class="changes"{opened}><summary class="t-{colour}">{escape(said)}</summary>\n<ul>\n'
        for difference in differences[:MAX_CHANGES]:
            domain = _text(shown(difference.domain))
            yield f"<li><strong data-domain>{domain}</strong>{_change_list(difference, words)}</li>\n"
        if (more := len(differences) - MAX_CHANGES) > 0:
            yield f"<li>{_say(words, 'diff-more', {'count': number(more, words)})}</li>\n"
        yield "</ul></details>\n"


def _change_list(difference: Any, words: Wording) -> str:
    return "".join(
        f'<br><span class="soft">{escape(name)}:</span> {escape(text)}'
        for name, text in (change_texts(change, words) for change in told_changes(difference))
    )


# --- the table --------------------------------------------------------------------------------------


def _table(rows: Callable[[], Rows], words: Wording, filters: Iterable[str]) -> Iterator[str]:
    """Controls, and the first rows as they can be read without scripts."""
    yield f'<h2 id="domains" tabindex="-1">{_say(words, "head-domains")}</h2>\n'
    yield '<div class="controls needs-script" hidden>\n'
    yield f'<label class="search">{_say(words, "search")}<input type="search" id="search" autocomplete="off">'
    yield "</label>\n"
    for name in filters:
        every = f'<option value="">{_say(words, "all")}</option>'
        yield f'<label>{_say(words, f"column-{name}")}<select id="f-{name}">{every}</select></label>\n'
    yield f'<label class="narrow">{_say(words, "sort")}<select id="sort"></select></label>\n'
    yield '</div>\n<div class="found needs-script" hidden>'
    yield '<span class="place" id="place" role="status"></span>\n'
    yield f'<button type="button" id="reset" hidden>{_say(words, "reset")}</button>\n'
    yield f'<button type="button" id="copy">{_say(words, "copy")}</button></div>\n'
    yield f"<noscript><p>{_say(words, 'no-script', {'count': STATIC_ROWS})}</p></noscript>\n"
    labels = [_say(words, f"column-{name}") for name in COLUMNS]
    heads = "".join(
        f'<th scope="col" role="columnheader" data-column="{name}">{label}</th>'
        for name, label in zip(COLUMNS, labels, strict=True)
    )
    caption = _say(words, "head-domains")
    # On a phone the style sheet makes blocks of the rows; the roles keep the table a table to screen readers.
    yield f'<div class="scroll"><table class="domains" role="table"><caption>{caption}</caption>'
    yield f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead><tbody role="rowgroup">\n'
    for row in islice(rows(), STATIC_ROWS):
        told = (_text(_static(words, *pair)) for pair in zip(COLUMNS, cells(row), strict=True))
        inner = "".join(
            f'<td role="cell" data-label="{label}">{text}</td>'
            for label, text in zip(labels, told, strict=True)
        )
        yield f'<tr role="row" class="row">{inner}</tr>\n'
    yield '</tbody></table></div>\n<div class="pager needs-script" hidden>\n'
    yield f'<button type="button" id="back">{_say(words, "back")}</button>'
    yield '<span class="place"></span>'
    yield f'<button type="button" id="next">{_say(words, "next")}</button></div>\n'


def _static(words: Wording, column: str, cell: Any) -> str:
    if cell in (None, ""):
        return "–"
    if column in SCALES:
        return label(words, column, SEVERITIES[cell] if column == "worst" else cell)
    return str(cell)


def _data(rows: Callable[[], Rows], words: Wording, comparison: Any) -> Iterator[str]:
    data = RowData(words, comparison)
    chunk: list[Any] = []
    for row in rows():
        chunk.append(data.row(row))
        if len(chunk) == CHUNK:
            yield json_element(chunk, 'class="rows"')
            chunk = []
    yield json_element(chunk, 'class="rows"')
    yield json_element(data.words(), 'id="words"')
