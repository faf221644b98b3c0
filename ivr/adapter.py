"""What a provider's adapter is to the process that runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import web

from config.models import SitePlan
from ivr.gateway import Gateway
from ivr.vocabulary import Envelope, Event, Script


class Hearer(Protocol):
    """Who decides, for one site: ivr/desk."""

    async def hear(
        self, page: str, call_id: str, step: str, event: Event, envelope: Envelope, render: Callable[[Script], bytes]
    ) -> bytes:
        """The document that answers a request, the same bytes when it comes again."""
        ...

    async def note(self, event: Event, envelope: Envelope) -> None:
        """A report that nobody waits for."""
        ...

    def turned_away(self, provider: str, cause: str) -> None:
        """A request for the site was refused; `cause` is one of a few words."""
        ...

    async def dialled(self, call_id: str) -> str | None:
        """The provider's id of the customer's leg of a callback, the newest; None when nobody was dialled."""
        ...

    async def have_met(self, call_id: str, offer_id: str) -> bool:
        """Whether the caller has come to the agent of that offer."""
        ...


class Adapter(Protocol):
    """One provider, in one process, for all sites whose plans name it.

    `name`: in plans under `telephony`, in paths, and in `Envelope.provider`.
    """

    name: str

    @property
    def gateway(self) -> Gateway: ...

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """What it answers over HTTP: there at once, refusing everything for sites that are not served yet."""
        ...

    def serve(self, site: str, desk: Hearer, plan: Callable[[], SitePlan]) -> None:
        """From now on `desk` answers for the site. `plan` gives the plan of the moment."""
        ...

    def can_dial(self, site: str) -> bool:
        """Whether the site can call anybody through it: its plan names it, and its secrets are there."""
        ...

    async def run(self, site: str) -> None:
        """What it does beside requests, until cancelled: connections it keeps, rooms it tidies."""
        ...

    async def close(self) -> None:
        """Leaves nothing running."""
        ...
