"""The client for commands, against servers that answer well and badly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import uvloop

from ivr.ari import commands
from ivr.ari.rest import HttpRest, NoAnswer, NotSent

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
EMPTY = b"HTTP/1.1 204 No Content\r\nServer: Asterisk/22.5.0\r\n\r\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve, deadline_s: float = 2.0, password: tuple[str, ...] = ("x",)) -> AsyncIterator[HttpRest]:
    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(quietly, "127.0.0.1", 0)
    rest = HttpRest(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "vipline", password, deadline_s)
    try:
        yield rest
    finally:
        await rest.close()
        server.close()


def answering(*answers: bytes, seen: list[bytes] | None = None) -> Serve:
    """These answers in turn, then the last one again; on any number of connections."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if seen is not None:
                seen.append(head)
            writer.write(left.pop(0) if len(left) > 1 else left[0])
            await writer.drain()

    return serve


async def test_a_command_as_it_goes_out() -> None:
    seen: list[bytes] = []
    async with served(answering(EMPTY, seen=seen)) as rest:
        assert await rest.ask(commands.play("1.2", "p", ["sound:a", "sound:b c"])) == commands.Answer(204)
    line, *headers = seen[0].decode().split("\r\n")
    assert line == "POST /ari/channels/1.2/play/p?media=sound%3Aa%2Csound%3Ab%20c HTTP/1.1"
    assert "Content-Length: 0" in headers
    assert "Authorization: Basic dmlwbGluZTp4" in headers


def test_the_loop_of_the_service_will_do() -> None:
    """Its transports are of another family."""

    async def asked() -> None:
        async with served(answering(OK)) as rest:
            assert (await rest.ask(commands.channels())).ok
            assert (await rest.ask(commands.channels())).ok

    uvloop.run(asked())


async def test_a_connection_is_used_again() -> None:
    connections = 0
    serve = answering(OK)

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await serve(reader, writer)

    async with served(counted) as rest:
        for _ in range(5):
            assert (await rest.ask(commands.channels())).ok
        assert connections == 1
        await asyncio.gather(*(rest.ask(commands.channels()) for _ in range(5)))
        assert connections <= 6


async def test_an_answer_in_pieces() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for place in range(len(OK)):
            writer.write(OK[place : place + 1])
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    async with served(serve) as rest:
        assert await rest.ask(commands.channels()) == commands.Answer(200, {})


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nfor ever", b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}", b"x" * 100_000,
    ],
)  # fmt: skip
async def test_what_is_no_answer_leaves_a_command_unknown_and_the_next_one_well(answer: bytes) -> None:
    """A list was only asked for: that is as if it had not been sent."""
    turns = iter([answer, answer])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(next(turns, OK))
        await writer.drain()

    async with served(serve) as rest:
        with pytest.raises(NoAnswer):
            await rest.ask(commands.answer("1"))
        with pytest.raises(NotSent):
            await rest.ask(commands.channels())
        assert (await rest.ask(commands.channels())).ok


async def test_an_answer_that_never_comes_and_one_that_comes_too_late() -> None:
    """The late one is nobody's: not the next command's."""
    release = asyncio.Event()
    first = True

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal first
        await reader.readuntil(b"\r\n\r\n")
        if first:
            first = False
            await release.wait()
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        else:
            writer.write(OK)
        await writer.drain()
        await reader.read()

    async with served(serve, deadline_s=0.1) as rest:
        with pytest.raises(NoAnswer):
            await rest.ask(commands.answer("1"))
        release.set()
        assert (await rest.ask(commands.answer("1"))).status == 200


async def test_nobody_is_there() -> None:
    async with served(answering(OK)) as rest:
        pass
    with pytest.raises(NotSent):
        await rest.ask(commands.answer("1"))


async def test_a_server_that_closes_after_each_answer() -> None:
    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
    async with served(answering(closing)) as rest:
        for _ in range(3):
            assert (await rest.ask(commands.answer("1"))).ok


async def test_the_password_that_fits_is_tried_first_from_then_on() -> None:
    seen: list[bytes] = []
    refused = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
    async with served(answering(refused, OK, seen=seen), password=("old", "new")) as rest:
        assert (await rest.ask(commands.channels())).ok
        assert (await rest.ask(commands.channels())).ok
    assert len(seen) == 3
    assert seen[1].split(b"Authorization")[1] == seen[2].split(b"Authorization")[1]
