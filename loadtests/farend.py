"""The far end of a load: the carriers with their callers' and agents' phones, and what agents see on their screens.

The load's users (locust, in a process of its own) speak to it over HTTP:

    POST /calls            a caller dials (people.Drawn); answered at once, the call goes on by itself
    GET  /rings/{agent}    the offers an agent has been made since, waited for a while: what a screen would show
    GET  /samples          how long our hooks took since they were asked for last: [[page, ms], …]
    GET  /living           how many calls have not ended
    POST /went             how the users' own requests went, and what they were told: Went
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from ivr.speech import phrases_for
from loadtests.answers import Answers, Miss
from loadtests.carriers.phones import Leg, Person
from loadtests.carriers.tasks import Tasks
from loadtests.demo.stages import Stage
from loadtests.options import Options
from loadtests.shapes import talk_s
from loadtests.site import OPEN
from router.domain.events import Event

RING_WAIT_S = 10.0
LATE_S = 3.0
"""Callers who come so long after their time do not come at the rate asked for."""
GIVEN_UP = ("no document", "dialplan goes on")
"""How a leg's story goes on when its carrier has got no answer for it."""
GONE_WHILE_RUNG = 0.04
"""Of those whose agent is being rung: hang up just then."""
MANNERS = {"takes": 0.85, "silent": 0.03, "ignores": 0.04, "declines": 0.04, "busy": 0.02, "device": 0.02}
"""How an agent's telephone meets a ring, unless the agent acts on the screen before."""


def too_slow(sent: int, came: int, late_s: float) -> list[str]:
    """In words, for callers who were drawn, and who came; nothing when the load kept up."""
    found = []
    if came < sent:
        found.append(f"the load, not the service, was too slow: {sent - came} of {sent} callers never got to call")
    if late_s > LATE_S:
        found.append(f"the load, not the service, was too slow: callers came up to {late_s:.1f} s late")
    return found


class Folk(dict[str, Person]):
    """Who picks up: every agent at every ring in a way drawn anew, every customer who is called back.

    `willing`: every agent takes every call.
    """

    def __init__(
        self, chance: random.Random, accept_key: str = "1", language: str = "en", *, willing: bool = False
    ) -> None:
        super().__init__()
        self._chance = chance
        self._manners = {"takes": 1.0} if willing else MANNERS
        self._presses = {phrases_for(language, language).say("whisper.accept", key=accept_key): accept_key}

    def get(self, number: str, default: Any = None) -> Any:
        talks_s = talk_s(self._chance, "vip")
        if not number.startswith("sip:"):
            return Person(after_s=self._chance.uniform(2, 8), talks_s=talks_s)
        manner = self._chance.choices(list(self._manners), list(self._manners.values()))[0]
        after_s = self._chance.uniform(1, 5)
        if manner == "ignores":
            return Person(picks="no_answer")
        if manner in ("busy", "device"):
            return Person(picks="busy" if manner == "busy" else "device", after_s=1)
        presses = self._presses if manner == "takes" else dict.fromkeys(self._presses, "0")
        return Person(after_s=after_s, presses={} if manner == "silent" else presses)


