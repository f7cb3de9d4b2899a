"""From a line of a list to an entry: a domain a line, CSV with a header, or JSON lines.

Which of the three it is, the first line that says anything tells: one that begins with "{" is JSON, one that
names a column "domain" among others is a CSV header. Every line that is not empty and no comment gives one
entry with its number; one that cannot be read gives an entry with the error. Duplicates stay: a row a line.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from senderauth import names
from senderauth.simulation import Scenario, ScenarioError, parse_signer
from senderauth.values import Reason, frozen

MAX_LINE = 65_536
"""Octets."""
MAX_SHOWN = 200
MAX_ITEMS = 64
"""Hosts, signers or selectors of one line."""

ALIASES = {
    "hosts": "host",
    "signer": "signers",
    "dkim": "signers",
    "selector": "selectors",
    "from": "mail_from",
}
COLUMNS = frozenset({"domain", "host", "mail_from", "helo", "signers", "selectors"})

Signers = tuple[tuple[str, str | None], ...]


@frozen
class Entry:
    """One line of the list."""

    n: int
    given: str
    """The domain as written, cut short."""
    domain: str
    """In normal form, empty where it is none."""
    author: str = ""
    hosts: tuple[str, ...] = ()
    mail_from: str | None = None
    helo: str | None = None
    signers: Signers | None = None
    selectors: tuple[str, ...] = ()
    error: Reason | None = None


def entry(n: int, given: object, facts: Mapping[str, Any] | None = None) -> Entry:
    """A domain, or a mail address for its domain, with what else is known of its mail."""
    if not isinstance(given, str):
        return _bad(n, "", "audit-not-a-domain", value=str(given))
    text = given.strip()
    domain = names.hostname(text.rpartition("@")[2])
    if domain is None:
        return _bad(n, text, "audit-not-a-domain", value=text)
    if facts is None and "@" not in text:
        return Entry(n, text[:MAX_SHOWN], domain, domain)
    try:
        return _with_facts(n, text, domain, facts or {})
    except ScenarioError as error:
        return _bad(n, text, "audit-bad-field", domain=domain, field=error.field, value=error.value)


def _with_facts(n: int, text: str, domain: str, facts: Mapping[str, Any]) -> Entry:
    signers = _items(facts.get("signers"), "dkim")
    if signers == ("none",):  # as in the list of `lint` and --senders
        signers = ()
    scenario = Scenario(
        text,
        _items(facts.get("host"), "host") or (),
        _text(facts.get("mail_from"), "mail-from"),
        _text(facts.get("helo"), "helo"),
        None if signers is None else tuple(parse_signer(signer) for signer in signers),
    )
    wanted = [
        parse_signer(f"{domain}:{word}")[1] for word in _items(facts.get("selectors"), "selector") or ()
    ]
    own = [selector for signer, selector in scenario.signers or () if signer == domain]
    selectors = tuple(dict.fromkeys(selector for selector in (*wanted, *own) if selector))
    return Entry(
        n, text[:MAX_SHOWN], domain, text, scenario.hosts, scenario.mail_from, scenario.helo,
        scenario.signers, selectors,
    )  # fmt: skip


def _bad(n: int, given: str, id: str, *, domain: str = "", **facts: object) -> Entry:
    told = {name: _shown(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
    return Entry(n, _shown(given), domain, error=Reason(id, {"line": n, **told}))


def _shown(text: str) -> str:
    """Cut short, and without the half characters that escapes of JSON stand for: no row is read with them."""
    return text[:MAX_SHOWN].encode("utf-8", "replace").decode("utf-8")


def _text(value: object, field: str) -> str | None:
    """A cell; an empty one is not given. "<>" is the null reverse-path."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ScenarioError(field, str(value)[:MAX_SHOWN], "not text")
    return value.strip() or None


