"""Connections are taken as they come, however long a turn of the loop lasts."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest
import uvloop
from aiohttp import web

from router.api import accepting
from router.api.server import Runner

MANY = 60


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def served() -> tuple[Runner, web.BaseSite, int]:
    app = web.Application()
    app.router.add_get("/", hello)
    runner = Runner(app, shutdown_timeout=0.5)
    await runner.setup()
    assert runner.server is not None
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=128)
    await accepting.start(site, runner.server)
    return runner, site, int(runner.addresses[0][1])


async def turns_until_taken(runner: Runner, port: int) -> int:
    """Turns of the loop until everybody who has connected is taken; the clients connect while it stands still."""
    assert runner.server is not None
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(MANY)]
    for turn in range(1, 10 * MANY):
        await asyncio.sleep(0)
        if len(runner.server.connections) == MANY:
            for client in clients:
                client.close()
            return turn
    raise AssertionError(f"{len(runner.server.connections)} of {MANY} are in")


def test_all_who_wait_are_taken_within_a_few_turns() -> None:
    async def run() -> int:
        runner, _, port = await served()
        try:
            return await turns_until_taken(runner, port)
        finally:
            await runner.cleanup()

    assert uvloop.run(run()) < MANY / 2


def test_who_is_in_is_answered_and_after_the_stop_nobody_comes_in() -> None:
    async def run() -> bytes:
        runner, site, port = await served()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(5) == b"hello"
            await site.stop()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            answer = await reader.readexactly(5)
            writer.close()
            return answer
        finally:
            await runner.cleanup()

    assert uvloop.run(run()) == b"hello"


async def test_out_of_files_it_rests_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accepting, "REST_S", 0.01)
    taken = asyncio.Event()

    class Taken(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            taken.set()
            transport.close()

    class Short(socket.socket):
        """Can accept the second time only."""

        tried = 0

        def accept(self) -> Any:
            Short.tried += 1
            if Short.tried == 1:
                raise OSError(errno.EMFILE, "too many open files")
            return super().accept()

    listening = Short()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    acceptor = accepting.Acceptor(Taken, [listening])
    try:
        _, writer = await asyncio.open_connection(*listening.getsockname())
        await asyncio.wait_for(taken.wait(), 10)
        writer.close()
        assert Short.tried >= 2
    finally:
        acceptor.close()
