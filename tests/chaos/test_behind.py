"""Readers that were dead for long catch up: entries nobody was handed, and those a dead process held."""

from __future__ import annotations

import time
from pathlib import Path

from router.events import history, levels
from router.store.channel import Channel
from router.store.embedded import EmbeddedServer
from router.store.keyspace import Keyspace
from tests.support.fleet import service
from tests.support.readers import caught_up
from tests.support.waiting import wait_until

KEYS = Keyspace("main")
CALLS, EACH = 2_000, 6
HELD = 3_000
A_SECOND_MIN = 200
"""Entries, by three readers beside everything else; loose, for a machine that does other things as well."""


async def test_a_service_starts_far_behind(tmp_path: Path, config: Path, fresh_server: EmbeddedServer) -> None:
    channel = await Channel.open(fresh_server.url)
    events = ["call.greeting", *["call.boosted"] * (EACH - 2), "call.ended|outcome=abandoned|was=w"]
    for number in range(CALLS):
        await channel.call_many(
            [("XADD", KEYS.events, "*", "e", f"{name}|call=c{number}|at={number}") for name in events]
        )
    for group in (history.GROUP, levels.GROUP):
        await channel.call("XGROUP", "CREATE", KEYS.events, group, "0")
        await channel.call("XREADGROUP", "GROUP", group, "dead", "COUNT", HELD, "STREAMS", KEYS.events, ">")
    began = time.monotonic()
    async with service(tmp_path, config, program="tests.support.impatient", redis=fresh_server.url):
        await wait_until(lambda: caught_up(channel), 60)
        rate = CALLS * EACH / (time.monotonic() - began)
        print(f"{CALLS * EACH} entries behind, {rate:.0f} a second from the start of the process on")
        for number in range(0, CALLS, 37):
            assert await channel.call("LLEN", KEYS.history(f"c{number}")) == EACH
        assert rate >= A_SECOND_MIN
    await channel.close()
