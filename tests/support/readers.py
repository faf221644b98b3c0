"""Have the readers of a site's stream done their work, and only once?"""

from __future__ import annotations

from collections.abc import Sequence

from router.domain.events import Event
from router.events.levels import BUCKET_MS
from router.store.channel import Channel
from router.store.keyspace import Keyspace

KEYS = Keyspace("main")


async def caught_up(channel: Channel) -> bool:
    """Whether every reader has done with everything."""
    newest = (await channel.call("XREVRANGE", KEYS.events, "+", "-", "COUNT", 1))[0][0]
    groups = await channel.call("XINFO", "GROUPS", KEYS.events)
    rows = [dict(zip(row[::2], row[1::2], strict=True)) for row in groups]
    return all(row[b"pending"] == 0 and row[b"last-delivered-id"] == newest for row in rows)


async def as_told(channel: Channel, events: Sequence[Event]) -> None:
    """What readers have made of the stream is what it says: timelines whole and mortal, levels counted once."""
    told: dict[str, set[str]] = {}
    answered = 0
    for event in events:
        if event.type.startswith(("call.", "callback.")):
            for call_id in event.call_ids:
                told.setdefault(call_id, set()).add(f"{event.entry_id} {event.raw}")
        if (
            event.type == "call.connected"
            and event.facts
            and event.facts.talks == 0
            and "k" not in event.facts.kind[:1]
        ):
            answered += 1
    for call_id, rows in told.items():
        kept = await channel.call("LRANGE", KEYS.history(call_id), 0, -1)
        assert {row.decode() for row in kept} == rows
        assert 0 < await channel.call("PTTL", KEYS.history(call_id)) <= 3_600_000
    counted = 0
    for bucket in {event.at_ms // BUCKET_MS for event in events}:
        fields = await channel.call("HGETALL", KEYS.own(f"sl:{bucket}"))
        pairs = zip(fields[::2], fields[1::2], strict=True)
        counted += sum(int(value) for name, value in pairs if name.endswith(b";answered"))
    assert counted == answered > 0
