"""Several workers on one port: one that dies is replaced, a site that can never be served is given up."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import yaml

from loadtests.processes import workers_of
from router.store.embedded import socket_path
from tests.support.fleet import ServiceProcess, service
from tests.support.load import under_load
from tests.support.waiting import wait_until


async def test_a_worker_dies_and_is_replaced(tmp_path: Path, config: Path, seed: int) -> None:
    async with service(tmp_path, config, workers=2) as process:
        async with under_load([process.base], f"unix://{socket_path(process.data)}", seed) as load:
            await load.more(30)
            await wait_until(lambda: len(workers_of(process.pid)) == 2)
            victim, survivor = workers_of(process.pid)
            os.kill(victim, signal.SIGKILL)
            await wait_until(lambda: len(workers_of(process.pid)) == 2 and victim not in workers_of(process.pid))
            assert survivor in workers_of(process.pid)
            await load.more(30)
            await load.finish()
            assert await load.faults() == []
        process.signal(signal.SIGTERM)
        assert await process.ended() == 0


async def test_workers_that_can_never_serve_end_their_parent(tmp_path: Path, config: Path) -> None:
    plan = config / "plan.yaml"
    plan.write_text(json.dumps(yaml.safe_load(plan.read_text()) | {"default_tier": "nobody"}))
    process = ServiceProcess(tmp_path, config, workers=2)
    process.launch()
    try:
        assert await process.ended(60) == 2
        assert "there is no tier 'nobody'" in process.log
    finally:
        process.clean_up()
