"""Which keys did a test leave, and are they its own?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import redis


def strangers(client: redis.Redis, site: str) -> list[bytes]:
    """Keys that belong neither to the site (or one whose name begins with it) nor to the service as a whole."""
    return sorted(key for key in _all_keys(client) if not _is_of(key, site))


def delete_keys_of(client: redis.Redis, site: str) -> None:
    own = [key for key in _all_keys(client) if _is_of(key, site)]
    if own:
        client.unlink(*own)


def _all_keys(client: redis.Redis) -> Iterable[bytes]:
    return cast(Iterable[bytes], client.scan_iter(count=10_000))


def _is_of(key: bytes, site: str) -> bool:
    return b"{%b" % site.encode() in key or b"{vipline}" in key
