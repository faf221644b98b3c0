"""Who is calling, told on every stage: proved by keypad, or not, and in line all the same; a flood stays outside."""

from __future__ import annotations

import pytest

from loadtests.carriers.phones import Person
from router.directory import pins
from tests.stories.house import ADA, GRETA, NOBODY, House

NUMBER, PIN = "40071", "284651"


@pytest.fixture
async def asking(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Whoever is unknown is asked; Ada has a customer number and a PIN."""
    monkeypatch.setattr(pins, "LOG_N", 4)
    await house.change(identification={"ask": ["withheld", "unknown"]})
    answered = await house.api.ask("PATCH", "/v1/customers/c-1000", {"number": NUMBER, "pin": PIN})
    assert answered.status == 200, answered.text
    return house


@pytest.mark.needs("interrupt")
@pytest.mark.parametrize("number", [NOBODY, "anonymous"])
async def test_a_vip_without_her_number_proves_to_be_one_and_reaches_her_agent(asking: House, number: str) -> None:
    asking.agent(GRETA)
    await asking.api.ready("agent-7")
    call = asking.call(number, Person(presses={"your customer number": f"{NUMBER}#", "your PIN": f"{PIN}#"}))
    await call.until("welcome to Sample site")
    await call.until("Ms Ada Marlow.")
    await call.until("I am connecting you to Greta Holm.")
    await call.until(f"bridged: {GRETA}")
    await asking.until(call.sid, state="connected", agent_id="agent-7", tier="diamond")
    assert not any(PIN in words for words in (await asking.api.get(f"/v1/calls/{call.sid}")).text.split('"'))


@pytest.mark.needs("interrupt")
async def test_whoever_does_not_know_the_pin_stands_in_line_after_three_mistakes(asking: House) -> None:
    call = asking.call(NOBODY, Person(presses={"your customer number": f"{NUMBER}#", "your PIN": "0000#"}))
    await call.until("That was not right.", 3)
    await call.until("queue:")
    await asking.until(call.sid, state="waiting", tier="standard")
    later = asking.call("+12025550178", Person(presses={"your customer number": f"{NUMBER}#", "your PIN": f"{PIN}#"}))
    await later.until("We cannot check your PIN at the moment.")
    await later.until("queue:")


@pytest.mark.needs("interrupt")
@pytest.mark.parametrize("presses", [{}, {"your customer number": "#"}])
async def test_whoever_presses_nothing_stands_in_line(asking: House, presses: dict[str, str]) -> None:
    call = asking.call(NOBODY, Person(presses=presses))
    await call.until("your customer number")
    await call.until("queue:")
    await asking.until(call.sid, state="waiting")


@pytest.mark.needs("answer_control")
async def test_a_flood_from_one_number_stays_outside(house: House) -> None:
    await house.change(limits={"at_once": 1})
    first = house.call(NOBODY)
    await first.until("queue:")
    second = house.call(NOBODY)
    await second.until("ended")
    assert not any("welcome" in words for words in second.story)
    assert (await house.api.get(f"/v1/calls/{second.sid}")).status == 404
    other = house.call(ADA)
    await other.until("Ms Ada Marlow")
    await house.until(first.sid, state="waiting")
