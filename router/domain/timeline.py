"""Events in the words of a supervisor: who was considered, why not, what was chosen. Pure; made when read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from router.domain.events import AGENT_STATES, Event, order

_RETURNED = {
    "declined": "{agent} declined",
    "expired": "{agent} did not answer the offer in time",
    "bridge": "{agent} accepted, but the line to them did not come up in time",
    "busy": "the line of {agent} was busy",
    "no_answer": "{agent} did not pick up",
    "device": "the device of {agent} failed",
    "network": "the line to {agent} failed",
    "break": "{agent} went on a break instead",
    "offline": "{agent} went offline instead",
}
_ENDED = {
    "answered": "the conversation is over",
    "abandoned": "the caller hung up before anybody answered",
    "short_abandoned": "the caller hung up within the first seconds",
    "recalled": "the line was cut; the caller's new call has the place",
    "callback": "the caller will be called back and keeps the place",
    "rejected": "closed: no step of the ladder is open to this call",
    "withdrawn": "a supervisor took the call out",
    "overflowed_out": "nobody answered within the longest wait; the caller took the exit",
    "overflowed_out closed": "what the caller waited for is closed and no step is left; the caller took the exit",
    "failed": "the line could not be set up",
    "missed": "the callback's time passed",
    "missed dialled_out": "the callback was dialled as often as its number may be in a day",
    "cancelled": "the callback was cancelled",
    "superseded": "the customer called in first; the place passed to that call",
}
_STATE_FOR = {
    "offered": "has been rung for another caller for {time}",
    "talking": "has been talking for {time}",
    "wrapping": "has been wrapping up for {time}",
    "cooling": "has been resting after a missed offer for {time}",
    "break": "has been on a break for {time}",
    "offline": "has been offline for {time}",
    "ready": "is ready",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a call's timeline."""

    seq: int
    at_ms: int
    event: str
    why: str


def tell(events: Iterable[Event], call_id: str) -> list[Row]:
    """The timeline of one call, oldest first; the same entry read twice is told once."""
    unique = {event.entry_id: event for event in events if call_id in event.call_ids}
    ordered = sorted(unique.values(), key=lambda event: order(event.entry_id))
    return [Row(seq, event.at_ms, event.type, why(event, call_id)) for seq, event in enumerate(ordered, 1)]


def why(event: Event, call_id: str) -> str:
    """One sentence; an event this version does not know is told by its name alone."""
    words = _WORDS.get(event.type)
    return words(event, call_id) if words else event.type.replace(".", " ").replace("_", " ")


def spoken(ms: int) -> str:
    """A span as people say it: `8 s`, `12 min`, `3 h`."""
    seconds = max(0, ms) // 1000
    if seconds < 600:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def seen(event: Event) -> list[str]:
    """What the script saw: `@agent=state,since` and `lane=ready/on duty/existing`."""
    return [_seen_one(part, event.at_ms) for part in event.fields.get("seen", "").split() if "=" in part]


def _seen_one(part: str, at_ms: int) -> str:
    name, _, facts = part.partition("=")
    if facts.startswith("full,"):
        standing, _, most = facts.removeprefix("full,").partition("/")
        return f"{name} is full: {standing} stand there, it takes {most}"
    if name.startswith("@"):
        letter, _, since = facts.partition(",")
        state = AGENT_STATES.get(letter)
        if state is None:
            return f"{name[1:]} is not known here"
        time = spoken(at_ms - int(float(since))) if since else "some time"
        return f"{name[1:]} {_STATE_FOR[state].format(time=time)}"
    ready, duty, existing = ((*facts.split("/"), "0", "0", "0"))[:3]
    if ready not in ("", "0"):
        return f"{name} has a ready agent"
    if duty not in ("", "0"):
        return f"none of the {duty} on duty for {name} is ready"
    if existing == "x":
        return f"{name} is closed"
    return f"all {existing} agents of {name} are away" if existing not in ("", "0") else f"no agent serves {name}"


def _join(*parts: str) -> str:
    """Clause by clause, none of them twice."""
    return "; ".join(dict.fromkeys(part for part in parts if part))


def _told(event: Event) -> str:
    """What the caller had been told of the wait, by then."""
    told = event.told
    if told is None:
        return ""
    about, at_most = spoken(told.p50_ms), spoken(told.p90_ms)
    return f"had been told about {about}" + (f", at most {at_most}" if at_most != about else "")


def _waited(event: Event) -> str:
    facts = event.facts
    return spoken(event.at_ms - facts.accepted_ms) if facts else ""


def _greeting(event: Event, _: str) -> str:
    return "the caller is being greeted; the wait counts from here"


