"""Every metric: its name, its labels, and one plain sentence. `docs/metrics.md` has formula, window and scope of each.

Each name gets the prefix `vipline_` and each metric the label `site`. The other labels are `tier`, `queue` (a group, ""
where an agent was asked for by name), `step`, `outcome` and `cause`; never a call, a number, a customer or an agent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from router.domain.events import AGENT_STATES

PREFIX = "vipline_"
Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """`bounds`: the upper ends of a histogram's buckets, in the metric's unit; the last is open."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


ALL: dict[str, Metric] = {}


def _metric(kind: Kind, name: str, help_: str, *labels: str, bounds: tuple[float, ...] = ()) -> Metric:
    ALL[name] = Metric(name, kind, help_, labels, bounds)
    return ALL[name]


def _counter(name: str, help_: str, *labels: str) -> Metric:
    return _metric("counter", f"{name}_total", help_, *labels)


def _gauge(name: str, help_: str, *labels: str) -> Metric:
    return _metric("gauge", name, help_, *labels)


def _histogram(name: str, help_: str, *labels: str, bounds: tuple[float, ...]) -> Metric:
    return _metric("histogram", f"{name}_seconds", help_, *labels, bounds=bounds)


WAITS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 1800)
"""The targets of the trade (10, 20, 30 … s), and the longest waits plans allow."""
RINGS = (1, 2, 3, 5, 8, 10, 15, 20, 30)
TALKS = (10, 30, 60, 120, 180, 300, 600, 1200, 2400, 3600)
QUICK = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)

# ---------------------------------------------------------------------------------------------------------- calls
OFFERED = _counter("calls_offered", "Calls that entered waiting or were offered an agent.", "tier")
CALLS = _counter("calls", "Calls by how they came out; answered counts when caller and agent are connected first.",
                 "tier", "queue", "outcome")  # fmt: skip
RECALLED = _counter("calls_recalled", "Calls cut off whose caller came again and has the place; outcome: as what they"
                    " had been counted, recalled where they had not.", "tier", "queue", "outcome")  # fmt: skip
LEFT = _counter("calls_left", "Callers who hung up before anybody answered, by where they were: in_greeting, in_queue,"
                " in_prompt, in_ring.", "tier", "outcome", "cause")  # fmt: skip
LEVEL = _counter("service_level_inputs", "What every variant of the service level is made of, against the queue's own"
                 " target.", "tier", "queue", "outcome")  # fmt: skip
WAIT = _histogram("wait", "Wait on the promise clock, from acceptance to answer or hang-up.",
                  "tier", "queue", "outcome", bounds=WAITS)  # fmt: skip
STAGE_WAIT = _histogram("stage_wait", "Wait on the stage clock, from entering the last step to answer or hang-up.",
                        "tier", "step", "outcome", bounds=WAITS)  # fmt: skip
STAGE_ENTERED = _counter("stage_entered", "Steps entered.", "tier", "step")
STAGE_ANSWERED = _counter("stage_answered", "Calls answered while the step was their last.", "tier", "step")
STAGE_EXPIRED = _counter("stage_expired", "Steps waited in that came to their end without an answer.", "tier", "step")
OVERFLOWED = _counter("overflow", "Calls that joined a further group than their first; queue is the further one.",
                      "tier", "queue")  # fmt: skip
TALK = _histogram("talk", "Time caller and agent were connected.", "tier", "queue", bounds=TALKS)

# --------------------------------------------------------------------------------------------------------- offers
OFFERS = _counter("offers", "Offers of a call to an agent.", "tier", "queue")
OFFER_ENDS = _counter("offer_ends", "Offers by how they ended: accepted, declined, expired_agent, expired_fault,"
                      " cancelled_caller, rescinded.", "tier", "queue", "outcome", "cause")  # fmt: skip
RING = _histogram("ring", "Time from offer to acceptance.", "queue", bounds=RINGS)
BRIDGES_FAILED = _counter("bridges_failed", "Accepted offers whose line did not come up.", "tier", "cause")

