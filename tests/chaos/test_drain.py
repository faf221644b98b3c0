"""Asked to stop in the middle of a busy hour, a service answers whatever it carries out."""

from __future__ import annotations

import asyncio
import os
import signal
from itertools import count
from pathlib import Path

import aiohttp

from router.store.embedded import EmbeddedServer
from tests.support.fleet import ServiceProcess, service
from tests.support.service import SECRET
from tests.support.tape import read_stream
from tests.support.waiting import wait_until

PLATFORMS = 16


class Platform:
    """A telephony platform that sends one call after another and never repeats itself."""

    def __init__(self, name: int) -> None:
        self.answered: set[str] = set()
        self.unanswered: set[str] = set()
        self._name = name

    async def send(self, process: ServiceProcess) -> None:
        """Every second platform keeps its connection."""
        headers = {"Authorization": f"Bearer {SECRET}"}
        connector = aiohttp.TCPConnector(force_close=bool(self._name % 2))
        async with aiohttp.ClientSession(process.base, connector=connector, headers=headers) as session:
            for number in count():
                call_id = f"call-{self._name}-{number}"
                body = {"call_id": call_id, "from": f"+447700900{self._name:03}", "to": "+12025550199"}
                try:
                    async with session.post("/v1/calls", json=body) as response:
                        await response.read()
                except aiohttp.ClientError:
                    self.unanswered.add(call_id)
                    return
                assert response.status == 201
                self.answered.add(call_id)


async def test_no_reply_is_lost(tmp_path: Path, config: Path, fresh_server: EmbeddedServer) -> None:
    platforms = [Platform(number) for number in range(PLATFORMS)]
    async with service(tmp_path, config, redis=fresh_server.url) as process:
        sending = [asyncio.create_task(platform.send(process)) for platform in platforms]
        await wait_until(lambda: all(len(platform.answered) > 3 for platform in platforms), 20)
        assert fresh_server.pid is not None
        os.kill(fresh_server.pid, signal.SIGSTOP)  # whatever is under way is so for long enough
        process.signal(signal.SIGTERM)
        await wait_until(lambda: '"stopping"' in process.log)
        os.kill(fresh_server.pid, signal.SIGCONT)
        await asyncio.gather(*sending)
        assert await process.ended() == 0
    events = await read_stream(fresh_server.url)
    carried_out = {event.fields["call"] for event in events if event.type == "call.accepted"}
    assert carried_out == set().union(*(platform.answered for platform in platforms))
    assert all(platform.unanswered for platform in platforms)
