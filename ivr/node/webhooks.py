"""The way in of platforms that ask.

POST|GET /node/{site}/{secret}/{decision}     lookup, route, menu, callback, event

Nothing is signed: whoever knows the path, and comes from a network the plan lists, is the platform. Once it is known,
the answer is 200 and whole, whatever happens to us: a flow that reads fields must find them.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web

from config.node import Node
from ivr.adapter import Hearer
from ivr.node.answers import DECISION, WHOLE, Answer, default, encode
from ivr.node.asking import Unreadable, pairs_of, question_of
from ivr.node.decisions import Decisions
from ivr.refused import Refusal, counted, note
from router.domain.errors import SiteFull
from router.limits import current_source
from router.logging_ import current_call, say

ROOT = "/node"
NAME = "node"
MAX_BODY = 16 * 1024
MIN_SECRET = 16
READ_S = 0.5
BUDGET_S = 0.8
"""Of the second a platform is answered in."""
JSON = {"Content-Type": "application/json; charset=utf-8"}

log = logging.getLogger("vipline.node")


@dataclass(frozen=True, slots=True)
class AskedSite:
    """What one site's questions are answered with; `node` and `secrets` are those of the moment."""

    desk: Hearer
    decisions: Decisions
    node: Callable[[], Node | None]
    secrets: Callable[[], Sequence[str]]


class NodeHooks:
    """The routes of all sites. They refuse everything until `serve` has said which sites there are."""

    def __init__(self) -> None:
        self._sites: dict[str, AskedSite] = {}

    def serve(self, name: str, site: AskedSite) -> None:
        self._sites[name] = site

    def routes(self) -> list[web.RouteDef]:
        handler = counted(NAME, self._desk_of, self._ask)
        return [web.route(method, ROOT + "/{site}/{secret}/{decision}", handler) for method in ("GET", "POST")]

    def _desk_of(self, site: str) -> Hearer | None:
        found = self._sites.get(site)
        return found.desk if found else None

    async def _ask(self, request: web.Request) -> web.Response:
        told = request.match_info
        site = self._sites.get(told["site"])
        node = site.node() if site else None
        if site is None or node is None or not _knows(told["secret"], site.secrets()):
            raise Refusal("secret", web.HTTPForbidden())
        if not _may_come(current_source.get(), node.networks):
            raise Refusal("network", web.HTTPForbidden())
        decision = told["decision"]
        if decision not in WHOLE:
            raise Refusal("no such decision", web.HTTPNotFound())
        answer, good = await self._decide(site, node, decision, request)
        return web.Response(body=encode(node, answer, good), headers=JSON)

    async def _decide(self, site: AskedSite, node: Node, decision: str, request: web.Request) -> tuple[Answer, bool]:
        """The answer, and whether it is one: else it is the whole default."""
        body = await _read(request)
        try:
            asked = question_of(node, pairs_of(request.query_string, request.content_type, body))
        except Unreadable:
            return _gave_up("malformed", decision, node, site.desk)
        if not asked.call_id and decision != "lookup":
            return _gave_up("no call", decision, node, site.desk)
        current_call.set(asked.call_id)
        try:
            async with asyncio.timeout(BUDGET_S):
                return await site.decisions.by_name[decision](asked), True
        except SiteFull:
            return site.decisions.full(asked), True
        except Exception as error:  # whatever it is, the caller's flow goes on
            return _gave_up(type(error).__name__, decision, node, site.desk)


def _knows(given: str, secrets: Sequence[str]) -> bool:
    """All are compared, each in the same time however much of it agrees. One that could be guessed opens nothing."""
    word = given.encode("utf-8", "replace")
    long = [secret.encode() for secret in secrets if len(secret) >= MIN_SECRET]
    return sum(hmac.compare_digest(word, secret) for secret in long) > 0


@lru_cache(maxsize=256)
def _networks(written: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one) for one in written)


def _may_come(source: str, written: tuple[str, ...]) -> bool:
    """`source` is the peer, or what trusted proxies say of it (router/limits.py). No list: anybody."""
    if not written:
        return True
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in network for network in _networks(written))


async def _read(request: web.Request) -> bytes:
    """Raises 413, 408."""
    size = request.content_length or 0
    if size > MAX_BODY:
        raise Refusal("too large", web.HTTPRequestEntityTooLarge(MAX_BODY, size))
    try:
        async with asyncio.timeout(READ_S):
            raw = await request.content.read(MAX_BODY + 1) if request.method == "POST" else b""
            while not request.content.at_eof() and len(raw) <= MAX_BODY:
                raw += await request.content.read(MAX_BODY + 1 - len(raw))
    except TimeoutError:
        raise Refusal("slow", web.HTTPRequestTimeout()) from None
    if len(raw) > MAX_BODY:
        raise Refusal("too large", web.HTTPRequestEntityTooLarge(MAX_BODY, len(raw)))
    return raw


def _gave_up(why: str, decision: str, node: Node, desk: Hearer) -> tuple[Answer, bool]:
    """Good all the same where the plan says where to."""
    say(log, logging.WARNING, "answered by default", why=why, decision=decision)
    note(NAME, "malformed" if why in ("malformed", "no call") else "no decision", desk)
    answer = default(decision, node)
    return answer, bool(node.default) and answer.keys() == DECISION.keys()
