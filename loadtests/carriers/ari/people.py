"""Who is at the telephones: they call, answer or not, listen, and press keys."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from loadtests.carriers.ari.channels import Channels
from loadtests.carriers.ari.legs import AriLeg, Playback
from loadtests.carriers.phones import CHARACTERS_A_SECOND, SOUND_S

RINGS_AFTER_S, KEY_MS = 0.5, 120
_OUTCOMES = {  # as Asterisk 22.10 tells them; a leg that has rung as long as it may ends without a word of its dialling
    "busy": ("BUSY", 17, 486),
    "no_answer": ("", 19, 480),
    "answers": ("", 19, 480),
    "declines": ("NOANSWER", 21, 603),
    "device": ("CHANUNAVAIL", 20, 480),
    "network": ("CONGESTION", 34, 503),
}


class People:
    """`sounds`: where texts are rendered to."""

    def __init__(self, asterisk: Channels, sounds: Path | None) -> None:
        self._asterisk = asterisk
        self._sounds = sounds

    async def arrive(self, leg: AriLeg, args: list[str]) -> None:
        if not self._asterisk.connections:
            await leg.tell("dialplan goes on")
            await self._asterisk.end(leg, "nobody is there", 27)
            return
        leg.args = args
        self._asterisk.emit("StasisStart", args=args, channel=leg.shown())

    async def ring(self, leg: AriLeg, endpoint: str, args: list[str], timeout_s: float) -> None:
        self._asterisk.emit("Dial", peer=leg.shown(), dialstatus="", dialstring=endpoint)
        await self._asterisk.sleep(RINGS_AFTER_S)
        person, device = leg.person, leg.name.rpartition("-")[0]
        if person.picks not in ("device", "network"):
            leg.state = "Ringing"
            await leg.tell("ringing")
            self._asterisk.emit("ChannelStateChange", channel=leg.shown())
            self._asterisk.emit("Dial", peer=leg.shown(), dialstatus="RINGING", dialstring=endpoint)
            self._asterisk.phones.take(device, leg.channel_id, "RINGING")
        await self._asterisk.sleep(person.rings_s(timeout_s))
        answers = person.takes_within(timeout_s)
        status, cause, sip = ("ANSWER", 0, 0) if answers else _OUTCOMES[person.picks]
        if not answers and status:
            self._asterisk.emit("ChannelHangupRequest", channel=leg.shown(), cause=cause, tech_cause=sip)
        if status:
            self._asterisk.emit("Dial", peer=leg.shown(), dialstatus=status, dialstring=endpoint)
        if not answers:
            await self._asterisk.end(leg, person.picks, cause, sip)
            return
        self._asterisk.phones.take(device, leg.channel_id, "INUSE")
        await self._asterisk.answered(leg)
        leg.args = args
        self._asterisk.emit("StasisStart", args=args, channel=leg.shown())

    async def fingers(self, leg: AriLeg) -> None:
        """Keys are told when they are let go."""
        while not leg.over:
            for key in await leg.keys.get():
                if not leg.over:
                    self._asterisk.emit("ChannelDtmfReceived", digit=key, duration_ms=KEY_MS, channel=leg.shown())

    async def play(self, leg: AriLeg, playback: Playback) -> None:
        """One thing after the other; music ends, and does not come back by itself."""
        async with leg.busy:
            leg.playback, leg.music, playback.state = playback, None, "playing"
            self._asterisk.emit("PlaybackStarted", playback=playback.shown())
            for media in playback.media:
                if playback.over.is_set() or leg.over:
                    break
                await self._hear(leg, playback, media)
            leg.playback = None
            playback.state = "failed" if leg.over else "done"
            self._asterisk.playbacks.pop(playback.id, None)
            self._asterisk.emit("PlaybackFinished", playback=playback.shown())

    async def _hear(self, leg: AriLeg, playback: Playback, media: str) -> None:
        words = self._words(media)
        await leg.tell(f"say: {words}" if words is not None else f"play: {media}")
        seconds = SOUND_S if words is None else len(words) / CHARACTERS_A_SECOND
        if words is not None:
            if leg.person.hangs_up_on(words):
                self._asterisk.start(self._asterisk.hang_up(leg))
            for keys in leg.person.keys_for(words):
                leg.press(keys)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds / self._asterisk.speed):
                await playback.over.wait()

    def _words(self, media: str) -> str | None:
        """What a rendered file says: our command of the test writes the text itself."""
        if self._sounds is None or not media.startswith("sound:"):
            return None
        file = self._sounds / f"{media.rpartition('/')[2]}.wav"
        return file.read_text(encoding="utf-8") if file.is_file() else None
