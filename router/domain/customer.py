"""Who is calling, as the policy sees it. Plain values: the directory fills them, nothing here looks anything up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """The company a customer calls for. Its tier, set by hand, or its yearly value can lift the contact's own."""

    account_id: str
    name: str = ""
    role: str = ""
    tier: str | None = None
    annual_value: float | None = None


@dataclass(frozen=True, slots=True)
class ValueParts:
    """A customer's worth by its parts; their product is compared with the same thresholds as `annual_value`.

    `years` and `referral_factor` left out: the plan's `value` section says what they are.
    """

    average_ticket: float
    purchases_per_year: float
    years: float | None = None
    referral_factor: float | None = None


@dataclass(frozen=True, slots=True)
class Customer:
    """One person. `phones` are E.164; `number` is what she enters on a keypad to say who she is.

    `birthday` is an ISO date; amounts are in the site's currency.
    """

    customer_id: str
    name: str = ""
    title: str = ""
    phones: tuple[str, ...] = ()
    number: str | None = None
    tier: str | None = None
    annual_value: float | None = None
    value_parts: ValueParts | None = None
    account: Account | None = None
    owner: str | None = None
    cover: tuple[str, ...] = ()
    language: str | None = None
    skills: tuple[str, ...] = ()
    birthday: str | None = None
    notes: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caller:
    """The customer a call is routed for. `shared`: others have the same number, so nobody is greeted by name.

    `reached`: a talk with the customer from this number was completed before. `numbers`: from how many numbers the
    customer has called lately.
    """

    customer: Customer
    shared: bool = False
    reached: bool = False
    numbers: int = 0


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call when it is routed.

    `from_number` is E.164 or as it came, None when withheld; `to` the number dialled, E.164 where possible.
    `trust` is one of `config.models.TRUST`, None when the platform vouches for the number. `proof`: how the caller
    proved to be the customer (`pin`). `recent`: calls of this number lately. `flags`: what was found suspicious before.
    """

    call_id: str
    from_number: str | None
    to: str
    language: str | None = None
    skills: tuple[str, ...] = ()
    trust: str | None = None
    proof: str | None = None
    recent: int = 0
    flags: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
