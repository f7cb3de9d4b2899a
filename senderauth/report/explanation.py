"""The report of `explain` for people: what happened, what to do, whether it still holds, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from senderauth import catalogue
from senderauth.report.document import document, message_document
from senderauth.report.message import message_text
from senderauth.report.page import Page
from senderauth.report.safe import printable
from senderauth.report.text import check_text
from senderauth.report.wording import Wording
from senderauth.values import PLACEHOLDER, Facts, Reason, plain

MAX_RECEIVERS = 5
MAX_RECIPIENTS = 10
LISTS = {"who": "act", "checks": "check", "missing": "fact", "assumed": "fact"}
"""Facts of reasons that are ids, and the kind of their words."""


def explain_text(
    report: Any, words: Wording, *, width: int = 80, colour: bool = False, verbose: int = 0
) -> str:
    """The explanation of a bounce message or text. verbose: 1 adds the whole simulation, 2 and more as in
    `check_text`.
    """
    page = Page(width, colour)
    if len(report.bounces) == 1:
        _bounce(page, report.bounces[0], words, whole=True)
    else:
        _groups(page, report.groups, words, whole=True)
    if verbose:
        shown = {id(bounce.check): bounce.check for bounce in report.bounces if bounce.check is not None}
        messages = {
            id(bounce.message): bounce.message for bounce in report.bounces if bounce.message is not None
        }
        for message in messages.values():
            page.line()
            told = message_text(message, words, width=width, colour=colour, verbose=verbose - 1)
            page.lines += told.rstrip("\n").split("\n")
        for check in shown.values():
            page.line()
            text = check_text(check, words, width=width, colour=colour, verbose=verbose - 1)
            page.lines += text.rstrip("\n").split("\n")
    return str(page)


def groups_text(
    groups: Iterable[Any], words: Wording, *, width: int = 80, colour: bool = False, verbose: int = 0
) -> str:
    """What a log tells, by cause. verbose adds facts and other readings of the first of each."""
    page = Page(width, colour)
    listed = list(groups)
    if not listed:
        page.line(words.say("explain", "no-bounces"))
    else:
        _groups(page, listed, words, whole=bool(verbose))
    return str(page)


def cases_text(groups: Iterable[Any], words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """Of what a log tells, only whether it holds: each cause with its domains and addresses."""
    page = Page(width, colour)
    for group in groups:
        page.line(_group_line(group, words), indent=2, hang=4)
        _cases(page, group, words, indent=4)
    return str(page)


def explain_document(
    bounces: Iterable[Any], groups: Iterable[Any], *, with_check: bool = True
) -> dict[str, Any]:
    """The explanation as JSON knows it: what is said of the first bounce stands first. with_check: the
    simulations, whole.
    """
    told = [_document(bounce, with_check) for bounce in bounces]
    first = told[0]
    return {
        "schema": "senderauth/explain/1",
        "confirmation": first["confirmation"],
        "entries": first["entries"],
        "facts": first["facts"],
        "bounces": told,
        "groups": [{key: value for key, value in _fields(group) if key != "example"} for group in groups],
    }


def _fields(value: Any) -> Iterable[tuple[str, Any]]:
    return ((name, plain(getattr(value, name))) for name in value.__slots__ if name != "example")


def _document(bounce: Any, with_check: bool) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(bounce, name) for name in bounce.__slots__}
    check, message = told.pop("check"), told.pop("message")
    return {
        **plain(told),
        "codes": str(bounce.codes),
        "check": document(check) if check is not None and with_check else None,
        "message": message_document(message) if message is not None and with_check else None,
    }


def _groups(page: Page, groups: Iterable[Any], words: Wording, *, whole: bool) -> None:
    listed = list(groups)
    count = sum(group.count for group in listed)
    page.line(words.say("explain", "head-groups", {"count": count, "causes": len(listed)}), style="head")
    for group in listed:
        page.line(_group_line(group, words), indent=2, hang=4)
    for group in listed:
        page.line()
        if group.count > 1:
            page.line(_group_line(group, words), style="head")
            _group_members(page, group, words)
        _bounce(page, group.example, words, whole=whole)


def _group_line(group: Any, words: Wording) -> str:
    if not group.entry_id:
        return words.say("explain", "group-unknown", {"count": group.count, "codes": group.codes or "-"})
    title = f"{words.entry(group.entry_id).title} ({group.entry_id})"
    return words.say("explain", "group", {"count": group.count, "title": title})


def _group_members(page: Page, group: Any, words: Wording) -> None:
    if group.recipients and group.count > 1:
        named = ", ".join(map(printable, group.recipients[:MAX_RECIPIENTS]))
        page.line(words.say("explain", "group-recipients", {"recipients": named}), indent=2, hang=2)
    if group.lines:
        page.line(words.say("explain", "group-lines", {"lines": list(group.lines)}), indent=2, hang=2)
    if len(group.cases) > 1:
        _cases(page, group, words)


def _cases(page: Page, group: Any, words: Wording, indent: int = 2) -> None:
    for case in group.cases:
        facts = {
            "count": case.count,
            "author_domain": case.author_domain or "-",
            "address": case.address or "-",
            "confirmation": words.say("explain", f"proof-{case.confirmation}"),
        }
        page.line(words.say("explain", "group-case", facts), indent=indent, hang=4)


def _bounce(page: Page, bounce: Any, words: Wording, *, whole: bool) -> None:
    _answer(page, bounce, words)
    _remedy(page, bounce, words)
    _proof(page, bounce, words)
    if whole:
        _reading(page, bounce, words)
        _facts(page, bounce, words)
        _limits(page, bounce, words)


def _answer(page: Page, bounce: Any, words: Wording) -> None:
    first = bounce.entries[0]
    style = {"failed": "refused", "delayed": "deferred"}.get(bounce.action, "unknown")
    word = words.say("explain", f"said-{bounce.action}" if style != "unknown" else "said-nothing")
    if not first.id:
        page.lead(
            word if style != "unknown" else words.say("explain", "said-unknown"),
            style,
            words.say("explain", "unknown-title"),
        )
    else:
        page.lead(word, style, f"{words.entry(first.id).title} ({first.id})")
    where = []
    if bounce.recipient:
        where.append(words.say("explain", "to", {"recipient": bounce.recipient}))
    if bounce.refusing_host:
        facts = {"host": bounce.refusing_host}
        if bounce.provider:
            name = catalogue.provider_name(bounce.provider)
            where.append(words.say("explain", "by-provider", {**facts, "provider": name}))
        else:
            where.append(words.say("explain", "by", facts))
    elif bounce.provider and first.rank == "provider-text":
        where.append(words.say("explain", "by", {"host": catalogue.provider_name(bounce.provider)}))
    if bounce.line:
        where.append(
            words.say("explain", "log-line", {"line": bounce.line, "time": bounce.time}).rstrip(", ")
        )
    if where:
        page.line("; ".join(where), indent=2, hang=2)
    said = words.say("explain", "quoted", {"text": " ".join(bounce.text.split())})
    page.line(said, indent=2, hang=3, style="dim")
    if first.id:
        _who(page, bounce, words)


def _who(page: Page, bounce: Any, words: Wording) -> None:
    first = bounce.entries[0]
    if first.must_act and first.must_act[0] != "nobody":
        who = listed("act", [actor for actor in first.must_act if actor != "nobody"], words)
        said = words.say("explain", "must-act", {"who": who})
    else:
        said = words.say("explain", "nobody-acts")
    page.line(f"{said} {words.say('permanence', first.permanence)}", indent=2, hang=2)
    if first.permanence == "temporary" and bounce.action == "failed":
        page.line(words.say("explain", "given-up"), indent=2, hang=2)


def listed(kind: str, ids: Iterable[str], words: Wording) -> str:
    """The words of several ids, in a row."""
    return ", ".join(words.say(kind, id) for id in ids)


def _remedy(page: Page, bounce: Any, words: Wording) -> None:
    first = bounce.entries[0]
    if not first.id:
        _codes(page, bounce, words, 2)
        return
    page.head(words.say("catalogue", "cause"))
    entry = words.entry(first.id)
    page.line(entry.cause, indent=2)
    facts = dict(bounce.remedies[0].facts) if bounce.remedies else {}
    case = _case(entry.case, {**{fact.name: fact.value for fact in reversed(bounce.facts)}, **facts}, words)
    if case:
        page.line(case, indent=2)
    page.head(words.say("explain", "head-remedy"))
    texts = {words.say("action", a.id, a.facts): a for remedy in bounce.remedies for a in remedy.actions}
    for number, (text, action) in enumerate(texts.items(), 1):
        page.line(f"{number}. {text} [{words.say('actor', action.who)}]", indent=2, hang=3)
    if not texts:
        page.line(entry.remedy, indent=2)


def _case(template: str, facts: Facts, words: Wording) -> str:
    """The sentence about this case, where all is known that it speaks of."""
    wanted = PLACEHOLDER.findall(template)
    return words.fill(template, facts) if template and all(facts.get(name) for name in wanted) else ""


def _codes(page: Page, bounce: Any, words: Wording, indent: int) -> None:
    meanings = bounce.entries[0].meanings
    if not meanings:
        page.line(words.say("explain", "no-codes"), indent=indent, hang=2)
        return
    page.line(words.say("explain", "codes-say"), indent=indent, hang=2)
    for key in meanings:
        said, source = catalogue.code_words(key, words.language), catalogue.code_source(key)
        page.line(f"{key.replace('x.', 'X.')}: {said} ({source})", indent=indent + 2, hang=2)


def confirmation_text(bounce: Any, words: Wording, *, width: int = 80, colour: bool = False) -> str:
    """Whether the bounce's cause holds, and why, by itself."""
    page = Page(width, colour)
    _confirmation(page, bounce, words)
    return str(page)


