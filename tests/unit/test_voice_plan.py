"""The plan's `voice`: optional, and what it names must exist."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.loading import load_site
from config.problems import PlanInvalid
from tests.support.plans import SMALL, folder


def load(tmp_path: Path, voice: dict[str, Any]) -> Any:
    return load_site(folder(tmp_path, plan={**SMALL, "voice": voice})).plan.site.voice


def test_everything_may_be_left_out(tmp_path: Path) -> None:
    voice = load_site(folder(tmp_path, plan=SMALL)).plan.site.voice
    assert (voice.interval, voice.callback_key, voice.accept_key, voice.menu) == (30_000, "1", "1", ())


def test_everything_may_be_said(tmp_path: Path) -> None:
    voice = load(
        tmp_path,
        {
            "music": "https://cdn.example.org/waltz.mp3",
            "music_length": "15s",
            "interval": "45s",
            "callback_key": None,
            "caller_id": "+12025550100",
            "menu": [{"key": "1", "language": "pl"}],
            "greetings": {"gold": {"en": "{hello} {who}."}},
            "survey": True,
        },
    )
    assert voice.music_length == 15_000
    assert voice.callback_key is None
    assert voice.menu[0].language == "pl"


@pytest.mark.parametrize(
    ("voice", "said"),
    [
        ({"greetings": {"nobody": {"en": "hi"}}}, "no tier 'nobody'"),
        ({"menu": [{"key": "1", "language": "pl"}, {"key": "1", "topic": "loans"}]}, "comes twice"),
        ({"menu": [{"key": "1"}]}, "a language or a topic"),
        ({"menu": [{"key": "1", "topic": "loans", "skills": ["astrology"]}]}, "astrology"),
        ({"music": "https://example.org/a?token=b"}, "music"),
        ({"interval": "1s"}, "interval"),
    ],
)
def test_what_cannot_be(tmp_path: Path, voice: dict[str, Any], said: str) -> None:
    with pytest.raises(PlanInvalid) as caught:
        load(tmp_path, voice)

    assert said in "\n".join(f"{problem} {problem.pointer}" for problem in caught.value.errors)
