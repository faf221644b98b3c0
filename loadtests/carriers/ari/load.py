"""Calls through an Asterisk's stand-in at a rate, and how long each took from the agent's key to the talk.

    python -m loadtests.carriers.ari.load --rate 100 --seconds 20 --delay 4

Says where it is (a line of JSON), waits to be connected with, and then says what it measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import uvloop

from loadtests.carriers.ari.fake import FakeAsterisk
from loadtests.carriers.ari.legs import AriLeg, FakeBridge
from loadtests.carriers.ari.rest import Reply
from loadtests.carriers.phones import Person

WARM_UP_S = 5.0
DRAIN_S = 5.0
SPEED = 10.0
TALKS_S = 5.0
RINGS_S, MOST_AGENTS = 12.0, 1_000
"""Long enough that callers have heard their greeting and wait."""
ACCEPTS = "take the call"


class Timed(FakeAsterisk):
    """Agents press their key when they have heard all of the whisper; from then on it counts."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.took_ms: list[float] = []
        self.own_ms: list[float] = []
        self._pressed: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self.counting = False

    async def take(self, method: str, path: str, query: dict[str, str]) -> Reply:
        """Notes when it is asked to let somebody talk: what follows is Asterisk's own time."""
        if path.endswith("/addChannel"):
            self._asked.update(dict.fromkeys(query["channel"].split(","), time.perf_counter()))
        return await super().take(method, path, query)

    def emit(self, kind: str, **fields: Any) -> None:
        if kind == "PlaybackFinished":
            leg = self.channels.get(fields["playback"]["target_uri"].removeprefix("channel:"))
            if leg is not None and not leg.inbound and leg.room is None and ACCEPTS in leg.story[-1]:
                leg.press("1")
        elif kind == "ChannelDtmfReceived":
            self._pressed[fields["channel"]["id"]] = time.perf_counter()
        super().emit(kind, **fields)

    async def enter(self, leg: AriLeg, bridge: FakeBridge) -> None:
        await super().enter(leg, bridge)
        if len(bridge.members) == 2:
            for member in bridge.members:
                pressed, asked = (one.pop(member.channel_id, None) for one in (self._pressed, self._asked))
                if pressed is not None and asked is not None and self.counting:
                    self.took_ms.append((time.perf_counter() - pressed) * 1_000)
                    self.own_ms.append((time.perf_counter() - asked) * 1_000)


async def load(rate: float, seconds: float, delay_ms: float, sounds: Path) -> dict[str, Any]:
    asterisk = Timed(password="bench", speed=SPEED, delay_ms=delay_ms, sounds=sounds)
    asterisk.people.update({f"PJSIP/{number}": Person(after_s=RINGS_S) for number in range(MOST_AGENTS)})
    async with asterisk.running():
        sys.stdout.write(json.dumps({"base": asterisk.base}) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        started, made = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - started) < WARM_UP_S + seconds:
            asterisk.counting = elapsed > WARM_UP_S
            while made < elapsed * rate:
                made += 1
                asterisk.call(f"+1202555{made % 10_000:04}", "+12025550199", Person(talks_s=TALKS_S))
            await asyncio.sleep(0.002)
        asterisk.counting = False
        commands = asterisk.rest.counts.total()
        await asyncio.sleep(DRAIN_S)
        asterisk.breaches.clear()
    own = asterisk.own_ms
    ours = [took - its for took, its in zip(asterisk.took_ms, own, strict=True)]
    return {
        "calls": made,
        "bridged": len(ours),
        "commands_a_call": round(commands / made, 2),
        "took_ms": spread(asterisk.took_ms),
        "own_ms": spread(own),
        "ours_ms": spread(ours),
        "delay_ms": delay_ms,
    }


def spread(values: list[float]) -> list[float]:
    """Median, 90th and 99th of a hundred."""
    found = sorted(values)
    return [round(found[len(found) * share // 100], 2) for share in (50, 90, 99)] if found else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--delay", type=float, default=4.0)
    parser.add_argument("--sounds", type=Path, required=True)
    chosen = parser.parse_args()
    found = uvloop.run(load(chosen.rate, chosen.seconds, chosen.delay, chosen.sounds))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
