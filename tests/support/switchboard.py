"""A carrier without a network: legs that carry out our scripts, a step at a time, in whatever order somebody chooses.

It is strict: what no carrier would do with our scripts, or what must never be asked of one, is a `breach`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from ivr.gateway import Done
from ivr.vocabulary import (
    Action,
    BridgeDown,
    BridgeUp,
    CallEnded,
    Collect,
    Command,
    Dial,
    Event,
    Goto,
    Hangup,
    Hold,
    HoldEnd,
    HoldLeft,
    HoldTick,
    InputDigits,
    InputNone,
    Interrupt,
    Join,
    LegAnswered,
    LegFailed,
    LegFailure,
    Originate,
    PromptFinished,
    Role,
    Route,
    Terminate,
)

KEYS = ("1", "2", "3", "9")
FAILURES: tuple[LegFailure, ...] = ("busy", "no_answer", "declined", "device", "network")

Doing = Literal["rings", "asks", "collects", "dials", "joins", "talks", "over"]


@dataclass(eq=False)
class Leg:
    """`name`: ours (the call's, or the Originate's leg id). `room`: the holding room it is in."""

    sid: str
    role: Role
    call_id: str
    name: str
    doing: Doing = "asks"
    asks: Request | None = None
    collect: Collect | None = None
    dial: Dial | None = None
    join: Join | None = None
    room: Hold | None = None
    partner: Leg | None = None

    @property
    def over(self) -> bool:
        return self.doing == "over"


@dataclass(frozen=True, eq=False)
class Request:
    """A document asked for; `leg` None: nobody plays what it brings."""

    route: Route
    event: Event
    role: Role
    leg: Leg | None


@dataclass(frozen=True, eq=False)
class Report:
    """A status report of a leg."""

    call_id: str
    leg_id: str
    role: Role
    event: Event


@dataclass
class Switchboard:
    """`legs` by the carrier's id. `late`: requests whose answer is not played, `reports`: both in no order."""

    legs: dict[str, Leg] = field(default_factory=dict)
    late: list[Request] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    placed: dict[str, str] = field(default_factory=dict)
    breaches: list[str] = field(default_factory=list)

    # ------------------------------------------------------------ callers, agents

    def call(self, call_id: str, event: Event) -> Leg:
        """Somebody calls: the first document is asked for."""
        leg = self.legs[call_id] = Leg(call_id, "caller", call_id, call_id)
        leg.asks = Request(Route("voice", call_id, "0"), event, "caller", leg)
        return leg

    def happenings(self, leg: Leg) -> Iterator[Callable[[], None]]:
        """What the person on the leg, or the carrier's clock, may do now; the usual first."""
        if leg.doing == "rings":
            yield lambda: self._picks_up(leg)
            for cause in FAILURES:
                yield lambda cause=cause: self.end(leg, cause)  # type: ignore[misc]
        if leg.doing == "collects":
            for key in (KEYS[0], "", *KEYS[1:]):
                yield lambda key=key: self._presses(leg, key)  # type: ignore[misc]
        if leg.doing == "joins":
            if waiting := self._waiting_in(leg):
                yield lambda: self._bridge(leg, waiting)
            yield lambda: self._join_is_over(leg)
        if leg.doing == "dials":
            yield lambda: self._dial_is_over(leg)
        if leg.doing not in ("rings", "over"):
            yield lambda: self.end(leg, "")
            if leg.doing == "talks":
                yield lambda: self.end(leg, "network")

    def end(self, leg: Leg, cause: LegFailure | Literal[""]) -> None:
        """Hangs up, or breaks, or was never answered."""
        if leg.over:
            return
        rang = leg.doing == "rings"
        self._unwind(leg, "hangup", cause)
        leg.doing = "over"
        event: Event = CallEnded() if leg.role == "caller" or not (cause or rang) else LegFailed(cause or "canceled")
        self.reports.append(Report(leg.call_id, leg.name, leg.role, event))

    # ------------------------------------------------------------ our scripts

    def play(self, leg: Leg, script: tuple[Command, ...]) -> None:
        """The document that the leg asked for has come."""
        leg.asks = None
        for command in script:
            if isinstance(command, Collect):
                leg.doing, leg.collect = "collects", command
            elif isinstance(command, Goto):
                self._ask(leg, command.route, HoldTick() if command.route.page == "hold" else PromptFinished())
            elif isinstance(command, Hold):
                self._enter(leg, command)
            elif isinstance(command, Join):
                if leg.role != "agent":
                    self.breaches.append(f"{leg.name} joins and is no agent")
                leg.doing, leg.join = "joins", command
            elif isinstance(command, Dial):
                leg.doing, leg.dial = "dials", command
            elif isinstance(command, Hangup):
                self.end(leg, "")
            else:
                continue
            return
        if leg.room is not None:
            self._ask(leg, leg.room.route, HoldTick())
        else:
            self.end(leg, "")

    def _enter(self, leg: Leg, hold: Hold) -> None:
        if any(other.room and other.room.call_id == hold.call_id for other in self.legs.values() if other is not leg):
            self.breaches.append(f"two in the room of {hold.call_id}")
        if leg.room is None:
            leg.room = hold
        self._ask(leg, hold.route, HoldTick())

    def _ask(self, leg: Leg, route: Route, event: Event) -> None:
        role: Role = "agent" if leg.role == "agent" else "callback" if route.page == "callback" else "caller"
        leg.doing, leg.asks = "asks", Request(route, event, role, leg)

    # ------------------------------------------------------------ the control plane

    def perform(self, action: Action, sid: str | None) -> Done:
        if isinstance(action, Originate):
            return Done(self._place(action))
        leg = self.legs.get(sid or action.leg_id)
        if leg is None or leg.over:
            return Done(sid, gone=True)
        if isinstance(action, Terminate):
            self.end(leg, "canceled" if leg.doing == "rings" else "")
            return Done(leg.sid)
        if leg.doing == "rings":
            return Done(leg.sid, gone=True)
        self._interrupt(leg, action)
        return Done(leg.sid)

    def _place(self, action: Originate) -> str:
        if action.leg_id in self.placed:
            self.breaches.append(f"{action.leg_id} was dialled twice")
        sid = self.placed[action.leg_id] = f"sid-{len(self.placed)}"
        leg = self.legs[sid] = Leg(sid, action.role, action.answered.call_id, action.leg_id, "rings")
        leg.asks = Request(action.answered, LegAnswered(), action.role, leg)
        return sid

    def _interrupt(self, leg: Leg, action: Interrupt) -> None:
        if leg.doing == "talks":
            self.breaches.append(f"{leg.name} was taken out of a talk to {action.route.page}")
        self._unwind(leg, "redirected", "")
        self._ask(leg, action.route, PromptFinished())

    # ------------------------------------------------------------ happenings

    def _picks_up(self, leg: Leg) -> None:
        leg.doing = "asks"

    def _presses(self, leg: Leg, key: str) -> None:
        assert leg.collect is not None
        route, leg.collect = leg.collect.route, None
        self._ask(leg, route, InputDigits(key) if key else InputNone())

    def _waiting_in(self, agent: Leg) -> Leg | None:
        assert agent.join is not None
        found = [
            leg
            for leg in self.legs.values()
            if leg.room is not None and leg.room.call_id == agent.join.call_id and leg.partner is None
        ]
        return found[0] if found else None

    def _bridge(self, agent: Leg, caller: Leg) -> None:
        """The waiting one stops hearing what they heard; both talk when we have heard of it."""
        if caller.asks is not None:
            self.late.append(Request(caller.asks.route, caller.asks.event, caller.asks.role, None))
        assert agent.join is not None
        caller.asks = caller.collect = None
        agent.partner, caller.partner = caller, agent
        agent.doing = caller.doing = "talks"
        agent.asks = Request(agent.join.bridged, BridgeUp(), "agent", None)

    def _join_is_over(self, agent: Leg) -> None:
        join, agent.join = agent.join, None
        assert join is not None
        self._ask(agent, join.over, LegFailed("no_answer"))

    def _dial_is_over(self, leg: Leg) -> None:
        dial, leg.dial = leg.dial, None
        assert dial is not None
        self._ask(leg, dial.over, BridgeDown())

    def _unwind(self, leg: Leg, end: Literal["hangup", "redirected"], cause: str) -> None:
        """Ends what the leg was doing. The address that would have been asked next still is, and nobody listens."""
        if leg.asks is not None and leg.doing != "rings":
            self.late.append(Request(leg.asks.route, leg.asks.event, leg.asks.role, None))
        partner, leg.partner = leg.partner, None
        if leg.room is not None:
            reason: HoldEnd = "bridged" if partner and end != "hangup" else end
            self.late.append(Request(leg.room.left, HoldLeft(reason), "caller", None))
        if leg.join is not None:
            broken = cause in ("device", "network")
            event: Event = LegFailed("network") if broken else BridgeDown() if partner else LegFailed("canceled")
            self.late.append(Request(leg.join.over, event, "agent", None))
        leg.asks = leg.collect = leg.dial = leg.join = leg.room = None
        if partner is not None:
            self._left_alone(partner)

    def _left_alone(self, leg: Leg) -> None:
        """The other is gone: on with what follows the talk."""
        if leg.asks is not None:  # we have not even heard that it began
            self.late.append(leg.asks)
        leg.partner = None
        if leg.join is not None:
            join, leg.join = leg.join, None
            self._ask(leg, join.over, BridgeDown())
        else:
            room, leg.room = leg.room, None
            assert room is not None
            self._ask(leg, room.left, HoldLeft("bridged"))
