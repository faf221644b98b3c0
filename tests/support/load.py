"""A small call centre's day in seconds: callers of all tiers, agents of all tempers, networks that fail.

Whoever gets no answer asks again, at another service if there is one, until somebody answers: as telephony platforms,
agents' desktops and tired fingers do. What was acknowledged is remembered, for the verdict.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from loadtests.verdict import Verdict
from router.domain.events import Event
from tests.support.service import SECRET, write_config
from tests.support.tape import Tape
from tests.support.waiting import wait_until

AGENTS = [f"agent-{number}" for number in range(1, 8)]
TIERS = ["diamond", "gold", "gold", "silver", "member"]
CUSTOMERS = 240
HEAD_STARTS = {"diamond": 1_800_000, "gold": 600_000, "silver": 300_000, "member": 120_000, "standard": 0}
TIMING = {
    "offer": "1s",
    "question": "1s",
    "dial": "1s",
    "bridge": "1s",
    "wrap_up": "50ms",
    "cooling": "200ms",
    "cooling_max": "1s",
    "owner_wait": "1s",
}
ANSWER_PATIENCE_S = 1.5
GIVE_UP_S = 60.0
PATIENCE_S = 60.0
LINE_MAX = 60
NO_ANSWER = (aiohttp.ClientError, TimeoutError, OSError)


def number_of(customer: int) -> str:
    """A number kept free for films."""
    return f"+447700900{customer:03}"


def hurried_config(folder: Path) -> Path:
    """The sample site in a hurry, with customers enough that few call twice."""

    def change(plan: dict[str, Any]) -> None:
        plan["timing"] |= TIMING
        plan["ladders"]["vip"][0] |= {"wait": "300ms", "max_waiting": 3}

    write_config(folder, change)
    customers = [_customer(number) for number in range(CUSTOMERS)]
    (folder / "customers.yaml").write_text(json.dumps({"customers": customers}))
    assert yaml.safe_load((folder / "plan.yaml").read_text())["timing"]["offer"] == TIMING["offer"]
    return folder


def _customer(number: int) -> dict[str, Any]:
    made: dict[str, Any] = {"customer_id": f"c-{number}", "name": "Somebody", "phones": [number_of(number)]}
    if number % 2:
        made |= {"tier": TIERS[number % len(TIERS)], "owner": AGENTS[number % 3 + 4], "cover": ["agent-3"]}
    return made


class Load:
    """Callers come until `finish`. `bases` may be changed meanwhile: where requests go."""

    def __init__(self, bases: Sequence[str], stream_url: str, seed: int, calls_per_s: float = 40.0) -> None:
        self.bases = list(bases)
        self.created: set[str] = set()
        self.connected: dict[str, str] = {}
        self.ended: set[str] = set()
        self.unanswered = 0
        self.asking = 0
        self.surprises: list[str] = []
        self.tape = Tape(stream_url, self._heard)
        self._seen = Verdict(HEAD_STARTS)
        self._name = seed
        self._random = random.Random(seed)
        self._pause_s = 1 / calls_per_s
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ANSWER_PATIENCE_S))
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False
        self._calls = 0

    # ------------------------------------------------------------------ what a test says

    async def begin(self) -> None:
        """Agents come on duty, callers begin to call."""
        await asyncio.gather(*(self._state(agent_id, "ready") for agent_id in AGENTS))
        self._spawn(self._callers())
        self._spawn(self._breaks())

    async def more(self, calls: int) -> None:
        """Return when so many more calls have been acknowledged."""
        goal = len(self.created) + calls
        await wait_until(lambda: len(self.created) >= goal, PATIENCE_S)

    async def finish(self) -> None:
        """Nobody calls any more; every call is brought to its end, every agent to their desk."""
        self._closing = True
        await asyncio.gather(*(self._state(agent_id, "ready") for agent_id in AGENTS))
        try:
            await wait_until(lambda: not self._unfinished(), PATIENCE_S)
        except AssertionError:
            told = {"unfinished": self._unfinished(), "faults": self._seen.faults, "surprises": self.surprises}
            raise AssertionError(told) from None
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def faults(self) -> list[str]:
        """What the whole stream and the clients' memory say, once everything has ended."""
        verdict = Verdict(HEAD_STARTS).read(await self.tape.whole())
        return verdict.close(self.created, self.connected, self.ended) + self.surprises

    async def close(self) -> None:
        await self.tape.close()
        while self._tasks:  # aiohttp can take a cancellation for a time-out
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks, timeout=0.1)
        await self._session.close()

    def _unfinished(self) -> set[str]:
        return set(self._seen.live) | (self.created - self._seen.calls.keys())

    # ------------------------------------------------------------------ callers

    async def _callers(self) -> None:
        while not self._closing:
            await wait_until(lambda: len(self._unfinished()) < LINE_MAX, PATIENCE_S)
            self._calls += 1
            self._spawn(self._caller(f"call-{self._name}-{self._calls}", self._number()))
            await asyncio.sleep(self._random.expovariate(1) * self._pause_s)

    def _number(self) -> str:
        """Mostly somebody who has not called for long; now and then one who was just here, or nobody we know."""
        if self._random.random() < 0.1:
            return f"+442079460{self._random.randrange(1000):03}"
        redials = self._random.random() < 0.1
        return number_of((self._calls - self._random.randrange(4) * redials) % CUSTOMERS)

    async def _caller(self, call_id: str, number: str) -> None:
        body = {"call_id": call_id, "from": number, "to": "+12025550199"}
        if (await self._ask("POST", "/v1/calls", body, 200, 201))[0]:
            self.created.add(call_id)
        if self._random.random() < 0.15:
            await asyncio.sleep(self._random.uniform(0.02, 0.6))
            await self._hang_up(call_id)

    async def _hang_up(self, call_id: str) -> None:
        body = {"event_id": f"{call_id}-gone", "type": "hangup"}
        _, call = await self._ask("POST", f"/v1/calls/{call_id}/events", body, 200)
        if call.get("state") == "ended":
            self.ended.add(call_id)

    async def _choose(self, call_id: str) -> None:
        choices = ["transfer", "transfer", "wait", "callback", ""]
        if choice := self._random.choice(choices):
            await asyncio.sleep(self._random.uniform(0, 0.3))
            await self._ask("POST", f"/v1/calls/{call_id}/choice", {"choice": choice}, 200, 409)

    # ------------------------------------------------------------------ agents

    async def _breaks(self) -> None:
        while not self._closing:
            agent_id, state = self._random.choice(AGENTS), self._random.choice(["break", "offline"])
            await self._state(agent_id, state)
            await asyncio.sleep(self._random.uniform(0.05, 0.3))
            await self._state(agent_id, "ready")

    async def _state(self, agent_id: str, state: str) -> None:
        await self._ask("PUT", f"/v1/agents/{agent_id}/state", {"state": state}, 200)

    async def _agent(self, agent_id: str, call_id: str, offer: str, is_callback: bool) -> None:
        temper = 1.0 if self._closing else self._random.random()
        await asyncio.sleep(self._random.uniform(0, 0.03))
        if temper < 0.06:
            return  # does not notice
        if temper < 0.16:
            await self._ask("POST", f"/v1/offers/{offer}/decline", {}, 200, 409)
            return
        if temper < 0.20:
            await self._state(agent_id, "break")
            await self._state(agent_id, "ready")
            return
        accepted, _ = await self._ask("POST", f"/v1/offers/{offer}/accept", None, 200, 409)
        if not accepted:
            return
        if is_callback:
            event = {"event_id": f"{offer}-up", "type": "answered", "offer_id": offer}
            accepted, _ = await self._ask("POST", f"/v1/calls/{call_id}/events", event, 200, 409)
        if accepted:
            self.connected[offer] = call_id
        await asyncio.sleep(self._random.uniform(0.02, 0.1 if self._closing else 0.4))
        if temper < 0.25:
            await self._hang_up(call_id)  # the agent has vanished, the caller gives up
            return
        done, _ = await self._ask("POST", f"/v1/calls/{call_id}/complete", {"offer_id": offer}, 200, 409)
        if done:
            self.ended.add(call_id)
        if temper < 0.6:
            await self._ask("POST", f"/v1/agents/{agent_id}/wrapped", None, 200)

    # ------------------------------------------------------------------ both

    def _heard(self, event: Event) -> None:
        self._seen.read([event])
        if event.type == "call.offered":
            facts = event.facts
            is_callback = facts is not None and facts.kind.startswith("k")
            self._spawn(self._agent(event.fields["agent"], event.fields["call"], event.entry_id, is_callback))
        elif event.type == "call.owner_busy":
            self._spawn(self._choose(event.fields["call"]))

    async def _ask(self, method: str, path: str, body: Any, *expected: int) -> tuple[bool, Any]:
        """Ask until somebody answers: whether it was done, and the body. Now and then ask twice at once."""
        ways = 2 if self._random.random() < 0.05 else 1
        answers = await asyncio.gather(*(self._until_answered(method, path, body) for _ in range(ways)))
        for status, answered in answers:
            if status not in expected:
                self.surprises.append(f"{method} {path} answered {status}: {answered}")
        return any(status < 300 for status, _ in answers), answers[0][1]

    async def _until_answered(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        give_up_at = time.monotonic() + GIVE_UP_S
        while True:
            try:
                return await self._once(method, self._random.choice(self.bases) + path, body)
            except NO_ANSWER as failure:
                self.unanswered += 1
                if time.monotonic() > give_up_at:
                    raise AssertionError(f"{method} {path} gets no answer: {failure!r}") from None
            await asyncio.sleep(self._random.uniform(0.01, 0.1))

    async def _once(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        """One try. Raises one of NO_ANSWER, also when the service asks for patience."""
        self.asking += 1
        try:
            async with self._session.request(
                method, url, json=body, headers={"Authorization": f"Bearer {SECRET}"}
            ) as response:
                answered = await response.json(content_type=None)
                if response.status == 503 or (response.status == 409 and answered["type"] == "in-progress"):
                    raise aiohttp.ClientConnectionError(answered["type"])
                return response.status, answered
        finally:
            self.asking -= 1

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self.surprises.append(f"{error!r}")


@asynccontextmanager
async def under_load(
    bases: Sequence[str], stream_url: str, seed: int = 1, calls_per_s: float = 40.0
) -> AsyncIterator[Load]:
    """A load that runs, and is gone afterwards."""
    load = Load(bases, stream_url, seed, calls_per_s)
    try:
        await load.begin()
        yield load
    finally:
        await load.close()
