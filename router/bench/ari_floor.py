"""The least a call can cost over ARI: the same sockets and commands, and nobody who decides anything.

What `router.bench.ari` measures is compared with this, taken under the same load: the rest is ours.
"""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path

import aiohttp
from yarl import URL

from ivr.ari import commands
from ivr.ari.commands import Answer, Command
from ivr.ari.counts import Counts
from ivr.ari.heard import Digit, Heard, Left, Played, Started
from ivr.ari.link import Link
from ivr.ari.rest import HttpRest

SOUNDS = {"greeting": "Good morning, and welcome. One moment please.", "whisper": "A caller. Press 1 to take the call."}


class Floor:
    """Answers, greets, rings, whispers, and lets talk whoever presses a key."""

    def __init__(self, base: str, sounds: Path) -> None:
        self._rest = HttpRest(base, "vipline", ("bench",))
        self._sounds = sounds
        self._numbers = count(1)
        self._others: dict[str, str] = {}
        self._bridges: dict[str, str] = {}
        self._free: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, base: str, begun: asyncio.Event) -> None:
        """Until cancelled."""
        self._sounds.mkdir(parents=True, exist_ok=True)
        for name, text in SOUNDS.items():
            (self._sounds / f"{name}.wav").write_text(text)
        headers = {"Authorization": aiohttp.encode_basic_auth("vipline", "bench")}
        url = URL(f"{base}/ari/events").with_query(app="vipline", subscribeAll="false")
        async with aiohttp.ClientSession() as session:
            socket = await session.ws_connect(url, protocols=("ari",), headers=headers)
            begun.set()
            try:
                await Link(socket, self._heard, Counts()).listen()
            finally:
                await self._rest.close()

    def _heard(self, event: Heard) -> None:
        if isinstance(event, Started):
            self._start(self._caller(event) if event.args[0] == "caller" else self._agent(event.channel.id))
        elif isinstance(event, Digit) and (caller := self._others.get(event.channel_id)):
            self._start(self._join(caller, event.channel_id))
        elif isinstance(event, Left):
            self._start(self._end(event.channel_id))
        elif isinstance(event, Played):
            return

    def _start(self, work: object) -> None:
        assert asyncio.iscoroutine(work)
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, command: Command) -> Answer:
        return await self._rest.ask(command)

    async def _caller(self, event: Started) -> None:
        number = next(self._numbers)
        caller, agent = event.channel.id, f"agent.{number}"
        self._others |= {caller: agent, agent: caller}
        await self._ask(commands.answer(caller))
        await self._ask(commands.play(caller, f"p.{number}", [f"sound:{self._sounds}/greeting"]))
        await self._ask(commands.originate(agent, f"PJSIP/{number % 600}", "vipline", ("agent",), "", 30))

    async def _agent(self, agent: str) -> None:
        await self._ask(commands.play(agent, f"w.{agent}", [f"sound:{self._sounds}/whisper"]))
        if not self._free:
            self._free.append(f"b.{agent}")
            await self._ask(commands.create_bridge(self._free[-1]))
        self._bridges[agent] = self._free.pop()

    async def _join(self, caller: str, agent: str) -> None:
        if agent in self._bridges:
            await self._ask(commands.join_bridge(self._bridges[agent], (caller, agent)))

    async def _end(self, channel_id: str) -> None:
        other = self._others.pop(channel_id, None)
        if other is not None and self._others.pop(other, None) is not None:
            await self._ask(commands.hang_up(other))
        if (bridge := self._bridges.pop(channel_id, None)) is not None:
            await asyncio.sleep(0.5)
            self._free.append(bridge)
