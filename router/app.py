"""Wires everything: each part is built once, here, and nobody else knows everyone."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version as installed_version
from typing import Any

from aiohttp import web

from config.loading import Broken, SiteFiles, read_config
from config.settings import Settings
from ivr.adapter import Adapter
from ivr.adapters import all_adapters
from router.api.agents import agents
from router.api.body import MAX_BODY
from router.api.call_actions import actions
from router.api.callbacks import callbacks
from router.api.calls import calls
from router.api.customers import customers
from router.api.flights import Flights
from router.api.health import READINESS, Ready, health
from router.api.limits import Limits
from router.api.live import LIVE, Live, live
from router.api.metrics import metrics
from router.api.middleware import around
from router.api.offers import offers
from router.api.openapi import document
from router.api.plan import plan
from router.api.queues import queues
from router.api.route import Route
from router.api.server import routes_of
from router.api.tokens import tokens
from router.app_keys import DOCUMENT, FLIGHTS, LIMITS, SERVICE
from router.contacts import remember
from router.jobs import jobs
from router.kept_plans import consequence, kept_sites
from router.logging_ import say
from router.providers import Providers
from router.relay import walk
from router.seeds import plant_all
from router.service import Service
from router.site import Site
from router.store.channel import ServerError
from router.store.connect import Store, open_store
from router.store.keyspace import service_key
from router.store.sending import VirtualClock
from router.store.tokens import Tokens
from router.store.wire import Unfit

ROUTES: tuple[Route, ...] = tuple(
    route
    for resource in (plan, tokens, customers, agents, offers, calls, actions, queues, callbacks, live, metrics, health)
    for route in resource.all
)

log = logging.getLogger("vipline.app")


def create_app(
    settings: Settings,
    admin_secret: str,
    *,
    adapters: Sequence[Adapter] | None = None,
    clock: VirtualClock | None = None,
) -> web.Application:
    """The application. It connects when it starts, and leaves nothing running when it is cleaned up.

    `adapters`: the providers there are, instead of all we know. `clock`: what time it is at its sites, which must be
    new then: they become virtual, and nobody else may serve them.

    Starting raises PlanInvalid, Unfit, and what `open_store` raises.
    """
    app = web.Application(middlewares=[around], client_max_size=MAX_BODY)
    app.add_routes(routes_of(ROUTES))
    providers = Providers(all_adapters(settings.public_url) if adapters is None else adapters)
    app.add_routes(providers.routes())
    app[FLIGHTS] = Flights()
    app[LIMITS] = Limits(settings.source_rate, settings.token_rate, settings.proxies)
    # Made when it is asked for first: it costs more than all the rest of the start.
    described: Callable[[], dict[str, Any]] = cache(
        partial(document, ROUTES, installed_version("vipline"), settings.public_url)
    )
    app[DOCUMENT] = described
    app.on_shutdown.append(_end_views)
    app.cleanup_ctx.append(partial(_run, settings, admin_secret, providers, clock))
    return app


async def _run(
    settings: Settings, admin_secret: str, providers: Providers, clock: VirtualClock | None, app: web.Application
) -> AsyncIterator[None]:
    files, broken = read_config(settings.config)
    store = await open_store(settings.redis, data=settings.data)
    try:
        service = await _build_or_explain(settings, admin_secret, store, files, broken, clock)
        app[SERVICE] = service
        app[READINESS] = Ready(service)
        app[LIVE] = Live(service.sites, store.blocking)
        app[FLIGHTS].on_stop = app[LIVE].close
        for site in service.sites.values():
            providers.serve(site)
        tasks = [asyncio.create_task(job) for site in service.sites.values() for job in jobs(store, site)]
        tasks += [asyncio.create_task(providers.run(store, site)) for site in service.sites.values()]
        try:
            yield
        finally:
            await _end(tasks)
            for site in service.sites.values():
                await site.directory.close()
    finally:
        await providers.close()
        await store.close()


async def _end_views(app: web.Application) -> None:
    """Those who watch never leave by themselves."""
    await app[LIVE].close()


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until everything has ended: one that meets the end of what a task waits for may be lost."""
    running = set(tasks)
    while running:
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=0.1)


async def _build_or_explain(
    settings: Settings,
    admin_secret: str,
    store: Store,
    files: Mapping[str, SiteFiles],
    broken: Broken,
    clock: VirtualClock | None,
) -> Service:
    """A server that refuses our first commands is examined: its own words do not say what to do about it."""
    try:
        kept = await kept_sites(store, settings.prefix, files, broken)
        service = await _build(settings, admin_secret, store, files, kept, clock)
    except ServerError:
        if problems := await store.problems():
            raise Unfit("; ".join(problems)) from None
        raise
    _say_broken(service, broken)
    return service


async def _build(
    settings: Settings,
    admin_secret: str,
    store: Store,
    files: Mapping[str, SiteFiles],
    kept: Collection[str],
    clock: VirtualClock | None,
) -> Service:
    """`kept`: the sites that go by their stored plans, and whose people stay as they are stored."""
    channel = store.channel_for("vipline")
    service = Service(
        store=store,
        channel=channel,
        tokens=Tokens(channel, service_key("tokens", settings.prefix), admin_secret),
        sites={name: Site(name, store.channel_for(name), settings.prefix) for name in (*files, *kept)},
        version=installed_version("vipline"),
        prefix=settings.prefix,
    )
    for name, site in service.sites.items():
        site.engine.on_plan = partial(walk, site)
        site.history.on_ended = partial(remember, site)
        await site.engine.load_scripts()
        if clock is not None:
            site.engine.clock = clock
            await site.engine.make_virtual()
        await site.keeper.start(files[name].plan if name in files else None)
    await plant_all(service.sites, files, service.tokens)
    return service


async def reload(app: web.Application, settings: Settings) -> None:
    """SIGHUP: publish plans whose files have changed, and plant new seeds. Broken files change nothing."""
    service = app[SERVICE]
    files, broken = read_config(settings.config)
    _say_broken(service, broken)
    if broken:
        return
    for name, found in files.items():
        if name in service.sites:
            await service.sites[name].keeper.publish_files(found.plan)
        else:
            say(log, logging.WARNING, "a new site needs a restart", site=name)
    await plant_all(service.sites, files, service.tokens)


def _say_broken(service: Service, broken: Broken) -> None:
    """In the log every error, at /readyz what comes of them."""
    service.broken.clear()
    for name, errors in broken.items():
        for error in errors:
            say(log, logging.ERROR, "plan refused", site=name, problem=str(error))
        service.broken[name] = consequence(errors, served=name in service.sites)
        say(log, logging.ERROR, "broken files", site=name, what=service.broken[name])
