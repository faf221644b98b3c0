"""A supervisor closes a queue, and says why: those who wait in it hear it, and those who come."""

from __future__ import annotations

import pytest

from ivr.vocabulary import Hangup, PromptFinished, Say
from tests.support.desk_stage import NOBODY, OFFICE, PRIYA, change_plan, in_room, line, until_ended
from tests.support.service import Api

DRILL = {"en": "There is a fire drill.", "pl": "Mamy próbny alarm."}


async def test_a_closed_queue_tells_those_who_wait_in_it(api: Api) -> None:
    call = await in_room(api, NOBODY)
    await api.put("/v1/queues/general", {"open": False, "message": "There is a fire drill."})
    await until_ended(api)
    await call.hear("exit", "1-0", PromptFinished())
    assert "We are closed at the moment. There is a fire drill." in call.said
    assert (await api.look("n1"))["message"] == "There is a fire drill."


async def test_a_closed_queue_tells_those_who_come(api: Api) -> None:
    await api.put("/v1/queues/general", {"open": False, "message": "There is a fire drill."})
    call = line(api)
    await call.calls(NOBODY)
    assert "We are closed at the moment. There is a fire drill." in call.said
    assert call.one(Hangup)
    assert (await api.look("n1"))["message"] == "There is a fire drill."


@pytest.mark.parametrize(("number", "language", "spoken_in"), [(NOBODY, "pl", "pl"), (PRIYA, "id", "en")])
async def test_a_closed_queue_tells_each_in_their_language(
    api: Api, number: str, language: str, spoken_in: str
) -> None:
    await change_plan(api, numbers={OFFICE: {"language": language}})
    closed = await api.put("/v1/queues/general", {"open": False, "message": DRILL})
    assert {queue["group"]: queue["message"] for queue in closed.json["queues"]}["general"] == DRILL
    call = line(api)
    await call.calls(number, to=OFFICE)
    assert Say(DRILL[spoken_in], spoken_in) in call.script
    assert (await api.look("n1"))["message"] == DRILL[spoken_in]


async def test_a_closed_queue_without_a_word_leaves_the_plans(api: Api) -> None:
    await change_plan(api, exit_message="Try later.")
    await api.put("/v1/queues/general", {"open": False})
    call = line(api)
    await call.calls(NOBODY)
    assert "We are closed at the moment. Try later." in call.said
