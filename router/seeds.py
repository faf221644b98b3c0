"""What the files say of people: created when absent, never overwritten."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping

from config.loading import SiteFiles
from config.people import AgentBody, AgentSeed, CustomerSeed
from config.secrets import read_secret
from router.directory.customers import ABSENT
from router.directory.errors import StaleCustomer
from router.domain.errors import Refused
from router.domain.ladder import Profile
from router.logging_ import say
from router.site import Site
from router.store.tokens import Tokens

AT_ONCE = 64

log = logging.getLogger("vipline.seeds")


def card_of(agent: AgentBody) -> str:
    """What is kept of an agent beside its state; equal contents, equal text."""
    fields = {name: getattr(agent, name) for name in AgentBody.model_fields}
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


async def plant(site: Site, files: SiteFiles, tokens: Tokens) -> None:
    """Agents, customers and tokens of one site."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def agent(seed: AgentSeed) -> None:
        async with gate:
            profile = Profile(dict(seed.groups), frozenset(seed.skills))
            try:
                await site.engine.put_agent(seed.agent_id, profile, card_of(seed), "-")
            except Refused:
                return  # there already

    async def customer(seed: CustomerSeed) -> None:
        async with gate:
            try:
                await site.customers.put(seed, expected=ABSENT)
            except StaleCustomer:
                return  # there already

    await asyncio.gather(*map(agent, files.agents), *map(customer, files.customers))
    known = {token.token_id for token in await tokens.all()} if files.tokens else set()
    for seed in files.tokens:
        secret = read_secret(seed.secret)
        if secret is None:
            say(log, logging.WARNING, "token seed has no secret", token_id=seed.token_id, site=site.name)
        elif seed.token_id not in known:
            await tokens.plant(seed.token_id, secret, seed.role, site.name, seed.agent_id)


async def plant_all(sites: Mapping[str, Site], files: Mapping[str, SiteFiles], tokens: Tokens) -> None:
    await asyncio.gather(*(plant(sites[name], found, tokens) for name, found in files.items() if name in sites))
