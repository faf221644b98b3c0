"""What people write about a call lies with its cold facts, which an erasure finds and which end with the call.

The event, which nothing can take out of the stream again, names only the place.
"""

from __future__ import annotations

import contextlib
import secrets

from router.domain.errors import UnknownCall
from router.domain.events import WORDS
from router.site import Site


async def put_down(site: Site, call_id: str, words: str) -> str:
    """Where they are, for the event to name; empty: there are none, or nothing is left of the call to go with."""
    if words:
        place = f"{WORDS}{secrets.token_hex(6)}"
        with contextlib.suppress(UnknownCall):
            await site.engine.amend_call(call_id, {place: words})
            return place
    return ""
