"""`senderauth message`: judges signed messages, and says what broke them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senderauth.cli.options import (
    AsJson,
    Demo,
    FailOn,
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
    from senderauth.advice import MessageReport, Proposal, WhatIf
    from senderauth.cli.mails import Mail
    from senderauth.dns import Resolver

SIDE_BY_SIDE = 16
"""Messages whose DNS questions are asked together."""
BATCH_OCTETS = 16_000_000
List = list[str]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("message")(message)


def message(
    files: Annotated[
        List, typer.Argument(metavar="FILE…", help="Message, mbox, folder; - for standard input.")
    ],
    ip: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Address that delivered it.")] = None,
    mail_from: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help='MAIL FROM; "<>" for a null one.')
    ] = None,
    helo: Annotated[str | None, typer.Option(metavar="NAME", help="HELO name.")] = None,
    trusted: Annotated[
        List | None, typer.Option(metavar="NETWORK|HOST", help="One of your own relays; repeatable.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Judge as of this time, ISO 8601. Default: now.")
    ] = None,
    second_opinion: Annotated[
        bool | None, typer.Option(help="Let dkimpy judge, too. Default: for a single message.")
    ] = None,
    diagnose: Annotated[bool, typer.Option(help="Search for what broke a signature.")] = True,
    write_authentication_results: Annotated[
        bool, typer.Option("--write-authentication-results", help="Print only the field of RFC 8601.")
    ] = False,
    authserv_id: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name in that field. Default: this host's.")
    ] = None,
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
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The answers alone.")] = False,
    fail_on: FailOn = None,
) -> None:
    """Judge a message that has arrived: its signatures, what broke them, what receivers would answer.

    senderauth message mail.eml --ip 203.0.113.9
    """
    from senderauth import sync
    from senderauth.cli.arguments import before_changes, fail_level, judged_at, resolver_for
    from senderauth.cli.fixing import message_judge, quick
    from senderauth.cli.mails import is_single, mails
    from senderauth.cli.main import fail, warn
    from senderauth.dns import CachingResolver

    try:
        single = is_single(files)
        level = fail_level(fail_on)
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
        facts: dict[str, Any] = {
            "ip": ip,
            "mail_from": mail_from,
            "helo": helo,
            "trusted": trusted or (),
            "now": judged_at(at),
            "receivers": receiver,
            "with_second_opinion": single if second_opinion is None else second_opinion,
            "with_diagnosis": diagnose,
        }
        noted_by = authserv_id or _own_name() if write_authentication_results else None
        shown = _Output(single, json, lang, verbose, quiet, noted_by)
        if (fix or form) and not single:
            raise ValueError("--fix takes one message")
        codes = set()
        for mail, report in _judged(mails(files), CachingResolver(over=asked), facts):
            if report is None:
                warn(f"{mail.name}: {mail.problem}")
                shown.counts["unread"] += 1
                codes.add(2)
            else:
                if fix or form:
                    shown.propose(
                        report,
                        CachingResolver(over=asked),
                        form,
                        judge=message_judge(mail.octets, facts),
                        network=network,
                        senders=senders,
                        key=key,
                        new_key=new_key,
                    )
                again = partial(sync.verify_message, mail.octets, **quick(facts))
                changed = before_changes(asked, report, again)
                shown.write(mail.name, report, changed)
                codes.add(report.exit_code(level))
        shown.end()
    except ValueError as problem:
        fail(problem)
    raise typer.Exit(next((code for code in (1, 2, 3) if code in codes), 0))


def _own_name() -> str:
    import platform

    return platform.node() or "localhost"


def _judged(
    found: Iterator[Mail], resolver: Resolver, facts: dict[str, Any]
) -> Iterator[tuple[Mail, MessageReport | None]]:
    """The messages with their reports, in order; a few side by side."""
    from senderauth.advice import verify_message
    from senderauth.dns import run, together

    for batch in _batches(found):
        works = [verify_message(mail.octets, resolver, **facts) for mail in batch if not mail.problem]
        reports = iter(run(together(*works)) if works else ())
        for mail in batch:
            yield mail, None if mail.problem else next(reports)


def _batches(found: Iterator[Mail]) -> Iterator[list[Mail]]:
    """A few messages at a time, the first alone: what is wrong with the arguments is told at once."""
    batch: list[Mail] = []
    first = True
    for mail in found:
        batch.append(mail)
        full = len(batch) == SIDE_BY_SIDE or sum(len(one.octets) for one in batch) > BATCH_OCTETS
        if first or full:
            yield batch
            batch, first = [], False
    if batch:
        yield batch


class _Output:
    """How one message, or each of many, is shown."""

    def __init__(
        self, single: bool, json: bool, lang: str | None, verbose: int, quiet: bool, authserv_id: str | None
    ) -> None:
        from senderauth.report import default_language, wording

        self.words = wording(lang or default_language())
        self.single, self.json, self.verbose, self.quiet = single, json, verbose, quiet
        self.authserv_id = authserv_id
        self.counts: Counter[str] = Counter()
        self.proposals: tuple[Proposal, ...] | None = None
        self.form: str | None = None
        self.lang = lang

    def propose(self, report: MessageReport, resolver: Resolver, form: str | None, **options: Any) -> None:
        """Works the proposals out that are shown with the message, or in its place."""
        from senderauth.cli.fixing import proposals_for

        self.form = form
        self.proposals = proposals_for(report, resolver, form=form, **options)

    def write(self, name: str, report: MessageReport, changed: WhatIf | None) -> None:
        """One message's report: a document or a line of JSON, the field, the report or its short form; with
        what came before the changes that were only supposed.
        """
        from senderauth.cli.output import columns, in_colour, write, write_json
        from senderauth.message import write_results
        from senderauth.report import (
            message_document,
            message_text,
            printable,
            proposals_document,
            proposals_text,
            what_if_document,
            what_if_text,
        )

        self.counts[report.outcome] += 1
        if self.form is not None:
            from senderauth.cli.fixing import show_form

            show_form(self.proposals or (), self.form, self.lang)
        elif self.authserv_id is not None:
            write(write_results(self.authserv_id, report.authentication_results).replace("\r\n", "\n"))
        elif self.json:
            whole = message_document(report, name)
            if changed is not None:
                whole["what_if"] = what_if_document(changed)
            if self.proposals is not None:
                whole["proposals"] = proposals_document(self.proposals)["proposals"]
            write_json(whole, 2 if self.single else None)
        else:
            if changed is not None:
                if not self.single:
                    write(printable(name) + "\n")
                write(what_if_text(changed, self.words, width=columns(), colour=in_colour()))
            write(
                message_text(
                    report,
                    self.words,
                    name="" if self.single or changed is not None else name,
                    width=columns(),
                    colour=in_colour(),
                    verbose=self.verbose,
                    quiet=self.quiet or not (self.single or self.verbose),
                )
            )
            if self.proposals is not None:
                write(proposals_text(self.proposals, self.words, width=columns(), colour=in_colour()))

    def end(self) -> None:
        """Of many messages, how many came to what."""
        from senderauth.cli.output import write
        from senderauth.simulation import OUTCOMES

        if self.single or self.json or self.authserv_id is not None:
            return
        counts = {outcome: self.counts[outcome] for outcome in (*OUTCOMES, "unread")}
        write("\n" + self.words.ui("messages-total", count=sum(counts.values()), **counts) + "\n")
