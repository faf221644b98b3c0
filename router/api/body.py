"""Reading JSON from strangers: whatever arrives is either a clean value or a clear 4xx."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from router.api.problem import Problem, from_validation

MAX_BODY = 64 * 1024
MAX_DEPTH = 32
PATIENCE_S = 15.0
"""For a whole body to come; shorter than a stopping process waits for its requests."""

M = TypeVar("M", bound=BaseModel)


async def read_bytes(request: web.Request) -> bytes:
    """The whole body, at most 64 KiB, and without waiting for ever: half a body holds a connection, and up a stop."""
    if (request.content_length or 0) > MAX_BODY:
        raise too_large(MAX_BODY)
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await request.read()
    except TimeoutError:
        raise Problem(408, "too-slow", f"The body did not come within {PATIENCE_S:g} s.") from None


def too_large(limit: int) -> Problem:
    return Problem(413, "too-large", f"The body is larger than {limit} bytes.")


def refuse_encoded(request: web.Request) -> None:
    """A small compressed body can be a very large one; nobody needs them here."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "encoded", "Send the body as it is, without Content-Encoding.")


def require_json(request: web.Request) -> None:
    """JSON or nothing said; a form is what `curl -d` sends without a header, so say what helps."""
    if "Content-Type" not in request.headers:
        return
    kind = request.content_type
    if kind != "application/json" and not kind.endswith("+json"):
        raise Problem(415, "not-json", "Send JSON with the header Content-Type: application/json.")


def parse_json(raw: bytes) -> Any:
    """The value, refusing what JSON readers disagree about: duplicate keys, NaN, infinities, NUL, broken text."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, "not-utf-8", f"The body is not UTF-8 at byte {error.start}.") from None
    if text.startswith("\ufeff"):
        raise Problem(400, "malformed-json", "The body starts with a byte order mark.")
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise Problem(400, "too-deep", f"The body nests deeper than {MAX_DEPTH} levels.")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        detail = f"{error.msg} at line {error.lineno}, column {error.colno}."
        raise Problem(400, "malformed-json", detail) from None
    except ValueError:  # an integer of thousands of digits
        raise Problem(400, "malformed-json", "A number is too long.") from None
    if "\\u" in text:
        _check_text(value)
    return value


def parse_model(model: type[M], raw: bytes) -> M:
    """The body as `model`: exact types, no unknown members; 400 or 422 otherwise."""
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise Problem(
            422, "invalid", "The body must be a JSON object.", errors=[{"pointer": "", "detail": "not an object"}]
        )
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise from_validation(error) from None


def parse_value(model: type[M], value: Any) -> M:
    """A part of a body, already read, as `model`; 422 otherwise."""
    try:
        return model.model_validate(value, strict=True)
    except ValidationError as error:
        raise from_validation(error) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem(400, "duplicate-member", f"The member {twice[:64]!r} appears twice.")
    return value


def _no_constant(name: str) -> Any:
    raise Problem(400, "malformed-json", f"{name} is not JSON.")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Problem(400, "malformed-json", "A number is too large.")
    return value


def _depth(text: str) -> int:
    """How deep brackets nest, strings left out; cheap, and safe where a recursive reader is not."""
    deepest = depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _check_text(value: Any) -> None:
    """Escapes can smuggle in NUL and lone surrogates, which no UTF-8 text has."""
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise Problem(400, "bad-text", "A text holds NUL or half a surrogate pair.")
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_text(name)
            _check_text(member)
    elif isinstance(value, list):
        for member in value:
            _check_text(member)
