"""Claims: an action of a call is written down as being sent before it is, by one process at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from router.store.begun import forgive
from router.store.channel import Channel
from router.store.keyspace import Keyspace
from router.store.running import run_script
from router.store.script_loader import Script, load_script

CLAIM_MS = 30_000
"""Longer than any provider is given to answer."""

Word = Literal["OK", "AGAIN", "DONE", "VOID", "VOID_SENT", "BUSY"]
Outcome = Literal["done", "gone", "refused", "free"]


@dataclass(frozen=True, slots=True)
class Claim:
    """`OK`: send it. `AGAIN`: it may have been sent since `since_ms`: look first. `VOID_SENT`: so, but it is not wanted
    any more. `VOID`: not wanted. `DONE`: settled before. `BUSY`: somebody else is at it.
    """

    word: Word
    since_ms: int = 0


@cache
def _script(name: str) -> Script:
    return load_script(Path(__file__).parent / "scripts" / f"{name}.lua")


class Claims:
    """One process's, for one term of leading: `name` is nobody else's. `clock`: as the scripts take it."""

    def __init__(
        self,
        channel: Channel,
        keys: Keyspace,
        name: str,
        claim_ms: int = CLAIM_MS,
        clock: Callable[[], str] = lambda: "",
    ) -> None:
        self._channel = channel
        self._keys = keys
        self._name = name
        self._clock = clock
        self.claim_ms = claim_ms

    async def claim(self, call_id: str, action: str, lease: str) -> Claim:
        words = await self._run("claim_action", self._clock(), call_id, action, self._name, lease, str(self.claim_ms))
        return Claim(words[0].decode(), int(words[1]) if len(words) > 1 else 0)  # type: ignore[arg-type]

    async def settle(
        self, call_id: str, action: str, lease: str, outcome: Outcome, leg_id: str = "", leg: str | None = None
    ) -> str:
        """OK, PASSED (the lease ended meanwhile) or LOST (claimed by somebody else)."""
        words = await self._run("settle_action", call_id, action, self._name, lease, outcome, leg_id, leg or "")
        return words[0].decode()

    def leave(self) -> None:
        """Nothing of ours is under way any more: whoever comes next need not wait for our claims to run out."""
        key = self._keys.own(f"outbox:left:{self._name}")
        self._channel.send("SET", key, "1", "PX", str(self.claim_ms)).add_done_callback(forgive)

    async def is_another(self, leg: str, leg_id: str) -> bool:
        """Whether the provider's leg is known to be another one of ours than `leg_id`."""
        known: bytes | None = await self._channel.call("GET", self._keys.own(f"outbox:leg:{leg}"))
        return known is not None and known.decode() != leg_id

    async def leg(self, call_id: str, leg_id: str) -> str | None:
        """The provider's id of a leg of ours, where it is known."""
        known: bytes | None = await self._channel.call("HGET", self._keys.own(f"o:{call_id}"), f"leg:{leg_id}")
        return known.decode() if known else None

    async def _run(self, name: str, *arguments: str) -> list[bytes]:
        return await run_script(self._channel, _script(name), self._keys.root, *arguments)
