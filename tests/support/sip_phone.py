"""A telephone of our own, for a real Asterisk: SIP over UDP, G.711 both ways, keys by RFC 4733 or INFO."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from tests.support.sip_media import Media
from tests.support.sip_text import Message, digest, read
from tests.support.waiting import wait_until


@dataclass(eq=False)
class Call:
    """One call of a telephone. `state`: calling, ringing, up, failed, ended. `status`: what refused it."""

    phone: SipPhone
    call_id: str
    here: str
    there: str
    target: str
    media: Media
    invite: Message | None = None
    state: str = "calling"
    status: int = 0
    branch: str = ""
    sequence: int = 1
    routes: list[str] = field(default_factory=list)
    talking: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        return self.state in ("failed", "ended")

    async def until(self, state: str, seconds: float = 20.0) -> None:
        await wait_until(lambda: self.state == state or self.over, seconds)
        assert self.state == state, f"{self.state} {self.status} rather than {state}"

    async def hears(self, seconds: float = 20.0) -> None:
        """Until something more than silence has been heard from now on."""
        before = self.media.heard
        await wait_until(lambda: self.media.heard > before + 5, seconds)

    def up(self, sdp: str) -> None:
        host, port = re.search(r"c=IN IP4 (\S+)", sdp), re.search(r"m=audio (\d+)", sdp)
        if host is not None and port is not None:
            self.media.far = (host[1], int(port[1]))
        if self.talking is None:
            self.talking = asyncio.create_task(self.media.talk())

    def finish(self, state: str = "ended") -> None:
        if not self.over:
            self.state = state
        if self.talking is not None:
            self.talking.cancel()
        self.media.close()

    def answer(self) -> None:
        assert self.invite is not None
        self.up(self.invite.body)
        self.state = "up"
        self.phone.reply(self.invite, 200, "OK", self, self.phone.sdp(self.media))

    def refuse(self, status: int) -> None:
        assert self.invite is not None
        self.phone.reply(self.invite, status, "No", self)
        self.finish("failed")

    async def press(self, key: str) -> None:
        await self.media.press(key)

    def inform(self, key: str) -> None:
        """A key by SIP INFO."""
        self.phone.request(self, "INFO", f"Signal={key}\r\nDuration=160\r\n", "application/dtmf-relay")

    def hang_up(self) -> None:
        if self.state == "up":
            self.phone.request(self, "BYE")
        elif self.state in ("calling", "ringing") and self.invite is None:
            self.phone.cancel(self)
        self.finish()


class SipPhone(asyncio.DatagramProtocol):
    """`behaves`: what it does when it is called: answer, ring, busy (486), decline (603)."""

    def __init__(self, user: str, password: str, host: str, server: tuple[str, int]) -> None:
        self.user, self.password, self.host, self.server = user, password, host, server
        self.calls: dict[str, Call] = {}
        self.came: list[Call] = []
        self.behaves = "answer"
        self.registered = False
        self._transport: asyncio.DatagramTransport | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._register_id, self._registers, self._expires = secrets.token_hex(8), 0, 300

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is none by inheritance

    @property
    def at(self) -> str:
        assert self._transport is not None
        return f"{self.host}:{self._transport.get_extra_info('sockname')[1]}"

    def sdp(self, media: Media) -> str:
        lines = ["v=0", f"o=- 1 1 IN IP4 {self.host}", "s=-", f"c=IN IP4 {self.host}", "t=0 0"]
        lines += [f"m=audio {media.port} RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000"]
        return "\r\n".join((*lines, "a=fmtp:101 0-15", "a=sendrecv", ""))

    async def _media(self) -> Media:
        loop = asyncio.get_running_loop()
        _, media = await loop.create_datagram_endpoint(Media, local_addr=(self.host, 0))
        return media

    def _send(self, lines: list[str], body: str = "", kind: str = "application/sdp") -> None:
        head = [*lines, "User-Agent: vipline-test", *([f"Content-Type: {kind}"] if body else [])]
        text = "\r\n".join([*head, f"Content-Length: {len(body.encode())}", "", body])
        if self._transport is not None:
            self._transport.sendto(text.encode(), self.server)

    # ------------------------------------------------------------ what it asks

    async def register(self, seconds: int = 300) -> None:
        self.registered, self._expires = False, seconds
        self._ask_to_register("")
        await wait_until(lambda: self.registered)

    async def unregister(self) -> None:
        await self.register(0)

    def _ask_to_register(self, authorization: str) -> None:
        self._registers += 1
        domain = self.server[0]
        lines = [f"REGISTER sip:{domain} SIP/2.0", self._via(secrets.token_hex(6)), "Max-Forwards: 70"]
        lines += [f"From: <sip:{self.user}@{domain}>;tag={self._register_id}", f"To: <sip:{self.user}@{domain}>"]
        lines += [f"Call-ID: {self._register_id}", f"CSeq: {self._registers} REGISTER"]
        lines += [f"Contact: <sip:{self.user}@{self.at}>", f"Expires: {self._expires}"]
        self._send(lines + ([authorization] if authorization else []))

    def _via(self, branch: str) -> str:
        return f"Via: SIP/2.0/UDP {self.at};branch=z9hG4bK{branch};rport"

    async def call(self, number: str, from_number: str = "", **headers: str) -> Call:
        """Somebody calls `number` from here."""
        host, tag = self.server[0], secrets.token_hex(6)
        here = f"<sip:{from_number or self.user}@{self.host}>;tag={tag}"
        call_id, there = secrets.token_hex(8), f"<sip:{number}@{host}>"
        call = Call(self, call_id, here, there, f"sip:{number}@{host}", await self._media(), branch=tag)
        self.calls[call.call_id] = call
        more = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._send([*self._head(call, "INVITE", tag), *more], self.sdp(call.media))
        return call

    def _head(self, call: Call, method: str, branch: str) -> list[str]:
        lines = [f"{method} {call.target} SIP/2.0", self._via(branch), "Max-Forwards: 70", f"From: {call.here}"]
        lines += [f"To: {call.there}", f"Call-ID: {call.call_id}", f"CSeq: {call.sequence} {method}"]
        return [*lines, f"Contact: <sip:{self.user}@{self.at}>", *(f"Route: {one}" for one in call.routes)]

    def request(self, call: Call, method: str, body: str = "", kind: str = "") -> None:
        call.sequence += 1
        self._send(self._head(call, method, secrets.token_hex(6)), body, kind)

    def cancel(self, call: Call) -> None:
        self._send(self._head(call, "CANCEL", call.branch))

    def reply(self, asked: Message, status: int, word: str, call: Call | None = None, body: str = "") -> None:
        lines = [f"SIP/2.0 {status} {word}", *(f"Via: {one}" for one in asked.headers["via"])]
        lines += [f"Record-Route: {one}" for one in asked.headers.get("record-route", ())]
        lines += [f"From: {asked['from']}", f"To: {call.here if call else asked['to']}"]
        lines += [f"Call-ID: {asked['call-id']}", f"CSeq: {asked['cseq']}", f"Contact: <sip:{self.user}@{self.at}>"]
        self._send(lines, body)

    # ------------------------------------------------------------ what it is told

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        message = read(data)
        if message.status:
            self._answered(message)
        elif message.method == "INVITE":
            task = asyncio.create_task(self._invited(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif message.method != "ACK":
            self._asked(message)

    def _asked(self, message: Message) -> None:
        call = self.calls.get(message["call-id"])
        self.reply(message, 200, "OK", call if message.method == "CANCEL" else None)
        if call is not None and message.method == "CANCEL" and call.state == "ringing" and call.invite is not None:
            self.reply(call.invite, 487, "Request Terminated", call)
            call.finish()
        elif call is not None and message.method == "BYE":
            call.finish()

    async def _invited(self, message: Message) -> None:
        call = self.calls.get(message["call-id"])
        if call is not None:
            if call.state == "up":  # once more, or a change of the sound's way
                call.up(message.body)
                self.reply(message, 200, "OK", call, self.sdp(call.media))
            return
        here = f"{message['to']};tag={secrets.token_hex(6)}"
        target = re.search(r"<([^>]+)>", message["contact"])
        assert target is not None
        call = Call(self, message["call-id"], here, message["from"], target[1], await self._media(), message)
        self.calls[call.call_id] = call
        self.came.append(call)
        call.state = "ringing"
        if self.behaves in ("busy", "decline"):
            call.refuse(486 if self.behaves == "busy" else 603)
            return
        self.reply(message, 180, "Ringing", call)
        if self.behaves == "answer":
            call.answer()

    def _answered(self, message: Message) -> None:
        method = message["cseq"].split()[1]
        if method == "REGISTER":
            if message.status == 401:
                self._ask_to_register(
                    digest(message["www-authenticate"], self.user, self.password, f"sip:{self.server[0]}")
                )
            elif message.status == 200:
                self.registered = True
            return
        call = self.calls.get(message["call-id"])
        if call is None or method != "INVITE":
            return
        if message.status == 180 and call.state == "calling":
            call.state = "ringing"
        if message.status < 200:
            return
        call.there = message["to"]
        if message.status >= 300:
            call.status = message.status
            self._send(self._head(call, "ACK", call.branch))
            call.finish("failed")
            return
        if (target := re.search(r"<([^>]+)>", message["contact"])) is not None:
            call.target = target[1]
        self._send(self._head(call, "ACK", secrets.token_hex(6)))
        if call.state in ("calling", "ringing"):
            call.state = "up"
            call.up(message.body)

    def close(self) -> None:
        for call in self.calls.values():
            call.finish()
        if self._transport is not None:
            self._transport.close()


@asynccontextmanager
async def sip_phone(user: str, host: str, server: tuple[str, int], password: str = "") -> AsyncIterator[SipPhone]:
    """A telephone at `host`, as long as the block lasts."""
    loop = asyncio.get_running_loop()
    _, phone = await loop.create_datagram_endpoint(lambda: SipPhone(user, password, host, server), local_addr=(host, 0))
    try:
        yield phone
    finally:
        for call in phone.calls.values():
            with contextlib.suppress(OSError):
                if not call.over:
                    call.hang_up()
        await asyncio.sleep(0)
        phone.close()
