"""Our actions at Twilio's door: what is done once, what may be tried again, what must be looked up first."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ivr.gateway import GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.twilio.gateway import TwilioGateway
from ivr.twilio.keyring import Credentials, Keys
from ivr.twilio.rest import Rest
from ivr.twilio.signature import Secrets
from ivr.vocabulary import Action, Interrupt, Originate, Route, Terminate
from loadtests.carriers.faults import RestFault
from loadtests.carriers.twilio.fake import ACCOUNT
from tests.support.twilio_stage import CALLER, MAIN, TOKEN, Stage, descriptions, stage
from tests.support.waiting import wait_until

AGENT = "client:chen"
OFFER = "1763751600000-0"
SUB = "AC" + "b" * 32
GONE = "CA" + "0" * 32


@pytest.fixture
async def scene(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    async with stage(tmp_path, descriptions(request)) as found:
        yield found


def ring(target: str = AGENT, call_id: str = GONE) -> Originate:
    return Originate(
        OFFER, "agent", target, MAIN, Route("whisper", call_id, OFFER), Route("status", call_id, OFFER), 20_000
    )


def ago(seconds: float) -> int:
    return int((time.time() - seconds) * 1_000)


def placed(scene: Stage) -> int:
    return sum(leg.to_number == AGENT for leg in scene.twilio.legs.values())


async def test_a_lost_answer_is_unknown_and_found_again(scene: Stage):
    scene.twilio.faults.next_rest("create", "lost")
    asked = ago(0)
    with pytest.raises(GatewayUnknown):
        await scene.gateway.perform("main", ring(), None)
    assert await scene.gateway.find("main", ring(), asked) == scene.twilio.leg_to(AGENT).sid
    assert placed(scene) == 1


async def test_a_call_that_twilio_never_placed_is_not_found(scene: Stage):
    scene.twilio.faults.next_rest("create", "silent", "broken")
    for _ in range(2):
        with pytest.raises(GatewayUnknown):
            await scene.gateway.perform("main", ring(), None)
    assert await scene.gateway.find("main", ring(), ago(0)) is None
    assert placed(scene) == 0


async def test_an_answer_that_comes_too_late_is_unknown(scene: Stage):
    scene.twilio.faults.next_rest("create", "slow")
    with pytest.raises(GatewayUnknown):
        await scene.gateway.perform("main", ring(), None)
    assert await scene.gateway.find("main", ring(), ago(5)) is not None


async def test_an_earlier_call_to_the_same_agent_is_not_taken_for_this_one(scene: Stage):
    await scene.gateway.perform("main", ring(), None)
    scene.twilio.leg_to(AGENT).created -= 60
    assert await scene.gateway.find("main", ring(), ago(0)) is None


async def test_who_cannot_say_now_is_asked_again(scene: Stage):
    faults: list[tuple[RestFault, ...]] = [("busy",), ("broken",), ("silent", "silent")]  # a lost GET is sent again
    for some in faults:
        scene.twilio.faults.next_rest("list", *some)
        with pytest.raises(GatewayBusy):
            await scene.gateway.find("main", ring(), ago(0))


async def test_a_busy_twilio_says_when_to_come_back(scene: Stage):
    scene.twilio.faults.next_rest("create", "busy")
    with pytest.raises(GatewayBusy) as busy:
        await scene.gateway.perform("main", ring(), None)
    assert busy.value.retry_after_ms == 1_000
    assert placed(scene) == 0


async def test_nobody_there_is_busy_since_nothing_was_sent(scene: Stage):
    nowhere = keys({ACCOUNT: TOKEN}, "http://127.0.0.1:1")
    gateway = TwilioGateway(scene.base, lambda site: nowhere, Rest(timeout_s=1))
    with pytest.raises(GatewayBusy):
        await gateway.perform("main", ring(), None)
    await gateway.close()


@pytest.mark.parametrize("action", [Interrupt(GONE, Route("connect", GONE, "1")), Terminate(GONE)])
async def test_a_leg_that_is_gone_is_no_error(scene: Stage, action: Action):
    assert (await scene.gateway.perform("main", action, None)).gone
    assert (await scene.gateway.perform("main", action, "CA" + "1" * 32)).gone


@pytest.mark.parametrize("leg_id", ["17-0", "", "CA1/../../x", "QU" + "0" * 32])
async def test_what_is_no_leg_of_twilio_never_reaches_it(scene: Stage, leg_id: str):
    assert (await scene.gateway.perform("main", Terminate(leg_id), None)).gone
    assert scene.twilio.requests == []


async def test_ending_a_leg_twice_is_ending_it_once(scene: Stage):
    call = scene.twilio.call(CALLER, MAIN)
    await call.until("say:")
    assert not (await scene.gateway.perform("main", Terminate(call.sid), None)).gone
    assert (await scene.gateway.perform("main", Terminate(call.sid), None)).gone


async def test_a_wrong_token_is_a_final_refusal(scene: Stage):
    gateway = TwilioGateway(scene.base, lambda site: keys({ACCOUNT: "wrong"}, scene.twilio.base), Rest())
    with pytest.raises(GatewayRefused) as refused:
        await gateway.perform("main", ring(), None)
    assert (refused.value.cause, refused.value.code) == ("network", "20003")
    await gateway.close()


async def test_a_token_on_its_way_out_is_followed_by_the_next(scene: Stage):
    both = Keys(Secrets(ACCOUNT, {}, {}), {ACCOUNT: Credentials(ACCOUNT, ("old", TOKEN), scene.twilio.base)})
    gateway = TwilioGateway(scene.base, lambda site: both, Rest())
    assert (await gateway.perform("main", ring(), None)).leg == scene.twilio.leg_to(AGENT).sid
    await gateway.close()


async def test_without_credentials_or_a_public_address_nothing_is_tried(scene: Stage):
    for gateway in (
        TwilioGateway(scene.base, lambda site: keys({}, scene.twilio.base), Rest()),
        TwilioGateway("", lambda site: keys({ACCOUNT: TOKEN}, scene.twilio.base), Rest()),
    ):
        with pytest.raises(GatewayRefused):
            await gateway.perform("main", ring(), None)
        await gateway.close()
    assert scene.twilio.requests == []


async def test_a_leg_is_placed_in_the_account_of_its_caller(scene: Stage):
    scene.twilio.accounts[SUB] = "sub-token"
    both = keys({ACCOUNT: TOKEN, SUB: "sub-token"}, scene.twilio.base)
    gateway = TwilioGateway(scene.base, lambda site: both, Rest())
    caller = scene.twilio.place(SUB, {"To": CALLER, "From": MAIN, "Url": scene.url("connect/x/1")}, frozenset())
    await gateway.perform("main", ring(call_id=caller.sid), None)
    assert scene.twilio.leg_to(AGENT).account == SUB
    reads = [what for what, _ in scene.twilio.requests].count("read")
    assert not (await gateway.perform("main", Terminate(caller.sid), None)).gone
    assert [what for what, _ in scene.twilio.requests].count("read") == reads  # remembered
    await gateway.close()


async def test_twilio_is_told_where_to_ask_and_report_and_for_how_long_to_ring(scene: Stage):
    await scene.gateway.perform("main", ring(), None)
    form = next(dict(pairs) for what, pairs in scene.twilio.requests if what == "create")
    assert form["Url"].startswith(f"{scene.base}/hooks/twilio/main/whisper/{GONE}/{OFFER}#")
    assert form["StatusCallback"].startswith(f"{scene.base}/hooks/twilio/main/status-agent/{GONE}/{OFFER}#")
    assert form["Timeout"] == "20"


async def test_an_agent_finds_a_queue_though_nobody_has_entered_it_yet(scene: Stage):
    await scene.gateway.perform("main", ring(), None)
    await wait_until(lambda: f"w-{GONE}" in scene.twilio.queues)
    await scene.gateway.perform("main", ring(), None)  # there already: as good


async def test_no_queue_is_made_for_who_stands_in_one(scene: Stage):
    """To be asked for and refused would cost a request a call."""
    await scene.gateway.perform("main", replace(ring(), awaited=True), None)
    await scene.gateway.perform("main", replace(ring(call_id="CA" + "1" * 32), leg_id="1763751600001-0"), None)
    await wait_until(lambda: "w-CA" + "1" * 32 in scene.twilio.queues)
    assert f"w-{GONE}" not in scene.twilio.queues


async def test_queues_left_behind_are_swept_up(scene: Stage):
    old, new, another = (scene.twilio.queue(name) for name in ("w-old", "w-new", "support"))
    old.created = another.created = time.time() - 7_200
    assert await scene.gateway.sweep("main") == 1
    assert set(scene.twilio.queues) == {new.name, another.name}


async def test_a_redirect_is_not_followed(scene: Stage):
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": scene.twilio.base + request.path})

    app = web.Application()
    app.router.add_post("/{rest:.*}", elsewhere)
    async with TestServer(app) as server:
        there = keys({ACCOUNT: TOKEN}, str(server.make_url("")))
        gateway = TwilioGateway(scene.base, lambda site: there, Rest())
        with pytest.raises(GatewayRefused):
            await gateway.perform("main", ring(), None)
        await gateway.close()
    assert scene.twilio.requests == []


def keys(tokens: dict[str, str], api: str) -> Keys:
    secrets = Secrets(ACCOUNT, {sid: (token.encode(),) for sid, token in tokens.items()}, {})
    return Keys(secrets, {sid: Credentials(sid, (token,), api) for sid, token in tokens.items()})
