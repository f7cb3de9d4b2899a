"""Wording: every id that code can emit has its words in every language, and no words are without an id."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from senderauth.report import wording

ROOT = Path(__file__).resolve().parents[1] / "senderauth"
TEXT = ROOT / "report" / "text"
LANGUAGES = ("en", "nl", "de")
ROOMS = ("spf", "dmarc", "adsp", "dkim", "arc", "simulation", "advice", "audit", "lint", "message")

# Kinds whose ids are coined in the rooms; the report's own kinds (ui, receiver, note …) have their own tests.
COINED = ("finding", "reason", "step", "action")
ID = r"[a-z0-9]+(-[a-z0-9]+)*"
ROOTS = {"dkim-key", "dmarc-discovery"}  # of traces: the whole of it, not a step to tell
FIELDS = {"finding": {"title", "text"}, "reason": {"text"}, "step": {"text"}}

# Which kind of wording the id needs that such a call is given: the kind, and which argument the id is.
# Functions that pass an argument of theirs on to one of these are found by themselves.
CALLS = {
    "Reason": ("reason", "id", 0),
    "Finding": ("finding", "id", 0),
    "Problem": ("finding", "id", 0),
    "Action": ("action", "id", 0),
    "note": ("step", "id", 0),
    "step": ("step", "id", 0),
    "enter": ("step", "id", 0),
    "Stop": ("reason", "id", 1),
    "_FaultError": ("finding", "id", 0),
}

# Ids that code passes on from elsewhere, where reading the code does not show which.
PASSED_ON = {
    "finding": {"dmarc-record-without-policy": "dmarc/lint.py", "dmarc-domain-unusable": "dmarc/lint.py"}
}
# Reasons that are good news: no finding is made of them.
GOOD_NEWS = {"dkim-key-valid", "dkim-signature-supposed"}

# The same words in two languages on purpose: (kind, id, field).
SAME = {
    ("word", "yes", "text"),
    ("act", "nobody", "text"),
    ("proposals", "panel-name", "text"),
    ("proposals", "panel-type", "text"),
    ("ui", "signature-by", "text"),
    ("ui", "signature-bits", "text"),
    ("page", "value-spoofable-yes", "text"),
    ("page", "value-mx-mx", "text"),
    ("page", "value-state-ok", "text"),
    ("page", "column-domain", "text"),
}

# One term for each thing: what natives would not say, or where another word was chosen.
RETIRED = {
    "nl": r"opzoeking|(reverse|omgekeerde) na|auteur|octetten|foutmelding|aanmeld|dubbele punt|\b[Uu]w?\b",
    "de": r"Reverse-Name|Autor-|Oktett|Rückpfad|Rücksende|aligned|Fehlermeldung|\b[Ee]in Wildcard\b[^-]",
}

Words = dict[tuple[str, str, str], str]
"""(kind, id, field) to text."""


def words(language: str) -> Words:
    """All wording of one language; an id that stands in two files is an error."""
    found: Words = {}
    for path in sorted((TEXT / language).glob("*.toml")):
        for kind, entries in tomllib.loads(path.read_text("utf-8")).items():
            for key, text in _texts(entries):
                assert (kind, *key) not in found, f"{path}: {kind} {key} is said twice"
                found[kind, *key] = text
    return found


def _texts(entries: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, str], str]]:
    if isinstance(entries, str):
        yield (".".join(path[:-1]), path[-1]), entries
    elif isinstance(entries, dict):
        for name, inner in entries.items():
            yield from _texts(inner, (*path, name))
    else:
        raise AssertionError(f"{path}: neither text nor table")


def placeholders(text: str) -> list[str]:
    return sorted(set(re.findall(r"\{([a-z0-9_]+)\}", text)))


def listed(problems: Iterable[object]) -> str:
    return "\n" + "\n".join(str(problem) for problem in problems)


@pytest.fixture(scope="module")
def all_words() -> dict[str, Words]:
    return {language: words(language) for language in LANGUAGES}


@pytest.mark.parametrize("language", ["nl", "de"])
def test_every_language_has_the_same_ids(all_words: dict[str, Words], language: str) -> None:
    difference = set(all_words["en"]) ^ set(all_words[language])
    assert not difference, listed(
        f"{' '.join(key)}: not in {'en' if key in all_words[language] else language}"
        for key in sorted(difference)
    )


@pytest.mark.parametrize("language", ["nl", "de"])
def test_every_language_has_the_same_placeholders(all_words: dict[str, Words], language: str) -> None:
    english, other = all_words["en"], all_words[language]
    wrong = [
        f"{' '.join(key)}: en {placeholders(english[key])}, {language} {placeholders(other[key])}"
        for key in sorted(set(english) & set(other))
        if placeholders(english[key]) != placeholders(other[key])
    ]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_empty_and_every_field_is_there(all_words: dict[str, Words], language: str) -> None:
    empty = [" ".join(key) for key, text in all_words[language].items() if not text.strip()]
    assert not empty, listed(empty)
    fields: dict[tuple[str, str], set[str]] = {}
    for kind, id, field in all_words[language]:
        fields.setdefault((kind, id), set()).add(field)
    wrong = [
        f"{kind} {id}: has {sorted(has)}"
        for (kind, id), has in fields.items()
        if kind in FIELDS and has != FIELDS[kind]
    ]
    assert not wrong, listed(wrong)


def test_no_text_was_left_untranslated(all_words: dict[str, Words]) -> None:
    same = [
        f"{' '.join(key)}: {one} and {other} say {all_words[one][key]!r}"
        for one, other in (("en", "nl"), ("en", "de"), ("nl", "de"))
        for key in sorted(set(all_words[one]) & set(all_words[other]))
        if all_words[one][key] == all_words[other][key]
        and key not in SAME
        and re.search(r"[a-z]{2}", re.sub(r"\{[a-z0-9_]+\}", "", all_words[one][key]))
    ]
    assert not same, listed(same)


@pytest.mark.parametrize("language", ["nl", "de"])
def test_each_thing_has_one_term(all_words: dict[str, Words], language: str) -> None:
    texts = {" ".join(key): text for key, text in all_words[language].items()}
    for path in sorted((ROOT / "catalogue" / "text" / language).glob("*.toml")):
        for key, text in _texts(tomllib.loads(path.read_text("utf-8"))):
            texts[f"{path.name} {' '.join(key)}"] = text
    wrong = [f"{key}: {text}" for key, text in texts.items() if re.search(RETIRED[language], text)]
    assert len(texts) > 1000
    assert not wrong, listed(wrong)


@pytest.mark.parametrize(
    ("language", "missing", "unconfirmed"),
    [
        ("en", "not there", "does not lead back"),
        ("nl", "niet aanwezig", "verwijst niet terug"),
        ("de", "nicht vorhanden", "führt nicht zurück"),
    ],
)
def test_states_among_the_facts_are_told_in_words(language: str, missing: str, unconfirmed: str) -> None:
    spoken = wording(language)
    for state, said in (("missing", missing), ("unconfirmed", unconfirmed)):
        assert said in spoken.say("reason", "explain-hints", {"reverse": state})
    assert "(RFC 9989)" in spoken.say("reason", "laxer-dmarc-policy", {"standard": "rfc9989"})


Call = tuple[str, str, int]


def coined() -> dict[str, dict[str, str]]:
    """The ids in the rooms' code, by kind of wording: id to a place where it is coined."""
    found: dict[str, dict[str, str]] = {kind: dict(PASSED_ON.get(kind, {})) for kind in COINED}
    for room in ROOMS:
        trees = {path: ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / room).rglob("*.py"))}
        problems: dict[str, str] = {}
        for path, tree in trees.items():
            reasons: dict[str, str] = {}
            for name, kind, id, line in _coined_in(tree):
                place = f"{path.relative_to(ROOT)}:{line}"
                found[kind].setdefault(id, place)
                if name in ("Problem", "_FaultError"):
                    problems[id] = place
                if kind == "reason" and id not in GOOD_NEWS:
                    reasons[id] = place
            if "Finding(reason.id" in ast.unparse(tree):
                found["finding"] = reasons | found["finding"]
        if any(re.search(r"(Stop|say)\('\w+', problem\.id", ast.unparse(tree)) for tree in trees.values()):
            found["reason"] = problems | found["reason"]
    return found


