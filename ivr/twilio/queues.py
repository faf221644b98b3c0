"""The queues callers wait in: there before anybody is fetched from one, gone when nobody will be.

Twilio makes a queue when its first caller enters. An agent may be quicker, and to fetch somebody from a queue that does
not exist fails at once. And queues stay for ever: one a call would soon be many.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from ivr.gateway import GatewayError
from ivr.twilio.documents import QUEUE_PREFIX, queue_name
from ivr.twilio.keyring import Credentials
from ivr.twilio.rest import Rest, created_ms, is_sid
from router.logging_ import say

STALE_MS = 3_600_000

log = logging.getLogger("vipline.twilio")


class Queues:
    """Works in the background: nobody waits for a queue, and a queue that is not made or removed is only logged."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._working: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)

    def ensure(self, account: str, given: Credentials, call_id: str) -> None:
        """There is a queue for this call, soon; one that exists already stays as it is."""
        self._start(partial(self._rest.create_queue, account, given, queue_name(call_id)))

    def remove(self, account: str, given: Credentials, queue_sid: str) -> None:
        """If nobody stands in it; Twilio keeps one that is not empty."""
        if is_sid(queue_sid, "QU"):
            self._start(partial(self._rest.delete_queue, account, given, queue_sid))

    async def sweep(self, account: str, given: Credentials) -> int:
        """Removes what was left behind: empty queues of ours, an hour old. How many; raises GatewayError."""
        answer = await self._rest.list_queues(account, given)
        listed = answer.body.get("queues")
        stale = [queue for queue in (listed if isinstance(listed, list) else ()) if _is_stale(queue)]
        for queue in stale:
            await self._rest.delete_queue(account, given, str(queue["sid"]))
        return len(stale)

    def _start(self, work: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.create_task(_quietly(work))
        self._working.add(task)
        task.add_done_callback(self._working.discard)


async def _quietly(work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except GatewayError as error:
        say(log, logging.INFO, "queue not kept in order", error=str(error))


def _is_stale(queue: Any) -> bool:
    if not isinstance(queue, Mapping) or not is_sid(queue.get("sid"), "QU") or queue.get("current_size"):
        return False
    ours = str(queue.get("friendly_name", "")).startswith(QUEUE_PREFIX)
    return ours and created_ms(queue) < time.time() * 1_000 - STALE_MS
