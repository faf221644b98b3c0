"""The smallest desk there can be: one caller, one agent, in memory. It stands in where only the adapter is tested."""

from __future__ import annotations

from collections.abc import Callable

from ivr.flow.perform import perform
from ivr.scene import Greeting, Scene, Whisper
from ivr.vocabulary import Envelope, Event, HoldLeft, InputDigits, Script


class TinyDesk:
    """Greets, asks, holds, whispers, joins. Answers a step once; `heard` holds what was new, `noted` every report."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Event, Envelope]] = []
        self.noted: list[tuple[Event, Envelope]] = []
        self.first = "question"
        self._answers: dict[tuple[str, str, str], bytes] = {}

    async def hear(
        self,
        page: str,
        call_id: str,
        step: str,
        event: Event,
        envelope: Envelope,
        render: Callable[[Script], bytes],
    ) -> bytes:
        asked = (page, call_id, step)
        if asked not in self._answers:
            self.heard.append((page, event, envelope))
            self._answers[asked] = render(perform(self._scene(page, call_id, step, event)))
        return self._answers[asked]

    async def note(self, event: Event, envelope: Envelope) -> None:
        self.noted.append((event, envelope))

    def turned_away(self, provider: str, cause: str) -> None:
        """Nobody counts here."""

    async def dialled(self, call_id: str) -> str | None:
        return None

    async def have_met(self, call_id: str, offer_id: str) -> bool:
        return ("bridged", call_id, offer_id) in self._answers

    def pages(self) -> list[str]:
        return [page for page, _, _ in self.heard]

    def _scene(self, page: str, call_id: str, step: str, event: Event) -> Scene:
        def scene(kind: str, **more: object) -> Scene:
            following = int(step) + 1 if step.isdigit() else 0
            return Scene(kind, call_id, following, "en", offer_id=step, **more)  # type: ignore[arg-type]

        if page == "voice":
            greeting = Greeting("morning", "named", name="Li Wei", title="Ms")
            if self.first == "exit":
                return scene("exit", greeting=greeting, reason="closed", number="+12025550111")
            options = ("transfer", "wait", "callback")
            return scene(self.first, greeting=greeting, agent="Chen Jie", talking=True, options=options)
        if page == "question":
            return scene("callback_booked") if event == InputDigits("3") else scene("hold")
        if page in ("hold", "key"):
            return scene("callback_booked") if isinstance(event, InputDigits) else scene("tick", callback_key="9")
        if page == "left":
            return scene("survey") if event == HoldLeft("bridged") else scene("nothing")
        if page == "survey":
            return scene("goodbye", reason="survey")
        if page == "whisper":
            return scene("whisper", whisper=Whisper("Li Wei", "Ms", "diamond", 60_000))
        if page == "accept":
            return scene("join") if event == InputDigits("1") else scene("gone", reason="declined")
        if page == "connect":
            return scene("connect")
        return scene("nothing")
