"""What a leg is told, and what is asked on its behalf while it lasts."""

from __future__ import annotations

from typing import Any

from loadtests.carriers.jambonz.asking import Failed
from loadtests.carriers.jambonz.legs import JambonzLeg
from loadtests.carriers.jambonz.lines import Lines
from loadtests.carriers.phones import CHARACTERS_A_SECOND, SOUND_S

Verb = dict[str, Any]


class HungUp(Exception):
    """The leg is over, by a verb of ours or by whoever was on it."""

    def __init__(self, status: str = "completed", sip: int = 200) -> None:
        super().__init__(status)
        self.status = status
        self.sip = sip


class Voice:
    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def follow(self, leg: JambonzLeg, kind: str, url: str, told: dict[str, Any]) -> list[Verb] | None:
        """What a verb's hook answers; None when it cannot be reached: the verbs behind it are played."""
        if "/hold/" in url and not leg.holding:
            await leg.tell(f"queue: {leg.sid}")
        leg.holding = "/hold/" in url or ("/key/" in url and leg.holding)
        try:
            return await self._lines.asking.document(leg, kind, url, told)
        except Failed as failed:
            await leg.tell(f"no document: {failed}")
            return None

    async def speak(self, leg: JambonzLeg, verb: Verb, with_keys: bool = False) -> None:
        """`verb`: say, play or pause, by what it holds."""
        if "length" in verb:
            await self._lines.sleep(verb["length"])
            return
        said = "say" if "text" in verb else "play"
        words = verb["text"] if "text" in verb else verb["url"]
        times = int(verb.get("loop", 1)) or 1_000
        await leg.tell(f"{said}: {words}")
        if leg.person.hangs_up_on(words):
            raise HungUp
        for keys in leg.person.keys_for(words) if with_keys else ():
            leg.press(keys)
        await self._lines.sleep(times * (SOUND_S if said == "play" else len(words) / CHARACTERS_A_SECOND))
