"""One channel that is ours: whose it is, what it hears, what was pressed, and whom it talks to."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from ivr.vocabulary import Hold, Role, Route

PREFIX = "vl"
KEYS_KEPT = 64
FIRST_PAGE = {"agent": "whisper", "callback": "callback"}


def channel_id_of(role: Role, leg_id: str, call_id: str) -> str:
    """The id we give a channel we ask for: the same leg, the same id, so that it is placed once; and it says all."""
    return f"{PREFIX}.{role}.{leg_id}.{call_id}"


def read_channel_id(channel_id: str) -> tuple[Role, str, str] | None:
    """(role, leg, call) of a channel we asked for; None for any other."""
    prefix, _, rest = channel_id.partition(".")
    role, _, rest = rest.partition(".")
    leg_id, _, call_id = rest.partition(".")
    if prefix != PREFIX or role not in FIRST_PAGE or not leg_id or not call_id:
        return None
    return ("agent" if role == "agent" else "callback"), leg_id, call_id


@dataclass(eq=False)
class Talk:
    """Caller and agent in one bridge. `over` is set once, by whoever goes first."""

    caller: Leg
    agent: Leg
    bridge_id: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def other(self, leg: Leg) -> Leg:
        return self.agent if leg is self.caller else self.caller


@dataclass(eq=False)
class Leg:
    """`endpoint`: whom we dialled, of a caller empty. `up`: answered. `gone`: the channel is no more, for good.

    `stopped`: we asked for its end, `hung_up`: somebody did. `seen`: Asterisk has told of it. `status`, `cause`, `sip`:
    what is known of why it ended. `room`: the holding room it waits in. `begun`: its first page was asked for.
    `settled`: it was answered, or is gone.
    """

    channel_id: str
    role: Role
    call_id: str
    leg_id: str
    app: str
    endpoint: str = ""
    first: Route | None = None
    up: bool = False
    gone: bool = False
    stopped: bool = False
    hung_up: bool = False
    seen: bool = False
    rings_until: float = 0.0
    status: str = ""
    cause: int = 0
    sip: int = 0
    music: bool = False
    room: Hold | None = None
    talk: Talk | None = None
    task: asyncio.Task[None] | None = None
    playing: set[str] = field(default_factory=set)
    keys: deque[str] = field(default_factory=lambda: deque(maxlen=KEYS_KEPT))
    begun: bool = False
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    _pressed: asyncio.Event = field(default_factory=asyncio.Event)

    def press(self, digit: str) -> None:
        self.keys.append(digit)
        self._pressed.set()

    def forget_keys(self) -> None:
        self.keys.clear()
        self._pressed.clear()

    async def next_key(self) -> str:
        """The next key that was pressed, or will be."""
        while not self.keys:
            self._pressed.clear()
            await self._pressed.wait()
        return self.keys.popleft()
