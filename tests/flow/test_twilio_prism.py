"""A second referee: Prism stands between our REST calls and the stand-in, and refuses what is not described.

`.ci/prism` installs it and sets VIPLINE_PRISM to its program.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from ivr.twilio.gateway import TwilioGateway
from ivr.twilio.keyring import Credentials, Keys
from ivr.twilio.rest import Rest
from ivr.twilio.signature import Secrets
from ivr.vocabulary import Interrupt, Originate, Route, Terminate
from loadtests.carriers.twilio.fake import ACCOUNT
from tests.support.twilio_stage import CALLER, MAIN, TOKEN, Stage, stage
from tests.support.waiting import wait_until

PRISM = os.environ.get("VIPLINE_PRISM", "")
AGENT = "client:chen"
OFFER = "1763751600000-0"
pytestmark = pytest.mark.skipif(not PRISM, reason="VIPLINE_PRISM names no Prism; .ci/prism installs and runs it")


@asynccontextmanager
async def proxy(description: Path, upstream: str) -> AsyncIterator[str]:
    """Prism in front of `upstream`: any request or answer the description does not know becomes an error."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        PRISM, "proxy", "--errors", "--port", str(port), str(description), upstream, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await wait_until(lambda: _listens(port), timeout=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def described(reference: Path, folder: Path) -> Path:
    """The part of the description that we use, with a default spelled out that Prism does not know: a field of many
    values is repeated.
    """
    document = json.loads((reference / "twilio" / "twilio_api_v2010.json").read_text())
    account = "/2010-04-01/Accounts/{AccountSid}"
    document["paths"] = {
        path: item
        for path, item in document["paths"].items()
        if path.startswith((f"{account}/Calls.", f"{account}/Calls/{{Sid}}.", f"{account}/Queues"))
    }
    for item in document["paths"].values():
        if "requestBody" in item.get("post", {}):
            form = item["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
            many = [name for name, schema in form["schema"]["properties"].items() if schema.get("type") == "array"]
            form["encoding"] = {name: {"style": "form", "explode": True} for name in many}
    part = folder / "description.json"
    part.write_text(json.dumps(document))
    return part


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
async def scene(tmp_path: Path, reference: Path) -> AsyncIterator[Stage]:
    async with stage(tmp_path, reference) as found:
        yield found


async def test_prism_lets_our_requests_pass_and_no_others(scene: Stage, reference: Path, tmp_path: Path):
    async with AsyncExitStack() as closing, proxy(described(reference, tmp_path), scene.twilio.base) as base:
        keys = Keys(Secrets(ACCOUNT, {}, {}), {ACCOUNT: Credentials(ACCOUNT, (TOKEN,), base)})
        gateway = TwilioGateway(scene.base, lambda site: keys, Rest(timeout_s=30))
        closing.push_async_callback(gateway.close)
        call = scene.twilio.call(CALLER, MAIN)
        await call.until("say:")
        ring = Originate(
            OFFER, "agent", AGENT, MAIN, Route("whisper", call.sid, OFFER), Route("status", call.sid, OFFER), 20_000
        )
        done = await gateway.perform("main", ring, None)
        assert await gateway.find("main", ring, 0) == done.leg
        assert not (await gateway.perform("main", Interrupt(call.sid, Route("connect", call.sid, "7")), None)).gone
        await call.until("queue:")
        (queue,) = [queue for queue in scene.twilio.queues.values() if call.sid in queue.name]
        assert not (await gateway.perform("main", Terminate(call.sid), None)).gone
        await gateway.left("main", call.sid, queue.sid)
        await wait_until(lambda: queue.name not in scene.twilio.queues)
        scene.twilio.queue("w-left").created -= 7_200
        assert await gateway.sweep("main") == 1
        assert (await gateway.perform("main", Terminate("CA" + "0" * 32), None)).gone
        assert await _status(f"{base}/2010-04-01/Accounts/{ACCOUNT}/Calls.json", {"To": CALLER}) == 422
        assert [what for what, _ in scene.twilio.requests].count("create") == 1


async def _status(url: str, form: dict[str, str]) -> int:
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
    async with aiohttp.ClientSession() as session, session.post(url, data=form, headers=headers) as response:
        return response.status
