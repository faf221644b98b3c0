"""The embedded default: a real Valkey server as our child, on a unix socket, with its data in our folder.

It dies with its parent, never runs twice on one folder, and comes back with all its state when it is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import hashlib
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from router.store.server_binary import NoServer, explain, find_binary

log = logging.getLogger(__name__)

LOCK_PATIENCE_S = 10.0
STOP_PATIENCE_S = 10.0
SYNC_EVERY_S = 1.0
# sun_path holds 108 bytes on Linux and 104 elsewhere, its closing NUL included.
SOCKET_PATH_MAX = 103
_PR_SET_PDEATHSIG = 1
# Looked up now: between fork and exec only C may be called. None: no parent-death signal on this system.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class FolderInUse(RuntimeError):
    """Another service keeps its data in this folder."""


class ServerFailed(RuntimeError):
    """The server ended instead of serving; the message ends with its own last words."""


class EmbeddedServer:
    """One server child for one data folder. `start` and `stop` from the main thread, `keep_alive` as a task there."""

    def __init__(self, data: Path | str) -> None:
        self.data = Path(data).absolute()
        self.socket_path = socket_path(self.data)
        self.url = f"unix://{self.socket_path}"
        self.restarts = 0
        self._lock: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the server while there is one."""
        return self._child.pid if self._child and self._child.returncode is None else None

    def start(self) -> None:
        """Start the server and return when it answers. Raises NoServer, FolderInUse, ServerFailed."""
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start the server without waiting for it: the caller has ≈ 40 ms for something else."""
        self._binary = find_binary()
        _make_private(self.data)
        self._lock = _lock_folder(self.data)
        with self._freed_if_it_fails():
            _make_private(self.data / "server")
            _make_private(self.socket_path.parent, must_be_ours=True)
            self._spawn()

    def wait_ready(self) -> None:
        """Return when the launched server answers; an append-only file of any length is loaded first."""
        with self._freed_if_it_fails():
            while not self._answers():
                time.sleep(0.0005)

    async def keep_alive(self) -> None:
        """Start the server again whenever it dies, and have its file on the disk within a second or two.

        Run as a task in the main thread. Returns once the server is stopped.
        """
        syncing = asyncio.create_task(self._keep_synced())
        try:
            await self._keep_running()
        finally:
            syncing.cancel()

    async def _keep_running(self) -> None:
        pause = 0.0
        while self._lock is not None:
            if self._exit_code() is None:
                pause = max(0.0, pause - 0.01)
                await asyncio.sleep(0.1)
                continue
            log.error("the embedded server ended, starting it again", extra={"why": self._last_words()})
            await asyncio.sleep(pause)
            pause = min(5.0, pause + 0.5)
            self.restarts += 1
            with contextlib.suppress(NoServer, ServerFailed):
                self._spawn()
                while not self._answers():
                    await asyncio.sleep(0.002)

    async def _keep_synced(self) -> None:
        synced: dict[Path, int] = {}
        while True:
            await asyncio.sleep(SYNC_EVERY_S)
            for path in (self.data / "server" / "appendonlydir").glob("*.aof"):
                try:
                    size = path.stat().st_size
                    if size != synced.get(path):
                        await asyncio.to_thread(_sync_file, path)
                        synced[path] = size
                except FileNotFoundError:
                    synced.pop(path, None)  # rewritten meanwhile
                except OSError as error:
                    log.error("the append-only file cannot be synced", extra={"why": str(error)})

    def stop(self) -> None:
        """End the server gracefully (its file is synced), then free the folder. Does nothing the second time."""
        if self._child is not None:
            _end(self._child, STOP_PATIENCE_S)
        self._dismiss_watchdog()
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self.socket_path.parent.rmdir()
            self._lock.close()
            self._lock = None

    @contextlib.contextmanager
    def _freed_if_it_fails(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.stop()
            raise

    def _spawn(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            # The kernel's parent-death signal means the *thread* that forked: any other may end long before us.
            raise RuntimeError("the embedded server must be started from the main thread")
        assert self._lock is not None
        self._dismiss_watchdog()
        with (self.data / "server.log").open("wb") as output:
            try:
                self._child = subprocess.Popen(  # noqa: S603
                    [self._binary, *self._arguments()],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    # The child holds the lock too: a folder is free only when its server is really gone.
                    pass_fds=[self._lock.fileno()],
                    # Ctrl-C in a terminal is for us alone; the server must outlive our draining.
                    start_new_session=True,
                    preexec_fn=partial(die_with_parent, os.getpid()),
                )
            except OSError as error:
                raise NoServer(explain([f"{self._binary}: does not run ({error})"])) from error
        if _libc is None:
            self._watchdog = _pipe_watchdog(self._child.pid)

    def _arguments(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.data / "server"),
            "appendonly": "yes",
            # Synced by us, see _sync_file: while the server's own sync runs, it answers before it has written.
            "appendfsync": "no",
            "auto-aof-rewrite-percentage": "100",
            "auto-aof-rewrite-min-size": "64mb",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def _answers(self) -> bool:
        """Whether the child serves by now. Raises ServerFailed when it has ended."""
        if self._exit_code() is not None:
            raise ServerFailed(self._last_words())
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1.0)
                probe.connect(str(self.socket_path))
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False

    def _exit_code(self) -> int | None:
        return self._child.poll() if self._child else None

    def _last_words(self) -> str:
        words = (self.data / "server.log").read_text(errors="replace").strip().splitlines()[-5:]
        return f"the server {self._binary} ended with code {self._exit_code()}: " + " | ".join(words or ["no word"])

    def _dismiss_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
            self._watchdog = None


def socket_path(data: Path) -> Path:
    """Where the server of this data folder listens; a short stand-in when the folder's own path is too long."""
    path = data / "run" / "server.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_MAX:
        return path
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"vipline-{os.getuid()}-{name}" / "server.sock"


