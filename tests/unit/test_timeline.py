"""Events in words."""

from __future__ import annotations

import pytest

from router.domain.events import Event, order, parse
from router.domain.timeline import spoken, tell, why
from router.store.script_loader import load_all

AT = 1_700_000_100_000
FACTS = f"facts={AT - 8_000};{AT + 9};j;gold;0"


def event(text: str, entry_id: str = f"{AT}-0") -> Event:
    return parse(entry_id, f"{text}|{FACTS}|at={AT}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("call.greeting|call=a", "the caller is being greeted; the wait counts from here"),
        (
            "call.accepted|call=a|state=w|entered=owner vip|lanes=@agent-7 vip|why=gold%20customer|"
            f"seen=@agent-7=x,{AT - 60_000} vip=0/3/5",
            "gold customer; agent-7 has been offline for 60 s; none of the 3 on duty for vip is ready; "
            "waiting in @agent-7, vip",
        ),
        ("call.accepted|call=a|state=w|entered=|lanes=|why=x|seen=", "x; waits until the callback's dial is over"),
        ("call.accepted|call=a|state=e|entered=|lanes=|why=closed|seen=", "closed; the ladder has no open step"),
        (
            f"call.owner_busy|call=a|asked=1|seen=@agent-7=t,{AT - 95_000}",
            "agent-7 has been talking for 95 s; asking the caller",
        ),
        ("call.owner_busy|call=a|asked=2|seen=", "asking the caller once more"),
        (
            "call.widened|call=a|entered=vip general|lanes=vip general|seen=vip=0/0/4 general=0/0/0",
            "enters vip, then general; all 4 agents of vip are away; no agent serves general; "
            "now waiting in vip, general",
        ),
        (
            "call.offered|call=a|agent=agent-3|lane=vip|seen=@agent-7=-, vip=1/2/2",
            "offered to agent-3 through vip after 8 s; agent-7 is not known here",
        ),
        (
            "call.offered|call=a|agent=agent-7|lane=@agent-7",
            "offered to agent-7 through the agent's own line after 8 s",
        ),
        (
            "call.widened|call=a|entered=vip general|lanes=vip general|seen=vip=0/2/2 vip=full,23/20 general=0/0/x",
            "enters vip, then general; none of the 2 on duty for vip is ready; "
            "vip is full: 23 stand there, it takes 20; general is closed; now waiting in vip, general",
        ),
        (
            "call.accepted|call=a|state=w|entered=vip|lanes=vip|why=gold|took=cb-1|seen=vip=0/1/1 vip=0/1/1",
            "gold; has the place of callback cb-1, for the customer called in first; the wait counts from there; "
            "none of the 1 on duty for vip is ready; waiting in vip",
        ),
        ("call.accepted_offer|call=a|agent=agent-7", "agent-7 accepted; connecting"),
        ("call.connected|call=a|agent=agent-7", "talking to agent-7, 8 s after the call came in"),
        (
            "call.returned|call=a|agent=agent-7|cause=expired",
            "agent-7 did not answer the offer in time; back in line at the same place",
        ),
        (
            "call.returned|call=a|agent=agent-7|cause=declined|reason=not%20my%20case",
            "agent-7 declined; not my case; back in line at the same place",
        ),
        ("call.returned|call=a|agent=agent-7|cause=new", "the offer to agent-7 ended; back in line at the same place"),
        ("call.choice|call=a|choice=transfer|by=caller", "the caller goes on to others"),
        (
            f"call.choice|call=a|choice=wait|by=caller|told={AT};180000;300000",
            "the caller waits for the owner; had been told about 180 s, at most 300 s",
        ),
        (
            f"call.choice|call=a|choice=wait|by=caller|told={AT};60000;60000",
            "the caller waits for the owner; had been told about 60 s",
        ),
        ("call.choice|call=a|choice=transfer|by=unclear", "no answer was understood, so the caller goes on to others"),
        (
            f"call.ended|call=a|outcome=abandoned|cause=hangup|chose=wait|told={AT};60000;120000",
            "the caller hung up before anybody answered; had chosen to wait for the owner; "
            "had been told about 60 s, at most 120 s",
        ),
        ("call.choice|call=a|choice=transfer|by=timeout", "no answer, so the caller goes on to others"),
        ("call.ended|call=a|outcome=answered|result=follow_up", "the conversation is over; follow_up"),
        (
            "call.ended|call=a|outcome=missed|cause=dialled_out",
            "the callback was dialled as often as its number may be in a day",
        ),
        (
            "call.ended|call=a|outcome=withdrawn|by=supervisor:1|why=a%7Cb",
            "a supervisor took the call out; by supervisor:1; a|b",
        ),
        (
            "call.ended|call=a|outcome=overflowed_out|cause=max_wait",
            "nobody answered within the longest wait; the caller took the exit",
        ),
        (
            "call.ended|call=a|outcome=overflowed_out|cause=closed",
            "what the caller waited for is closed and no step is left; the caller took the exit",
        ),
        ("call.ended|call=a|outcome=brand_new", "brand_new"),
        ("call.recalled|call=b|old=a", "the caller called again; the place passed to b"),
        ("call.recalled|call=a|old=z", "the caller was cut off before; has the place of z"),
        ("call.boosted|call=a|head_start=600000|by=x|why=", "x set the head start to 10 min"),
        ("call.assigned|call=a|agent=agent-1|by=x|why=y", "x assigned the call to agent-1; y"),
        ("call.transferred|call=a|agent=agent-1|note=loans", "agent-1 passed the caller on; loans"),
        ("call.rerouted|call=a|version=4", "a new plan holds (version 4): new steps, the same place"),
        ("callback.booked|call=k|old=a", "the caller will be called back as k, with the same place"),
        ("callback.booked|call=a|old=z|lanes=vip", "calls back the caller of z; standing in vip"),
        ("call.something_new|call=a", "call something new"),
    ],
)  # fmt: skip
def test_words(text, words):
    assert why(event(text), "a") == words


