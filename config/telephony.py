"""How each provider is reached: the plan's `telephony` section. A provider that is left out carries nobody's calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from config.ari import Ari
from config.node import Node
from config.parts import Part, Secret
from config.values import Language, Name, Text

Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#@]+$", max_length=500)]
"""Where a provider's API is: no query, no user, no password in it."""


class Twilio(Part):
    """Secrets by name, see docs/twilio.md. `api`: another address than Twilio's own, for those who speak as it does."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, Secret] = Field(init=False)

    api: Address | None = None

    @property
    def secrets(self) -> Mapping[str, Secret]:
        return self.__pydantic_extra__


class SpokenVoice(Part):
    """A vendor's voice for one language; `language` in the vendor's own spelling, left out: as ours."""

    voice: Text
    language: Text | None = None


class Speech(Part):
    """Who speaks for jambonz, by the names its portal has; `recognizer` is asked for with every call, never used."""

    vendor: Name = "google"
    recognizer: Name = "google"
    voices: Annotated[dict[Language, SpokenVoice], Field(max_length=64)] = Field(default_factory=dict)


class Trunk(Part):
    """What is known of a SIP trunk. `headers`: the SIP headers it sends are its own, so that they may be believed.

    `plus`: the numbers it sends are international, whether or not they begin with a plus.
    """

    headers: bool = False
    plus: bool = False


TrunkName = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Jambonz(Part):
    """See docs/jambonz.md. `api` is what comes before `/v1`; any of `webhook_secrets` may have signed."""

    api: Address
    account_sid: Secret
    api_key: Secret
    webhook_secrets: Annotated[tuple[Secret, ...], Field(min_length=1, max_length=8)]
    speech: Speech = Speech()
    trunks: Annotated[dict[TrunkName, Trunk], Field(max_length=256)] = Field(default_factory=dict)


class Simulator(Part):
    """Calls within this process, for demos and tests: nothing to say about it."""


class Telephony(Part):
    """Each provider's part, by the name its adapter has."""

    twilio: Twilio | None = None
    ari: Ari | None = None
    simulator: Simulator | None = None
    jambonz: Jambonz | None = None
    node: Node | None = None
