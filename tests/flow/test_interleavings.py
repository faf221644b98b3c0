"""Any interleaving of callers, agents, timers, processes and a carrier leaves no leg alone and nobody stuck.

Documents come twice and late, reports are reordered, repeated and dropped, answers are lost, processes die and freeze.
"""

from __future__ import annotations

import asyncio
from itertools import count

import pytest
import redis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from router.store.channel import Channel
from tests.support.ending import Ending
from tests.support.leaks import delete_keys_of

names = count(1)
numbers = st.lists(st.integers(0, 65_535), min_size=40, max_size=140)


async def play(server: str, name: str, choices: list[int]) -> None:
    channel = await Channel.open(server)
    try:
        stage = await Ending.open(channel, name)
        for number in choices:
            await stage.step(number)
        await stage.wind_down()
        wrong = await stage.faults()
        assert not wrong, "\n".join([*stage.story, *wrong])
        await stage.process.term.stop()
    finally:
        await channel.close()


def hold(server: str, peek: redis.Redis, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
        print_blob=False,
    )
    @given(choices=numbers)
    def holds(choices: list[int]) -> None:
        name = f"i{next(names)}x"
        try:
            asyncio.run(play(server, name, choices))
        finally:
            delete_keys_of(peek, name)

    holds()


def test_nobody_is_stuck_and_no_leg_is_alone(server: str, peek: redis.Redis) -> None:
    hold(server, peek, 40)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_nobody_is_stuck_for_long(server: str, peek: redis.Redis) -> None:
    hold(server, peek, 5_000)
