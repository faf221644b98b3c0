"""What is done on one channel: answer it, play to it, let music run, hang it up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

from ivr.ari import commands
from ivr.ari.commands import Answer, Command
from ivr.ari.legs import Leg
from ivr.ari.rest import NoAnswer, NotSent

Ask = Callable[[Command], Awaitable[Answer]]
_GONE = frozenset({404, 409, 412})


class LegGone(Exception):
    """The channel is no more, or no longer ours; its events say the rest."""


class Tasks:
    """Work that nobody waits for, now or later; when it has ended, nothing begins any more."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def later(self, after_s: float, do: Callable[..., object], *given: object) -> None:
        def run() -> None:
            self._timers.discard(timer)
            do(*given)

        timer = asyncio.get_running_loop().call_later(after_s, run)
        self._timers.add(timer)

    async def end(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        while self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running, timeout=0.5)


class Phone:
    """The channels of one Asterisk. `ask` gives a command; `nonce` tells this process' playbacks from others'."""

    def __init__(self, ask: Ask, tasks: Tasks, counts: Counter[str], nonce: str) -> None:
        self._ask = ask
        self._tasks = tasks
        self._counts = counts
        self._numbers = count(1)
        self._nonce = nonce
        self._playing: dict[str, asyncio.Future[None]] = {}

    def played(self, playback_id: str) -> None:
        waiting = self._playing.get(playback_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    async def answer(self, leg: Leg) -> None:
        """Raises LegGone and NotSent."""
        if not leg.up:
            await self._surely(leg, commands.answer(leg.channel_id))
            leg.up = True

    async def play(self, leg: Leg, media: Sequence[str], longest_s: float) -> None:
        """Until it has been heard. Whoever stops waiting stops the sound. Raises LegGone and NotSent."""
        await self.answer(leg)
        name = f"vl.{self._nonce}.{next(self._numbers)}"
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._playing[name] = heard
        leg.playing.add(name)
        try:
            if not await self._on(leg, commands.play(leg.channel_id, name, media)):
                return
            leg.music = False
            try:
                async with asyncio.timeout(longest_s):
                    await heard
            except TimeoutError:
                self._counts["playback_lost"] += 1
        except NoAnswer:  # if it plays it is heard no further, and then from the beginning
            self.later(commands.stop(name))
            raise NotSent("nobody knows whether it plays") from None
        except asyncio.CancelledError:
            if name in leg.playing and not leg.gone:
                self.later(commands.stop(name))
            raise
        finally:
            leg.playing.discard(name)
            del self._playing[name]

    async def music(self, leg: Leg, name: str) -> None:
        """From now on, until something else is played. Raises LegGone and NotSent."""
        if not leg.music:
            await self.answer(leg)
            leg.music = await self._surely(leg, commands.music(leg.channel_id, name))

    def quiet(self, leg: Leg) -> None:
        """Whatever it hears ends, beside everything else."""
        for name in leg.playing:
            self.later(commands.stop(name))
        leg.playing.clear()
        if leg.music:
            leg.music = False
            self.later(commands.quiet(leg.channel_id))

    async def hang_up(self, leg: Leg, reason: str = "normal") -> None:
        """A channel that is gone is no error. Raises NotSent and NoAnswer."""
        leg.stopped = True
        await self._ask(commands.hang_up(leg.channel_id, reason))

    def later(self, command: Command) -> None:
        """Nobody waits for it; it is tried once more when nobody knows."""
        self._tasks.start(self._quietly(command))

    async def _quietly(self, command: Command) -> None:
        for _ in range(2):
            try:
                await self._ask(command)
            except (NotSent, NoAnswer):
                self._counts["unsent"] += 1
            else:
                return

    async def _surely(self, leg: Leg, command: Command) -> bool:
        """One that may be given twice. Raises LegGone and NotSent."""
        for _ in range(2):
            with suppress(NoAnswer):
                return await self._on(leg, command)
        raise NotSent("no answer")

    async def _on(self, leg: Leg, command: Command) -> bool:
        """Whether it was done. Raises LegGone, NoAnswer, and NotSent where Asterisk could not do it just now."""
        if leg.gone:
            raise LegGone
        answer = await self._ask(command)
        if answer.status in _GONE:
            raise LegGone
        if answer.status == 429 or answer.status >= 500:
            raise NotSent(f"not now: {answer.status}")
        if not answer.ok:
            self._counts["refused"] += 1
        return answer.ok
