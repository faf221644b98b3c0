"""Real `vipline serve` processes, to be frozen, killed and started again where they were."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import redis
from aiohttp import web

from router.store.embedded import die_with_parent, socket_path
from tests.support.service import SECRET, Api
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
START_PATIENCE_S = 60.0
_ADDRESS = re.compile(r"vipline is serving at (http://\S+)")


class ServiceProcess:
    """`vipline serve` on a loopback port that it keeps over restarts. Its data and its log lie in `folder`.

    `settings` are those of `vipline serve`; None takes one away. `program`: a module that stands in for it.
    """

    def __init__(
        self, folder: Path, config: Path, *, program: str = "router", port: int = 0, **settings: object
    ) -> None:
        self.data = folder / "var"
        self._log = folder / "service.log"
        self._listen = f"127.0.0.1:{port}"
        self._program = program
        self._settings = {"config": config, "data": self.data, "admin_token": SECRET, "log": "json", **settings}
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        assert self._process is not None, "it has not been started"
        return self._process.pid

    @property
    def base(self) -> str:
        """Where it is reached, without a slash at the end."""
        return f"http://{self._listen}"

    @property
    def log(self) -> str:
        """What it has said since its last start."""
        return self._log.read_text(errors="replace")

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    def launch(self) -> None:
        """Start the process and do not wait for it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("VIPLINE_")}
        told = {f"VIPLINE_{name.upper()}": str(value) for name, value in self._settings.items() if value is not None}
        if server := os.environ.get("VIPLINE_SERVER"):
            told["VIPLINE_SERVER"] = server
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._program, "serve"],
                cwd=ROOT,
                env=inherited | told | {"VIPLINE_LISTEN": self._listen},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=partial(die_with_parent, os.getpid()),
            )

    async def start(self) -> None:
        """Start it, and return when /readyz says so."""
        self.launch()
        await self.ready()

    async def ready(self) -> None:
        """Return when the process serves and finds itself ready; AssertionError with its log when it does not."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(2)) as session:

            async def is_ready() -> bool:
                assert self.exit_code is None, f"the service ended with code {self.exit_code}"
                if not self.says_where():
                    return False
                try:
                    async with session.get(f"{self.base}/readyz") as response:
                        return response.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    return False

            try:
                await wait_until(is_ready, START_PATIENCE_S)
            except AssertionError as failure:
                raise AssertionError(f"{failure}\n{self.log}") from None

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    async def ended(self, timeout: float = 30.0) -> int:
        """The exit code, once the process has ended."""
        await wait_until(lambda: self.exit_code is not None, timeout)
        assert self.exit_code is not None
        return self.exit_code

    async def kill(self) -> None:
        """kill -9, as a crash would."""
        self.signal(signal.SIGKILL)
        await self.ended()

    def server_pid(self) -> int:
        """The process id of its embedded server."""
        with redis.Redis(unix_socket_path=str(socket_path(self.data))) as client:
            return int(client.info("server")["process_id"])

    def clean_up(self) -> None:
        """Leave no process behind, whatever state it is in."""
        process = self._process
        if process is None:
            return
        if self.exit_code is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()

    def says_where(self) -> bool:
        """Whether it listens by now."""
        found = _ADDRESS.search(self.log)
        if found and self._listen.endswith(":0"):
            self._listen = found[1].removeprefix("http://")
        return found is not None


@asynccontextmanager
async def service(folder: Path, config: Path, **settings: Any) -> AsyncIterator[ServiceProcess]:
    """A service that is ready, and gone afterwards."""
    process = ServiceProcess(folder, config, **settings)
    try:
        await process.start()
        yield process
    finally:
        process.clean_up()


@asynccontextmanager
async def services(count: int, folder: Path, config: Path, **settings: Any) -> AsyncIterator[list[ServiceProcess]]:
    """Several, started together."""
    processes = [ServiceProcess(folder / f"service{number}", config, **settings) for number in range(count)]
    try:
        for process in processes:
            process.launch()
        for process in processes:
            await process.ready()
        yield processes
    finally:
        for process in processes:
            process.clean_up()


@asynccontextmanager
async def client(process: ServiceProcess) -> AsyncIterator[Api]:
    """The admin's client of a service that is somewhere else."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Api(session, process.base, SECRET, web.Application())


def cpu_seconds(*pids: int) -> float:
    """Processor time the processes have used so far."""
    return sum(map(_ticks, pids)) / TICKS_A_SECOND


def _ticks(pid: int) -> int:
    fields: list[Any] = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])
