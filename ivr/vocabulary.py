"""The words between the call flow and the providers: events in, scripts of commands out. Times in ms.

No provider's word appears here. An adapter translates both ways and declares what it can do (ivr/capabilities.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["caller", "agent", "callback"]
LegFailure = Literal["busy", "no_answer", "declined", "device", "network", "canceled"]
HoldEnd = Literal["bridged", "left", "redirected", "full", "hangup", "error"]
Trust = Literal["verified", "partial", "gateway", "failed", "none", "withheld"]

CUSTOMER, FETCHED = "c", "f"
"""What an offer's id ends with in the id of the customer's leg, and in the step of an agent who was fetched by us."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where the provider comes back to: a page of the flow, for one call, at one step (or one offer of it).

    An adapter makes a URL without a query string of it: `/hooks/{provider}/{site}/{page}/{call}/{step}`.
    """

    page: str
    call_id: str
    step: str


# ---------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class Say:
    """Spoken text. `text` is plain: cleaned and capped, never markup. `locale` is a BCP 47 tag."""

    text: str
    locale: str


@dataclass(frozen=True, slots=True)
class Play:
    """A sound the plan names. `loop` 0: until something else happens."""

    asset: str
    loop: int = 1


@dataclass(frozen=True, slots=True)
class Pause:
    ms: int


Prompt = Say | Play | Pause


@dataclass(frozen=True, slots=True)
class Collect:
    """Prompts, then keys. Yields exactly one of InputDigits and InputNone at `route`; a key stops the prompts."""

    prompts: tuple[Prompt, ...]
    route: Route
    max_digits: int = 1
    first_timeout_ms: int = 5_000
    inter_timeout_ms: int = 2_000


@dataclass(frozen=True, slots=True)
class Hold:
    """The caller waits in a holding room of the call's own; `route` is asked what they hear, again and again."""

    call_id: str
    route: Route
    left: Route


@dataclass(frozen=True, slots=True)
class Join:
    """On an agent's leg that accepted: talk to the caller who waits in `call_id`'s holding room.

    `bridged` is told when the caller is reached, `over` when the talk (or the attempt, after `timeout_ms`) has ended.
    """

    call_id: str
    bridged: Route
    over: Route
    timeout_ms: int = 10_000


@dataclass(frozen=True, slots=True)
class Goto:
    route: Route


@dataclass(frozen=True, slots=True)
class Dial:
    """Hand the caller to a number outside for good (a way out)."""

    number: str
    over: Route
    timeout_ms: int = 30_000


@dataclass(frozen=True, slots=True)
class Reject:
    """Never answered. Only as the first command."""

    reason: Literal["busy", "declined"] = "busy"


@dataclass(frozen=True, slots=True)
class Hangup:
    pass


Command = Say | Play | Pause | Collect | Hold | Join | Goto | Dial | Reject | Hangup
Script = tuple[Command, ...]


# ---------------------------------------------------------------- control plane (through the outbox)


@dataclass(frozen=True, slots=True)
class Originate:
    """Call somebody: an agent's endpoint or a customer. `leg_id` is ours, and is in every route of the leg.

    `awaited`: whom the agent will fetch is known to stand in the holding room already.
    """

    leg_id: str
    role: Role
    target: str
    caller_id: str
    answered: Route
    status: Route
    ring_timeout_ms: int
    awaited: bool = False


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Take a leg out of whatever it hears and send it to `route`. A leg that is gone is no error."""

    leg_id: str
    route: Route


@dataclass(frozen=True, slots=True)
class Terminate:
    """End a leg, ringing or talking. A leg that is gone is no error."""

    leg_id: str


Action = Originate | Interrupt | Terminate


# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every event carries. `event_key` tells a duplicate; `seq` orders a leg's events where it is counted."""

    provider: str
    site: str
    call_id: str
    leg_id: str
    role: Role
    event_key: str
    seq: int | None = None
    occurred_ms: int | None = None


@dataclass(frozen=True, slots=True)
class CallOffered:
    """A caller is at the door. Numbers as the provider sends them."""

    from_number: str | None
    to_number: str
    trust: Trust
    diverted_from: str | None = None


@dataclass(frozen=True, slots=True)
class InputDigits:
    digits: str


@dataclass(frozen=True, slots=True)
class InputNone:
    pass


@dataclass(frozen=True, slots=True)
class PromptFinished:
    pass


@dataclass(frozen=True, slots=True)
class HoldTick:
    pass


@dataclass(frozen=True, slots=True)
class HoldLeft:
    reason: HoldEnd


@dataclass(frozen=True, slots=True)
class LegRinging:
    pass


@dataclass(frozen=True, slots=True)
class LegAnswered:
    pass


@dataclass(frozen=True, slots=True)
class LegFailed:
    cause: LegFailure


@dataclass(frozen=True, slots=True)
class BridgeUp:
    pass


@dataclass(frozen=True, slots=True)
class BridgeDown:
    pass


@dataclass(frozen=True, slots=True)
class AmdResult:
    """Who picked up a dialled call."""

    who: Literal["human", "machine", "unknown"]


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The caller's leg is gone; final, whatever arrives later."""

    cause: str = "normal"
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ProviderError:
    code: str


Event = (
    CallOffered
    | InputDigits
    | InputNone
    | PromptFinished
    | HoldTick
    | HoldLeft
    | LegRinging
    | LegAnswered
    | LegFailed
    | BridgeUp
    | BridgeDown
    | AmdResult
    | CallEnded
    | ProviderError
)
