"""Sets of addresses of one family, as sorted intervals: union, difference, size."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    summarize_address_range,
)
from itertools import chain, islice
from operator import itemgetter

from senderauth.values import frozen

Network = IPv4Network | IPv6Network
Span = tuple[int, int]

_LOW: Callable[[Span], int] = itemgetter(0)
_HIGH: Callable[[Span], int] = itemgetter(1)
_BEYOND = 2**128


def span_of(network: Network) -> Span:
    """The first and the last address, as numbers. By way of the masks, which are made once for all networks:
    broadcast_address is made for each, and everything else is one more call.
    """
    low = int(network.network_address)
    return low, low | (_ALL4 if isinstance(network, IPv4Network) else _ALL6) ^ int(network.netmask)


_ALL4, _ALL6 = 2**32 - 1, 2**128 - 1


def spans_of(networks: Iterable[Network], version: int) -> list[Span]:
    """The first and the last address of each network of one family, as numbers."""
    kind = IPv4Network if version == 4 else IPv6Network
    return [span_of(network) for network in networks if isinstance(network, kind)]


@frozen
class Ranges:
    """Disjoint, sorted intervals of addresses as numbers, both ends included."""

    spans: tuple[Span, ...] = ()
    _size: int = field(default=-1, compare=False, repr=False)
    """Once somebody has asked for it: a branch's is asked for by every record that includes it."""

    @classmethod
    def joined(cls, spans: Iterable[Span]) -> Ranges:
        """The addresses of these intervals, in any order, overlapping or not."""
        ordered = sorted(spans)
        last = -2
        for low, high in ordered:
            if low <= last + 1:
                break
            last = high
        else:  # apart already, as nearly always
            return cls(tuple(ordered))
        joined: list[Span] = []
        for low, high in ordered:
            if joined and low <= joined[-1][1] + 1:
                if high > joined[-1][1]:
                    joined[-1] = (joined[-1][0], high)
            else:
                joined.append((low, high))
        return cls(tuple(joined))

    def __or__(self, other: Ranges) -> Ranges:
        if not other.spans or not self.spans:
            return self if self.spans else other
        return self.joined(self.spans + other.spans)

    def __sub__(self, other: Ranges) -> Ranges:
        kept: list[Span] = []
        gone = iter(other.spans)
        cut = next(gone, None)
        for low, high in self.spans:
            start = low
            while cut is not None and cut[1] < start:
                cut = next(gone, None)
            while cut is not None and cut[0] <= high:
                if cut[0] > start:
                    kept.append((start, cut[0] - 1))
                start = max(start, cut[1] + 1)
                if cut[1] > high:
                    break
                cut = next(gone, None)
            if start <= high:
                kept.append((start, high))
        return Ranges(tuple(kept))

    def __len__(self) -> int:
        raise TypeError("an IPv6 set may be too large for len(); use size")

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __contains__(self, number: int) -> bool:
        before = bisect_right(self.spans, (number, _BEYOND))
        return before > 0 and number <= self.spans[before - 1][1]

    @property
    def size(self) -> int:
        """How many addresses."""
        if self._size < 0:
            spans = self.spans
            size = sum(map(_HIGH, spans)) - sum(map(_LOW, spans)) + len(spans)
            object.__setattr__(self, "_size", size)
        return self._size

    def networks(self, version: int, limit: int) -> tuple[Network, ...]:
        """The same as the fewest networks, at most `limit` of them: one IPv6 hole needs up to 128."""
        kind = IPv4Address if version == 4 else IPv6Address
        each = (summarize_address_range(kind(low), kind(high)) for low, high in self.spans)
        return tuple(islice(chain.from_iterable(each), limit))


EVERYTHING = {4: Ranges(((0, 2**32 - 1),)), 6: Ranges(((0, 2**128 - 1),))}
