"""put_agent: an agent is created or changed; a ready one looks at once with the new groups and skills."""

from __future__ import annotations

import asyncio

import pytest

from router.domain.errors import StaleEdit
from router.store.engine import Engine
from tests.support.promises import answers
from tests.support.stage import SECOND, Stage, profile, queue


@answers("OK")
async def test_a_new_agent_is_offline(engine: Engine, stage: Stage) -> None:
    assert await engine.put_agent("ann", profile("vip general:2", "loans"), '{"name": "Ann"}') == ("x", True)

    agent = await stage.agent_row("ann")
    assert (agent.state, agent.card) == ("offline", '{"name": "Ann"}')
    assert await engine.agent_ids() == ["ann"]
    (event,) = await stage.events()
    assert (event.type, event.fields["profile"]) == ("agent.put", "general=2 vip=1;loans")


@pytest.mark.parametrize("state", ["offline", "ready", "break", "offered", "talking", "wrapping", "cooling"])
async def test_putting_the_same_again_writes_nothing(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", "vip", "loans", state=state)
    letter = (await stage.agent_row("ann")).letter

    async with stage.nothing_written():
        assert await engine.put_agent("ann", profile("vip", "loans"), "{}") == (letter, False)


@pytest.mark.parametrize("state", ["offline", "ready", "break", "offered", "talking", "wrapping", "cooling"])
async def test_a_new_profile_changes_nothing_else(engine: Engine, stage: Stage, state: str) -> None:
    await stage.agent("ann", state=state)
    before = await stage.agent_row("ann")
    deadline = await stage.deadline("a:ann")
    await stage.later(SECOND)

    await engine.put_agent("ann", profile("general", "loans"), "{}")

    after = await stage.agent_row("ann")
    assert (after.letter, after.call_id, after.offer_id) == (before.letter, before.call_id, before.offer_id)
    assert after.ready_since_ms == before.ready_since_ms
    assert after.profile != before.profile
    assert (await stage.deadline("a:ann") or 0) == (deadline - SECOND if deadline else 0)


async def test_a_ready_agent_looks_with_the_new_skill(engine: Engine, stage: Stage, ready_agent: str) -> None:
    """The call's lane was there before anybody had the skill."""
    await stage.call("c1", queue("vip+klingon"))

    await engine.put_agent("ann", profile("vip", "klingon"), "{}")

    assert await stage.agent_of("c1") == "ann"


async def test_a_profile_and_a_lane_find_each_other_in_either_order(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip", "a", "b")
    await engine.know_lanes([queue("vip+b"), queue("vip+a+b"), queue("vip+c")])

    assert (await stage.call("c1", queue("vip+c"), queue("vip+a+b"))).agent_id == "ann"


async def test_a_talking_agent_brings_the_new_skill_after_wrap_up(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", state="talking")
    await stage.call("c1", queue("general"))
    await engine.put_agent("ann", profile("general"), "{}")
    await engine.complete_call("ann-call")
    await engine.end_wrap_up("ann")

    assert await stage.agent_of("c1") == "ann"


async def test_an_offer_already_made_stands(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann")
    held = await stage.offered("c1", queue("vip"))
    await engine.put_agent("ann", profile("general"), "{}")

    assert await engine.accept_offer("c1", "ann", held.offer_id) == "c"


@pytest.mark.parametrize("state", ["talking", "wrapping", "cooling", "offered"])
async def test_the_last_of_a_lane_who_changes_leaves_it_to_the_next_step(
    engine: Engine, stage: Stage, state: str
) -> None:
    await stage.agent("ann", "vip", state=state)
    await stage.call("c1", queue("vip"), queue("general"))
    assert (await stage.row("c1")).step.name == "vip"

    await engine.put_agent("ann", profile("other"), "{}")
    assert await stage.deadline("l:vip") == 0
    await stage.later(0)

    assert (await stage.row("c1")).lanes == ("vip", "general")


async def test_a_change_of_levels_only_leaves_nobody_alone(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip", state="talking")
    await stage.call("c1", queue("vip"), queue("general"))

    await engine.put_agent("ann", profile("vip:2"), "{}")

    assert await stage.deadline("l:vip") is None


async def test_a_new_card_alone_is_told(engine: Engine, stage: Stage, ready_agent: str) -> None:
    await stage.events()
    assert await engine.put_agent("ann", profile("vip"), '{"name": "Ann"}') == ("r", False)

    assert (await stage.agent_row("ann")).card == '{"name": "Ann"}'
    assert await stage.told() == ["agent.put"]


@answers("STALE")
async def test_an_edit_of_yesterdays_card_is_refused(engine: Engine, stage: Stage, ready_agent: str) -> None:
    await engine.put_agent("ann", profile("vip"), "second", "{}")
    await stage.refused(StaleEdit, engine.put_agent("ann", profile("vip"), "third", "{}"))
    await stage.refused(StaleEdit, engine.put_agent("ann", profile("other"), "second", "{}"))
    await stage.refused(StaleEdit, engine.put_agent("ann", profile("vip"), "third", "-"))
    await stage.refused(StaleEdit, engine.put_agent("bob", profile("vip"), "third", "{}"))
    assert await engine.put_agent("bob", profile("vip"), "{}", "-") == ("x", True)


async def test_equal_profiles_are_one(engine: Engine, stage: Stage) -> None:
    await stage.agent("ann", "vip general", "b", "a")
    await stage.agent("bob", "general vip", "a", "b")

    assert (await stage.agent_row("ann")).profile == (await stage.agent_row("bob")).profile


async def test_fifty_edits_at_once_leave_one_profile(engine: Engine, stage: Stage) -> None:
    """An agent is counted in one profile at every moment."""
    await stage.agent("ann")
    groups = ["vip", "general", "other", "vip general", "vip:2"]
    await asyncio.gather(*(engine.put_agent("ann", profile(groups[n % 5]), str(n)) for n in range(50)))

    dump = await stage.dump()
    assert sum(int(n) for name, n in dump["n"][0].items() if not name.endswith("*")) == 1
    assert [list(content) for key, (content, _) in dump.items() if key.startswith("i:")] == [["ann"]]
