"""Which calls a platform keeps, and until when: a decision nobody follows lapses, a talk nobody ends is ended.

A call lives as long as its platform speaks of it. Each question and each event puts the moment off at which it would be
given up; a sweep, of any process, gives up those whose moment has passed.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from config.node import OFFER_TAIL_MS, Node
from router.domain.errors import Refused
from router.logging_ import say
from router.site import Site
from router.store.reading import fields
from router.store.rows import CallView

KEPT_MS = 86_400_000
AT_ONCE = 200
AGAIN = ":again"
"""Behind the id of a call that comes to life again after it was given up, and a number."""

log = logging.getLogger("vipline.node")


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a platform's call beside the engine. `engine_id`: the engine's call for it; `given_up` by us,
    not by its caller; `unclear`: the question that was not answered.
    """

    engine_id: str
    lapses: int = 0
    given_up: bool = False
    unclear: str = ""
    language: str = ""
    skills: tuple[str, ...] = ()


class Books:
    """One site's."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._due = site.keys.own("node:due")

    async def entry(self, call_id: str) -> Entry:
        found = fields(await self._site.channel.call("HGETALL", self._key(call_id)))
        lapses = int(found.get("lapses", "0"))
        engine_id = f"{call_id}{AGAIN}{lapses}" if lapses else call_id
        skills = tuple(found.get("skills", "").split())
        given_up = found.get("lapsed") == engine_id
        return Entry(engine_id, lapses, given_up, found.get("unclear", ""), found.get("language", ""), skills)

    async def note(self, call_id: str, language: str, skills: tuple[str, ...]) -> None:
        """What was chosen before the call is routed."""
        await self._write(call_id, "language", language, "skills", " ".join(skills))

    async def not_understood(self, call_id: str, question: str) -> None:
        await self._write(call_id, "unclear", question)

    async def revive(self, call_id: str, entry: Entry) -> Entry:
        """The platform speaks again of a call that was given up: the same caller, as a new call of the engine."""
        await self._write(call_id, "lapses", str(entry.lapses + 1))
        return await self.entry(call_id)

    async def keep(self, engine_id: str, until_ms: int) -> None:
        """Give the call up at that moment, unless something is heard before."""
        await self._site.channel.call("ZADD", self._due, str(until_ms), engine_id)

    async def close(self, engine_id: str) -> None:
        await self._site.channel.call("ZREM", self._due, engine_id)

    async def sweep(self, node: Node) -> int:
        """Gives up what nobody spoke of in time; how many. Refusals mean that it is over already."""
        channel, now = self._site.channel, now_ms()
        found = await channel.call("ZRANGEBYSCORE", self._due, "-inf", str(now), "LIMIT", "0", str(AT_ONCE))
        given_up = 0
        for engine_id in (one.decode() for one in found):
            until_ms = await channel.call("ZSCORE", self._due, engine_id)
            if until_ms is None or float(until_ms) > now:
                continue  # somebody has just spoken of it
            given_up += await self._give_up(engine_id, node)
        return given_up

    async def _give_up(self, engine_id: str, node: Node) -> bool:
        view = await self._site.engine.view_call(engine_id)
        later_ms = 0 if view is None else await self._stands_until(view, node)
        if later_ms > now_ms():
            await self.keep(engine_id, later_ms)
            return False
        try:
            if view is not None and view.row.letter == "c":
                await self._site.engine.complete_call(engine_id, offer_id=view.row.offer_id)
            elif view is not None and view.row.letter != "e":
                await self._write(platform_id(engine_id), "lapsed", engine_id)
                await self._site.engine.abandon_call(engine_id)
        except Refused:
            say(log, logging.INFO, "given up too late", call=engine_id)
        await self.close(engine_id)
        return True

    async def said(self, view: CallView, node: Node) -> None:
        """Something has just been said of a call: from now on it lapses as it stands."""
        await self.keep(view.row.call_id, await self._stands_until(view, node) or now_ms() + node.patience)

    async def _stands_until(self, view: CallView, node: Node) -> int:
        """Until when a call stands without a word: an agent is held a little less long than the offer lasts, so that
        a decision nobody follows costs the agent nothing. Of who is asked nothing is heard until it has been said.
        0: only as long as the platform speaks of it.
        """
        row = view.row
        if row.letter == "q" and row.step.due_ms is not None:
            return row.step.due_ms + node.patience
        if row.letter == "o" and view.agent is not None and view.agent.due_ms is not None:
            return view.agent.due_ms - OFFER_TAIL_MS
        if row.letter == "c" and row.agent_id is not None:
            agent = await self._site.engine.read_agent(row.agent_id)
            return agent.since_ms + node.longest_talk if agent is not None else 0
        return 0

    async def _write(self, call_id: str, *words: str) -> None:
        key = self._key(call_id)
        await self._site.channel.call_many([["HSET", key, *words], ["PEXPIRE", key, str(KEPT_MS)]])

    def _key(self, call_id: str) -> str:
        return self._site.keys.own(f"node:{call_id}")


def platform_id(engine_id: str) -> str:
    """What the platform calls the engine's call."""
    before, again, number = engine_id.rpartition(AGAIN)
    return before if again and number.isdigit() else engine_id


def now_ms() -> int:
    return int(time.time() * 1_000)
