"""Broken files do not keep a service down: a site goes on with the plan that is stored, if one was ever published."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from config.loading import Broken, read_plan
from config.problems import PlanInvalid, Problem
from router.store.connections import Store
from router.store.keyspace import Keyspace
from router.store.plans import Plans


async def kept_sites(store: Store, prefix: str, sound: Collection[str], broken: Broken) -> list[str]:
    """Those of the broken sites that can be served by their stored plans; the others are left out.

    Raises PlanInvalid when none of all the sites has a plan yet: this is the first start, and somebody is watching it.
    """
    if not broken:
        return []
    stored = {name: await _stored(store, prefix, name) for name in (*sound, *broken)}
    kept = [name for name in broken if stored[name] is not None and _readable(stored[name] or "")]
    if not any(stored.values()) or not (sound or kept):
        raise PlanInvalid([error for errors in broken.values() for error in errors])
    return kept


def consequence(errors: Sequence[Problem], *, served: bool) -> str:
    """What broken files lead to, for anybody to read: where, but nothing of what stands there."""
    more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
    then = "the stored plan is served" if served else "no plan of it is stored, it is not served"
    return f"its files are broken ({errors[0].file}:{errors[0].line}{more}), {then}; see `vipline check`"


async def _stored(store: Store, prefix: str, name: str) -> str | None:
    newest = await Plans(store.channel_for(name), Keyspace(name, prefix).own("plans")).newest()
    return newest.text if newest is not None else None


def _readable(text: str) -> bool:
    try:
        read_plan(text)
    except PlanInvalid:
        return False
    return True
