"""Asking DNS side by side, with a step for every answer in the order of the questions."""

from __future__ import annotations

from ipaddress import ip_address

from senderauth.dns import Answer, Question, Resolver, together
from senderauth.values import Trace


async def ask(resolver: Resolver, trace: Trace, *questions: Question) -> list[Answer]:
    """The answers in order. Steps are noted afterwards, so that a trace does not depend on who was first."""
    answers: list[Answer] = await together(*(resolver.resolve(question) for question in questions))
    for question, answer in zip(questions, answers, strict=True):
        trace.note(
            "dns",
            name=question.name,
            type=question.rdtype,
            status=answer.status.value,
            records=[_text(record) for record in answer.records],
        )
    return answers


def _text(record: object) -> str:
    if isinstance(record, tuple):  # MX
        return f"{record[0]} {record[1] or '.'}"
    return str(record)


async def addresses(resolver: Resolver, trace: Trace, name: str) -> tuple[tuple[str, ...], bool]:
    """All addresses of a name, IPv4 first, and whether DNS left one of the two questions open."""
    answers = await ask(resolver, trace, Question(name, "A"), Question(name, "AAAA"))
    found = tuple(str(ip_address(record)) for answer in answers for record in answer.records)
    return found, any(answer.unknown for answer in answers)
