"""The checkers that every test of a script relies on can say no."""

from __future__ import annotations

import pytest

from tests.support.dump import changes, leftovers
from tests.support.stage import Stage


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (("ZADD", "w:vip", "1", "c1"), "w:vip is left"),
        (("SET", "l:c1", "x"), "l:c1 is left"),
        (("ZADD", "t", "1", "c:c1"), "t is left"),
        (("PERSIST", "m:e1"), "m:e1 never expires"),
        (("HSET", "c:c9", "st", "w"), "c:c9 never expires"),
        (("HSET", "c:e1", "st", "w"), "c:e1 is w"),
        (("SET", "unheard", "x"), "unheard is left"),
    ],
)
async def test_something_left_behind_is_found(
    stage: Stage, ended_call: str, command: tuple[str, ...], complaint: str
) -> None:
    stage.left_as_is = True
    assert not leftovers(await stage.dump())

    name, key, *rest = command
    await stage.channel.call(name, stage.keys.own(key), *rest)

    assert complaint in "\n".join(leftovers(await stage.dump()))


@pytest.mark.parametrize(
    "command",
    [
        ("ZREM", "w:vip", "c1"),
        ("ZADD", "w:vip", "1", "c1"),
        ("ZREM", "t", "c:c1"),
        ("HSET", "c:c1", "st", "c"),
        ("HINCRBY", "n", "1", "1"),
        ("ZADD", "i:1", "1", "ann"),
        ("HSET", "a:ann", "st", "r"),
        ("HSET", "g", "Lvip", "0/1;"),
        ("HSET", "g", "Lvip", "0/0;1:1"),
    ],
)
async def test_an_unsound_site_fails_the_next_script(stage: Stage, waiting_call: str, command: tuple[str, ...]) -> None:
    stage.left_as_is = True
    await stage.agent("ann", "other", state="break")

    name, key, *rest = command
    await stage.channel.call(name, stage.keys.own(key), *rest)

    with pytest.raises(AssertionError, match="after boost_call"):
        await stage.engine.boost_call("c1", 0, by="sue")


async def test_a_write_is_seen(stage: Stage, waiting_call: str) -> None:
    before = await stage.dump()
    assert not changes(before, await stage.dump())

    await stage.channel.call("HSET", stage.keys.call("c1"), "la", "ann")

    (line,) = changes(before, await stage.dump())
    assert line.startswith("c:c1: ")


async def test_a_call_that_never_ends_is_found(stage: Stage, waiting_call: str) -> None:
    """Winding up ends it; until then the site is not empty."""
    assert leftovers(await stage.dump())
    await stage.wind_up()
    assert not leftovers(await stage.dump())
