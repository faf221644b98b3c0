"""How a site reaches its Asterisks, and what they play: the plan's `telephony: ari:`. docs/asterisk.md explains it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from config.parts import Part, Secret
from config.values import Duration, Language, Name, Text

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$", max_length=500)]
"""Where an Asterisk's HTTP server is: no query, no user, no password in it."""
Media = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./:@-]+$", max_length=300)]
"""A sound as Asterisk knows it: `vipline/welcome`, or a whole media URI such as `recording:welcome`."""
Dialling = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+/[^\s,&|{}]*\{(number|user)\}[^\s,&|{}]*$")]


def _listed(value: object) -> object:
    return [value] if isinstance(value, dict) else value


Secrets = Annotated[tuple[Secret, ...], BeforeValidator(_listed), Field(min_length=1, max_length=4)]


class Asterisk(Part):
    """One Asterisk. With `url` we connect to it; without, it connects to us (`websocket_client.conf`).

    `password`: one secret or several; all count when it connects to us, they are tried in turn when we connect.
    `rest`: how commands travel; left out, over HTTP where there is a `url`, else over its WebSocket.
    """

    url: Url | None = None
    user: Name
    password: Secrets
    app: Name = "vipline"
    rest: Literal["http", "websocket"] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Asterisk:
        if self.rest == "http" and self.url is None:
            raise ValueError("commands over http need a `url`; write it, or leave `rest` out")
        return self

    @property
    def commands(self) -> Literal["http", "websocket"]:
        return self.rest or ("http" if self.url else "websocket")


class Speak(Part):
    """How a text without a recording becomes a file: `command` is run without a shell, the text on its input.

    `{file}` is where to write, `{voice}` the language's of `voices`. `folder`: where files are kept, at least for
    `keep` after their last use; Asterisk finds them as `media` (left out: by the same path).
    """

    command: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=500)], ...], Field(min_length=1)]
    folder: Annotated[str, Field(min_length=1, max_length=500)]
    media: Media | None = None
    deadline: Annotated[Duration, Field(ge=100, le=30_000)] = 3_000
    voices: dict[Language, Name] = Field(default_factory=dict)
    keep: Duration = 86_400_000

    @model_validator(mode="after")
    def _written(self) -> Speak:
        if not any("{file}" in word for word in self.command):
            raise ValueError("the command does not say where to write; put {file} among its words")
        return self


class Ari(Part):
    """`number` and `sip` say how numbers and `sip:` addresses are dialled. `trusted`: the PJSIP endpoints whose headers
    count. `plus`: their numbers are international although they have no "+". `music`: the music-on-hold class;
    `sounds`: the plan's sounds, and `recordings`: spoken texts, as Asterisk knows them. `devices`: an agent whose phone
    is busy elsewhere is not offered. A connection that stays away for `lost` has lost its calls.
    """

    asterisks: Annotated[dict[Name, Asterisk], Field(min_length=1, max_length=32)]
    number: Dialling = "PJSIP/{number}@trunk"
    sip: Dialling = "PJSIP/{user}"
    trusted: Annotated[tuple[Name, ...], Field(max_length=200)] = ()
    plus: bool = False
    music: Name = "default"
    sounds: Annotated[dict[str, Media], Field(max_length=1_000)] = Field(default_factory=dict)
    recordings: Annotated[dict[Text, Media], Field(max_length=10_000)] = Field(default_factory=dict)
    speak: Speak | None = None
    devices: bool = True
    lost: Annotated[Duration, Field(ge=1_000)] = 15_000
