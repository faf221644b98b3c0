"""Telephones as Asterisk sees them: registered or not, ringing, in use, whoever uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tell = Callable[[str, str], None]


class Devices:
    """`tell` is told a device and its new state."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._states: dict[str, str] = {}
        self._channels: dict[str, list[str]] = {}

    def put(self, device: str, state: str) -> None:
        if self._states.get(device, "NOT_INUSE") != state:
            self._states[device] = state
            self._tell(device, state)

    def take(self, device: str, channel_id: str, state: str) -> None:
        """A channel on it rings or talks."""
        channels = self._channels.setdefault(device, [])
        if channel_id not in channels:
            channels.append(channel_id)
        self.put(device, state)

    def release(self, device: str, channel_id: str) -> None:
        channels = self._channels.get(device, [])
        if channel_id in channels:
            channels.remove(channel_id)
        self.put(device, "INUSE" if channels else "NOT_INUSE")

    def shown(self, device: str) -> dict[str, Any]:
        technology, _, resource = device.partition("/")
        state = "offline" if self._states.get(device) == "UNAVAILABLE" else "online"
        channels = self._channels.get(device, [])
        return {"technology": technology, "resource": resource, "state": state, "channel_ids": list(channels)}
