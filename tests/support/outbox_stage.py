"""An outbox as it runs in a process of its own, and whoever keeps it busy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ivr.desk import Desk
from router.app_keys import SERVICE
from router.callbacks import callback_id_of
from router.telephony.dispatch import Outbox
from router.telephony.term import GROUP
from tests.support.desk_stage import ADA, PRIYA, Line, offer_of
from tests.support.fake_gateway import FakeGateway
from tests.support.service import Api
from tests.support.waiting import wait_until


@asynccontextmanager
async def outbox(api: Api, gateway: FakeGateway, **options: Any) -> AsyncIterator[Outbox]:
    """Running until the end of the block, as in a process of its own."""
    connection = api.app[SERVICE].store.blocking(api.site.name)
    timing = {"lease_ms": 1_000, "claim_ms": 2_000, "pause_s": 0.01}
    found = Outbox(api.site, {"fake": gateway}, connection, **(timing | options))
    task = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        while not task.done():  # one that meets the end of what is waited for may be lost
            task.cancel()
            await asyncio.wait([task], timeout=0.1)
        await connection.close()


def caller(api: Api, call_id: str = "n1") -> Line:
    return Line(Desk(api.site), call_id)


async def settled(api: Api) -> None:
    """Every entry has been acknowledged."""
    keys = api.site.keys

    async def quiet() -> bool:
        groups = await api.site.channel.call("XINFO", "GROUPS", keys.events)
        newest = await api.site.channel.call("XREVRANGE", keys.events, "+", "-", "COUNT", 1)
        for group in groups:
            facts = dict(group.items()) if isinstance(group, dict) else dict(zip(group[::2], group[1::2], strict=True))
            if facts[b"name"] == GROUP.encode():
                return bool(facts[b"pending"] == 0 and facts[b"last-delivered-id"] == newest[0][0])
        return False

    await wait_until(quiet)


async def until(condition: Callable[[], object]) -> None:
    await wait_until(lambda: bool(condition()))


async def ringing(api: Api, gateway: FakeGateway, number: str = ADA) -> tuple[Line, str]:
    await api.ready("agent-7")
    call = caller(api)
    await call.calls(number)
    offer = await offer_of(api, "n1")
    await until(lambda: gateway.originates())
    return call, offer


async def booked(api: Api) -> Line:
    """Priya would rather be called back than wait; answers the callback."""
    call = caller(api)
    await call.calls(PRIYA)
    await call.enters_room()
    await call.presses("1")
    return caller(api, callback_id_of("n1"))
