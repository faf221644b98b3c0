"""What the files say of people: created when absent, never overwritten, and never brought back.

What was planted once is written down: who was deleted or erased since, or a token that was revoked, stays so at the
next start, whatever the files still say.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from config.loading import SiteFiles
from config.people import AgentBody, AgentSeed, CustomerSeed
from config.secrets import read_secret
from router.directory.customers import ABSENT
from router.directory.errors import InvalidCustomer, StaleCustomer
from router.domain.errors import Refused
from router.domain.ladder import Profile
from router.logging_ import say
from router.site import Site
from router.store.tokens import Tokens, digest_of

AT_ONCE = 64

log = logging.getLogger("vipline.seeds")


def card_of(agent: AgentBody) -> str:
    """What is kept of an agent beside its state; equal contents, equal text."""
    fields = {name: getattr(agent, name) for name in AgentBody.model_fields}
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


async def plant(site: Site, files: SiteFiles, tokens: Tokens) -> None:
    """Agents, customers and tokens of one site."""
    gate = asyncio.Semaphore(AT_ONCE)
    planted = await _Planted.read(site)

    async def agent(seed: AgentSeed) -> None:
        async with gate, planted.once(f"agent {seed.agent_id}") as is_new:
            if not is_new:
                return
            profile = Profile(dict(seed.groups), frozenset(seed.skills))
            try:
                await site.engine.put_agent(seed.agent_id, profile, card_of(seed), "-")
            except Refused:
                return  # there already

    async def customer(seed: CustomerSeed) -> None:
        async with gate, planted.once(f"customer {seed.customer_id}") as is_new:
            if not is_new:
                return
            try:
                await site.customers.put(seed, expected=ABSENT)
            except StaleCustomer:
                return  # there already
            except InvalidCustomer as refused:
                say(log, logging.WARNING, "customer seed not taken", site=site.name, why=str(refused))

    await asyncio.gather(*map(agent, files.agents), *map(customer, files.customers))
    known = {token.token_id for token in await tokens.all()} if files.tokens else set()
    for seed in files.tokens:
        secret = read_secret(seed.secret)
        if secret is None:
            say(log, logging.WARNING, "token seed has no secret", token_id=seed.token_id, site=site.name)
        elif seed.token_id not in known:
            async with planted.once(f"token {seed.token_id} {digest_of(secret)[:16]}") as is_new:
                if is_new:
                    await tokens.plant(seed.token_id, secret, seed.role, site.name, seed.agent_id)


class _Planted:
    """What was planted before, by any process."""

    def __init__(self, site: Site, names: frozenset[bytes]) -> None:
        self._site = site
        self._names = names

    @classmethod
    async def read(cls, site: Site) -> _Planted:
        return cls(site, frozenset(await site.channel.call("SMEMBERS", site.keys.own("planted"))))

    @asynccontextmanager
    async def once(self, name: str) -> AsyncIterator[bool]:
        """Whether this is the first time. It is written down afterwards: planting twice is harmless, never is not."""
        is_new = name.encode() not in self._names
        yield is_new
        if is_new:
            await self._site.channel.call("SADD", self._site.keys.own("planted"), name)


async def plant_all(sites: Mapping[str, Site], files: Mapping[str, SiteFiles], tokens: Tokens) -> None:
    await asyncio.gather(*(plant(sites[name], found, tokens) for name, found in files.items() if name in sites))
