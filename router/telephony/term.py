"""One term of leading: events in stream order → a provider's actions, in order within a call.

Every entry is acknowledged when its actions are settled. Whoever takes over goes through those that are not: their
claims tell what was sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ivr.gateway import Gateway
from router.domain.errors import Refused
from router.domain.events import Event
from router.events.stream import Connection, read_entry
from router.logging_ import say
from router.site import Site
from router.store.begun import forgive
from router.store.channel import ChannelError
from router.store.reading import fields
from router.telephony.actions import TYPES, Look, is_ours, wanted
from router.telephony.carrying import Carrier
from router.telephony.pace import Pace

GROUP = "telephony"
CONSUMER = "outbox"
BATCH = 256
AT_ONCE = 2_000
RETRY_S = 0.5
GATHER_S = 0.05
"""So long settled entries gather before they are acknowledged, all in one."""

log = logging.getLogger("vipline.telephony")


class Term:
    """`connection` is its own: it waits in the server. Stop it, whatever happens."""

    def __init__(
        self, site: Site, gateways: Mapping[str, Gateway], connection: Connection, carrier: Carrier, pace: Pace
    ) -> None:
        self._site = site
        self._gateways = gateways
        self._connection = connection
        self._carrier = carrier
        self._pace = pace
        self._last: dict[str, asyncio.Task[None]] = {}
        self._at: dict[str, asyncio.Task[None]] = {}
        self._settled: deque[str] = deque()
        self._acknowledging: asyncio.Task[None] | None = None

    @property
    def busy(self) -> Collection[str]:
        """The calls that something is being done for."""
        return self._last.keys()

    async def begin(self) -> None:
        try:
            await self._do("XGROUP", "CREATE", self._site.keys.events, GROUP, "0", "MKSTREAM")
        except Exception as error:
            if "BUSYGROUP" not in str(error):
                raise

    async def read(self, position: str, block_ms: int) -> str:
        """Entries handed out before but not settled, from `position` on; then, from `>`, new ones."""
        while len(self._at) > AT_ONCE:
            await asyncio.wait(self._at.values(), return_when=asyncio.FIRST_COMPLETED)
        block = ("BLOCK", block_ms) if position == ">" and block_ms else ()
        rows = await self._do(
            "XREADGROUP", "GROUP", GROUP, CONSUMER, "COUNT", BATCH, *block, "STREAMS", self._site.keys.events, position
        )
        found: Sequence[Any] = [] if not rows else next(iter(rows.values())) if isinstance(rows, dict) else rows[0][1]
        events = [read_entry(entry) for entry in found if entry[1]]
        others = [entry[0] for entry in found if not entry[1]]
        for event in events:
            if not event.raw.startswith(TYPES) or not is_ours(event):
                others.append(event.entry_id)
            elif event.entry_id not in self._at and event.entry_id not in self._settled:
                self._start(event)
        if others:
            await self._site.channel.call("XACK", self._site.keys.events, GROUP, *others)
        if position == ">":
            return position
        return events[-1].entry_id if events else ">" if not found else found[-1][0].decode()

    async def stop(self) -> None:
        """Waits for nothing that the store has to answer: whoever comes next waits for this one to leave."""
        running = list(self._at.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        if self._acknowledging is not None:
            self._acknowledging.cancel()
            await asyncio.wait({self._acknowledging})
        if self._settled:
            # Nobody waits for it: what it does not reach is looked at again, and found to be done.
            with contextlib.suppress(ChannelError):
                self._site.channel.send(*self._acknowledgement()).add_done_callback(forgive)

    def _start(self, event: Event) -> None:
        """After what its call has before it."""
        call_id = event.fields["call"]
        task = asyncio.create_task(self._after(self._last.get(call_id), event))
        self._last[call_id] = task
        self._at[event.entry_id] = task

        def forget(done: asyncio.Task[None]) -> None:
            del self._at[event.entry_id]
            if self._last.get(call_id) is done:
                del self._last[call_id]

        task.add_done_callback(forget)

    async def _after(self, before: asyncio.Task[None] | None, event: Event) -> None:
        if before is not None:
            await asyncio.wait([before])
        while True:
            try:
                await self._handle(event)
            except Exception as error:
                say(
                    log, logging.WARNING, "event not carried out", call=event.fields["call"], error=type(error).__name__
                )
                await self._pace.sleep(RETRY_S)
            else:
                self._settled.append(event.entry_id)
                if self._acknowledging is None or self._acknowledging.done():
                    self._acknowledging = asyncio.create_task(self._acknowledge_soon())
                return

    async def _acknowledge_soon(self) -> None:
        """One that is not acknowledged is looked at again, and found to be done."""
        while self._settled:
            await asyncio.sleep(GATHER_S)
            try:
                await self._acknowledge()
            except Exception as error:
                say(log, logging.WARNING, "entries not acknowledged", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _acknowledge(self) -> None:
        words = self._acknowledgement()
        await self._site.channel.call(*words)
        for _ in words[3:]:
            self._settled.popleft()

    def _acknowledgement(self) -> tuple[str, ...]:
        return "XACK", self._site.keys.events, GROUP, *self._settled

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
            await self._carrier.carry_out(event.fields["call"], one, self._gateways[look.provider])

    async def _look(self, event: Event) -> Look | None:
        call_id, offer, keys = event.fields["call"], event.fields.get("offer", ""), self._site.keys
        view, told = await asyncio.gather(
            self._site.engine.view_call(call_id),
            self._site.channel.call_many(
                [
                    ["HGETALL", keys.actions(call_id)],
                    ["GET", keys.card(event.fields.get("agent", ""))],
                    ["HMGET", keys.documents(call_id), f"accept@{offer}", f"fetched@{offer}"],
                ]
            ),
        )
        for reply in told:
            if isinstance(reply, Exception):
                raise reply
        if view is None:
            return None
        acts, card, answers = told
        plan, timing = self._site.plan, self._site.engine.timing
        return Look(
            letter=view.row.letter,
            page=view.page,
            meta=view.row.meta,
            acts=fields(acts),
            endpoint=json.loads(card).get("endpoint") if card else None,
            provider=str(view.row.meta.get("provider") or ""),
            caller_id=plan.voice.caller_id or str(view.row.meta.get("to") or ""),
            offer_ms=timing.offer_ms,
            dial_ms=timing.dial_ms,
            stands_by=any(answers),
        )

    async def _do(self, *args: Any) -> Any:
        return await self._connection.call(*args)
