"""The far end's own client: what it sends arrives, connections are used again, and what goes wrong is told apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from loadtests.carriers.posting import Broken, Posts, Unreachable


@asynccontextmanager
async def serving(handler: object) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/{what:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def posting() -> AsyncIterator[Posts]:
    posts = Posts()
    try:
        yield posts
    finally:
        await posts.close()


async def test_path_headers_and_body_arrive_and_one_connection_is_enough() -> None:
    peers = set()

    async def echo(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        told = f"{request.path} {request.headers['X-One']} {(await request.read()).decode()}"
        return web.Response(text=told, status=201)

    async with serving(echo) as base, posting() as posts:
        for _ in range(3):
            status, kind, body = await posts.post(f"{base}/a/b", "é=1".encode(), {"X-One": "two"})
            assert (status, kind, body.decode()) == (201, "text/plain; charset=utf-8", "/a/b two é=1")
    assert len(peers) == 1


async def test_another_try_opens_a_connection_although_one_is_idle() -> None:
    peers = set()

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.add(request.transport.get_extra_info("peername"))
        return web.Response()

    async with serving(note) as base, posting() as posts:
        for fresh in (False, True, False):
            await posts.post(f"{base}/", b"", {}, fresh=fresh)
    assert len(peers) == 2


async def test_many_at_once_each_get_their_own_answer_however_long_it_is() -> None:
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async with serving(echo) as base, posting() as posts:
        bodies = [bytes([number]) * 50_000 for number in range(40)]
        answers = await asyncio.gather(*(posts.post(f"{base}/", body, {}) for body in bodies))
    assert [answer.body for answer in answers] == bodies


async def test_a_connection_that_the_other_side_closes_is_not_used_again() -> None:
    async def once(request: web.Request) -> web.Response:
        answer = web.Response(text="bye")
        answer.force_close()
        return answer

    async with serving(once) as base, posting() as posts:
        for _ in range(3):
            assert (await posts.post(f"{base}/", b"", {})).body == b"bye"


async def test_nobody_there_is_told_from_a_broken_line_and_from_an_answer_without_length() -> None:
    async def gone(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def endless(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        return answer

    async with posting() as posts:
        async with serving(gone) as base:
            with pytest.raises(Broken):
                await posts.post(f"{base}/", b"", {})
        async with serving(endless) as base:
            with pytest.raises(Broken):
                await posts.post(f"{base}/", b"", {})
        with pytest.raises(Unreachable):
            await posts.post(f"{base}/", b"", {})


async def test_who_does_not_wait_for_an_answer_does_not_spoil_the_next() -> None:
    asked = asyncio.Event()

    async def slow(request: web.Request) -> web.Response:
        if request.path == "/slow":
            asked.set()
            await asyncio.sleep(30)
        return web.Response(text=request.path)

    async with serving(slow) as base, posting() as posts:
        waiting = asyncio.create_task(posts.post(f"{base}/slow", b"", {}))
        await asked.wait()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert (await posts.post(f"{base}/fast", b"", {})).body == b"/fast"
