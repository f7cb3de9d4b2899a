"""`senderauth explain`: from a bounce to its cause, its proof and its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat, tee
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senderauth.cli.options import (
    AsJson,
    Demo,
    Fix,
    Form,
    KeyFile,
    Lang,
    Nameservers,
    Network,
    NewKey,
    OverLive,
    Receivers,
    Senders,
    Sets,
    Timeout,
    Tries,
    Unsets,
    Verbose,
    Zones,
)

if TYPE_CHECKING:
    from senderauth.advice import Explained, Explainer, Group, WhatIf
    from senderauth.dns import Resolver
    from senderauth.report import Wording

Fact = str | None
INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explain")(explain)


def explain(
    text: Annotated[
        list[str],
        typer.Argument(metavar="TEXT|FILE|-", help="The bounce's text, a file, or - for standard input."),
    ],
    offline: Annotated[bool, typer.Option("--offline", help="Ask no DNS, confirm nothing.")] = False,
    author: Annotated[
        Fact, typer.Option(metavar="ADDRESS", help="From address or its domain, where the bounce lacks it.")
    ] = None,
    ip: Annotated[
        Fact, typer.Option(metavar="ADDRESS", help="Address of the sending server, where it is lacking.")
    ] = None,
    mail_from: Annotated[
        Fact, typer.Option(metavar="ADDRESS", help="MAIL FROM address, where it is lacking.")
    ] = None,
    helo: Annotated[Fact, typer.Option(metavar="NAME", help="HELO name, where it is lacking.")] = None,
    receiver: Receivers = None,
    zone: Zones = None,
    over_live: OverLive = False,
    set_: Sets = None,
    unset: Unsets = None,
    fix: Fix = False,
    network: Network = None,
    senders: Senders = None,
    key: KeyFile = None,
    new_key: NewKey = None,
    form: Form = None,
    demo: Demo = False,
    nameserver: Nameservers = None,
    timeout: Timeout = 5.0,
    tries: Tries = 3,
    json: AsJson = False,
    lang: Lang = None,
    verbose: Verbose = 0,
) -> None:
    """Explain a bounce: what happened, whose turn it is, does it still hold, and what to do.

    senderauth explain "550 5.7.1 Email rejected per DMARC policy for example.com" --ip 203.0.113.9

    Takes a pasted text, a bounce message (.eml), or a mail log, which it reads as a stream and counts by
    cause (--json: a document a line). Exit codes: 1 a refusal stands, 0 it would not be refused now or is
    only delayed, 3 DNS would not tell, 2 unreadable input.
    """
    from senderauth.cli.arguments import resolver_for
    from senderauth.cli.main import fail
    from senderauth.report import default_language, wording

    try:
        fix = fix or form is not None
        if not fix and (network or senders or key or new_key):
            raise ValueError("--network, --senders, --key and --new-key belong to --fix")
        if offline and (zone or demo or nameserver or set_ or unset or fix):
            raise ValueError("--offline excludes --zone, --demo, --nameserver, --set, --unset and --fix")
        words = wording(lang or default_language())
        asked = None
        if not offline:
            asked = resolver_for(
                zone or (),
                demo,
                nameserver or (),
                timeout,
                tries,
                sets=set_ or (),
                unsets=unset or (),
                over_live=over_live,
            )
        given = {"receivers": receiver, "ip": ip, "mail_from": mail_from, "helo": helo, "author": author}
        fixing = {"network": network, "senders": senders, "key": key, "new_key": new_key, "form": form}
        code = _run(" ".join(text), asked, given, words, json, verbose, fixing if fix else None)
    except ValueError as problem:
        fail(problem)
    raise typer.Exit(code)


def _run(
    argument: str,
    asked: Resolver | None,
    given: dict[str, Any],
    words: Wording,
    json: bool,
    verbose: int,
    fixing: dict[str, str | None] | None,
) -> int:
    from senderauth import sync
    from senderauth.cli import sources
    from senderauth.cli.arguments import without_changes
    from senderauth.cli.fixing import proposals_for, show_form
    from senderauth.cli.output import columns, in_colour, write, write_json
    from senderauth.report import (
        confirmation_text,
        explain_document,
        explain_text,
        proposals_document,
        proposals_text,
        what_if_text,
    )

    data, rest = sources.read(argument)
    look: dict[str, Any] = {"width": columns(), "colour": in_colour(), "verbose": verbose}
    if rest is not None:
        if fixing is not None:
            raise ValueError("--fix is for one bounce, not for a log")
        return _log(sources.lines(data, rest), asked, given, words, json, look)
    report = sync.explain(data, asked, **given)
    checked = next((bounce.check for bounce in report.bounces if bounce.check is not None), None)
    proposals = None
    if fixing is not None and checked is not None and asked is not None:
        proposals = proposals_for(checked, asked, **fixing)
    if fixing is not None and fixing["form"] is not None:
        show_form(proposals or (), fixing["form"], words.language)
        return report.exit_code()
    below = None if asked is None else without_changes(asked)
    pair = None
    if below is not None:
        place = next((i for i, bounce in enumerate(report.bounces) if bounce.check is not None), 0)
        pair = sync.explain(data, below, **given).bounces[place], report.bounces[place]
    if json:
        whole = explain_document(report.bounces, report.groups)
        if pair is not None and asked is not None:
            whole["what_if"] = _changed(*pair, asked)
        if proposals is not None:
            whole["proposals"] = proposals_document(proposals)["proposals"]
        write_json(whole)
    else:
        if pair is not None and asked is not None:
            page: dict[str, Any] = {"width": columns(), "colour": in_colour()}
            said = confirmation_text(pair[0], words, **page)
            write(what_if_text(_what_if(*pair, asked), words, said=said, **page))
        write(explain_text(report, words, **look))
        if proposals is not None:
            write(proposals_text(proposals, words, width=columns(), colour=in_colour()))
    return report.exit_code()


def _log(
    lines: Iterator[bytes | None],
    asked: Resolver | None,
    given: dict[str, Any],
    words: Wording,
    json: bool,
    look: dict[str, Any],
) -> int:
    """Explains a log's bounces as they come; as JSON each is written at once, as text what is new whenever
    no more lines come, and all at the end, which may be an interrupt.
    """
    from senderauth import sync
    from senderauth.advice import Explainer
    from senderauth.cli.arguments import without_changes
    from senderauth.cli.output import write, write_json
    from senderauth.report import cases_text, explain_document, groups_text, what_if_text

    explainer = Explainer(asked, **given)
    below = None if asked is None else without_changes(asked)
    earlier = None if below is None else Explainer(below, **given)
    if not json:
        known = {name: look[name] for name in ("width", "colour")}

        def tell(new: list[Group], more: list[Group]) -> None:
            write((groups_text(new, words, **look) if new else "") + cases_text(more, words, **known) + "\n")

        lines = _told_at_pauses(lines, explainer, tell)
    lines, again = tee(lines) if earlier is not None else (lines, iter(()))
    before = repeat(None) if earlier is None else sync.explain_log(again, earlier)
    interrupted = False
    try:
        for bounce, was in zip(sync.explain_log(lines, explainer), before, strict=False):
            if json:
                whole = explain_document((bounce,), (), with_check=False)
                if was is not None and asked is not None:
                    whole["what_if"] = _changed(was, bounce, asked)
                write_json(whole, indent=None)
    except KeyboardInterrupt:
        interrupted = True
    if not json:
        if earlier is not None and asked is not None:
            said = cases_text(earlier.groups(), words, **known)
            write(what_if_text(_what_if(None, None, asked), words, said=said, **known))
        write(groups_text(explainer.groups(), words, **look))
    return INTERRUPTED if interrupted else explainer.exit_code()


def _told_at_pauses(
    lines: Iterator[bytes | None], explainer: Explainer, tell: Callable[[list[Group], list[Group]], None]
) -> Iterator[bytes | None]:
    """The lines; where they pause, it is told which causes are new and of which there are more."""
    told: dict[tuple[str, str], int] = {}
    for line in lines:
        yield line
        if line is None:  # whoever wants the next one has dealt with those before
            fresh = [group for group in explainer.groups() if told.get(_cause(group)) != group.count]
            if fresh:
                new = [group for group in fresh if _cause(group) not in told]
                tell(new, [group for group in fresh if _cause(group) in told])
            told.update((_cause(group), group.count) for group in fresh)


def _cause(group: Group) -> tuple[str, str]:
    return group.entry_id, group.codes


def _what_if(before: Explained | None, after: Explained | None, asked: Resolver) -> WhatIf:
    """What was supposed, and what becomes of the sends that two readings of one bounce judged."""
    from senderauth.advice import what_if

    return what_if(before.check if before else None, after.check if after else None, asked)


def _changed(before: Explained, after: Explained, asked: Resolver) -> dict[str, Any]:
    """What was supposed and what it changes for a bounce."""
    from senderauth.report import what_if_document

    told = what_if_document(_what_if(before, after, asked))
    return {**told, "confirmation": {"before": before.confirmation, "after": after.confirmation}}
