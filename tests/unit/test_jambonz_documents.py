"""Scripts as verbs, each checked by jambonz's own schemas where they are at hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.telephony import Speech
from ivr.jambonz.addresses import Addresses
from ivr.jambonz.documents import MAX_BYTES, DocumentTooLarge, Writer, next_part
from ivr.vocabulary import Collect, Dial, Goto, Hangup, Hold, Join, Pause, Play, Reject, Route, Say, Script
from loadtests.carriers.jambonz.schemas import Breach, Schemas
from tests.support.jambonz_stage import needed_schemas, schemas_folder

CALL = "0e0681b0-d49f-4fb8-b973-b5a3c6758de1"
OFFER = "1795295062606-1"
KEY = Route("key", CALL, "7")
SPEECH = Speech.model_validate({"vendor": "google", "voices": {"zh": {"voice": "cmn-A", "language": "cmn-CN"}}})
WRITER = Writer(Addresses("https://calls.example.org/", "main"), SPEECH)


def verbs(script: Script, writer: Writer = WRITER) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(writer.document(script))
    if (folder := schemas_folder()) is not None:
        Schemas.read(folder).document(found)
    return found


def hook(page: str, step: str = "7") -> str:
    return f"https://calls.example.org/hooks/jambonz/main/{page}/{CALL}/{step}#rc=3&rp=ct,rt,5xx"


def going(page: str) -> list[dict[str, Any]]:
    """To a page, and once more when nothing came of it."""
    redirect = {"verb": "redirect", "actionHook": hook(page)}
    return [redirect, {"verb": "pause", "length": 1}, redirect]


def test_plain_verbs() -> None:
    script = (
        Say("Hello", "zh-CN"),
        Say("Hi", "pl"),
        Play("music/a.mp3", 3),
        Pause(1_500),
        Goto(Route("hold", CALL, "7")),
    )
    assert verbs(script) == [
        {"verb": "say", "text": "Hello", "synthesizer": {"vendor": "google", "language": "cmn-CN", "voice": "cmn-A"}},
        {"verb": "say", "text": "Hi", "synthesizer": {"vendor": "google", "language": "pl"}},
        {"verb": "play", "url": "https://calls.example.org/music/a.mp3", "loop": 3},
        {"verb": "pause", "length": 1.5},
        *going("hold"),
    ]


def test_waiting_is_a_loop_of_ours_never_a_queue_of_theirs() -> None:
    hold = Hold(CALL, Route("hold", CALL, "7"), Route("left", CALL, "7"))
    assert verbs((hold,)) == going("hold")


def test_one_key() -> None:
    gather, *_ = verbs((Collect((Say("One", "en"), Say("Two", "en")), KEY, first_timeout_ms=6_000),))
    assert gather["say"]["text"] == "One Two"
    assert (gather["numDigits"], gather["timeout"], gather["input"]) == (1, 6, ["digits"])
    assert gather["actionHook"] == hook("key")


def test_a_question_answered_by_nothing_is_asked_again() -> None:
    """An empty answer changes nothing, and none at all leaves the rest of the document: nobody is cut off."""
    _, pause, redirect = verbs((Collect((Say("One", "en"),), KEY),))
    assert pause == {"verb": "pause", "length": 1}
    assert redirect == {"verb": "redirect", "actionHook": hook("key")}


def test_digits_end_by_themselves() -> None:
    gather, *_ = verbs((Collect((Say("Your number", "en"),), KEY, max_digits=12),))
    assert "numDigits" not in gather
    # without a minimum jambonz never starts the timer between digits
    assert (gather["minDigits"], gather["maxDigits"], gather["finishOnKey"]) == (1, 12, "#")
    assert gather["interDigitTimeout"] == 2


def test_silence_is_listened_to() -> None:
    gather, *_ = verbs((Collect((Say("Wait", "en"), Pause(30_000)), KEY, first_timeout_ms=1_000),))
    assert gather["timeout"] == 31
    gather, *_ = verbs((Collect((), KEY),))
    assert "say" not in gather
    assert gather["timeout"] == 5


def test_several_prompts_are_asked_in_parts() -> None:
    """Between two verbs keys are lost: the rest goes along, and comes back when nothing was pressed."""
    prompts = (Say("English one", "en"), Say("中文二", "zh-CN"), Play("a.mp3"))
    tag, first, *_ = verbs((Collect(prompts, KEY, first_timeout_ms=4_000),))
    assert first["say"]["text"] == "English one"
    assert first["timeout"] < 1
    heard = []
    for _ in range(2):
        following = next_part({}, "key:7", tag["data"])
        assert following is not None
        tag, gather, *_ = json.loads(following)
        heard.append(gather)
        assert gather["actionHook"] == first["actionHook"]
    assert heard[0]["say"]["text"] == "中文二"
    assert heard[0]["timeout"] < 1
    assert heard[1]["play"]["url"].endswith("/a.mp3")
    assert heard[1]["timeout"] == 4
    assert next_part({}, "key:7", tag["data"]) is None


def test_a_part_belongs_to_its_question() -> None:
    tag, *_ = verbs((Collect((Say("a", "en"), Play("b")), KEY),))
    assert next_part({}, "key:8", tag["data"]) is None
    assert next_part({}, "menu:7", tag["data"]) is None
    for junk in ({}, {"at": "key:7"}, {"at": "key:7", "more": "x"}, {"at": "key:7", "more": []}):
        assert next_part({}, "key:7", junk) is None


def test_a_leg_goes_on_saying_whose_it_is() -> None:
    bound = {"call": "cb-1", "leg": f"{OFFER}c"}
    writer = Writer(Addresses("https://calls.example.org", "main"), SPEECH, bound)
    tag, *_ = verbs((Collect((Say("a", "en"), Play("b")), KEY),), writer)
    assert bound.items() <= tag["data"].items()
    following = json.loads(next_part(bound, "key:7", tag["data"]) or b"")
    assert bound.items() <= following[0]["data"].items()


def test_two_meet_in_a_room_that_ends_with_either() -> None:
    join = Join(CALL, Route("bridged", CALL, OFFER), Route("over", CALL, OFFER))
    agent, lost = verbs((join,))
    caller, unmet = json.loads(WRITER.meeting(OFFER, Route("left", CALL, "17"), Route("wait", CALL, OFFER)))
    assert agent["name"] == caller["name"] == f"w-{OFFER}"
    assert agent["endConferenceOnExit"]
    assert caller["endConferenceOnExit"]
    assert agent["startConferenceOnEnter"]
    assert not caller["startConferenceOnEnter"]
    assert agent["actionHook"] == hook("over", OFFER)
    assert caller["actionHook"] == hook("left", "17")
    assert caller["waitHook"] == hook("wait", OFFER)
    assert lost == {"verb": "redirect", "actionHook": hook("lost", OFFER)}
    assert unmet == {"verb": "redirect", "actionHook": hook("unmet", "17")}
    Schemas.read(needed_schemas()).document([caller, unmet])


def test_ways_out() -> None:
    assert verbs((Reject("busy"),)) == [{"verb": "sip:decline", "status": 486}]
    assert verbs((Reject("declined"),)) == [{"verb": "sip:decline", "status": 603}]
    assert verbs((Hangup(),)) == [{"verb": "hangup"}]
    (dial,) = verbs((Dial("+12025550111", Route("over", CALL, "7"), 30_000),))
    assert dial["target"] == [{"type": "phone", "number": "+12025550111"}]
    assert (dial["timeout"], dial["actionHook"]) == (30, hook("over"))


def test_nothing_to_do_ends_the_leg() -> None:
    """An empty document would not replace the verbs that are left."""
    assert verbs(()) == [{"verb": "hangup"}]


def test_text_is_never_markup() -> None:
    (say,) = verbs((Say("<speak>Hi <break time='9s'/></speak>", "en"),))
    assert "<" not in say["text"]
    assert ">" not in say["text"]


def test_what_is_too_large_is_not_sent() -> None:
    with pytest.raises(DocumentTooLarge):
        WRITER.document(tuple(Say("界" * 4_000, "en") for _ in range(MAX_BYTES // 12_000 + 1)))


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_any_text_and_any_id_make_a_document(text: str, call: str, step: str) -> None:
    for script in ((Say(text, "en"), Goto(Route("hold", call, step))), (Collect((Say(text, "en"),), KEY),)):
        assert json.loads(WRITER.document(script)) == json.loads(WRITER.document(script))
        verbs(script)


def test_the_referee_sees_what_is_wrong() -> None:
    schemas = Schemas.read(needed_schemas())
    for document in (
        {"verb": "say"},
        [],
        [{"verb": "sya", "text": "Hi"}],
        [{"verb": "pause"}],
        [{"verb": "say", "text": "Hi", "txet": "Hi"}],
        [{"verb": "gather", "input": ["dtmf"], "actionHook": "https://a/b"}],
        [{"verb": "gather", "say": {"txet": "Hi"}, "actionHook": "https://a/b"}],
    ):
        with pytest.raises((Breach, KeyError)):
            schemas.document(document)
