"""Files that were broken after a plan was published: the service comes up with the stored plan, and says so."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result

from config.problems import PlanInvalid
from loadtests.processes import workers_of
from router.cli import main
from tests.support.process import running
from tests.support.service import DATABASE, flush, serving, write_config, write_plan
from tests.support.waiting import wait_until

BROKEN = ("default_tier: standard", "default_tier: nobody")


@pytest.fixture
def config(tmp_path: Path, server: str) -> Iterator[Path]:
    flush(server)
    yield write_config(tmp_path / "config")
    flush(server)


def spoil(config: Path) -> None:
    plan = config / "plan.yaml"
    plan.write_text(plan.read_text().replace(*BROKEN))


def doctor(*words: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *words])


async def published(server: str, config: Path) -> None:
    async with serving(server, config):
        pass


async def test_the_stored_plan_is_served_and_log_and_readyz_name_the_line(
    server: str, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await published(server, config)
    spoil(config)
    with caplog.at_level(logging.ERROR):
        async with serving(server, config) as api:
            assert (await api.get("/v1/plan")).json["plan"]["title"] == "Sample site"
            assert (await api.call("c", "+12025550110"))["state"] == "waiting"
            ready = await api.get("/readyz")
    assert ready.status == 200
    [warning] = ready.json["warnings"]
    assert re.search(r"site main: its files are broken \(.*plan\.yaml:\d+\), the stored plan is served", warning)
    said = " ".join(str(vars(record)) for record in caplog.records)
    assert re.search(r"plan\.yaml:\d+: error: there is no tier 'nobody'", said)


async def test_the_very_first_start_fails(server: str, config: Path) -> None:
    spoil(config)
    with pytest.raises(PlanInvalid, match="there is no tier 'nobody'"):
        async with serving(server, config):
            pass


async def test_broken_seeds_leave_people_as_they_are_stored(server: str, config: Path) -> None:
    await published(server, config)
    (config / "agents.yaml").write_text("agents: [")
    async with serving(server, config) as api:
        assert (await api.get("/v1/agents/agent-7")).json["name"] == "Greta Holm"
        assert "agents.yaml:" in (await api.get("/readyz")).json["warnings"][0]


async def test_other_sites_follow_their_files_and_a_new_broken_one_is_left_out(server: str, config: Path) -> None:
    await published(server, config)
    write_config(config, sites=("new",))
    spoil(config / "sites" / "new")
    write_plan(config, lambda plan: plan.update(title="News"))
    async with serving(server, config) as api:
        assert (await api.get("/v1/plan")).json["plan"]["title"] == "News"
        assert (await api.get("/v1/plan", X_Site="new")).status == 404
        assert "site new: its files are broken" in (await api.get("/readyz")).json["warnings"][0]


async def test_the_warning_goes_when_the_files_are_mended(tmp_path: Path, config: Path) -> None:
    async def warnings() -> Any:
        return (await service.ask("GET", "/readyz"))[1]["warnings"]

    async with running(tmp_path / "var", config) as service:
        sound = (config / "plan.yaml").read_text()
        spoil(config)
        service.child.send_signal(signal.SIGHUP)
        await wait_until(warnings)
        (config / "plan.yaml").write_text(sound)
        service.child.send_signal(signal.SIGHUP)

        async def gone() -> bool:
            return not await warnings()

        await wait_until(gone)


async def test_workers_come_up_and_are_replaced_while_the_file_is_broken(tmp_path: Path, config: Path) -> None:
    data = tmp_path / "var"
    async with running(data, config) as service:
        assert await service.end() == 0
    spoil(config)
    async with running(data, config, "--workers", "2") as service:

        def workers() -> set[int]:
            return set(workers_of(service.child.pid))

        async def warned() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                return "plan.yaml:" in str((await service.ask("GET", "/readyz"))[1]["warnings"])
            return False

        for victim in (before := workers()):
            os.kill(victim, signal.SIGKILL)
        await wait_until(lambda: len(workers()) == 2 and not workers() & before, 15)
        await wait_until(warned, 15)
        found = await asyncio.to_thread(doctor, "--data", str(data), "--config", str(config))
        assert found.exit_code == 0, found.output
        assert re.search(r"advice: site main: its files are broken \(.*plan\.yaml:\d+\), the stored plan", found.output)
        assert await service.end() == 0


def test_doctor_says_when_there_is_no_plan_to_go_on_with(server: str, config: Path, tmp_path: Path) -> None:
    spoil(config)
    for place in (("--redis", f"{server}?db={DATABASE}"), ("--data", str(tmp_path / "none"))):
        found = doctor(*place, "--config", str(config))
        assert found.exit_code == 2, found.output
        assert re.search(r"problem: .*plan\.yaml:\d+", found.output)
