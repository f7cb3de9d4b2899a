"""From a bounce's text to the entries of the catalogue that it may mean, the surest first.

Theory of operation. The text is normalised, the codes are read, and the words of the text select the few
patterns worth trying. What matched is ranked by how much it proves: words of the very provider that
refused; words of any provider; of a program; of an RFC; words that many use; a provider's own use of a
code; a code's subject beside a word; a code alone. Within a rank the pattern with the most literal
characters wins. Text beats code, whoever's code it is: 5.7.27 is null MX for IANA and SPF for Gmail.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from senderauth.catalogue.codes import (
    Codes,
    entry_by_code,
    entry_by_provider_code,
    entry_by_word,
    find_codes,
    meanings,
    read_codes,
)
from senderauth.catalogue.cues import Found, blanked, find_cue, without_passed
from senderauth.catalogue.facts import (
    Fact,
    client_address,
    facts_beside,
    facts_of_slots,
    facts_of_text,
    stated_code_word,
)
from senderauth.catalogue.load import (
    LANGUAGES,
    Entry,
    Language,
    Message,
    Permanence,
    entries,
    entry,
    messages,
)
from senderauth.catalogue.normalise import Text, normalise
from senderauth.catalogue.pattern import Hit, Index, Pattern
from senderauth.values import Span

Rank = Literal[
    "provider-text", "text", "software", "rfc", "generic", "provider-code", "code-and-word", "code", "unknown"
]
RANKS: tuple[Rank, ...] = (
    "provider-text",
    "text",
    "software",
    "rfc",
    "generic",
    "provider-code",
    "code-and-word",
    "code",
    "unknown",
)
"""From the surest to the weakest; "code": only the code says so; "unknown": not even that."""
MAX_CANDIDATES = 8
_Place = tuple[tuple[int, bool, bool, int, int], Pattern, Hit]
"""How a source's best pattern is sorted (rank, not confirmed, weak, -weight, start), and where it stands."""
_Reading = tuple[str, _Place]
_ACCEPTED = re.compile(r"\s{0,8}2\d\d[- ][^\n]{0,1000}\Z")
_FILTER_WORD = re.compile(r"b(?:-[a-z]{2,20}){1,5}")


@dataclass(frozen=True, slots=True)
class Match:
    """One reading of a bounce's text, and why."""

    id: str
    """Of the message or entry whose words were found; empty: the text is unknown."""
    entry_id: str
    """Of the cause; empty: unknown."""
    rank: Rank
    pattern: str
    """Which pattern or code decided: "gmail-dmarc-rejected/1", "x.7.26"."""
    weight: int
    """Literal characters of the pattern."""
    span: Span | None
    """Where in the raw text; None where a code decided."""
    codes: Codes
    facts: tuple[Fact, ...]
    permanence: Permanence
    may_mean: tuple[str, ...]
    """Entries that the same words stand for elsewhere."""
    ambiguity: str
    """Id of the doubt, with words of what settles it; or empty."""
    meanings: tuple[str, ...]
    """Keys of what the codes say by themselves, see `code_words`."""


@cache
def _sources() -> Mapping[str, Entry | Message]:
    found: dict[str, Entry | Message] = dict(entries())
    found.update(messages())
    return found


@cache
def patterns() -> tuple[Pattern, ...]:
    """Every pattern of every entry and message."""
    found = []
    for id, source in _sources().items():
        weak = source.weak if isinstance(source, Entry) else ()
        for number, text in enumerate((*source.patterns, *weak), 1):
            found.append(Pattern(f"{id}/{number}", text, weak=number > len(source.patterns)))
    return tuple(found)


@cache
def index() -> Index:
    """The index of all patterns, built once."""
    return Index(patterns())


@cache
def _code_words() -> Mapping[str, str]:
    return {word: id for id, entry in entries().items() for word in entry.words}


@cache
def _ambiguities() -> Mapping[str, Any]:
    return tomllib.loads(files("senderauth.catalogue").joinpath("ambiguities.toml").read_text("utf-8"))


