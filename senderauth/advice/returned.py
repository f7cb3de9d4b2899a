"""The returned message inside a bounce, judged as it came back."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING

from senderauth.dns import Resolver
from senderauth.simulation import Scenario, Simulation

if TYPE_CHECKING:
    from senderauth.advice.judge import Report
    from senderauth.advice.message import MessageReport


def came_back_whole(returned: bytes) -> bool:
    """Whether there is a body below the header: without one no body hash can be compared. Whether it is all
    of the body, nothing tells.
    """
    _, _, body = returned.replace(b"\r\n", b"\n").partition(b"\n\n")
    return bool(body.strip())


async def judge_returned(
    returned: bytes,
    scenario: Scenario,
    address: str,
    resolver: Resolver,
    wanted: Iterable[str],
    now: int | None,
) -> MessageReport:
    """The message with its real signatures, sent as the bounce tells."""
    from senderauth.advice.message import verify_message  # what a bounce without a message does not need

    path = scenario.mail_from_address
    return await verify_message(
        returned,
        resolver,
        ip=str(ip_address(address)),
        mail_from=str(path) if path else "<>",
        helo=scenario.helo,
        now=now,
        receivers=list(wanted),
    )


def simulation_of(report: Report | MessageReport) -> Simulation | None:
    """A report as the simulation that it was made of; None where a message had no author to judge."""
    if report.scenario is None or not report.verdicts:
        return None
    return Simulation(
        report.scenario,
        report.hosts,
        report.senders,
        report.domains,
        report.surveys,
        report.verdicts[0].dkim,
        report.policies,
        report.verdicts,
        report.findings,
    )
