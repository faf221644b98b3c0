"""What requests hold and answers look like, where more than one resource needs it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

T = TypeVar("T")


def _in_utc(moment: datetime) -> datetime:
    """Refuses what has no year between 1 and 9999 in UTC: it could be kept, but never shown."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must lie between the years 1 and 9999 in UTC") from None


Reason = Annotated[str, StringConstraints(max_length=500)]
When = Annotated[str, Field(description="RFC 3339, UTC, milliseconds", examples=["2026-03-01T09:00:00.000Z"])]
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class Body(BaseModel):
    """What a client sends: nothing unknown is accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Answer(BaseModel):
    """What a client gets. More members may be added in later versions."""

    model_config = ConfigDict(frozen=True)


class Listing(Answer, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None = Field(description="send it as ?cursor= for the next page; null on the last")


def listing(items: list[dict[str, Any]], next_cursor: str | None) -> dict[str, Any]:
    return {"items": items, "next_cursor": next_cursor}


class Fault(Answer):
    """One place in the body that cannot be accepted."""

    pointer: str = Field(description="a JSON pointer (RFC 6901) into the body, or a parameter's name")
    detail: str
    file: str | None = None
    line: int | None = None
    severity: str | None = None


class ProblemBody(Answer):
    """RFC 9457."""

    type: str = Field(description="a stable slug")
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None
