"""The service level of the last hour: whoever was cut off, called again and has the place never hung up."""

from __future__ import annotations

from router.events.levels import GROUP, Level, level
from tests.support.service import Api
from tests.support.waiting import wait_until

CALLER = "+13035550123"


async def reached(api: Api) -> Level:
    """Once everything has been read."""
    site = api.site

    async def is_read() -> bool:
        newest = (await site.channel.call("XREVRANGE", site.keys.events, "+", "-", "COUNT", 1))[0][0]
        rows = await site.channel.call("XINFO", "GROUPS", site.keys.events)
        groups = [dict(zip(row[::2], row[1::2], strict=True)) for row in rows]
        mine = next((row for row in groups if row[b"name"] == GROUP.encode()), None)
        return mine is not None and mine[b"last-delivered-id"] == newest and mine[b"pending"] == 0

    await wait_until(is_read)
    return level(await site.levels.read(site.now_ms()), None, "standard")


async def hang_up(api: Api, call_id: str) -> None:
    await api.post(f"/v1/calls/{call_id}/events", {"event_id": f"{call_id}-gone", "type": "hangup"})


async def test_a_hang_up_is_taken_back_when_she_calls_again(api: Api) -> None:
    await api.call("c1", CALLER)
    await hang_up(api, "c1")
    assert await reached(api) == Level(0, 0, 1, 1)
    await api.call("c2", CALLER)
    assert await reached(api) == Level(0, 0, 0, 0)


async def test_a_place_that_passes_at_once_is_not_taken_back_twice(api: Api) -> None:
    """The new call comes before the dead leg's hang-up: the old one never counted."""
    await api.call("other", "+13035550199")
    await hang_up(api, "other")
    await api.call("c1", CALLER)
    await api.call("c2", CALLER)
    await hang_up(api, "c1")
    assert (await api.look("c1"))["outcome"] == "recalled"
    assert await reached(api) == Level(0, 0, 1, 1)


async def test_one_who_was_talked_to_and_hangs_up_in_the_next_line_was_answered(api: Api) -> None:
    await api.ready("agent-1")
    call = await api.accept(await api.call("c1", CALLER))
    to = {"to": {"group": "vip"}, "offer_id": call["offer"]["offer_id"]}
    assert (await api.post("/v1/calls/c1/transfer", to)).status == 200
    await hang_up(api, "c1")
    assert await reached(api) == Level(1, 1, 0, 0)
