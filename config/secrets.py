"""Reads a secret where the plan says it is."""

from __future__ import annotations

import os
from pathlib import Path

from config.parts import Secret


def read_secret(secret: Secret) -> str | None:
    """The secret without surrounding blanks; None when it is empty, not set or not readable."""
    if secret.env:
        return os.environ.get(secret.env, "").strip() or None
    try:
        return Path(secret.file or "").read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeError):
        return None