def _accepted(event: Event, _: str) -> str:
    state = event.fields.get("state", "")
    place = {
        "w": f"waiting in {_lanes(event)}" if _lanes(event) else "waits until the callback's dial is over",
        "e": "the ladder has no open step",
    }.get(state, "")
    # Where it was offered or asked at once, the next row says what was seen.
    on_the_way = seen(event) if state not in ("o", "q") else []
    took = event.fields.get("took", "")
    since = f"has the place of callback {took}, for the customer called in first; the wait counts from there"
    return _join(event.text("why"), since if took else "", *on_the_way, place)


def _lanes(event: Event) -> str:
    return ", ".join(event.fields.get("lanes", "").split())


def _owner_busy(event: Event, _: str) -> str:
    again = "asking the caller once more" if event.fields.get("asked") == "2" else "asking the caller"
    return _join(*seen(event)[:1], again)


def _widened(event: Event, _: str) -> str:
    steps = ", then ".join(event.fields.get("entered", "").split())
    return _join(f"enters {steps}", *seen(event), f"now waiting in {_lanes(event)}")


def _offered(event: Event, _: str) -> str:
    agent, lane = event.fields.get("agent", ""), event.fields.get("lane", "")
    through = "through the agent's own line" if lane == f"@{agent}" else f"through {lane}"
    others = [words for words in seen(event) if not words.endswith(("is ready", "has a ready agent"))]
    return _join(f"offered to {agent} {through} after {_waited(event) or 'no wait'}", *others)


def _accepted_offer(event: Event, _: str) -> str:
    return f"{event.fields.get('agent', 'the agent')} accepted; connecting"


def _connected(event: Event, _: str) -> str:
    talking = f"talking to {event.fields.get('agent', 'an agent')}, {_waited(event) or '0 s'} after the call came in"
    return _join(talking, _told(event))


def _returned(event: Event, _: str) -> str:
    cause = _RETURNED.get(event.fields.get("cause", ""), "the offer to {agent} ended")
    words = cause.format(agent=event.fields.get("agent", "the agent"))
    return _join(words, event.text("reason"), "back in line at the same place")


def _choice(event: Event, _: str) -> str:
    choice = event.fields.get("choice", "")
    meaning = {"wait": "waits for the owner", "transfer": "goes on to others", "callback": "wants a callback"}
    why = {"timeout": "no answer, so ", "unclear": "no answer was understood, so "}.get(event.fields.get("by", ""), "")
    return _join(f"{why}the caller {meaning.get(choice, choice)}", _told(event))


def _ended(event: Event, _: str) -> str:
    outcome = event.fields.get("outcome", "")
    words = _ENDED.get(f"{outcome} {event.fields.get('cause', '')}", _ENDED.get(outcome, outcome))
    by = f"by {event.fields['by']}" if event.fields.get("by") else ""
    chose = "had chosen to wait for the owner" if event.fields.get("chose") == "wait" else ""
    return _join(words, event.text("result"), chose, _told(event), by, event.text("why"))


def _recalled(event: Event, call_id: str) -> str:
    if event.fields.get("old") == call_id:
        return f"the caller called again; the place passed to {event.fields.get('call', 'the new call')}"
    return f"the caller was cut off before; has the place of {event.fields.get('old', 'the earlier call')}"


def _transferred(event: Event, _: str) -> str:
    return _join(f"{event.fields.get('agent', 'the agent')} passed the caller on", event.text("note"))


def _boosted(event: Event, _: str) -> str:
    head_start = spoken(int(event.fields.get("head_start") or 0))
    return _join(f"{event.fields.get('by', 'somebody')} set the head start to {head_start}", event.text("why"))


def _assigned(event: Event, _: str) -> str:
    who, agent = event.fields.get("by", "somebody"), event.fields.get("agent", "an agent")
    return _join(f"{who} assigned the call to {agent}", event.text("why"))


def _rerouted(event: Event, _: str) -> str:
    return f"a new plan holds (version {event.fields.get('version', '?')}): new steps, the same place"


def _booked(event: Event, call_id: str) -> str:
    if event.fields.get("old") == call_id:
        back = f"the caller will be called back as {event.fields.get('call', 'a callback')}, with the same place"
        return _join(back, _told(event))
    return _join(f"calls back the caller of {event.fields.get('old', 'a call')}", f"standing in {_lanes(event)}")


_WORDS: dict[str, Callable[[Event, str], str]] = {
    "call.greeting": _greeting,
    "call.accepted": _accepted,
    "call.owner_busy": _owner_busy,
    "call.widened": _widened,
    "call.offered": _offered,
    "call.accepted_offer": _accepted_offer,
    "call.connected": _connected,
    "call.returned": _returned,
    "call.choice": _choice,
    "call.ended": _ended,
    "call.recalled": _recalled,
    "call.transferred": _transferred,
    "call.boosted": _boosted,
    "call.assigned": _assigned,
    "call.rerouted": _rerouted,
    "callback.booked": _booked,
}
