"""The receivers' policies as a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from senderauth.report.page import Page
from senderauth.report.safe import json_text
from senderauth.report.wording import Wording
from senderauth.values import plain


def receivers_text(receivers: Iterable[Any], words: Wording, width: int) -> str:
    """Each receiver with how it finds the policy, where that was read and when."""
    page = Page(width)
    for receiver in receivers:
        page.line(f"{receiver.id}: {words.say('receiver', receiver.id, field='name')}", hang=4)
        standard = {"rfc9989": "RFC 9989", "rfc7489": "RFC 7489"}[receiver.standard]
        grade = words.say("evidence", receiver.evidence)
        page.line(f"{standard}; {grade}: {receiver.source} ({receiver.read})", indent=4)
        for note in receiver.notes:
            page.line(words.say("note", note), indent=4)
    return str(page)


def receivers_document(receivers: Iterable[Any]) -> str:
    """The policies whole, every rule of them, as the text of a JSON document."""
    listed = {"schema": "senderauth/receivers/1", "receivers": [plain(receiver) for receiver in receivers]}
    return json_text(listed)
