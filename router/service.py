"""What the whole process has, and every handler may reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from router.api.problem import not_found
from router.site import Site
from router.store.channel import Channel
from router.store.connections import Store
from router.store.keyspace import service_key
from router.store.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Service:
    """`channel` carries the keys of the whole service, as a site's own carries the site's.

    `broken`: site → what broken files of it lead to.
    """

    store: Store
    channel: Channel
    tokens: Tokens
    sites: Mapping[str, Site]
    version: str
    prefix: str = ""
    broken: dict[str, str] = field(default_factory=dict)

    def site(self, name: str) -> Site:
        site = self.sites.get(name)
        if site is None:
            raise not_found("unknown-site", "No such site here.")
        return site

    def own_key(self, name: str) -> str:
        return service_key(name, self.prefix)
