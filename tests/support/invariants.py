"""What must hold in every state of a site, whoever reached it: each function names what is wrong, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from tests.support.snapshot import AWAY, LEASED, STANDING, CallView, Snapshot, group_of, level_in, parse_profile

Check = Callable[[Snapshot], Iterator[str]]


def nobody_talks_twice(site: Snapshot) -> Iterator[str]:
    """No agent has two calls, no call has two agents."""
    holders = [call.agent for call in site.calls.values() if call.state in LEASED]
    held = [agent.call for agent in site.agents.values() if agent.call]
    for name in {name for name in holders if holders.count(name) > 1}:
        yield f"agent {name} has several calls"
    for name in {name for name in held if held.count(name) > 1}:
        yield f"call {name} has several agents"


def leases_agree(site: Snapshot) -> Iterator[str]:
    """Call and agent name each other and the same offer, in states that fit."""
    fits = {"o": "o", "b": "o", "c": "t"}
    for call_id, call in site.calls.items():
        if call.state in LEASED:
            agent = site.agents.get(call.agent)
            if agent is None or (agent.call, agent.offer, agent.state) != (call_id, call.offer, fits[call.state]):
                yield f"call {call_id} ({call.state}, {call.agent}, {call.offer}) and {agent} disagree"
    for agent_id, agent in site.agents.items():
        held = site.calls.get(agent.call)
        if (agent.state in ("o", "t")) != bool(held and held.state in LEASED and held.agent == agent_id):
            yield f"agent {agent_id} is {agent.state} with call {agent.call!r}"


def lanes_hold_who_waits(site: Snapshot) -> Iterator[str]:
    """A standing call stands in exactly its lanes at its rank; every other call stands in none."""
    should = {(lane, call_id): c.rank for call_id, c in site.calls.items() if c.state in STANDING for lane in c.lanes}
    stand = {(lane, call_id): rank for lane, members in site.lanes.items() for rank, call_id in members}
    for place in sorted(should.keys() ^ stand.keys()):
        yield f"{place} {'is missing from' if place in should else 'is left in'} its lane"
    for place in sorted(should.keys() & stand.keys()):
        if should[place] != stand[place]:
            yield f"{place} stands at {stand[place]}, its rank is {should[place]}"


def nobody_waits_beside_a_ready_agent(site: Snapshot) -> Iterator[str]:
    """No call stands in a lane with a ready agent of that lane, unless `keep_free` explains it."""
    for agent_id, agent in site.agents.items():
        if agent.state != "r":
            continue
        for lane, members in site.lanes.items():
            if lane == f"@{agent_id}" or (_serves(site, agent.profile, lane) and _spared(site, agent.profile, lane)):
                yield f"{members[0][1]} stands in {lane} while {agent_id} is ready"


def nobody_waits_for_nobody(site: Snapshot) -> Iterator[str]:
    """A call whose current step nobody serves has entered the next, or its lane is about to be walked."""
    for call_id, call in site.calls.items():
        waits = call.state in STANDING and call.steps_left and call.current
        walked = any(f"l:{lane}" in site.deadlines for lane in call.current)
        if waits and not walked and not any(_on_duty(site, call.current)):
            yield f"{call_id} waits in {call.step}, which nobody serves"


def everything_has_its_deadline(site: Snapshot) -> Iterator[str]:
    """Greeted and standing calls, offered, wrapping and cooling agents have one; others have none."""
    for call_id, call in site.calls.items():
        if call.state in ("g", *STANDING) and f"c:{call_id}" not in site.deadlines:
            yield f"call {call_id} ({call.state}) has no deadline"
        if call.state in ("c", "e") and f"c:{call_id}" in site.deadlines:
            yield f"call {call_id} ({call.state}) still has a deadline"
    for agent_id, agent in site.agents.items():
        if (agent.state in ("o", "w", "c")) != (f"a:{agent_id}" in site.deadlines):
            yield f"agent {agent_id} ({agent.state}) has deadline {site.deadlines.get(f'a:{agent_id}')}"
    known = {*(f"c:{name}" for name in site.calls), *(f"a:{name}" for name in site.agents)}
    for member in site.deadlines.keys() - known:
        if member[0] in "ca":
            yield f"deadline {member} belongs to nobody"


def counters_are_right(site: Snapshot) -> Iterator[str]:
    """Duty counters and ready sets follow from the agents."""
    duty: dict[str, int] = {}
    ready: dict[str, dict[str, int]] = {}
    for agent_id, agent in site.agents.items():
        if agent.state not in AWAY:
            duty[agent.profile] = duty.get(agent.profile, 0) + 1
        if agent.state == "r":
            ready.setdefault(agent.profile, {})[agent_id] = agent.ready_since
    if duty != site.duty:
        yield f"on duty are {duty}, counted are {site.duty}"
    if ready != site.ready:
        yield f"ready are {ready}, found are {site.ready}"


STATE_CHECKS: tuple[Check, ...] = (
    nobody_talks_twice,
    leases_agree,
    lanes_hold_who_waits,
    nobody_waits_beside_a_ready_agent,
    nobody_waits_for_nobody,
    everything_has_its_deadline,
    counters_are_right,
)


def state_violations(site: Snapshot) -> list[str]:
    """Everything wrong in one state."""
    return list(chain.from_iterable(check(site) for check in STATE_CHECKS))


def change_violations(before: Snapshot, after: Snapshot, assigned: str = "") -> list[str]:
    """Everything wrong between two states one script apart. `assigned`: a call a supervisor gave away by hand."""
    return [*_nobody_lost(before, after), *_rank_order(before, after, assigned)]


def end_violations(site: Snapshot) -> list[str]:
    """What is left although every call has ended and every deadline has been run."""
    wrong = [f"call {name} is {call.state}" for name, call in site.calls.items() if call.state != "e"]
    wrong += [f"lane {lane} holds {members}" for lane, members in site.lanes.items()]
    return wrong + [f"deadline {member} is left" for member in site.deadlines if member[0] in "cl"]


def _nobody_lost(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for call_id, call in before.calls.items():
        now = after.calls.get(call_id)
        if now is None:
            yield f"call {call_id} is lost"
        elif call.state == "e" and (now.state != "e" or now.outcome not in (call.outcome, "recalled")):
            yield f"call {call_id} had ended as {call.outcome}, is {now.state} {now.outcome}"
        elif now.accepted_ms > call.accepted_ms:
            yield f"call {call_id} lost waiting time"
        elif call.state in STANDING and now.state in STANDING and not set(now.lanes) >= set(call.lanes):
            yield f"call {call_id} left lanes {set(call.lanes) - set(now.lanes)}"


def _rank_order(before: Snapshot, after: Snapshot, assigned: str) -> Iterator[str]:
    """A new offer passed over nobody of better rank whom the same agent serves at the same level or a lower one."""
    for call_id, call in after.calls.items():
        old = before.calls.get(call_id)
        new_offer = call.state in LEASED and (old is None or old.offer != call.offer)
        if not new_offer or call_id == assigned or f"@{call.agent}" in call.lanes:
            continue
        profile = after.agents[call.agent].profile
        served = [lane for lane in call.lanes if _serves(after, profile, lane)]
        if not served:
            yield f"{call_id} was offered to {call.agent}, who serves none of {call.lanes}"
            continue
        level = min(level_in(profile, lane) or 0 for lane in served)
        for other_id, other in after.calls.items():
            if _stood_still(before.calls.get(other_id), other) and other.rank < call.rank:
                lanes = [lane for lane in other.lanes if _serves(after, profile, lane)]
                if call.agent not in other.avoid and any(_at_least(after, profile, lane, level) for lane in lanes):
                    yield f"{call_id} was offered to {call.agent} before {other_id}, whose rank is better"


def _stood_still(old: CallView | None, new: CallView) -> bool:
    return (
        old is not None
        and old.state in STANDING
        and new.state in STANDING
        and old.rank == new.rank
        and (old.lanes == new.lanes)
    )


def _at_least(site: Snapshot, profile: str, lane: str, level: int) -> bool:
    """The lane is served at this level or before it, and no kept group can explain passing it over."""
    kept = any(site.keep_free.get(group) for group in parse_profile(profile)[0] if group != group_of(lane))
    return not kept and (level_in(profile, lane) or 0) <= level


def _serves(site: Snapshot, profile: str, lane: str) -> bool:
    return bool(group_of(lane)) and group_of(lane) not in site.closed and level_in(profile, lane) is not None


def _spared(site: Snapshot, profile: str, lane: str) -> bool:
    """Every other keeping group of the profile has its figure ready without one of these agents."""
    for group in parse_profile(profile)[0]:
        keep = site.keep_free.get(group, 0)
        ready = sum(len(members) for text, members in site.ready.items() if group in parse_profile(text)[0])
        if group != group_of(lane) and keep > 0 and ready - 1 < keep:
            return False
    return True


def _on_duty(site: Snapshot, lanes: tuple[str, ...]) -> Iterator[bool]:
    for lane in lanes:
        for agent_id, agent in site.agents.items():
            yield agent.state not in AWAY and (lane == f"@{agent_id}" or _serves(site, agent.profile, lane))
