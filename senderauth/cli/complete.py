"""Words that a shell completes."""

from __future__ import annotations


def receiver_ids(incomplete: str) -> list[str]:
    """Ids of receiver policies."""
    from senderauth.simulation import receivers

    return [id for id in receivers() if id.startswith(incomplete)]


def languages(incomplete: str) -> list[str]:
    """Languages of reports."""
    return [language for language in ("en", "nl", "de") if language.startswith(incomplete)]
