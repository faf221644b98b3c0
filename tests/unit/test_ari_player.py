"""The player by itself: what is played, in which order, and what keys come to. A desk answers by rote."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ivr.ari.documents import write
from ivr.ari.legs import Leg
from ivr.ari.pace import set_second
from ivr.ari.phone import LegGone
from ivr.ari.player import Player
from ivr.vocabulary import (
    Collect,
    Event,
    Goto,
    Hangup,
    Hold,
    HoldTick,
    InputDigits,
    InputNone,
    Pause,
    Play,
    Prompt,
    PromptFinished,
    Reject,
    Route,
    Say,
    Script,
)

FIRST, MENU, HOLD, LEFT = (Route(page, "c", "1") for page in ("voice", "menu", "hold", "left"))


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    set_second(0.01)
    yield
    set_second(1.0)


class Line:
    """Phone, sounds and rooms in one; a sound lasts until `over` unless it is told to be short."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.long: set[str] = set()
        self.started = asyncio.Event()
        self.unspoken: set[str] = set()

    async def answer(self, leg: Leg) -> None:
        if not leg.up:
            leg.up = True
            self.story.append("answer")

    async def play(self, leg: Leg, media: Sequence[str], longest_s: float) -> None:
        await self.answer(leg)
        self.story.append(f"play {' + '.join(media)}")
        leg.music = False
        self.started.set()
        try:
            if self.long.intersection(media):
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.story.append("stop")
            raise

    async def music(self, leg: Leg, name: str) -> None:
        if not leg.music:
            leg.music = True
            self.story.append("music")

    async def hang_up(self, leg: Leg, reason: str = "normal") -> None:
        self.story.append(f"hang up {reason}")

    async def spoken(self, texts: Sequence[Say]) -> list[str]:
        return [one.text for one in texts if one.text not in self.unspoken]

    def asset(self, name: str) -> str | None:
        return None

    def enter_room(self, leg: Leg, hold: Hold) -> None:
        leg.room = hold
        self.story.append("room")

    def vanish(self, leg: Leg) -> None:
        self.story.append("vanished")


class Desk:
    """Answers each page by what is written for it, in turn; then it ends the call."""

    def __init__(self, pages: dict[str, list[Script | Exception]]) -> None:
        self.pages = pages
        self.heard: list[tuple[str, Event]] = []

    async def hear(self, page: str, call_id: str, step: str, event: Event, envelope: Any, render: Any) -> bytes:
        self.heard.append((page, event))
        answers = self.pages.get(page) or [(Hangup(),)]
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return write(answer)


def player(line: Line, desk: Desk) -> Player:
    part = SimpleNamespace(music="default")
    plan = SimpleNamespace(telephony=SimpleNamespace(ari=part), voice=SimpleNamespace(interval=20_000))
    anything = cast(Any, line)
    return Player("main", cast(Any, desk), lambda: cast(Any, plan), anything, anything, anything, Counter())


async def played(line: Line, leg: Leg | None = None, **pages: list[Script | Exception]) -> Desk:
    desk = Desk(pages)
    leg = leg or caller()
    async with asyncio.timeout(5):
        await player(line, desk).run(leg, FIRST, PromptFinished())
    return desk


def caller() -> Leg:
    return Leg("1.1", "caller", "c", "c", "vipline")


def say(*texts: str) -> tuple[Say, ...]:
    return tuple(Say(text, "en") for text in texts)


async def test_texts_in_a_row_are_one_playback() -> None:
    line = Line()
    await played(line, voice=[(*say("a", "b"), Hangup())])
    assert line.story == ["answer", "play a + b", "hang up normal"]


async def test_a_rejected_call_is_never_answered() -> None:
    line = Line()
    await played(line, voice=[(Reject("busy"),)])
    assert line.story == ["hang up busy"]


async def test_a_document_that_runs_out_ends_the_call() -> None:
    line = Line()
    await played(line, voice=[say("a")])
    assert line.story == ["answer", "play a", "hang up normal"]


