"""After a gap, or after whoever spoke for us before: what is left is adopted, held again, or hung up.

Asterisk says which channels there are, the engine which calls. Talks go on; callers go back to where they stand; whose
channel is gone has ended; whose call is over hears so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from ivr.ari import bridges, commands
from ivr.ari.exchange import Exchange
from ivr.ari.heard import Channel, channel_of
from ivr.ari.legs import Leg, read_channel_id
from ivr.ari.offered import asterisk_of, call_id_of, offered
from ivr.ari.outside import is_outside
from ivr.ari.rest import NotSent
from ivr.office import Office, Standing
from ivr.vocabulary import CUSTOMER, CallEnded, Event, PromptFinished, Role, Route
from router.logging_ import say

PROVIDER = "ari"
_numbers = count(1)

log = logging.getLogger("vipline.ari")


@dataclass(frozen=True, slots=True)
class Found:
    """A channel of ours that Asterisk has. `args`: of the dialplan's `Stasis`, after the application."""

    channel: Channel
    args: tuple[str, ...]
    in_app: bool


class Reconciler:
    """Of one site; `exchanges` gives all of its Asterisks that this process speaks with."""

    def __init__(self, office: Office, exchanges: Callable[[], Collection[Exchange]]) -> None:
        self._office = office
        self._exchanges = exchanges

    async def __call__(self, exchange: Exchange) -> None:
        """Raises NotSent, NoAnswer and what the store raises; may be done again."""
        before = list(exchange.legs.values())
        found = await _channels(exchange)
        rooms = await _bridges(exchange)
        calls = {call.call_id: call for call in await self._office.standing(PROVIDER)}
        for leg in before:  # who came meanwhile may not be in the list
            if leg.channel_id not in found and not _on_its_way(leg):
                exchange.end(leg)
        adopted = [await self._adopt(exchange, one, calls) for one in found.values()]
        legs = [leg for leg in adopted if leg is not None]
        for bridge_id, members in rooms.items():
            exchange.meeting.bridges.adopt(bridge_id, members, _talk(exchange, bridge_id, members, calls))
        for leg in legs:
            busy = leg.task is not None and not leg.task.done()  # it came while we looked
            if leg.talk is None and leg.up and not busy:
                await self._restart(exchange, leg, found[leg.channel_id])
        await self._bury(exchange, calls.values())
        say(log, logging.INFO, "reconciled", asterisk=exchange.name, legs=len(legs), calls=len(calls))

    async def audit(self, exchange: Exchange) -> None:
        """Ends the legs whose end was never told. Raises NotSent and NoAnswer."""
        before = list(exchange.legs.values())
        found = await _channels(exchange)
        for leg in before:
            if leg.channel_id not in found and not leg.gone and not _on_its_way(leg):
                exchange.counts["unheard_ends"] += 1
                exchange.end(leg)

    async def _adopt(self, exchange: Exchange, found: Found, calls: Mapping[str, Standing]) -> Leg | None:
        """The leg of a channel. What is ours and nobody's any more is hung up."""
        channel = found.channel
        if (leg := exchange.legs.get(channel.id)) is not None:
            if found.in_app and channel.state == "Up" and not leg.up:
                leg.up = True
                leg.settled.set()
            return leg
        if is_outside(channel.id):
            exchange.phone.later(commands.hang_up(channel.id))
            return None
        if (ours := read_channel_id(channel.id)) is not None:
            role, leg_id, call_id = ours
            leg = Leg(channel.id, role, call_id, leg_id, exchange.app, channel.endpoint, up=found.in_app)
            leg.first = Route("whisper" if role == "agent" else "callback", call_id, leg_id)
            return exchange.add(leg)
        call_id = call_id_of(exchange.name, channel.id) or ""
        return exchange.add(Leg(channel.id, "caller", call_id, call_id, exchange.app, up=True)) if call_id else None

    async def _restart(self, exchange: Exchange, leg: Leg, found: Found) -> None:
        """To where its call stands. A caller nobody has heard of yet has just come."""
        exchange.counts["restarted"] += 1
        if leg.role == "agent":
            exchange.begin(leg, Route("join", leg.call_id, leg.leg_id), PromptFinished())
        elif leg.role == "caller" and not await self._office.knows(leg.call_id):
            leg.up = found.channel.state == "Up"
            event: Event = offered(found.channel, found.args[1:], exchange.part)
            exchange.begin(leg, Route("voice", leg.call_id, "0"), event)
        else:
            step = f"back-{exchange.nonce}-{next(_numbers)}"
            exchange.begin(leg, Route("connect", leg.call_id, step), PromptFinished())

    async def _bury(self, exchange: Exchange, calls: Iterable[Standing]) -> None:
        """Calls whose channels are no more: they ended while nobody listened."""
        there = {(leg.role, leg.call_id) for one in self._exchanges() for leg in one.legs.values()}
        for call in calls:
            if call.letter == "c" and self._is_of(exchange, call) and ("agent", call.call_id) not in there:
                await self._ended(exchange, "agent", call.call_id, call.offer_id)
            if call.is_callback:
                if call.letter == "c" and self._is_of(exchange, call) and ("callback", call.call_id) not in there:
                    await self._ended(exchange, "callback", call.call_id, f"{call.offer_id}{CUSTOMER}")
            elif self._is_of(exchange, call) and ("caller", call.call_id) not in there:
                await self._ended(exchange, "caller", call.call_id, call.call_id)

    def _is_of(self, exchange: Exchange, call: Standing) -> bool:
        """A callback's id does not say whose it is: it is looked at when the last of all has been heard of."""
        if call.is_callback:
            return all(one.known or one is exchange for one in self._exchanges())
        return asterisk_of(call.call_id) == exchange.name

    @staticmethod
    async def _ended(exchange: Exchange, role: Role, call_id: str, leg_id: str) -> None:
        exchange.counts["buried"] += 1
        await exchange.ends.tell(Leg("", role, call_id, leg_id, exchange.app, gone=True), CallEnded())


