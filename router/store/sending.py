"""One script sent, and its words heard: what all transitions share.

Every method may raise ConnectionLost or TimedOut (store.channel); every transition is idempotent, so the caller may
send it again and gets the same answer. It is sent again here, once, when a connection dies under it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from router.domain import errors
from router.domain.ladder import Step, Timing
from router.store.keyspace import Keyspace
from router.store.reading import Pipelining, Reading
from router.store.script_loader import Script, load_all, load_stepped
from router.store.wire import ConnectionLost, ServerError

HARD_LIMIT = 1_000_000
REFUSALS: dict[str, type[errors.Refused]] = {
    "UNKNOWN": errors.UnknownCall,
    "UNKNOWN_AGENT": errors.UnknownAgent,
    "OFFER_GONE": errors.OfferGone,
    "WRONG_STATE": errors.WrongState,
    "CALLBACK_OPEN": errors.CallbackOpen,
    "CALLBACK_LIMIT": errors.CallbackLimit,
    "PLAN_MOVED": errors.PlanMoved,
    "ENGAGED": errors.AgentEngaged,
    "STALE": errors.StaleEdit,
    "REPEAT": errors.StepRepeated,
    "LATE": errors.StepGone,
}


@dataclass(slots=True)
class VirtualClock:
    """The time of a site created virtual (replay, tests), ms. Scripts never let it go back."""

    now_ms: int = 0


class Sending(Reading):
    """One site's scripts over one connection."""

    def __init__(
        self,
        connection: Pipelining,
        keys: Keyspace,
        timing: Timing | None = None,
        clock: VirtualClock | None = None,
        hard_limit: int = HARD_LIMIT,
    ) -> None:
        self.connection = connection
        self.keys = keys
        self.clock = clock
        self.on_plan: Callable[[str], Awaitable[None]] | None = None
        self._scripts = load_all()
        self.loads = 0
        """Scripts that the server did not have when they were sent."""
        self._lanes: set[str] = set()
        self._hard_limit = str(hard_limit)
        self.timing = timing or Timing()

    @property
    def timing(self) -> Timing:
        return self._timing

    @timing.setter
    def timing(self, timing: Timing) -> None:
        self._timing = timing
        self._settings = {f.name: str(getattr(timing, f.name)) for f in fields(timing)}
        self._settings["hard_limit"] = self._hard_limit

    def command(self, name: str, given: Mapping[str, str]) -> list[str]:
        """The EVALSHA of a script, for those who pipeline (replay, bench). Arguments by their header's names."""
        script = self._script(name, given)
        settings = self._settings
        argv = [given[a] if a in given else self._time() if a == "clock" else settings[a] for a in script.arguments]
        return ["EVALSHA", script.sha, "1", self.keys.root, *argv]

    def _script(self, name: str, given: Mapping[str, str]) -> Script:
        """The script, or the one of the same name that takes the carrier's `step` first."""
        script = self._scripts[name]
        return load_stepped(name) if given.get("step") and "step" not in script.arguments else script

    def _time(self) -> str:
        return "" if self.clock is None else str(self.clock.now_ms)

    async def _run(self, name: str, **given: str) -> list[str]:
        """Sends one script; answers its words."""
        command = self.command(name, given)
        try:
            reply = await self.connection.call(*command)
        except Exception as error:
            reply = await self._once_more(error, command, self._script(name, given))
        words = self.words(reply)
        if words[0] == "NOT_VIRTUAL":
            raise errors.NotVirtual
        return words

    async def _once_more(self, error: Exception, command: list[str], script: Script) -> Any:
        """The connection died under it: over the next one, since every transition may be sent twice.

        NOSCRIPT (a restarted or new server): loads it and sends it again.
        """
        if type(error) is ConnectionLost:
            try:
                return await self.connection.call(*command)
            except ServerError as refusal:
                error = refusal
        if not str(error).startswith("NOSCRIPT"):
            raise error
        self._lanes.clear()
        self.loads += 1
        return await self.connection.call("EVAL", script.body, *command[2:])

    @staticmethod
    def words(reply: bytes) -> list[str]:
        """A script answers one line of words: building a list of them costs the server as much as a write."""
        return reply.decode().split(" ")

    async def load_scripts(self) -> None:
        """Puts every script into the server's cache."""
        for script in self._scripts.values():
            await self.connection.call("SCRIPT", "LOAD", script.body)

    async def make_virtual(self) -> None:
        """Makes this a virtual site; only before anything has happened on it."""
        await self.connection.call("SET", self.keys.virtual, "0", "NX")

    async def know_lanes(self, steps: Sequence[Step]) -> None:
        """Registers the lanes that this process has not seen registered yet."""
        for step in steps:
            for lane in step.lanes:
                if lane[0] != "@" and lane not in self._lanes:
                    await self._run("register_lane", lane=lane)
                    self._lanes.add(lane)

    @staticmethod
    def _state(words: list[str]) -> str:
        """The state's letter, or the refusal the script's word stands for."""
        refusal = REFUSALS.get(words[0])
        if refusal:
            raise refusal
        return words[1]
