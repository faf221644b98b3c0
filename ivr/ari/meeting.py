"""Where legs meet: holding rooms, and the talk of whoever waits in one with whoever comes to fetch them."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from ivr.ari import commands
from ivr.ari.bridges import Bridges
from ivr.ari.legs import Leg, Talk
from ivr.ari.pace import lasting
from ivr.ari.phone import Ask, Phone, Tasks
from ivr.ari.rest import NoAnswer, NotSent
from ivr.vocabulary import (
    BridgeDown,
    BridgeUp,
    Dial,
    Event,
    Hold,
    HoldLeft,
    HoldTick,
    Join,
    LegFailed,
    Route,
)

RINGING_S = 5.0
"""A call outside is given so much longer than it may ring, to be put through."""
VANISHED_S = 1.0
SAYS_WHY_S = 0.3
TRIES = 3
"""A leg leaves its bridge a moment before Asterisk says why."""
Next = tuple[Route, Event]
Run = Callable[[Leg, Route, Event], Coroutine[Any, Any, None]]
Hear = Callable[[Leg, Route, Event], Awaitable[object]]
Place = Callable[[Leg, Dial], Awaitable[Leg | None]]


class Meeting:
    """Of one Asterisk. `run` plays from a page on; `hear` only tells the desk; `place` calls a number outside."""

    def __init__(self, ask: Ask, phone: Phone, tasks: Tasks, counts: Counter[str], nonce: str) -> None:
        self._ask = ask
        self._phone = phone
        self._tasks = tasks
        self._counts = counts
        self.bridges = Bridges(ask, phone.later, nonce)
        self._rooms: dict[str, Leg] = {}
        self._coming: dict[str, asyncio.Event] = {}
        self.run: Run
        self.hear: Hear
        self.place: Place
        self.end: Callable[[Leg], None]

    def vanish(self, leg: Leg) -> None:
        """Its events usually say so first, and why."""
        self._tasks.later(VANISHED_S, self.end, leg)

    # ------------------------------------------------------------ rooms

    def enter_room(self, leg: Leg, hold: Hold) -> None:
        leg.room = hold
        self._rooms[hold.call_id] = leg
        if (waited_for := self._coming.get(hold.call_id)) is not None:
            waited_for.set()

    def leave_room(self, leg: Leg) -> None:
        if leg.room is not None and self._rooms.get(leg.room.call_id) is leg:
            del self._rooms[leg.room.call_id]
        leg.room = None

    async def _fetch(self, call_id: str, within_s: float) -> Leg | None:
        """Who waits in a call's room, as soon as somebody does."""
        if call_id not in self._rooms:
            coming = self._coming.setdefault(call_id, asyncio.Event())
            try:
                async with asyncio.timeout(within_s):
                    await coming.wait()
            except TimeoutError:
                return None
            finally:
                self._coming.pop(call_id, None)
        return self._rooms.get(call_id)

    # ------------------------------------------------------------ talks

    async def join(self, leg: Leg, join: Join) -> Next:
        """To the caller in the room; answers when that is over."""
        caller = await self._fetch(join.call_id, lasting(join.timeout_ms / 1_000))
        if caller is None or caller.room is None:
            return join.over, LegFailed("no_answer")
        hold = caller.room
        talk = self._begin(caller, leg)
        try:
            connected = await self._connect(talk)
        except asyncio.CancelledError:
            self._send_back(talk, hold)
            raise
        if connected and talk.over.is_set() and not caller.gone:  # sent elsewhere meanwhile
            self.bridges.spoilt(talk.bridge_id)
            return join.over, LegFailed("network")
        if not connected:
            self._send_back(talk, hold)
            return join.over, LegFailed("network")
        self._tasks.start(self._tell(leg, join.bridged))
        caller.task = self._tasks.start(self.after(talk, caller, hold.left))
        await talk.over.wait()
        self._leave(leg, talk)
        return join.over, BridgeDown()

    def _begin(self, caller: Leg, agent: Leg) -> Talk:
        """The caller belongs to the talk from here on, whatever it was hearing."""
        talk = caller.talk = agent.talk = Talk(caller, agent)
        self.leave_room(caller)
        if caller.task is not None:
            caller.task.cancel()
        return talk

    def _send_back(self, talk: Talk, hold: Hold) -> None:
        """Nobody came after all: the caller waits as before."""
        if talk.bridge_id:
            self.bridges.spoilt(talk.bridge_id)
            talk.bridge_id = ""
        interrupted = talk.over.is_set()
        self.finish(talk)
        caller = talk.caller
        if not caller.gone and not interrupted:
            self.enter_room(caller, hold)
            caller.task = self._tasks.start(self.run(caller, hold.route, HoldTick()))

    async def dial(self, leg: Leg, dial: Dial) -> Next:
        """To somebody outside, for good; answers when that is over."""
        self.leave_room(leg)
        out = await self.place(leg, dial)
        if out is None:
            return dial.over, LegFailed("network")
        try:
            self._phone.later(commands.ring(leg.channel_id))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(lasting(dial.timeout_ms / 1_000 + RINGING_S)):
                    await out.settled.wait()
            if out.gone or not out.up:
                return dial.over, LegFailed("no_answer")
            self._phone.later(commands.ring_no_more(leg.channel_id))
            talk = leg.talk = out.talk = Talk(leg, out)
            if not await self._connect(talk):
                self.finish(talk)
                return dial.over, LegFailed("network")
            await talk.over.wait()
            self._leave(leg, talk)
            return dial.over, BridgeDown()
        finally:
            if not out.gone:
                self._phone.later(commands.hang_up(out.channel_id))

    async def _connect(self, talk: Talk) -> bool:
        members = (talk.caller.channel_id, talk.agent.channel_id)
        try:
            talk.bridge_id = await self.bridges.take()
            self._phone.quiet(talk.caller)
            self._phone.quiet(talk.agent)
            together = await self._bring_together(talk.bridge_id, members)
        except NotSent:
            return False
        if not together:
            self._counts["not_bridged"] += 1
            self.bridges.spoilt(talk.bridge_id)
            talk.bridge_id = ""
            return False
        self.bridges.occupied(talk.bridge_id, members)
        self._counts["bridged"] += 1
        return True

    async def _bring_together(self, bridge_id: str, members: Sequence[str]) -> bool:
        """Into the bridge; where nobody knows, Asterisk is asked who is in it. Raises NotSent."""
        for _ in range(TRIES):
            try:
                return (await self._ask(commands.join_bridge(bridge_id, members))).ok
            except NoAnswer:
                shown = await self._ask(commands.bridge(bridge_id))
                if isinstance(shown.body, dict) and set(members) <= set(shown.body.get("channels") or ()):
                    return True
        return False

    async def _tell(self, leg: Leg, bridged: Route) -> None:
        await self.hear(leg, bridged, BridgeUp())

    async def after(self, talk: Talk, caller: Leg, left: Route) -> None:
        """The caller's side of a talk: until it is over, then what comes next."""
        await talk.over.wait()
        if not caller.gone:
            self._leave(caller, talk)
            await self.run(caller, left, HoldLeft("bridged"))

    def _leave(self, leg: Leg, talk: Talk) -> None:
        """Out of the bridge, if it is still there: what it hears next is for it alone."""
        leg.talk = None
        if not leg.gone and leg is talk.caller and talk.bridge_id:
            self._phone.later(commands.leave_bridge(talk.bridge_id, leg.channel_id))

    def finish(self, talk: Talk) -> None:
        """It is over, by whoever went first."""
        if not talk.over.is_set():
            talk.over.set()
            if talk.bridge_id:
                self.bridges.give_back(talk.bridge_id)
        for leg in (talk.caller, talk.agent):
            if leg.talk is talk:
                leg.talk = None

    def interrupt(self, leg: Leg) -> None:
        """Out of whatever it is in: somebody sends it elsewhere."""
        if (talk := leg.talk) is not None:
            if talk.bridge_id:
                self._phone.later(commands.leave_bridge(talk.bridge_id, leg.channel_id))
            self.finish(talk)
        self.leave_room(leg)

    def finish_soon(self, talk: Talk) -> None:
        """One has left the bridge; why is about to be said."""
        self._tasks.later(SAYS_WHY_S, self.finish, talk)

    def resume(self, caller: Leg, agent: Leg, bridge_id: str, left: Route, over: Route) -> None:
        """They talk already: since before a gap, or before us."""
        talk = caller.talk = agent.talk = Talk(caller, agent, bridge_id)
        caller.task = self._tasks.start(self.after(talk, caller, left))
        agent.task = self._tasks.start(self._agent_after(talk, agent, over))

    async def _agent_after(self, talk: Talk, agent: Leg, over: Route) -> None:
        await talk.over.wait()
        if not agent.gone:
            await self.run(agent, over, BridgeDown())