def _items(value: object, field: str) -> tuple[str, ...] | None:
    """Several of something: a list, or a text with blanks, commas, semicolons or bars between them."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        found = value.translate(_SEPARATORS).split()
    elif isinstance(value, list) and all(isinstance(item, (str, list)) for item in value):
        found = [":".join(map(str, item)) if isinstance(item, list) else item for item in value]
    else:
        raise ScenarioError(field, str(value)[:MAX_SHOWN], "not a list of texts")
    if len(found) > MAX_ITEMS:
        raise ScenarioError(field, str(len(found)), "too many")
    return tuple(found)


_SEPARATORS = str.maketrans(",;|", "   ")


def chosen_selectors(text: str | None) -> tuple[str, ...]:
    """The selectors that `--selectors a,b` names. Raises ValueError."""
    found: dict[str, None] = {}
    for word in _items(text, "selector") or ():
        try:
            selector = parse_signer(f"selector.example:{word}")[1]
        except ScenarioError:
            raise ValueError(f"--selectors: {word!r} is not a selector") from None
        if selector:
            found[selector] = None
    return tuple(found)


# --- lines -----------------------------------------------------------------------------------------


class Reader:
    """Makes entries of a list's lines, in their order."""

    def __init__(self) -> None:
        self._kind, self._delimiter = "", ","
        self._header: tuple[str, ...] = ()

    def entry(self, n: int, raw: bytes | None) -> Entry | None:
        """The entry of line `n`, None where it gives none. `raw` is None for a line that is too long.
        Raises ValueError for a header that does not tell the columns.
        """
        if raw is None:
            return _bad(n, "", "audit-line-too-long", limit=MAX_LINE)
        text = raw.decode("utf-8", "replace").strip()
        if not text or text.startswith("#"):
            return None
        if not self._kind:
            self._kind, self._delimiter = _kind(text)
            if self._kind == "csv":
                self._header = _header(text, self._delimiter)
                return None
        if self._kind == "json":
            return _from_json(n, text)
        if self._kind == "csv":
            return _from_csv(n, text, self._header, self._delimiter)
        return entry(n, text.partition(" #")[0])


def _kind(text: str) -> tuple[str, str]:
    if text.startswith("{"):
        return "json", ""
    for delimiter in (",", ";", "\t"):
        if "domain" in [_column(cell) for cell in _cells(text, delimiter)]:
            return "csv", delimiter
    return "lines", ""


def _header(text: str, delimiter: str) -> tuple[str, ...]:
    if text.count('"') % 2:
        raise ValueError("a name in the header of the list has a line end: one line is one entry")
    found = tuple(_column(cell) for cell in _cells(text, delimiter))
    for name in COLUMNS:
        if found.count(name) > 1:
            raise ValueError(f"the header of the list has more than one column {name!r}")
    return found


def _cells(text: str, delimiter: str) -> list[str]:
    """One line of CSV. A cell cannot hold a line end: a line is an entry."""
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return []


def _column(cell: str) -> str:
    name = cell.strip().lower().replace("-", "_").replace(" ", "_")
    return ALIASES.get(name, name)


def _from_csv(n: int, text: str, header: tuple[str, ...], delimiter: str) -> Entry:
    cells = _cells(text, delimiter)
    facts = {name: cell.strip() for name, cell in zip(header, cells, strict=False) if name in COLUMNS}
    given = facts.pop("domain", "")
    return entry(n, given, facts if any(facts.values()) else None)


def _from_json(n: int, text: str) -> Entry:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _bad(n, "", "audit-not-json", value=text)
    if not isinstance(found, dict):
        return _bad(n, "", "audit-not-json", value=text)
    if str(found.get("schema", "")).startswith("senderauth/audit/"):  # an earlier audit's row
        return entry(n, found.get("domain") or found.get("given", ""))
    facts = {_column(str(name)): value for name, value in found.items()}
    given = facts.pop("domain", "")
    facts = {name: value for name, value in facts.items() if name in COLUMNS and value not in (None, "", [])}
    return entry(n, given, facts or None)


def from_domains(domains: Iterable[str | Mapping[str, Any] | Entry]) -> Iterator[Entry]:
    """What a program has at hand: names, mappings with the columns of a CSV, or entries. Raises TypeError for
    one name alone, whose letters would be a list, too.
    """
    if isinstance(domains, str):
        raise TypeError(f"not a list of domains but one: {domains[:MAX_SHOWN]!r}")
    for n, given in enumerate(domains, 1):
        if isinstance(given, Entry):
            yield given
        elif isinstance(given, Mapping):
            facts = {_column(str(name)): value for name, value in given.items()}
            yield entry(n, facts.pop("domain", ""), facts or None)
        else:
            yield entry(n, given)
