"""A real Asterisk on loopback, with the files of docs/asterisk.md. VIPLINE_ASTERISK names its program."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.waiting import wait_until

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "asterisk.md"
CARRIER, PHONE = "127.0.0.10", "127.0.0.20"
START_S, CLI_S = 60.0, 3.0

_TONE = """
import array, math, sys, wave
text = sys.stdin.read()
length = 160 * max(10, min(len(text), 40) // 2)
with wave.open(sys.argv[1], "wb") as sound:
    sound.setnchannels(1); sound.setsampwidth(2); sound.setframerate(8000)
    sound.writeframes(array.array("h", [int(9000 * math.sin(n / 4)) for n in range(length)]).tobytes())
"""
SPEAK = [sys.executable, "-c", _TONE, "{file}"]
"""Every text is a short tone: a recording is heard, words are not."""


def program() -> str:
    return os.environ["VIPLINE_ASTERISK"]


def blocks() -> dict[str, str]:
    """The files of the document, by their names; those of the second way by `name, second way`."""
    return dict(re.findall(r"^```ini ([^\n]+)\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE))


def free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class RealAsterisk:
    """`connects_to`: the service it connects to, `ws://host:port`; empty: we connect to it."""

    def __init__(self, folder: Path, connects_to: str = "") -> None:
        self.folder = folder
        self.connects_to = connects_to
        self.sip = ("127.0.0.1", free(socket.SOCK_DGRAM))
        self.http = free(socket.SOCK_STREAM)
        self.sounds = folder / "sounds"
        self.log = folder / "asterisk.log"
        self._child: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    def section(self, **more: Any) -> dict[str, Any]:
        """The plan's part for it."""
        settings = {"user": "vipline", "password": {"env": "ARI_PASSWORD"}} | more
        return {
            "asterisks": {"pbx1": settings if self.connects_to else {"url": self.url} | settings},
            "number": "PJSIP/{number}@trunk",
            "trusted": ["trunk"],
            "speak": {"command": SPEAK, "folder": str(self.sounds)},
        }

    def write(self) -> None:
        etc = self.folder / "etc"
        for name in ("etc", "lib", "spool", "run", "log", "music", "sounds"):
            (self.folder / name).mkdir(exist_ok=True)
        folders = {
            "etc": "etc",
            "varlib": "lib",
            "db": "lib",
            "key": "lib",
            "spool": "spool",
            "run": "run",
            "log": "log",
        }
        lines = [f"ast{name}dir => {self.folder / at}" for name, at in folders.items()]
        (etc / "asterisk.conf").write_text("\n".join(["[directories]", *lines, "[options]", "nocolor = yes", ""]))
        (etc / "modules.conf").write_text("[modules]\nautoload = yes\n")
        (etc / "rtp.conf").write_text("[general]\nrtpstart = 21000\nrtpend = 21998\n")
        (etc / "musiconhold.conf").write_text(f"[default]\nmode = files\ndirectory = {self.folder / 'music'}\n")
        (etc / "logger.conf").write_text("[general]\n[logfiles]\nconsole => notice,warning,error,verbose\n")
        for name, text in self._files().items():
            (etc / name).write_text(text)
        _music(self.folder / "music" / "music.wav")

    def _files(self) -> Mapping[str, str]:
        """As they stand in the document, but for addresses and ports."""
        known, found = blocks(), dict[str, str]()
        for name, text in known.items():
            file, _, second = name.partition(", ")
            if second and not self.connects_to:
                continue
            found[file] = found.get(file, "") + text
        found["http.conf"] = _put(found["http.conf"], "bindport = 8088", f"bindport = {self.http}")
        sip = _put(found["pjsip.conf"], "0.0.0.0:5060", f"127.0.0.1:{self.sip[1]}")
        found["pjsip.conf"] = _put(sip, "192.0.2.10", CARRIER)
        if self.connects_to:
            client = _put(found["websocket_client.conf"], "wss://calls.example.org", self.connects_to)
            found["websocket_client.conf"] = _put(client, "tls_enabled = yes", "tls_enabled = no")
        return found

    async def start(self) -> None:
        log = self.log.open("ab")
        self._child = await asyncio.create_subprocess_exec(
            program(), "-C", str(self.folder / "etc" / "asterisk.conf"), "-f", "-vvv",
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        log.close()

        async def booted() -> bool:
            assert self._child is not None
            assert self._child.returncode is None, self.log.read_text()[-4_000:]
            return "fully booted" in (await self.cli("core waitfullybooted")).lower()

        await wait_until(booted, START_S)
        if os.environ.get("VIPLINE_ASTERISK_DEBUG"):
            await self.cli("ari set debug all on")

    async def cli(self, command: str) -> str:
        """What the command said; empty as long as nobody answers."""
        child = await asyncio.create_subprocess_exec(
            program(), "-C", str(self.folder / "etc" / "asterisk.conf"), "-rx", command,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            async with asyncio.timeout(CLI_S):
                said, _ = await child.communicate()
        except TimeoutError:  # it sometimes forgets to go
            child.kill()
            await child.wait()
            return ""
        return said.decode() if child.returncode == 0 else ""

    async def channels(self) -> list[str]:
        """One line each; a count that nobody has told us is one too."""
        said = await self.cli("core show channels")
        return said.splitlines()[1:-3] if "active channel" in said else ["unknown"]

    async def bridges(self) -> list[str]:
        """Those that somebody is in: `id technology number of channels`."""
        lines = (await self.cli("bridge show all")).splitlines()[1:]
        return [line for line in lines if line.split()[1:2] and re.search(r"\s[1-9]\d*\s", line)]

    async def empty(self) -> None:
        """Until nobody is left on it."""

        async def holds() -> bool:
            return not await self.channels() and not await self.bridges()

        await wait_until(holds, 15)

    async def end(self, number: int = signal.SIGTERM) -> None:
        if self._child is not None and self._child.returncode is None:
            self._child.send_signal(number)
            try:
                await asyncio.wait_for(self._child.wait(), 10)
            except TimeoutError:
                self._child.kill()
                await self._child.wait()
        for left in ("asterisk.ctl", "asterisk.pid"):
            with contextlib.suppress(FileNotFoundError):
                (self.folder / "run" / left).unlink()


def _put(text: str, what: str, instead: str) -> str:
    assert what in text, f"the document has no {what!r} any more"
    return text.replace(what, instead)


def _music(file: Path) -> None:
    subprocess.run([*SPEAK[:-1], str(file)], input=b"m" * 200, check=True)


@asynccontextmanager
async def real_asterisk(connects_to: str = "") -> AsyncIterator[RealAsterisk]:
    """One that runs as long as the block, in a folder whose name is short enough for its socket."""
    with tempfile.TemporaryDirectory(prefix="ast", dir="/tmp") as name:
        asterisk = RealAsterisk(Path(name), connects_to)
        asterisk.write()
        try:
            await asterisk.start()
            yield asterisk
        finally:
            await asterisk.end()
            if os.environ.get("VIPLINE_ASTERISK_DEBUG"):
                shutil.copy(asterisk.log, os.environ["VIPLINE_ASTERISK_DEBUG"])
