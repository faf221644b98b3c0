"""Draws a picture from what the server holds: at the beginning, and where entries are missing."""

from __future__ import annotations

from router.live.picture import Picture
from router.store.engine import Engine
from router.store.reading import text

PAGE = 200


async def draw(engine: Engine, picture: Picture) -> None:
    """Put every agent and every call that has not ended into the picture, page by page."""
    agent_ids = await engine.agent_ids()
    for at in range(0, len(agent_ids), PAGE):
        rows = [row for row in await engine.read_agents(agent_ids[at : at + PAGE]) if row is not None]
        profiles = await _profiles(engine, sorted({row.profile for row in rows}))
        for agent in rows:
            picture.put_agent(agent, profiles.get(agent.profile, ""))
    picture.closed = set(await engine.closed_groups())
    cursor = ""
    while True:
        call_ids, cursor = await engine.scan_calls(cursor, PAGE)
        for call in await engine.read_calls(call_ids):
            if call is not None and call.letter != "e":
                picture.put_call(call)
        if not cursor:
            return


async def _profiles(engine: Engine, numbers: list[str]) -> dict[str, str]:
    if not numbers:
        return {}
    found = await engine.connection.call("HMGET", engine.keys.guide, *(f"P{number}" for number in numbers))
    return {number: text(profile) for number, profile in zip(numbers, found, strict=True)}
