"""The people on our side: agents who take calls each in their own way, and a supervisor who now and then steps in."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import aiohttp

from config.people import AgentSeed
from ivr.speech import phrases_for
from loadtests.carriers.carrier import Carrier
from loadtests.carriers.phones import Leg, Person
from router.clock import RunningClock
from router.domain.events import Event

Manner = Literal["key", "app", "declines", "declines_app", "ignores", "silent", "busy"]
MANNERS: Mapping[Manner, float] = {
    "key": 0.62,
    "app": 0.2,
    "declines": 0.04,
    "declines_app": 0.03,
    "ignores": 0.05,
    "silent": 0.03,
    "busy": 0.03,
}
"""How an agent meets an offer: with the accept key, in the application, with another key, not at all …"""
HURRIES = 0.3
"""Ends the wrap-up before its time."""
BREAK_S = (150.0, 270.0)


class Client:
    """The HTTP API, as one person uses it."""

    def __init__(self, session: aiohttp.ClientSession, base: str, token: str) -> None:
        self._session = session
        self._base = base
        self._headers = {"Authorization": f"Bearer {token}"}

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body; a refusal is an answer like any other."""
        async with self._session.request(method, self._base + path, json=body, headers=self._headers) as response:
            return response.status, await response.json(content_type=None)

    async def agent(self, agent_id: str) -> Client:
        """The same as one of the agents."""
        status, made = await self.ask("POST", "/v1/tokens", {"role": "agent", "site": "main", "agent_id": agent_id})
        assert status == 201, made
        return Client(self._session, self._base, made["secret"])


@dataclass
class Member:
    """`offer` and `call`: what the agent is rung for now, or was."""

    seed: AgentSeed
    client: Client
    manner: Manner = "key"
    offer: str = ""
    call: str = ""
    away: bool = False


class Team:
    """`language`: in which agents are whispered to."""

    def __init__(
        self, carrier: Carrier, clock: RunningClock, chance: random.Random, language: str, accept_key: str
    ) -> None:
        self._carrier = carrier
        self._clock = clock
        self._chance = chance
        self._accept_key = accept_key
        self._asked = phrases_for(language, language).say("whisper.accept", key=accept_key)
        self._by_endpoint: dict[str, Member] = {}
        self.members: dict[str, Member] = {}

    async def arrive(self, seeds: list[AgentSeed], admin: Client) -> None:
        for seed in seeds:
            member = self.members[seed.agent_id] = Member(seed, await admin.agent(seed.agent_id))
            assert seed.endpoint is not None
            self._by_endpoint[seed.endpoint] = member
            self._next_manner(member)

    def at(self, endpoint: str) -> Member | None:
        return self._by_endpoint.get(endpoint)

    async def work(self, member: Member, minutes: float) -> None:
        """A shift: on duty soon after the doors open, one break, there until the end."""
        await self._clock.sleep(self._chance.uniform(1, 20))
        await self._go(member, "ready")
        await self._clock.sleep(self._chance.uniform(0.15, 0.8) * minutes * 60)
        member.away = True
        await self._go(member, "break", "a cup of tea")
        await self._clock.sleep(min(self._chance.uniform(*BREAK_S), minutes * 10))
        member.away = False
        await self._go(member, "ready")

    async def _go(self, member: Member, state: str, reason: str = "") -> None:
        body = {"state": state} | ({"reason": reason} if reason else {})
        await member.client.ask("PUT", f"/v1/agents/{member.seed.agent_id}/state", body)

    # ------------------------------------------------------------ what they notice

    def rings(self, leg: Leg, start: Callable[[Any], Any]) -> None:
        """The phone rings: as its owner meant to meet this ring; the next will be met otherwise."""
        member = self._by_endpoint.get(leg.to_number)
        if member is None:
            return
        if member.manner in ("app", "declines_app"):
            start(self._answer_in_app(member, "accept" if member.manner == "app" else "decline"))
        self._next_manner(member)

    def sees(self, event: Event, start: Callable[[Any], Any]) -> None:
        member = self.members.get(event.fields.get("agent", ""))
        if member is None:
            return
        if event.type == "call.offered":
            member.offer, member.call = event.entry_id, event.fields["call"]
        elif event.type == "agent.wrapping" and self._chance.random() < HURRIES and not member.away:
            start(self._hurry(member))

    async def _answer_in_app(self, member: Member, verb: str) -> None:
        await self._clock.sleep(self._chance.uniform(3, 9))
        await member.client.ask("POST", f"/v1/offers/{member.offer}/{verb}", {} if verb == "decline" else None)

    async def _hurry(self, member: Member) -> None:
        await self._clock.sleep(self._chance.uniform(4, 12))
        if not member.away:
            await self._go(member, "ready")

    def _next_manner(self, member: Member) -> None:
        """Shown by the person at the endpoint."""
        member.manner = self._chance.choices(list(MANNERS), list(MANNERS.values()))[0]
        after_s = self._chance.uniform(1, 6)
        manner, endpoint = member.manner, member.seed.endpoint or ""
        if manner == "ignores":
            person = Person(picks="no_answer")
        elif manner == "busy":
            person = Person(picks="busy", after_s=1)
        elif manner == "key":
            person = Person(after_s=after_s, presses={self._asked: self._accept_key})
        elif manner == "declines":
            person = Person(after_s=after_s, presses={self._asked: "0"})
        else:
            person = Person(after_s=after_s)
        self._carrier.people[endpoint] = person


