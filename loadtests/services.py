"""What a load runs on: a service, or two behind one address; the service's own server, or one that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import aiohttp

from loadtests.demo.stages import Stage
from loadtests.front import Front
from loadtests.options import Options
from loadtests.processes import has_gone, workers_of
from loadtests.servers import PlainServer, SentinelServer, free_port, sentinel_trio, servers
from loadtests.site import write_site
from router.store.embedded import die_with_parent, socket_path

START_S, END_S, LOOK_S, GONE_S = 60.0, 45.0, 0.05, 0.002
DOWN_AFTER_MS = 3_000
SAFE = ("--min-replicas-to-write", "1", "--min-replicas-max-lag", "2")
"""What operators are told to choose. A starved Sentinel sees deaths that are none; a master that is started again while
another is elected must take nothing.
"""
SERVING = b" serving "


class Service:
    """`vipline serve` at a port that it keeps over restarts. `log` grows with every start."""

    def __init__(self, port: int, log: Path, environment: Mapping[str, str], *flags: str) -> None:
        self.place = ("127.0.0.1", port)
        self._log = log
        self._environment = dict(environment)
        self._flags = ("--listen", f"127.0.0.1:{port}", *flags)
        self._process: asyncio.subprocess.Process | None = None
        self._said = 0
        log.write_bytes(b"")

    @property
    def base(self) -> str:
        return f"http://{self.place[0]}:{self.place[1]}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "it has not been started"
        return self._process.pid

    async def start(self) -> None:
        """Return when it finds itself ready. RuntimeError: it ended; TimeoutError."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "router", "serve", *self._flags),
                stdout=log,
                stderr=log,
                env=self._environment,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )
        async with aiohttp.ClientSession() as session, asyncio.timeout(START_S):
            while True:
                if self._process.returncode is not None:
                    raise RuntimeError(f"the service did not start: see {self._log.name}")
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(f"{self.base}/readyz") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(LOOK_S)

    def workers(self) -> list[int]:
        """Its serving children; none where it serves by itself."""
        return workers_of(self.pid)

    async def kill_worker(self, worker: int) -> None:
        """Return when it has gone."""
        self._said = self._log.stat().st_size
        await _kill(worker)

    async def replaced(self) -> None:
        """Return when another worker serves in place of the killed one. TimeoutError."""
        async with asyncio.timeout(START_S):
            while SERVING not in self._said_since_kill():
                await asyncio.sleep(LOOK_S)

    async def kill(self) -> None:
        """kill -9, the whole of it; return when it has gone."""
        assert self._process is not None
        await _kill(self.pid, *self.workers())
        await self._process.wait()

    async def stop(self) -> None:
        """As an operator stops it; nothing when it does not run. TimeoutError: it would not, and was killed."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), END_S)
            except TimeoutError:
                await self.kill()
                raise

    def _said_since_kill(self) -> bytes:
        with self._log.open("rb") as log:
            log.seek(self._said)
            return log.read()


async def _kill(*pids: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while not all(map(has_gone, pids)):
        await asyncio.sleep(GONE_S)


@dataclass(frozen=True)
class Ground:
    """`base`: where carriers and people find the service. `redis`: where its state is. `nodes`, `sentinels`: a master
    and its replicas, and who watches them, if that is where.
    """

    base: str
    redis: str
    services: list[Service]
    nodes: list[PlainServer] = field(default_factory=list)
    sentinels: list[SentinelServer] = field(default_factory=list)
    server_pids: list[int] = field(default_factory=list)


@asynccontextmanager
async def ground(folder: Path, options: Options, stages: Mapping[str, Stage], token: str) -> AsyncIterator[Ground]:
    """All of it, up and ready; gone afterwards."""
    async with AsyncExitStack() as stack:
        nodes: list[PlainServer] = []
        trio: list[SentinelServer] = []
        pids: list[int] = []
        redis = "embedded"
        if "master" in options.kill:
            redis, nodes, trio = stack.enter_context(sentinel_trio(folder / "nodes", 2, DOWN_AFTER_MS, *SAFE))
            pids = [one.pid for one in (*nodes, *trio)]
        elif "service" in options.kill:
            (server,) = stack.enter_context(servers(folder / "nodes", ("--appendonly", "yes")))
            redis, pids = server.url, [server.pid]
        ports = [free_port() for _ in range(2 if "service" in options.kill else 1)]
        port = free_port() if len(ports) > 1 else ports[0]
        base = f"http://127.0.0.1:{port}"
        environment, telephony = _environment(stages, token)
        config = write_site(folder, options, telephony)
        common = ("--config", str(config), "--public-url", base, "--workers", str(options.workers), "--log", "text")
        made = []
        for number, own in enumerate(ports, 1):
            log = options.folder / ("service.log" if number == 1 else f"service-{number}.log")
            data = folder / f"service-{number}"
            made.append(Service(own, log, environment, *common, "--redis", redis, "--data", str(data)))
            stack.push_async_callback(made[-1].stop)
        await asyncio.gather(*(service.start() for service in made))
        if len(made) > 1:
            await stack.enter_async_context(Front([service.place for service in made]).running(port))
        if redis == "embedded":
            redis = f"unix://{socket_path(folder / 'service-1')}"
        yield Ground(base, redis, made, nodes, trio, pids)


def _environment(stages: Mapping[str, Stage], token: str) -> tuple[dict[str, str], dict[str, object]]:
    """Of a service, and the plan's telephony."""
    telephony: dict[str, object] = {}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VIPLINE_")}
    for stage in stages.values():
        telephony |= stage.section()
        environment |= stage.environment
    environment |= {"VIPLINE_ADMIN_TOKEN": token, "VIPLINE_SOURCE_RATE": "0", "VIPLINE_TOKEN_RATE": "0"}
    return environment, telephony
