"""What one line of a mail log says, whatever program wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from senderauth.catalogue.codes import Codes

_NO_CODES = Codes()


@dataclass(frozen=True, slots=True)
class LogLine:
    """A refusal or a delay that a log tells of. Empty: not said."""

    program: str
    text: str
    time: str
    action: str
    """As in a DSN: "failed" or "delayed"."""
    recipient: str = ""
    codes: Codes = _NO_CODES
    host: str = ""
    """Who refused."""
    host_address: str = ""
    client_address: str = ""
    """Who was refused: where the line is the refusing server's own, or tells from where was sent."""
    mail_from: str = ""
    helo: str = ""
    own: bool = False
    """The logging server refused itself."""
