"""The UDP sockets of a client: a few for each server, each at a random port, given up after some use."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from senderauth.dns.exchange import Server
from senderauth.dns.sockets import Channel, Reactor

SOCKETS = 8
"""UDP sockets for each server."""
SOCKET_LIFE = 4_096
"""Questions sent from one port."""


class Ports:
    """Where questions leave from."""

    def __init__(
        self, servers: tuple[Server, ...], reactor: Reactor, readable: Callable[[Channel], None]
    ) -> None:
        self._reactor, self._readable = reactor, readable
        self._open: dict[Server, list[Channel]] = {server: [] for server in servers}
        self._worn: list[Channel] = []
        """Nothing is sent from them any more; some answers are still expected there."""

    def choose(self, server: Server, dice: int) -> Channel:
        """A port for one question, as the dice have it. OSError if no descriptors are left."""
        channels = self._open[server]
        number = dice % SOCKETS
        if number < len(channels):
            channel = channels[number]
            channel.uses += 1
            if channel.uses <= SOCKET_LIFE:
                return channel
            del channels[number]
            self._worn.append(channel)
            for worn in [worn for worn in self._worn if not worn.pending]:
                self._worn.remove(worn)
                self._close(worn)
        channel = Channel(server)
        self._reactor.add_reader(channel.socket, self._readable, channel)
        channels.append(channel)
        return channel

    def of(self, server: Server) -> Iterator[Channel]:
        """All that hear this server."""
        yield from self._open[server]
        yield from [channel for channel in self._worn if channel.server is server]

    def __iter__(self) -> Iterator[Channel]:
        for server in self._open:
            yield from self.of(server)

    def _close(self, channel: Channel) -> None:
        self._reactor.remove_reader(channel.socket)
        channel.socket.close()

    def free(self) -> None:
        """Closes all; the next question opens new ones."""
        for channel in list(self):
            self._close(channel)
        self._worn.clear()
        for channels in self._open.values():
            channels.clear()

    def abandon(self) -> None:
        """Closes all, after the loop has ended."""
        for channel in self:
            channel.socket.close()
