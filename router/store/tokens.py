"""Who may do what: bearer tokens, stored as hashes, for one site or for all.

A secret carries 256 random bits, so its plain SHA-256 is safe to keep; the hash's first digits are its id.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol, get_args

Role = Literal["telephony", "agent", "supervisor", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)

_LONGEST = 512
_CACHE_S = 0.5
_CACHE_MAX = 20_000


class Commands(Protocol):
    async def call(self, *args: str | bytes | int) -> Any: ...


@dataclass(frozen=True, slots=True)
class Token:
    """`site` None: every site. `agent_id` is set for role `agent` only. Times in ms."""

    token_id: str
    role: Role
    site: str | None
    agent_id: str | None
    created_at: int
    expires_at: int | None
    digest: str

    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= time.time() * 1000


class Tokens:
    """The tokens of one service: a hash `start of the digest -> record`, and the admin token its operator set."""

    def __init__(self, channel: Commands, key: str, admin_secret: str) -> None:
        self._channel = channel
        self._key = key
        self._admin_digest = digest_of(admin_secret)
        self._cache: dict[str, tuple[float, Token]] = {}

    async def find(self, secret: str) -> Token | None:
        """The valid token of this secret. A revoked one is refused within half a second, everywhere."""
        if not secret or len(secret) > _LONGEST:
            return None
        digest = digest_of(secret)
        if hmac.compare_digest(digest, self._admin_digest):
            return Token("admin", "admin", None, None, 0, None, digest)
        token = await self._read(_field(digest))
        if token is None or token.expired() or not hmac.compare_digest(digest, token.digest):
            return None
        return token

    async def create(
        self, role: Role, site: str | None, agent_id: str | None, expires_at: int | None
    ) -> tuple[Token, str]:
        """A new token and its secret, which is not to be had again."""
        secret = new_secret()
        token = _token("", secret, role, site, agent_id, expires_at)
        await self._channel.call("HSET", self._key, _field(token.digest), _dump(token))
        return token, secret

    async def plant(self, token_id: str, secret: str, role: Role, site: str | None, agent_id: str | None) -> bool:
        """Keep a secret the operator chose (a seed) unless it is known already; True when it was new."""
        token = _token(token_id, secret, role, site, agent_id, None)
        return bool(await self._channel.call("HSETNX", self._key, _field(token.digest), _dump(token)))

    async def all(self) -> list[Token]:
        records = await self._channel.call("HVALS", self._key)
        return sorted((_load(raw) for raw in records), key=lambda token: token.token_id)

    async def delete(self, token: Token) -> None:
        self._cache.pop(_field(token.digest), None)
        await self._channel.call("HDEL", self._key, _field(token.digest))

    async def _read(self, field: str) -> Token | None:
        now = time.monotonic()
        known = self._cache.get(field)
        if known is not None and known[0] > now:
            return known[1]
        raw = await self._channel.call("HGET", self._key, field)
        if raw is None:
            self._cache.pop(field, None)
            return None
        if len(self._cache) >= _CACHE_MAX:
            self._cache.clear()
        token = _load(raw)
        self._cache[field] = (now + _CACHE_S, token)
        return token


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def new_secret() -> str:
    return f"vip_{secrets.token_urlsafe(32)}"


def _field(digest: str) -> str:
    return digest[:16]


def _token(
    token_id: str, secret: str, role: Role, site: str | None, agent_id: str | None, expires_at: int | None
) -> Token:
    digest = digest_of(secret)
    return Token(token_id or _field(digest), role, site, agent_id, int(time.time() * 1000), expires_at, digest)


def _dump(token: Token) -> str:
    return json.dumps(asdict(token), separators=(",", ":"))


def _load(raw: bytes) -> Token:
    return Token(**json.loads(raw))
