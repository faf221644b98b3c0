"""Our addresses as jambonz is told them: absolute, without a query string, with how often it shall try."""

from __future__ import annotations

from urllib.parse import quote

from ivr.vocabulary import Route

ROOT = "/hooks/jambonz"
OVERRIDES = "#rc=3&rp=ct,rt,5xx"
"""Three more tries when it cannot connect, waits too long or we fail; by itself it would try once and give the call up.
Never sent."""


class Addresses:
    """Of one site. `public_url` empty: paths alone, which jambonz takes as below the application's own address."""

    def __init__(self, public_url: str, site: str) -> None:
        self._base = public_url.rstrip("/")
        self._site = f"{self._base}{ROOT}/{quote(site, safe='')}"

    def of(self, route: Route) -> str:
        call, step = quote(route.call_id, safe="", errors="replace"), quote(route.step, safe="", errors="replace")
        return f"{self._site}/{route.page}/{call}/{step}{OVERRIDES}"

    def asset(self, name: str) -> str:
        """A sound of the plan: its address as it stands, or a path below our own."""
        return name if "://" in name else f"{self._base}/{name.lstrip('/')}"
