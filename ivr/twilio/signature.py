"""Is this really Twilio? `X-Twilio-Signature`, both of its schemes. Pure; anything unclear is a no.

Twilio signs the URL as it knows it, then every form field, sorted, with nothing in between. The signature has no time:
a replay verifies for ever, so replays must be harmless by the step they name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from binascii import b2a_base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from urllib.parse import parse_qsl, urlsplit

Pairs = Sequence[tuple[str, str]]

HEADER = "X-Twilio-Signature"
SETTINGS = "X-Twilio-Webhooks-Signature-Settings"
ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}

_AUTHORITY = re.compile(r"(\[[^\]]*\]|[^:\[\]]+)(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the settings header says: which shared key (None: the account's token) and which hash."""

    key: str | None
    digest: str


LEGACY = Settings(None, "sha1")


def read_settings(headers: Sequence[str]) -> Settings | None:
    """From every settings header there is; none of them: the old scheme. None: not to be understood, so refused."""
    if not headers:
        return LEGACY
    if len(headers) > 1:
        return None
    said: dict[str, str] = {}
    for part in headers[0].split(","):
        name, _, value = part.strip().partition("=")
        if name in said or not value:
            return None
        said[name] = value
    digest = ALGORITHMS.get(said.get("algorithm", "HMAC_SHA1"))
    return Settings(said.get("key"), digest) if digest else None


def bases_of(public_url: str) -> tuple[str, ...]:
    """Every way Twilio may have spelled what stands before the path: with the port and without, never with a user.

    Over https it leaves the port out, over http it keeps it. () for what is no http address.
    """
    parts = urlsplit(public_url)
    found = _AUTHORITY.fullmatch(parts.netloc.rpartition("@")[2])
    if parts.scheme not in ("http", "https") or found is None:
        return ()
    host, port = found[1], found[2] or ("443" if parts.scheme == "https" else "80")
    path = parts.path.rstrip("/")
    return (f"{parts.scheme}://{host}{path}", f"{parts.scheme}://{host}:{port}{path}")


def signature_of(secret: bytes, url: str, pairs: Pairs = (), digest: str = "sha1") -> bytes:
    """What the header must say. Repeated fields count once a value; values of one name are sorted."""
    return _hashed(secret, url, _joined(pairs), digest)


def _joined(pairs: Pairs) -> bytes:
    one = dict(pairs)
    if len(one) == len(pairs):
        return "".join([name + one[name] for name in sorted(one)]).encode("utf-8", "surrogatepass")
    return "".join(chain.from_iterable(sorted(set(pairs)))).encode("utf-8", "surrogatepass")


def _hashed(secret: bytes, url: str, fields: bytes, digest: str) -> bytes:
    return b2a_base64(hmac.digest(secret, url.encode("utf-8", "surrogatepass") + fields, digest), newline=False)


def is_signed(
    signature: str, secrets: Iterable[bytes], bases: Sequence[str], target: str, pairs: Pairs, digest: str = "sha1"
) -> bool:
    """Whether any of the secrets made `signature` for `target`, the request line's own words, below one of `bases`.

    Each comparison takes the same time however much of it agrees. No secret: False.
    """
    if not target.startswith("/"):
        return False
    given = signature.encode("utf-8", "surrogateescape")
    fields = _joined(pairs)
    return any(
        hmac.compare_digest(_hashed(secret, base + target, fields, digest), given)
        for secret in secrets
        for base in bases
    )


def has_body_hash(target: str, body: bytes) -> bool:
    """Whether the address carries the hash of this very body, once: what stands for the fields of a JSON request."""
    stated = [value for name, value in parse_qsl(urlsplit(target).query) if name == "bodySHA256"]
    if len(stated) != 1:
        return False
    return hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), stated[0].lower().encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one site: tokens by account, and shared keys by their id. `main` is the site's own account."""

    main: str
    tokens: Mapping[str, tuple[bytes, ...]]
    shared: Mapping[str, bytes]

    def fit(self, settings: Settings, account: str | None) -> tuple[bytes, ...]:
        """The secrets that may have signed. A known sub-account signs with its own token, never with another's."""
        if settings.key is not None:
            secret = self.shared.get(settings.key)
            return (secret,) if secret else ()
        return self.tokens.get(account or self.main) or self.tokens.get(self.main, ())
