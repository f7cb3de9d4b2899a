"""senderauth: will receivers believe that this mail is from this domain, and if not, what must change?

The doors: what is named here, `senderauth.sync` for programs without an event loop, and one package a
protocol (`senderauth.spf`, `.dkim`, `.dmarc`, `.adsp`). Rooms are loaded when a name is first used, so
that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from senderauth.advice import Explanation, MessageReport, Report, check, explain, verify_message
    from senderauth.dns import LiveResolver, ZoneResolver
    from senderauth.simulation import Scenario, ScenarioError

__all__ = [
    "Explanation",
    "LiveResolver",
    "MessageReport",
    "Report",
    "Scenario",
    "ScenarioError",
    "ZoneResolver",
    "__version__",
    "check",
    "explain",
    "verify_message",
]

_DOORS = {
    "LiveResolver": "senderauth.dns",
    "Report": "senderauth.advice",
    "Scenario": "senderauth.simulation",
    "ScenarioError": "senderauth.simulation",
    "ZoneResolver": "senderauth.dns",
    "MessageReport": "senderauth.advice",
    "Explanation": "senderauth.advice",
    "check": "senderauth.advice",
    "explain": "senderauth.advice",
    "verify_message": "senderauth.advice",
}


if not TYPE_CHECKING:  # a module-level __getattr__ would hide the packages below from a type checker

    def __getattr__(name: str) -> object:
        if name in _DOORS:
            return getattr(import_module(_DOORS[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
