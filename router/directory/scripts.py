"""Runs the directory's scripts: arguments by the names their headers give, NOSCRIPT healed unseen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from router.store.channel import Channel, ServerError
from router.store.script_loader import Script, load_script

Arguments = Mapping[str, str | bytes | int]


@cache
def script(name: str) -> Script:
    return load_script(Path(__file__).parent / "scripts" / f"{name}.lua")


class Scripts:
    """The directory's scripts on one site. `root` is the site's key prefix."""

    def __init__(self, channel: Channel, root: str) -> None:
        self._channel = channel
        self._root = root

    async def run(self, name: str, **arguments: str | bytes | int) -> list[Any]:
        """The script's reply: a word, then what its header says. Words and numbers in it are bytes or int."""
        return (await self.run_many(name, [arguments]))[0]

    async def run_many(self, name: str, rows: Sequence[Arguments]) -> list[list[Any]]:
        """One reply a row, all in one flush; each row is a script of its own."""
        one = script(name)
        replies = await self._channel.call_many([self._command("EVALSHA", one.sha, one, row) for row in rows])
        missing = [place for place, reply in enumerate(replies) if _is_missing(reply)]
        if missing:
            again = [self._command("EVAL", one.body, one, rows[place]) for place in missing]
            for place, reply in zip(missing, await self._channel.call_many(again), strict=True):
                replies[place] = reply
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    def _command(self, verb: str, what: str, one: Script, row: Arguments) -> list[str | bytes | int]:
        return [verb, what, 1, self._root, *(row[argument] for argument in one.arguments)]


def _is_missing(reply: object) -> bool:
    return isinstance(reply, ServerError) and str(reply).startswith("NOSCRIPT")
