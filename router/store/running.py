"""Runs a script of the parts beside the engine."""

from __future__ import annotations

from router.store.channel import ServerError
from router.store.reading import Pipelining
from router.store.script_loader import Script
from router.store.wire import Word


async def run_script(channel: Pipelining, script: Script, root: str, *arguments: Word) -> list[bytes]:
    """Its words. A server that does not know it (a new one, a restarted one) is sent it whole."""
    rest = (1, root, *arguments)
    try:
        words: list[bytes] = await channel.call("EVALSHA", script.sha, *rest)
    except ServerError as error:
        if error.code != "NOSCRIPT":
            raise
        words = await channel.call("EVAL", script.body, *rest)
    return words
