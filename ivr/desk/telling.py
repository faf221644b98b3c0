"""What is said of a call as it stands: pure, from one view of it and the plan in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from config.models import SitePlan
from ivr.flow.greeting import hello_at, variant_for
from ivr.scene import Greeting, MenuOption, Range, Scene, Whisper
from router.domain.estimates import Announcement
from router.store.rows import CallRow, CallView

NUMBER = "number:"


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
            agent=str(self.view.card.get("name") or ""),
            **more,
        )

    def first(self, now_ms: int, told: Announcement | None) -> Scene:
        """The first document: the greeting, and what comes after it."""
        connecting = {"o": "agent", "b": "agent", "c": "agent", "w": "searching"}.get(self.row.letter, "")
        greeting = greeting_for(self.meta, self.row.facts.tier, self.plan, now_ms, connecting)
        if self.row.letter == "g":
            return self.menu(greeting)
        if self.row.letter == "q":
            return self.question(told, greeting=greeting)
        return self.exit(greeting) if self.row.letter == "e" else self.scene("hold", greeting=greeting)

    def menu(self, greeting: Greeting | None = None, again: bool = False) -> Scene:
        entries = self.plan.voice.menu
        options = tuple(MenuOption(entry.key, entry.language, entry.topic) for entry in entries)
        return self.scene("menu", greeting=greeting, menu=options, again=again)

    def question(self, told: Announcement | None, *, greeting: Greeting | None = None, again: bool = False) -> Scene:
        """Owner busy: who, for how long if that is honestly known, and the plan's options."""
        return self.scene(
            "question",
            greeting=greeting,
            options=self.plan.question.options,
            owner_free_ms=told.about_min * 60_000 if told else None,
            again=again,
        )

    def tick(self, told: Announcement | None) -> Scene:
        """A round in the holding room."""
        voice, ahead = self.plan.voice, self.view.ahead
        waits = self.row.letter in "qw"
        return self.scene(
            "tick",
            position=None if ahead is None or self.row.letter != "w" else ahead + 1,
            wait=Range(told.about_min * 60_000, told.at_most_min * 60_000) if told and waits else None,
            comfort=self.expected,
            callback_key=voice.callback_key or "" if waits and self.may_call_back else "",
            music=voice.music or "",
            music_ms=voice.music_length,
            interval_ms=voice.interval,
        )

    @property
    def may_call_back(self) -> bool:
        """Whether the caller can be called at all, and stands in a line."""
        return bool(self.row.lanes) and str(self.meta.get("identity") or "").startswith("+")

    def exit(self, greeting: Greeting | None = None) -> Scene:
        """What becomes of a caller whose call has ended by our word."""
        row = self.row
        if row.outcome == "callback":
            return self.scene("callback_booked")
        if row.outcome not in ("rejected", "overflowed_out"):
            return self.scene("goodbye")
        waited_out = (
            row.outcome == "overflowed_out" and row.ended_ms is not None and row.ended_ms >= (row.facts.max_ms or 0)
        )
        way = str(self.meta.get("exit") or self.plan.exit)
        return self.scene(
            "exit",
            greeting=greeting,
            reason="max_wait" if waited_out else "closed",
            message=str(self.meta.get("message") or ""),
            number=way.removeprefix(NUMBER) if way.startswith(NUMBER) else "",
        )

    def now(self, told: Announcement | None, in_room: bool) -> Scene:
        """What a caller hears who is at no step of ours, or at an old one: where the call stands, and nothing else."""
        if self.row.letter == "e":
            return self.exit()
        if in_room:
            return self.tick(told)
        if self.row.letter == "g":
            return self.menu()
        return self.question(told) if self.row.letter == "q" else self.scene("connect")

    def whisper(self, now_ms: int) -> Scene:
        customer = self.meta.get("customer") or {}
        return Scene(
            "whisper",
            self.row.call_id,
            self.expected,
            self.plan.language,
            fallback=self.plan.language,
            offer_id=self.row.offer_id or "",
            accept_key=self.plan.voice.accept_key,
            whisper=Whisper(
                name=str(customer.get("name") or ""),
                title=customer.get("title"),
                tier=self.row.facts.tier,
                waited_ms=max(0, now_ms - self.row.facts.accepted_ms),
                issue=str((self.meta.get("attributes") or {}).get("issue") or self.meta.get("topic") or ""),
            ),
        )


def language_of(meta: dict[str, Any], plan: SitePlan) -> str:
    """As the policy decides it: chosen on this call, of the number dialled, the customer's, the site's."""
    number = plan.numbers.get(str(meta.get("to") or ""))
    customer = meta.get("customer") or {}
    return str(meta.get("language") or (number and number.language) or customer.get("language") or plan.language)


def greeting_for(meta: dict[str, Any], tier: str, plan: SitePlan, now_ms: int, connecting: Any = "") -> Greeting:
    """By the site's clock; by name only where the policy allows it."""
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(plan.timezone))
    customer = meta.get("customer") or {} if meta.get("greet_by_name") else {}
    contacts = meta.get("contacts") or ()
    last = datetime.fromtimestamp(contacts[0]["at"] / 1000, UTC).astimezone(local.tzinfo).date() if contacts else None
    birthday = date.fromisoformat(customer["birthday"]) if customer.get("birthday") else None
    named = bool(customer.get("name"))
    texts = plan.voice.greetings.get(tier, {})
    language = language_of(meta, plan)
    text = texts.get(language) or texts.get(language.partition("-")[0]) or ""
    return Greeting(
        hello=hello_at(local),
        variant=variant_for(named, birthday, last, local.date()),
        name=str(customer.get("name") or ""),
        title=customer.get("title"),
        text="" if "{who}" in text and not named else text,
        connecting=connecting,
    )
