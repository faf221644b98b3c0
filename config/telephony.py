"""How each provider is reached: the plan's `telephony` section. A provider that is left out carries nobody's calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import ConfigDict, Field, StringConstraints

from config.parts import Part, Secret

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


class Telephony(Part):
    """Each provider's part, by the name its adapter has."""

    twilio: Twilio | None = None
