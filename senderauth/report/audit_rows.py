"""The rows of an audit as the page's script reads them: compact JSON, each sentence once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from senderauth import names
from senderauth.report.audit_plots import CHANGES, FILTERS, SCALES, changes_labels, label
from senderauth.report.diff_text import change_texts, told_changes
from senderauth.report.safe import printable
from senderauth.report.wording import Wording
from senderauth.values import PLACEHOLDER

SEVERITIES = ("none", "info", "low", "medium", "high")
COLUMNS = ("domain", "grade", "spoofable", "dmarc", "spf", "lookups", "dkim", "mx", "worst")
MAX_FACT = 200
MAX_TOLD = 1_000
"""Of a fact that may be a list, such as what each term of an SPF record costs."""
MAX_RECORD = 2_000
MAX_VALUE = 20_000
"""Characters of a record that is to be copied."""
MAX_FINDINGS = 40
MAX_LISTED = 20


def domain_text(domain: str) -> str:
    """A domain for people."""
    return printable(names.display(domain), MAX_FACT)


def cells(row: Mapping[str, Any]) -> list[Any]:
    """What the columns show, see COLUMNS; what the row does not say is empty. The worst finding is a number,
    see SEVERITIES.
    """
    spf, dmarc = row.get("spf") or {}, row.get("dmarc") or {}
    policy = dmarc.get("rfc9989") or {}
    word = policy.get("policy") or ("unknown" if policy.get("state") == "unknown" else "absent")
    read = row.get("state") != "bad-input"
    worst = max((SEVERITIES.index(finding["severity"]) for finding in row.get("findings", ())), default=0)
    return [
        domain_text(row.get("domain") or row.get("given") or ""),
        row.get("grade") or ("none" if "grade" in row and read else ""),
        (row.get("spoofing") or {}).get("answer", ""),
        word if policy else "",
        spf.get("terminal") or spf.get("state", ""),
        spf.get("lookups") if spf.get("state") == "found" else None,
        (row.get("dkim") or {}).get("state", ""),
        (row.get("mx") or {}).get("state", ""),
        worst if "findings" in row and read else None,
    ]


class RowData:
    """Rows as lists, and the sentences that they name, collected on the way."""

    def __init__(self, words: Wording, comparison: Any = None) -> None:
        self._words = words
        # A domain that stands there twice has the gravest of its changes at both places.
        self._changes: dict[str, Any] = {}
        for difference in comparison.differences if comparison is not None else ():
            if difference.direction != "gone":
                self._changes.setdefault(difference.domain, difference)
        self._filters = [name for name in FILTERS if name != "changes" or comparison is not None]
        self._findings: dict[str, tuple[str, str]] = {}
        self._reasons: dict[str, str] = {}
        self._facts_of: dict[tuple[str, str], frozenset[str]] = {}
        self._receivers: dict[str, int] = {}
        self._proposals: dict[str, tuple[str, str]] = {}
        self._said: dict[str, dict[str, str]] = {"actor": {}, "setting": {}, "receiver": {}}

    def row(self, row: Mapping[str, Any]) -> list[Any]:
        """The cells, and at the end what opens below them, by a letter; what is empty is left out."""
        given = self._records(row) | self._reasons_of(row) | self._changes_of(row)
        given |= self._fix(row.get("fix") or {})
        return [*cells(row), {letter: value for letter, value in given.items() if value}]

    def _records(self, row: Mapping[str, Any]) -> dict[str, Any]:
        spf, dmarc, dkim = row.get("spf") or {}, row.get("dmarc") or {}, row.get("dkim") or {}
        location = (dmarc.get("rfc9989") or {}).get("location") or ""
        record = f"{location}: {dmarc['record']}" if dmarc.get("record") else ""
        keys = dkim.get("keys", ())
        domain = row.get("domain") or ""
        said = {"MTA-STS": row.get("mta_sts"), "TLS-RPT": row.get("tls_rpt")}
        return {
            "z": row["state"] if row.get("state", "ok") != "ok" else "",
            "a": printable(domain, MAX_FACT) if domain_text(domain) != domain else "",
            "s": printable(spf.get("record") or "", MAX_RECORD),
            "d": printable(record, MAX_RECORD),
            "k": [
                printable(f"{key['selector']} ({key['type']} {key['bits']}, {key['state']})")
                for key in keys[:MAX_LISTED]
            ],
            "m": [printable(host, MAX_FACT) for host in (row.get("mx") or {}).get("hosts", ())[:MAX_LISTED]],
            "t": [name for name, state in said.items() if state == "present"],
        }

    def _reasons_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        spoofing = row.get("spoofing") or {}
        reason = row.get("error") or spoofing.get("reason")
        findings = sorted(row.get("findings", ()), key=lambda one: -SEVERITIES.index(one["severity"]))
        hosts = row.get("hosts", ())[:MAX_LISTED]
        alike = {str(one): one for one in map(self._finding, findings)}  # two terms may have the same fault
        shown = list(alike.values())
        return {
            "r": reason and self._reason(reason),
            "o": [self._outcomes(spoofing[name]) for name in ("forged", "own") if spoofing.get(name)],
            "h": [
                [
                    printable(" ".join((h["host"], h["address"], h["signing"]))),
                    h["outcome"],
                    printable(h["code"]),
                ]
                for h in hosts
            ],
            "f": shown[:MAX_FINDINGS],
            "x": max(0, len(shown) - MAX_FINDINGS),
            "u": [
                printable(f"{one['name']} {one['type']} {one['status']}")
                for one in row.get("unknown", ())[:MAX_LISTED]
            ],
        }

    def _changes_of(self, row: Mapping[str, Any]) -> dict[str, Any]:
        difference = self._changes.get(row.get("domain") or "")
        if difference is None:
            return {}
        told = [[*change_texts(change, self._words)] for change in told_changes(difference)]
        return {"c": [difference.direction, [[name, text[:MAX_RECORD]] for name, text in told]]}

    def _fix(self, fix: Mapping[str, Any]) -> dict[str, Any]:
        """What to change, what no record cures, and what it leads to: [grade, spoofable, hosts]."""
        proposals, advice = fix.get("proposals", ()), fix.get("advice", ())
        return {
            "p": [self._proposal(proposal) for proposal in proposals[:MAX_LISTED]],
            "v": [self._title(one["id"], one["facts"]) for one in advice[:MAX_LISTED]],
            "q": [fix[name] or "" for name in ("grade", "spoofable", "hosts")] if proposals else [],
        }

    def _proposal(self, proposal: Mapping[str, Any]) -> list[Any]:
        """[title, who, changes, settings, findings that go, receivers that refuse no longer, cautions]"""
        return [
            self._title(proposal["id"], proposal["facts"]),
            self._word("actor", proposal["who"]),
            [self._change(change) for change in proposal["changes"][:MAX_LISTED]],
            [
                [self._word("setting", setting["id"]), printable(setting["value"])]
                for setting in proposal["settings"][:MAX_LISTED]
            ],
            [self._known(id) for id in proposal["findings"][:MAX_FINDINGS]],
            [self._word("receiver", receiver, "name") for receiver in proposal["receivers"][:MAX_LISTED]],
            [self._reason(caution) for caution in proposal["cautions"][:MAX_LISTED]],
        ]

    def _title(self, id: str, facts: Mapping[str, Any]) -> list[Any]:
        """[id, facts]"""
        id = printable(id, MAX_FACT)
        if id not in self._proposals and (title := self._words.template("proposal", id, "title")):
            self._proposals[id] = title, self._words.template("proposal", id)
            self._facts_of["proposal", id] = frozenset(PLACEHOLDER.findall(" ".join(self._proposals[id])))
        return [id, self._facts(("proposal", id), facts)]

    def _word(self, kind: str, id: str, field: str = "text") -> str:
        id = printable(id, MAX_FACT)
        if id not in self._said[kind]:
            self._said[kind][id] = self._words.template(kind, id, field) or id
        return id

    @staticmethod
    def _change(change: Mapping[str, Any]) -> list[Any]:
        """[name, type, what goes, what comes]; a value that cannot be shown as it is gets a mark: it is not
        for copying.
        """
        old, new = change["old"], change["new"]
        return [
            printable(change["name"], MAX_FACT),
            printable(change["type"], MAX_FACT),
            [printable(value, MAX_VALUE) for value in old if value not in new],
            [
                [shown, int(shown == value)]
                for value in new
                if value not in old and (shown := printable(value, MAX_VALUE))
            ],
        ]

    def _known(self, id: str) -> str:
        """The id of a finding, its title known to the page."""
        id = printable(id, MAX_FACT)
        if id not in self._findings and (title := self._words.template("finding", id, "title")):
            self._findings[id] = title, self._words.template("finding", id)
            self._facts_of["finding", id] = frozenset(PLACEHOLDER.findall(" ".join(self._findings[id])))
        return id

    def _outcomes(self, outcomes: Mapping[str, str]) -> str:
        """One letter a receiver, in the order in which receivers were first seen."""
        for name in outcomes:
            if name not in self._receivers and len(self._receivers) < MAX_FACT:
                self._receivers[name] = len(self._receivers)
        return "".join(outcomes.get(name, "-")[0] for name in self._receivers)

    def _finding(self, finding: Mapping[str, Any]) -> list[Any]:
        """[id, severity, facts]"""
        id = self._known(finding["id"])
        facts = {"subject": finding["subject"], **finding["evidence"]}
        return [id, SEVERITIES.index(finding["severity"]), self._facts(("finding", id), facts)]

    def _reason(self, reason: Mapping[str, Any]) -> list[Any]:
        """[id, facts]"""
        id = printable(reason["id"], MAX_FACT)
        if id not in self._reasons and (text := self._words.template("reason", id)):
            self._reasons[id] = text
            self._facts_of["reason", id] = frozenset(PLACEHOLDER.findall(text))
        return [id, self._facts(("reason", id), reason["facts"])]

    def _facts(self, of: tuple[str, str], facts: Mapping[str, Any]) -> dict[str, str]:
        """Those that the sentence names."""
        named = sorted(self._facts_of.get(of, frozenset()) & facts.keys())
        told = {name: self._words.shown(name, facts[name]) for name in named}
        return {name: text if len(text) <= MAX_TOLD else text[:MAX_TOLD] + "…" for name, text in told.items()}

    def words(self) -> dict[str, Any]:
        """Everything that the script says and must know of columns, once all rows were given."""
        say = self._words.say
        return {
            "ui": {id: say("page", id) for id in SAID}
            | {id: say("proposals", id) for id in OF_PROPOSALS}
            | {
                "since": say("page", "column-changes"),
                "more": say("page", "diff-more"),
            },
            "columns": {name: say("page", f"column-{name}") for name in COLUMNS},
            "filters": self._filters,
            "scales": self._scales(),
            "receivers": [self._receiver(name) for name in self._receivers],
            "findings": self._findings,
            "reasons": self._reasons,
            "proposals": self._proposals,
            "said": self._said,
        }

    def _scales(self) -> dict[str, Any]:
        """By column: its words from good to bad, each with colour and label."""
        found = {
            column: [[word, colour, label(self._words, column, word)] for word, colour in scale.items()]
            for column, scale in SCALES.items()
        }
        told = changes_labels(self._words)
        found["changes"] = [[word, colour, told[word]] for word, colour in CHANGES.items()]
        return found

    def _receiver(self, name: str) -> str:
        return self._words.template("receiver", name, "name") or printable(name, MAX_FACT)


SAID = (
    "why", "hosts", "findings", "unknown", "place", "forged", "own", "also", "no-finding", "receivers",
    "sort-input", "nothing", "print-more", "copied", "fix", "advice", "copy-value", "copied-value", "settles",
    "receivers-cured", "then",
)  # fmt: skip
OF_PROPOSALS = ("panel-name", "panel-type", "panel-value", "panel-remove", "mind")


_UNSAFE = "<>&\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"


def json_element(value: Any, attribute: str) -> str:
    """JSON that no text in it can end or leave."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for char in _UNSAFE:  # str.translate takes thirty times as long
        text = text.replace(char, f"\\u{ord(char):04x}")
    return f'<script type="application/json" {attribute}>{text}</script>\n'
