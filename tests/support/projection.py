"""What a reader who sees nothing but the event stream believes; it must be what the server holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from router.domain.events import Event
from tests.support.snapshot import LEASED, STANDING, Snapshot


@dataclass(slots=True)
class Believed:
    """A call as the stream tells it."""

    state: str
    lanes: tuple[str, ...] = ()
    agent: str = ""
    offer: str = ""
    outcome: str = ""


class Projection:
    """Calls, and the agents' states with what they go to next."""

    def __init__(self) -> None:
        self.calls: dict[str, Believed] = {}
        self.agents: dict[str, tuple[str, str]] = {}

    def read(self, events: Sequence[Event]) -> list[str]:
        """Take in what one script wrote; says so when it tells of somebody who was never mentioned."""
        try:
            self.follow(events)
        except KeyError as unknown:
            return [f"{events} tell of {unknown}"]
        return []

    def follow(self, events: Sequence[Event]) -> None:
        for event, after in zip_longest(events, events[1:]):
            kind, _, word = event.type.partition(".")
            if kind == "agent":
                self.of_agent(word, event)
            elif event.type == "callback.booked":
                self.calls[event.fields["call"]] = Believed("w", tuple(event.fields["lanes"].split()))
            elif kind == "call":
                self.of_call(word, event, after)

    def of_agent(self, word: str, event: Event) -> None:
        agent = event.fields["agent"]
        if word == "deleted":
            del self.agents[agent]
        elif word == "put":
            self.agents.setdefault(agent, ("x", ""))
        elif word == "next_state":
            following = event.fields["state"]
            self.agents[agent] = (self.agents[agent][0], "" if following == "ready" else following)
        else:
            self.agents[agent] = ({"ready": "r", "cooling": "c"}.get(word) or event.fields["state"], "")

    def of_call(self, word: str, event: Event, after: Event | None) -> None:
        fields, agent = event.fields, event.fields.get("agent", "")
        call = self.calls.setdefault(fields["call"], Believed("g"))
        match word:
            case "accepted" | "widened":
                call.state, call.lanes = fields.get("state", "w"), tuple(fields["lanes"].split())
            case "owner_busy":
                call.state = "q"
            case "choice":
                call.state = "w"
            case "offered":
                call.state, call.agent, call.offer = "o", agent, event.entry_id
                self.agents[agent] = ("o", "")
            case "accepted_offer":
                call.state = "b"
            case "connected":
                call.state = "c"
                self.agents[agent] = ("t", "")
            case "returned":
                call.state = "w"
            case "transferred":
                call.state = "w"
                self.agents[agent] = ("w", self.agents[agent][1])
            case "assigned":
                call.state = "w"
                given_at_once = after is not None and after.type == "call.offered"
                if not given_at_once and f"@{agent}" not in call.lanes:
                    call.lanes = (f"@{agent}", *call.lanes)
            case "recalled":
                self.calls[fields["old"]].outcome = "recalled"
            case "ended":
                call.state, call.outcome = "e", fields["outcome"]
                if fields["was"] == "c":
                    self.agents[agent] = ("w", self.agents[agent][1])

    def errors(self, site: Snapshot) -> list[str]:
        """Where the stream's reader is wrong about the site."""
        wrong: list[str] = []
        for name in sorted(self.calls.keys() | site.calls.keys()):
            told, is_ = self.calls.get(name), site.calls.get(name)
            if told is None or is_ is None or (told.state, told.outcome) != (is_.state, is_.outcome):
                wrong.append(f"the stream tells of {name} {told}, it is {is_}")
            elif is_.state in LEASED and (told.agent, told.offer) != (is_.agent, is_.offer):
                wrong.append(f"the stream gives {name} to {told.agent} by {told.offer}, it is {is_}")
            elif is_.state in STANDING and told.lanes != is_.lanes:
                wrong.append(f"the stream puts {name} into {told.lanes}, it stands in {is_.lanes}")
        states = {name: (agent.state, agent.next_state) for name, agent in site.agents.items()}
        for name in sorted(self.agents.keys() | states.keys()):
            if self.agents.get(name) != states.get(name):
                wrong.append(f"the stream tells of {name} {self.agents.get(name)}, it is {states.get(name)}")
        return wrong
