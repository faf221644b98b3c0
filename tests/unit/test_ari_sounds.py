"""Texts become files, once; what cannot be said is left out, and nobody waits for it for ever."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
import wave
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from config.ari import Ari
from ivr.ari.pcm import resampled, telephone_quality
from ivr.ari.sounds import Sounds
from ivr.vocabulary import Say
from tests.support.waiting import wait_until

HELLO = Say("Hello there.", "en")


def sounds(folder: Path, command: list[str], **more: Any) -> Sounds:
    speak = {"command": command, "folder": str(folder), **more}
    asterisk = {"user": "x", "password": {"env": "X"}}
    section = {
        "asterisks": {"pbx1": asterisk},
        "speak": speak,
        "recordings": {"Goodbye.": "vipline/goodbye"},
        "sounds": {"jingle.mp3": "vipline/jingle"},
    }
    part = Ari.model_validate(section)
    return Sounds(lambda: part, Counter())


def script(folder: Path, text: str) -> str:
    """A command of the test's own."""
    file = folder / "command"
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(file.stat().st_mode | stat.S_IEXEC)
    return str(file)


async def test_a_text_is_made_once_and_found_again(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    command = script(
        tmp_path,
        "import pathlib, sys\n"
        f"open({str(marks)!r}, 'a').write('x')\n"
        "pathlib.Path(sys.argv[1]).write_text(sys.argv[2] + sys.stdin.read())\n",
    )
    speaking = sounds(tmp_path / "made", [command, "{file}", "{voice}:"], voices={"en": "en-us"})
    found = await asyncio.gather(*(speaking.spoken([HELLO]) for _ in range(5)))
    assert len({media for (media,) in found}) == 1
    assert marks.read_text() == "x"
    (file,) = (tmp_path / "made").iterdir()
    assert file.read_text() == "en-us:Hello there."
    assert found[0] == [f"sound:{tmp_path}/made/{file.stem}"]
    assert "Hello" not in file.name


async def test_asterisk_may_know_the_folder_by_another_name(tmp_path: Path) -> None:
    (media,) = await sounds(tmp_path, ["tee", "{file}"], media="vipline").spoken([HELLO])
    assert media.startswith("sound:vipline/")


async def test_a_recording_is_taken_instead(tmp_path: Path) -> None:
    speaking = sounds(tmp_path, ["tee", "{file}"])
    assert await speaking.spoken([Say("Goodbye.", "en")]) == ["sound:vipline/goodbye"]
    assert speaking.asset("jingle.mp3") == "sound:vipline/jingle"
    assert speaking.asset("unknown.mp3") is None


async def test_no_shell_reads_the_text(tmp_path: Path) -> None:
    wicked = Say("$(touch pwned); `touch pwned` --output=x\n-v", "en")
    await sounds(tmp_path / "made", ["tee", "{file}"]).spoken([wicked])
    assert not Path("pwned").exists()
    (file,) = (tmp_path / "made").iterdir()
    assert file.read_text() == wicked.text


@pytest.mark.parametrize(
    "command", [["false", "{file}"], ["/nowhere/at/all", "{file}"], ["true", "{file}"], ["touch", "{file}"]]
)
async def test_a_command_that_fails_leaves_its_prompt_out_and_no_file(tmp_path: Path, command: list[str]) -> None:
    speaking = sounds(tmp_path / "made", command)
    assert await speaking.spoken([HELLO, Say("Goodbye.", "en")]) == ["sound:vipline/goodbye"]
    assert list((tmp_path / "made").iterdir()) == []


async def test_a_command_that_hangs_is_killed(tmp_path: Path) -> None:
    started = tmp_path / "pid"
    command = script(
        tmp_path, f"import os, time\nopen({str(started)!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    )
    speaking = sounds(tmp_path / "made", [command, "{file}"], deadline="500ms")
    before = time.monotonic()
    assert await speaking.spoken([HELLO]) == []
    assert time.monotonic() - before < 5
    await wait_until(lambda: not Path(f"/proc/{int(started.read_text())}").exists())


async def test_who_stops_waiting_does_not_stop_it_for_others(tmp_path: Path) -> None:
    """A caller hangs up while the text is made that another one waits for too."""
    command = script(
        tmp_path, "import pathlib, sys, time\ntime.sleep(0.3)\npathlib.Path(sys.argv[1]).write_text('x')\n"
    )
    speaking = sounds(tmp_path / "made", [command, "{file}"])
    first = asyncio.create_task(speaking.spoken([HELLO]))
    second = asyncio.create_task(speaking.spoken([HELLO]))
    await asyncio.sleep(0.05)
    first.cancel()
    assert len(await second) == 1


async def test_a_file_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    speaking = sounds(tmp_path, ["tee", "{file}"])
    await speaking.spoken([HELLO])
    (file,) = tmp_path.iterdir()
    file.unlink()
    speaking._touched.clear()  # as after ten minutes
    assert len(await speaking.spoken([HELLO])) == 1
    assert file.exists()


async def test_what_nobody_hears_is_swept_up(tmp_path: Path) -> None:
    speaking = sounds(tmp_path, ["tee", "{file}"])
    await speaking.spoken([HELLO])
    (kept,) = tmp_path.iterdir()
    old = tmp_path / "0123.wav"
    old.write_text("x")
    os.utime(old, (1, 1))
    assert await speaking.sweep() == 1
    assert list(tmp_path.iterdir()) == [kept]


def tone(file: Path, rate: int, seconds: float = 1.0, channels: int = 1) -> None:
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(array("h", [1000] * int(rate * seconds) * channels).tobytes())


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100])
def test_any_rate_becomes_that_of_the_telephone(tmp_path: Path, rate: int) -> None:
    file = tmp_path / "x.wav"
    tone(file, rate)
    telephone_quality(file)
    with wave.open(str(file), "rb") as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (8_000, 2, 1)
        assert sound.getnframes() == 8_000
        heard = array("h")
        heard.frombytes(sound.readframes(8_000))
    assert set(heard) == {1000}


def test_what_is_too_high_for_a_telephone_is_not_heard_as_something_lower() -> None:
    """10 kHz of 40 kHz: folded back it would be a loud 2 kHz."""
    high = array("h", [10_000, 0, -10_000, 0] * 1_000)
    assert max(abs(sample) for sample in resampled(high, 40_000, 8_000)) <= 2_000


def test_two_channels_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.wav"
    tone(file, 16_000, channels=2)
    with pytest.raises(ValueError):
        telephone_quality(file)


def test_a_broken_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.wav"
    file.write_bytes(b"RIFF\x00\x00")
    with pytest.raises(ValueError):
        telephone_quality(file)
