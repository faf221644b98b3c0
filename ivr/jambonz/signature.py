"""Is this really jambonz? `Jambonz-Signature: t=<Unix s>,v1=<hex>[,v1=…]`. Pure; anything unclear is a no.

Signed are the time and the body, not the address: who was sent where stands in the body too, and is compared
(payloads.py). Within the window a replay verifies; it finds its step answered and changes nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

HEADER = "Jambonz-Signature"
TOLERANCE_S = 300
MAX_SIGNATURES = 8


def signature_of(secret: bytes, stamp: str, body: bytes) -> bytes:
    """What `v1` must say."""
    return hmac.digest(secret, stamp.encode() + b"." + body, "sha256").hex().encode()


def is_signed(headers: Sequence[str], secrets: Iterable[bytes], body: bytes, now_s: float) -> bool:
    """Whether any of the secrets made any of the header's signatures, no longer ago than TOLERANCE_S.

    Each comparison takes the same time however much of it agrees. No secret, no header, or two headers: False.
    """
    if len(headers) != 1:
        return False
    stamp, given = "", []
    for part in headers[0].split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            if stamp:
                return False
            stamp = value
        elif name == "v1":
            given.append(value.encode("utf-8", "replace"))
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or not 0 < len(given) <= MAX_SIGNATURES:
        return False
    if abs(now_s - int(stamp)) > TOLERANCE_S:
        return False
    made = [signature_of(secret, stamp, body) for secret in secrets]
    return any(hmac.compare_digest(one, other) for one in made for other in given)
