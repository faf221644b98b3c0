"""What a load over ARI measures: from a channel that comes to our first command about it."""

from __future__ import annotations

from typing import Any

from loadtests.carriers.ari.channels import Channels
from loadtests.carriers.ari.rest import Rest


class Ear:
    """Who keeps count."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    def acted(self, page: str, began: float) -> None:
        self.pages.append(page)


async def test_who_is_taken_into_a_bridge_at_once_has_been_answered() -> None:
    asterisk = Channels("pbx1", "vipline", 1.0, None)
    asterisk.heard = ear = Ear()  # type: ignore[assignment]
    nobody: Any = None
    rest = Rest(asterisk, nobody, nobody, 0)
    asterisk._came = {"caller": 1.0, "agent": 1.0, "other": 1.0}
    await rest.take("POST", "/channels/caller/answer", {})
    await rest.take("POST", "/bridges/b1/addChannel", {"channel": "caller,agent"})
    assert ear.pages == ["stasis-start"] * 2
    assert list(asterisk._came) == ["other"]
