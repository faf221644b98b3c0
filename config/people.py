"""Customers and agents as they are written: seed files, request bodies and import lines share these shapes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.parts import Part, Secret
from config.values import Amount, Day, Language, Name, Names
from router.domain.customer import Account, Customer, ValueParts

Line = Annotated[str, StringConstraints(max_length=200)]
Phone = Annotated[str, StringConstraints(min_length=2, max_length=64)]
Level = Annotated[int, Field(strict=True, ge=1, le=9)]
MAX_PHONES = 50


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
    """A customer without the id. Phones are as written; the directory normalises them."""

    name: Line = ""
    title: Line = ""
    phones: Annotated[tuple[Phone, ...], Field(max_length=MAX_PHONES)] = ()
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
    """A customer with the id: a line of an import, an entry of customers.yaml."""

    customer_id: Name


class AgentBody(Part):
    """An agent without the id. `groups`: name → level, 1 served before 2."""

    name: Line = ""
    groups: Annotated[dict[Name, Level], Field(max_length=64)] = Field(default_factory=dict)
    skills: Names = ()
    endpoint: Line = ""


class AgentSeed(AgentBody):
    """An entry of agents.yaml."""

    agent_id: Name


class TokenSeed(Part):
    """An entry of tokens.yaml: a token whose secret stands in the environment or a file."""

    token_id: Name
    role: Literal["telephony", "agent", "supervisor", "admin"]
    secret: Secret
    agent_id: Name | None = None
