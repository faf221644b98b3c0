"""Is this server fit to hold the state? It must be ≥ 7, a master, never evict, and run scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from router.store.server_binary import OLDEST
from router.store.wire import ChannelError, ServerError

Ask = Callable[..., Awaitable[Any]]
"""One command to one server. Raises ServerError, and what is SILENT."""
PATIENCE_S = 0.8
"""For one server's answers; shorter than anybody waits for /readyz."""
SILENT = (ChannelError, OSError, TimeoutError)


@dataclass(slots=True)
class Examination:
    """`facts` are for people; `problems` must be solved before the service may serve; `advice` may be followed.

    `outages`: servers that cannot be asked now.
    """

    facts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    outages: list[str] = field(default_factory=list)

    @property
    def obstacles(self) -> list[str]:
        """What keeps every site from being served: an outage of one of several masters is its own sites' affair."""
        return self.problems + ([] if self.facts else self.outages)


async def examine(servers: Mapping[str, Ask]) -> Examination:
    """Look at every server, by its name. Never raises."""
    found = Examination()
    if not servers:
        found.outages.append("no server can be asked")
    await asyncio.gather(*(_examine_or_note(ask, found, name) for name, ask in servers.items()))
    if len(found.facts) > 1:
        found.facts["cluster"] = f"{len(servers)} masters"
    return found


async def _examine_or_note(ask: Ask, found: Examination, name: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _examine_one(ask, found, name)
    except (*SILENT, ServerError) as error:
        found.outages.append(f"{name} cannot be asked: {error or type(error).__name__}")


async def _examine_one(ask: Ask, found: Examination, name: str) -> None:
    info = read_info(await ask("INFO"))
    kind, version = _version(info)
    if int(version.partition(".")[0]) < OLDEST:
        found.problems.append(f"{name} is {kind} {version}; at least {OLDEST} is needed")
    if info.get("role") != "master":
        found.problems.append(f"{name} is a read-only replica; name its master in VIPLINE_REDIS")
    if (policy := info.get("maxmemory_policy")) != "noeviction":
        found.problems.append(
            f"{name} evicts keys when memory is short (maxmemory-policy {policy}), which would lose calls; "
            "set maxmemory-policy noeviction"
        )
    if info.get("aof_enabled") != "1" and info.get("connected_slaves", "0") == "0":
        found.advice.append(f"{name} writes no append-only file and has no replica: calls are lost when it dies")
    found.facts[name] = f"{kind} {version}, {info.get('role')}, {info.get('used_memory_human')} used"
    try:
        await ask("EVAL", "return 1", 0)
    except ServerError as error:
        found.problems.append(f"{name} does not let us run scripts ({error}); allow EVAL, EVALSHA and SCRIPT LOAD")
    if info.get("cluster_enabled") == "1" and b"cluster_state:ok" not in await ask("CLUSTER", "INFO"):
        found.outages.append(f"{name} finds the cluster down, or some slots served by nobody")


def read_info(text: bytes) -> dict[str, str]:
    """An answer to INFO."""
    rows = (line.partition(":") for line in text.decode().splitlines() if not line.startswith("#"))
    return {name: value for name, colon, value in rows if colon}


def _version(info: Mapping[str, str]) -> tuple[str, str]:
    """Valkey answers with the Redis version it is compatible with beside its own."""
    if "valkey_version" in info:
        return "Valkey", info["valkey_version"]
    return "Redis", info.get("redis_version", "0")
