"""Secrets a plan names, as they are now: read again when the plan changes or a secret's file is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from config.parts import Secret
from config.secrets import read_secret


class Watched:
    """`named` gives the plan's secrets of the moment. Files are looked at once in `look_every_s`."""

    def __init__(self, named: Callable[[], Sequence[Secret]], look_every_s: float = 1.0) -> None:
        self._named = named
        self._look_every_s = look_every_s
        self._read: Sequence[Secret] | None = None
        self._written: list[int] = []
        self._looked = 0.0
        self._values: tuple[str | None, ...] = ()

    @property
    def values(self) -> tuple[str | None, ...]:
        """In the order they are named; None for one that is empty, not set or not readable."""
        named, now = self._named(), time.monotonic()
        if named != self._read or now - self._looked >= self._look_every_s:
            self._looked = now
            written = [_written(secret) for secret in named]
            if named != self._read or written != self._written:
                self._read, self._written = named, written
                self._values = tuple(read_secret(secret) for secret in named)
        return self._values


def _written(secret: Secret) -> int:
    """When a secret's file was last written, ns; 0 for one that is in the environment or away."""
    try:
        return Path(secret.file).stat().st_mtime_ns if secret.file else 0
    except OSError:
        return 0
