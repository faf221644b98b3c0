"""A leg, who is at its end, and the queues legs wait in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

TERMINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})

Pick = Literal["answers", "busy", "no_answer", "declines", "device", "network"]


@dataclass
class Person:
    """How somebody behaves on the phone. `presses`: words heard → keys pressed; a key is pressed when words are heard.

    `hangs_up_at`: words on hearing which they hang up. Times are Twilio's seconds.
    """

    picks: Pick = "answers"
    after_s: float = 2.0
    presses: Mapping[str, str] = field(default_factory=dict)
    hangs_up_at: str = ""
    hangs_up_after_s: float | None = None
    talks_s: float | None = None


@dataclass(eq=False)
class Leg:
    """One call of Twilio's. `story` is everything that happened on it, in order, in plain words."""

    sid: str
    account: str
    direction: str
    from_number: str
    to_number: str
    person: Person
    status: str = "queued"
    extra: Mapping[str, str] = field(default_factory=dict)
    status_url: str = ""
    status_events: frozenset[str] = frozenset({"completed"})
    fallback_url: str = ""
    created: float = field(default_factory=time.time)
    sequence: int = 0
    story: list[str] = field(default_factory=list)
    keys: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    pending: tuple[str, dict[str, str]] | None = None
    """The action address a verb still owes, and what it would tell when the leg ended now."""
    bridge: Bridge | None = None
    task: asyncio.Task[None] | None = None
    _told: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def ended(self) -> bool:
        return self.status in TERMINAL

    @property
    def partner(self) -> Leg | None:
        if self.bridge is None:
            return None
        return self.bridge.agent if self.bridge.caller is self else self.bridge.caller

    def press(self, keys: str) -> None:
        """Whoever is on the leg presses keys now."""
        self.keys.put_nowait(keys)

    async def tell(self, words: str) -> None:
        self.story.append(words)
        async with self._told:
            self._told.notify_all()

    async def until(self, words: str, times: int = 1, timeout_s: float = 10.0) -> None:
        """Until the story holds an entry with these words (so many times). AssertionError with the story otherwise."""
        try:
            async with asyncio.timeout(timeout_s), self._told:
                await self._told.wait_for(lambda: sum(words in entry for entry in self.story) >= times)
        except TimeoutError:
            raise AssertionError(f"never heard {words!r} in {self.story}") from None


@dataclass(eq=False)
class Bridge:
    """Two legs talking, until either is gone."""

    caller: Leg
    agent: Leg
    up: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Member:
    """Somebody in a queue. `taken` is who fetches them, and the address that is asked before they talk."""

    leg: Leg
    since: float
    taken: asyncio.Future[tuple[Bridge, str]]


@dataclass(eq=False)
class Queue:
    sid: str
    name: str
    members: list[Member] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    created: float = field(default_factory=time.time)


class Tasks:
    """Background tasks, all ended together; a failure of one is kept and raised."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self.failures: list[BaseException] = []

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.failures.append(error)

    async def stop(self) -> None:
        while self._running:
            for task in self._running:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait(self._running)
