"""What several commands take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senderauth.dns import Resolver


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


def resolver_for(
    zones: Iterable[str], demo: bool, nameservers: Iterable[str], timeout: float, tries: int
) -> Resolver:
    """Where answers come from: zone files, the zones of the package, or name servers. Raises ValueError."""
    from senderauth.dns import LiveResolver, ZoneResolver

    files = list(zones)
    servers = list(nameservers)
    if (files or demo) and servers:
        raise ValueError("--nameserver has no use beside --zone or --demo")
    if demo:
        from importlib.resources import as_file
        from importlib.resources import files as resources

        with as_file(resources("senderauth.cli").joinpath("demo.zone")) as path:
            return ZoneResolver.from_files(*files, path)
    if files:
        return ZoneResolver.from_files(*files)
    return LiveResolver(servers or None, timeout=timeout, tries=tries)
