"""What several commands take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senderauth.advice import Judged, WhatIf
    from senderauth.dns import Resolver
    from senderauth.values import Severity


def expand_files(words: list[str]) -> list[str]:
    """`--zone a.zone b.zone` as a shell writes it for `--zone *.zone`: each file gets the option's name.

    Only words that end in .zone or hold a slash count as files, so that an author after --zone stays one.
    """
    expanded: list[str] = []
    after_zone = False
    for index, word in enumerate(words):
        previous = words[index - 1] if index else ""
        if previous == "--zone":
            after_zone = True
        elif word.startswith("-"):
            after_zone = False
        elif after_zone and (word.endswith((".zone", ".db")) or "/" in word):
            expanded.append("--zone")
        expanded.append(word)
    return expanded


TAPE: ContextVar[Callable[[Callable[[], Resolver]], Resolver] | None] = ContextVar("TAPE", default=None)
TAPE_TIME: ContextVar[str | None] = ContextVar("TAPE_TIME", default=None)
"""When the tape was recorded: what expires is judged as of then."""
"""`record` and `replay`: makes a resolver of a function that makes one; `replay` never calls it."""


def resolver_for(
    zones: Iterable[str],
    demo: bool,
    nameservers: Iterable[str],
    timeout: float,
    tries: int,
    *,
    sets: Iterable[str] = (),
    unsets: Iterable[str] = (),
    over_live: bool = False,
    rate: float | None = None,
    asked_twice: bool = True,
) -> Resolver:
    """Where answers come from: zone files, the zones of the package, or name servers; over them what is
    only supposed (`--set`, `--unset`, `--zone … --over-live`). asked_twice: with the changes and without, so
    that answers are kept. Raises ValueError.
    """
    files, servers = list(zones), list(nameservers)
    if over_live and (not files or demo):
        raise ValueError("--over-live lays --zone files over DNS: name them, without --demo")
    if (files or demo) and servers and not over_live:
        raise ValueError("--nameserver has no use beside --zone or --demo")
    base = _base([] if over_live else files, demo, servers, timeout, tries, rate)
    sets, unsets = list(sets), list(unsets)
    if not (over_live or sets or unsets):
        return base
    from senderauth.dns import CachingResolver, DraftResolver, OverlayResolver, ZoneResolver, written_changes

    supposed: Resolver = CachingResolver(over=base) if asked_twice else base
    if over_live:
        supposed = DraftResolver(ZoneResolver.from_files(*files), over=supposed)
    if sets or unsets:
        supposed = OverlayResolver(written_changes(sets, unsets), over=supposed)
    return supposed


def without_changes(resolver: Resolver) -> Resolver | None:
    """What is below the changes that were only supposed; None where there are none."""
    from senderauth.dns import DraftResolver, OverlayResolver

    below = resolver
    while isinstance(below, (OverlayResolver, DraftResolver)):
        below = below.over
    return None if below is resolver else below


def before_changes(resolver: Resolver, after: Judged, again: Callable[[Resolver], Judged]) -> WhatIf | None:
    """The send judged without the changes that were only supposed, compared with the report that has them;
    None where there are none. again: judges it on a resolver.
    """
    below = without_changes(resolver)
    if below is None:
        return None
    from senderauth.advice import what_if

    return what_if(again(below), after, resolver)


def _base(
    files: list[str], demo: bool, servers: list[str], timeout: float, tries: int, rate: float | None
) -> Resolver:
    def asked() -> Resolver:
        return _asked(files, demo, servers, timeout, tries, rate)

    taped = TAPE.get()
    return asked() if taped is None else taped(asked)


def _asked(
    files: list[str], demo: bool, servers: list[str], timeout: float, tries: int, rate: float | None
) -> Resolver:
    from senderauth.dns import LiveResolver, ZoneResolver

    if demo:
        from importlib.resources import as_file
        from importlib.resources import files as resources

        with as_file(resources("senderauth.cli").joinpath("demo.zone")) as path:
            return ZoneResolver.from_files(*files, path)
    if files:
        return ZoneResolver.from_files(*files)
    return LiveResolver(servers or None, timeout=timeout, tries=tries, rate=rate)


def fail_level(text: str | None) -> Severity | None:
    """The severity of --fail-on. Raises ValueError."""
    from senderauth.values import SEVERITIES

    for severity in SEVERITIES:
        if text == severity:
            return severity
    if text is None:
        return None
    raise ValueError(f"--fail-on: {text!r} is none of {', '.join(SEVERITIES)}")


def judged_at(text: str | None) -> float:
    """The time of --at, else that of the tape, else now. Raises ValueError."""
    import time

    given = text if text is not None else TAPE_TIME.get()
    return time.time() if given is None else moment(given)


def moment(text: str) -> float:
    """A time as ISO 8601 writes it, or seconds since 1970, as the latter; without a zone it is UTC. Raises
    ValueError.
    """
    from datetime import UTC, datetime

    try:
        return float(int(text))
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"--at: no time as in 2026-05-01T12:00Z: {text!r}") from None
