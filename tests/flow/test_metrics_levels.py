"""The service level of the last hour: whoever was cut off, called again and has the place never hung up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from config.loading import load_config
from router.api.queues import service_level
from router.domain.events import parse
from router.events.levels import GROUP, Level, Levels, level
from tests.support.service import Api
from tests.support.waiting import wait_until

PLAN = load_config(Path(__file__).resolve().parents[2] / "config")["main"].plan.site
BEGAN = 1_700_000_000_000
CALLER = "+13035550123"


@pytest.mark.parametrize(("step", "wait_ms", "in_time"), [("owner", 9_000, 1), ("owner", 15_000, 0), ("vip", 9_000, 1)])
def test_who_is_answered_by_the_own_agent_is_held_to_the_next_groups_target(
    step: str, wait_ms: int, in_time: int
) -> None:
    levels = Levels(None, None, lambda: PLAN)  # type: ignore[arg-type]
    facts = f"facts={BEGAN};{BEGAN + 1_800_000};j;diamond;0|step={step};1;{BEGAN};;;0;"
    event = parse(f"{BEGAN + wait_ms}-1", f"call.connected|call=c1|agent=a7|offer=1-1|{facts}|at={BEGAN + wait_ms}")
    assert [what.rpartition(";")[2] for what in levels._what(event)].count("answered_in") == in_time


def test_a_level_says_what_its_calls_were_held_to() -> None:
    """Of different targets it says none: no one of them would be true of the sum."""

    def target(*places: tuple[str, str], **of: str) -> tuple[int | None, float | None]:
        shown = service_level(PLAN, Counter({(group, tier, "answered"): 1 for group, tier in places}), **of)
        return shown["within_ms"], shown["target_percent"]

    vip, general = (10_000, 90.0), (20_000, 80.0)
    assert target(tier="diamond") == target(group="vip") == vip
    assert target(tier="standard") == target(group="general") == general
    assert target(("", "diamond"), ("vip", "diamond"), ("general", "standard"), tier="diamond") == vip
    assert target(("vip", "diamond"), ("general", "diamond"), tier="diamond") == (None, None)
    assert target(("general", "diamond"), ("general", "standard"), group="general") == general
    assert target(("vip", "diamond"), ("general", "standard")) == target() == (None, None)


async def reached(api: Api) -> Level:
    """Once everything has been read."""
    site = api.site

    async def is_read() -> bool:
        newest = (await site.channel.call("XREVRANGE", site.keys.events, "+", "-", "COUNT", 1))[0][0]
        rows = await site.channel.call("XINFO", "GROUPS", site.keys.events)
        groups = [dict(zip(row[::2], row[1::2], strict=True)) for row in rows]
        mine = next((row for row in groups if row[b"name"] == GROUP.encode()), None)
        return mine is not None and mine[b"last-delivered-id"] == newest and mine[b"pending"] == 0

    await wait_until(is_read)
    return level(await site.levels.read(site.now_ms()), None, "standard")


async def hang_up(api: Api, call_id: str) -> None:
    await api.post(f"/v1/calls/{call_id}/events", {"event_id": f"{call_id}-gone", "type": "hangup"})


async def test_a_hang_up_is_taken_back_when_she_calls_again(api: Api) -> None:
    await api.call("c1", CALLER)
    await hang_up(api, "c1")
    assert await reached(api) == Level(0, 0, 1, 1)
    await api.call("c2", CALLER)
    assert await reached(api) == Level(0, 0, 0, 0)


async def test_a_place_that_passes_at_once_is_not_taken_back_twice(api: Api) -> None:
    """The new call comes before the dead leg's hang-up: the old one never counted."""
    await api.call("other", "+13035550199")
    await hang_up(api, "other")
    await api.call("c1", CALLER)
    await api.call("c2", CALLER)
    await hang_up(api, "c1")
    assert (await api.look("c1"))["outcome"] == "recalled"
    assert await reached(api) == Level(0, 0, 1, 1)


async def test_one_who_was_talked_to_and_hangs_up_in_the_next_line_was_answered(api: Api) -> None:
    await api.ready("agent-1")
    call = await api.accept(await api.call("c1", CALLER))
    to = {"to": {"group": "vip"}, "offer_id": call["offer"]["offer_id"]}
    assert (await api.post("/v1/calls/c1/transfer", to)).status == 200
    await hang_up(api, "c1")
    assert await reached(api) == Level(1, 1, 0, 0)
