"""Is this server fit to hold the state? It must be ≥ 7, a master, never evict, and run scripts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import RedisClusterException, RedisError

from router.store.server_binary import OLDEST


@dataclass(slots=True)
class Examination:
    """`facts` are for people; `problems` must be solved before the service may serve; `advice` may be followed."""

    facts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


async def problems_of(client: Redis | RedisCluster) -> list[str]:
    """What makes the server unfit, in words; empty when it will do. Never raises."""
    return (await examine(client)).problems


async def examine(client: Redis | RedisCluster) -> Examination:
    """Look at one server, or at every master of a cluster. Never raises."""
    found = Examination()
    try:
        if isinstance(client, RedisCluster):
            await _examine_cluster(client, found)
        else:
            await _examine_one(client, found, "the server")
    except (RedisError, RedisClusterException, OSError) as error:
        found.problems.append(f"the server cannot be asked: {error or type(error).__name__}")
    return found


async def _examine_cluster(cluster: RedisCluster, found: Examination) -> None:
    await cluster.initialize()
    state = await cluster.cluster_info(target_nodes=RedisCluster.RANDOM)
    if state.get("cluster_state") != "ok":
        found.problems.append("the cluster is down or does not serve every slot")
    for node in cluster.get_primaries():
        await _examine_one(node, found, f"{node.host}:{node.port}")
    found.facts["cluster"] = f"{len(cluster.get_primaries())} masters, {len(cluster.get_replicas())} replicas"


async def _examine_one(server: Any, found: Examination, name: str) -> None:
    info: dict[str, Any] = await server.execute_command("INFO")
    kind, version = _version(info)
    found.facts[name] = f"{kind} {version}, {info.get('role')}, {info.get('used_memory_human')} used"
    if int(version.partition(".")[0]) < OLDEST:
        found.problems.append(f"{name} is {kind} {version}; at least {OLDEST} is needed")
    if info.get("role") != "master":
        found.problems.append(f"{name} is a read-only replica; name its master in VIPLINE_REDIS")
    if (policy := info.get("maxmemory_policy")) != "noeviction":
        found.problems.append(
            f"{name} evicts keys when memory is short (maxmemory-policy {policy}), which would lose calls; "
            "set maxmemory-policy noeviction"
        )
    if str(info.get("aof_enabled")) != "1" and not info.get("connected_slaves"):
        found.advice.append(f"{name} writes no append-only file and has no replica: calls are lost when it dies")
    try:
        await server.execute_command("EVAL", "return 1", 0)
    except RedisError as error:
        found.problems.append(f"{name} does not let us run scripts ({error}); allow EVAL, EVALSHA and SCRIPT LOAD")


def _version(info: dict[str, Any]) -> tuple[str, str]:
    """Valkey answers with the Redis version it is compatible with beside its own."""
    if "valkey_version" in info:
        return "Valkey", str(info["valkey_version"])
    return "Redis", str(info.get("redis_version", "0"))
