"""The exchange: lines of callers, agents and called-back customers, and what may happen to a line at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

from ivr.adapter import Hearer
from ivr.simulator import documents
from ivr.simulator.clock import Clock
from ivr.simulator.lines import FAILURES, Asked, Disturbances, HungUp, Line, Phone, Undisturbed
from ivr.simulator.player import Player
from ivr.vocabulary import (
    BridgeDown,
    CallEnded,
    CallOffered,
    Envelope,
    Event,
    HoldLeft,
    LegAnswered,
    LegFailed,
    LegFailure,
    LegRinging,
    Originate,
    PromptFinished,
    Role,
    Route,
    Script,
    Trust,
)
from router.clock import RunningClock

PROVIDER = "simulator"
DIALLING_S = 0.5
TRIES, RETRY_S = 3, 1.0
KEPT = 10_000
BROKEN = frozenset({"device", "network"})


class Exchange:
    """`clock` rules everything that takes time; `tag` begins every id, and no other exchange's.

    `breaches` collects what a carrier would not have liked of us.
    """

    def __init__(self, clock: Clock | None = None, tag: str = "") -> None:
        self.clock = clock or RunningClock()
        self.disturbances: Disturbances = Undisturbed()
        self.breaches: list[str] = []
        self.failures: list[BaseException] = []
        self.lines: dict[str, Line] = {}
        self.asking = 0
        """How many answers of ours are awaited."""
        self._desks: dict[str, Hearer] = {}
        self._placed: dict[tuple[str, str], Line] = {}
        self._phone_at: Callable[[str], Phone | None] = lambda _: None
        self._player = Player(self.clock, self.ask, lambda number: self._phone_at(number), self.breaches)
        self._running: set[asyncio.Task[Any]] = set()
        self._tag, self._numbers = tag or secrets.token_hex(6), count(1)

    def serve(self, site: str, desk: Hearer) -> None:
        self._desks[site] = desk

    def plug_in(self, phone_at: Callable[[str], Phone | None]) -> None:
        """Whose phone is at an endpoint or number; nobody's: it cannot be reached."""
        self._phone_at = phone_at

    # ------------------------------------------------------------ what happens

    def call(
        self, site: str, phone: Phone, from_number: str | None, to_number: str, trust: Trust = "verified", **extra: Any
    ) -> Line:
        """A phone calls one of a site's numbers. `extra`: more of CallOffered."""
        call_id = f"{self._tag}{next(self._numbers):06}"
        line = Line(call_id, site, call_id, call_id, "caller", phone, from_number or "withheld", to_number)
        self._keep(line)
        offered = CallOffered(from_number, to_number, trust, **extra)
        line.task = self._start(self._run(line, Asked(Route("voice", call_id, "0"), offered)))
        return line

    def originate(self, site: str, action: Originate) -> Line:
        """A line to an agent or a customer; asked again for the same leg, the same line."""
        known = self.placed(site, action.leg_id)
        if known is not None:
            return known
        phone, call_id = self._phone_at(action.target), action.answered.call_id
        line_id = f"{self._tag}{next(self._numbers):06}"
        if phone is None:
            raise LookupError(action.target)
        line = Line(line_id, site, call_id, action.leg_id, action.role, phone, action.target, action.caller_id)
        self._keep(line)
        self._placed[site, action.leg_id] = line
        line.task = self._start(self._ring(line, action))
        return line

    def placed(self, site: str, leg_id: str) -> Line | None:
        """The line that was placed for a leg of ours."""
        return self._placed.get((site, leg_id))

    async def redirect(self, line: Line, route: Route) -> bool:
        """Out of whatever it hears, to another page; False: it cannot, being over or not answered yet."""
        if line.state != "up":
            return False
        await self._unwind(line, "redirected")
        await line.phone.happens(f"redirected: {route.page}")
        line.task = self._start(self._run(line, Asked(route, PromptFinished())))
        return True

    async def terminate(self, line: Line) -> bool:
        """By our command; False: it was over."""
        if line.state == "ended":
            return False
        await self.end(line, "completed" if line.state == "up" else "canceled")
        return True

    async def hang_up(self, line: Line) -> None:
        """Whoever is at the phone hangs up."""
        await self.end(line, "completed")

    async def end(self, line: Line, how: LegFailure | str) -> None:
        """The line is over, once and for all. `how`: `completed`, or why it never came to a talk."""
        if line.state == "ended":
            return
        line.state = "ended"
        await line.phone.happens(f"ended: {how}")
        await self._unwind(line, how if how in BROKEN else "hangup")
        if line.role != "agent":
            self._player.close_room(line.site, line.call_id)
        if how == "completed" or line.role == "caller":
            self._report(line, CallEnded("normal" if how == "completed" else how))
        else:
            self._report(line, LegFailed(how))  # type: ignore[arg-type]

    async def stop(self) -> None:
        """Nothing happens any more."""
        while self._running:
            for task in self._running:
                task.cancel()
            await asyncio.wait(self._running)

    # ------------------------------------------------------------ what we are asked and told

    async def ask(self, line: Line, asked: Asked) -> Script:
        """The script of a page, played as long as somebody asks; no answer ends the line. Raises HungUp."""
        told = self._envelope(line, asked.route)
        for attempt in range(TRIES):
            try:
                document = await self._hear(line, asked, told)
                if self.disturbances.asks_twice() and (again := await self._hear(line, asked, told)) != document:
                    self.breaches.append(f"{asked.route} answered a retry otherwise: {document!r} then {again!r}")
            except Exception as error:
                await line.phone.happens(f"no document: {type(error).__name__}")
                if attempt + 1 < TRIES:
                    await self.clock.sleep(RETRY_S)
            else:
                return documents.read(document)
        raise HungUp

    async def _hear(self, line: Line, asked: Asked, envelope: Envelope) -> bytes:
        """What was told stays told: a line that ends meanwhile does not stop us answering."""
        route, desk = asked.route, self._desks[line.site]
        hearing = desk.hear(route.page, route.call_id, route.step, asked.event, envelope, documents.write)
        return await asyncio.shield(self._start(self._counted(hearing), awaited=True))

    async def _counted(self, work: Coroutine[Any, Any, Any]) -> Any:
        self.asking += 1
        try:
            return await work
        finally:
            self.asking -= 1

    def _envelope(self, line: Line, route: Route | None = None) -> Envelope:
        """Once a called-back customer is on the line, they are a caller like any other."""
        role: Role = line.role
        leg_id = line.leg_id
        if route is not None and role == "callback" and route.page != "callback":
            role, leg_id = "caller", line.call_id
        line.counted += 1
        return Envelope(
            PROVIDER, line.site, line.call_id, leg_id, role, f"{line.line_id}:{line.counted}", line.counted,
            self.clock.now_ms,
        )  # fmt: skip

    def _report(self, line: Line, event: Event) -> None:
        """In its own time: perhaps late, twice, or never."""
        envelope = self._envelope(line)
        for delay_s in self.disturbances.report_delays():
            self._start(self._note(line, event, envelope, delay_s))

    async def _note(self, line: Line, event: Event, envelope: Envelope, delay_s: float) -> None:
        if delay_s:
            await self.clock.sleep(delay_s)
        for attempt in range(TRIES):
            try:
                await self._counted(self._desks[line.site].note(event, envelope))
            except Exception:
                if attempt + 1 < TRIES:
                    await self.clock.sleep(RETRY_S)
            else:
                return

    # ------------------------------------------------------------ how

    def _keep(self, line: Line) -> None:
        """The oldest that are over are forgotten."""
        self.lines[line.line_id] = line
        line.phone.plugged(line)
        while len(self.lines) > KEPT and (oldest := next(iter(self.lines.values()))).state == "ended":
            del self.lines[oldest.line_id]
            self._placed.pop((oldest.site, oldest.leg_id), None)

    async def _ring(self, line: Line, action: Originate) -> None:
        phone, limit_s = line.phone, action.ring_timeout_ms / 1000
        await self.clock.sleep(DIALLING_S)
        await phone.happens("ringing")
        self._report(line, LegRinging())
        rings_out = phone.picks == "no_answer" or (phone.picks == "answers" and phone.after_s > limit_s)
        await self.clock.sleep(limit_s if rings_out else phone.after_s)
        if rings_out or phone.picks != "answers":
            await self.end(line, "no_answer" if rings_out else FAILURES[phone.picks])
            return
        line.state = "up"
        await phone.happens("answered")
        self._report(line, LegAnswered())
        await self._run(line, Asked(action.answered, LegAnswered()))

    async def _run(self, line: Line, asked: Asked) -> None:
        with contextlib.suppress(HungUp):
            await self._player.run(line, asked)
        await self.end(line, "completed")

    async def _unwind(self, line: Line, why: str) -> None:
        """Ends what the line was doing. The page of an interrupted command is told; what it answers is not played."""
        task, line.task = line.task, None
        owes, line.owes = line.owes, None
        talk, line.talk = line.talk, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})
        if talk is not None:
            talk.over.set()
        if owes is not None:
            if why == "redirected" and owes.event == HoldLeft("hangup"):
                owes = owes._replace(event=HoldLeft("redirected"))
            if why in BROKEN and owes.event == BridgeDown():
                owes = owes._replace(event=LegFailed("network"))
            self._start(self._told(line, owes))

    async def _told(self, line: Line, owes: Asked) -> None:
        with contextlib.suppress(HungUp):
            await self.ask(line, owes)

    def _start(self, work: Coroutine[Any, Any, Any], awaited: bool = False) -> asyncio.Task[Any]:
        """`awaited`: somebody else hears of its failure."""

        def done(task: asyncio.Task[Any]) -> None:
            self._running.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None and not awaited:
                self.failures.append(error)

        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(done)
        return task
