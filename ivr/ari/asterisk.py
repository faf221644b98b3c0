"""One Asterisk of a site: the connection with it, kept up, whichever of the two opens it."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import Protocol

import aiohttp
from yarl import URL

from config.ari import Asterisk as Settings
from config.secrets import read_secret
from ivr.ari.commands import Answer, Command
from ivr.ari.counts import Counts
from ivr.ari.heard import Heard
from ivr.ari.link import HEARTBEAT_S, MAX_MESSAGE, Link, Socket
from ivr.ari.rest import HttpRest, NotSent, Rest
from router.logging_ import say

SHORTEST_S, LONGEST_S = 0.1, 10.0
CONNECT_S = 5.0
TAKEN_OVER_S = 20.0
"""Longer than a lease of the outbox: whoever took over may be its new holder."""

log = logging.getLogger("vipline.ari")


class Ears(Protocol):
    """Who listens to one Asterisk."""

    def heard(self, event: Heard) -> None: ...

    async def up(self) -> None:
        """It can be spoken with, perhaps after a gap; events come already."""
        ...

    def down(self, taken_over: bool) -> None:
        """Nothing is known from now on. `taken_over`: and it is somebody else's."""
        ...


def passwords(settings: Settings) -> tuple[str, ...]:
    """Those that are there now: files are read anew each time."""
    return tuple(word for secret in settings.password if (word := read_secret(secret)))


class Asterisk:
    """`settings` are of the plan. `keep` runs as long as we speak for its application."""

    def __init__(self, name: str, settings: Settings, ears: Ears, counts: Counts) -> None:
        self.name = name
        self.settings = settings
        self._ears = ears
        self._counts = counts
        self._link: Link | None = None
        self._rest: Rest | None = None
        self._arrived: asyncio.Future[Socket] | None = None
        self._over = asyncio.Event()
        self.connections = 0

    @property
    def connected(self) -> bool:
        return self._link is not None

    async def ask(self, command: Command) -> Answer:
        """Raises NotSent and NoAnswer."""
        if self._rest is None or self._link is None:
            raise NotSent("not connected")
        self._counts["commands"] += 1
        return await self._rest.ask(command)

    async def keep(self) -> None:
        """Connected whenever it can be, until cancelled."""
        pause_s = SHORTEST_S
        try:
            while True:
                try:
                    lasted = await (self._once() if self.settings.url else self._await_it())
                    pause_s = SHORTEST_S if lasted else min(pause_s * 2, LONGEST_S)
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    pause_s = min(pause_s * 2, LONGEST_S)
                    say(log, logging.WARNING, "asterisk not reached", asterisk=self.name, error=type(error).__name__)
                except Exception:
                    pause_s = LONGEST_S
                    log.exception("connection failed")
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))
        finally:
            if self._rest is not None:
                await self._rest.close()

    @property
    def awaited(self) -> bool:
        """Whether it may connect to us now."""
        return self._arrived is not None and not self._arrived.done()

    def welcome(self, socket: Socket) -> asyncio.Event | None:
        """It has connected to us. None: nobody here speaks with it now; else the event tells when it is over."""
        if self._arrived is None or self._arrived.done():
            return None
        self._over = asyncio.Event()
        self._arrived.set_result(socket)
        return self._over

    async def _await_it(self) -> bool:
        self._arrived = asyncio.get_running_loop().create_future()
        try:
            return await self._speak(await self._arrived)
        finally:
            self._arrived = None
            self._over.set()

    async def _once(self) -> bool:
        """One connection, opened by us. Whether it ever stood."""
        settings = self.settings
        url = URL(f"{str(settings.url).rstrip('/')}/ari/events").with_query(app=settings.app, subscribeAll="false")
        async with aiohttp.ClientSession() as session:
            for password in passwords(settings):
                headers = {"Authorization": aiohttp.encode_basic_auth(settings.user, password)}
                try:
                    async with asyncio.timeout(CONNECT_S):
                        socket = await session.ws_connect(
                            url,
                            protocols=("ari",),
                            headers=headers,
                            heartbeat=HEARTBEAT_S,
                            max_msg_size=MAX_MESSAGE,
                            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                        )
                except aiohttp.WSServerHandshakeError as refused:
                    if refused.status != 401:
                        raise
                    continue
                return await self._speak(socket)
        say(log, logging.ERROR, "asterisk refuses our password", asterisk=self.name)
        return False

    async def _speak(self, socket: Socket) -> bool:
        link = Link(socket, self._ears.heard, self._counts)
        if self.settings.commands == "http":
            if self._rest is not None:
                await self._rest.close()
            self._rest = HttpRest(str(self.settings.url), self.settings.user, passwords(self.settings))
        else:
            self._rest = link.rest
        self._link = link
        self.connections += 1
        say(log, logging.INFO, "asterisk connected", asterisk=self.name)
        listening = asyncio.create_task(link.listen())
        greeting = asyncio.create_task(self._ears.up())
        try:
            await listening
        finally:
            self._link = None
            for task in (listening, greeting):
                task.cancel()
            self._ears.down(link.taken_over)
            await asyncio.gather(listening, greeting, return_exceptions=True)
            say(log, logging.WARNING, "asterisk disconnected", asterisk=self.name)
        if link.taken_over:
            self._counts["taken_over"] += 1
            say(log, logging.ERROR, "somebody else speaks for our application", asterisk=self.name)
            await asyncio.sleep(TAKEN_OVER_S)
        return True
