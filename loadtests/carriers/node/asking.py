"""The platform's questions: flat JSON out, flat JSON back, every field there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL

from loadtests.carriers.faults import Faults

WITHIN_S = 3.0
"""What a platform waits; ours promise one second, which a loaded machine may not keep."""


@dataclass(frozen=True)
class Asked:
    """One question that reached us, for tests to look at and to ask again."""

    url: str
    told: Mapping[str, str]
    status: int


class Asking:
    """`breaches` collects what a flow would stumble over."""

    def __init__(self, faults: Faults, breaches: list[str]) -> None:
        self._faults = faults
        self._breaches = breaches
        self._fields: dict[str, frozenset[str]] = {}
        self.log: list[Asked] = []
        self.session = aiohttp.ClientSession()

    async def decide(self, node: str, decision: str, told: Mapping[str, str]) -> dict[str, str]:
        """The answer; {} when there was none in time."""
        answer = await self._ask(node, decision, told)
        if self._faults.happens(self._faults.documents_twice):
            again = await self._ask(node, decision, told)
            if decision in ("lookup", "callback") and again != answer:
                self._breaches.append(f"{decision} answered a retry otherwise: {answer} then {again}")
            return again
        return answer

    async def post(self, url: str, told: Mapping[str, str]) -> tuple[int, Any]:
        async with asyncio.timeout(WITHIN_S), self.session.post(URL(url, encoded=True), json=dict(told)) as response:
            self.log.append(Asked(url, told, response.status))
            return response.status, json.loads(await response.read())

    async def _ask(self, node: str, decision: str, told: Mapping[str, str]) -> dict[str, str]:
        try:
            status, answer = await self.post(f"{node}/{decision}", told)
        except (TimeoutError, aiohttp.ClientError) as error:
            self._breaches.append(f"{decision}: {type(error).__name__}")
            return {}
        fields = self._fields.setdefault(decision, frozenset(answer))
        if status != 200 or fields != answer.keys() or not all(isinstance(value, str) for value in answer.values()):
            self._breaches.append(f"{decision} answered {status}: {answer}")
        return dict(answer)
