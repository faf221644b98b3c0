"""PINs: kept as slow salted hashes only, checked beside the event loop. `scrypt:<log2 n>:<r>:<p>:<salt>:<hash>`.

A PIN has few digits, so whoever holds the hashes finds them all in the end: what protects it is that tries are counted.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from functools import cache

LOG_N, R, P = 14, 8, 5
"""OWASP's least for scrypt with 16 MiB a check; about a quarter of a second."""
AT_ONCE = 2
MAX_MEMORY = 64 * 1024 * 1024
NOBODY = f"scrypt:{LOG_N}:{R}:{P}:{b64encode(bytes(16)).decode()}:{b64encode(bytes(32)).decode()}"
"""What a PIN is checked against where there is none: it takes as long, and never fits."""


@cache
def _threads() -> ThreadPoolExecutor:
    """So many at once: the hash lets go of the interpreter, but the machine has other things to do."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pin")


async def hash_of(pin: str) -> str:
    """What is kept of a PIN."""
    salt = secrets.token_bytes(16)
    made = await _run(pin, salt, LOG_N, R, P)
    return f"scrypt:{LOG_N}:{R}:{P}:{b64encode(salt).decode()}:{b64encode(made).decode()}"


async def fits(pin: str, kept: str) -> bool:
    """Whether it is the PIN of this hash; '' for nobody's, which takes as long. Compared in constant time."""
    _, log_n, r, p, salt, expected = (kept or NOBODY).split(":")
    made = await _run(pin, b64decode(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(made, b64decode(expected)) and bool(kept)


async def digest_of_secret(text: bytes, salt: str) -> str:
    """Tells texts that hold a PIN apart, without a way back to it that is quicker than the PIN's own hash."""
    loop = asyncio.get_running_loop()
    made = await loop.run_in_executor(_threads(), _scrypt, text, salt.encode(), LOG_N, R, P)
    return made.hex()[:32]


async def _run(pin: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return await asyncio.get_running_loop().run_in_executor(_threads(), _scrypt, pin.encode(), salt, log_n, r, p)


def _scrypt(text: bytes, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(text, salt=salt, n=1 << log_n, r=r, p=p, maxmem=MAX_MEMORY, dklen=32)