# ---------------------------------------------------------------------------------------------------------- owner
OWNER_ASKED = _counter("owner_calls", "Calls with a dedicated agent, by how that agent was found: ready, busy, absent.",
                       "tier", "outcome")  # fmt: skip
OWNER_ANSWERED = _counter("owner_calls_answered", "Calls with a dedicated agent that were answered, by whom: owner,"
                          " cover, other.", "tier", "outcome")  # fmt: skip
PROMPTS = _counter("prompts", "Owner-busy questions asked.", "tier")
PROMPT_ENDS = _counter("prompt_ends", "Owner-busy questions by how they ended: wait, transfer, callback, hangup,"
                       " no_input, owner_ready, other.", "tier", "outcome")  # fmt: skip
REGRET = _counter("choice_regret", "Callers who chose to wait for their agent and hung up before anybody answered.",
                  "tier")  # fmt: skip

# ------------------------------------------------------------------------------------------------------ callbacks
CALLBACKS = _counter("callbacks", "Callbacks: scheduled, reached, missed, failed, superseded, cancelled.",
                     "tier", "outcome")  # fmt: skip
VIRTUAL_WAIT = _histogram("callback_wait", "From the first call's acceptance to the callback's conversation.",
                          "tier", bounds=WAITS)  # fmt: skip

# ------------------------------------------------------------------------------------------------------------ now
WAITING = _gauge("waiting", "Callers in line, each once.", "tier")
LONGEST = _gauge("longest_wait_seconds", "Promise clock of the caller who waits longest; 0 where nobody waits.", "tier")
QUEUE_WAITING = _gauge("queue_waiting", "Callers standing in a group's lanes; one may stand in several.",
                       "tier", "queue")  # fmt: skip
QUEUE_LONGEST = _gauge("queue_longest_wait_seconds", "As longest_wait_seconds, of those standing in a group's lanes.",
                       "tier", "queue")  # fmt: skip
STEP_WAITING = _gauge("step_waiting", "Callers in line by the step they entered last.", "tier", "step")
CALLBACKS_WAITING = _gauge("callbacks_waiting", "Callbacks in line; nobody is on the phone.", "tier")
RINGING = _gauge("ringing", "Calls offered to an agent.", "tier")
TALKING = _gauge("talking", "Calls connected to an agent.", "tier")
TARGET_SECONDS = _gauge("service_level_target_seconds", "Within what time the plan wants calls answered.", "queue")
TARGET_RATIO = _gauge("service_level_target_ratio", "The share of calls the plan wants answered within it.", "queue")
TIER_TARGET_SECONDS = _gauge("tier_target_seconds", "The same for callers of a tier who wait for their own agent or a"
                             " cover: of the first group their ladder asks.", "tier")  # fmt: skip
TIER_TARGET_RATIO = _gauge("tier_target_ratio", "The share the plan wants answered within it.", "tier")
TIER_VIP = _gauge("tier_vip", "1 for tiers whose callers pass those of the default tier, else 0.", "tier")
AGENTS = {
    state: _gauge(f"agents_{state}", f"Agents who are {state}, each once.")
    for state in AGENT_STATES.values()
}  # fmt: skip
QUEUE_AGENTS = {
    state: _gauge(f"queue_agents_{state}", f"Agents of a group who are {state}; one may be in several groups.", "queue")
    for state in AGENT_STATES.values()
}
AGENT_TIME = {
    state: _counter(f"agents_{state}_seconds", f"Time agents have been {state}, all together.")
    for state in AGENT_STATES.values()
}

# ------------------------------------------------------------------------------------------------------ estimates
ANNOUNCED = _counter("announced", "Callers told how long it takes, by what came of it: within the longest time said,"
                     " beyond it, left before.", "tier", "outcome")  # fmt: skip
