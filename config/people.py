"""Customers and agents as they are written: seed files, request bodies and import lines share these shapes."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from config.parts import Part, Secret
from config.values import Amount, Day, Language, Name, Names
from router.domain.customer import Account, Customer, ValueParts


def _pin(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]{4,12}", value.get_secret_value()):
        raise ValueError("a PIN is four to twelve digits")
    return value


Line = Annotated[str, StringConstraints(max_length=200)]
Phone = Annotated[str, StringConstraints(min_length=2, max_length=64)]
Level = Annotated[int, Field(strict=True, ge=1, le=9)]
MAX_PHONES = 50

Pin = Annotated[SecretStr, AfterValidator(_pin)]
"""Four to twelve digits."""

KeypadNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{3,20}$")]


class AccountBody(Part):
    """The company a customer calls for."""

    account_id: Name
    name: Line = ""
    role: Line = ""
    tier: Name | None = None
    annual_value: Amount | None = None


class ValuePartsBody(Part):
    """A customer's worth by its parts."""

    average_ticket: Amount
    purchases_per_year: Amount
    years: Amount | None = None
    referral_factor: Amount | None = None


class CustomerBody(Part):
    """A customer without the id. Phones are as written; the directory normalises them.

    `number`: what she enters on a keypad to say who she is; no two customers have the same.
    """

    name: Line = ""
    title: Line = ""
    phones: Annotated[tuple[Phone, ...], Field(max_length=MAX_PHONES)] = ()
    number: KeypadNumber | None = None
    tier: Name | None = None
    annual_value: Amount | None = None
    value_parts: ValuePartsBody | None = None
    account: AccountBody | None = None
    owner: Name | None = None
    cover: Annotated[Names, Field(max_length=8)] = ()
    language: Language | None = None
    skills: Annotated[Names, Field(max_length=16)] = ()
    birthday: Day | None = None
    notes: Annotated[str, StringConstraints(max_length=4_000)] = ""
    tags: Annotated[tuple[Line, ...], Field(max_length=50)] = ()

    def customer(self, customer_id: str) -> Customer:
        """The same as the domain's value."""
        plain = self.model_dump(exclude={"customer_id", "account", "value_parts", "birthday"})
        return Customer(
            customer_id=customer_id,
            **plain,
            account=Account(**self.account.model_dump()) if self.account else None,
            value_parts=ValueParts(**self.value_parts.model_dump()) if self.value_parts else None,
            birthday=self.birthday.isoformat() if self.birthday else None,
        )


class CustomerSeed(CustomerBody):
    """A customer with the id: an entry of customers.yaml, and what the API shows."""

    customer_id: Name


class OnlyPin(Part):
    """Left out it stays as it is; null takes it away. It is left out of whatever is made of the body."""

    pin: Pin | None = Field(None, exclude=True, json_schema_extra={"writeOnly": True})


class CustomerWrite(CustomerBody, OnlyPin):
    """As written through the API."""


class CustomerLine(CustomerSeed, OnlyPin):
    """A line of an import."""


def pin_of(written: OnlyPin) -> str | None:
    """What is asked for: None nothing, '' no PIN from now on, else the PIN."""
    if "pin" not in written.model_fields_set:
        return None
    return written.pin.get_secret_value() if written.pin else ""


class AgentBody(Part):
    """An agent without the id. `groups`: name → level, 1 served before 2. `language`: what the agent is spoken to in,
    left out: the site's.
    """

    name: Line = ""
    groups: Annotated[dict[Name, Level], Field(max_length=64)] = Field(default_factory=dict)
    skills: Names = ()
    endpoint: Line = ""
    language: Language | None = None


class AgentSeed(AgentBody):
    """An entry of agents.yaml."""

    agent_id: Name


class TokenSeed(Part):
    """An entry of tokens.yaml: a token whose secret stands in the environment or a file."""

    token_id: Name
    role: Literal["telephony", "agent", "supervisor", "admin"]
    secret: Secret
    agent_id: Name | None = None
