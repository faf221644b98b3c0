"""Reads of a site: what stands where. Never a transition; nothing here is needed to route."""

from __future__ import annotations

from typing import Any, Protocol

from router.domain import errors
from router.domain.events import parse
from router.store.keyspace import Keyspace
from router.store.rows import AgentRow, CallRow, Fields


class Pipelining(Protocol):
    """What reading needs of store.channel.Channel."""

    async def call(self, *args: str | bytes | int) -> Any: ...

    async def call_many(self, commands: list[list[str]]) -> list[Any]: ...


def fields(reply: Any) -> Fields:
    """A hash as the server gives it: flat (RESP2) or a map (RESP3)."""
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    return {key.decode(): value.decode() for key, value in pairs}


def text(reply: bytes | None) -> str:
    return reply.decode() if reply else ""


class Reading:
    """Reads of one site over one connection."""

    connection: Pipelining
    keys: Keyspace

    async def read_call(self, call_id: str) -> CallRow | None:
        """A call with its ladder's rest and its cold fields, or None."""
        return (await self.read_calls([call_id]))[0]

    async def read_calls(self, call_ids: list[str]) -> list[CallRow | None]:
        """Many calls in one flush, in the order asked."""
        keys = self.keys
        commands: list[list[str]] = []
        for call_id in call_ids:
            commands.append(["HGETALL", keys.call(call_id)])
            commands.append(["MGET", keys.steps(call_id), keys.meta(call_id)])
        replies = await self.connection.call_many(commands)
        rows: list[CallRow | None] = []
        for i, call_id in enumerate(call_ids):
            record = fields(replies[2 * i])
            rest, meta = replies[2 * i + 1]
            rows.append(CallRow.parse(call_id, record, text(rest), text(meta)) if record else None)
        return rows

    async def position(self, row: CallRow) -> int | None:
        """1 + calls of lower rank in the current step's lane; None unless the call stands in line."""
        if row.letter not in "qw" or not row.lanes or row.step.lanes == 0:
            return None
        lane = row.lanes[-row.step.lanes]
        return int(await self.connection.call("ZCOUNT", self.keys.lane(lane), "-inf", f"({row.rank}")) + 1

    async def lane_calls(self, lane: str, offset: int = 0, limit: int = 100) -> list[str]:
        """The calls of a lane in the order they will be served."""
        reply = await self.connection.call("ZRANGE", self.keys.lane(lane), str(offset), str(offset + limit - 1))
        return [member.decode() for member in reply]

    async def lanes(self) -> list[str]:
        """Every group lane that ever had a call."""
        names = await self.connection.call("HKEYS", self.keys.guide)
        return sorted(name.decode()[1:] for name in names if name.startswith(b"L"))

    async def closed_groups(self) -> list[str]:
        return text(await self.connection.call("HGET", self.keys.guide, "x")).split()

    async def scan_calls(self, cursor: str, limit: int) -> tuple[list[str], str]:
        """Live calls, some per page: (ids, next cursor, "" at the end). Start with "".

        Whoever waits has a deadline, whoever is offered or talks has an agent: no index of calls is kept.
        """
        phase, _, position = (cursor or "t:0").partition(":")
        if phase == "t":
            reply = await self.connection.call(
                "ZSCAN", self.keys.deadlines, position, "MATCH", "c:*", "COUNT", str(limit)
            )
            following = text(reply[0])
            pairs = reply[1]
            members = [p[0] for p in pairs] if pairs and isinstance(pairs[0], list) else pairs[::2]
            return [text(member)[2:] for member in members], f"t:{following}" if following != "0" else "a:0"
        reply = await self.connection.call("SSCAN", self.keys.agents, position, "COUNT", str(limit))
        following = text(reply[0])
        agents = [text(agent) for agent in reply[1]]
        held = await self.connection.call_many([["HGET", self.keys.agent(agent), "ca"] for agent in agents])
        calls = [text(call_id) for call_id in held if call_id]
        scores = await self.connection.call_many([["ZSCORE", self.keys.deadlines, f"c:{c}"] for c in calls])
        unseen = [c for c, score in zip(calls, scores, strict=True) if score is None]
        return unseen, f"a:{following}" if following != "0" else ""

    async def find_offer(self, offer_id: str) -> tuple[str, str]:
        """(call, agent) of an offer: its id is the id of the entry that made it. Raises UnknownOffer."""
        if any(int(part) >= 1 << 64 for part in offer_id.split("-")):  # no id of a stream
            raise errors.UnknownOffer
        reply = await self.connection.call("XRANGE", self.keys.events, offer_id, offer_id)
        if not reply:
            raise errors.UnknownOffer
        event = parse(offer_id, reply[0][1][1].decode())
        if event.type != "call.offered":
            raise errors.UnknownOffer
        return event.fields["call"], event.fields["agent"]

    async def read_agent(self, agent_id: str) -> AgentRow | None:
        return (await self.read_agents([agent_id]))[0]

    async def read_agents(self, agent_ids: list[str]) -> list[AgentRow | None]:
        """Many agents in one flush, in the order asked."""
        commands: list[list[str]] = []
        for agent_id in agent_ids:
            commands.append(["HGETALL", self.keys.agent(agent_id)])
            commands.append(["GET", self.keys.card(agent_id)])
        replies = await self.connection.call_many(commands)
        rows: list[AgentRow | None] = []
        for i, agent_id in enumerate(agent_ids):
            record = fields(replies[2 * i])
            rows.append(AgentRow.parse(agent_id, record, text(replies[2 * i + 1])) if record else None)
        return rows

    async def agent_ids(self) -> list[str]:
        reply = await self.connection.call("SMEMBERS", self.keys.agents)
        return sorted(member.decode() for member in reply)
