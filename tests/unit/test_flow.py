"""The call flow is a pure function: the same scene, the same script; every scene in every language."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime

import pytest

from ivr.flow import perform
from ivr.flow.asking import choice_of
from ivr.flow.greeting import hello_at, variant_for
from ivr.flow.perform import _SCENES
from ivr.scene import Greeting, MenuOption, Range, Scene, Variant, Whisper
from ivr.speech import languages, phrases_for
from ivr.vocabulary import Collect, Dial, Goto, Hangup, Hold, Join, Play, Route, Say, Script

FULL = Scene(
    kind="hold",
    call_id="CA1",
    step=4,
    language="en",
    site="Acme",
    greeting=Greeting("morning", "named", "Li Wei", "Ms", connecting="agent"),
    menu=(MenuOption("1", language="zh-CN"), MenuOption("2", topic="loans")),
    agent="Chen Jie",
    options=("transfer", "wait", "callback"),
    position=3,
    wait=Range(120_000, 300_000),
    callback_key="1",
    music="https://media.example/hold.mp3",
    music_ms=10_000,
    reason="closed",
    message="Call again at eight.",
    offer_id="1-0",
    whisper=Whisper("Li Wei", "Ms", "gold", 95_000, "card stolen"),
)


def said(script: Script) -> list[str]:
    prompts = [p for command in script for p in (command.prompts if isinstance(command, Collect) else (command,))]
    return [prompt.text for prompt in prompts if isinstance(prompt, Say)]


@pytest.mark.parametrize("kind", sorted(_SCENES))
@pytest.mark.parametrize("language", sorted(languages()))
def test_every_scene_can_be_performed_and_comes_back_from_json(kind: str, language: str) -> None:
    scene = replace(FULL, kind=kind, language=language)  # type: ignore[arg-type]
    again = Scene.read(json.loads(json.dumps(scene.document())))
    assert again == scene
    assert perform(again) == perform(scene)


def test_a_first_document_greets_and_says_who_will_take_care() -> None:
    assert said(perform(FULL)) == [
        "Good morning, Ms Li Wei.",
        "I am connecting you to Chen Jie.",
        "Please stay on the line. You keep your place.",
    ]
    assert perform(FULL)[-1] == Hold("CA1", Route("hold", "CA1", "4"), Route("left", "CA1", "4"))


def test_who_is_greeted_is_spoken_to_and_who_is_announced_is_spoken_of() -> None:
    caller = replace(FULL, language="pl", greeting=Greeting("morning", "named", "Jan Nowak", "Mr"))
    assert said(perform(caller))[0] == "Dzień dobry, Panie Jan Nowak."
    announced = replace(FULL, kind="whisper", language="pl", whisper=Whisper("Jan Nowak", "Mr", "złoty", 95_000))
    assert "złoty: Pan Jan Nowak," in said(perform(announced))[0]


def test_a_later_document_does_not_greet_again() -> None:
    assert said(perform(replace(FULL, greeting=None))) == []


def test_the_question_says_who_is_busy_how_long_and_what_to_press() -> None:
    scene = replace(FULL, kind="question", greeting=None, talking=True, wait=Range(180_000, 300_000))
    assert said(perform(scene)) == [
        "Chen Jie is with another customer.",
        "Expected to be free in about 3 minutes, at most 5 minutes.",
        "Press 1 to speak to a colleague now.",
        "Press 2 to wait.",
        "Press 3 to be called back.",
    ]
    one_figure = replace(scene, wait=Range(180_000, 180_000))
    assert said(perform(one_figure))[1] == "Expected to be free in about 3 minutes."
    assert "about" not in " ".join(said(perform(replace(scene, wait=None))))
    assert said(perform(replace(scene, again=True)))[0] == "Sorry, I did not understand that."
    assert said(perform(replace(scene, options=("transfer", "wait", ""))))[-1] == "Press 2 to wait."
    assert said(perform(replace(scene, options=("wait", "callback"))))[-2:] == [
        "Press 1 to wait.",
        "Press 2 to be called back.",
    ]
    assert said(perform(replace(scene, agent="")))[0] == "Your personal adviser is with another customer."


@pytest.mark.parametrize(
    ("language", "talking", "otherwise"),
    [
        ("en", "Chen Jie is with another customer.", "Chen Jie is not free at the moment."),
        ("id", "Chen Jie sedang melayani nasabah lain.", "Chen Jie saat ini belum dapat melayani."),
        ("pl", "Chen Jie rozmawia teraz z innym klientem.", "Chen Jie nie może teraz odebrać."),
        ("zh-CN", "Chen Jie正在为其他客户服务。", "Chen Jie目前暂时无法接听。"),
    ],
)
def test_only_who_talks_is_said_to_be_with_somebody_else(language: str, talking: str, otherwise: str) -> None:
    scene = replace(FULL, kind="question", greeting=None, language=language)
    assert said(perform(replace(scene, talking=True)))[0] == talking
    assert said(perform(scene))[0] == otherwise
    unnamed = said(perform(replace(scene, agent="")))[0]
    assert unnamed not in (said(perform(replace(scene, agent="", talking=True)))[0], otherwise)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Expected wait: about 1 minute."),
        ("id", "Perkiraan waktu tunggu: 1 menit."),
        ("pl", "Przewidywany czas oczekiwania: 1 minuta."),
        ("zh-CN", "预计等候约1分钟。"),
    ],
)
def test_nothing_is_promised_where_both_figures_are_the_same(language: str, words: str) -> None:
    scene = replace(FULL, kind="tick", language=language, wait=Range(60_000, 60_000), callback_key="")
    assert said(perform(scene))[1:] == [words]


def test_keys_number_the_options_that_are_offered() -> None:
    assert choice_of("3", ("transfer", "wait", "callback")) == "callback"
    assert choice_of("2", ("transfer", "callback")) == "callback"
    for wrong in ("4", "", "12", "*"):
        assert choice_of(wrong, ("transfer", "wait", "callback")) is None


def test_a_menu_offers_each_language_in_itself() -> None:
    (menu,) = perform(replace(FULL, kind="menu", greeting=None))
    assert isinstance(menu, Collect)
    assert [(p.text, p.locale) for p in menu.prompts if isinstance(p, Say)] == [
        ("中文服务请按1。", "zh-CN"),
        ("For loans, press 2.", "en"),
    ]


def test_the_holding_room_tells_position_and_wait_then_plays_until_the_next_round() -> None:
    scene = replace(FULL, kind="tick", callback_key="")
    assert perform(scene) == (
        Say("You are number 3 in line.", "en"),
        Say("Expected wait: about 2 minutes, at most 5 minutes.", "en"),
        Play("https://media.example/hold.mp3", 3),
        Goto(Route("hold", "CA1", "4")),
    )
    assert said(perform(replace(scene, position=1, wait=None))) == ["You are next in line."]
    assert said(perform(replace(scene, position=None, wait=None, comfort=4))) == [
        "You are still in line and have kept your place."
    ]
    called = replace(scene, position=None, wait=None, reason="connecting")
    assert said(perform(called)) == ["You are being connected now."]


def test_no_way_out_is_a_dead_end() -> None:
    plain = perform(replace(FULL, kind="exit", greeting=None, callback_key=""))
    assert said(plain) == ["We are closed at the moment.", "Call again at eight.", "Thank you for calling. Goodbye."]
    assert plain[-1] == Hangup()
    other = perform(replace(FULL, kind="exit", greeting=None, number="+12025550123"))
    assert isinstance(other[-1], Dial)
    recorded = perform(replace(FULL, kind="exit", greeting=None, number="+12025550123", voicemail=True))
    assert said(recorded)[-1] == "You may leave a message after the tone."
    assert isinstance(recorded[-1], Dial)
    booked = perform(replace(FULL, kind="exit", greeting=None))
    assert said(booked)[-1] == "Press 1 to be called back when it is your turn."
    assert isinstance(booked[-1], Collect)
    assert booked[-1].route.page == "key"
    again = perform(replace(FULL, kind="exit", greeting=None, again=True))
    assert said(again) == ["Sorry, I did not understand that.", "Press 1 to be called back when it is your turn."]
    sorry = perform(replace(FULL, kind="apology", number="+12025550123"))
    assert isinstance(sorry[-1], Dial)


def test_an_agent_hears_who_is_coming_and_joins_by_the_offer_s_own_pages() -> None:
    whisper = perform(replace(FULL, kind="whisper"))
    assert said(whisper) == [
        "gold customer Ms Li Wei, waited 2 minutes.",
        "Open issue: card stolen.",
        "Press 1 to take the call.",
    ]
    again = replace(FULL, kind="whisper", whisper=Whisper("Li Wei", "Ms", "gold", 95_000, "", "last", follow_up=True))
    assert said(perform(again))[1:-1] == ["You spoke to this customer last.", "The last call left something open."]
    back = replace(FULL, kind="whisper", whisper=Whisper("Li Wei", "Ms", "gold", 95_000, callback=True))
    assert said(perform(back))[1] == "A callback: the customer is called once you take it."
    assert said(perform(replace(FULL, kind="stand_by"))) == []
    assert said(perform(replace(FULL, kind="stand_by", reason="dialling"))) == [
        "One moment please, the customer is being called."
    ]
    assert said(perform(replace(FULL, kind="gone", reason="unreached"))) == ["The customer could not be reached."]
    (join,) = perform(replace(FULL, kind="join"))
    assert isinstance(join, Join)
    assert join.bridged == Route("bridged", "CA1", "1-0")


@pytest.mark.parametrize(
    ("hour", "hello"), [(4, "night"), (5, "morning"), (12, "afternoon"), (18, "evening"), (22, "night")]
)
def test_the_time_of_day(hour: int, hello: str) -> None:
    assert hello_at(datetime(2026, 3, 1, hour)) == hello


@pytest.mark.parametrize(
    ("named", "birthday", "last", "today", "variant"),
    [
        (False, date(1984, 5, 3), date(2026, 5, 1), date(2026, 5, 3), "plain"),
        (True, date(1984, 5, 3), date(2026, 5, 1), date(2026, 5, 3), "birthday"),
        (True, date(1984, 2, 29), None, date(2026, 2, 28), "birthday"),
        (True, date(1984, 2, 29), None, date(2028, 2, 28), "named"),
        (True, None, date(2026, 5, 1), date(2026, 5, 3), "welcome_back"),
        (True, None, date(2026, 5, 3), date(2026, 5, 3), "named"),
        (True, None, date(2025, 5, 3), date(2026, 5, 3), "named"),
        (True, None, None, date(2026, 5, 3), "named"),
    ],
)
def test_which_greeting(named: bool, birthday: date | None, last: date | None, today: date, variant: str) -> None:
    assert variant_for(named, birthday, last, today) == variant


def test_a_tier_s_own_words_are_spoken_with_the_name_and_nothing_else() -> None:
    own = replace(FULL, greeting=Greeting("morning", "named", "Li <b>Wei", "Ms", text="{hello}, dear {who}! {site}"))
    assert said(perform(own))[0] == "Good morning, dear Ms Li b Wei! site"


@pytest.mark.parametrize(
    ("variant", "text", "words"),
    [
        ("named", "{hello}, dear {who}.", "Good morning, dear Ms Li Wei."),
        ("birthday", "{hello}, dear {who}.", "Good morning, dear Ms Li Wei. Many happy returns of the day."),
        ("welcome_back", "{hello}, dear {who}.", "Good morning, dear Ms Li Wei. Welcome back to Acme."),
        ("birthday", "Dear {who}! {wish} A pleasure.", "Dear Ms Li Wei! Many happy returns of the day. A pleasure."),
        ("named", "Dear {who}! {wish} A pleasure.", "Dear Ms Li Wei! A pleasure."),
    ],
)
def test_a_tier_s_own_words_do_not_forget_the_day(variant: Variant, text: str, words: str) -> None:
    own = replace(FULL, greeting=Greeting("morning", variant, "Li Wei", "Ms", text=text))
    assert said(perform(own))[0] == words
    nowhere = replace(own, site="")
    assert said(perform(nowhere))[0] == words.replace(" to Acme", "")


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("variant", ["birthday", "welcome_back"])
def test_the_day_is_wished_for_in_every_language(language: str, variant: Variant) -> None:
    own = replace(FULL, language=language, greeting=Greeting("morning", variant, "Li Wei", "Ms", text="{wish}"))
    assert said(perform(own))[0] == phrases_for(language).say(
        f"greeting.wish_{variant}", **({"site": "Acme"} if variant == "welcome_back" else {})
    )


def test_the_longest_words_lose_nothing_of_the_wish() -> None:
    own = replace(FULL, greeting=Greeting("morning", "birthday", "Li Wei", "Ms", text="{who} " + "a" * 194))
    assert said(perform(own))[0].endswith("a Many happy returns of the day.")


def test_the_plan_s_own_words_are_spoken_in_the_voice_of_their_language() -> None:
    caller = replace(FULL, kind="exit", language="pl", fallback="en", greeting=None, callback_key="")
    assert Say("Call again at eight.", "en") in perform(caller)
    assert Say("Call again at eight.", "zh-CN") in perform(replace(caller, message_language="zh"))
    assert Say("Call again at eight.", "en") in perform(replace(caller, message_language="fr"))
