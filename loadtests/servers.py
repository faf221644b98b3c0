"""Servers of a harness's own on loopback ports: alone, or a master with replicas and the Sentinels that watch it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import redis

from router.store.embedded import die_with_parent
from router.store.server_binary import find_binary

DOWN_AFTER_MS = 1_000
START_S = 30.0


class PlainServer:
    """One server process on a loopback port."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self._folder = folder
        common = f"--port {self.port} --bind 127.0.0.1 --repl-diskless-sync-delay 0 --save"
        self._options = (*common.split(), "", *options)
        self.start_again()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @cached_property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, protocol=2)

    @property
    def pid(self) -> int:
        return self._process.pid

    def start_again(self) -> None:
        """After `kill`, where it was and with what its files hold."""
        self.launch()
        wait_for(self.listens)

    def launch(self) -> None:
        """The same, and do not wait until it listens."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "server.log").open("wb") as output:
            self._process = subprocess.Popen(
                [find_binary(), *self._options],
                cwd=self._folder,
                stdout=output,
                stderr=output,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )

    def kill(self) -> None:
        self.client.close()
        self._process.kill()
        self._process.wait()

    def listens(self) -> bool:
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
        self.start_again()


@contextmanager
def sentinel(folder: Path, *rules: str) -> Iterator[SentinelServer]:
    server = SentinelServer(folder, *rules)
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def sentinel_trio(
    folder: Path, replicas: int = 1, down_after_ms: int = DOWN_AFTER_MS, *more: str
) -> Iterator[tuple[str, list[PlainServer], list[SentinelServer]]]:
    """A master named `calls`, first of the servers, its replicas, and three Sentinels of one mind; and their URL.

    `more`: options of every server.
    """
    with ExitStack() as stack:
        nodes = stack.enter_context(servers(folder, *[("--appendonly", "yes", *more)] * (1 + replicas)))
        for replica in nodes[1:]:
            replica.client.execute_command("REPLICAOF", "127.0.0.1", nodes[0].port)  # type: ignore[no-untyped-call]
        wait_for(lambda: all(linked(replica) for replica in nodes[1:]))
        rules = (
            f"sentinel monitor calls 127.0.0.1 {nodes[0].port} 2",
            f"sentinel down-after-milliseconds calls {down_after_ms}",
            "sentinel failover-timeout calls 5000",
        )
        trio = [stack.enter_context(sentinel(folder / f"sentinel{number}", *rules)) for number in range(3)]
        wait_for(lambda: all(_agree(one, replicas) for one in trio))
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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], bool]) -> None:
    """For what is built outside an event loop. AssertionError: it took too long."""
    give_up_at = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < give_up_at, "the servers did not come up"
        time.sleep(0.01)


def linked(replica: PlainServer) -> bool:
    """It follows its master, and nothing is between them."""
    return "master_link_status:up\r" in raw(replica, "INFO", "replication")


def raw(node: PlainServer, *command: str) -> str:
    """What a server answers, as it stands on the wire."""
    with socket.create_connection(("127.0.0.1", node.port)) as connection:
        connection.sendall(" ".join(command).encode() + b"\r\nQUIT\r\n")
        return b"".join(iter(lambda: connection.recv(65_536), b"")).decode()
