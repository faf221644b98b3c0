"""Clusters on loopback ports, and how one of their servers is cut off; the harness's other servers by the same door."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.servers import (
    DOWN_AFTER_MS,
    PlainServer,
    SentinelServer,
    free_port,
    linked,
    raw,
    sentinel,
    sentinel_trio,
    servers,
    wait_for,
)

__all__ = [
    "DOWN_AFTER_MS",
    "PlainServer",
    "SentinelServer",
    "cluster",
    "cut_off",
    "free_port",
    "rejoin",
    "sentinel",
    "sentinel_trio",
    "servers",
]

NODE_TIMEOUT_MS = 1_000
DEBUGGING = ("--enable-debug-command", "local")


@contextmanager
def cluster(folder: Path, masters: int = 3, replicas: int = 0, *more: str) -> Iterator[list[PlainServer]]:
    """A cluster whose slots are spread evenly; the replicas follow the first masters. `more`: options of every node."""
    common = ("--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS), *more)
    options = [(*common, "--cluster-port", str(free_port())) for _ in range(masters + replicas)]
    with servers(folder, *options) as nodes:
        first, *others = nodes
        bus_ports = [words[-1] for words in options]
        for number, node in enumerate(nodes[:masters]):
            begin, end = 16384 * number // masters, 16384 * (number + 1) // masters - 1
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", begin, end)
            node.client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node, bus_port in zip(others, bus_ports[1:], strict=True):
            first.client.execute_command("CLUSTER", "MEET", "127.0.0.1", node.port, bus_port)
        wait_for(lambda: all(_knows(node, len(nodes)) for node in nodes))
        for node, master in zip(nodes[masters:], nodes, strict=False):
            node.client.execute_command("CLUSTER", "REPLICATE", master.client.execute_command("CLUSTER", "MYID"))
        wait_for(lambda: all(_cluster_ok(node) for node in nodes))
        wait_for(lambda: all(linked(node) for node in nodes[masters:]))
        yield nodes


def cut_off(node: PlainServer, others: Iterable[PlainServer]) -> None:
    """Nothing passes between the node and the others any more; clients still reach it. Needs `DEBUGGING`."""
    tell = node.client.execute_command
    tell("CONFIG", "SET", "bind-source-addr", "192.0.2.1")  # not ours: it can connect to nobody
    tell("DEBUG", "DROP-CLUSTER-PACKET-FILTER", -2)
    for other in others:
        tell("DEBUG", "CLUSTERLINK", "KILL", "ALL", other.client.execute_command("CLUSTER", "MYID"))
    tell("ACL", "SETUSER", "default", "-sync", "-psync")
    tell("CLIENT", "KILL", "TYPE", "replica")


def rejoin(node: PlainServer) -> None:
    """The end of `cut_off`."""
    tell = node.client.execute_command
    tell("ACL", "SETUSER", "default", "+sync", "+psync")
    tell("DEBUG", "DROP-CLUSTER-PACKET-FILTER", -1)
    tell("CONFIG", "SET", "bind-source-addr", "")


def _knows(node: PlainServer, count: int) -> bool:
    return f"cluster_known_nodes:{count}\r" in raw(node, "CLUSTER", "INFO")


def _cluster_ok(node: PlainServer) -> bool:
    return "cluster_state:ok\r" in raw(node, "CLUSTER", "INFO")
