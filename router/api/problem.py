"""Every refusal as `application/problem+json` (RFC 9457). `type` is a stable slug."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from config.problems import pointer

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal on its way to the client. `errors` items: `{"pointer": "/a/0", "detail": "…"}`."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.slug = slug
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}

    def response(self) -> web.Response:
        body: dict[str, Any] = {
            "type": self.slug,
            "title": self.slug.replace("-", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return web.Response(
            status=self.status,
            body=json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"),
            content_type=CONTENT_TYPE,
            headers=self.headers,
        )


def not_found(slug: str, detail: str) -> Problem:
    return Problem(404, slug, detail)


def invalid(pointer: str, detail: str) -> Problem:
    """A 422 about one place in the body."""
    return Problem(422, "invalid", detail, errors=[{"pointer": pointer, "detail": detail}])


def busy(slug: str, detail: str, retry_after_s: int = 1) -> Problem:
    """A 503 the client may simply repeat."""
    return Problem(503, slug, detail, headers={"Retry-After": str(retry_after_s)})


def from_validation(error: ValidationError, prefix: str = "") -> Problem:
    """A 422 with a JSON pointer for each place pydantic objects to; the values themselves are not echoed."""
    errors = [
        {"pointer": prefix + pointer(item["loc"]), "detail": item["msg"].removeprefix("Value error, ")}
        for item in error.errors(include_url=False, include_input=False, include_context=False)[:100]
    ]
    where = errors[0]["pointer"] or "the body"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(422, "invalid", f"{where}: {errors[0]['detail']}{more}", errors=errors)
