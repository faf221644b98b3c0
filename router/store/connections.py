"""What a process shares to talk to the server: a channel, a client for rare things, clients that may block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from router.store.address import Address
from router.store.channel import Channel
from router.store.fitness import problems_of

# A stream reader's BLOCK must end before its connection is taken for dead.
BLOCK_MAX_MS = 30_000
BLOCKING_TIMEOUT_S = BLOCK_MAX_MS / 1000 + 10

Client = Redis | RedisCluster


class Store(ABC):
    """All connections of one process to one server, Sentinel group or cluster."""

    admin: Client

    def __init__(self, address: Address) -> None:
        self.address = address

    @abstractmethod
    def channel_for(self, site: str) -> Channel:
        """The channel that carries the site's scripts. The same one for every site unless this is a cluster."""

    @abstractmethod
    def blocking(self) -> Client:
        """A new client with a connection of its own, for BLOCK (≤ BLOCK_MAX_MS) and WAIT; the caller closes it."""

    @abstractmethod
    async def close(self) -> None:
        """End every connection opened here, and the embedded server if it was started here."""

    async def problems(self) -> list[str]:
        """What makes the server unfit, in words; empty when it will do. Never raises."""
        return await problems_of(self.admin)


def client_options(address: Address) -> dict[str, Any]:
    """redis-py's arguments for one server. For Sentinel the login is the master's; Sentinels are asked without."""
    options = {**login_options(address), "db": address.db, "retry": Retry(ConstantBackoff(0.02), 2)}
    if address.path:
        options["unix_socket_path"] = address.path
    elif address.scheme != "redis+sentinel":
        options["host"], options["port"] = address.hosts[0]
    return options


def login_options(address: Address) -> dict[str, Any]:
    options: dict[str, Any] = {"protocol": 2}
    if address.password:
        options |= {"username": address.username or None, "password": address.password}
    if address.tls:
        known = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs"}
        options |= {"ssl": True, **{name: value for name, value in address.options.items() if name in known}}
        options["ssl_check_hostname"] = address.options.get("ssl_cert_reqs") != "none"
    return options
