"""A virtual site whose callers teach: one agent, a learner, and what a process would say."""

from __future__ import annotations

from router.domain.estimates import LEAD_MS
from router.domain.judging import Announcement, Estimate
from router.domain.ladder import Timing
from router.estimates import Estimates
from router.events.estimating import Learner
from router.store.channel import Channel
from router.store.engine import Engine
from router.store.keyspace import Keyspace
from router.store.sending import VirtualClock
from tests.support.stage import SECOND, START, ladder, owner, profile, queue

VIP = queue("vip")
TALK_S = 60


class LearningDesk:
    """A virtual site with one agent, a learner, and what a process would say."""

    def __init__(self, channel: Channel, keys: Keyspace, blocking: Channel) -> None:
        self.channel = channel
        self.keys = keys
        self.clock = VirtualClock(START)
        self.engine = Engine(channel, keys, Timing(), self.clock)
        self._blocking = blocking
        self.learner = self.another("one")
        self.estimates = Estimates(self.engine, lambda: self.clock.now_ms)
        self._calls = 0

    def another(self, name: str) -> Learner:
        wrap_up_ms = self.engine.timing.wrap_up_ms
        return Learner(self.channel, self._blocking, self.keys, name, self.engine.lanes, lambda: wrap_up_ms)

    async def open(self) -> None:
        """Ann is ready; nothing has been learned."""
        await self.engine.make_virtual()
        await self.engine.put_agent("ann", profile("vip"), "{}")
        await self.engine.agent_ready("ann")

    async def teach(self) -> None:
        """Its callers are known, and a forecast is in force."""
        await self.days(60)
        await self.learn()
        self.clock.now_ms += LEAD_MS + 1

    async def come(self, tier: str = "standard", head_start_ms: int = 0) -> str:
        self._calls += 1
        call_id = f"call{self._calls}"
        await self.engine.route_call(call_id, ladder(VIP, head_start_ms=head_start_ms), plan_version="", tier=tier)
        return call_id

    async def take(self) -> str | None:
        """Ann takes the call she is offered; answers its id, None when there is none."""
        agent = await self.engine.read_agent("ann")
        assert agent is not None
        if agent.call_id is None or agent.offer_id is None:
            return None
        await self.engine.accept_offer(agent.call_id, "ann", agent.offer_id)
        return agent.call_id

    async def serve(self) -> None:
        """Ann takes the call she is offered, talks, wraps up, and is offered the next."""
        call_id = await self.take()
        if call_id is None:
            return
        self.clock.now_ms += TALK_S * SECOND
        await self.engine.complete_call(call_id)
        await self.engine.end_wrap_up("ann")

    async def ask(self, call_id: str) -> None:
        """Somebody calls who belongs to Ann."""
        await self.engine.route_call(call_id, ladder(owner("ann"), VIP), plan_version="")

    async def days(self, calls: int, step: int = 5) -> None:
        """So many callers in a row, with a few in line all the time."""
        for number in range(calls):
            await self.come()
            if number >= step:
                await self.serve()
        while (agent := await self.engine.read_agent("ann")) and agent.call_id:
            await self.serve()

    async def learn(self, learner: Learner | None = None) -> None:
        """All there is, by a learner who begins anew from what is kept."""
        learner = learner or self.learner
        learning = await learner.load()
        while await learner.step(learning, 1):
            pass

    async def look(self, call_id: str) -> Estimate | None:
        await self.estimates.refresh()
        row = await self.engine.read_call(call_id)
        assert row is not None
        return await self.estimates.of(row)

    async def told(self, call_id: str) -> Announcement | None:
        await self.estimates.refresh()
        view = await self.engine.view_call(call_id)
        assert view is not None
        return self.estimates.told(view, self.clock.now_ms)

    async def kept(self) -> tuple[bytes, bytes]:
        return tuple(await self.channel.call("HMGET", self.keys.own("est"), "last", "model"))
