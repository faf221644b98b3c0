"""Scripts as TwiML: the elements Twilio knows, nothing smuggled in, the same bytes every time."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.voice_response import Gather, VoiceResponse

from ivr.twilio.addresses import OVERRIDES, Addresses
from ivr.twilio.documents import EMPTY, DocumentTooLarge, queue_name, render
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
from loadtests.carriers.twilio.contract import IN_QUEUE, TwimlContract

ADDRESSES = Addresses("https://calls.example.org", "main")
CALL = "CA" + "1" * 32
BASE = f"https://calls.example.org/hooks/twilio/main/{{}}/{CALL}/{{}}{OVERRIDES}"


def route(page: str, step: str = "3") -> Route:
    return Route(page, CALL, step)


EVERYTHING: Script = (
    Say("Good morning, Ms Li.", "en"),
    Say("您好", "zh-CN"),
    Play("https://sounds.example/a.mp3", 2),
    Play("sounds/b.mp3", 0),
    Pause(1_500),
    Collect((Say("Press 1", "pl"), Pause(500)), route("question")),
    Collect((Say("Your number", "id"),), route("identify"), max_digits=20, first_timeout_ms=8_000),
    Goto(route("hold")),
    Dial("+12025550111", route("over")),
    Join(CALL, route("bridged", "17-0"), route("over", "17-0")),
    Hold(CALL, route("hold"), route("left")),
    Hangup(),
)


def document(*script: object, waiting: bool = False) -> str:
    return render(ADDRESSES, waiting, script).decode()  # type: ignore[arg-type]


def test_every_command_is_twiml_that_twilio_knows(reference: Path):
    contract = TwimlContract.read(reference)
    contract.check(render(ADDRESSES, False, EVERYTHING))
    contract.check(render(ADDRESSES, False, (Reject("busy"),)))
    contract.check(render(Addresses("", "main"), False, EVERYTHING))


def test_a_question_takes_one_key_and_always_comes_back():
    ours = document(Collect((Say("Press 1", "en"),), route("question"), first_timeout_ms=6_000))
    theirs = VoiceResponse()
    gather = Gather(
        input="dtmf",
        num_digits=1,
        timeout=6,
        finish_on_key="",
        action=BASE.format("question", 3),
        method="POST",
        action_on_empty_result=True,
    )
    gather.say("Press 1", voice="Polly.Joanna-Neural", language="en-US")
    theirs.append(gather)
    assert canonical(ours) == canonical(str(theirs))


def test_a_long_number_ends_with_the_hash_key():
    (gather,) = ElementTree.fromstring(document(Collect((), route("identify"), max_digits=20)))
    assert (gather.get("finishOnKey"), gather.get("numDigits")) == ("#", "20")


def test_each_caller_waits_in_a_queue_of_their_own():
    (enqueue,) = ElementTree.fromstring(document(Hold(CALL, route("hold"), route("left"))))
    assert enqueue.text == f"w-{CALL}"
    assert enqueue.get("waitUrl") == BASE.format("hold", 3)
    assert enqueue.get("action") == BASE.format("left", 3)


def test_an_agent_fetches_the_caller_from_that_queue():
    (dial,) = ElementTree.fromstring(document(Join(CALL, route("bridged", "17-0"), route("over", "17-0"), 10_000)))
    assert dial[0].text == f"w-{CALL}"
    assert (dial.get("timeout"), dial.get("action")) == ("10", BASE.format("over", "17-0"))
    assert dial[0].get("url") == BASE.format("bridged", "17-0")


def test_a_long_call_id_still_names_a_queue_of_its_own():
    names = {queue_name("x" * 100 + end) for end in "ab"}
    assert len(names) == 2
    assert all(len(name) <= 64 for name in names)


@pytest.mark.parametrize("command", EVERYTHING)
def test_who_waits_hears_only_what_a_queue_allows(reference: Path, command: object):
    TwimlContract.read(reference).check(render(ADDRESSES, True, (command,)), IN_QUEUE)  # type: ignore[arg-type]


def test_what_a_queue_does_not_allow_is_reached_by_leaving_it():
    assert "<Leave/>" in document(Dial("+12025550111", route("over")), waiting=True)
    assert f'<Redirect method="POST">{BASE.format("hold", 3).replace("&", "&amp;")}</Redirect>' in document(
        Hold(CALL, route("hold"), route("left")), waiting=True
    )


def test_nothing_to_say_is_an_empty_document_and_silence_in_a_queue():
    assert render(ADDRESSES, False, ()) == EMPTY
    assert '<Pause length="10"/>' in document(waiting=True)


def test_a_call_id_cannot_change_the_address():
    odd = Route("hold", "a/../b?c#d&e f", "1")
    assert "/hold/a%2F..%2Fb%3Fc%23d%26e%20f/1#" in ADDRESSES.of(odd)


def test_an_unlisted_language_is_left_to_twilio():
    (say,) = ElementTree.fromstring(document(Say("Hej", "sv-SE")))
    assert (say.get("voice"), say.get("language")) == (None, "sv-SE")


def test_a_document_over_the_limit_is_never_sent():
    with pytest.raises(DocumentTooLarge):
        render(ADDRESSES, False, tuple(Say("x" * 4_000, "en") for _ in range(17)))


@given(st.text(alphabet=st.characters(), max_size=200), st.booleans())
def test_no_text_can_break_out_of_its_element(words: str, waiting: bool):
    script = (Say(words, "en"), Collect((Say(words, "pl"),), Route("key", words, words)))
    first = render(ADDRESSES, waiting, script)
    root = ElementTree.fromstring(first)
    assert [child.tag for child in root] == ["Say", "Gather"]
    assert [child.tag for child in root[1]] == ["Say"]
    assert render(ADDRESSES, waiting, script) == first


def test_twilio_asks_again_whatever_became_of_the_first_try_and_within_its_own_fifteen_seconds() -> None:
    """A request may be refused, cut off, unanswered while a server fails over, or answered 503."""
    told = dict(parse_qsl(OVERRIDES.removeprefix("#")))
    assert set(told["rp"].split(",")) == {"ct", "rt", "5xx"}
    assert (1 + int(told["rc"])) * int(told["rt"]) < 15_000


def canonical(document: str) -> str:
    return ElementTree.canonicalize(document)
