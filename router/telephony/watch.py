"""Looks now and then for legs that are gone although nobody told us: while we were away, or because a report was lost.

Deadlines free everybody else; only a talk has none, and a caller who hung up unheard would be given to one agent after
the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from ivr.gateway import Gateway, Tells
from router.domain.errors import Refused
from router.logging_ import say
from router.site import Site
from router.store.reading import fields
from router.store.rows import CallView
from router.telephony.actions import caller_leg
from router.telephony.counters import missed
from router.telephony.pace import Pace

EVERY_S = 60.0
"""Longer than a round in the holding room: whoever asks for its documents is there, and need not be looked for."""
PAGE = 50

log = logging.getLogger("vipline.telephony")

Mark = tuple[str, int | None, str | None]


class Watch:
    """One site's. A call is looked for when nothing has been heard of it since the last look."""

    def __init__(self, site: Site, gateways: Mapping[str, Gateway], pace: Pace | None = None) -> None:
        self._site = site
        self._gateways = gateways
        self._pace = pace or Pace()
        self._marks: dict[str, Mark] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._pace.sleep(EVERY_S)
            try:
                await self.look()
            except Exception as error:
                say(log, logging.WARNING, "watch failed", site=self._site.name, error=type(error).__name__)

    async def look(self) -> None:
        marks: dict[str, Mark] = {}
        cursor = ""
        while True:
            call_ids, cursor = await self._site.engine.scan_calls(cursor, PAGE)
            views = await asyncio.gather(*(self._site.engine.view_call(call_id) for call_id in call_ids))
            for view in views:
                if view is not None and self._is_on_the_line(view):
                    marks[view.row.call_id] = (view.row.letter, view.expected, view.row.offer_id)
            silent = [view for view in views if view and self._is_silent(view, marks)]
            await asyncio.gather(*(self._look_for(view) for view in silent))
            if not cursor:
                break
        self._marks = marks

    def _is_on_the_line(self, view: CallView) -> bool:
        """By our books: a caller in line, or a talk; the customer of a callback only when she talks."""
        row = view.row
        states = {"a": "gqwc", "ka": "c"}.get(row.facts.kind, "")
        return row.letter in states and isinstance(self._gateways.get(str(row.meta.get("provider") or "")), Tells)

    def _is_silent(self, view: CallView, marks: Mapping[str, Mark]) -> bool:
        call_id = view.row.call_id
        return call_id in marks and self._marks.get(call_id) == marks[call_id]

    async def _look_for(self, view: CallView) -> None:
        row = view.row
        acts = fields(await self._site.channel.call("HGETALL", self._site.keys.own(f"o:{row.call_id}")))
        leg_id = caller_leg(row.call_id, acts)
        caller = row.call_id if leg_id == row.call_id else acts.get(f"leg:{leg_id}")
        agent = acts.get(f"leg:{row.offer_id}") if row.letter == "c" else None
        gateway = self._gateways[str(row.meta["provider"])]
        assert isinstance(gateway, Tells)
        for leg in (caller, agent):
            if leg is not None and await gateway.is_up(self._site.name, leg) is False:
                say(log, logging.WARNING, "leg was gone unheard", call=row.call_id)
                missed(self._site)
                with contextlib.suppress(Refused):
                    await self._end(view)
                return

    async def _end(self, view: CallView) -> None:
        """As if we had been told; of a talk that has ended meanwhile, nothing."""
        if view.row.letter == "c":
            await self._site.engine.complete_call(view.row.call_id, offer_id=view.row.offer_id)
        else:
            await self._site.engine.abandon_call(view.row.call_id)
