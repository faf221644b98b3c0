"""What the product is for, told once from beginning to end on a real service process, and through its crashes."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from tests.support.fleet import ServiceProcess, client, service
from tests.support.service import Api, write_config
from tests.support.waiting import wait_until

ADA, LI, BRUNO = "+12025550110", "+12025550111", "+12025550112"  # all three have agent-7 as their owner
FAY = "+12025550115"  # a member: two minutes of head start
PRIYA = "+12025550116"  # an ordinary customer


def unhurried(plan: dict[str, Any]) -> None:
    """No deadline of the plan falls due while the story is told, however slow the machine."""
    plan["timing"] |= {"offer": "30m", "question": "30m", "wrap_up": "30m"}
    plan["ladders"]["vip"][0]["wait"] = "20m"


async def fill_vip(api: Api) -> None:
    """From now on one caller fills the VIP group."""
    plan = (await api.get("/v1/plan")).json["plan"]
    plan["ladders"]["vip"][0]["max_waiting"] = 1
    answered = await api.put("/v1/plan", plan)
    assert answered.status == 200, answered.text


async def choose(api: Api, call_id: str, choice: str) -> Any:
    answered = await api.post(f"/v1/calls/{call_id}/choice", {"choice": choice})
    assert answered.status == 200, answered.text
    return answered.json


async def become_ready(api: Api, agent_id: str) -> Any:
    return (await api.put(f"/v1/agents/{agent_id}/state", {"state": "ready"})).json


async def begin(api: Api) -> None:
    """Ada talks to her owner, Bruno waits for the VIP group and fills it, Priya and then Fay wait for anyone."""
    await fill_vip(api)
    await api.ready("agent-7")
    first = await api.call("first", ADA)
    assert (first["customer"]["tier"], first["state"], first["agent_id"]) == ("diamond", "offered", "agent-7")
    assert (await api.accept(first))["state"] == "connected"

    second = await api.call("second", BRUNO)
    assert (second["state"], second["choice"]["options"]) == ("choosing", ["transfer", "wait", "callback"])
    second = await choose(api, "second", "transfer")
    assert (second["state"], second["step"], second["lanes"]) == ("waiting", "vip", ["@agent-7", "vip"])

    ordinary = await api.call("ordinary", PRIYA)
    assert (ordinary["state"], ordinary["lanes"], ordinary["position"]) == ("waiting", ["general"], 1)
    third = await api.call("third", FAY)
    assert (third["state"], third["step"], third["lanes"]) == ("waiting", "general", ["vip", "general"])
    assert third["position"] == 1
    assert (await api.look("ordinary"))["position"] == 2


async def end(api: Api) -> None:
    """The third is answered before the ordinary caller who came earlier; the fourth by the owner, while being asked."""
    assert (await become_ready(api, "agent-1"))["call_id"] == "third"
    assert (await become_ready(api, "agent-2"))["call_id"] == "ordinary"
    assert (await become_ready(api, "agent-5"))["call_id"] == "second"
    for call_id in ("third", "ordinary", "second"):
        assert (await api.accept(await api.look(call_id)))["state"] == "connected"

    assert (await api.call("fourth", LI))["state"] == "choosing"
    offer_id = (await api.look("first"))["offer"]["offer_id"]
    await api.post("/v1/calls/first/complete", {"offer_id": offer_id})
    assert (await api.look("fourth"))["state"] == "choosing"
    assert (await become_ready(api, "agent-7"))["call_id"] == "fourth"
    too_late = await api.post("/v1/calls/fourth/choice", {"choice": "transfer"})
    assert (too_late.status, too_late.slug) == (409, "choice-gone")
    assert (await api.accept(await api.look("fourth")))["agent_id"] == "agent-7"


async def test_four_callers_and_one_owner(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", unhurried)
    async with service(tmp_path, config) as process, client(process) as api:
        await begin(api)
        await end(api)
        timeline = (await api.look("third"))["timeline"]
        assert [row["event"] for row in timeline] == ["call.accepted", "call.offered", "call.connected"]


async def snapshot(api: Api) -> dict[str, Any]:
    """Everything there is of calls and agents but what the clock changes."""
    calls = {name: await api.look(name) for name in ("first", "second", "third", "ordinary", "asked")}
    for call in calls.values():
        del call["waited_ms"]
    return {"calls": calls, "agents": (await api.get("/v1/agents")).json["items"]}


async def restarted(process: ServiceProcess, *dying: str) -> None:
    """Kill the service, its server or both in the same moment; return when it serves again."""
    service_pid, server_pid = process.pid, process.server_pid()
    if "server" in dying:
        os.kill(server_pid, signal.SIGKILL)
    if "service" in dying:
        os.kill(service_pid, signal.SIGKILL)
        await process.ended()
        await process.start()
    else:

        async def another_serves() -> bool:
            try:
                return process.server_pid() != server_pid
            except OSError:
                return False

        await wait_until(another_serves)
        await process.ready()


async def test_killed_and_started_again_nobody_is_lost(tmp_path: Path) -> None:
    config = write_config(tmp_path / "config", unhurried)
    async with service(tmp_path, config) as process, client(process) as api:
        await begin(api)
        assert (await api.call("asked", LI))["state"] == "choosing"
        before = await snapshot(api)
        for dying in (("service",), ("server",), ("server", "service")):
            await restarted(process, *dying)
            assert await snapshot(api) == before, f"after the end of {dying}"
        await choose(api, "asked", "transfer")
        await api.post("/v1/calls/asked/events", {"event_id": "gone", "type": "hangup"})
        await end(api)
