"""Asking DNS: questions, answers, every resolver. The only room that opens a socket.

Names are loaded when first used: a check on zone files pays for no socket, a live one for no zone reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from senderauth.dns.core import Answer, Key, Question, Resolver, Status, prefetch
from senderauth.dns.drive import crowd, drive, run, suspend, together
from senderauth.values import later

if TYPE_CHECKING:
    from senderauth.dns.cache import CachingResolver
    from senderauth.dns.draft import DraftResolver, record_places, written_changes
    from senderauth.dns.live import LiveResolver, share_rate
    from senderauth.dns.many import pause, readable, resolve_all
    from senderauth.dns.master import ZoneFileError
    from senderauth.dns.overlay import OverlayResolver
    from senderauth.dns.pipe import Pipe
    from senderauth.dns.tape import RecordingResolver, ReplayResolver, TapeError
    from senderauth.dns.written import owner, rdata
    from senderauth.dns.zone import ZoneResolver

__all__ = [
    "Answer",
    "CachingResolver",
    "DraftResolver",
    "Key",
    "LiveResolver",
    "OverlayResolver",
    "Pipe",
    "Question",
    "RecordingResolver",
    "ReplayResolver",
    "Resolver",
    "Status",
    "TapeError",
    "ZoneFileError",
    "ZoneResolver",
    "crowd",
    "drive",
    "owner",
    "pause",
    "prefetch",
    "rdata",
    "readable",
    "record_places",
    "resolve_all",
    "run",
    "share_rate",
    "suspend",
    "together",
    "written_changes",
]

_LATER = {
    "CachingResolver": "cache",
    "DraftResolver": "draft",
    "LiveResolver": "live",
    "OverlayResolver": "overlay",
    "Pipe": "pipe",
    "RecordingResolver": "tape",
    "ReplayResolver": "tape",
    "TapeError": "tape",
    "ZoneFileError": "master",
    "ZoneResolver": "zone",
    "owner": "written",
    "pause": "many",
    "rdata": "written",
    "readable": "many",
    "record_places": "draft",
    "resolve_all": "many",
    "share_rate": "live",
    "written_changes": "draft",
}

if not TYPE_CHECKING:  # a module-level __getattr__ would hide wrong names from a type checker
    __getattr__ = later(__name__, _LATER, globals())