def _on_its_way(leg: Leg) -> bool:
    """Whether it was asked for and Asterisk may not have heard of it yet."""
    return not leg.up and not leg.seen and asyncio.get_running_loop().time() < leg.rings_until


def _talk(exchange: Exchange, bridge_id: str, members: Sequence[str], calls: Mapping[str, Standing]) -> bool:
    """Whether caller and agent of a standing call talk in this bridge: then they go on. Others are taken out of it."""
    legs = [leg for one in members if (leg := exchange.legs.get(one)) is not None]
    talks = {leg.talk for leg in legs}
    if len(legs) == 2 and len(talks) == 1 and None not in talks:
        return True
    agent = next((leg for leg in legs if leg.role == "agent"), None)
    caller = next((leg for leg in legs if leg.role != "agent"), None)
    if agent is not None and caller is not None and agent.call_id == caller.call_id:
        call = calls.get(caller.call_id)
        if call is not None and call.offer_id == agent.leg_id and call.letter in "bc":
            step = f"back-{exchange.nonce}-{next(_numbers)}"
            left, over = Route("left", call.call_id, step), Route("over", call.call_id, agent.leg_id)
            for leg in (agent, caller):
                if leg.task is not None:
                    leg.task.cancel()
            exchange.meeting.resume(caller, agent, bridge_id, left, over)
            exchange.counts["adopted_talks"] += 1
            return True
    for leg in legs:
        if leg.talk is not None:
            exchange.meeting.finish(leg.talk)
        exchange.phone.later(commands.leave_bridge(bridge_id, leg.channel_id))
    return False


async def _channels(exchange: Exchange) -> dict[str, Found]:
    """Ours, by their ids: those we asked for, and those whose dialplan runs our application."""
    answer = await exchange.asterisk.ask(commands.channels())
    if not answer.ok or not isinstance(answer.body, list):
        raise NotSent(f"no list of channels: {answer.status}")
    found: dict[str, Found] = {}
    for shown in answer.body:
        try:
            channel = channel_of(shown)
            dialplan = shown.get("dialplan") or {}
            words = tuple(str(dialplan.get("app_data") or "").split(","))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        in_app = dialplan.get("app_name") == "Stasis" and words[0] == exchange.app
        if in_app or read_channel_id(channel.id) is not None or is_outside(channel.id):
            found[channel.id] = Found(channel, words[1:] if in_app else (), in_app)
    return found


async def _bridges(exchange: Exchange) -> dict[str, tuple[str, ...]]:
    answer = await exchange.asterisk.ask(commands.bridges())
    if not answer.ok or not isinstance(answer.body, list):
        raise NotSent(f"no list of bridges: {answer.status}")
    return {
        str(shown["id"]): tuple(str(one) for one in shown.get("channels") or ())
        for shown in answer.body
        if isinstance(shown, dict) and str(shown.get("id", "")).startswith(f"{bridges.PREFIX}.")
    }