def _coined_in(tree: ast.AST) -> list[tuple[str, str, str, int]]:
    """(what is called, kind, id, line) of every id in a file."""
    scopes = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module)]
    calls = dict(CALLS)
    for _ in range(3):  # a helper of a helper of a helper
        for scope in scopes:
            if not isinstance(scope, ast.Module):
                calls |= _helper(scope, calls)
    return [coin for scope in scopes for coin in _coined_by(scope, calls)]


def _helper(function: ast.FunctionDef | ast.AsyncFunctionDef, calls: dict[str, Call]) -> dict[str, Call]:
    """The function as one that coins, if an argument of its own is the id in such a call."""
    own = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    own = [name for name in own if name != "self"]
    if function.name in calls or function.name == "__init__":
        return {}
    for node in _own_nodes(function):
        if isinstance(node, ast.Call) and (place := _id_of(node, calls)):
            argument = place[1]
            if isinstance(argument, ast.Name) and argument.id in own:
                return {function.name: (place[0], argument.id, own.index(argument.id))}
    return {}


def _coined_by(scope: ast.AST, calls: dict[str, Call]) -> Iterator[tuple[str, str, str, int]]:
    """Calls within one function, with the names that it gave literals."""
    nodes = list(_own_nodes(scope))
    literals: dict[str, list[str]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            literals.setdefault(node.targets[0].id, []).extend(_literals(node.value, {}))
    for node in nodes:
        if isinstance(node, ast.Call) and (place := _id_of(node, calls)):
            for id in _literals(place[1], literals):
                if re.fullmatch(ID, id):
                    yield _name(node), place[0], id, node.lineno


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from _own_nodes(node)


def _literals(node: ast.expr, names: dict[str, list[str]]) -> list[str]:
    """The texts that an expression can be: a literal, either branch of an `if`, a name given one of them."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return _literals(node.body, names) + _literals(node.orelse, names)
    if isinstance(node, ast.Name):
        return names.get(node.id, [])
    return []


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _id_of(call: ast.Call, calls: dict[str, Call]) -> tuple[str, ast.expr] | None:
    """The kind and the argument that is the id, if this call coins one."""
    if _name(call) not in calls:
        return None
    kind, keyword, index = calls[_name(call)]
    for word in call.keywords:
        if word.arg == keyword:
            return kind, word.value
    return (kind, call.args[index]) if index < len(call.args) else None


def mentioned(rooms: Iterable[str] = ROOMS) -> dict[str, str]:
    """Every text in the rooms that looks like an id, tables included, and where."""
    return {
        node.value: f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in rooms
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(ID, node.value)
    }


@pytest.mark.parametrize("kind", COINED)
def test_every_id_that_is_coined_has_words(all_words: dict[str, Words], kind: str) -> None:
    said = {id for of_kind, id, _ in all_words["en"] if of_kind == kind}
    missing = [f"{kind} {id}  ({place})" for id, place in sorted(coined()[kind].items()) if id not in said]
    assert not missing, listed(missing)


@pytest.mark.parametrize("kind", COINED)
def test_no_words_are_orphaned(all_words: dict[str, Words], kind: str) -> None:
    orphans = sorted({id for of_kind, id, _ in all_words["en"] if of_kind == kind} - set(mentioned()))
    assert not orphans, listed(f"{kind} {id}" for id in orphans)


def test_ids_that_travel_before_they_are_coined_have_words(all_words: dict[str, Words]) -> None:
    """Tables, return values: whatever is written like a protocol's id is said somehow."""
    said = {id for _, id, _ in all_words["en"]} | {id for ids in coined().values() for id in ids}
    protocols = ("spf", "dmarc", "adsp", "dkim", "arc", "lint")
    missing = [
        f"{id}  ({place})"
        for id, place in sorted(mentioned(protocols).items())
        if id.startswith(tuple(f"{protocol}-" for protocol in protocols)) and id not in said | ROOTS
    ]
    assert not missing, listed(missing)


def test_ids_are_found_in_code() -> None:
    source = """
def f(trace, fine):
    id = "spf-a" if fine else "spf-b"
    trace.note("spf-c", x=1)
    with trace.step("spf-d"):
        raise Stop("permerror", "spf-e", name="not-an-id")
    yield Finding(id, "low", "subject")
    yield _finding(tree, "spf-f", "high", "RFC")
    return Reason(id="spf-g")

def _finding(node, id, severity, rfc):
    return Finding(id, severity, node.domain, {}, rfc)
"""
    assert sorted({(kind, id) for _, kind, id, _ in _coined_in(ast.parse(source))}) == [
        ("finding", "spf-a"), ("finding", "spf-b"), ("finding", "spf-f"),
        ("reason", "spf-e"), ("reason", "spf-g"), ("step", "spf-c"), ("step", "spf-d"),
    ]  # fmt: skip
