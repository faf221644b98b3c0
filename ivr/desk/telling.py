"""What is said of a call as it stands: pure, from one view of it and the plan in force."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from config.models import SitePlan
from config.parts import in_language
from ivr.desk.planned import elsewhere, greeting_for, menu_in, tier_in
from ivr.scene import Greeting, Notice, Range, Scene, Whisper
from router.callbacks import is_callback, why_not_called
from router.domain.judging import Announcement
from router.routing import language_of
from router.store.rows import CallRow, CallView


@dataclass(frozen=True, slots=True)
class Telling:
    """One call and its plan. `expected`: the step that answers to what is said now will name."""

    view: CallView
    plan: SitePlan
    expected: int

    @property
    def row(self) -> CallRow:
        return self.view.row

    @property
    def meta(self) -> dict[str, Any]:
        return self.view.row.meta

    def scene(self, kind: Any, **more: Any) -> Scene:
        return Scene(
            kind,
            self.row.call_id,
            self.expected,
            language_of(self.meta, self.plan),
            fallback=self.plan.language,
            site=self.plan.title,
            agent=self._agents_name,
            **more,
        )

    @property
    def _agents_name(self) -> str:
        """Who looks after whom is told to nobody whom we would not greet by name."""
        owner = (self.meta.get("customer") or {}).get("owner")
        own = owner is not None and (self.row.agent_id == owner or self.row.letter in "qe")
        return "" if own and not self.meta.get("greet_by_name") else str(self.view.card.get("name") or "")

    def first(self, now_ms: int, told: Announcement | None) -> Scene:
        """The first document: the greeting, and what comes after it."""
        connecting = {"o": "agent", "b": "agent", "c": "agent", "w": "searching"}.get(self.row.letter, "")
        greeting = greeting_for(self.meta, self.row.facts.tier, self.plan, now_ms, connecting)
        return self.entered(told, greeting)

    def entered(self, told: Announcement | None, greeting: Greeting | None = None, notice: Notice = "") -> Scene:
        """What comes after the greeting, or after what was asked next to it."""
        if self.row.letter == "g":
            scene = self.asking(greeting)
        elif self.row.letter == "q":
            scene = self.question(told, greeting=greeting)
        else:
            scene = self.exit(greeting) if self.row.letter == "e" else self.scene("hold", greeting=greeting)
        return replace(scene, notice=notice)

    def asking(self, greeting: Greeting | None = None) -> Scene:
        """What a caller is asked who is on no ladder yet: the menu's choice, or who it is."""
        asked = self.meta.get("asked")
        if asked == "number":
            return self.scene("identify_number", greeting=greeting)
        return self.scene("identify_pin", greeting=greeting) if asked == "pin" else self.menu(greeting)

    def menu(self, greeting: Greeting | None = None, again: bool = False) -> Scene:
        options = menu_in(language_of(self.meta, self.plan), self.plan)
        return self.scene("menu", greeting=greeting, menu=options, again=again)

    def question(self, told: Announcement | None, *, greeting: Greeting | None = None, again: bool = False) -> Scene:
        """Owner busy: who, for how long if that is honestly known, and the plan's options."""
        options = self.plan.question.options
        agent = self.view.agent
        return self.scene(
            "question",
            greeting=greeting,
            talking=agent is not None and agent.letter == "t",
            options=tuple("" if option == "callback" and not self.may_call_back else option for option in options),
            wait=_range(told),
            told_ms=self._since(told),
            again=again,
        )

    def tick(self, told: Announcement | None) -> Scene:
        """A round in the holding room."""
        voice, waits = self.plan.voice, self.row.letter in "qw"
        return self.scene(
            "tick",
            position=self.position,
            wait=_range(told) if waits else None,
            told_ms=self._since(told) if waits else 0,
            comfort=self.expected,
            reason="connecting" if self.row.letter in "obc" else "",
            callback_key=voice.callback_key or "" if waits and self.may_call_back else "",
            music=voice.music or "",
            music_ms=voice.music_length,
            interval_ms=voice.interval,
        )

    def _since(self, told: Announcement | None) -> int:
        """When just this wait was told before: said once more, it promises no later time."""
        before, said = self.view.told, _range(told)
        return before.at_ms if before and said and (before.p50_ms, before.p90_ms) == (said.p50, said.p90) else 0

    @property
    def position(self) -> int | None:
        """Where the caller stands in the longest of its lines: nobody who is before them anywhere is left out.

        Never further back than was said before: it is not said then.
        """
        counts = self.view.counts
        if self.row.letter != "w" or not counts:
            return None
        place = max(counts.values()) + 1
        return place if self.view.place is None or place <= self.view.place else None

    @property
    def may_call_back(self) -> bool:
        """Whether the caller can be called at all, is not ourselves, and has a place to be called back from."""
        meta, number = self.meta, str(self.meta.get("identity") or "")
        return (
            bool(self.row.lanes or meta.get("later"))
            and meta.get("trust") != "failed"
            and not meta.get("uncallable")
            and not why_not_called(number, meta, self.plan)
        )

    def exit(self, greeting: Greeting | None = None) -> Scene:
        """What becomes of a caller whose call has ended by our word."""
        row, meta = self.row, self.meta
        if row.outcome == "callback":
            return self.scene("callback_booked")
        if row.outcome not in ("rejected", "overflowed_out"):
            return self.scene("goodbye")
        waited_out = (
            row.outcome == "overflowed_out" and row.ended_ms is not None and row.ended_ms >= (row.facts.max_ms or 0)
        )
        way = str(meta.get("exit") or self.plan.exit)
        message, spoken_in = ("", "") if waited_out else self._closing()
        return self.scene(
            "exit",
            greeting=greeting,
            reason="max_wait" if waited_out and not meta.get("closes") else "closed",
            message=message or str(meta.get("message") or ""),
            message_language=spoken_in if message else str(meta.get("message_language") or ""),
            callback_key=self.exit_key if way == "callback" and self.may_call_back else "",
            **elsewhere(way),
        )

    def _closing(self) -> tuple[str, str]:
        """A closed group's own words, and the language they are in."""
        return in_language(self.view.closing, language_of(self.meta, self.plan), self.plan.language)

    def unreached(self) -> Scene:
        """The number outside was busy, or nobody picked up: a callback if there can be one, else the plan's words."""
        scene = replace(self.exit(), number="", voicemail=False)
        key = self.plan.voice.callback_key or "" if self.may_call_back else ""
        if scene.kind == "exit" and key:
            return replace(scene, reason="max_wait", message="", callback_key=key)
        return replace(scene, kind="apology")

    @property
    def exit_key(self) -> str:
        """What is pressed for a callback on the way out."""
        return self.plan.voice.callback_key or "1"

    def now(self, told: Announcement | None, in_room: bool) -> Scene:
        """What a caller hears who is at no step of ours, or at an old one: where the call stands, and nothing else."""
        if self.row.letter == "e":
            return self.exit()
        if in_room:
            return self.tick(told)
        if self.row.letter == "g":
            return self.asking()
        return self.question(told) if self.row.letter == "q" else self.scene("connect")

    @property
    def agents_language(self) -> str:
        return str(self.view.card.get("language") or self.plan.language)

    @property
    def _doubt(self) -> Literal["shared", "unproven", ""]:
        """Why the caller may not be the customer of that number."""
        meta = self.meta
        if not meta.get("customer") or meta.get("proof"):
            return ""
        return "shared" if meta.get("shared") else "" if meta.get("trusted") else "unproven"

    @property
    def _comes_to(self) -> Literal["owner", "last", ""]:
        """What the agent is to the customer."""
        customer, contacts = self.meta.get("customer") or {}, self.meta.get("contacts")
        if customer.get("owner") == self.row.agent_id:
            return "owner"
        return "last" if contacts and contacts[0]["agent_id"] == self.row.agent_id else ""

    def whisper(self, now_ms: int) -> Scene:
        named = self._doubt != "shared"
        customer: dict[str, Any] = self.meta.get("customer") or {} if named else {}
        contacts: list[dict[str, Any]] = self.meta.get("contacts") or [] if named else []
        return Scene(
            "whisper",
            self.row.call_id,
            self.expected,
            self.agents_language,
            fallback=self.plan.language,
            offer_id=self.row.offer_id or "",
            accept_key=self.plan.voice.accept_key,
            whisper=Whisper(
                name=str(customer.get("name") or ""),
                title=customer.get("title"),
                tier=tier_in(self.agents_language, self.row.facts.tier, self.plan),
                waited_ms=max(0, now_ms - self.row.facts.accepted_ms),
                issue=str((self.meta.get("attributes") or {}).get("issue") or self.meta.get("topic") or ""),
                comes_to=self._comes_to if named else "",
                doubt=self._doubt,
                callback=is_callback(self.row),
                follow_up=bool(contacts) and contacts[0]["outcome"] == "follow_up",
            ),
        )


def _range(told: Announcement | None) -> Range | None:
    return Range(told.about_min * 60_000, told.at_most_min * 60_000) if told else None
