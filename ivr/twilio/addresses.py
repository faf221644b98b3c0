"""Our addresses as Twilio is told them: absolute, without a query string, with how often it shall try."""

from __future__ import annotations

from urllib.parse import quote
from xml.sax.saxutils import escape

from ivr.vocabulary import Route

OVERRIDES = "#rc=2&rp=ct,rt,5xx&rt=4000"
"""Two more tries when it cannot connect, hears nothing or we fail, four seconds each: a request may have met a process
that was killed, or wait for a server that fails over. Not part of what is signed.
"""

ROOT = "/hooks/twilio"


class Addresses:
    """Of one site. `public_url` empty: paths alone, which serve in documents but not in REST calls."""

    def __init__(self, public_url: str, site: str) -> None:
        self._base = public_url.rstrip("/")
        self._site = f"{self._base}{ROOT}/{quote(site, safe='')}"
        self._site_in_xml = escape(self._site, {'"': "&quot;"})

    def of(self, route: Route) -> str:
        return f"{self._site}{_path(route)}{OVERRIDES}"

    def in_xml(self, route: Route) -> str:
        """The same, as it stands in a document's text or attribute."""
        return f"{self._site_in_xml}{_path(route)}{_OVERRIDES_IN_XML}"

    def asset(self, name: str) -> str:
        """A sound of the plan: its address as it stands, or a path below our own."""
        return name if "://" in name else f"{self._base}/{name.lstrip('/')}"


_OVERRIDES_IN_XML = escape(OVERRIDES)


def _path(route: Route) -> str:
    call, step = route.call_id, route.step
    if not (call.isascii() and call.isalnum()):
        call = quote(call, safe="", errors="replace")
    if not (step.isascii() and step.isdigit()):
        step = quote(step, safe="", errors="replace")
    return f"/{route.page}/{call}/{step}"
