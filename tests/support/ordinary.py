"""What could well happen next at a site: the requests of an ordinary day, likely ones several times."""

from __future__ import annotations

from router.domain.ladder import Ladder, Step
from tests.support.drivers import Request
from tests.support.sample_site import AGENTS, MINUTE, OWNER_WAIT_MS
from tests.support.snapshot import Snapshot

GENERAL, VIP = Step("general", ("general",)), Step("vip", ("vip",), 10_000, 2)
ANN, BOB = (Step("owner", (f"@{name}",), OWNER_WAIT_MS, None, "ask") for name in ("ann", "bob"))
CAT = Step("owner", ("@cat",), OWNER_WAIT_MS, None, "wait")
COVER = Step("cover", ("@dan",), 0)

LADDERS = [
    Ladder(0, (GENERAL,), 30 * MINUTE),
    Ladder(0, (GENERAL,), 3 * MINUTE),
    Ladder(2 * MINUTE, (VIP, GENERAL), 30 * MINUTE),
    Ladder(10 * MINUTE, (ANN, COVER, VIP, GENERAL), 30 * MINUTE),
    Ladder(10 * MINUTE, (ANN, VIP, GENERAL), 30 * MINUTE),
    Ladder(10 * MINUTE, (BOB, VIP), 30 * MINUTE),
    Ladder(10 * MINUTE, (CAT, VIP, GENERAL), 30 * MINUTE),
    Ladder(0, (Step("zh", ("vip+zh",), 20_000), GENERAL), 30 * MINUTE),
]


def ordinary_requests(site: Snapshot, version: str, number: int, arrivals: int) -> list[Request]:
    """`number` varies what a new caller wants; `arrivals` names them. `pass_time` is no request but a wait in ms."""
    identity, last_agent = ("", "", "li", "mo")[number % 4], AGENTS[number % 5]
    options = {"plan_version": version, "identity": identity, "last_agent": last_agent}
    arrive = Request("route_call", (f"call-{arrivals + 1}", LADDERS[number % len(LADDERS)]), {"kind": "api", **options})
    bridged = Request("route_call", arrive.args, {"kind": "adapter", **options})
    found = [arrive, arrive, bridged, *(Request("pass_time", (ms,)) for ms in (1_000, 10_000, 30_000, 2 * MINUTE))]
    for call_id, call in site.calls.items():
        lease = (call_id, call.agent, call.offer)
        if call.state == "o":
            found += [Request("accept_offer", lease)] * 3
            found += [Request("decline_offer", (*lease, "declined")), Request("abandon_call", (call_id,))]
            found += [Request("hear_offer", (call_id, call.offer))]
        elif call.state == "b":
            found += [Request("connect_call", (call_id, call.offer))] * 2
            found += [Request("fail_leg", (call_id, call.offer, cause)) for cause in ("no_answer", "network")]
        elif call.state == "c":
            found += [Request("complete_call", (call_id, call.offer, None))] * 2
            found += [Request("transfer_call", (call_id, call.offer, LADDERS[0]), {"plan_version": version})]
            found += [Request("fail_leg", (call_id, call.offer, "device"))]
        elif call.state == "q":
            found += [Request("choose", (call_id, choice)) for choice in ("wait", "wait", "transfer")]
        elif call.state == "w":
            found += [Request("abandon_call", (call_id,))]
        if call.state in ("w", "q"):
            found += [Request("keep_place", (call_id, f"{call_id}-back"), {"widen": number % 2 == 0})]
            found += [Request("assign_call", (call_id, last_agent))]
    for agent_id, agent in site.agents.items():
        if agent.state in ("x", "b", "w", "c"):
            found += [Request("agent_ready", (agent_id,))] * 2
        if agent.state == "w":
            found += [Request("end_wrap_up", (agent_id,))] * 2
        if agent.state not in ("x", "b"):
            found += [Request("agent_away", (agent_id, "break"))]
    return found
