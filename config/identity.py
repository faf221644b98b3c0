"""Who is calling, and how sure: what each level of trust may get, who is asked to prove it, and what is suspicious."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from config.parts import Part
from config.values import Count, Duration, unique

Trust = Literal["verified", "partial", "gateway", "none", "failed", "withheld"]
TRUST: tuple[Trust, ...] = ("verified", "partial", "gateway", "none", "failed", "withheld")
"""How far a caller's number can be believed, best first. Left out: the platform vouches for it (`vouched`)."""

Vouching = Literal["vouched", "verified", "partial", "gateway", "none", "failed", "withheld"]

Prefix = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{0,6}$")]
Prefixes = Annotated[tuple[Prefix, ...], Field(max_length=300), AfterValidator(unique)]

Asked = Literal["withheld", "unknown", "unproven"]
"""Who is asked for a customer number and a PIN: no number; a number nobody has; one that is not believed enough."""

Few = Annotated[int, Field(strict=True, ge=1, le=10)]
Many = Annotated[int, Field(strict=True, ge=1, le=5_000)]


class TrustRule(Part):
    """What a number alone may claim. `vouched` is a call whose trust was left out.

    `attested`: where numbers are attested at all; elsewhere nobody attests, and that nobody did says nothing.
    `reached_before`: what `none` and `gateway` count as when a talk with the customer from that number was completed.
    Whatever stands here, a `failed` attestation makes an unknown caller.
    """

    loses_vip_rights: tuple[Trust, ...] = ("failed", "withheld")
    greet_by_name: tuple[Vouching, ...] = ("vouched", "verified", "partial")
    attested: Prefixes = ("+1",)
    reached_before: Literal["verified", "partial", "gateway"] | None = None


class Identification(Part):
    """Customer number and PIN by keypad. `ask`: of whom; nobody unless it says so.

    After `tries` wrong ones a customer, and a calling number, are not checked for `lock`, then for twice as long …
    `strangers`: tries within `lock` of all callers together whose number nobody vouches for.
    """

    ask: Annotated[tuple[Asked, ...], AfterValidator(unique)] = ()
    tries: Few = 3
    lock: Annotated[Duration, Field(ge=10_000)] = 300_000
    lock_max: Annotated[Duration, Field(ge=10_000)] = 86_400_000
    strangers: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 200


class Velocity(Part):
    """How many calls are suspicious: `calls` of a number, a customer from so many `numbers`, within `window`; 0 off.

    They are flagged, and lose VIP rights only where `loses_vip_rights` says so.
    """

    window: Annotated[Duration, Field(ge=10_000, le=86_400_000)] = 600_000
    calls: Count = 20
    numbers: Count = 4
    loses_vip_rights: bool = False


class Limits(Part):
    """At the door: who goes over them hears a busy line; nobody who is in line already is touched.

    `calls` of one number within the velocity's window, `at_once` of one number; `per_second`: new calls a second from
    one address, in one process. A carrier's or a switchboard's whole traffic may come by one of them.
    """

    calls: Many = 600
    at_once: Annotated[int, Field(strict=True, ge=1, le=500)] = 100
    per_second: Many = 200
