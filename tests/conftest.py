"""What holds for every test: how many examples properties try, and that nothing reaches the network."""

import os
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# Deadlines measure the machine, not us.
settings.register_profile("quick", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "long", max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def _is_near(address: Any) -> bool:
    """A unix socket's path, or a loopback address; a name would have to be looked up, so it is far."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0]).partition("%")[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test that sends anything beyond this machine, also one that swallows the error.

    Wire tests use loopback. The check is on Python's socket methods, which every library here uses.
    """
    far: list[object] = []

    def guarded(name: str) -> Callable[..., Any]:
        original = getattr(socket.socket, name)

        def guard(self: socket.socket, *args: Any) -> Any:
            # connect(address), sendto(data, [flags,] address), sendmsg(buffers, ancdata, flags, address)
            address = args[-1] if name != "sendmsg" or len(args) == 4 else None
            if address is not None and not _is_near(address):
                far.append(address)
                raise OSError(f"tests do not reach the network: {name} to {address!r}")
            return original(self, *args)

        return guard

    for name in ("connect", "connect_ex", "sendto", "sendmsg"):
        monkeypatch.setattr(socket.socket, name, guarded(name))
    yield
    if far:
        pytest.fail(f"reached for the network: {far}", pytrace=False)
