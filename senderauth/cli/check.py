"""`senderauth check`: judges a planned send."""

from __future__ import annotations

from typing import Annotated

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
from senderauth.cli.output import show

List = list[str]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("check")(check)


def check(
    author: Annotated[str, typer.Argument(metavar="AUTHOR", help="From address, or its domain alone.")],
    host: Annotated[
        List, typer.Option("--host", metavar="HOST", help="Sending host: address or name; repeatable.")
    ],
    mail_from: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help='MAIL FROM address; "<>" for a null one. Default: the author.'),
    ] = None,
    helo: Annotated[
        str | None, typer.Option(metavar="NAME", help="HELO name. Default: from reverse DNS, else the host.")
    ] = None,
    dkim: Annotated[
        List | None, typer.Option(metavar="DOMAIN[:SELECTOR]", help="Planned DKIM signer; repeatable.")
    ] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="The mail has no DKIM signature.")] = False,
    login: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address you log in with at the submission server.")
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
    lint: Annotated[bool, typer.Option(help="Add checkdmarc's findings (half a second slower).")] = False,
    json: AsJson = False,
    lang: Lang = None,
    verbose: Verbose = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="The answers alone.")] = False,
    fail_on: FailOn = None,
) -> None:
    """Judge a planned send before it happens: what would receivers answer, and what must change?

    senderauth check shop@example.com --host 203.0.113.9 --dkim example.com:s1
    """
    from senderauth import sync
    from senderauth.cli.arguments import before_changes, fail_level, resolver_for
    from senderauth.cli.main import fail
    from senderauth.simulation import Scenario, parse_signer

    try:
        if unsigned and dkim:
            raise ValueError("--unsigned and --dkim exclude each other")
        signers = () if unsigned else tuple(parse_signer(text) for text in dkim) if dkim else None
        scenario = Scenario(author, tuple(host), mail_from, helo, signers, login)
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
        level = fail_level(fail_on)
        report = sync.check(scenario, asked, receivers=receiver, with_lint=lint)
        changed = before_changes(asked, report, lambda below: sync.check(scenario, below, receivers=receiver))
        proposals = None
        if fix or form:
            from senderauth.cli.fixing import proposals_for, show_form

            proposals = proposals_for(
                report, asked, network=network, senders=senders, key=key, new_key=new_key, form=form
            )
        elif network or senders or key or new_key:
            raise ValueError("--network, --senders, --key and --new-key belong to --fix")
        if form and proposals is not None:
            show_form(proposals, form, lang)
        else:
            show(report, json, lang, verbose, quiet, changed, proposals)
        code = report.exit_code(level)
    except ValueError as problem:
        fail(problem)
    raise typer.Exit(code)
