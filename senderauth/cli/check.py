"""`senderauth check`: judges a planned send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from senderauth.cli.complete import languages, receiver_ids
from senderauth.cli.output import show

if TYPE_CHECKING:
    from senderauth.values import Severity

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
    receiver: Annotated[
        List | None,
        typer.Option(
            metavar="ID",
            help="Only this receiver or family; repeatable. See `receivers`.",
            autocompletion=receiver_ids,
        ),
    ] = None,
    zone: Annotated[
        List | None, typer.Option(metavar="FILE…", help="Answer from zone files, not from DNS.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Answer from the zones that ship with senderauth.")
    ] = False,
    nameserver: Annotated[
        List | None,
        typer.Option(
            metavar="SERVER", help="address[:port], tls://…, https://…; repeatable. Default: the system's."
        ),
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=120, help="Seconds for one question.")] = 5.0,
    tries: Annotated[int, typer.Option(min=1, max=10, help="Attempts per name server.")] = 3,
    lint: Annotated[bool, typer.Option(help="Add checkdmarc's findings (half a second slower).")] = False,
    json: Annotated[bool, typer.Option("--json", help="A JSON document instead of the report.")] = False,
    lang: Annotated[
        str | None, typer.Option(help="en, nl or de. Default: the locale.", autocompletion=languages)
    ] = None,
    verbose: Annotated[
        int, typer.Option("--verbose", "-v", count=True, help="Show every step; -vv: every answer.")
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="One line per address.")] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(metavar="LEVEL", help="Exit 1 for findings from info, low, medium or high on."),
    ] = None,
) -> None:
    """Judge a planned send before it happens: what would receivers answer, and what must change?

    senderauth check shop@example.com --host 203.0.113.9 --dkim example.com:s1
    """
    from senderauth import sync
    from senderauth.cli.arguments import resolver_for
    from senderauth.cli.main import fail
    from senderauth.simulation import Scenario, parse_signer

    try:
        if unsigned and dkim:
            raise ValueError("--unsigned and --dkim exclude each other")
        signers = () if unsigned else tuple(parse_signer(text) for text in dkim) if dkim else None
        scenario = Scenario(author, tuple(host), mail_from, helo, signers, login)
        asked = resolver_for(zone or (), demo, nameserver or (), timeout, tries)
        level = fail_level(fail_on)
        report = sync.check(scenario, asked, receivers=receiver, with_lint=lint)
        show(report, json, lang, verbose, quiet)
        code = report.exit_code(level)
    except ValueError as problem:
        fail(problem)
    raise typer.Exit(code)


def fail_level(text: str | None) -> Severity | None:
    """The severity of --fail-on. Raises ValueError."""
    from senderauth.values import SEVERITIES

    for severity in SEVERITIES:
        if text == severity:
            return severity
    if text is None:
        return None
    raise ValueError(f"--fail-on: {text!r} is none of {', '.join(SEVERITIES)}")