def folder_owner(data: Path) -> int | None:
    """The process whose server uses this folder now, or None."""
    try:
        with (data / "lock").open(encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return int((data / "lock").read_text() or 0) or None
    return None


def die_with_parent(parent: int) -> None:
    """Have the kernel send this process SIGTERM when process `parent`, its parent, dies. Does nothing but on Linux."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the signal was armed
            os._exit(1)


def _sync_file(path: Path) -> None:
    """Have the kernel write the file to the disk: a second is all that a power cut may cost.

    A server that syncs by itself (`everysec`) keeps what it answers for meanwhile in its own memory, where a kill -9
    loses it. Of our sync it knows nothing, so every reply still follows its write.
    """
    with path.open("rb") as file:
        (os.fdatasync if sys.platform == "linux" else os.fsync)(file.fileno())


def _make_private(folder: Path, *, must_be_ours: bool = False) -> None:
    """Make the folder 0700. `must_be_ours`: also refuse one that somebody else has put there, and narrow ours."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if must_be_ours:
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise FolderInUse(f"{folder} belongs to somebody else")
        folder.chmod(0o700)


def _lock_folder(data: Path) -> IO[str]:
    """Take the folder's lock, giving a dying server ten seconds to let go. Raises FolderInUse."""
    lock = (data / "lock").open("a+", encoding="ascii")
    give_up_at = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < give_up_at:
                time.sleep(0.02)
                continue
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise FolderInUse(
                f"{data} is in use by another vipline (process {owner}); stop it or choose another VIPLINE_DATA"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock


def _pipe_watchdog(pid: int) -> subprocess.Popen[bytes]:
    """Where the kernel has no parent-death signal: a shell that ends the server when our end of its pipe closes."""
    script = f"trap '' INT TERM; read _; kill -TERM {pid}"
    return subprocess.Popen(["/bin/sh", "-c", script], stdin=subprocess.PIPE, start_new_session=True)  # noqa: S603


def _end(child: subprocess.Popen[bytes], patience_s: float) -> None:
    child.terminate()
    try:
        child.wait(patience_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
