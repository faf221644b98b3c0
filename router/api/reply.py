"""What a handler answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from router.api.problem import Problem

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, a body and the few headers we set. `content_type` empty: no body.

    `kept` stands in for the body where answers are remembered, for one that must not be written down.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    kept: bytes | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200, *, etag: str | None = None, **headers: str) -> Reply:
        named = {name.replace("_", "-").title(): text for name, text in headers.items()}
        return cls(status, _bytes(value), JSON, named | ({"ETag": etag} if etag else {}))

    @classmethod
    def nothing(cls, status: int = 204) -> Reply:
        return cls(status)

    @classmethod
    def of_problem(cls, problem: Problem) -> Reply:
        response = problem.response()
        body = response.body if isinstance(response.body, bytes) else b""
        return cls(problem.status, body, response.content_type, dict(problem.headers))

    def remembered_as(self, value: Any) -> Reply:
        return replace(self, kept=_bytes(value))

    def response(self) -> web.Response:
        if not self.content_type:
            return web.Response(status=self.status, headers=self.headers)
        return web.Response(status=self.status, body=self.body, content_type=self.content_type, headers=self.headers)

    def dump(self) -> dict[str, Any]:
        """For keeping; `load` reads it back."""
        return {
            "status": self.status,
            "body": (self.body if self.kept is None else self.kept).decode(),
            "content_type": self.content_type,
            "headers": dict(self.headers),
        }

    @classmethod
    def load(cls, kept: dict[str, Any], *, repeated: bool) -> Reply:
        headers = kept["headers"] | ({"Idempotency-Replayed": "true"} if repeated else {})
        return cls(kept["status"], kept["body"].encode(), kept["content_type"], headers)


def _bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
