"""The providers there are. Another one is a folder beside this file and a line in it."""

from __future__ import annotations

from ivr.adapter import Adapter
from ivr.ari.provider import AriAdapter
from ivr.jambonz.provider import Jambonz
from ivr.node.provider import Node
from ivr.simulator.adapter import Simulator
from ivr.twilio.provider import Twilio


def all_adapters(public_url: str) -> tuple[Adapter, ...]:
    """`public_url`: where providers reach us, as they sign it; empty when nobody said."""
    return (Twilio(public_url), Jambonz(public_url), Node(), AriAdapter(), Simulator())
