"""Agents whose phone is busy elsewhere, or away, are not offered: seen by their phones' states, undone by us alone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from ivr.ari import commands
from ivr.ari.exchange import Exchange
from ivr.ari.heard import Device
from ivr.ari.legs import Leg
from ivr.ari.rest import NoAnswer, NotSent
from ivr.ari.targets import NoTarget, endpoint_of
from ivr.office import Office
from router.logging_ import say

BUSY, AWAY = "phone-busy", "phone-away"
_BUSY = frozenset({"INUSE", "BUSY", "ONHOLD", "RINGING", "RINGINUSE"})
_AWAY = frozenset({"UNAVAILABLE", "INVALID"})
SETTLES_S = 0.3
"""A phone's state may be told a moment before or after the end of our own leg on it."""
LOOK_EVERY_S = 15.0
AGAIN_S = 2.0

log = logging.getLogger("vipline.ari")


def reason_of(state: str, asterisk: str = "") -> str:
    """Why a phone in this state cannot ring for us; empty when it can. One that rings, and not by us, is about to talk.

    `asterisk`: of several, the one that says so. A phone that one of them does not know may be another's.
    """
    if asterisk:
        return f"{BUSY}.{asterisk}" if state in _BUSY else ""
    return BUSY if state in _BUSY else AWAY if state in _AWAY else ""


class Presence:
    """The agents' phones on one Asterisk."""

    def __init__(self, exchange: Exchange, office: Office) -> None:
        self._exchange = exchange
        self._office = office
        self._agents: Mapping[str, str] = {}
        self._states: dict[str, str] = {}
        self._flagged: dict[str, str] = {}
        self._watched: set[str] = set()
        self._connection = 0
        self._looked = 0.0
        exchange.on_device = self._device
        exchange.on_leg = self._leg

    @property
    def _name(self) -> str:
        """The Asterisk's, where it is one of several."""
        return self._exchange.name if len(self._exchange.part.asterisks) > 1 else ""

    async def run(self) -> None:
        """Keep watching whoever is an agent, until cancelled."""
        while True:
            try:
                if self._exchange.asterisk.connected and self._exchange.known:
                    await self._look()
            except Exception as error:
                say(log, logging.WARNING, "phones not looked at", error=type(error).__name__)
            await asyncio.sleep(SETTLES_S)

    async def _look(self) -> None:
        now, connection = asyncio.get_running_loop().time(), self._exchange.asterisk.connections
        if connection != self._connection:  # nobody knows what was said meanwhile
            self._connection = connection
            self._watched.clear()
            self._states.clear()
        elif now - self._looked < LOOK_EVERY_S:
            return
        self._looked = now
        part, found = self._exchange.part, {}
        for endpoint, agent_id in (await self._office.phones()).items():
            try:
                device = endpoint_of(endpoint, part)
            except NoTarget:
                continue
            if device.startswith("PJSIP/") and "/" not in device[6:] and "@" not in device:
                found[device] = agent_id
        self._agents = found
        for device in found.keys() - self._watched:
            if not await self._watch(device):
                return

    async def _watch(self, device: str) -> bool:
        """Its changes from now on, and how it is now."""
        try:
            answer = await self._exchange.asterisk.ask(commands.watch(self._exchange.app, [f"deviceState:{device}"]))
            self._watched.add(device)
            if answer.ok:
                shown = await self._exchange.asterisk.ask(commands.endpoint(device))
                if shown.ok and isinstance(shown.body, dict):
                    self._seen(device, shown.body)
        except (NotSent, NoAnswer):
            return False
        return True

    def _seen(self, device: str, shown: Mapping[str, object]) -> None:
        channels = shown.get("channel_ids")
        strangers = [one for one in channels if one not in self._exchange.legs] if isinstance(channels, list) else []
        state = "UNAVAILABLE" if shown.get("state") == "offline" else "INUSE" if strangers else "NOT_INUSE"
        self._device(Device(device, state))

    def _device(self, device: Device) -> None:
        if device.name in self._agents and self._states.get(device.name) != device.state:
            self._states[device.name] = device.state
            self._judge_soon(device.name, SETTLES_S)

    def _leg(self, leg: Leg) -> None:
        """One of our own legs began or ended: what else happens on that phone counts again."""
        if leg.gone and leg.endpoint in self._states:
            self._judge_soon(leg.endpoint, SETTLES_S)

    def _judge_soon(self, device: str, after_s: float) -> None:
        self._exchange.tasks.later(after_s, self._judge, device)

    def _judge(self, device: str) -> None:
        if any(leg.endpoint == device for leg in self._exchange.legs.values()):
            return
        reason, flagged = reason_of(self._states.get(device, ""), self._name), self._flagged.get(device, "")
        if reason != flagged or not reason:
            self._exchange.tasks.start(self._settle(device, reason, flagged))

    async def _settle(self, device: str, reason: str, flagged: str) -> None:
        agent_id = self._agents.get(device)
        if agent_id is None:
            return None
        try:
            if reason:
                if flagged and not await self._office.phone_back(agent_id, flagged):
                    return self._judge_soon(device, AGAIN_S)
                self._flagged[device] = reason
                await self._office.phone_away(agent_id, reason)
            else:
                for one in (f"{BUSY}.{self._name}",) if self._name else (BUSY, AWAY):
                    if not await self._office.phone_back(agent_id, one):
                        return self._judge_soon(device, AGAIN_S)
                self._flagged.pop(device, None)
        except Exception as error:
            say(log, logging.WARNING, "phone not minded", agent=agent_id, error=type(error).__name__)
            self._flagged.pop(device, None)
            self._judge_soon(device, AGAIN_S)
        return None
