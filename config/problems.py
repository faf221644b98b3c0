"""What can be wrong with a plan, as a person reads it: where, what, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
MAX_ERRORS = 100
PathParts = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """`pointer` is a JSON pointer into the file; `line` counts from 1."""

    file: str
    line: int
    pointer: str
    message: str
    fix: str
    severity: Severity = "error"

    def __str__(self) -> str:
        where = f" [{self.pointer}]" if self.pointer else ""
        return f"{self.file}:{self.line}: {self.severity}: {self.message}; {self.fix}{where}"

    def document(self) -> dict[str, Any]:
        """The same as plain JSON."""
        return asdict(self)


class PlanInvalid(Exception):
    """The plan, or a seed file beside it, cannot be used; nothing was changed. At most the first 100 errors."""

    def __init__(self, errors: Sequence[Problem]) -> None:
        self.errors = list(errors[:MAX_ERRORS])
        super().__init__("\n".join(map(str, self.errors)))


def pointer(path: PathParts) -> str:
    """RFC 6901: `/ladders/vip/0/wait`."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
