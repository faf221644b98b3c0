"""Runs one of our own scripts; a server that does not know it yet is sent the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from router.store.channel import ServerError
from router.store.reading import Pipelining
from router.store.script_loader import Script


async def run_script(connection: Pipelining, script: Script, root: str, arguments: Sequence[str] = ()) -> list[Any]:
    """Its words. Raises what the connection raises."""
    rest = ("1", root, *arguments)
    try:
        words: list[Any] = await connection.call("EVALSHA", script.sha, *rest)
    except ServerError as error:
        if not str(error).startswith("NOSCRIPT"):
            raise
        words = await connection.call("EVAL", script.body, *rest)
    return words
