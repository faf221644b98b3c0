"""People on phones, whoever carries them: how somebody behaves, one leg with its story, two legs talking."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Pick = Literal["answers", "busy", "no_answer", "declines", "device", "network"]

CHARACTERS_A_SECOND = 15
SOUND_S = 20.0
"""How long speech and a sound last."""


LEAST_PATIENCE_S = 0.02
"""However fast a carrier's clock runs: a key takes its time on ours."""


@dataclass
class Person:
    """How somebody behaves on the phone. `presses`: words heard → keys pressed; a key is pressed when words are heard.

    `hangs_up_at`: words on hearing which they hang up. Times are the carrier's seconds.
    """

    picks: Pick = "answers"
    after_s: float = 2.0
    presses: Mapping[str, str] = field(default_factory=dict)
    hangs_up_at: str = ""
    hangs_up_after_s: float | None = None
    talks_s: float | None = None

    def takes_within(self, timeout_s: float) -> bool:
        """Whether they answer while it rings."""
        return self.picks == "answers" and self.after_s <= timeout_s

    def rings_s(self, timeout_s: float) -> float:
        """How long it rings until they do anything, or nobody has."""
        never = self.picks == "no_answer" or (self.picks == "answers" and self.after_s > timeout_s)
        return timeout_s if never else self.after_s

    def hangs_up_on(self, words: str) -> bool:
        return bool(self.hangs_up_at) and self.hangs_up_at in words

    def keys_for(self, words: str) -> list[str]:
        """What is pressed on hearing these words where keys are asked for."""
        return [keys for heard, keys in self.presses.items() if heard in words]


@dataclass(eq=False, kw_only=True)
class Leg:
    """One call of a carrier's. `story` is everything that happened on it, in order, in plain words.

    What is spoken stands in it verbatim. The words in common: "ringing", "answered", "queue: …" (in a holding room),
    "keys: …", "redirected: …", "bridged: <number or endpoint of the other>", "ended: …".
    """

    sid: str
    from_number: str
    to_number: str
    person: Person
    status: str = "queued"
    extra: Mapping[str, str] = field(default_factory=dict)
    story: list[str] = field(default_factory=list)
    keys: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    bridge: Bridge | None = None
    listener: Callable[[Leg, str], None] | None = None
    """Is told every entry of the story as it happens."""
    task: asyncio.Task[None] | None = None
    """What is going on on it."""
    _told: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def ended(self) -> bool:
        raise NotImplementedError

    @property
    def partner(self) -> Leg | None:
        """Whom they are talking to."""
        if self.bridge is None:
            return None
        return self.bridge.agent if self.bridge.caller is self else self.bridge.caller

    async def stop(self) -> None:
        """Ends what is going on, and waits until it has; but not for whoever asks."""
        task, self.task = self.task, None
        if task is not None and task is not asyncio.current_task():
            task.cancel()
            await asyncio.wait({task})

    def press(self, keys: str) -> None:
        """Whoever is on the leg presses keys now."""
        self.keys.put_nowait(keys)

    async def tell(self, words: str) -> None:
        self.story.append(words)
        if self.listener is not None:
            self.listener(self, words)
        async with self._told:
            self._told.notify_all()

    async def until(self, words: str, times: int = 1, timeout_s: float = 10.0) -> None:
        """Until the story holds an entry with these words (so many times). AssertionError with the story otherwise."""
        try:
            async with asyncio.timeout(timeout_s), self._told:
                await self._told.wait_for(lambda: sum(words in entry for entry in self.story) >= times)
        except TimeoutError:
            raise AssertionError(f"never heard {words!r} in {self.story}") from None


@dataclass(eq=False)
class Bridge:
    """Two legs talking, until either is gone."""

    caller: Leg
    agent: Leg
    up: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


async def keys_pressed(
    collecting: Coroutine[Any, Any, str], speaking: Coroutine[Any, Any, None], patience_s: float
) -> str | None:
    """What is pressed while a question is heard or so long after it, s of ours; None: nothing. A key ends the question.

    Raises what the hearing of it does: they may hang up.
    """
    keys, words = asyncio.create_task(collecting), asyncio.create_task(speaking)
    try:
        await asyncio.wait({keys, words}, return_when=asyncio.FIRST_COMPLETED)
        if words.done():
            await words
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(keys), max(patience_s, LEAST_PATIENCE_S))
        return keys.result() if keys.done() else None
    finally:
        keys.cancel()
        words.cancel()