def _confirmation(page: Page, bounce: Any, words: Wording) -> None:
    style = {"confirmed": "refused", "not-reproduced": "accepted"}.get(bounce.confirmation, "unknown")
    word = words.say("explain", f"proof-{bounce.confirmation}")
    page.lead(word, style, explain_reason(bounce.reason, words))


def _proof(page: Page, bounce: Any, words: Wording) -> None:
    page.head(words.say("explain", "head-proof"))
    _confirmation(page, bounce, words)
    if bounce.step is not None and bounce.confirmation != "cannot-be-checked":
        page.line(words.say("explain", "step", {"reason": words.reason(bounce.step)}), indent=2, hang=2)
    if bounce.assumed and bounce.confirmation != "cannot-be-checked":
        facts = ", ".join(
            f"{words.say('fact', fact.name)} {printable(fact.value)} ({words.say('source', fact.source)})"
            for fact in bounce.assumed
        )
        page.line(words.say("explain", "assumed", {"facts": facts}), indent=2, hang=2)
    addable = set(bounce.missing) - {"recipient"}
    if addable or (bounce.assumed and bounce.confirmation != "cannot-be-checked"):
        page.line(words.say("explain", "add-facts"), indent=2, hang=2)


def explain_reason(reason: Reason, words: Wording) -> str:
    """Why it is confirmed or not, with ids among the facts put into words."""
    facts = dict(reason.facts)
    for name, kind in LISTS.items():
        value = facts.get(name)
        if isinstance(value, (list, tuple)):
            facts[name] = listed(kind, map(str, value), words)
    receivers = facts.get("receivers")
    if isinstance(receivers, (list, tuple)) and len(receivers) > MAX_RECEIVERS:
        more = words.say("explain", "more-recipients", {"count": len(receivers) - MAX_RECEIVERS})
        facts["receivers"] = f"{', '.join(receivers[:MAX_RECEIVERS])} {more}"
    if facts.get("entry"):
        facts["title"] = words.entry(str(facts["entry"])).title
    return words.say("reason", reason.id, facts)


