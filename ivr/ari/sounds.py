"""Texts → sounds Asterisk can play: a recording the plan names, or a file made by the command the plan names.

A file is made once per text and voice, beside everything else, and kept while it is used. Whatever goes wrong, a prompt
is left out; nobody ever waits in silence for one.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from config.ari import Ari, Speak
from ivr.ari.pcm import telephone_quality
from ivr.vocabulary import Say
from router.logging_ import say

AT_ONCE = 4
"""Commands that run at the same time."""
TOUCH_S = 600.0
REMEMBERED = 20_000
SUFFIX = ".wav"

log = logging.getLogger("vipline.ari")


def as_media(name: str) -> str:
    """A media URI: `sound:` unless it says otherwise."""
    return name if name.partition(":")[0] in ("sound", "recording", "tone", "digits", "number") else f"sound:{name}"


class Sounds:
    """One site's. `part` gives the plan's section of the moment. `counts`: rendered, unspoken."""

    def __init__(self, part: Callable[[], Ari | None], counts: Counter[str]) -> None:
        self._part = part
        self._counts = counts
        self._making: dict[Path, asyncio.Task[bool]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._touched: dict[Path, float] = {}

    def asset(self, name: str) -> str | None:
        """A sound of the plan; None where it has no name in Asterisk: music takes its place."""
        part = self._part()
        found = part.sounds.get(name) if part else None
        return as_media(found) if found else None

    async def spoken(self, texts: Sequence[Say]) -> list[str]:
        """What says these texts, in their order; one that cannot be said is left out."""
        found = await asyncio.gather(*(self._spoken(text) for text in texts))
        return [media for media in found if media]

    async def _spoken(self, text: Say) -> str | None:
        part = self._part()
        if part is None:
            return None
        if recording := part.recordings.get(text.text):
            return as_media(recording)
        speak = part.speak
        if speak is None:
            self._counts["unspoken"] += 1
            return None
        name = _name(text, speak)
        file = Path(speak.folder) / f"{name}{SUFFIX}"
        if not self._is_there(file):
            making = self._making.get(file)
            if making is None:
                making = self._making[file] = asyncio.create_task(self._make(speak, text, file))
                making.add_done_callback(lambda _: self._making.pop(file, None))
            if not await asyncio.shield(making):
                self._counts["unspoken"] += 1
                return None
        return as_media(f"{speak.media or speak.folder}/{name}")

    def _is_there(self, file: Path) -> bool:
        """Looked at on the disk once in a while, which also tells the disk that it is in use."""
        now = time.monotonic()
        if now - self._touched.get(file, -TOUCH_S) < TOUCH_S:
            return True
        try:
            os.utime(file)
        except OSError:
            self._touched.pop(file, None)
            return False
        self._remember(file)
        return True

    def _remember(self, file: Path) -> None:
        if len(self._touched) >= REMEMBERED:
            self._touched.clear()
        self._touched[file] = time.monotonic()

    async def _make(self, speak: Speak, text: Say, file: Path) -> bool:
        """Under another name first: Asterisk must never find half a file."""
        draft = file.with_name(f".{file.stem}.{os.getpid()}{SUFFIX}")
        try:
            async with asyncio.timeout(speak.deadline / 1_000), self._slots:
                await asyncio.to_thread(_run, speak, text, draft)
                draft.replace(file)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            say(log, logging.WARNING, "text not spoken", error=type(error).__name__)
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            return False
        self._remember(file)
        self._counts["rendered"] += 1
        return True

    async def sweep(self) -> int:
        """Removes the files that nobody has heard for long. How many."""
        part = self._part()
        if part is None or part.speak is None:
            return 0
        before = time.time() - max(part.speak.keep / 1_000, 2 * TOUCH_S)
        return await asyncio.to_thread(_sweep, Path(part.speak.folder), before)


def _name(text: Say, speak: Speak) -> str:
    """Equal texts in one voice, equal names; nobody's name can be read from it."""
    told = "\n".join((*speak.command, _voice(text.locale, speak), text.text))
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]


def _voice(locale: str, speak: Speak) -> str:
    return speak.voices.get(locale) or speak.voices.get(locale.partition("-")[0]) or locale.partition("-")[0]


def _run(speak: Speak, text: Say, draft: Path) -> None:
    """The command, the text on its input, in a thread: starting a process stops whoever starts it for milliseconds.

    Raises OSError, SubprocessError and ValueError. A command that takes too long is killed.
    """
    draft.parent.mkdir(parents=True, exist_ok=True)
    words = [
        word.replace("{file}", str(draft)).replace("{voice}", _voice(text.locale, speak)) for word in speak.command
    ]
    subprocess.run(  # noqa: S603 the command is the plan's, and no shell reads it
        words,
        input=text.text.encode("utf-8", "replace"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=speak.deadline / 1_000,
        check=True,
    )
    telephone_quality(draft)


def _sweep(folder: Path, before: float) -> int:
    removed = 0
    if folder.is_dir():
        for file in folder.glob(f"*{SUFFIX}"):
            with contextlib.suppress(OSError):
                if file.stat().st_mtime < before:
                    file.unlink()
                    removed += 1
    return removed
