"""What the outbox asks of a provider, and how a provider says what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ivr.capabilities import Capabilities
from ivr.vocabulary import Action, LegFailure, Originate


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out. `leg`: the provider's id of the leg, where it has one. `gone`: the leg had ended before."""

    leg: str | None = None
    gone: bool = False


class GatewayError(Exception):
    """An action was not, or may not have been, carried out. The message names a code, never a person or number."""


class GatewayRefused(GatewayError):
    """The provider will never do this, and nothing has happened. `cause` is what the leg would have failed with."""

    def __init__(self, cause: LegFailure, code: str) -> None:
        super().__init__(code)
        self.cause = cause
        self.code = code


class GatewayBusy(GatewayError):
    """Nothing has happened; the same may be tried again after `retry_after_ms`."""

    def __init__(self, retry_after_ms: int, code: str = "busy") -> None:
        super().__init__(code)
        self.retry_after_ms = retry_after_ms
        self.code = code


class GatewayUnknown(GatewayError):
    """It was sent and nobody knows what became of it: look (`find`) before an Originate is sent again.

    Interrupt and Terminate may be repeated; doing them twice is doing them once.
    """


class Gateway(Protocol):
    """One provider. Safe to use from many tasks at once."""

    capabilities: Capabilities

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        """Carry `action` out. `leg`: the provider's id of `action.leg_id`, where known.

        Raises GatewayRefused, GatewayBusy and GatewayUnknown.
        """
        ...

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        """The provider's id of the leg that `action` placed at or after `since_ms` (Unix ms); None: it was not placed.

        Raises GatewayBusy when the provider cannot say now.
        """
        ...


@runtime_checkable
class Tells(Protocol):
    """A gateway that can say whether a leg is still there; one that cannot leaves this out."""

    async def is_up(self, site: str, leg: str) -> bool | None:
        """Whether the provider's leg rings or talks; None: it cannot say now. Never raises."""
        ...
