"""The service as a process of its own, as `make run` starts it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

START_S = 30.0


class Process:
    """A running `vipline serve`. `base` is what it printed, `token` what it keeps in the folder `data`."""

    def __init__(self, child: asyncio.subprocess.Process, printed: str, data: Path) -> None:
        self.child = child
        self.printed = printed
        match = re.search(r"serving at (\S+)", printed)
        assert match is not None, printed
        self.base = match[1]
        kept = data / "admin-token"
        self.token = kept.read_text() if kept.exists() else ""

    def cpu_s(self) -> float:
        """Seconds of processor time it has used so far."""
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.base + path, json=body, headers=headers) as response,
        ):
            return response.status, json.loads(await response.read() or b"null")

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and wait; answers the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.child.send_signal(number)
        return await asyncio.wait_for(self.child.wait(), 20)


async def spawn(data: Path, config: Path, *flags: str, **environment: str) -> asyncio.subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VIPLINE_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "router", "serve", "--listen", "127.0.0.1:0", "--data", str(data), "--config", str(config), *flags),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=clean | environment,
    )


@contextlib.asynccontextmanager
async def running(data: Path, config: Path, *flags: str, **environment: str) -> AsyncIterator[Process]:
    """A service that is up; whatever happens, it is gone afterwards."""
    child = await spawn(data, config, *flags, **environment)
    assert child.stdout is not None
    try:
        printed = ""
        async with asyncio.timeout(START_S):
            while "openapi.json" not in printed:
                line = await child.stdout.readline()
                assert line or child.returncode is None, (await child.communicate())[1].decode()
                printed += line.decode()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                printed += (await child.stdout.read(8192)).decode()
        yield Process(child, printed, data)
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.terminate()
        try:
            await asyncio.wait_for(child.communicate(), 20)
        except TimeoutError:
            child.kill()
            await child.communicate()
