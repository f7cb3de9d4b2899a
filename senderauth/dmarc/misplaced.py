"""DMARC records at names where nobody looks: asked only by whoever wants to know."""

from __future__ import annotations

from senderauth import names
from senderauth.dmarc.record import is_dmarc
from senderauth.dns import Question, Resolver, prefetch
from senderauth.values import Finding


async def find_misplaced(resolver: Resolver, domain: str) -> tuple[Finding, ...]:
    """Records that stand at the domain itself, or where a mistyped zone file puts them: without the
    underscore, or with the zone's name once more for want of a trailing dot. Three questions, four of a
    subdomain; no finding is no proof.
    """
    name = names.normalise(domain)
    if name is None:
        return ()
    zones = dict.fromkeys((name, names.registrable(name) or name))
    places = [name, f"dmarc.{name}", *(f"_dmarc.{name}.{zone}" for zone in zones)]
    questions = [Question(place, "TXT") for place in places if names.normalise(place)]
    prefetch(resolver, questions)
    found = []
    for question in questions:
        answer = await resolver.resolve(question)
        records = [text for text in answer.records if is_dmarc(text)]
        if records:
            facts = {
                "record": records[0][:500].decode("utf-8", "backslashreplace"),
                "right": f"_dmarc.{name}",
            }
            found.append(Finding("dmarc-record-misplaced", "high", question.name, facts, "RFC 9989 4.5"))
    return tuple(found)
