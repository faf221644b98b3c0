"""Too many requests: refused with when to come again; others are not touched."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.service import serving, write_config


async def test_a_token_that_asks_too_often_is_told_when_to_come_again(database: str, tmp_path: Path) -> None:
    async with serving(database, write_config(tmp_path / "config"), token_rate=2) as api:
        busy = await api.as_("supervisor", site="main")
        answers = await asyncio.gather(*(busy.get("/v1/plan") for _ in range(30)))
        refused = [answer for answer in answers if answer.status == 429]
        assert 10 <= sum(answer.status == 200 for answer in answers) <= 15
        assert {answer.slug for answer in refused} == {"too-many-requests"}
        assert all(1 <= int(answer.headers["Retry-After"]) <= 2 for answer in refused)
        assert (await api.get("/v1/plan")).status == 200


async def test_an_address_that_guesses_tokens_is_stopped_before_they_are_looked_up(
    database: str, tmp_path: Path
) -> None:
    config = write_config(tmp_path / "config")
    async with serving(database, config, source_rate=1, trusted_proxies="127.0.0.1") as api:
        guesser = api.with_token("a-guess")
        assert (await guesser.get("/v1/plan", X_Forwarded_For="198.51.100.7")).status == 401
        assert (await guesser.get("/v1/plan", X_Forwarded_For="198.51.100.7")).status == 429
        assert (await api.get("/v1/plan", X_Forwarded_For="198.51.100.7")).status == 429
        assert (await api.get("/v1/plan", X_Forwarded_For="198.51.100.8")).status == 200
        assert (await api.get("/healthz", X_Forwarded_For="198.51.100.7")).status == 200


async def test_0_is_any_number(database: str, tmp_path: Path) -> None:
    async with serving(database, write_config(tmp_path / "config"), token_rate=0, source_rate=0) as api:
        guesser = api.with_token("a-guess")
        assert {(await guesser.get("/v1/plan")).status for _ in range(30)} == {401}