@cache
def _ambiguity_words(language: Language) -> Mapping[str, str]:
    if language not in LANGUAGES:
        raise ValueError(f"no wording in {language!r}; there is {', '.join(LANGUAGES)}")
    file = files("senderauth.catalogue").joinpath("text", language, "ambiguities.toml")
    words: Mapping[str, str] = tomllib.loads(file.read_text("utf-8"))["ambiguities"]
    return words


def ambiguity_words(id: str, language: Language = "en") -> str:
    """What is in doubt and what settles it."""
    return _ambiguity_words(language)[id]


def match(text: str, *, provider: str | None = None, code: str | None = None) -> tuple[Match, ...]:
    """The readings of a bounce's text, the surest first; never empty. `provider` is a key of `providers`,
    where the host told it; `code` overrides the codes in the text, e.g. "550 5.7.26". An unknown text
    gives one match without id, with what its codes mean by themselves.
    """
    normal = normalise(text)
    codes = read_codes(code) if code else find_codes(normal.raw)
    stated = facts_of_text(normal)
    found = _by_text(normal, codes, provider or "", stated)
    if not found:
        found = [_by_codes(normal, codes, provider or "", stated)]
    return tuple(found)


def _by_text(normal: Text, codes: Codes, provider: str, stated: tuple[Fact, ...]) -> list[Match]:
    best: dict[str, _Place] = {}
    agreed = entry_by_code(Codes("", codes.enhanced))
    for pattern, hit in index().hits(normal.lower):
        id = pattern.id.rpartition("/")[0]
        source = _sources()[id]
        if not _holds(source, normal.lower, codes, provider) or (pattern.weak and not str(codes)):
            continue
        if isinstance(source, Message) and source.whole and not _is_all(hit, normal.lower):
            continue
        if _ACCEPTED.match(normal.raw) and _rank(source, provider) == "generic":
            continue
        if codes.final and id != agreed and _will_pass(source):
            continue
        if _of_the_login(codes) and _rank(source, provider) == "generic" and _of_checks(_cause(source)):
            continue
        if _of_the_sender(codes) and _rank(source, provider) == "generic" and _family(source) == "recipient":
            continue
        rank = RANKS.index(_rank(source, provider))
        # Among words that many use, those that the code confirms go first.
        confirmed = rank >= RANKS.index("generic") and id == agreed
        key = (rank, not confirmed, pattern.weak, -pattern.weight, hit.start)
        if id not in best or key < best[id][0]:
            best[id] = (key, pattern, hit)
    listed = sorted(best.items(), key=lambda item: item[1][0])
    if listed and listed[0][1][0][2] and entry_by_provider_code(codes, provider):
        return []  # weak words give way to a provider's own code, too
    cue = _cue(normal, codes, provider, listed[0] if listed else None)
    typed = _typed_entry(normal.lower.strip(" ()"), stated)
    yielded = [_typed(typed, normal, codes, stated)] if typed and typed not in best else []
    if cue:
        yielded.append(_from_cue(cue, normal, codes, stated))
    seen = {m.entry_id for m in yielded}
    covered: list[tuple[int, int]] = []
    for id, (key, pattern, hit) in listed:
        cause = _cause(_sources()[id])
        inside = any(start <= hit.start and hit.end <= end for start, end in covered)
        if cause in seen or (inside and key[0] >= RANKS.index("generic")):
            continue
        seen.add(cause)
        covered.append((hit.start, hit.end))
        yielded.append(_from_hit(id, RANKS[key[0]], pattern, hit, normal, codes, stated))
    return yielded[:MAX_CANDIDATES]


