"""The shared connection: order, concurrency, refusals, cancellation, time-outs, back-pressure."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import shutil
import signal
import ssl
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from router.store import channel as channel_module
from router.store.channel import Channel, Congested, ConnectionLost, ServerError, TimedOut
from router.store.embedded import EmbeddedServer
from tests.support.waiting import wait_until
from tests.support.wooden_server import greet, wooden_server


async def test_replies_are_words_numbers_lists_or_nothing(channel: Channel, site: str) -> None:
    assert await channel.call("SET", f"{{{site}}}:a", b"\x00\xff") == b"OK"
    assert await channel.call("GET", f"{{{site}}}:a") == b"\x00\xff"
    assert await channel.call("GET", f"{{{site}}}:none") is None
    assert await channel.call("INCRBY", f"{{{site}}}:n", 41) == 41
    assert await channel.call("EVAL", "return {1, 'zwei', {false}}", 0) == [1, b"zwei", [None]]


async def test_a_thousand_tasks_each_get_their_own_reply(channel: Channel) -> None:
    replies = await asyncio.gather(*(channel.call("ECHO", f"word {number}") for number in range(1000)))
    assert replies == [f"word {number}".encode() for number in range(1000)]


async def test_commands_of_one_tick_leave_in_one_write(channel: Channel, site: str) -> None:
    async def reads() -> int:
        stats = (await channel.call("INFO", "stats")).decode()
        return int(stats.partition("total_reads_processed:")[2].partition("\r")[0])

    before = await reads()
    await asyncio.gather(*(channel.call("PING") for _ in range(200)))
    assert await reads() - before <= 2


async def test_commands_arrive_in_the_order_they_were_sent(channel: Channel, site: str) -> None:
    futures = [channel.send("RPUSH", f"{{{site}}}:list", number) for number in range(500)]
    assert [await future for future in futures] == list(range(1, 501))
    held = await channel.call("LRANGE", f"{{{site}}}:list", 0, -1)
    assert held == [str(number).encode() for number in range(500)]


async def test_a_refusal_is_an_error_with_a_code(channel: Channel, site: str) -> None:
    with pytest.raises(ServerError, match="wrong number of arguments") as refused:
        await channel.call("GET")
    assert refused.value.code == "ERR"
    with pytest.raises(ServerError) as unknown:
        await channel.call("EVALSHA", "0" * 40, 0)
    assert unknown.value.code == "NOSCRIPT"


async def test_call_many_puts_refusals_among_the_replies(channel: Channel, site: str) -> None:
    key = f"{{{site}}}:a"
    replies = await channel.call_many([("SET", key, "x"), ("INCR", key), ("GET", key)])
    assert replies[0] == b"OK"
    assert isinstance(replies[1], ServerError)
    assert replies[2] == b"x"
    assert await channel.call_many([]) == []


async def test_a_reply_larger_than_any_buffer_arrives_whole(channel: Channel, site: str) -> None:
    large = os.urandom(3_000_000)
    assert await channel.call("SET", f"{{{site}}}:big", large) == b"OK"
    read, following = await asyncio.gather(channel.call("GET", f"{{{site}}}:big"), channel.call("ECHO", "next"))
    assert read == large
    assert following == b"next"


async def test_a_cancelled_waiter_leaves_the_others_in_step(channel: Channel) -> None:
    tasks = [asyncio.create_task(channel.call("ECHO", number)) for number in range(100)]
    await asyncio.sleep(0)  # they are queued
    for task in tasks[::3]:
        task.cancel()
    replies = await asyncio.gather(*tasks, return_exceptions=True)
    for number, reply in enumerate(replies):
        if number % 3 == 0:
            assert isinstance(reply, asyncio.CancelledError)
        else:
            assert reply == str(number).encode()


async def test_a_cancelled_batch_leaves_the_others_in_step(channel: Channel) -> None:
    batch = asyncio.create_task(channel.call_many([("ECHO", "a"), ("ECHO", "b"), ("NONSENSE",)]))
    await asyncio.sleep(0)
    batch.cancel()
    assert await channel.call("ECHO", "c") == b"c"
    with pytest.raises(asyncio.CancelledError):
        await batch


async def test_closed_it_refuses_and_ends_those_who_wait(server: str) -> None:
    channel = await Channel.open(server)
    waiting = asyncio.create_task(channel.call("BLPOP", "{vipline}:nothing", 0))
    await wait_until(lambda: channel.pending == 1)
    await channel.close()
    with pytest.raises(ConnectionLost):
        await waiting
    with pytest.raises(ConnectionLost, match="closed"):
        await channel.call("PING")


async def test_whoever_is_cancelled_while_opening_leaves_no_connection(tmp_path: Path) -> None:
    here, gone = asyncio.Event(), asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.set()
        await reader.read()
        gone.set()

    async with wooden_server(tmp_path, says_nothing) as url:
        opening = asyncio.create_task(Channel.open(url))
        await here.wait()
        opening.cancel()
        await asyncio.wait_for(gone.wait(), 5)
        with pytest.raises(asyncio.CancelledError):
            await opening


async def test_whoever_is_cancelled_while_closing_leaves_no_connection(tmp_path: Path) -> None:
    gone = asyncio.Event()

    async def lets_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.read()
        gone.set()

    async with wooden_server(tmp_path, lets_in) as url:
        channel = await Channel.open(url)
        closing = asyncio.create_task(channel.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait_for(gone.wait(), 5)
        with pytest.raises(asyncio.CancelledError):
            await closing


async def test_a_lost_batch_raises_once_and_leaves_nothing_unseen(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    channel = await Channel.open(server)
    batch = asyncio.create_task(channel.call_many([("BLPOP", "{vipline}:nothing", 0)] * 3))
    await wait_until(lambda: channel.pending == 3)
    await channel.close()
    with pytest.raises(ConnectionLost):
        await batch
    del batch
    gc.collect()
    assert "never retrieved" not in caplog.text


async def test_it_is_let_in_by_password_and_database(fresh_server: EmbeddedServer) -> None:
    first = await Channel.open(fresh_server.url)
    await first.call("ACL", "SETUSER", "router", "on", ">se:cret", "~*", "+@all")
    await first.call("ACL", "SETUSER", "default", "off")
    name = f"unix://router:se%3Acret@{fresh_server.socket_path}"
    second = await Channel.open(f"{name}?db=3")
    await second.call("SET", "here", "3")
    assert "keys=1" in (await second.call("INFO", "keyspace")).decode().partition("db3:")[2]
    with pytest.raises(ServerError, match="WRONGPASS") as refused:
        await Channel.open(name.replace("cret", "crat"), deadline_s=2)
    assert "crat" not in str(refused.value)
    await first.close()
    await second.close()


async def test_tls_is_spoken_and_the_certificate_checked(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=here"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words.split(), *names], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)

    async def serving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.read()

    listener = await asyncio.start_server(serving, "127.0.0.1", 0, ssl=context)
    url = f"rediss://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    channel = await Channel.open(f"{url}?ssl_ca_certs={certificate}")
    await channel.close()
    with pytest.raises(ConnectionLost, match="certificate verify failed"):
        await Channel.open(url, deadline_s=2)
    listener.close()


async def test_nobody_there_is_said_after_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(ConnectionLost, match=r"no server answered within 0\.2 s"):
        await Channel.open(f"unix://{tmp_path}/none.sock", deadline_s=0.2)


class TestLosses:
    async def test_the_server_killed_mid_flight_fails_what_was_sent_and_then_serves_again(
        self, fresh_server: EmbeddedServer
    ) -> None:
        keeper = asyncio.create_task(fresh_server.keep_alive())
        channel = await Channel.open(fresh_server.url)
        acknowledged = lost = 0

        async def work() -> None:
            nonlocal acknowledged, lost
            for _ in range(100):
                try:
                    await channel.call("INCR", "n")
                    acknowledged += 1
                except ConnectionLost:
                    lost += 1

        workers = asyncio.gather(*(work() for _ in range(50)))
        await wait_until(lambda: acknowledged > 500)
        assert fresh_server.pid
        os.kill(fresh_server.pid, signal.SIGKILL)
        await workers
        assert acknowledged + lost == 5000
        assert 0 < lost <= 50  # what stood in flight; what came later waited for the new server
        assert acknowledged <= int(await channel.call("GET", "n")) <= acknowledged + lost
        assert channel.reconnects == 1
        await channel.close()
        keeper.cancel()

    async def test_a_server_still_loading_its_file_is_not_used_yet(self, tmp_path: Path) -> None:
        async def loading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"vipline\r\n")
            writer.write(b"+OK\r\n")
            await reader.readuntil(b"PING\r\n")
            writer.write(b"-LOADING the file\r\n")
            await reader.read()

        async def serving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)
            await reader.readuntil(b"GET\r\n")
            writer.write(b":7\r\n")
            await reader.read()

        async with wooden_server(tmp_path, loading, loading, serving) as url:
            channel = await Channel.open(url)
            assert await channel.call("GET") == 7
            await channel.close()

    async def test_a_silent_server_is_left_after_the_deadline(self, tmp_path: Path) -> None:
        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)
            await reader.read()

        async def serving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)
            while await reader.readuntil(b"PING\r\n"):
                writer.write(b"+PONG\r\n")

        async with wooden_server(tmp_path, silent, serving) as url:
            channel = await Channel.open(url, deadline_s=1)
            early = [asyncio.create_task(channel.call("PING")) for _ in range(3)]
            await asyncio.sleep(0.5)
            late = asyncio.create_task(channel.call("PING"))
            outcomes = await asyncio.gather(*early, late, return_exceptions=True)
            # Those who waited a whole deadline timed out; the later one was on the same connection and lost it.
            assert [type(outcome) for outcome in outcomes] == [TimedOut] * 3 + [ConnectionLost]
            assert await channel.call("PING") == b"PONG"
            await channel.close()

    async def test_while_nobody_is_there_commands_wait_and_then_time_out(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(channel_module, "HELD_MAX", 5)
        accepted = 0

        async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal accepted
            accepted += 1
            if accepted == 1:
                await greet(reader, writer)

        async with wooden_server(tmp_path, leaving) as url:
            channel = await Channel.open(url, deadline_s=1)
            await wait_until(lambda: not channel.is_connected)
            held = [channel.send("PING") for _ in range(5)]
            with pytest.raises(Congested):
                channel.send("PING")
            outcomes = await asyncio.gather(*held, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {TimedOut}
            assert channel.pending == 0
            await channel.close()

    async def test_closing_ends_also_those_who_were_not_sent_yet(self, tmp_path: Path) -> None:
        async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)

        async with wooden_server(tmp_path, leaving) as url:
            channel = await Channel.open(url)
        await wait_until(lambda: not channel.is_connected)
        held = channel.send("PING")
        await channel.close()
        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(held, 1)

    async def test_a_server_that_lets_us_in_and_leaves_answers_nobody_but_hangs_nobody(self, tmp_path: Path) -> None:
        async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)

        async with wooden_server(tmp_path, leaving) as url:
            channel = await Channel.open(url)
            for _ in range(4):
                with pytest.raises(ConnectionLost):
                    await asyncio.wait_for(channel.call("PING"), 2)
            await channel.close()

    async def test_a_server_that_does_not_read_stops_the_writing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(channel_module, "HELD_MAX", 10)
        read_on = asyncio.Event()

        async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await read_on.wait()
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            while await reader.readuntil(b"END\r\n"):
                writer.write(b"+read\r\n")

        async with wooden_server(tmp_path, slow) as url:
            channel = await Channel.open(url)
            sent: list[asyncio.Future[bytes]] = []
            with contextlib.suppress(Congested):
                while len(sent) < 1000:
                    sent.append(channel.send("SET", "x" * 60_000 + "END"))
                    await asyncio.sleep(0)
            assert 10 <= len(sent) < 200  # a few went into the kernel's buffers, ten wait here
            read_on.set()
            assert set(await asyncio.gather(*sent)) == {b"read"}
            await channel.close()

    async def test_answers_that_make_no_sense_end_the_connection(self, tmp_path: Path) -> None:
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)
            await reader.readuntil(b"PING\r\n")
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await reader.read()

        async with wooden_server(tmp_path, babble) as url:
            channel = await Channel.open(url)
            with pytest.raises(ConnectionLost):
                await channel.call("PING")
            await channel.close()

    async def test_more_answers_than_questions_end_the_connection(self, tmp_path: Path) -> None:
        async def talkative(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await greet(reader, writer)
            await reader.readuntil(b"PING\r\n")
            writer.write(b"+PONG\r\n+PONG\r\n")
            await reader.read()

        async with wooden_server(tmp_path, talkative) as url:
            channel = await Channel.open(url)
            assert await channel.call("PING") == b"PONG"
            await wait_until(lambda: channel.reconnects == 1)
            await channel.close()


@pytest.mark.parametrize(
    "scenario",
    [
        TestLosses().test_a_silent_server_is_left_after_the_deadline,
        TestLosses().test_answers_that_make_no_sense_end_the_connection,
        TestLosses().test_more_answers_than_questions_end_the_connection,
    ],
)
def test_it_behaves_alike_on_uvloop(scenario: Callable[[Path], Coroutine[Any, Any, None]], tmp_path: Path) -> None:
    uvloop.run(scenario(tmp_path))


def test_uvloop_carries_a_thousand_tasks(server: str) -> None:
    async def everything() -> None:
        channel = await Channel.open(server)
        await test_a_thousand_tasks_each_get_their_own_reply(channel)
        await test_a_cancelled_waiter_leaves_the_others_in_step(channel)
        await channel.close()

    uvloop.run(everything())
