"""Servers of other shapes than the embedded one: on TCP ports, as replicas, Sentinels and clusters."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import redis

from router.store.embedded import die_with_parent
from router.store.server_binary import find_binary

NODE_TIMEOUT_MS = 1_000
DOWN_AFTER_MS = 1_000
DEBUGGING = ("--enable-debug-command", "local")


class PlainServer:
    """One server process on a loopback port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder = folder
        common = f"--port {self.port} --bind 127.0.0.1 --repl-diskless-sync-delay 0 --save"
        self._options = (*common.split(), "", *options)
        self._start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @cached_property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, protocol=2)

    def _start(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "server.log").open("wb") as output:
            self._process = subprocess.Popen(
                [find_binary(), *self._options],
                cwd=self._folder,
                stdout=output,
                stderr=output,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
        _wait_for(self._listens)

    @property
    def pid(self) -> int:
        return self._process.pid

    def start_again(self) -> None:
        """After `kill`, where it was and with what its files hold."""
        self._start()

    def kill(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True


class SentinelServer(PlainServer):
    """One Sentinel; `rules` are the lines of its configuration."""

    def __init__(self, folder: Path, *rules: str) -> None:
        self.port = free_port()
        self._folder = folder
        folder.mkdir(parents=True)
        config = folder / "sentinel.conf"
        config.write_text("\n".join([f"port {self.port}", "bind 127.0.0.1", *rules, ""]))
        self._options = (str(config), "--sentinel")
        self._start()


@contextmanager
def sentinel(folder: Path, *rules: str) -> Iterator[SentinelServer]:
    server = SentinelServer(folder, *rules)
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def sentinel_trio(folder: Path, replicas: int = 1) -> Iterator[tuple[str, list[PlainServer], list[SentinelServer]]]:
    """A master named `calls`, first of the servers, its replicas, and three Sentinels of one mind; and their URL."""
    with ExitStack() as stack:
        nodes = stack.enter_context(servers(folder, *[("--appendonly", "yes")] * (1 + replicas)))
        for replica in nodes[1:]:
            replica.client.execute_command("REPLICAOF", "127.0.0.1", nodes[0].port)
        _wait_for(lambda: all(_linked(replica) for replica in nodes[1:]))
        rules = (
            f"sentinel monitor calls 127.0.0.1 {nodes[0].port} 2",
            f"sentinel down-after-milliseconds calls {DOWN_AFTER_MS}",
            "sentinel failover-timeout calls 5000",
        )
        trio = [stack.enter_context(sentinel(folder / f"sentinel{number}", *rules)) for number in range(3)]
        _wait_for(lambda: all(_agree(one, replicas) for one in trio))
        places = ",".join(f"127.0.0.1:{one.port}" for one in trio)
        yield f"redis+sentinel://{places}/calls", nodes, trio


def _agree(one: SentinelServer, replicas: int) -> bool:
    known: Any = one.client.sentinel_master("calls")
    return bool(known["num-other-sentinels"] == 2 and known["num-slaves"] == replicas)


@contextmanager
def servers(folder: Path, *options: tuple[str, ...]) -> Iterator[list[PlainServer]]:
    """One server for each tuple of options."""
    with ExitStack() as stack:
        started = []
        for number, words in enumerate(options):
            started.append(PlainServer(folder / f"server{number}", *words))
            stack.callback(started[-1].kill)
        yield started


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
        _wait_for(lambda: all(_knows(node, len(nodes)) for node in nodes))
        for node, master in zip(nodes[masters:], nodes, strict=False):
            node.client.execute_command("CLUSTER", "REPLICATE", master.client.execute_command("CLUSTER", "MYID"))
        _wait_for(lambda: all(_cluster_ok(node) for node in nodes))
        _wait_for(lambda: all(_linked(node) for node in nodes[masters:]))
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(condition: Callable[[], bool]) -> None:
    """For fixtures outside an event loop."""
    give_up_at = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up_at, "the servers did not come up"
        time.sleep(0.01)


def _knows(node: PlainServer, count: int) -> bool:
    return f"cluster_known_nodes:{count}\r" in _raw(node, "CLUSTER", "INFO")


def _cluster_ok(node: PlainServer) -> bool:
    return "cluster_state:ok\r" in _raw(node, "CLUSTER", "INFO")


def _linked(replica: PlainServer) -> bool:
    return "master_link_status:up\r" in _raw(replica, "INFO", "replication")


def _raw(node: PlainServer, *command: str) -> str:
    with socket.create_connection(("127.0.0.1", node.port)) as connection:
        connection.sendall(" ".join(command).encode() + b"\r\nQUIT\r\n")
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
