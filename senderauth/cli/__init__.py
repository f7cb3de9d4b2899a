"""The command line. Rooms are loaded when a command needs them, so that `--help` is instant."""

from senderauth.cli.main import main

__all__ = ["main"]
