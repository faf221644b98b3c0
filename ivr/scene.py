"""The facts one document is made of. A document is a pure function of its scene, so a retry gets the same bytes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self

Kind = Literal[
    "menu",
    "question",
    "hold",
    "tick",
    "moment",
    "connect",
    "callback_booked",
    "exit",
    "survey",
    "goodbye",
    "parting",
    "apology",
    "whisper",
    "join",
    "stand_by",
    "gone",
    "callback_hello",
    "identify_number",
    "identify_pin",
    "busy",
    "nothing",
]
Notice = Literal["identify.wrong", "identify.locked", "callback.already", "callback.refused", ""]
Hello = Literal["morning", "afternoon", "evening", "night"]
Variant = Literal["named", "plain", "birthday", "welcome_back"]


@dataclass(frozen=True, slots=True)
class Range:
    """A wait as it is announced, ms, already in round values."""

    p50: int
    p90: int


@dataclass(frozen=True, slots=True)
class Greeting:
    """How the caller is greeted. `text`: the tier's own words instead of ours; birthday and welcome back join them."""

    hello: Hello
    variant: Variant = "plain"
    name: str = ""
    title: str | None = None
    text: str = ""
    connecting: Literal["agent", "any", "searching", ""] = ""


@dataclass(frozen=True, slots=True)
class MenuOption:
    """One key of the menu: a language (said in itself) or a topic."""

    key: str
    language: str | None = None
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Whisper:
    """What an agent hears before taking the call. `comes_to`: what they are to the customer.

    `follow_up`: the last contact asked for one.
    """

    name: str = ""
    title: str | None = None
    tier: str = ""
    waited_ms: int = 0
    issue: str = ""
    comes_to: Literal["owner", "last", ""] = ""
    follow_up: bool = False
    callback: bool = False
    doubt: Literal["shared", "unproven", ""] = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a document says or asks. `step` is the one its answers must name; `fallback` the site's language.

    `notice`: a phrase that is said first. `wait`: as it is announced; of a question, until the owner is free.
    `talking`: the owner a question is about is with somebody else, and not busy in another way.
    An option that is empty is not to be had. `room`: how often the caller fell out of the holding room.
    """

    kind: Kind
    call_id: str
    step: int
    language: str
    fallback: str = "en"
    site: str = ""
    greeting: Greeting | None = None
    notice: Notice = ""
    menu: tuple[MenuOption, ...] = ()
    agent: str = ""
    talking: bool = False
    options: tuple[str, ...] = ()
    again: bool = False
    position: int | None = None
    wait: Range | None = None
    told_ms: int = 0
    """When just this wait was told first; 0: it is told now."""
    comfort: int = 0
    room: int = 0
    callback_key: str = ""
    music: str = ""
    music_ms: int = 0
    interval_ms: int = 30_000
    reason: str = ""
    message: str = ""
    message_language: str = ""
    number: str = ""
    voicemail: bool = False
    offer_id: str = ""
    whisper: Whisper | None = None
    accept_key: str = "1"

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """The scene of a stored document; what a newer writer added is left out."""
        known = {f.name for f in fields(cls)}
        data = {name: value for name, value in document.items() if name in known}
        for name, kind in (("greeting", Greeting), ("wait", Range), ("whisper", Whisper)):
            if data.get(name) is not None:
                data[name] = kind(**data[name])
        data["menu"] = tuple(MenuOption(**option) for option in data.get("menu", ()))
        data["options"] = tuple(data.get("options", ()))
        return cls(**data)
