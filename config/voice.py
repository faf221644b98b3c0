"""What callers hear beyond the phrases every language has: music, menu, keys, a tier's own greeting, the survey."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from config.parts import Part, Words
from config.values import Dialled, Duration, Language, Name, Names, Text

Key = Annotated[str, StringConstraints(pattern=r"^[0-9]$")]
Sound = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s?#]+|[A-Za-z0-9_./-]+)$", max_length=500)]
"""Where music is found: an address, or a path below our own. Only a plan names one, never a caller's data."""


GREETING_MAX = 200
"""Characters of a tier's own greeting that are spoken, before anything is filled in."""
WISH = "{wish}"
"""Where a tier's own greeting puts a birthday wish or the welcome back."""


class MenuEntry(Part):
    """One key of the menu: a `language`, or a `topic`; `skills` are what the call then needs.

    `topic`: a text in the site's language or one for each, of which a caller hears the own.
    """

    key: Key
    language: Language | None = None
    topic: Words = ""
    skills: Names = ()

    @model_validator(mode="after")
    def _one(self) -> MenuEntry:
        if (self.language is None) == (not self.topic):
            raise ValueError("a key of the menu is a language or a topic; write one of the two")
        return self


def _keys_once(menu: tuple[MenuEntry, ...]) -> tuple[MenuEntry, ...]:
    twice = {key for key, count in Counter(entry.key for entry in menu).items() if count > 1}
    if twice:
        raise ValueError(f"key {', '.join(sorted(twice))} comes twice; give each entry its own")
    return menu


class Voice(Part):
    """What a site's callers hear.

    `interval`: how often they are told where they stand; `music_length`: how long the piece is, so that it fits.
    `callback_key`: pressed while waiting, empty: none. `accept_key`: an agent's. `caller_id`: what agents and called
    back customers see, left out: the number that was dialled. `greetings`: tier → language → text; `{who}`, `{hello}`,
    `{wish}`.
    """

    music: Sound | None = None
    music_length: Duration = 0
    interval: Annotated[Duration, Field(ge=5_000, le=600_000)] = 30_000
    callback_key: Key | None = "1"
    accept_key: Key = "1"
    caller_id: Dialled | None = None
    menu: Annotated[tuple[MenuEntry, ...], Field(max_length=10), AfterValidator(_keys_once)] = ()
    greetings: dict[Name, dict[Language, Text]] = Field(default_factory=dict)
    survey: bool = False
