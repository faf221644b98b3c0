"""One Asterisk of a site and all that is ours on it: its events reach the legs, in their order, and a leg ends once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from config.ari import Ari
from config.ari import Asterisk as Settings
from config.models import SitePlan
from ivr.adapter import Hearer
from ivr.ari import commands
from ivr.ari.asterisk import Asterisk
from ivr.ari.counts import Counts
from ivr.ari.ends import Ends
from ivr.ari.heard import (
    Bridged,
    BridgeGone,
    Changed,
    Destroyed,
    Device,
    Dialled,
    Digit,
    HangupAsked,
    Heard,
    Left,
    Played,
    Started,
)
from ivr.ari.legs import FIRST_PAGE, Leg, read_channel_id
from ivr.ari.meeting import Meeting
from ivr.ari.offered import call_id_of, offered
from ivr.ari.outside import Outside
from ivr.ari.phone import Phone, Tasks
from ivr.ari.player import Player
from ivr.ari.sounds import Sounds
from ivr.vocabulary import Event, LegAnswered, Route
from router.logging_ import say

SAYS_WHY_S = 0.1
MOST_LEGS = 20_000
ENDED_KEPT = 10_000

log = logging.getLogger("vipline.ari")


class Reconciling(Protocol):
    async def __call__(self, exchange: Exchange) -> None: ...


class Exchange:
    """`nonce` is this process' and this connection's. `counts` are the site's. `known`: every leg of
    ours on it has been found. `leads`: this process leads the site, as far as it knows."""

    def __init__(
        self,
        site: str,
        name: str,
        settings: Settings,
        desk: Hearer,
        plan: Callable[[], SitePlan],
        sounds: Sounds,
        counts: Counts,
        nonce: str,
        reconcile: Reconciling,
    ) -> None:
        self.site = site
        self.name = name
        self.app = settings.app
        self.desk = desk
        self.plan = plan
        self.counts = counts
        self.nonce = nonce
        self.legs: dict[str, Leg] = {}
        self.tasks = Tasks()
        self.asterisk = Asterisk(name, settings, self, counts)
        self.phone = Phone(self.asterisk.ask, self.tasks, counts, nonce)
        self.meeting = Meeting(self.asterisk.ask, self.phone, self.tasks, counts, nonce)
        self.player = Player(site, desk, plan, self.phone, sounds, self.meeting, counts)
        self.ends = Ends(desk, self.player, self.meeting, self.tasks)
        self.outside = Outside(self.asterisk.ask, self.legs, self.app, plan, nonce)
        self.meeting.run, self.meeting.hear, self.meeting.place = self.player.run, self.player.ask, self.outside.place
        self.meeting.end = self.end
        self.by_leg: dict[str, Leg] = {}
        self.ended: dict[str, None] = {}
        self.known = False
        self.leads = True
        self.on_device: Callable[[Device], None] = lambda device: None
        self.on_leg: Callable[[Leg], None] = lambda leg: None
        self._reconcile = reconcile
        self._lost: asyncio.TimerHandle | None = None

    @property
    def part(self) -> Ari:
        part = self.plan().telephony.ari
        assert part is not None
        return part

    async def close(self) -> None:
        """Leaves every channel as it is: whoever comes next takes them over."""
        if self._lost is not None:
            self._lost.cancel()
        self.meeting.bridges.forget()
        await self.tasks.end()

    # ------------------------------------------------------------ the connection

    async def up(self) -> None:
        if self._lost is not None:
            self._lost.cancel()
            self._lost = None
        for pause_s in (0.2, 0.5, 1.0, 2.0, 5.0):
            try:
                await self._reconcile(self)
            except Exception:
                log.exception("not reconciled", extra={"fields": {"asterisk": self.name}})
                await asyncio.sleep(pause_s)
            else:
                self.known = True
                return

    def down(self, taken_over: bool) -> None:
        """Nothing is heard any more. The legs are left as they are, and given up when that lasts: by whose they are."""
        self.known = False
        for leg in self.legs.values():
            if leg.task is not None and leg.talk is None:
                leg.task.cancel()
            leg.music = False
            leg.playing.clear()
        self.meeting.bridges.forget()
        if taken_over:
            self._forget()
        elif self._lost is None:
            self._lost = asyncio.get_running_loop().call_later(self.part.lost / 1_000, self._give_up)

    def _forget(self) -> None:
        """Every leg is somebody else's now."""
        for leg in self.legs.values():
            leg.gone = True
            if leg.task is not None:
                leg.task.cancel()
        self.legs.clear()
        self.by_leg.clear()

    def _give_up(self) -> None:
        self._lost = None
        if not self.leads:
            return
        self.counts["lost_legs"] += len(self.legs)
        if self.legs:
            say(log, logging.ERROR, "asterisk lost", asterisk=self.name, legs=len(self.legs))
        for leg in list(self.legs.values()):
            leg.sip, leg.cause = 0, 0
            self.end(leg)

    # ------------------------------------------------------------ events

    def heard(self, event: Heard) -> None:
        """Everything Asterisk says, in its order. Never raises, never waits."""
        if isinstance(event, Started):
            self._started(event)
        elif isinstance(event, Played):
            self.phone.played(event.playback_id)
        elif isinstance(event, Bridged):
            self._bridged(event)
        elif isinstance(event, BridgeGone):
            self.meeting.bridges.gone(event.bridge_id)
        elif isinstance(event, Device):
            self.on_device(event)
        elif isinstance(event, Left | HangupAsked | Destroyed | Changed | Digit | Dialled):
            leg = self.legs.get(event.channel_id)
            if leg is not None:
                self._of_leg(leg, event)
            elif not isinstance(event, Dialled) and not event.channel_id.startswith(commands.FAR_HALF):
                self.counts.refuse("foreign")  # whom a dialplan dials for one of our Local legs is none

    def _of_leg(self, leg: Leg, event: Left | HangupAsked | Destroyed | Changed | Digit | Dialled) -> None:
        leg.seen = True
        if isinstance(event, Digit):
            leg.press(event.digit)
        elif isinstance(event, Dialled):
            leg.status = event.status or leg.status
        elif isinstance(event, HangupAsked):
            leg.hung_up = True
            leg.cause, leg.sip = event.cause or leg.cause, event.sip or leg.sip
        elif isinstance(event, Destroyed):
            leg.cause, leg.sip = event.cause or leg.cause, event.sip or leg.sip
            self.end(leg)
        elif isinstance(event, Left):
            if leg.role == "caller" and leg.hung_up:  # that was all: of a channel we did not ask for no more is told
                self.end(leg)
            else:  # why follows at once, unless it went on in the dialplan
                self.tasks.later(SAYS_WHY_S, self.end, leg)

    def _started(self, event: Started) -> None:
        channel = event.channel
        leg = self.legs.get(channel.id)
        if leg is None and event.replaced in self.legs:  # a telephone's own transfer
            leg = self.legs[channel.id] = self.legs.pop(event.replaced)
            leg.channel_id = channel.id
            return
        if leg is None:
            leg = self._newcomer(event)
        elif leg.up or leg.begun:
            self.counts["repeated"] += 1
            return
        else:
            leg.up = leg.seen = True
            leg.settled.set()
        if leg is not None and leg.first is not None and not leg.begun:
            self.begin(leg, leg.first, LegAnswered())

    def _newcomer(self, event: Started) -> Leg | None:
        """A caller, or a leg that somebody before us asked for. Others are none of our business."""
        channel, args = event.channel, event.args
        if len(self.legs) >= MOST_LEGS:
            self.counts.refuse("full")
            self.phone.later(commands.hang_up(channel.id, "congestion"))
            return None
        if (ours := read_channel_id(channel.id)) is not None:
            role, leg_id, call_id = ours
            leg = Leg(channel.id, role, call_id, leg_id, event.app, up=True)
            leg.first = Route(FIRST_PAGE[role], call_id, leg_id)
            return self.add(leg)
        call_id = call_id_of(self.name, channel.id) or ""
        if event.app != self.app or not call_id or (args[:1] or ("caller",)) != ("caller",):
            self.counts.refuse("foreign")
            say(log, logging.WARNING, "channel is not for us", asterisk=self.name)
            return None
        leg = self.add(Leg(channel.id, "caller", call_id, call_id, event.app, up=channel.state == "Up"))
        self.begin(leg, Route("voice", call_id, "0"), offered(channel, args[1:], self.part))
        return None

    def add(self, leg: Leg) -> Leg:
        self.legs[leg.channel_id] = self.by_leg[leg.leg_id] = leg
        self.on_leg(leg)
        return leg

    def begin(self, leg: Leg, route: Route, event: Event) -> None:
        """From this page on, whatever it did before."""
        leg.begun = True
        if leg.task is not None:
            leg.task.cancel()
        leg.task = self.tasks.start(self.player.run(leg, route, event))

    def _bridged(self, event: Bridged) -> None:
        self.meeting.bridges.changed(event.bridge_id, event.members)
        leg = self.legs.get(event.channel_id)
        if leg is not None and not event.entered and leg.talk is not None and leg.talk.bridge_id == event.bridge_id:
            self.meeting.finish_soon(leg.talk)

    def end(self, leg: Leg) -> None:
        """The channel is gone: what it did ends, and the desk is told, once."""
        if leg.gone:
            return
        leg.gone = True
        leg.settled.set()
        self.legs.pop(leg.channel_id, None)
        if self.by_leg.get(leg.leg_id) is leg:
            del self.by_leg[leg.leg_id]
        self.ended[leg.channel_id] = None
        if len(self.ended) > ENDED_KEPT:
            del self.ended[next(iter(self.ended))]
        self.meeting.leave_room(leg)
        if leg.task is not None:
            leg.task.cancel()
        self.tasks.start(self.ends.report(leg))
        self.on_leg(leg)
