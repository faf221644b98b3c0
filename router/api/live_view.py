"""What a viewer is told: the API's words for a call, an agent, a queue, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from router.api.queues import service_level
from router.api.times import rfc3339
from router.domain.events import AGENT_STATES, CALL_STATES
from router.live.hub import Hub, Name, Told
from router.live.picture import AgentSeen, CallSeen
from router.site import Site

PART = 200
"""Calls or agents in one piece of a snapshot: the process serves others in between."""


def event(kind: str, data: Iterable[str], entry_id: str | None = None) -> bytes:
    """One event. `data`: lines that are JSON when joined."""
    lines = [f"id: {entry_id}"] if entry_id is not None else []
    return "\n".join((f"event: {kind}", *lines, *(f"data: {line}" for line in data), "", "")).encode()


def dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def delta(hub: Hub, changed: Iterable[Name], now_ms: int) -> bytes:
    """The newest state of what changed; null for what is no more, and how a call ended while that is known."""
    picture = hub.picture
    calls, agents, groups, ended = {}, {}, {}, {}
    for kind, name in sorted(changed):
        if kind == "c":
            call = picture.calls.get(name)
            calls[name] = _call(call, hub.told.get(name)) if call is not None else None
            if call is None and name in hub.ended:
                how = hub.ended[name]
                ended[name] = {"why": how.why, "at": rfc3339(how.at_ms), "seq": how.entry_id}
        elif kind == "a":
            agent = picture.agents.get(name)
            agents[name] = _agent(agent) if agent is not None else None
        else:
            groups[name] = {"open": name not in picture.closed}
    told = {"at": rfc3339(now_ms), "calls": calls, "agents": agents, "groups": groups, "ended": ended}
    return event("delta", [dump({name: value for name, value in told.items() if value})], hub.position)


def snapshot(hub: Hub, figures: Mapping[str, Any], now_ms: int) -> Iterator[bytes]:
    """Everything, in pieces. What changes while they are sent is told again by the next delta."""
    picture, position = hub.picture, hub.position
    head = dump({"at": rfc3339(now_ms), **figures})
    yield f"event: snapshot\nid: {position}\ndata: {head[:-1]},\ndata: ".encode()
    yield b'"calls":{\n'
    yield from _pieces(
        (name, picture.calls, lambda one, name: _call(one, hub.told.get(name))) for name in picture.calls.copy()
    )
    yield b'data: },"agents":{\n'
    yield from _pieces((name, picture.agents, lambda one, _: _agent(one)) for name in picture.agents.copy())
    yield b"data: }}\n\n"


def _pieces(things: Iterable[tuple[str, Mapping[str, Any], Any]]) -> Iterator[bytes]:
    """Members of an object, some on a line."""
    lines: list[str] = []
    comma = ""
    for name, among, show in things:
        thing = among.get(name)
        if thing is None:
            continue
        lines.append(f"{comma}{dump(name)}:{dump(show(thing, name))}")
        comma = ","
        if len(lines) == PART:
            yield f"data: {''.join(lines)}\n".encode()
            lines = []
    if lines:
        yield f"data: {''.join(lines)}\n".encode()


async def figures_of(site: Site, hub: Hub) -> dict[str, Any]:
    """What no entry tells: the plan's time zone, tiers and groups, and the service level of the last hour."""
    plan, counts = site.plan, await site.levels.read(site.now_ms())
    return {
        "site": site.name,
        "title": plan.title,
        "timezone": plan.timezone,
        "tiers": [
            {
                "tier": tier.name,
                "head_start_ms": tier.head_start,
                "service_level": service_level(plan, counts, None, tier.name),
            }
            for tier in plan.tiers
        ],
        "groups": [
            {
                "group": name,
                "title": group.title,
                "open": name not in hub.picture.closed,
                "service_level": service_level(plan, counts, name),
            }
            for name, group in plan.groups.items()
        ],
        "service_level": service_level(plan, counts),
    }


def _call(call: CallSeen, told: Told | None) -> dict[str, Any]:
    """`told`: the last thing that happened to it, and why; `seq` is its place among all that happened."""
    return {
        "state": CALL_STATES[call.state],
        "tier": call.tier,
        "callback": call.is_callback,
        "accepted_at": rfc3339(call.accepted_ms),
        "since": rfc3339(call.since_ms),
        "step": call.step or None,
        "lanes": list(call.lanes),
        "agent_id": call.agent or None,
        "head_start_ms": call.head_start_ms,
        "event": told.type if told else None,
        "why": told.why if told else None,
        "event_at": rfc3339(told.at_ms) if told else None,
        "seq": told.entry_id if told else None,
    }


def _agent(agent: AgentSeen) -> dict[str, Any]:
    groups, _, skills = agent.profile.partition(";")
    levels = (part.partition("=") for part in groups.split())
    return {
        "state": AGENT_STATES[agent.state],
        "since": rfc3339(agent.since_ms),
        "groups": {name: int(at_level or 1) for name, _, at_level in levels},
        "skills": skills.split(),
        "call_id": agent.call or None,
    }