async def test_music_comes_back_after_every_announcement() -> None:
    line = Line()
    tick: Script = (*say("still"), Pause(10), Goto(HOLD))
    await played(line, voice=[(*say("a"), Hold("c", HOLD, LEFT))], hold=[tick, tick])
    assert line.story == [
        "answer", "play a", "room", "play still", "music", "play still", "music", "hang up normal",
    ]  # fmt: skip


async def test_what_runs_out_in_a_room_is_asked_for_again() -> None:
    line = Line()
    desk = await played(line, voice=[(Hold("c", HOLD, LEFT),)], hold=[say("a"), say("b")])
    assert desk.heard == [("voice", PromptFinished()), *[("hold", HoldTick())] * 3]


@pytest.mark.parametrize(
    ("keys", "wanted", "heard"),
    [
        ("2", 1, InputDigits("2")),
        ("#", 1, InputDigits("#")),
        ("123", 3, InputDigits("123")),
        ("1234", 3, InputDigits("123")),
        ("12#4", 6, InputDigits("12")),
        ("12", 6, InputDigits("12")),
        ("#", 6, InputNone()),
        ("", 1, InputNone()),
    ],
)
async def test_what_keys_come_to(keys: str, wanted: int, heard: Event) -> None:
    line, leg = Line(), caller()
    line.long.add("press")
    if not keys:
        line.long.clear()

    async def press() -> None:
        await line.started.wait()
        for key in keys:
            leg.press(key)

    pressing = asyncio.create_task(press())
    desk = await played(line, leg, voice=[(Collect(say("press"), MENU, wanted, 100, 100),)])
    await pressing
    assert desk.heard[1] == ("menu", heard)
    assert ("stop" in line.story) is bool(keys)


async def test_keys_pressed_before_a_question_do_not_answer_it() -> None:
    line, leg = Line(), caller()
    leg.press("3")
    desk = await played(line, leg, voice=[(Collect(say("press"), MENU, 1, 100, 100),)])
    assert desk.heard[1] == ("menu", InputNone())


async def test_a_key_counts_while_music_plays_and_leaves_it_on() -> None:
    line, leg = Line(), caller()
    leg.room = Hold("c", HOLD, LEFT)

    async def press() -> None:
        while not leg.music:
            await asyncio.sleep(0)
        leg.press("1")

    pressing = asyncio.create_task(press())
    prompts: tuple[Prompt, ...] = (*say("a"), Play("music.mp3", 100))
    desk = await played(line, leg, voice=[(Collect(prompts, MENU, 1, 100, 100),)])
    await pressing
    assert desk.heard[1] == ("menu", InputDigits("1"))
    assert line.story == ["answer", "play a", "music", "hang up normal"]


async def test_a_prompt_that_cannot_be_said_is_left_out() -> None:
    line = Line()
    line.unspoken = {"a", "b"}
    desk = await played(line, voice=[(Collect(say("a", "b"), MENU, 1, 100, 100),)])
    assert desk.heard[1] == ("menu", InputNone())
    assert "play" not in " ".join(line.story)


async def test_a_desk_that_fails_for_a_moment_is_asked_again() -> None:
    line = Line()
    desk = await played(line, voice=[ConnectionError(), TimeoutError(), (*say("a"), Hangup())])
    assert len(desk.heard) == 3
    assert "play a" in line.story


async def test_a_channel_that_is_gone_ends_the_playing() -> None:
    line = Line()

    async def gone(leg: Leg, media: Sequence[str], longest_s: float) -> None:
        raise LegGone

    line.play = gone  # type: ignore[method-assign]
    await played(line, voice=[say("a")])
    assert line.story == ["vanished"]


async def test_an_error_of_ours_hangs_up_rather_than_leave_somebody_in_silence() -> None:
    line = Line()

    async def broken(texts: Sequence[Say]) -> list[str]:
        raise ZeroDivisionError

    line.spoken = broken  # type: ignore[method-assign]
    await played(line, voice=[say("a")])
    assert line.story == ["hang up normal"]
