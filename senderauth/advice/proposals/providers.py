"""Known providers: whose server a host is, and how its customers authenticate mail."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as in providers.toml."""

    id: str
    name: str
    suffixes: tuple[str, ...]
    include: str | None
    """The SPF record that covers its servers."""
    return_path: tuple[str, str] | None
    """Label and target of an alias for bounces."""
    takes_return_paths: bool
    """Whether customers can have bounces go to a name of theirs, as far as is known."""
    dkim: tuple[tuple[str, str], ...]
    """Selectors and the targets of their aliases."""
    mailboxes: frozenset[str]
    source: str

    def aliases(self, domain: str) -> tuple[tuple[str, str], ...]:
        """Selector and target for this domain."""
        return tuple(
            (
                selector,
                target.replace("{domain}", domain).replace("{dashed}", domain.replace(".", "-")).lower(),
            )
            for selector, target in self.dkim
        )


@lru_cache(maxsize=1)
def providers() -> Mapping[str, Provider]:
    """All providers by id."""
    text = files("senderauth.advice.proposals").joinpath("providers.toml").read_text("utf-8")
    return {
        id: Provider(
            id,
            table["name"],
            tuple(table["suffixes"]),
            table.get("include"),
            tuple(table["return_path"]) if "return_path" in table else None,
            table.get("takes_return_paths", True),
            tuple((selector, target) for selector, target in table.get("dkim", ())),
            frozenset(table.get("mailboxes", ())),
            table["source"],
        )
        for id, table in tomllib.loads(text).items()
    }


@lru_cache(maxsize=1)
def _by_suffix() -> Mapping[str, Provider]:
    return {suffix: provider for provider in providers().values() for suffix in provider.suffixes}


def providers_of(hosts: Iterable[str]) -> tuple[Provider, ...]:
    """The providers below whose names these hosts or domains are, in that order."""
    found: dict[str, Provider] = {}
    for host in hosts:
        name = host.lower().removesuffix(".")[:253]
        while name:
            provider = _by_suffix().get(name)
            if provider is not None:
                found.setdefault(provider.id, provider)
                break
            name = name.partition(".")[2]
    return tuple(found.values())


@lru_cache(maxsize=1)
def _mailboxes() -> frozenset[str]:
    return frozenset(domain for provider in providers().values() for domain in provider.mailboxes)


def is_mailbox_provider(name: str) -> bool:
    """Whether a name is, or is below, a domain where anybody can have a mailbox."""
    while name:
        if name in _mailboxes():
            return True
        name = name.partition(".")[2]
    return False