def _cue(normal: Text, codes: Codes, provider: str, surest: _Reading | None) -> Found | None:
    """The cue of a refusal, where it says more than the surest pattern or the provider's own code."""
    if codes.final is None or (surest and surest[1][0][0] < RANKS.index("generic")):
        return None
    if not surest and codes.enhanced[1:3] == ".7" and entry_by_provider_code(codes, provider):
        return None
    found = find_cue(blanked(normal.lower), passing=not codes.final)
    if found is not None and _of_the_login(codes) and _of_checks(found.cue.entry):
        return None
    if found is None or surest is None:
        return found
    cause, weak = entry(_cause(_sources()[surest[0]])), surest[1][0][2]
    gives_way = weak or cause.id in found.cue.over or cause.family in found.cue.over
    return found if gives_way and cause.id != found.cue.entry else None


def _of_the_sender(codes: Codes) -> bool:
    """Whether the code is of the sender's address (RFC 3463 3.2): no word about the recipient counts then."""
    return codes.enhanced[1:] in (".1.7", ".1.8")


def _of_the_login(codes: Codes) -> bool:
    """Whether the code answers a login (RFC 4954 6), whatever checks of mail are spoken of beside it."""
    return codes.reply in ("534", "535") and codes.enhanced[1:4] != ".7.2"


def _of_checks(id: str) -> bool:
    return entry(id).family == "authentication"


def _holds(source: Entry | Message, lower: str, codes: Codes, provider: str) -> bool:
    if any(other in lower for other in source.unless):
        return False
    if isinstance(source, Entry):
        return True
    if source.by_host_only and source.provider != provider:
        return False
    return not source.needs_code or any(code in source.needs_code for code in (codes.reply, codes.enhanced))


def _will_pass(source: Entry | Message) -> bool:
    """Whether many use these words for a trouble of the receiver's that will pass: beside a final code they
    say nothing ("554 5.0.0 Service unavailable").
    """
    return isinstance(source, Entry) and source.family == "temporary" and source.said_by[:1] == ("receiver",)


def _is_all(hit: Hit, lower: str) -> bool:
    """Whether the answer says nothing else; "(in reply to …)" is the sending server's."""
    return hit.start == 0 and lower[hit.end :].lstrip(" .")[:1] in ("", "(", ";")


def _rank(source: Entry | Message, provider: str) -> Rank:
    if source.provider and source.provider == provider:
        return "provider-text"
    if isinstance(source, Entry):
        return "generic"
    return "text" if source.rank == "provider" else source.rank


def _family(source: Entry | Message) -> str:
    return entry(_cause(source)).family


def _cause(source: Entry | Message) -> str:
    return source.id if isinstance(source, Entry) else source.cause


def _from_hit(
    id: str,
    rank: Rank,
    pattern: Pattern,
    hit: Hit,
    normal: Text,
    codes: Codes,
    stated: tuple[Fact, ...],
) -> Match:
    source = _sources()[id]
    named = facts_of_slots(normal, hit)
    of_a_send = entry(_cause(source)).family in ("authentication", "reverse-dns")
    beside: Iterable[Fact] = ()
    if rank == "generic" and not named and of_a_send:
        beside = facts_beside(normal, source.checks)
    elif of_a_send or "ptr" in source.checks:
        beside = client_address(normal)
    known = {fact.name for fact in (*named, *stated)}
    named += tuple(fact for fact in beside if fact.name not in known)
    taken = {fact.name for fact in named}
    others = source.other_causes if isinstance(source, Message) else ()
    doubt, means = _ambiguity(id, normal.lower, codes)
    cause = _cause(source)
    return Match(
        id=id,
        entry_id=cause,
        rank=rank,
        pattern=pattern.id,
        weight=pattern.weight,
        span=normal.raw_span(hit.start, hit.end),
        codes=codes,
        facts=(*named, *(fact for fact in stated if fact.name not in taken)),
        permanence=_permanence(source.permanence, codes),
        may_mean=tuple(m for m in dict.fromkeys((*others, *means)) if m != cause),
        ambiguity=doubt,
        meanings=meanings(codes),
    )


