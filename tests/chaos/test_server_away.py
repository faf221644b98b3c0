"""The server is gone for a while: the service stays, says so to whoever asks, and goes on when it is back."""

from __future__ import annotations

import time
from pathlib import Path

from router.store.embedded import EmbeddedServer
from tests.support.fleet import client, service

LATER = {"call_id": "later", "from": "+447700900000", "to": "+12025550199"}
ANSWER_MAX_S = 8.0


async def test_requests_are_refused_until_it_is_back(
    tmp_path: Path, config: Path, fresh_server: EmbeddedServer
) -> None:
    async with service(tmp_path, config, redis=fresh_server.url) as process, client(process) as api:
        before = await api.call("before", "+447700900002")
        fresh_server.stop()
        assert (await api.get("/healthz")).status == 200
        asked_at = time.monotonic()
        refused = await api.post("/v1/calls", LATER)
        assert (refused.status, refused.slug) == (503, "store-away")
        assert "Retry-After" in refused.headers
        assert time.monotonic() - asked_at < ANSWER_MAX_S
        readiness = await api.get("/readyz")
        assert readiness.status == 503
        assert readiness.json["problems"]

        fresh_server.start()
        await process.ready()
        assert (await api.look("before"))["timeline"] == before["timeline"]
        assert (await api.post("/v1/calls", LATER)).status == 201
        assert [call["call_id"] for call in (await api.get("/v1/calls")).json["items"]] == ["before", "later"]
