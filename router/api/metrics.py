"""What Prometheus reads: the figures of the site the token belongs to, or of all."""

from __future__ import annotations

import asyncio

from router.api.reply import Reply
from router.api.route import SUPERVISOR, Ctx, Routes
from router.metrics.scrape import read, render

metrics = Routes("Metrics")

CONTENT_TYPE = "text/plain"


@metrics.get("/metrics", roles=SUPERVISOR, answers={200: CONTENT_TYPE}, in_site=False)
async def scrape(ctx: Ctx) -> Reply:
    """Prometheus' text format. Every process of the service shows the same figures."""
    sites = [site for name, site in sorted(ctx.service.sites.items()) if ctx.token.site in (None, name)]
    readings = await asyncio.gather(*(read(site.channel, site.keys) for site in sites))
    return Reply(200, render(readings), CONTENT_TYPE)
