"""Lists in pages: `?limit=&cursor=`, answered as `{"items": […], "next_cursor": "…" | null}`."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from router.api.problem import Problem

T = TypeVar("T")

DEFAULT_LIMIT = 100


class Page(BaseModel):
    """The query of every list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=500)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=512)] = ""

    def after(self) -> str:
        """The key the last page ended at, empty for the first page."""
        try:
            return base64.b64decode(self.cursor, altchars=b"-_", validate=True).decode()
        except (binascii.Error, UnicodeError, ValueError):
            raise bad_cursor() from None

    def offset(self) -> int:
        """For lists that are counted rather than keyed."""
        text = self.after()
        if text and not (text.isascii() and text.isdigit() and len(text) < 12):
            raise bad_cursor()
        return int(text or 0)


def bad_cursor() -> Problem:
    return Problem(
        422, "invalid", "The cursor is not one of ours.", errors=[{"pointer": "cursor", "detail": "unknown"}]
    )


def cursor_at(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode("ascii")


def cut(keys: Sequence[str], page: Page) -> tuple[Sequence[str], str | None]:
    """The page of the sorted `keys` and the cursor of the next one."""
    start = bisect_right(keys, page.after()) if page.cursor else 0
    chosen = keys[start : start + page.limit]
    more = start + page.limit < len(keys)
    return chosen, cursor_at(chosen[-1]) if more and chosen else None
