"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from senderauth.cli.complete import languages, receiver_ids

Receivers = Annotated[
    list[str] | None,
    typer.Option(
        "--receiver",
        metavar="ID",
        help="Only this receiver or family; repeatable. See `receivers`.",
        autocompletion=receiver_ids,
    ),
]
Zones = Annotated[
    list[str] | None,
    typer.Option("--zone", metavar="FILE…", help="Answer from zone files, not from DNS."),
]
Demo = Annotated[bool, typer.Option("--demo", help="Answer from the zones that ship with senderauth.")]
Nameservers = Annotated[
    list[str] | None,
    typer.Option(
        "--nameserver",
        metavar="SERVER",
        help="address[:port], tls://…, https://…; repeatable. Default: the system's.",
    ),
]
Timeout = Annotated[float, typer.Option(min=0.1, max=120, help="Seconds for one question.")]
Tries = Annotated[int, typer.Option(min=1, max=10, help="Attempts per name server.")]
AsJson = Annotated[bool, typer.Option("--json", help="A JSON document instead of the report.")]
Lang = Annotated[
    str | None,
    typer.Option("--lang", help="en, nl or de. Default: the locale.", autocompletion=languages),
]
Verbose = Annotated[
    int, typer.Option("--verbose", "-v", count=True, help="Show every step; -vv: every answer.")
]
FailOn = Annotated[
    str | None,
    typer.Option("--fail-on", metavar="LEVEL", help="Exit 1 for findings from info, low, medium or high on."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="'NAME TYPE VALUE'",
        help="What if these records stood there, in place of all of that type at that name? Repeatable.",
    ),
]
Unsets = Annotated[
    list[str] | None,
    typer.Option("--unset", metavar="'NAME TYPE'", help="What if these records were removed? Repeatable."),
]
OverLive = Annotated[
    bool, typer.Option("--over-live", help="What if the zone files were published? All else from DNS.")
]
Fix = Annotated[
    bool, typer.Option("--fix", help="Propose the changes that cure it, each tried before you publish it.")
]
Network = Annotated[
    str | None,
    typer.Option(metavar="CIDR", help="With --fix: authorise this network in place of single addresses."),
]
Senders = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="With --fix: CSV of other senders that no change may harm."),
]
KeyFile = Annotated[
    str | None, typer.Option("--key", metavar="FILE", help="With --fix: DKIM key that may be published.")
]
NewKey = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="With --fix: make a new DKIM key; its private part goes to FILE."),
]
Form = Annotated[
    str | None,
    typer.Option("--as", metavar="FORM", help="Only the changes of --fix, as zone, nsupdate, json, panel."),
]
