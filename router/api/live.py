"""Watching a site: a snapshot, then what changes, as server-sent events."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from aiohttp import web

from router.api.auth import identify, require_role, require_site
from router.api.live_view import delta, dump, event, figures_of, snapshot
from router.api.middleware import HEADERS
from router.api.problem import Problem, busy
from router.api.reply import Reply
from router.api.route import SUPERVISOR, Ctx, Routes
from router.api.times import rfc3339
from router.app_keys import FLIGHTS
from router.live.hub import Hub, Name, Viewer, Waiting
from router.site import Site
from router.store.channel import ChannelError, ServerError

live = Routes("Live view")

CONTENT_TYPE = "text/event-stream"
HEARTBEAT_S = 15.0
FIGURES_S = 5.0
STALLED_S = 30.0
"""How long a viewer may take none of what is sent. It comes back with Last-Event-ID."""
VIEWERS = 500
_ENTRY_ID = re.compile(r"\d{1,19}-\d{1,19}")
STORE_AWAY = (ChannelError, ServerError)

log = logging.getLogger("vipline.live")


class Live:
    """Every site's hub in this process."""

    def __init__(self, sites: Mapping[str, Site], connect: Callable[[str], Waiting]) -> None:
        self._screens = {name: Screen(site, Hub(site.engine, partial(connect, name))) for name, site in sites.items()}

    def screen(self, name: str) -> Screen:
        return self._screens[name]

    async def close(self) -> None:
        """End every view at once: a stopping process keeps nobody."""
        await asyncio.gather(*(screen.hub.close() for screen in self._screens.values()))


LIVE = web.AppKey("live", Live)


@dataclass(slots=True)
class Screen:
    """What all viewers of a site share: the hub, the newest figures, the newest delta as bytes."""

    site: Site
    hub: Hub
    _figures: dict[str, Any] = field(default_factory=dict)
    _figures_at: float = 0.0
    _delta: tuple[str, frozenset[Name], bytes] | None = None

    async def figures(self) -> dict[str, Any]:
        """The newest, or the last there were while the store is away. Raises what it raises where there were none."""
        if not self._figures or time.monotonic() - self._figures_at >= FIGURES_S:
            self._figures_at = time.monotonic()
            try:
                self._figures = await figures_of(self.site, self.hub)
            except STORE_AWAY:
                if not self._figures:
                    raise
        return self._figures

    def delta(self, changed: frozenset[Name]) -> bytes:
        """Made once for all who have the same backlog, which is the very same object."""
        made = self._delta
        if made is None or made[0] != self.hub.position or made[1] is not changed:
            made = self._delta = (self.hub.position, changed, delta(self.hub, changed, self.site.now_ms()))
        return made[2]


@dataclass(frozen=True, slots=True)
class Streamed(Reply):
    """An answer that has been sent already, piece by piece."""

    stream: web.StreamResponse | None = None

    def response(self) -> web.StreamResponse:  # type: ignore[override]
        assert self.stream is not None, "made with it"
        return self.stream


@live.get("/v1/live", roles=SUPERVISOR, answers={200: CONTENT_TYPE})
async def watch(ctx: Ctx) -> Reply:
    """A `snapshot` first, then a `delta` for whatever changes, with `id:` of the newest entry it contains.

    `Last-Event-ID` goes on from there; when entries since then are gone, with a new snapshot. `figures` come every few
    seconds: what no entry tells. A slow reader gets fewer, larger deltas, each with the newest state.
    """
    if ctx.request.app[FLIGHTS].stopping:
        raise busy("stopping", "This process is stopping; another has the view.")
    screen = ctx.request.app[LIVE].screen(ctx.site.name)
    if screen.hub.watched >= VIEWERS:
        raise busy("too-many-viewers", "This process shows the site to as many as it can.")
    last_id = ctx.request.headers.get("Last-Event-ID", "")
    try:
        viewer = await screen.hub.attach(last_id if _ENTRY_ID.fullmatch(last_id) else None)
    except TimeoutError:
        raise busy("store-away", "The store does not answer.") from None
    response = web.StreamResponse(headers={**HEADERS, "Content-Type": CONTENT_TYPE, "X-Accel-Buffering": "no"})
    try:
        await screen.figures()  # where there are none yet, this may still be refused
        await response.prepare(ctx.request)
        await _show(ctx, screen, viewer, response)
    except Exception as error:
        if not response.prepared:
            raise
        # The answer has begun: a refusal now would be written into the middle of it.
        if not isinstance(error, ConnectionError | TimeoutError):
            log.error("view failed", exc_info=error)
        response.force_close()
    finally:
        screen.hub.detach(viewer)
    return Streamed(stream=response)


async def _show(ctx: Ctx, screen: Screen, viewer: Viewer, response: web.StreamResponse) -> None:
    """Until the viewer leaves, may no longer look, or the process stops."""
    checked_at = figures_at = time.monotonic()

    async def send(data: bytes) -> None:
        async with asyncio.timeout(STALLED_S):
            await response.write(data)

    while not viewer.closed:
        viewer.wake.clear()
        changed, viewer.pending = viewer.pending, frozenset()
        if changed is None:
            figures = await screen.figures()
            for piece in snapshot(screen.hub, figures, ctx.site.now_ms()):
                await send(piece)
                await asyncio.sleep(0)
        elif changed:
            await send(screen.delta(changed))
        now = time.monotonic()
        if now - figures_at >= FIGURES_S:
            figures_at = now
            figures = await screen.figures()
            await send(event("figures", [dump({"at": rfc3339(ctx.site.now_ms()), **figures})]))
        if now - checked_at >= HEARTBEAT_S:
            checked_at = now
            if not await _may_still(ctx):
                return
            await send(b": still here\n\n")
        try:
            async with asyncio.timeout(FIGURES_S):
                await viewer.wake.wait()
        except TimeoutError:
            continue


async def _may_still(ctx: Ctx) -> bool:
    """A token revoked since the view began shows nothing more. While the store is away it shows what it showed."""
    try:
        token = await identify(ctx.request, ctx.service.tokens)
        require_role(token, SUPERVISOR)
        require_site(token, ctx.site.name)
    except Problem:
        return False
    except STORE_AWAY:
        pass
    return True