def _from_cue(found: Found, normal: Text, codes: Codes, stated: tuple[Fact, ...]) -> Match:
    id = found.cue.entry
    taken = {fact.name for fact in stated}
    beside = facts_beside(normal, entry(id).checks)
    doubt, means = _ambiguity(id, normal.lower, codes)
    return Match(
        id=id,
        entry_id=id,
        rank="code-and-word",
        pattern=f"cue/{found.cue.id}",
        weight=0,
        span=normal.raw_span(found.start, found.end),
        codes=codes,
        facts=(*stated, *(fact for fact in beside if fact.name not in taken)),
        permanence=_permanence(entry(id).permanence, codes),
        may_mean=tuple(m for m in means if m != id),
        ambiguity=doubt,
        meanings=meanings(codes),
    )


def _typed_entry(lower: str, stated: tuple[Fact, ...]) -> str:
    """The entry of a filter's code word, typed alone or in brackets. What its first parts say holds for a
    longer word, too; a word that nobody knows is still a filter's.
    """
    known = _code_words()
    word = stated_code_word(stated) or (lower if _FILTER_WORD.fullmatch(lower) else "")
    if not word:
        return known.get(lower, "")
    parts = word.split("-")
    for size in range(len(parts), 1, -1):
        if "-".join(parts[:size]) in known:
            return known["-".join(parts[:size])]
    return "content-refused-as-spam"


def _typed(id: str, normal: Text, codes: Codes, stated: tuple[Fact, ...]) -> Match:
    """A code word by itself, as a person types it, or one in brackets in a text."""
    span = Span(0, len(normal.raw)) if not stated else stated[0].span
    return Match(
        id, id, "generic", f"{id}/word", 0, span, codes, stated, entry(id).permanence, (), "", meanings(codes)
    )


def _by_codes(normal: Text, codes: Codes, provider: str, stated: tuple[Fact, ...]) -> Match:
    keys = meanings(codes)
    rank: Rank
    id, decided, rank = entry_by_provider_code(codes, provider), codes.enhanced, "provider-code"
    if not id:
        (id, decided), rank = entry_by_word(codes, without_passed(blanked(normal.lower))), "code-and-word"
        if id and _of_the_login(codes) and _of_checks(id):
            id, decided, rank = "login-failed", codes.reply, "code"
        exact = entry_by_code(codes) if codes.enhanced else ""
        if id and exact and entry(id).family == entry(exact).family == "authentication":
            id, decided = exact, f"x{codes.enhanced[1:]}"  # 5.7.24 beside "SPF" is a broken record
    if not id:
        id, decided, rank = entry_by_code(codes), keys[0] if keys else "", "code"
    if not id or codes.final is None:  # "250 2.1.5 Recipient ok" is no refusal
        id, rank = "", "unknown"
    doubt = ""
    means: tuple[str, ...] = ()
    for name, row in _ambiguities().items():
        if set(row.get("codes", ())) & set(keys[:1]) and row.get("provider", provider) == provider:
            doubt, means = name, tuple(row["means"])
    return Match(
        id=id,
        entry_id=id,
        rank=rank,
        pattern=decided,
        weight=0,
        span=None,
        codes=codes,
        facts=stated,
        permanence=_permanence(entry(id).permanence if id else "depends", codes),
        may_mean=tuple(m for m in means if m != id),
        ambiguity=doubt,
        meanings=keys,
    )


def _ambiguity(id: str, lower: str, codes: Codes) -> tuple[str, tuple[str, ...]]:
    said = set(meanings(codes))
    rows = {name: row for name, row in _ambiguities().items() if said.isdisjoint(row.get("settled", ()))}
    for name, row in rows.items():
        if any(word in lower for word in row.get("words", ())):
            return name, tuple(row["means"])
    for name, row in rows.items():
        if id in row.get("of", ()):
            return name, tuple(row["means"])
    return "", ()


def _permanence(stated: Permanence, codes: Codes) -> Permanence:
    """What depends on the code is decided by its class; what does not is a fact of the cause."""
    if stated != "depends" or codes.final is None:
        return stated
    return "permanent" if codes.final else "temporary"
