"""ETags and conditional requests (RFC 9110): nobody overwrites what they have not seen."""

from __future__ import annotations

import hashlib
import re

from aiohttp import web

from router.api.problem import Problem

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')


def tag_of(content: str | bytes) -> str:
    """A strong tag of the content, quotes included."""
    raw = content.encode() if isinstance(content, str) else content
    return f'"{hashlib.sha256(raw).hexdigest()[:24]}"'


def is_conditional(request: web.Request) -> bool:
    """Whether the request depends on what the object is now."""
    return "If-Match" in request.headers or "If-None-Match" in request.headers


def check_preconditions(request: web.Request, current: str | None) -> None:
    """412 unless `If-Match` / `If-None-Match` hold for the object as it is now (`current` None: there is none)."""
    wanted = _tags(request, "If-Match")
    if wanted is not None and (current is None or ("*" not in wanted and current not in wanted)):
        raise Problem(412, "stale", "It has changed since you read it, or is gone; read it again.")
    unwanted = _tags(request, "If-None-Match")
    if unwanted is not None and current is not None and ("*" in unwanted or current in unwanted):
        raise Problem(412, "exists", "It exists already.")


def expected_version(request: web.Request, current: str | None, absent: str) -> str:
    """What a guarded write must find, once `check_preconditions` passed: the bare version, `absent`, or "" for any."""
    if not is_conditional(request):
        return ""
    return absent if current is None else current.strip('"')


def not_modified(request: web.Request, current: str) -> bool:
    """Whether a GET may be answered 304."""
    known = _tags(request, "If-None-Match")
    return known is not None and ("*" in known or current in known)


def _tags(request: web.Request, header: str) -> set[str] | None:
    """The tags named (weak ones compare as strong here: ours are all strong), `{"*"}`, or None if not sent."""
    values = request.headers.getall(header, None)
    if not values:
        return None
    text = ",".join(values).strip()
    if text == "*":
        return {"*"}
    tags = {f'"{match[1]}"' for match in _TAG.findall(text)}
    if not tags:
        raise Problem(400, "bad-header", f'{header} must be "…" or *.')
    return tags
