"""How many wait, ring, talk, and since when: counted along with the picture, never by looking at everybody.

`values` holds whole numbers by (name, labels …); a key once there stays, at 0. Labels are what calls and agents say:
whoever shows them bounds them.
"""

from __future__ import annotations

import heapq
from collections import defaultdict

from router.domain.events import AGENT_STATES
from router.live.picture import IN_LINE, LEASED, AgentSeen, CallSeen, Picture

Key = tuple[str, ...]


class Standing:
    """One site's. `touched`: the keys that changed since somebody last emptied it."""

    def __init__(self) -> None:
        self.values: defaultdict[Key, int] = defaultdict(int)
        self.touched: set[Key] = set()
        self._calls: dict[str, tuple[Key, ...]] = {}
        self._since: dict[str, int] = {}
        self._agents: dict[str, tuple[tuple[Key, ...], str, int]] = {}
        self._oldest: defaultdict[Key, list[tuple[int, str]]] = defaultdict(list)

    def begin_anew(self, picture: Picture) -> None:
        """Count what a picture holds that was not followed from its beginning."""
        for call_id in picture.calls:
            self.follow(picture, call_id, "")
        for agent_id in picture.agents:
            self.follow(picture, "", agent_id)

    def follow(self, picture: Picture, call_id: str, agent_id: str, old: str = "", at_ms: int = 0) -> None:
        """An entry of `at_ms` was taken that changed this call and this agent (and a call whose place passed on)."""
        for changed in (call_id, old):
            if changed:
                self._follow_call(changed, picture.calls.get(changed))
        if agent_id:
            self._follow_agent(agent_id, picture.agents.get(agent_id), at_ms)

    def oldest(self, key: Key) -> int | None:
        """Since when the oldest call counted under a key of `waiting…` has waited, ms."""
        line = self._oldest.get(key, [])
        while line:
            accepted_ms, call_id = line[0]
            if self._since.get(call_id) == accepted_ms and key in self._calls.get(call_id, ()):
                return accepted_ms
            heapq.heappop(line)
        return None

    def _follow_call(self, call_id: str, call: CallSeen | None) -> None:
        keys = _keys_of(call) if call is not None else ()
        before = self._calls.get(call_id, ())
        since = call.accepted_ms if call is not None and call.state in IN_LINE else 0
        if keys == before and since == self._since.get(call_id, 0):
            return
        for key in before:
            self._add(key, -1)
        for key in keys:
            self._add(key, 1)
        if keys:
            self._calls[call_id] = keys
        else:
            self._calls.pop(call_id, None)
        if since and call is not None and not call.is_callback:
            self._since[call_id] = since
            for key in keys:
                self._line_up(key, since, call_id)
        else:
            self._since.pop(call_id, None)
        self.touched.update(before, keys)

    def _line_up(self, key: Key, since: int, call_id: str) -> None:
        line = self._oldest[key]
        heapq.heappush(line, (since, call_id))
        if len(line) > 2 * self.values[key] + 1_000:
            # Those who left from the middle are still in it; without this it would grow while the oldest stays.
            kept = {entry for entry in line if self._since.get(entry[1]) == entry[0] and key in self._calls[entry[1]]}
            line[:] = sorted(kept)

    def _follow_agent(self, agent_id: str, agent: AgentSeen | None, at_ms: int) -> None:
        before = self._agents.pop(agent_id, None)
        if before is not None:
            keys, letter, since = before
            for key in keys:
                self._add(key, -1)
            self._add(("agents_since", AGENT_STATES[letter]), -since)
            # Who is no more has had that time all the same. A clock that was set back must not take any away again.
            until = at_ms if agent is None else agent.since_ms
            self._add(("agents_ms", AGENT_STATES[letter]), max(0, until - since))
        if agent is not None:
            state = AGENT_STATES[agent.state]
            keys = (("agents", state), *(("queue_agents", state, group) for group in agent.groups))
            for key in keys:
                self._add(key, 1)
            self._add(("agents_since", state), agent.since_ms)
            self._agents[agent_id] = (keys, agent.state, agent.since_ms)

    def _add(self, key: Key, by: int) -> None:
        self.values[key] += by
        self.touched.add(key)


def _keys_of(call: CallSeen) -> tuple[Key, ...]:
    """Under what a call counts. A callback waits for nobody's ear: it is counted apart."""
    if call.is_callback:
        return (("callbacks_waiting", call.tier),) if call.state in IN_LINE else ()
    if call.state in IN_LINE:
        return (
            ("waiting", call.tier),
            ("waiting_in_step", call.tier, call.step),
            *(("waiting_in_queue", call.tier, group) for group in call.groups),
        )
    if call.state in LEASED:
        return (("ringing", call.tier),)
    return (("talking", call.tier),) if call.state == "c" else ()
