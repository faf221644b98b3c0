"""A site's Twilio secrets, as its plan names them; read again when the plan or a secret's file changes.

In the plan, under `telephony: twilio:`

    account_sid, auth_token           the account
    auth_token_<anything>             further tokens of it that count as well (rotation)
    account.<sid>[.<anything>]        tokens of a sub-account
    shared_key.<key id>               shared keys for webhooks
    api_key_sid, api_key_secret       what the REST API is called with, instead of the account's token
    api                               its address, where it is not Twilio's own; no secret
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.parts import Secret
from config.secrets import read_secret
from ivr.twilio.signature import Secrets
from router.logging_ import say

API = "https://api.twilio.com"

Section = Mapping[str, Secret]
NO_SECRETS: Section = {}
OTHERS = frozenset({"account_sid", "api_key_sid", "api_key_secret"})

log = logging.getLogger("vipline.twilio")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the REST API of an account, at `api`, is called with: `passwords` in turn, as long as they are refused."""

    user: str
    passwords: tuple[str, ...]
    api: str = API


@dataclass(frozen=True, slots=True)
class Keys:
    """`secrets` verify webhooks, `accounts` call the REST API: by account, the site's own first."""

    secrets: Secrets
    accounts: Mapping[str, Credentials]


class Keyring:
    """`section` gives the plan's secrets of the moment, `api` its address of the API. Files are looked at once in
    `look_every_s`.
    """

    def __init__(
        self, section: Callable[[], Section], api: Callable[[], str | None] = lambda: None, look_every_s: float = 1.0
    ) -> None:
        self._section = section
        self._api = api
        self._look_every_s = look_every_s
        self._read: Section | None = None
        self._written: list[int] = []
        self._looked = 0.0
        self._keys = read_keys(NO_SECRETS)

    @property
    def keys(self) -> Keys:
        section = self._section()
        now = time.monotonic()
        if section is not self._read or now - self._looked >= self._look_every_s:
            self._looked = now
            written = [_written(secret) for secret in section.values()]
            if section is not self._read or written != self._written:
                self._read, self._written = section, written
                self._keys = read_keys(section, self._api() or API)
        return self._keys


def _written(secret: Secret) -> int:
    """When a secret's file was last written, ns; 0 for one that is in the environment or away."""
    try:
        return Path(secret.file).stat().st_mtime_ns if secret.file else 0
    except OSError:
        return 0


def read_keys(section: Section, api: str = API) -> Keys:
    """The secrets of a section. One that is not set or not readable is left out: nothing is verified by it."""
    found = {name: value for name, secret in section.items() if (value := read_secret(secret))}
    main = found.get("account_sid", "")
    tokens: dict[str, tuple[str, ...]] = {}
    shared: dict[str, bytes] = {}
    for name, value in found.items():
        kind, _, rest = name.partition(".")
        if name == "auth_token" or name.startswith("auth_token_"):
            tokens[main] = (*tokens.get(main, ()), value)
        elif kind == "account":
            account = rest.partition(".")[0]
            tokens[account] = (*tokens.get(account, ()), value)
        elif kind == "shared_key":
            shared[rest] = value.encode()
        elif name not in OTHERS:
            say(log, logging.WARNING, "setting of telephony.twilio not known", name=name)
    users = {account: Credentials(account, given, api) for account, given in tokens.items()}
    if "api_key_sid" in found and "api_key_secret" in found:
        users[main] = Credentials(found["api_key_sid"], (found["api_key_secret"],), api)
    own_first = sorted(users, key=lambda account: account != main)
    accounts = {account: users[account] for account in own_first if account}
    verifying = {account: tuple(token.encode() for token in given) for account, given in tokens.items()}
    return Keys(Secrets(main, verifying, shared), accounts)
