"""The whole house on the line: the service as it runs, and a carrier's far end between it, its callers and its agents.

No provider's word stands here: what is one's own is on its stage, in `stages/`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from ivr.adapter import Adapter
from ivr.capabilities import Capabilities
from loadtests.carriers.carrier import Carrier
from loadtests.carriers.phones import Leg, Person
from tests.support.service import LONG_S, Change, Watched, listening, serving, write_config
from tests.support.waiting import wait_until

OPEN, OFFICE = "+12025550199", "+12025550100"
ADA, LI, PRIYA, NOBODY = "+12025550110", "+12025550111", "+12025550116", "+12025550177"
GRETA, CHEN, DARA = "sip:7@pbx", "sip:3@pbx", "sip:4@pbx"


@dataclass(frozen=True)
class Stage:
    """How a site of one provider is put on stage.

    `capabilities`: what its adapter declares. `section`: its part of the plan, once the carrier runs. `wire` tells the
    carrier whose numbers ours are, given the service's address. `vouched`, `spoofed`: what a call carries whose number
    is beyond doubt, or surely false. `adapters`: instead of the service's own. `ready`: until calls can be made.
    `breaks`: a leg's device or network fails in mid-talk. `replay` sends every request of the carrier once more as it
    was, and answers how many. `forge` sends some as the carrier never would, and answers the statuses. `places`: what
    the carrier calls the command that places a leg. A stage without one of these says None.
    """

    name: str
    carrier: Carrier
    capabilities: Capabilities
    section: Callable[[], dict[str, Any]]
    wire: Callable[[str, Sequence[str]], None]
    vouched: Mapping[str, str] = field(default_factory=dict)
    spoofed: Mapping[str, str] | None = None
    adapters: Sequence[Adapter] | None = None
    ready: Callable[[web.Application], Awaitable[None]] | None = None
    breaks: Callable[[Leg], Awaitable[None]] | None = None
    replay: Callable[[], Awaitable[int]] | None = None
    forge: Callable[[], Awaitable[list[int]]] | None = None
    places: str = "create"


@dataclass
class House(Watched):
    stage: Stage

    @property
    def carrier(self) -> Carrier:
        return self.stage.carrier

    def agent(self, endpoint: str, **how: Any) -> None:
        """Who is at an endpoint takes calls by key, unless told otherwise."""
        self.carrier.people[endpoint] = Person(**({"presses": {"take the call": "1"}} | how))

    def call(self, number: str, person: Person | None = None, to: str = OPEN, **extra: str) -> Leg:
        return self.carrier.call(number, to, person, **(dict(self.stage.vouched) | extra))

    def legs_to(self, number: str) -> list[Leg]:
        return [leg for leg in self.carrier.legs.values() if leg.to_number == number]

    async def rung(self, endpoint: str) -> Leg:
        """The leg to an endpoint, once it rings."""
        leg = await self.carrier.until_leg_to(endpoint)
        await leg.until("ringing")
        return leg

    async def talking(self, number: str = ADA, endpoint: str = GRETA, agent_id: str = "agent-7") -> tuple[Leg, Leg]:
        """Caller and agent."""
        self.agent(endpoint)
        await self.api.ready(agent_id)
        call = self.call(number)
        await call.until(f"bridged: {endpoint}")
        await self.until(call.sid, state="connected", agent_id=agent_id)
        return call, self.carrier.leg_to(endpoint)

    async def told(self, call_id: str, words: str) -> None:
        """Until the call's timeline says so."""

        async def holds() -> bool:
            return any(words in entry["why"] for entry in (await self.api.look(call_id))["timeline"])

        await wait_until(holds, timeout=LONG_S)

    async def meta(self, call_id: str) -> dict[str, Any]:
        """What is kept of a call beside its state."""
        row = await self.api.site.engine.read_call(call_id)
        assert row is not None
        return row.meta

    async def change(self, **parts: Any) -> None:
        """Another plan, from now on."""
        plan = (await self.api.get("/v1/plan")).json["plan"]
        for name, value in parts.items():
            plan[name] = {**plan.get(name, {}), **value} if isinstance(value, dict) else value
        answered = await self.api.put("/v1/plan", plan)
        assert answered.status == 200, answered.text


@asynccontextmanager
async def house_of(database: str, folder: Path, stage: Stage, change: Change | None = None) -> AsyncIterator[House]:
    at, base = listening()

    def written(plan: dict[str, Any]) -> None:
        plan["telephony"] = stage.section()
        if change is not None:
            change(plan)

    async with stage.carrier.running():
        config = write_config(folder / "config", written)
        async with serving(database, config, at=at, adapters=stage.adapters, public_url=base) as api:
            stage.wire(base, (OPEN, OFFICE))
            if stage.ready is not None:
                await stage.ready(api.app)
            yield House(api, stage)
            await stage.carrier.fall_silent()
