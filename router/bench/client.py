"""What one script costs this process: our channel beside redis-py with hiredis, many calls at once and one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

from redis.asyncio import Redis

from router.store.channel import Channel

SCRIPT = "return ARGV[1]"
ROUNDS = 9
CALLS = {64: 40, 1: 400}
"""Calls each of so many tasks makes in a round."""


async def cpu_ratios(url: str) -> dict[int, float]:
    """Concurrent calls → CPU of the channel ÷ CPU of redis-py, the median of paired rounds."""
    channel = await Channel.open(url)
    sha = (await channel.call("SCRIPT", "LOAD", SCRIPT)).decode()
    async with Redis.from_url(url, max_connections=max(CALLS)) as plain:

        async def ours() -> None:
            await channel.call("EVALSHA", sha, "1", "{client}", "1a2b3c4d")

        async def theirs() -> None:
            await plain.evalsha(sha, 1, "{client}", "1a2b3c4d")

        ratios: dict[int, list[float]] = {tasks: [] for tasks in CALLS}
        for _ in range(ROUNDS + 1):
            for tasks, calls in CALLS.items():
                ratios[tasks].append(await _cpu(ours, tasks, calls) / await _cpu(theirs, tasks, calls))
    await channel.close()
    return {tasks: median(rounds[1:]) for tasks, rounds in ratios.items()}


async def _cpu(send: Callable[[], Awaitable[None]], tasks: int, calls: int) -> float:
    """CPU time of this process, s."""

    async def one_after_another() -> None:
        for _ in range(calls):
            await send()

    started = time.process_time()
    await asyncio.gather(*(one_after_another() for _ in range(tasks)))
    return time.process_time() - started
