"""A platform that keeps its media, asking the whole service for decisions over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.support.service import Answered, Watched, serving, write_config

SECRET, NEXT = "a-secret-path-of-the-test", "the-next-secret-path-of-it"
CALLED = "+12025550199"


@dataclass
class Platform(Watched):
    """`ask` puts a question as a JSON body; `get` in the address, `form` in a form."""

    folder: Path

    def path(self, decision: str, secret: str = SECRET, site: str = "main") -> str:
        return f"/node/{site}/{secret}/{decision}"

    async def raw(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
        return await self.api.with_token(None).ask(method, path, raw=body, **headers)

    async def ask(self, decision: str, call_id: str, caller: str = "", **more: Any) -> Any:
        told = {"call_id": call_id, "caller": caller, "called": CALLED, **more}
        answered = await self.raw(
            "POST", self.path(decision), json.dumps(told).encode(), Content_Type="application/json"
        )
        assert answered.status == 200, answered.text
        return answered.json

    async def get(self, decision: str, **told: str) -> Any:
        answered = await self.raw("GET", f"{self.path(decision)}?{urlencode(told)}")
        assert answered.status == 200, answered.text
        return answered.json

    async def form(self, decision: str, **told: str) -> Any:
        body = urlencode(told).encode()
        answered = await self.raw("POST", self.path(decision), body, Content_Type="application/x-www-form-urlencoded")
        assert answered.status == 200, answered.text
        return answered.json

    async def agent(self, agent_id: str) -> Any:
        return (await self.api.get(f"/v1/agents/{agent_id}")).json


@asynccontextmanager
async def platform_of(
    database: str,
    folder: Path,
    change: Callable[[dict[str, Any]], None] | None = None,
    settings: dict[str, Any] | None = None,
    **node: Any,
) -> AsyncIterator[Platform]:
    """`node`: keys of the plan's section; `change` changes the plan; `settings` of the service."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_text(SECRET)

    def named(plan: dict[str, Any]) -> None:
        secrets = [{"file": str(folder / "secret")}, {"file": str(folder / "next")}]
        plan["telephony"] = {"node": {"secrets": secrets, "queues": {"general": "8002", "vip": "8001"}, **node}}
        if change is not None:
            change(plan)

    async with serving(database, write_config(folder / "config", named), **(settings or {})) as api:
        yield Platform(api, folder)
