"""Tells the hour as it happens: what is heard and pressed on the lines, what the engine decides, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from loadtests.carriers.phones import Leg
from loadtests.demo.terminal import Terminal
from router.domain.events import Event
from router.domain.timeline import why

TOLD: Mapping[str, tuple[str, str]] = {
    "call.accepted": ("calls", "bold"),
    "call.owner_busy": ("asked", "cyan"),
    "call.widened": ("widened", "blue"),
    "call.choice": ("chose", "cyan"),
    "call.offered": ("offered", "magenta"),
    "call.returned": ("returned", "yellow"),
    "call.connected": ("TALKS", "green"),
    "call.transferred": ("passed on", "magenta"),
    "call.boosted": ("boosted", "yellow"),
    "call.assigned": ("assigned", "yellow"),
    "call.recalled": ("returns", "yellow"),
    "callback.booked": ("callback", "cyan"),
    "call.ended": ("ended", "dim"),
}
BAD_ENDS = frozenset({"abandoned", "overflowed_out", "failed", "missed", "rejected"})
_IDS = re.compile(r"\b(?:agent|c)-\d+\b")
_WORDS = re.compile(r"\b\w{12,}\b")


@dataclass
class Heard:
    """What somebody has heard since they last did something, and what was told of it before."""

    words: list[str] = field(default_factory=list)
    last: str = ""


class Narrator:
    """`names`: ids → people; `people`: numbers and endpoints → (role or tier, name)."""

    def __init__(
        self,
        terminal: Terminal,
        now_ms: Callable[[], int],
        timezone: str,
        names: Mapping[str, str],
        people: Mapping[str, tuple[str, str]],
    ) -> None:
        self._terminal = terminal
        self._now_ms = now_ms
        self._zone = ZoneInfo(timezone)
        self._names = names
        self._people = people
        self._callers: dict[str, tuple[str, str]] = {}
        self._tiers = {"somebody": ""}
        self._lines: dict[str, str] = {}
        self._heard: dict[str, Heard] = {}
        self._rung: set[str] = set()
        """Calls whose agent is being rung: what they hear meanwhile is not worth telling."""
        self._away: set[str] = set()

    def calls(self, leg: Leg, what: str) -> None:
        """A caller dials; told as soon as it is known who they are."""
        self._callers[leg.sid] = self._who(leg.from_number)
        self._lines[leg.sid] = what

    def supervises(self, verb: str, text: str) -> None:
        self._say("supervisor", "", verb, text, "supervisor")

    # ------------------------------------------------------------ what happens on a line

    def told(self, leg: Leg, words: str) -> None:
        """One entry of a leg's story; what is spoken is told when whoever hears it does something, or is silent."""
        kind, _, rest = words.partition(": ")
        heard = self._heard.setdefault(leg.sid, Heard())
        if kind == "say":
            heard.words.append(rest)
            return
        self._flush(leg, heard)
        who = self._person(leg)
        if kind == "keys" and rest not in ("none", "1" if who[0] == "agent" else ""):
            self._say(*who, "presses", rest, "cyan")
        elif kind == "rejected" or kind.startswith("no document"):
            self._say(*who, "trouble", words, "red")

    def _flush(self, leg: Leg, heard: Heard) -> None:
        text, heard.words = " ".join(heard.words), []
        if text and text != heard.last and (leg.sid not in self._rung or not heard.last):
            heard.last = text
            self._say(*self._person(leg), "hears", f"“{text}”", "standard")

    # ------------------------------------------------------------ what is decided

    def sees(self, event: Event) -> None:
        if event.type in TOLD:
            self._of_call(event)
        elif event.type == "agent.away":
            self._away.add(event.fields["agent"])
            self._say("agent", self._names.get(event.fields["agent"], ""), "away", event.text("reason"), "dim")
        elif event.type == "agent.ready" and event.fields["agent"] in self._away:
            self._away.discard(event.fields["agent"])
            self._say("agent", self._names.get(event.fields["agent"], ""), "ready", "", "dim")

    def _of_call(self, event: Event) -> None:
        call_id = event.fields["call"]
        if event.type == "callback.booked":
            self._callers[call_id] = self._callers.get(event.fields["old"], ("", "somebody"))
        verb, colour = TOLD[event.type]
        tier = event.facts.tier if event.facts else ""
        _, name = self._callers.get(call_id, ("", "somebody"))
        if tier:
            self._callers[call_id] = tier, name
            self._tiers.setdefault(name, tier)
        if event.type == "call.ended" and event.fields["outcome"] in BAD_ENDS:
            colour = "red"
        if event.type == "call.offered":
            self._rung.add(call_id)
        elif event.type in ("call.returned", "call.ended"):
            self._rung.discard(call_id)
        text = self._named(why(event, call_id))
        if event.type == "call.accepted":
            text = f"{self._lines.get(call_id, 'us')}: {text}"
        self._say(*self._callers.get(call_id, ("", name)), verb, text, colour)

    # ------------------------------------------------------------ how

    def _person(self, leg: Leg) -> tuple[str, str]:
        return self._callers.get(leg.sid) or self._who(leg.to_number)

    def _who(self, number: str) -> tuple[str, str]:
        role, name = self._people.get(number, ("", "somebody"))
        return role or self._tiers.get(name, ""), name

    def _named(self, text: str) -> str:
        text = _IDS.sub(lambda found: self._names.get(found[0], found[0]), text)
        return _WORDS.sub(lambda found: self._call_of(found[0]), text)

    def _call_of(self, word: str) -> str:
        return f"{self._callers[word][1]}'s call" if word in self._callers else word

    def _say(self, role: str, name: str, verb: str, text: str, colour: str) -> None:
        at = datetime.fromtimestamp(self._now_ms() / 1000, UTC).astimezone(self._zone)
        self._terminal.line(f"{at:%H:%M:%S}", role, name, verb, text, colour)
