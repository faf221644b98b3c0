"""A site whose platform keeps its media and only asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ivr.node.gateway import DECISIONS_ONLY
from loadtests.carriers.node import FakePlatform
from tests.stories.house import Stage

SECRET = "a-secret-path-of-the-stories"


def stage(request: pytest.FixtureRequest, folder: Path) -> Stage:
    carrier = FakePlatform()
    (folder / "secret").write_text(SECRET)
    nodes: list[str] = []

    def section() -> dict[str, Any]:
        return {"node": {"secrets": [{"file": str(folder / "secret")}], "again": "1s"}}

    def wire(base: str, numbers: Sequence[str]) -> None:
        nodes.append(f"{base}/node/main/{SECRET}")
        for number in numbers:
            carrier.number(number, nodes[0])

    async def replay() -> int:
        asked = list(carrier.asking.log)
        for one in asked:
            assert (await carrier.asking.post(one.url, one.told))[0] == one.status, one.url
        return len(asked)

    async def forge() -> list[int]:
        last = carrier.asking.log[-1]
        told = dict(last.told) | {"event": "hangup"}
        elsewhere = (nodes[0] + "x", nodes[0][:-1], nodes[0].replace("/main/", "/elsewhere/"))
        return [(await carrier.asking.post(f"{node}/event", told))[0] for node in elsewhere]

    return Stage("node", carrier, DECISIONS_ONLY, section, wire, breaks=carrier.break_, replay=replay, forge=forge)