class FarEnd:
    """`stages`: way in → its carrier; `listen` once they run. Give `sees` every event of the stream.

    `connected`, `finished`: offers (→ call) and calls of which users have been told so. `began`: somebody calls.
    `sent`: callers that were drawn, the latest `late_s` behind the time; `came`: those who got as far as us.
    """

    def __init__(self, options: Options, stages: Mapping[str, Stage]) -> None:
        self.answers = Answers()
        self.began = asyncio.Event()
        self.connected: dict[str, str] = {}
        self.finished: list[str] = []
        self._made: list[str] = []
        self.sent, self.came, self.late_s = 0, 0, 0.0
        self.dialled: list[Leg] = []
        self.living: set[str] = set()
        self._pace, self._plain = options.pace, options.plain
        self._stages = stages
        self._tasks = Tasks()
        self._rings: dict[str, list[dict[str, str]]] = defaultdict(list)
        self._rung: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._chance = chance = random.Random(options.seed)
        for stage in stages.values():
            stage.carrier.people = Folk(chance, willing=options.plain)  # type: ignore[misc]
            if not options.plain:
                faults = stage.carrier.faults
                faults.documents_twice, faults.reports_twice, faults.reports_late_s = 0.02, 0.05, 20.0

    def listen(self) -> None:
        """Note how the carriers' requests go from now on, and whom they give up."""
        for way, stage in self._stages.items():
            stage.carrier.listener = self._told
            # Asterisk has nothing to ask: it tells, and is told what to do.
            asking: Any = getattr(stage.carrier, "asking", stage.carrier)
            asking.heard = self.answers.of(way)

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/calls", self._dial)
        app.router.add_get("/rings/{agent}", self._ring)
        app.router.add_get("/samples", self._sample)
        app.router.add_get("/living", self._count)
        app.router.add_post("/went", self._went)
        return app

    async def stop(self) -> None:
        await self._tasks.stop()

    def sees(self, event: Event) -> None:
        if event.type in ("call.greeting", "call.accepted", "callback.booked"):
            self.living.add(event.fields["call"])
            self.began.set()
        elif event.type == "call.ended":
            self.living.discard(event.fields["call"])
        elif event.type == "call.offered" and not self._plain:
            agent, facts = event.fields["agent"], event.facts
            kind = facts.kind if facts else ""
            self._rings[agent].append({"call": event.fields["call"], "offer": event.entry_id, "kind": kind})
            self._rung[agent].set()
            if self._chance.random() < GONE_WHILE_RUNG:
                self._tasks.start(self._lose(event.fields["call"]))

    # ------------------------------------------------------------ what users ask

    async def _dial(self, request: web.Request) -> web.Response:
        drawn = await request.json()
        self.came += 1
        self.late_s = max(self.late_s, time.monotonic() - drawn["due"])
        self._tasks.start(self._call(drawn))
        return web.json_response({})

    async def _ring(self, request: web.Request) -> web.Response:
        agent = request.match_info["agent"]
        if not self._rings[agent]:
            self._rung[agent].clear()
            try:
                async with asyncio.timeout(RING_WAIT_S):
                    await self._rung[agent].wait()
            except TimeoutError:
                pass
        return web.json_response(self._rings.pop(agent, []))

    async def _sample(self, request: web.Request) -> web.Response:
        taken, self.answers.fresh = self.answers.fresh, []
        return web.json_response(taken)

    async def _count(self, request: web.Request) -> web.Response:
        return web.json_response(len(self.living))

    async def _went(self, request: web.Request) -> web.Response:
        told = await request.json()
        self.answers.answered += [(began, ended) for began, ended in told["answered"]]
        self.answers.missed += [Miss(*missed) for missed in told["missed"]]
        self._made += told["made"]
        self.connected |= told["connected"]
        self.finished += told["finished"]
        self.sent += told["sent"]
        self.late_s = max(self.late_s, told["late_s"])
        return web.json_response({})

    # ------------------------------------------------------------ callers

    async def _call(self, drawn: Mapping[str, Any]) -> None:
        """Dials, waits as long as this caller does, perhaps calls again."""
        stage = self._stages[drawn["way"]]
        person = Person(presses=drawn["presses"], hangs_up_at=drawn["hangs_up_at"], talks_s=drawn["talk_s"])
        leg = self._connect(stage, drawn["number"], person)
        await asyncio.sleep(drawn["patience_s"] / self._pace)
        if leg.ended or any(words.startswith("bridged") for words in leg.story):
            return
        await stage.carrier.hang_up(leg)
        if drawn["returns_s"] is not None:
            await asyncio.sleep(drawn["returns_s"] / self._pace)
            self._connect(stage, drawn["number"], Person(presses=drawn["presses"], talks_s=drawn["talk_s"]))

    def _connect(self, stage: Stage, number: str, person: Person) -> Leg:
        leg = stage.carrier.call(number, OPEN, person, **stage.vouched)
        self.dialled.append(leg)
        return leg

    async def _lose(self, call_id: str) -> None:
        """The caller hangs up while the agent is rung."""
        await asyncio.sleep(self._chance.uniform(1, 5) / self._pace)
        for stage in self._stages.values():
            leg = stage.carrier.legs.get(call_id)
            if leg is not None and not leg.ended:
                await stage.carrier.hang_up(leg)

    def _told(self, leg: Leg, words: str) -> None:
        if words.startswith(GIVEN_UP):
            self.answers.dropped.append((time.time(), leg.sid))

    # ------------------------------------------------------------ the end

    def created(self) -> list[str]:
        """Calls that we have been told to be in the books, and those of which we have spoken a word."""
        return self._made + [leg.sid for leg in self.dialled if any(words.startswith("say") for words in leg.story)]

    def strained(self) -> list[str]:
        """What the load itself was too slow for."""
        return too_slow(self.sent, self.came, self.late_s)

    def left(self) -> list[str]:
        """Lines that are still up."""
        legs = [leg for stage in self._stages.values() for leg in stage.carrier.legs.values()]
        return [f"{leg.sid} is left alone on the line: {leg.story[-3:]}" for leg in legs if not leg.ended]

    def troubles(self) -> list[str]:
        """What the carriers would not have liked of us, and what went wrong on their side."""
        found = []
        for stage in self._stages.values():
            found += stage.carrier.breaches
            stage.carrier.breaches.clear()  # they are told here, and need not stop the carrier's end
        return found + [f"{type(error).__name__}: {error}" for error in self._tasks.failures]
