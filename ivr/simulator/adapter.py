"""The exchange as a provider: our actions reach its lines, and its lines reach our desk."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aiohttp import web

from config.models import SitePlan
from ivr.adapter import Hearer
from ivr.capabilities import Capabilities
from ivr.gateway import Done, GatewayBusy, GatewayRefused, GatewayUnknown
from ivr.simulator.exchange import PROVIDER, Exchange
from ivr.vocabulary import Action, Interrupt, Originate

SIMULATOR = Capabilities(
    interrupt=True,
    dtmf_in_hold=True,
    whisper=True,
    native_tts=True,
    amd=False,
    stir=True,
    answer_control=True,
    max_document_bytes=1_000_000,
    answer_within_ms=15_000,
)
SLOW_S = 1.0


class Simulator:
    """The adapter, and its own gateway."""

    name = PROVIDER
    capabilities = SIMULATOR

    def __init__(self, exchange: Exchange | None = None) -> None:
        self.exchange = exchange or Exchange()
        self._plans: dict[str, Callable[[], SitePlan]] = {}

    @property
    def gateway(self) -> Simulator:
        return self

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return ()

    def serve(self, site: str, desk: Hearer, plan: Callable[[], SitePlan]) -> None:
        self._plans[site] = plan
        self.exchange.serve(site, desk)

    def can_dial(self, site: str) -> bool:
        return self._plans[site]().telephony.simulator is not None

    async def run(self, site: str) -> None:
        """The exchange runs by itself."""

    async def close(self) -> None:
        await self.exchange.stop()

    # ------------------------------------------------------------ the gateway

    async def perform(self, site: str, action: Action, leg: str | None) -> Done:
        fault = self.exchange.disturbances.take_rest("create" if isinstance(action, Originate) else "update")
        if fault == "busy":
            raise GatewayBusy(1_000)
        if fault in ("broken", "silent"):
            raise GatewayUnknown(fault)
        done = await self._perform(site, action, leg)
        if fault == "lost":
            raise GatewayUnknown(fault)
        if fault == "slow":
            await self.exchange.clock.sleep(SLOW_S)
        return done

    async def find(self, site: str, action: Originate, since_ms: int) -> str | None:
        if self.exchange.disturbances.take_rest("list"):
            raise GatewayBusy(1_000)
        line = self.exchange.placed(site, action.leg_id)
        return line.line_id if line else None

    async def is_up(self, site: str, leg: str) -> bool | None:
        line = self.exchange.lines.get(leg)
        return None if line is None else line.state != "ended"

    async def _perform(self, site: str, action: Action, leg: str | None) -> Done:
        if isinstance(action, Originate):
            try:
                return Done(self.exchange.originate(site, action).line_id)
            except LookupError:
                raise GatewayRefused("device", "nobody there") from None
        line = self.exchange.lines.get(leg or action.leg_id)
        if line is None:
            return Done(gone=True)
        if isinstance(action, Interrupt):
            return Done(gone=not await self.exchange.redirect(line, action.route))
        return Done(gone=not await self.exchange.terminate(line))
