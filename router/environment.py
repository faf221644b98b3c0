"""What the environment says that nobody reads: a misspelled setting would be ignored in silence."""

from __future__ import annotations

import logging
import os
from difflib import get_close_matches

from config.settings import Settings
from router.logging_ import say

PREFIX = "VIPLINE_"
KNOWN = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | {"VIPLINE_SERVER", "VIPLINE_WORKER"}

log = logging.getLogger("vipline.environment")


def warn_of_unknown() -> None:
    """Names only: a value may be a secret."""
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in KNOWN:
            near = get_close_matches(name, KNOWN, 1)
            say(log, logging.WARNING, "not a setting", variable=name, meant=near[0] if near else "nothing like it")
