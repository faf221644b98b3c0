"""A command was carried out and its reply never came: whoever asked asks again, and nothing happens twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

from router.store.embedded import EmbeddedServer
from tests.support.fleet import client, service
from tests.support.load import under_load
from tests.support.proxy import proxy
from tests.support.service import Api
from tests.support.waiting import wait_until

LOSSES = 25


async def test_the_server_s_replies_are_lost_again_and_again(
    tmp_path: Path, config: Path, fresh_server: EmbeddedServer, seed: int
) -> None:
    async with (
        proxy(tmp_path, fresh_server.socket_path) as between,
        service(tmp_path, config, redis=between.url) as process,
        under_load([process.base], fresh_server.url, seed) as load,
    ):
        for loss in range(1, LOSSES + 1):
            between.lose_a_reply()
            await wait_until(lambda loss=loss: between.lost == loss)  # type: ignore[misc]
            await load.more(2)
        await load.finish()
        # Not every one: two may fall into the life of one connection.
        assert process.log.count("the connection to the server ended") > LOSSES // 2
        assert await load.faults() == []


async def test_a_hang_up_is_heard_although_the_service_that_heard_it_first_died(
    tmp_path: Path, config: Path, fresh_server: EmbeddedServer
) -> None:
    gone = {"event_id": "gone", "type": "hangup"}
    async with (
        proxy(tmp_path, fresh_server.socket_path) as between,
        service(tmp_path, config, redis=between.url) as process,
        client(process) as api,
    ):
        await api.call("call", "+447700900000")
        between.go_silent_after(b":y:")  # the record of who was told of which event
        lost = asyncio.create_task(api.post("/v1/calls/call/events", gone))
        await wait_until(lambda: between.silent)
        await process.kill()
        await asyncio.gather(lost, return_exceptions=True)
        between.speak()
        await process.start()
        await wait_until(lambda: _is_told(api, gone), 10)
        assert (await api.look("call"))["state"] == "ended"


async def _is_told(api: Api, event: dict[str, str]) -> bool:
    return (await api.post("/v1/calls/call/events", event)).status == 200
