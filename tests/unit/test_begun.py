"""Coroutines that are begun at once, and awaited one after the other by the same task."""

from __future__ import annotations

import asyncio
import gc

import pytest

from router.store.begun import Begun


async def test_each_runs_up_to_its_first_wait_when_it_is_begun() -> None:
    order: list[str] = []
    replies: list[asyncio.Future[str]] = []

    async def ask(name: str) -> str:
        order.append(name)
        replies.append(asyncio.get_running_loop().create_future())
        return await replies[-1]

    first, second = Begun(ask("first")), Begun(ask("second"))
    assert order == ["first", "second"]
    for reply in replies:
        asyncio.get_running_loop().call_soon(reply.set_result, "done")
    assert [await first, await second] == ["done", "done"]


async def test_waits_come_one_after_the_other() -> None:
    async def slow(count: int) -> int:
        for _ in range(count):
            await asyncio.sleep(0)
        async with asyncio.timeout(1):
            await asyncio.sleep(0.001)
        return count

    begun = [Begun(slow(count)) for count in (3, 0, 1)]
    assert [await one for one in begun] == [3, 0, 1]


async def test_one_that_is_never_awaited_complains_to_nobody() -> None:
    """What was begun beside it failed first."""
    complaints: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))

    async def ask(reply: asyncio.Future[None]) -> None:
        await reply

    replies = [loop.create_future()]
    begun = [Begun(ask(replies[0]))]
    replies[0].set_exception(LookupError())
    await asyncio.sleep(0)
    begun.clear()
    replies.clear()
    gc.collect()
    assert complaints == []


async def test_errors_come_when_it_is_awaited() -> None:
    async def at_once() -> None:
        raise KeyError("at once")

    async def later() -> None:
        await asyncio.sleep(0)
        raise ValueError("later")

    async def by_the_reply(reply: asyncio.Future[None]) -> str:
        try:
            await reply
        except LookupError:
            return "handled"
        return "nothing"

    reply: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    one, two, three = Begun(at_once()), Begun(later()), Begun(by_the_reply(reply))
    reply.set_exception(LookupError())
    with pytest.raises(KeyError):
        await one
    with pytest.raises(ValueError, match="later"):
        await two
    assert await three == "handled"


async def test_one_who_is_cancelled_cancels_what_is_awaited() -> None:
    ended: list[str] = []

    async def long() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("long")

    async def hook() -> None:
        await Begun(long())

    task = asyncio.create_task(hook())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["long"]
