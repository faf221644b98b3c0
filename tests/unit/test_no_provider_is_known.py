"""Engine, flow and desk serve every telephone: a provider's name stands in its own folder and in the registry only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROVIDERS = ("twilio", "twiml", "jambonz", "asterisk", "ari", "simulator", "vonage", "plivo", "telnyx", "signalwire")
NAMED = re.compile(rf"(?<![a-z])({'|'.join(PROVIDERS)}|callsid|stirverstat)(?![a-z])", re.I)
EVERYWHERE = ("router", "ivr/flow", "ivr/desk", "ivr/phrases")
BESIDE = ("vocabulary", "scene", "speech", "capabilities", "adapter", "gateway")
FOR_SOMEBODY = ("router/bench/", "router/cli/demo.py")
"""The bench times one provider's own requests; the demo is told on whose telephones it plays."""


def files() -> list[Path]:
    found = [path for folder in EVERYWHERE for path in sorted((ROOT / folder).rglob("*")) if path.is_file()]
    found += [ROOT / "ivr" / f"{name}.py" for name in BESIDE]
    texts = [path for path in found if path.suffix in (".py", ".lua", ".yaml", ".html", ".js")]
    return [path for path in texts if not str(path.relative_to(ROOT)).startswith(FOR_SOMEBODY)]


def test_there_is_something_to_look_at() -> None:
    assert len(files()) > 150


@pytest.mark.parametrize("line", ["Twilio's", 'x["CallSid"]', "ivr.ari.gateway", "a_twilio_call"])
def test_a_name_is_found(line: str) -> None:
    assert NAMED.search(line)


def test_nothing_names_a_provider() -> None:
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if NAMED.search(line)
    ]
    assert not named, "\n".join(named)
