"""`senderauth lint`: would zone files as drafted still authorise all who send?"""

from __future__ import annotations

from typing import Annotated

import typer

from senderauth.cli.options import (
    AsJson,
    FailOn,
    Lang,
    Nameservers,
    OverLive,
    Receivers,
    Sets,
    Timeout,
    Tries,
    Unsets,
)

List = list[str]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("lint")(lint)


def lint(
    zone: Annotated[List, typer.Argument(metavar="ZONE…", help="Zone files, as they are to be published.")],
    senders: Annotated[
        str,
        typer.Option(metavar="FILE", help="CSV: domain,host,mail_from,helo,signers, a row for each sender."),
    ],
    over_live: OverLive = False,
    set_: Sets = None,
    unset: Unsets = None,
    receiver: Receivers = None,
    nameserver: Nameservers = None,
    timeout: Timeout = 5.0,
    tries: Tries = 3,
    json: AsJson = False,
    lang: Lang = None,
    fail_on: FailOn = None,
) -> None:
    """Check before publishing: would these zones still authorise all our senders?

    senderauth lint draft.zone --senders senders.csv --over-live
    """
    from senderauth import sync
    from senderauth.cli.arguments import fail_level, resolver_for
    from senderauth.cli.main import fail
    from senderauth.cli.output import columns, in_colour, write, write_json
    from senderauth.cli.senders import read_senders
    from senderauth.dns import record_places
    from senderauth.report import default_language, document, draft_text, wording

    try:
        level = fail_level(fail_on)
        words = wording(lang or default_language())
        rows = [(row.place, row.scenario) for row in read_senders(senders)]
        resolver = resolver_for(
            zone,
            False,
            nameserver or (),
            timeout,
            tries,
            sets=set_ or (),
            unsets=unset or (),
            over_live=over_live,
        )
        changed = {(q.name, q.rdtype) for q in getattr(resolver, "changed", ())}  # these stand in no file
        places = {key: place for key, place in record_places(zone).items() if key not in changed}
        report = sync.check_draft(rows, resolver, places=places, receivers=receiver)
    except ValueError as problem:
        fail(problem)
    if json:
        write_json(document(report))
    else:
        write(draft_text(report, words, width=columns(), colour=in_colour()))
    raise typer.Exit(report.exit_code(level))
