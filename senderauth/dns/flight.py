"""A question on its way as nearly all of them go: one datagram out, one back.

Theory of operation. An `Exchange` knows what to do about everything that can happen to a question; building
one, and asking it, costs more than the network. But nearly always nothing happens: the first server gives a
good answer to the first datagram. So a question begins as a `Flight`, which is no more than what must be
remembered to know that answer: id, port and spelling as for any attempt. The client reads it with `glance`.
Whatever else comes (silence, a failure, a truncated message, half a chain, another spelling) is not judged
here: an exchange takes the flight over as if it had sent the datagram itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from senderauth.dns.core import Answer, Key, Question
from senderauth.dns.exchange import NEVER

if TYPE_CHECKING:
    from senderauth.dns.sockets import Channel


class Flight:
    """One question, sent once or waiting for its turn."""

    __slots__ = ("channel", "done", "expires", "id", "key", "number", "question", "section", "sent",
                 "waiters")  # fmt: skip
    id: bytes
    sent: float

    def __init__(self, question: Question, key: Key, section: bytes, number: int) -> None:
        self.question, self.key, self.section, self.number = question, key, section, number
        self.waiters: list[Callable[[Answer], Any]] = []
        """Who wants the answer."""
        self.done = False
        """Answered, or taken over."""
        self.channel: Channel | None = None
        """Where the answer is expected; none until it is sent. `section` has the letters' case since then."""
        self.expires = NEVER
