"""The pure parts of the Asterisk adapter: what it hears, what it says, whom it dials."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.ari import Ari
from ivr.ari import commands
from ivr.ari.causes import broke_off, failure_of
from ivr.ari.documents import read, write
from ivr.ari.gateway import _refusal
from ivr.ari.heard import Bridged, Channel, Digit, Reply, Rubbish, Started, hear
from ivr.ari.legs import channel_id_of, read_channel_id
from ivr.ari.offered import asterisk_of, call_id_of
from ivr.ari.phone import Tasks
from ivr.ari.presence import reason_of
from ivr.ari.targets import NoTarget, endpoint_of
from ivr.gateway import GatewayBusy, GatewayRefused
from ivr.vocabulary import (
    Collect,
    Dial,
    Goto,
    Hangup,
    Hold,
    Join,
    Pause,
    Play,
    Reject,
    Route,
    Say,
    Script,
)
from loadtests.carriers.ari.contract import AriContract, Breach
from tests.support.waiting import wait_until

ASTERISK = {"user": "vipline", "password": {"env": "ARI_PASSWORD"}}


def part(**more: Any) -> Ari:
    return Ari.model_validate({"asterisks": {"pbx1": ASTERISK}, **more})


# ---------------------------------------------------------------- what it hears


def channel(channel_id: str = "1700000000.1", **more: Any) -> dict[str, Any]:
    return {
        "id": channel_id,
        "name": "PJSIP/trunk-0000001a",
        "state": "Ring",
        "caller": {"name": "", "number": ""},
    } | more


def test_the_start_of_a_call() -> None:
    shown = channel(
        caller={"name": "x", "number": "+12025550123"}, dialplan={"exten": "100"}, caller_rdnis="+12025550111"
    )
    message = {"type": "StasisStart", "application": "vipline", "args": ["caller", "to=1"], "channel": shown}
    heard = hear(json.dumps(message))
    assert isinstance(heard, Started)
    assert heard.channel == Channel("1700000000.1", "PJSIP/trunk", "Ring", "+12025550123", "100", "+12025550111")
    assert (heard.app, heard.args, heard.replaced) == ("vipline", ("caller", "to=1"), "")


def test_who_is_in_a_bridge() -> None:
    bridge = {"id": "b", "channels": ["1", "2"]}
    entered = hear(json.dumps({"type": "ChannelEnteredBridge", "bridge": bridge, "channel": {"id": "2"}}))
    assert entered == Bridged("b", "2", ("1", "2"), entered=True)
    left = hear(json.dumps({"type": "ChannelLeftBridge", "bridge": bridge, "channel": {"id": "3"}}))
    assert left == Bridged("b", "3", ("1", "2"), entered=False)


def test_the_answer_to_a_command() -> None:
    told = {"type": "RESTResponse", "request_id": "7", "status_code": 200, "message_body": '{"id": "x"}'}
    assert hear(json.dumps(told)) == Reply("7", 200, {"id": "x"})
    assert hear(json.dumps(told | {"message_body": ""})) == Reply("7", 200, None)


@settings(max_examples=25, deadline=None)
@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "1", "12", "x"])
    | st.lists(st.none() | st.just("1"), max_size=2)
)
def test_whatever_is_sent_is_understood_or_rubbish(value: Any) -> None:
    for kind in ("StasisStart", "ChannelDtmfReceived", "ChannelLeftBridge", "RESTResponse", "PlaybackFinished", "Dial"):
        for message in (value, {"type": kind, "channel": value, "digit": value, "bridge": value, "playback": value}):
            try:
                hear(json.dumps(message))
            except Rubbish:
                continue


@pytest.mark.parametrize("digit", ["", "12", "x", None, 1, " "])
def test_a_key_is_a_key(digit: Any) -> None:
    message = {"type": "ChannelDtmfReceived", "digit": digit, "channel": {"id": "1"}}
    with pytest.raises(Rubbish):
        hear(json.dumps(message))
    assert hear(json.dumps(message | {"digit": "#"})) == Digit("1", "#")


# ---------------------------------------------------------------- what it says


def test_every_command_is_one_asterisk_has(reference: Path) -> None:
    contract = AriContract.read(reference / "ari")
    for command in (
        commands.channels(), commands.bridges(), commands.channel("1.2"), commands.answer("1.2"),
        commands.ring("1.2"), commands.ring_no_more("1.2"),
        commands.play("1.2", "p", ["sound:a", "sound:b"]), commands.stop("p"), commands.music("1.2", "default"),
        commands.quiet("1.2"), commands.hang_up("1.2"), commands.hang_up("1.2", "busy"),
        commands.hang_up("1.2", "rejected"), commands.hang_up("1.2", "congestion"),
        commands.originate("a", "Local/1@x", "vipline", ("agent", "c", "o"), "+12025550100", 20, "1.2"),
        commands.bridge("b"), commands.create_bridge("b"), commands.destroy_bridge("b"),
        commands.join_bridge("b", ("1", "2")),
        commands.leave_bridge("b", "1"), commands.watch("vipline", ["deviceState:PJSIP/1"]),
        commands.endpoint("PJSIP/1"),
    ):  # fmt: skip
        contract.command(command.method, f"/{command.path}", command.query)
    with pytest.raises(Breach):
        contract.command("POST", "/channels/1/hold-music", {})


def test_an_id_cannot_lead_elsewhere() -> None:
    assert commands.answer("../bridges/x?y").path == "channels/..%2Fbridges%2Fx%3Fy/answer"


def test_a_local_channel_s_other_half_has_an_id_too() -> None:
    assert commands.originate("a", "Local/1@x", "v", (), "", 5).query["otherChannelId"] == "far.a"
    assert "otherChannelId" not in commands.originate("a", "PJSIP/1", "v", (), "", 5).query


def test_a_local_channel_has_the_sound_of_a_telephone() -> None:
    assert commands.originate("a", "Local/1@x", "v", (), "", 5).query["formats"] == "slin"
    assert "formats" not in commands.originate("a", "Local/1@x", "v", (), "", 5, "1.2").query
    assert "formats" not in commands.originate("a", "PJSIP/1", "v", (), "", 5).query


route = st.builds(Route, st.sampled_from(["hold", "accept"]), st.text(max_size=9), st.text(max_size=9))
prompt = (
    st.builds(Say, st.text(max_size=40), st.just("en"))
    | st.builds(Play, st.just("a.mp3"))
    | st.builds(Pause, st.just(9))
)
command = (
    prompt
    | st.builds(Collect, st.lists(prompt, max_size=3).map(tuple), route)
    | st.builds(Hold, st.text(max_size=9), route, route)
    | st.builds(Join, st.text(max_size=9), route, route)
    | st.builds(Goto, route)
    | st.builds(Dial, st.just("+12025550123"), route)
    | st.builds(Reject)
    | st.builds(Hangup)
)


@settings(max_examples=50, deadline=None)
@given(st.lists(command, max_size=5).map(tuple))
def test_a_script_that_is_kept_is_the_same_script(script: Script) -> None:
    assert read(write(script)) == script


@pytest.mark.parametrize("bad", [b"", b"{", b"7", b'[{"is": "Bomb"}]', b'[{"is": "Say"}]', b'[{"text": "x"}]'])
def test_a_document_that_is_not_ours_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError):
        read(bad)


# ---------------------------------------------------------------- whom it dials


@pytest.mark.parametrize(
    ("target", "endpoint"),
    [
        ("PJSIP/100", "PJSIP/100"),
        ("Local/100@agents", "Local/100@agents"),
        ("+12025550123", "PJSIP/+12025550123@trunk"),
        ("100", "PJSIP/100@trunk"),
        ("sip:7@pbx", "PJSIP/7"),
        ("sips:greta.holm@pbx;transport=tls", "PJSIP/greta.holm"),
    ],
)
def test_whom_asterisk_dials(target: str, endpoint: str) -> None:
    assert endpoint_of(target, part()) == endpoint


@pytest.mark.parametrize(
    "target",
    ["", "PJSIP/1&PJSIP/2", "Local/1@x,2", "+1202)Dial(x", "client:x", "sip:", "sip:a b@c", "System/rm", "PJSIP/"],
)
def test_whom_nobody_dials(target: str) -> None:
    with pytest.raises(NoTarget):
        endpoint_of(target, part())


def test_a_leg_s_channel_says_whose_it_is() -> None:
    made = channel_id_of("agent", "1700-0", "pbx1:1700000000.12")
    assert read_channel_id(made) == ("agent", "1700-0", "pbx1:1700000000.12")
    half = f"{commands.FAR_HALF}{made}"
    for other in (half, "1700000000.12", "vl.caller.1.2", "vl.agent.1", "vlb.x.1", "vl.out.a.1", ""):
        assert read_channel_id(other) is None


def test_a_caller_s_call_is_named_after_its_asterisk() -> None:
    assert call_id_of("pbx1", "1700000000.12") == "pbx1:1700000000.12"
    assert asterisk_of("pbx1:1700000000.12") == "pbx1"
    assert asterisk_of("cb-0123") == ""
    assert call_id_of("pbx1", "a b") is None
    assert call_id_of("pbx1", "x" * 150) is None


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": "Allocation failed"}, GatewayRefused),
        ({"message": "Internal Server Error"}, GatewayBusy),
        (None, GatewayBusy),
    ],
)
def test_a_telephone_that_is_not_there_is_no_broken_asterisk(body: Any, kind: type[Exception]) -> None:
    assert type(_refusal(commands.Answer(500, body))) is kind


# ---------------------------------------------------------------- why it ended


@pytest.mark.parametrize(
    ("cause", "sip", "status", "rang_out", "why"),
    [
        (17, 486, "BUSY", False, "busy"), (0, 486, "", False, "busy"), (21, 603, "BUSY", False, "declined"),
        (0, 0, "NOANSWER", False, "no_answer"), (19, 0, "", False, "no_answer"), (0, 0, "", True, "no_answer"),
        (20, 480, "CHANUNAVAIL", False, "device"), (3, 404, "", False, "device"),
        (34, 503, "CONGESTION", False, "network"),
        (0, 487, "NOANSWER", True, "no_answer"), (127, 0, "", False, "network"),
        (19, 480, "", True, "no_answer"), (19, 480, "", False, "device"),
    ],
)  # fmt: skip
def test_why_a_leg_came_to_nothing(cause: int, sip: int, status: str, rang_out: bool, why: str) -> None:
    assert failure_of(cause, sip, status, rang_out) == why


def test_a_talk_breaks_off_by_the_network_not_by_a_hang_up() -> None:
    assert broke_off(38, 0)
    assert broke_off(41, 503)
    assert not broke_off(16, 0)
    assert not broke_off(31, 0)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("INUSE", "phone-busy"),
        ("ONHOLD", "phone-busy"),
        ("UNAVAILABLE", "phone-away"),
        ("NOT_INUSE", ""),
        ("RINGING", "phone-busy"),
    ],
)
def test_which_phones_cannot_ring(state: str, why: str) -> None:
    assert reason_of(state) == why


def test_of_several_asterisks_each_speaks_for_itself() -> None:
    assert reason_of("INUSE", "pbx1") == "phone-busy.pbx1"
    assert reason_of("UNAVAILABLE", "pbx1") == ""


async def test_nothing_begins_after_the_house_has_closed() -> None:
    tasks = Tasks()
    begun: list[str] = []
    tasks.later(0, begun.append, "now")
    tasks.later(0.02, begun.append, "later")
    await wait_until(lambda: begun == ["now"])
    await tasks.end()
    await asyncio.sleep(0.05)
    assert begun == ["now"]
