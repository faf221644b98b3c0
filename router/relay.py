"""A new plan holds: every call in line is shown it, keeps rank and clock, and gets the steps it has not entered."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection
from datetime import UTC, datetime

from router.callbacks import is_callback
from router.domain.errors import PlanMoved
from router.domain.policy import decide
from router.domain.reladder import Relay, reladder
from router.logging_ import say
from router.routing import unpack
from router.site import Site
from router.store.rows import CallRow

PAGE = 200
TRIES = 3
IN_LINE = frozenset({"waiting", "choosing", "offered"})

log = logging.getLogger("vipline.plan")


async def walk(site: Site, version: str) -> None:
    """Show plan `version` to every call in line. Begun anew by another process if this one dies."""
    await site.keeper.refresh()
    if site.active.version != version:
        # An older plan's walk: the newer plan has one of its own, and this one has nothing left to show.
        await site.engine.end_walk(version)
        return
    count = 0
    async for call_ids in live_calls(site):
        for row in await site.engine.read_calls(call_ids):
            if row is not None and row.state in IN_LINE:
                count += 1
                try:
                    await _show(site, row)
                except PlanMoved:
                    await site.engine.end_walk(version)
                    return
    await site.engine.end_walk(version)
    say(log, logging.INFO, "plan shown to waiting calls", site=site.name, version=version, calls=count)


async def live_calls(site: Site) -> AsyncIterator[list[str]]:
    """The ids of all calls that have not ended, in pages; one that moves meanwhile may come twice."""
    cursor = ""
    while True:
        call_ids, cursor = await site.engine.scan_calls(cursor, PAGE)
        if call_ids:
            yield call_ids
        if not cursor:
            return


async def _show(site: Site, row: CallRow | None) -> None:
    for _ in range(TRIES):
        if row is None or row.state not in IN_LINE:
            return
        relay = await _relay(site, row)
        if relay is None or await site.engine.reladder_call(
            row.call_id,
            relay.remaining,
            enter_now=relay.enter_now,
            at_step=row.step.name,
            plan_version=site.active.version,
        ):
            return
        row = await site.engine.read_call(row.call_id)


async def _relay(site: Site, row: CallRow) -> Relay | None:
    """What is left to this call by the plan in force; None: it stays as it is."""
    caller, facts = unpack(row.call_id, row.meta)
    plan = site.plan
    decision = decide(caller, facts, plan, datetime.now(UTC), check_hours=False)
    relay = reladder(row.step.name, row.lanes, decision.ladder, plan.groups, has_next=bool(row.rest))
    if _has_place(row, plan.groups) and (await _was_transferred(site, row) or _keeps_lanes(row, plan.callback.widen)):
        return None
    return relay


def _has_place(row: CallRow, groups: Collection[str]) -> bool:
    """Whether the group it stands in still exists."""
    return not row.lanes or row.lanes[-1].startswith("@") or row.lanes[-1].partition("+")[0] in groups


def _keeps_lanes(row: CallRow, widen: bool) -> bool:
    """A callback that does not widen keeps the lanes it has."""
    return is_callback(row) and not widen


async def _was_transferred(site: Site, row: CallRow) -> bool:
    """Somebody sent this caller to an agent or a group: no plan takes that back."""
    if not row.facts.talks:
        return False
    return any(event.type == "call.transferred" for event in await site.history.read(row.call_id))