ESTIMATED = _gauge("estimate_answers", "Answers of the last hour that had an estimate.")
ESTIMATE_HITS = _gauge("estimate_coverage_ratio", "Share of them within what was said (ewt_coverage); no value before"
                       " the first.")  # fmt: skip
ESTIMATE_ERROR = _gauge("estimate_error_seconds", "Their mean distance from the p50 said (ewt_mae); no value before the"
                        " first.")  # fmt: skip
OWNERS_ESTIMATED = _gauge("estimate_owner_answers", "Figures about a busy owner that were judged in the last hour.")
OWNER_HITS = _gauge("estimate_owner_coverage_ratio", "Share of them whose owner was free within it; no value before the"
                    " first.")  # fmt: skip
OWNER_ERROR = _gauge("estimate_owner_error_seconds", "Their mean distance from its p50; no value before the first.")

# --------------------------------------------------------------------------------------------------------- health
LOOKUPS = _histogram("lookup", "Look-ups of who is calling, by who knew: directory, crm, cache, default.",
                     "outcome", bounds=QUICK)  # fmt: skip
LOOKUPS_MISSED = _counter("lookups_missed", "Look-ups that went on without an answer of directory or crm: they failed"
                          " open.", "cause")  # fmt: skip
DECISION = _histogram("decision", "From knowing the caller to a stored decision: policy and script.", bounds=QUICK)
EVENT_LAG = _gauge("event_lag_seconds", "Age of the oldest entry that some reader of the stream still owes; the"
                   " outbox's is apart.")  # fmt: skip
OUTBOX_LAG = _gauge("outbox_lag_seconds", "Age of the oldest entry of which not everything has been carried out by a"
                    " carrier: what is tried again stays owed.")  # fmt: skip
METRICS_LAG = _gauge("metrics_lag_seconds", "The same of the reader behind these very figures.")
STREAM_LENGTH = _gauge("stream_entries", "Entries in the event stream; at 1,000,000 new calls are refused.")
OVERDUE = _gauge("deadlines_overdue_seconds", "How long the oldest deadline has been due; the sweeper keeps it near 0.")
REPAIRED = _counter("repaired_leases", "Agents found reserved for a call that was not theirs, and set free.")
DOUBLE_OFFERS = _counter("double_offers", "Offers of a call or to an agent already in an offer or a talk: must stay 0.")
OUTBOX_RINGS = _counter("outbox_rings", "Legs a carrier was to place: done, gone, refused, void, given_up.", "outcome")
OUTBOX_INTERRUPTS = _counter("outbox_interrupts", "Legs a carrier was to take elsewhere, by how it went.", "outcome")
OUTBOX_HANGUPS = _counter("outbox_hangups", "Legs a carrier was to end, by how it went.", "outcome")
OUTBOX_UNKNOWN = _counter("outbox_unknown", "Rings that may have been placed and were looked for: found, absent, or a"
                          " stray that was ended.", "outcome")  # fmt: skip
OUTBOX_MISSED = _counter("outbox_ends_missed", "Legs found gone of which nobody had told us.")
HOOKS_REFUSED = _counter("hooks_refused", "Requests of telephone providers that were turned away, by whose and why:"
                         " `<provider>: signature`.", "cause")  # fmt: skip
CUT_OFF = _counter("readers_cut_off", "Readers of the stream that were cut off because they held it back.")
GAPS = _counter("metrics_gaps", "Times these figures went on from a snapshot because entries were missing.")

LEVEL_OUTCOMES = (
    "offered",
    "answered",
    "answered_in_target",
    "abandoned",
    "abandoned_in_target",
    "short_abandoned",
    "callback",
    "callback_in_target",
    "recalled",
    "recalled_short",
    "recalled_in_target",
)
"""What the formulas of the service level name; `service_level_inputs` has a few outcomes more."""

ALWAYS_THERE = (REPAIRED, DOUBLE_OFFERS, CUT_OFF, GAPS)
"""Shown at 0 before anything happened, so that the first time is seen as an increase."""
