"""A desk on the sample site, and the words of whoever is on the line. Documents are their scripts, spelled out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ivr.desk import Desk
from ivr.vocabulary import (
    BridgeUp,
    CallOffered,
    Collect,
    Command,
    Dial,
    Envelope,
    Event,
    Goto,
    Hold,
    HoldEnd,
    HoldLeft,
    HoldTick,
    InputDigits,
    InputNone,
    Join,
    LegAnswered,
    PromptFinished,
    Role,
    Route,
    Say,
    Script,
    Trust,
)
from router.domain.errors import UnknownCall
from router.domain.estimates import Forecast
from router.domain.fitting import Curve
from router.domain.talks import Talks
from router.store.rows import CallRow
from tests.support.service import Api
from tests.support.waiting import wait_until

ADA, LI, PRIYA, NOBODY = "+12025550110", "+12025550111", "+12025550116", "+12025550177"
NOON = 1_763_571_600_000  # in New York, 19 November 2025
OPEN_LINE, OFFICE = "+12025550199", "+12025550100"


def text(script: Script) -> bytes:
    return repr(script).encode()


@dataclass
class Line:
    """One call's conversation with the desk. `script` is what was said last, `said` all of its words."""

    desk: Desk
    call_id: str
    script: Script = ()
    document: bytes = b""
    scripts: list[Script] = field(default_factory=list)

    @property
    def said(self) -> str:
        found: list[str] = []
        for command in self.script:
            prompts: tuple[Command, ...] = command.prompts if isinstance(command, Collect) else (command,)
            found += [prompt.text for prompt in prompts if isinstance(prompt, Say)]
        return " ".join(found)

    def one(self, kind: type[Command]) -> Command | None:
        return next((command for command in self.script if isinstance(command, kind)), None)

    async def hear(self, page: str, step: str, event: Event, role: Role = "caller") -> bytes:
        """Answers the document's bytes, as the carrier gets them."""
        heard: list[Script] = []

        def render(script: Script) -> bytes:
            heard.append(script)
            return text(script)

        leg = self.call_id if role == "caller" else step
        envelope = Envelope("fake", "main", self.call_id, leg, role, f"{page}:{step}")
        self.document = await self.desk.hear(page, self.call_id, step, event, envelope, render)
        if heard:
            self.script = heard[-1]
            self.scripts.append(self.script)
        return self.document

    async def calls(self, number: str | None, to: str = OPEN_LINE, trust: Trust = "verified") -> bytes:
        return await self.hear("voice", "0", CallOffered(number, to, trust))

    def answers_at(self) -> Route:
        """Where the keys asked for last go."""
        collect = self.one(Collect)
        assert isinstance(collect, Collect), self.script
        return collect.route

    def room(self) -> Hold:
        hold = self.one(Hold)
        assert isinstance(hold, Hold), self.script
        return hold

    def dials(self) -> Dial:
        """Whom the caller is sent to."""
        dial = self.one(Dial)
        assert isinstance(dial, Dial), self.script
        return dial

    async def presses(self, key: str | None) -> bytes:
        route = self.answers_at()
        return await self.hear(route.page, route.step, InputDigits(key) if key else InputNone())

    async def enters_room(self) -> bytes:
        return await self.hear("hold", self.room().route.step, HoldTick())

    async def leaves_room(self, hold: Hold, reason: HoldEnd) -> bytes:
        return await self.hear("left", hold.left.step, HoldLeft(reason))

    async def picks_up(self, offer_id: str) -> bytes:
        """The agent."""
        return await self.hear("whisper", offer_id, LegAnswered(), "agent")

    async def takes(self, offer_id: str, key: str | None = "1") -> bytes:
        return await self.hear("accept", offer_id, InputDigits(key) if key else InputNone(), "agent")

    async def stands_by(self, offer_id: str) -> bytes:
        """The agent, who has taken the call, asks whether the caller is there."""
        assert self.one(Goto), self.script
        return await self.hear("join", offer_id, PromptFinished(), "agent")

    async def reports(self, event: Event, role: Role = "caller", leg: str = "") -> None:
        envelope = Envelope("fake", "main", self.call_id, leg or self.call_id, role, f"{role}:{event}")
        await self.desk.note(event, envelope)

    def joins(self) -> bool:
        return self.one(Join) is not None


async def row_of(api: Api, call_id: str) -> CallRow:
    row = await api.site.engine.read_call(call_id)
    if row is None:
        raise UnknownCall
    return row


async def offer_of(api: Api, call_id: str) -> str:
    row = await row_of(api, call_id)
    assert row.offer_id, f"{call_id} is {row.state}"
    return row.offer_id


def line(api: Api, call_id: str = "n1", now_ms: int = NOON) -> Line:
    return Line(Desk(api.site, clock=lambda: now_ms), call_id)


async def change_plan(api: Api, **parts: Any) -> None:
    plan = (await api.get("/v1/plan")).json["plan"]
    for name, value in parts.items():
        plan[name] = {**plan.get(name, {}), **value} if isinstance(value, dict) else value
    answered = await api.put("/v1/plan", plan)
    assert answered.status == 200, answered.text


async def until_ended(api: Api, call_id: str = "n1") -> None:
    async def ended() -> bool:
        return (await row_of(api, call_id)).state == "ended"

    await wait_until(ended)


async def in_room(api: Api, number: str | None = PRIYA, call_id: str = "n1", trust: Trust = "verified") -> Line:
    """A caller who has entered the holding room."""
    call = line(api, call_id)
    await call.calls(number, trust=trust)
    await call.enters_room()
    return call


async def waits_too_long(api: Api, number: str | None = PRIYA, **plan: Any) -> Line:
    """A caller who is sent away out of the holding room."""
    await change_plan(api, max_wait=1_000, **plan)
    call = await in_room(api, number)
    await until_ended(api)
    await call.hear("exit", "1-0", PromptFinished())
    return call


async def closes(api: Api, **hours: Any) -> None:
    """The office is never open."""
    await change_plan(api, hours={"office": {"open": {"daily": []}, **hours}})


def fill(api: Api) -> None:
    """The site takes nobody any more."""
    api.site.engine._hard_limit = api.site.engine._settings["hard_limit"] = "0"


def know_waits(api: Api) -> None:
    """As if it had learned: waits are announced, and when an owner is free."""
    talks = Talks()
    for _ in range(30):
        talks = talks.learn(180)
    curve = Curve(100, 60.0, 30.0, (0.8,) * 4, (2.0,) * 4)
    api.site.estimates._forecasts.add(Forecast(0, {";": curve}, {}, talks))


async def busy_owner(api: Api) -> None:
    """agent-7, the owner of Ada and Li, talks to somebody."""
    await api.ready("agent-7")
    await api.accept(await api.call("other", ADA))


async def connected(api: Api, call: Line, number: str = ADA) -> str:
    """The caller talks to agent-7; answers the offer's id."""
    await api.ready("agent-7")
    await call.calls(number)
    room = call.room()
    await call.enters_room()
    offer = await offer_of(api, call.call_id)
    agent = Line(call.desk, call.call_id)
    await agent.picks_up(offer)
    await agent.takes(offer)
    await agent.hear("bridged", offer, BridgeUp(), "agent")
    assert (await row_of(api, call.call_id)).letter == "c"
    call.script = (room,)
    return offer