def test_every_event_of_a_call_that_a_script_writes_has_words_of_its_own():
    written = {name for script in load_all().values() for name in script.events if name.startswith("call")}
    plain = {name for name in written if why(event(f"{name}|call=a"), "a") == name.replace(".", " ").replace("_", " ")}
    assert plain == set()


def test_rows_come_once_in_order_and_only_the_calls_own():
    events = [
        event("call.connected|call=a", "9-1"),
        event("call.greeting|call=a", "9-0"),
        event("call.connected|call=a", "9-1"),
        event("call.connected|call=b", "9-2"),
        event("call.ended|call=a|outcome=answered", "10-0"),
    ]
    assert [(row.seq, row.event) for row in tell(events, "a")] == [
        (1, "call.greeting"),
        (2, "call.connected"),
        (3, "call.ended"),
    ]


def test_entries_of_other_makers_are_read_without_fear():
    strange = parse("1-0", "what|is|this=|=x|facts=1;2|step=a;b")
    assert (strange.type, strange.facts, strange.step, strange.at_ms, strange.call_ids) == ("what", None, None, 1, ())
    assert why(strange, "a") == "what"
    assert order("12") == (12, 0)


@pytest.mark.parametrize(
    ("ms", "words"), [(-5, "0 s"), (999, "0 s"), (599_999, "599 s"), (600_000, "10 min"), (7_200_000, "2 h")]
)
def test_spans(ms, words):
    assert spoken(ms) == words


def test_times_that_lua_computed_are_read():
    read = parse("1-0", "call.ended|call=a|at=1.7e+12|facts=1.7e+12;;j;gold;0")
    assert read.facts is not None
    assert (read.at_ms, read.facts.accepted_ms, read.facts.max_ms) == (1_700_000_000_000, 1_700_000_000_000, None)
