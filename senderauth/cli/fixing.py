"""`--fix`: proposals for what a report predicts, and the forms in which they are handed over."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senderauth.cli.senders import read_senders

if TYPE_CHECKING:
    from senderauth.advice import MessageReport, Proposal, PublicKey, Report
    from senderauth.dns import Resolver

MAX_KEY_FILE = 65_536


def proposals_for(
    report: Report | MessageReport,
    resolver: Resolver,
    *,
    judge: Any = None,
    network: str | None = None,
    senders: str | None = None,
    key: str | None = None,
    new_key: str | None = None,
    form: str | None = None,
) -> tuple[Proposal, ...]:
    """The proposals that the options ask for. judge: see `propose`. Raises ValueError."""
    from ipaddress import ip_network

    from senderauth import sync
    from senderauth.advice import check_network
    from senderauth.report import FORMS

    if form is not None and form not in FORMS:
        raise ValueError(f"--as: {form!r} is none of {', '.join(FORMS)}")
    wide = ip_network(network) if network else None
    if wide is not None:
        check_network(wide)  # before a new key is written
    others = [row.scenario for row in read_senders(senders)] if senders else []
    public = key_from(key, new_key)
    return sync.propose(report, resolver, network=wide, senders=others, key=public, judge=judge)


def quick(facts: dict[str, Any]) -> dict[str, Any]:
    """What `verify_message` is told where only its verdict is wanted."""
    return {**facts, "with_second_opinion": False, "with_diagnosis": False}


def message_judge(message: bytes, facts: dict[str, Any]) -> Any:
    """Verifies the same message again, with the return path and HELO name of the scenario."""
    from senderauth.advice import verify_message
    from senderauth.simulation import Scenario

    async def again(scenario: Scenario, resolver: Resolver) -> MessageReport:
        given = {"mail_from": scenario.mail_from, "helo": scenario.helo}
        known = {name: value for name, value in given.items() if value is not None}
        return await verify_message(message, resolver, **(quick(facts) | known))

    return again


def show_form(proposals: Iterable[Any], form: str, lang: str | None) -> None:
    """The changes alone, in one of the forms to paste."""
    from senderauth.cli.output import write, write_json
    from senderauth.report import default_language, handover, proposals_document, wording

    if form == "json":
        write_json(proposals_document(proposals))
    else:
        write(handover(proposals, form, wording(lang or default_language())))


def key_from(key: str | None, new_key: str | None) -> PublicKey | None:
    """The key of --key FILE, or a new one whose private part goes to --new-key FILE. Raises ValueError."""
    from senderauth.advice import new_pair, public_key
    from senderauth.cli.main import warn

    if key and new_key:
        raise ValueError("--key and --new-key exclude each other")
    if key:
        try:
            with Path(key).open("rb") as file:
                return public_key(file.read(MAX_KEY_FILE + 1))
        except OSError as problem:
            raise ValueError(f"{key}: {(problem.strerror or 'cannot be read').lower()}") from None
    if not new_key:
        return None
    pair = new_pair()
    try:
        # Exclusive, so that no key is ever overwritten, and readable by nobody else from its first moment
        file_descriptor = os.open(new_key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as problem:
        raise ValueError(f"{new_key}: {(problem.strerror or 'cannot be written').lower()}") from None
    with os.fdopen(file_descriptor, "wb") as file:
        file.write(pair.private_pem)
    warn(f"{new_key}: the private key, for the signing server and nobody else (mode 0600)")
    return pair.public
