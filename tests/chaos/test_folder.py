"""One data folder, one service: the next one waits for a dying one, and is told of one that lives."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from loadtests.processes import open_files
from tests.support.fleet import ServiceProcess, client, cpu_seconds, service
from tests.support.waiting import wait_until

IDLE_S = 10.0
IDLE_MAX = 0.05
"""Of a core, service and server together; the aim is 1 %."""


async def test_a_start_waits_for_the_dying_server(tmp_path: Path, config: Path) -> None:
    async with service(tmp_path, config) as process, client(process) as api:
        await api.call("call", "+447700900000")
        server_pid = process.server_pid()
        os.kill(server_pid, signal.SIGSTOP)  # it hears of its parent's death and cannot act on it yet
        try:
            await process.kill()
            process.launch()
            await wait_until(lambda: str(process.data / "lock") in open_files(process.pid), 20)
            assert "serving" not in process.log
        finally:
            os.kill(server_pid, signal.SIGCONT)
        await process.ready()
        assert process.server_pid() != server_pid
        assert (await api.look("call"))["state"] == "waiting"


async def test_a_second_service_is_refused_and_the_first_sleeps_on(tmp_path: Path, config: Path) -> None:
    async with service(tmp_path, config) as first:
        second = ServiceProcess(tmp_path, config)
        pids = (first.pid, first.server_pid())
        before = cpu_seconds(*pids)
        refused = asyncio.create_task(_refusal(second))
        await asyncio.sleep(IDLE_S)  # what is measured
        used = (cpu_seconds(*pids) - before) / IDLE_S
        print(f"an idle service and its server use {used:.2%} of a core")
        code, said = await refused
        assert code == 1
        assert f"{first.data} is in use by another vipline (process {first.pid})" in said
        assert "choose another VIPLINE_DATA" in said
        assert used <= IDLE_MAX


async def _refusal(process: ServiceProcess) -> tuple[int, str]:
    """Exit code and last words of a start that must fail."""
    process.launch()
    try:
        return await process.ended(30), process.log
    finally:
        process.clean_up()
