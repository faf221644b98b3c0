"""The outbox: events in stream order → a provider's actions, in order within a call, by one process at a time.

Every entry is acknowledged when its actions are settled. Whoever takes over goes through those that are not: their
claims tell what was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from router.domain.errors import Refused
from router.domain.events import Event
from router.events.stream import Connection, read_entry
from router.logging_ import say
from router.site import Site
from router.store.reading import fields
from router.telephony.actions import TYPES, Look, Wanted, is_ours, wanted
from router.telephony.carrying import PAUSE_S, Carrier
from router.telephony.claims import CLAIM_MS, Claims
from router.telephony.gateway import Gateway
from router.telephony.leader import LEASE_MS, Leader

GROUP = "telephony"
CONSUMER = "outbox"
BATCH, BLOCK_MS = 256, 1_000
AT_ONCE = 2_000
RETRY_S = 0.5

log = logging.getLogger("vipline.telephony")

Carry = Callable[[str, Wanted, Gateway], Awaitable[None]]


class Outbox:
    """One site's, in one process. `gateways`: by provider. `connection` is its own: it waits in the server."""

    def __init__(
        self,
        site: Site,
        gateways: Mapping[str, Gateway],
        connection: Connection,
        *,
        lease_ms: int = LEASE_MS,
        claim_ms: int = CLAIM_MS,
        pause_s: float = PAUSE_S,
    ) -> None:
        self._site = site
        self._gateways = gateways
        self._connection = connection
        self._lease_ms = lease_ms
        self._claim_ms = claim_ms
        self._pause_s = pause_s
        self._carry: Carry
        self._last: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Lead whenever nobody else does, until cancelled; a server that is away is tried again."""
        while True:
            try:
                await self.lead()
            except Exception as error:
                say(log, logging.WARNING, "outbox failed", site=self._site.name, error=type(error).__name__)
            await asyncio.sleep(RETRY_S)

    async def lead(self) -> None:
        """One term; returns when somebody else leads."""
        name = secrets.token_hex(8)
        channel, keys = self._site.channel, self._site.keys
        leader = Leader(channel, keys.own("outbox:by"), name, self._lease_ms)
        if not await leader.leads():
            return
        self._carry = Carrier(self._site, Claims(channel, keys, name, self._claim_ms), self._pause_s).carry_out
        try:
            await self._create()
            position = "0"
            while await leader.leads():
                position = await self._read(position)
        finally:
            running = list(self._last.values())
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            self._last.clear()
            with contextlib.suppress(Exception):
                await leader.resign()

    async def _create(self) -> None:
        try:
            await self._do("XGROUP", "CREATE", self._site.keys.events, GROUP, "0", "MKSTREAM")
        except Exception as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def _read(self, position: str) -> str:
        """Entries handed out before but not settled, from `position` on; then, from `>`, new ones."""
        while len(self._last) > AT_ONCE:
            await asyncio.wait(self._last.values(), return_when=asyncio.FIRST_COMPLETED)
        block = ("BLOCK", min(BLOCK_MS, self._lease_ms // 4)) if position == ">" else ()
        rows = await self._do(
            "XREADGROUP", "GROUP", GROUP, CONSUMER, "COUNT", BATCH, *block, "STREAMS", self._site.keys.events, position
        )
        found: Sequence[Any] = [] if not rows else next(iter(rows.values())) if isinstance(rows, dict) else rows[0][1]
        events = [read_entry(entry) for entry in found if entry[1]]
        others = [entry[0] for entry in found if not entry[1]]
        for event in events:
            if event.raw.startswith(TYPES) and is_ours(event):
                self._begin(event)
            else:
                others.append(event.entry_id)
        if others:
            await self._site.channel.call("XACK", self._site.keys.events, GROUP, *others)
        if position == ">":
            return position
        return events[-1].entry_id if events else ">" if not found else found[-1][0].decode()

    def _begin(self, event: Event) -> None:
        """After what its call has before it."""
        call_id = event.fields["call"]
        task = asyncio.create_task(self._after(self._last.get(call_id), event))
        self._last[call_id] = task

        def forget(done: asyncio.Task[None]) -> None:
            if self._last.get(call_id) is done:
                del self._last[call_id]

        task.add_done_callback(forget)

    async def _after(self, before: asyncio.Task[None] | None, event: Event) -> None:
        if before is not None:
            await asyncio.wait([before])
        while True:
            try:
                await self._handle(event)
                await self._site.channel.call("XACK", self._site.keys.events, GROUP, event.entry_id)
            except Exception as error:
                say(
                    log, logging.WARNING, "event not carried out", call=event.fields["call"], error=type(error).__name__
                )
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _handle(self, event: Event) -> None:
        look = await self._look(event)
        if look is None:
            return
        if look.provider not in self._gateways:
            say(log, logging.ERROR, "provider not known here", call=event.fields["call"])
            return
        if event.type == "call.offered" and not look.endpoint:
            say(log, logging.WARNING, "agent has no endpoint", agent=event.fields["agent"])
            with contextlib.suppress(Refused):
                await self._site.engine.fail_leg(event.fields["call"], event.entry_id, "device")
        for one in wanted(event, look):
            await self._carry(event.fields["call"], one, self._gateways[look.provider])

    async def _look(self, event: Event) -> Look | None:
        call_id, keys = event.fields["call"], self._site.keys
        view, told = await asyncio.gather(
            self._site.engine.view_call(call_id),
            self._site.channel.call_many(
                [
                    ["HGETALL", f"{keys.root}:o:{call_id}"],
                    ["HKEYS", keys.documents(call_id)],
                    ["GET", keys.card(event.fields.get("agent", ""))],
                ]
            ),
        )
        for reply in told:
            if isinstance(reply, Exception):
                raise reply
        if view is None:
            return None
        acts, heard, card = told
        plan, timing = self._site.plan, self._site.engine.timing
        return Look(
            letter=view.row.letter,
            page=view.page,
            meta=view.row.meta,
            heard=frozenset(name.decode() for name in heard),
            acts=fields(acts),
            endpoint=json.loads(card).get("endpoint") if card else None,
            provider=str(view.row.meta.get("provider") or ""),
            caller_id=plan.voice.caller_id or str(view.row.meta.get("to") or ""),
            offer_ms=timing.offer_ms,
            dial_ms=timing.dial_ms,
        )

    async def _do(self, *args: Any) -> Any:
        return await self._connection.execute_command(*args)