class Supervisor:
    """Boosts somebody, gives somebody to a certain agent, closes a queue for two minutes: once each."""

    def __init__(self, client: Client, clock: RunningClock, minutes: float, tell: Callable[[str, str], None]) -> None:
        self._client = client
        self._clock = clock
        self._minutes = minutes
        self._tell = tell
        self.done: list[str] = []

    async def watch(self) -> None:
        await self._clock.sleep(self._minutes * 60 * 0.4)
        await asyncio.gather(self._boost(), self._assign(), self._close())

    async def _boost(self) -> None:
        call = await self._longest("general")
        if call:
            why = {"head_start_ms": 600_000, "why": "has called three times today"}
            await self._do("boost", call, why, "boosts", "moves {who} up by ten minutes: has called three times today")

    async def _assign(self) -> None:
        await self._clock.sleep(90)
        call = await self._longest("vip")
        if call:
            order = {"agent_id": "agent-6", "why": "knows the matter"}
            await self._do("assign", call, order, "assigns", "gives {who} to Femi Adeyemi, who knows the matter")

    async def _close(self) -> None:
        await self._clock.sleep(self._minutes * 60 * 0.3)
        message = "We are in a short meeting and will be back within minutes."
        self._tell("closes", "the general desk for two minutes; who waits there takes the way out")
        await self._client.ask("PUT", "/v1/queues/general", {"open": False, "message": message})
        await self._clock.sleep(120)
        await self._client.ask("PUT", "/v1/queues/general", {"open": True})
        self.done.append("close")

    async def _longest(self, group: str) -> str:
        """The one who will be served last of those who wait there, as soon as two do; empty when nobody ever does."""
        for _ in range(round(self._minutes * 60 / 5)):
            status, found = await self._client.ask("GET", f"/v1/queues/{group}/calls")
            if status == 200 and len(found["items"]) > 1:
                return str(found["items"][-1]["call_id"])
            await self._clock.sleep(5)
        return ""

    async def _do(self, verb: str, call_id: str, body: Any, word: str, text: str) -> None:
        status, call = await self._client.ask("POST", f"/v1/calls/{call_id}/{verb}", body)
        if status == 200:
            who = (call.get("customer") or {}).get("name") or "a caller"
            self._tell(word, text.format(who=who))
            self.done.append(verb)