def _reading(page: Page, bounce: Any, words: Wording) -> None:
    first = bounce.entries[0]
    page.head(words.say("explain", "head-reading"))
    if first.words:
        page.line(words.say("explain", "recognised", {"words": first.words}), indent=2, hang=2)
    page.line(words.say("rank", first.rank), indent=2, hang=2)
    if first.id and first.meanings:
        key = first.meanings[0]
        said = f"{bounce.codes}: {catalogue.code_words(key, words.language)}"
        page.line(said, indent=2, hang=2)
    if bounce.codes.conflict:
        page.line(words.say("explain", "conflict"), indent=2, hang=2)
    if first.ambiguity:
        page.line(catalogue.ambiguity_words(first.ambiguity, words.language), indent=2, hang=2)
    others = {found.id: words.say("rank", found.rank) for found in bounce.entries[1:] if found.id}
    others |= {id: "" for id in first.may_mean if id not in others}
    if others:
        page.line(words.say("explain", "others"), indent=2)
        for id, why in others.items():
            page.line(f"- {words.entry(id).title} ({id}). {why}".rstrip(), indent=2, hang=2)


def _facts(page: Page, bounce: Any, words: Wording) -> None:
    if not bounce.facts:
        return
    page.head(words.say("explain", "head-facts"))
    for fact in bounce.facts:
        label, source = words.say("fact", fact.name), words.say("source", fact.source)
        page.line(f"{label}: {printable(fact.value or '<>')} ({source})", indent=2, hang=4)


def _limits(page: Page, bounce: Any, words: Wording) -> None:
    page.head(words.say("explain", "head-limits"))
    page.line(words.say("explain", "limits-text"), indent=2, hang=2)
    if bounce.reason.id == "explain-offline":
        page.line(words.say("explain", "limits-offline"), indent=2, hang=2)
    elif bounce.confirmation != "cannot-be-checked" or bounce.check is not None:
        page.line(words.say("explain", "limits-past"), indent=2, hang=2)
