"""Who calls when, and how they are: drawn once, before the curtain rises."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from config.people import CustomerSeed
from ivr.speech import phrases_for
from loadtests.carriers.phones import Person

MAIN_LINE, VIP_LINE = "+12025550100", "+12025550188"
STRANGERS = ("+12025550160", "+12025550161", "+12025550162", "+12025550163")
VIP_VALUE = 10_000
QUIET, RUSH = 1.1, 2.1
"""Callers a minute; the rush is in the middle third."""
VIP_SHARE = 0.6
TALK_S, TALK_SPREAD = 170.0, 0.5
ANSWERS = ("1", "1", "2", "2", "3", "3", "", "9")
"""How the owner-busy question is answered: colleague, wait, callback, not at all, with a key that means nothing."""
QUIET_S = 720.0
"""So long nobody calls again."""
IMPATIENT, BOOKS, LOSES_LINE = 0.16, 0.08, 0.08
"""Of those who wait: hang up for good, ask to be called back, lose the line and call again."""


@dataclass(frozen=True)
class Caller:
    """`at_s`: seconds into the hour. `patience_s`: how long they wait; `returns_s`: they call again so long after."""

    at_s: float
    number: str
    name: str
    line: str
    person: Person
    patience_s: float | None = None
    returns_s: float | None = None


def draw_cast(chance: random.Random, minutes: float, customers: Sequence[CustomerSeed], site: str) -> list[Caller]:
    """Everybody who calls within so many minutes. Nobody calls again before their last talk must be over."""
    vips = [one for one in customers if (one.annual_value or 0) >= VIP_VALUE or one.tier]
    others = [one for one in customers if one not in vips]
    last: dict[str, float] = {}
    answers: list[str] = []
    found = []
    for at_s in _times(chance, minutes):
        quiet = {number for number, called_s in last.items() if at_s - called_s < QUIET_S}
        number, name, customer = _anybody(chance, _but(vips, quiet), _but(others, quiet))
        last[number] = at_s
        if customer is not None and customer.owner and not answers:
            answers = chance.sample(ANSWERS, len(ANSWERS))
        answer = answers.pop() if customer is not None and customer.owner else ""
        found.append(_caller(chance, at_s, number, name, customer, site, answer))
    return found


def _but(customers: Sequence[CustomerSeed], numbers: Collection[str]) -> list[CustomerSeed]:
    return [one for one in customers if one.phones[0] not in numbers]


def _times(chance: random.Random, minutes: float) -> Iterator[float]:
    """A Poisson process whose rate is higher in the middle."""
    at = 0.0
    while True:
        at += chance.expovariate(RUSH)
        if at >= minutes:
            return
        if minutes / 3 < at < minutes * 2 / 3 or chance.random() < QUIET / RUSH:
            yield at * 60


def _anybody(
    chance: random.Random, vips: Sequence[CustomerSeed], others: Sequence[CustomerSeed]
) -> tuple[str, str, CustomerSeed | None]:
    if vips and chance.random() < VIP_SHARE:
        customer = chance.choice(vips)
    elif not others or chance.random() < 0.15:
        return chance.choice(STRANGERS), "somebody", None
    else:
        customer = chance.choice(others)
    return customer.phones[0], customer.name, customer


def _caller(
    chance: random.Random, at_s: float, number: str, name: str, customer: CustomerSeed | None, site: str, answer: str
) -> Caller:
    talk_s = min(chance.lognormvariate(math.log(TALK_S), TALK_SPREAD), 600.0)
    speak = phrases_for(customer.language if customer and customer.language else site, site)
    presses = {}
    if answer:
        presses[speak.say("question.callback", key="3")] = answer
    presses[speak.say("survey.ask")] = chance.choice("345")
    line = VIP_LINE if customer and customer.owner and chance.random() < 0.4 else MAIN_LINE
    caller = Caller(at_s, number, name, line, Person(presses=presses, talks_s=talk_s))
    mood = chance.random()
    if mood < IMPATIENT:
        return replace(caller, patience_s=chance.uniform(25, 120))
    if mood < IMPATIENT + LOSES_LINE:
        return replace(caller, patience_s=chance.uniform(20, 60), returns_s=chance.uniform(8, 30))
    if mood < IMPATIENT + LOSES_LINE + BOOKS:
        presses[speak.say("hold.callback", key="1")] = "1"
    return caller
