"""Who calls: the directory of a load's site, and how each caller behaves, drawn one by one."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ivr.speech import phrases_for
from loadtests.options import VIP_TIERS, Options
from loadtests.shapes import Kind, patience_s, talk_s

OWNED = ("diamond", "gold")
KNOWN = 900
"""Customers on numbers kept free for films; more would be nobody's."""
ANSWERS = ("1", "1", "2", "2", "3", "3", *[""] * 8, "9", "9")
"""How the owner-busy question is answered: colleague, wait, callback, not at all, with a key that means nothing. Who
says nothing is often fetched meanwhile by an owner who has become free.
"""
PATIENT_S = 3_600.0
GONE_IN_GREETING, GONE_AT_QUESTION, BOOKS_IN_LINE, CALLS_AGAIN = 0.04, 0.12, 0.04, 0.05


def number_of(customer: int) -> str:
    return f"+447700900{customer:03}"


def tier_of(customer: int) -> str:
    """The same share of customers in every tier."""
    return ("diamond", "gold", "silver", "member", "standard")[customer % 5]


def customers(agents: int) -> list[dict[str, Any]]:
    """Entries of customers.yaml; diamond and gold have an owner, and another agent as cover."""
    made = []
    for number in range(KNOWN):
        tier = tier_of(number)
        one: dict[str, Any] = {"customer_id": f"c-{number}", "name": f"Caller {number}", "phones": [number_of(number)]}
        if tier != "standard":
            one["tier"] = tier
        if tier in OWNED:
            one |= {"owner": f"agent-{number % agents}", "cover": [f"agent-{(number + 1) % agents}"]}
        made.append(one)
    return made


@dataclass(frozen=True)
class Drawn:
    """One caller. `way`: how the call reaches us. Times in the caller's own seconds; `returns_s`: calls again after."""

    way: str
    number: str
    tier: str
    patience_s: float
    talk_s: float
    answer: str
    returns_s: float | None = None
    presses: Mapping[str, str] = field(default_factory=dict)
    hangs_up_at: str = ""

    def document(self) -> dict[str, Any]:
        return asdict(self)


class Crowd:
    """Draws callers; the same seed draws the same ones."""

    def __init__(self, options: Options, language: str = "en") -> None:
        self._options = options
        self._chance = random.Random(options.seed)
        self._speak = phrases_for(language, language)
        self._answers: list[str] = []
        self._next = 0

    def draw(self) -> Drawn:
        chance, options = self._chance, self._options
        way = chance.choices(list(options.mix), list(options.mix.values()))[0]
        tier = chance.choices(list(options.shares), list(options.shares.values()))[0]
        kind: Kind = "vip" if tier in VIP_TIERS else "regular" if tier else "unknown"
        if options.plain:
            drawn = Drawn(way, self._number(tier), tier, PATIENT_S, talk_s(chance, kind), "")
            return replace(drawn, presses=self._presses("", False))
        answer = self._answer()
        mood = chance.random()
        hangs_up_at = ""
        if mood < GONE_IN_GREETING:
            hangs_up_at = self._speak.say("menu.skill", topic="loans", key="2")
        elif mood < GONE_IN_GREETING + GONE_AT_QUESTION:
            hangs_up_at = self._speak.say("question.wait", key="2")
        return Drawn(
            way,
            self._number(tier),
            tier,
            patience_s(chance, kind),
            talk_s(chance, kind),
            answer,
            chance.uniform(5, 60) if chance.random() < CALLS_AGAIN else None,
            self._presses(answer, chance.random() < BOOKS_IN_LINE),
            hangs_up_at,
        )

    def _answer(self) -> str:
        """Every way as often as ANSWERS has it."""
        if not self._answers:
            self._answers = self._chance.sample(ANSWERS, len(ANSWERS))
        return self._answers.pop()

    def _presses(self, answer: str, books: bool) -> dict[str, str]:
        presses = {self._speak.say("menu.skill", topic="loans", key="2"): "1"}
        if answer:
            presses[self._speak.say("question.callback", key="3")] = answer
        if books:
            presses[self._speak.say("hold.callback", key="1")] = "1"
        return presses

    def _number(self, tier: str) -> str:
        """Of a tier the customer who has not called for longest; of nobody we know, one of a thousand."""
        self._next += 1
        if not tier:
            return f"+442079460{self._next % 1000:03}"
        tiers = ("diamond", "gold", "silver", "member", "standard")
        return number_of((self._next * 5 + tiers.index(tier)) % KNOWN)
