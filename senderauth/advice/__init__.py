"""From verdicts to what must change.

Proposals and what-if are loaded when they are first used: a check does not need them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from senderauth.advice.action import Action, Remedy
from senderauth.advice.judge import Report, check
from senderauth.advice.remedies import remedies

if TYPE_CHECKING:
    from senderauth.advice.propose import WhatIf, what_if

__all__ = ["Action", "Remedy", "Report", "WhatIf", "check", "remedies", "what_if"]

_DOORS = dict.fromkeys(("WhatIf", "what_if"), "propose")


def __getattr__(name: str) -> object:
    if name not in _DOORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"senderauth.advice.{_DOORS[name]}"), name)
    globals()[name] = found
    return found
