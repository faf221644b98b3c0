"""How many a second: buckets that fill by themselves, in this process, and never more of them than fit."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Networks = Sequence[IPv4Network | IPv6Network]

BURST_S = 5.0
"""A bucket holds what comes in so many seconds."""
MOST = 10_000

current_source: ContextVar[str] = ContextVar("current_source", default="")
"""Where the request in hand comes from; empty for what is no request."""


class Buckets:
    """One bucket for each of those who come; whoever has not come for longest is forgotten first."""

    def __init__(self, most: int = MOST, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, whom: str, per_second: float, cost: float = 1.0) -> float:
        """Takes `cost` out of the bucket if it holds that much: 0. Else nothing: the seconds until it will."""
        now, full = self._clock(), per_second * BURST_S
        level, at = self._levels.get(whom, (full, now))
        level = min(full, level + (now - at) * per_second)
        waits = 0.0 if level >= cost else (cost - level) / per_second
        self._levels[whom] = (level if waits else level - cost, now)
        self._levels.move_to_end(whom)
        if len(self._levels) > self._most:
            self._levels.popitem(last=False)
        return waits

    def drain(self, whom: str, per_second: float, cost: float) -> None:
        """Takes `cost`, or what there is."""
        if self.take(whom, per_second, cost):
            self._levels[whom] = (0.0, self._clock())

    def __len__(self) -> int:
        return len(self._levels)


def source_of(peer: str | None, forwarded: Sequence[str], proxies: Networks) -> str:
    """Who really sends: the peer; behind proxies of ours, the last address before them in `X-Forwarded-For`.

    Whatever stands further left in that header was written by a stranger. IPv6 hosts own 64 bits, so those are one.
    """
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    source = peer or ""
    while hops and _is_in(source, proxies):
        source = hops.pop()
    return _host(source)


def _is_in(source: str, proxies: Networks) -> bool:
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in proxies)


@lru_cache(maxsize=1_024)
def _host(source: str) -> str:
    try:
        address = ip_address(source)
    except ValueError:
        return "local" if not source else "unreadable"
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(IPv6Network((address, 64), strict=False).network_address)
    return str(address)
