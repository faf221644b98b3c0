"""What the directory refuses. The docstring is the sentence a client reads."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from config.problems import pointer
from router.domain.errors import Refused


class UnknownCustomer(Refused):
    """No such customer here."""

    slug = "unknown-customer"
    status = 404


class StaleCustomer(Refused):
    """It has changed since you read it, or is gone; read it again."""

    slug = "stale"
    status = 412


class TooManyEdits(Refused):
    """Too many edit this customer at once; send it again."""

    slug = "too-many-edits"
    status = 503


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place. `pointer` is a JSON pointer, e.g. `/phones/3`; the value itself is never quoted."""

    pointer: str
    detail: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the whole'}: {self.detail}"


class InvalidCustomer(Refused):
    """The customer's data cannot be kept as they are."""

    slug = "invalid"
    status = 422

    def __init__(self, faults: list[Fault]) -> None:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        super().__init__(f"{faults[0]}{more}")
        self.faults = faults


class UnreadableFile(Refused):
    """The file is not what it should be, so no line of it can be read."""

    slug = "unreadable-file"
    status = 422


class FileTooLarge(Refused):
    """The file is larger than 512 MiB; what came before the limit is kept."""

    slug = "too-large"
    status = 413


def faults_of(error: ValidationError) -> list[Fault]:
    """Pydantic's objections, each with its pointer, at most 20."""
    items = error.errors(include_url=False, include_input=False, include_context=False)[:20]
    return [Fault(pointer(item["loc"]), item["msg"].removeprefix("Value error, ")) for item in items]
