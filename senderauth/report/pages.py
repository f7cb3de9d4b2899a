"""Documentation pages from the data: one for each cause in the catalogue, one for each finding.

`python -m senderauth.report.pages docs` writes them; a test holds that the committed ones are up to date.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from senderauth import catalogue
from senderauth.catalogue import Entry, Language
from senderauth.report.catalogue_list import messages_of, said
from senderauth.report.explanation import listed
from senderauth.report.wording import LANGUAGES, Wording, wording
from senderauth.values import PLACEHOLDER

NAMES: dict[Language, str] = {"en": "English", "nl": "Nederlands", "de": "Deutsch"}


def pages() -> Iterator[tuple[str, str]]:
    """Path below the folder and text of every page, the two indexes among them."""
    words = wording("en")
    yield "catalogue/README.md", _catalogue_index(words)
    for entry in catalogue.entries().values():
        yield f"catalogue/{entry.id}.md", _entry_page(entry, words)
    findings = {language: _findings(language) for language in LANGUAGES}
    yield "findings/README.md", _findings_index(findings["en"])
    for id in sorted(findings["en"]):
        yield f"findings/{id}.md", _finding_page(id, findings)


def write(folder: Path) -> int:
    """Writes every page below the folder and deletes those whose id is no more; how many were written."""
    written = dict(pages())
    for room in ("catalogue", "findings"):
        (folder / room).mkdir(parents=True, exist_ok=True)
        for path in (folder / room).glob("*.md"):
            if f"{room}/{path.name}" not in written:
                path.unlink()
    for name, text in written.items():
        (folder / name).write_text(text, "utf-8")
    return len(written)


def _catalogue_index(words: Wording) -> str:
    lines = ["# Causes of bounces", "", words.say("catalogue", "count", _counts()), ""]
    families: dict[str, list[Entry]] = {}
    for entry in catalogue.entries().values():
        families.setdefault(entry.family, []).append(entry)
    for family, members in families.items():
        lines += [f"## {words.say('family', family)}", ""]
        lines += [f"- [{entry.id}]({entry.id}.md): {words.entry(entry.id).title}" for entry in members]
        lines.append("")
    return _page(lines)


def _counts() -> dict[str, object]:
    return {"entries": len(catalogue.entries()), "messages": len(catalogue.messages())}


def _entry_page(entry: Entry, words: Wording) -> str:
    checks = ", ".join(words.say("check", check) for check in entry.checks)
    lines = [
        f"# {words.entry(entry.id).title}",
        "",
        f"`{entry.id}` · {words.say('family', entry.family)} · [all causes](README.md)",
        "",
        "- " + words.say("catalogue", "who-acts", {"who": listed("act", entry.must_act, words)}),
        "- " + words.say("catalogue", "permanence", {"text": words.say("permanence", entry.permanence)}),
        "- " + words.say("catalogue", "said-by", {"who": listed("sayer", entry.said_by, words)}),
        "- " + words.say("catalogue", "checks" if checks else "no-checks", {"checks": checks}),
    ]
    if entry.codes:
        lines.append("- " + words.say("catalogue", "codes", {"codes": ", ".join(entry.codes)}))
    lines.append("")
    lines += _said(entry, words)
    for language in LANGUAGES:
        spoken, text = wording(language), catalogue.wording(entry.id, language)
        lines += [f"## {NAMES[language]}: {text.title}", "", text.cause, ""]
        lines += [f"**{spoken.say('catalogue', 'remedy')}.** {text.remedy}", ""]
    lines += [f"## {words.say('catalogue', 'sources')}", ""]
    sources = dict.fromkeys((*entry.sources, *(s for m in messages_of(entry.id) for s in m.sources)))
    lines += [f"- {source}" for source in sources] or [f"- {entry.origin}"]
    return _page(lines)


def _said(entry: Entry, words: Wording) -> list[str]:
    spoken = [f"    {text}" for text in said(entry)]
    for message in messages_of(entry.id):
        spoken += ["", f"{message.who} (`{message.id}`):", ""]
        spoken += [f"    {text}" for text in (message.text, *message.samples)]
    return [f"## {words.say('catalogue', 'messages')}", "", *spoken, ""] if spoken else []


Findings = Mapping[str, Mapping[str, str]]


def _findings(language: Language) -> Findings:
    found: dict[str, Mapping[str, str]] = {}
    folder = files("senderauth.report").joinpath("text", language)
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".toml"):
            found |= tomllib.loads(file.read_text("utf-8")).get("finding", {})
    return found


def _findings_index(findings: Findings) -> str:
    lines = [
        "# Findings",
        "",
        "What a check may remark on; words in capitals stand for facts of the case.",
        "",
    ]
    lines += [f"- [{id}]({id}.md): {_shown(findings[id]['title'])}" for id in sorted(findings)]
    return _page(lines)


def _finding_page(id: str, findings: Mapping[Language, Findings]) -> str:
    lines = [f"# {_shown(findings['en'][id]['title'])}", "", f"`{id}` · [all findings](README.md)", ""]
    for language in LANGUAGES:
        told = findings[language][id]
        lines += [f"## {NAMES[language]}: {_shown(told['title'])}", "", _shown(told["text"]), ""]
    return _page(lines)


def _shown(template: str) -> str:
    """The template with its places for facts in capitals."""
    return PLACEHOLDER.sub(lambda place: place[1].upper(), template)


def _page(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    print(write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs")))
