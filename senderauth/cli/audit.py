"""`senderauth audit`: many domains, a row each."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senderauth.cli.options import (
    Demo,
    FailOn,
    Lang,
    Nameservers,
    OverLive,
    Senders,
    Sets,
    Timeout,
    Tries,
    Unsets,
    Zones,
)

if TYPE_CHECKING:
    from senderauth.audit import Job, Result
    from senderauth.dns import Resolver
    from senderauth.report import Wording

ENDED_BY = {signal.SIGINT: 130, signal.SIGTERM: 143}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("audit")(audit)


def audit(
    domains: Annotated[str, typer.Argument(metavar="LIST", help="File of domains; - for standard input.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Default: standard output.")
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="KIND", help="jsonl, csv or parquet. Default: as FILE is called."),
    ] = None,
    fields: Annotated[
        str | None, typer.Option(metavar="A,B,…", help="Only these fields. Default: all.")
    ] = None,
    only: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="Ask only for these, e.g. spf,dmarc. Default: everything."),
    ] = None,
    selectors: Annotated[
        str | None,
        typer.Option(metavar="A,B,…", help="DKIM selectors to ask for. Default: try six common ones."),
    ] = None,
    summary: Annotated[Path | None, typer.Option(metavar="FILE", help="The summary as JSON, too.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where FILE ends.")] = False,
    retry_unknown: Annotated[
        bool, typer.Option("--retry-unknown", help="With --resume: ask again what was unknown.")
    ] = False,
    lint: Annotated[bool, typer.Option(help="Add checkdmarc's findings (many times slower).")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Propose what to change, each change tried (several times slower).")
    ] = False,
    timing: Annotated[bool, typer.Option(help="Rows tell how long they took.")] = False,
    senders: Senders = None,
    zone: Zones = None,
    over_live: OverLive = False,
    set_: Sets = None,
    unset: Unsets = None,
    demo: Demo = False,
    nameserver: Nameservers = None,
    timeout: Timeout = 5.0,
    tries: Tries = 3,
    concurrency: Annotated[int, typer.Option(min=1, max=5000, help="Domains in flight.")] = 500,
    rate: Annotated[
        float | None, typer.Option(metavar="N", help="Questions a second to each name server at most.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Worker processes.")] = 1,
    dask: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Over the workers of this Dask scheduler.")
    ] = None,
    retries: Annotated[int, typer.Option(min=0, max=5, help="How often to ask again what is unknown.")] = 1,
    cache_size: Annotated[int, typer.Option(min=100, help="Answers kept of shared names.")] = 20_000,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no summary.")] = False,
    lang: Lang = None,
    fail_on: FailOn = None,
) -> None:
    """Audit many domains: one row each, in order, as soon as it is known.

    senderauth audit domains.txt -o audit.jsonl
    """
    from senderauth.audit import (
        Job,
        Options,
        by_organization,
        chosen_fields,
        chosen_parts,
        chosen_selectors,
        format_of,
    )
    from senderauth.cli.arguments import fail_level, resolver_for
    from senderauth.cli.main import fail, warn
    from senderauth.cli.senders import read_senders
    from senderauth.report import default_language, wording

    output = None if output == Path("-") else output
    try:
        level = fail_level(fail_on)
        _keep_apart(output, summary, (domains, senders, *(zone or ())))
        if dask and (zone or demo):
            raise ValueError("--dask asks name servers: it has no use beside --zone or --demo")
        resolver = resolver_for(
            zone or (),
            demo,
            nameserver or (),
            timeout,
            tries,
            sets=set_ or (),
            unsets=unset or (),
            over_live=over_live,
            rate=rate,
            asked_twice=False,  # an audit has its own cache, of bounded size
        )
        words, parts = chosen_selectors(selectors), chosen_parts(only, with_fix=fix)
        if senders and not fix:
            raise ValueError("--senders belongs to --fix")
        known = [row.scenario for row in read_senders(senders)] if senders else []
        job = Job(
            None if domains == "-" else Path(domains),
            output,
            format_of(None if output is None else str(output), format_),
            chosen_fields(fields, parts, with_fix=fix),
            Options(words, lint, timing, parts, fix, by_organization(known)),
            width=concurrency,
            retries=0 if (zone and not over_live) or demo else retries,
            cache_size=cache_size,
            resume=resume,
            jobs=jobs,
            retry_unknown=retry_unknown,
            scheduler=dask,
        )
        told = wording(lang or default_language())
        result, ended_by = _executed(job, resolver, quiet, told)
    except (ValueError, OSError) as problem:
        fail(problem)
    _tell(result, resolver, summary, quiet, told)
    code = ended_by or result.exit_code(level)
    if code == 2:
        warn(f"{'standard input' if domains == '-' else domains}: no line names a domain")
    raise typer.Exit(code)


def _keep_apart(output: Path | None, summary: Path | None, given: tuple[str | None, ...]) -> None:
    """ValueError, before anything is asked, where a file would be overwritten that is read or written, or the
    summary has nowhere to go at the end.
    """
    from senderauth.cli.files import is_device, same_file

    written = [str(path) for path in (output, summary) if path not in (None, Path("-"))]
    for place, path in enumerate(written):
        for other in (*given, *written[:place]):
            if other and same_file(path, other):
                raise ValueError(f"{path} would be overwritten: it is given twice")
    if summary == Path("-"):
        if output is None:
            raise ValueError("--summary: rows go to standard output")
    elif summary is not None:
        opened = summary if is_device(str(summary)) else summary.resolve().parent
        if summary.is_dir() or not os.access(opened, os.W_OK):
            raise ValueError(f"--summary: {summary} cannot be written")


def _executed(job: Job, resolver: Resolver, quiet: bool, words: Wording) -> tuple[Result, int]:
    """The job done, and the exit code of the signal that ended it, 0 if none did."""
    from senderauth.audit import NameServersGone, Running, WriteError, tune_memory
    from senderauth.cli.main import warn
    from senderauth.cli.progress import progress_for

    ended: list[int] = []
    stopping = b"" if quiet else f"\n{words.say('audit', 'stopping')}\n".encode()
    tune_memory()
    with progress_for(quiet, words) as shown:
        running = Running(job, resolver, shown)

        def end(number: int, _: Any) -> None:
            if ended:
                raise KeyboardInterrupt
            ended.append(ENDED_BY[signal.Signals(number)])
            running.stop()
            with suppress(OSError):
                os.write(2, stopping)  # no buffer: a handler may come while it is written

        before = {number: signal.signal(number, end) for number in ENDED_BY}
        try:
            result = running.execute()
        except WriteError as problem:
            warn(f"{job.target or 'standard output'}: {problem.why}; {problem.rows} rows were written")
            raise typer.Exit(2) from None
        except NameServersGone:
            since = "" if ended else " for two minutes"
            warn(f"no name server has answered{since}; what is written stays, go on with --resume")
            raise typer.Exit(ended[0] if ended else 3) from None
        except BrokenPipeError:
            warn("nobody reads any more")
            raise typer.Exit(141) from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return result, ended[0] if ended else 0


def _tell(result: Result, resolver: Resolver, path: Path | None, quiet: bool, words: Wording) -> None:
    """The summary, for people on standard error, with what was only supposed, and as JSON in a file."""
    import sys

    from senderauth.advice import what_if
    from senderauth.cli.arguments import without_changes
    from senderauth.cli.files import write_whole
    from senderauth.cli.main import fail, note
    from senderauth.cli.output import columns, in_colour
    from senderauth.report import audit_summary_text, json_text, supposed_text

    told = result.summary.document(complete=result.complete, seconds=result.seconds)
    try:
        if not quiet:
            text = audit_summary_text(told, words, width=columns(), colour=in_colour(sys.stderr))
            if without_changes(resolver) is not None:
                text = supposed_text(what_if(None, None, resolver), words, width=columns()) + "\n" + text
            note(text)
        if path is not None:
            write_whole(str(path), [json_text(told) + "\n"])
    except ValueError as problem:
        fail(problem)
