"""The demo's hour, hurried: it ends by itself, everybody accounted for, and says so."""

from __future__ import annotations

import asyncio
import io
import os
import random
import re
import signal
from collections import Counter

import aiohttp
import pytest
from click.testing import CliRunner

from config.lint import lint_site
from config.loading import load_config
from loadtests.carriers.phones import Leg, Person
from loadtests.demo.cast import draw_cast
from loadtests.demo.house import FILES
from loadtests.demo.play import Options, play, until_interrupted
from loadtests.demo.stages import STAGES
from loadtests.demo.tally import Tally
from loadtests.demo.terminal import Terminal, fit, width_of, wrap
from router.cli.demo import command
from router.domain.events import parse


@pytest.mark.parametrize("provider", sorted(STAGES))
async def test_a_short_demo_ends_with_everybody_accounted_for(provider: str) -> None:
    out = io.StringIO()
    assert await play(Options(provider, speed=120, minutes=5), out) == []
    story = out.getvalue()
    for words in ("calls", "hears", "offered", "TALKS", "Good ", "all of it held.", "Watch it live at"):
        assert words in story
    assert "\033" not in story


async def test_the_service_can_stay_up_to_be_asked_why() -> None:
    out, looked = io.StringIO(), []

    async def visitor() -> None:
        story = out.getvalue()
        assert "all of it held." in story
        found = re.search(r'curl -s -H "Authorization: (Bearer [^"]+)" (\S+/v1/calls/\S+)', story)
        assert found
        asked = aiohttp.request("GET", found[2], headers={"Authorization": found[1]})
        async with asked as answered:
            looked.append(await answered.json())

    assert await play(Options(speed=200, minutes=2, stays=visitor), out) == []
    assert len(looked[0]["timeline"]) >= 3


async def test_it_stays_until_somebody_interrupts() -> None:
    staying = asyncio.create_task(until_interrupted())
    await asyncio.sleep(0)
    assert not staying.done()
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(staying, 10)


def test_the_command_ends_well() -> None:
    ended = CliRunner().invoke(command, ["--speed", "200", "--minutes", "2", "--seed", "3"])
    assert ended.exit_code == 0, ended.output
    assert "all of it held." in ended.output


def test_a_provider_that_is_not_there_is_named() -> None:
    ended = CliRunner().invoke(command, ["--provider", "pigeon"])
    assert ended.exit_code == 2
    assert "simulator" in ended.output


def test_the_command_fails_when_something_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> list[str]:
        return ["somebody is lost"]

    monkeypatch.setattr("loadtests.demo.play.play", broken)
    assert CliRunner().invoke(command, []).exit_code == 1


# ------------------------------------------------------------ the parts


def test_the_site_is_sound() -> None:
    (files,) = load_config(FILES).values()
    assert [str(one) for one in lint_site(files) if one.severity == "error"] == []


def test_the_same_seed_draws_the_same_hour_and_everybody_of_it_is_known() -> None:
    (files,) = load_config(FILES).values()
    one, other = (draw_cast(random.Random(5), 60, files.customers, "en") for _ in range(2))
    assert one == other
    assert 60 <= len(one) <= 130
    assert [caller.at_s for caller in one] == sorted(caller.at_s for caller in one)
    keys = Counter(
        key for caller in one for words, key in caller.person.presses.items() if "3" in words or "三" in words
    )
    assert {"1", "2", "3", "9"} <= set(keys)
    assert any(caller.returns_s for caller in one)


class Silent(Leg):
    @property
    def ended(self) -> bool:
        return self.status == "ended"


def leg(sid: str, status: str) -> Leg:
    return Silent(sid=sid, from_number="", to_number="", person=Person(), status=status)


def tally(*entries: str) -> Tally:
    found = Tally({"gold": 300_000, "standard": 0})
    for at, entry in enumerate(entries, 1):
        found.read(parse(f"{at}000-0", entry))
    return found


ACCEPTED = "call.accepted|call=c1|state=w|entered=|lanes=general|facts=1000;;a;gold;0|why=|seen="
ENDED = "call.ended|call=c1|outcome=answered|cause=|was=w|facts=1000;;a;gold;0"


def test_what_is_broken_is_named() -> None:
    sound = tally(ACCEPTED, ENDED)
    assert sound.broken(["c1"], [leg("c1", "ended")], {"a": "ready"}) == []
    assert "lost" in sound.broken(["c1", "c2"], [], {})[0]
    assert "left alone" in tally(ACCEPTED, ENDED).broken([], [leg("c1", "up")], {})[0]
    assert "stuck" in tally(ACCEPTED, ENDED).broken([], [], {"a": "talking"})[0]
    assert "nobody comes" in tally(ACCEPTED).broken([], [], {})[0]


def test_a_callback_wanted_at_the_question_is_an_answer_to_it() -> None:
    asked = "call.owner_busy|call=c1|step=|asked=1|facts=1000;;a;gold;0|seen="
    booked = "callback.booked|call=cb|old=c1|lanes=general|step=|facts=1000;;ka;gold;0"
    assert tally(ACCEPTED, asked, booked).choices["callback"] == 1
    assert tally(ACCEPTED, booked).choices["callback"] == 0


def test_every_question_is_accounted_for() -> None:
    out = io.StringIO()
    asked = "call.owner_busy|call=c1|step=|asked=1|facts=1000;;a;gold;0|seen="
    tally(ACCEPTED, asked).show(Terminal(out))
    assert "asked 1 times" in out.getvalue()
    assert "1 hung up, or the agent was free" in " ".join(out.getvalue().split())


def test_who_was_sent_away_has_not_given_up() -> None:
    out = io.StringIO()
    closed = "call.ended|call=c1|outcome=overflowed_out|cause=closed|was=w|facts=1000;;a;gold;0"
    tally(ACCEPTED, closed).show(Terminal(out))
    lines = out.getvalue().splitlines()
    heading = next(line for line in lines if line.startswith("tier"))
    gold = next(line for line in lines if line.startswith("gold"))
    assert gold[: heading.index("sent away") + len("sent away")].split() == ["gold", "1", "0", "0", "0", "1"]


def test_columns_hold_signs_of_any_width() -> None:
    assert width_of("李薇") == 4
    assert fit("李薇薇", 5) == "李薇 "
    assert wrap("one two three", 7) == ["one two", "three"]
    assert wrap("下午好下午好", 6) == ["下午好", "下午好"]
    assert wrap("", 6) == [""]


def test_a_terminal_is_coloured_and_a_file_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for out, coloured in ((Tty(), True), (io.StringIO(), False)):
        Terminal(out).line("10:00:00", "gold", "Ada", "calls", "the main line", "bold")
        assert ("\033[" in out.getvalue()) is coloured


@pytest.mark.parametrize("error", [ModuleNotFoundError(name="twilio"), OSError("address in use")])
def test_what_is_missing_is_said_in_a_sentence(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def missing(*_: object) -> list[str]:
        raise error

    monkeypatch.setattr("loadtests.demo.play.play", missing)
    ended = CliRunner().invoke(command, [])
    assert ended.exit_code == 1
    assert ended.output.startswith("Error: ")
