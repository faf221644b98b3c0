"""What a call looks like in the API."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from router.api.shapes import Answer, When

CallState = Literal["greeting", "choosing", "waiting", "offered", "connected", "ended"]


class CallCustomer(Answer):
    customer_id: str
    name: str
    tier: str = Field(description="the customer's own tier; the call's `tier` is the one it is routed by")


class Estimate(Answer):
    p50: int = Field(description="half of all such callers wait no longer")
    p90: int = Field(description="nine of ten wait no longer")


class Announced(Answer):
    """In round figures, as it was said: about `p50`, at most `p90`; ms."""

    p50: int
    p90: int
    at: When


class ChoiceShown(Answer):
    options: list[Literal["transfer", "wait", "callback"]]
    default: Literal["transfer", "wait"]
    expires_at: When


class OfferShown(Answer):
    offer_id: str
    agent_id: str
    expires_at: When | None = Field(
        description="null once accepted; put off when the agent's telephone is picked up: there is time to listen"
    )
    accepted_at: When | None


class TimelineRow(Answer):
    seq: int
    at: When
    event: str
    why: str = Field(description="who was considered, why not, what was chosen")


class Profile(Answer):
    """What an agent sees from the moment of the offer."""

    title: str
    language: str | None
    account: dict[str, Any] | None
    tags: list[str]
    notes: str
    contacts: list[dict[str, Any]] = Field(description="the last contacts, newest first")
    open_issue: dict[str, Any] | None = Field(description="the last contact, if it asked for a follow-up")
    came_by: list[str] = Field(description="why the call came here")


class CallSummary(Answer):
    """A call in a list."""

    call_id: str
    kind: Literal["api", "adapter", "callback"]
    state: CallState
    outcome: str | None
    customer: CallCustomer | None = Field(description="null when nobody is known by the number")
    tier: str = Field(description="the tier the call is routed by")
    step: str | None
    lanes: list[str]
    position: int | None = Field(
        description="1 + the calls of lower rank in the lane of its current step; null unless it stands in line. "
        "Callers are told the largest of their places in all their `lanes` instead"
    )
    accepted_at: When
    waited_ms: int
    agent_id: str | None


class Call(CallSummary):
    found_in: str | None = Field(
        description="who knew the caller: directory, crm, cache (the CRM's last word) or default"
    )
    greet_by_name: bool
    flags: list[str] = Field(
        description="what is suspicious: many_calls of one number, many_numbers of one customer, attestation_failed"
    )
    estimate_ms: Estimate | None = Field(
        description="what is left of the wait, or until the owner is free; null until known"
    )
    choice: ChoiceShown | None
    offer: OfferShown | None
    passed_by: str | None = Field(description="who came later and stands before the call in its line, and why")
    announced: Announced | None = Field(description="the wait the caller was told last, by the adapter that speaks")
    chosen: Literal["wait", "transfer", "callback"] | None = Field(
        description="the caller's own answer to the owner-busy question"
    )
    survey: int | None = Field(description="the caller's answer after the talk: 1, not satisfied at all, to 5, very")
    exit: str | None = Field(
        description="what happens at the end of the longest wait: message, callback, number:… or voicemail:…"
    )
    message: str | None = Field(description="what a closed line, or one that nobody answered, says")
    callback_id: str | None = Field(description="the callback that has the caller's place")
    notes: str | None = Field(description="what the agent wrote down; for agents and supervisors only")
    profile: Profile | None = Field(description="for agents and supervisors only")
    timeline: list[TimelineRow]
