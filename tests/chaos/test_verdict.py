"""A judge that finds nothing is worth nothing: streams with one fault planted in each, and sound ones beside them."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.verdict import Verdict
from router.domain.events import Event, parse

HEAD_STARTS = {"gold": 600_000, "standard": 0}
VIP, GENERAL = "general=2 vip=1;", "general=1;"

Line = tuple[int, str]


def put(at: int, agent: str, profile: str) -> Line:
    return at, f"agent.put|agent={agent}|profile={profile}"


def ready(at: int, agent: str) -> Line:
    return at, f"agent.ready|agent={agent}|cause=x"


def accepted(at: int, call: str, lanes: str, tier: str = "standard", state: str = "w") -> Line:
    return at, f"call.accepted|call={call}|state={state}|entered=|lanes={lanes}|facts={at};;j;{tier};0|why=|seen="


def offered(at: int, call: str, agent: str, lane: str) -> Line:
    return at, f"call.offered|call={call}|agent={agent}|lane={lane}|step=|facts="


def about(at: int, kind: str, call: str, agent: str, offer: str, **more: Any) -> Line:
    extra = "".join(f"|{name}={value}" for name, value in more.items())
    return at, f"{kind}|call={call}|agent={agent}|offer={offer}{extra}"


def connected(at: int, call: str, agent: str, offer: str) -> Line:
    return about(at, "call.connected", call, agent, offer)


def returned(at: int, call: str, agent: str, offer: str) -> Line:
    return about(at, "call.returned", call, agent, offer, cause="declined")


def ended(at: int, call: str, agent: str = "", offer: str = "", outcome: str = "answered") -> Line:
    return about(at, "call.ended", call, agent, offer, outcome=outcome)


def stream(*lines: Line) -> list[Event]:
    """Entry ids are `<at>-<place in the stream>`."""
    return [parse(f"{at}-{place}", f"{text}|at={at}") for place, (at, text) in enumerate(lines)]


TEAM = (put(1, "ann", GENERAL), put(1, "vic", VIP))
SOUND = (
    *TEAM,
    accepted(10, "old", "general"),
    accepted(20, "new", "general"),
    accepted(30, "rich", "vip general", "gold"),
    offered(40, "rich", "vic", "vip"),
    connected(50, "rich", "vic", "40-5"),
    offered(60, "old", "ann", "general"),
    connected(70, "old", "ann", "60-7"),
    ended(80, "old", "ann", "60-7"),
    offered(90, "new", "ann", "general"),
    connected(100, "new", "ann", "90-10"),
    ended(110, "new", "ann", "90-10"),
    ended(120, "rich", "vic", "40-5"),
    ready(130, "ann"),
)


def judge(*lines: Line, **told: Any) -> list[str]:
    verdict = Verdict(HEAD_STARTS).read(stream(*lines))
    nothing: dict[str, Any] = {"created": [], "connected": {}, "ended": [], "all_over": False}
    return verdict.close(**nothing | told)


def with_line(place: int, *lines: Line) -> tuple[Line, ...]:
    """The sound stream up to an entry, then something else."""
    return (*SOUND[:place], *lines)


def test_a_sound_stream_has_no_fault() -> None:
    told = {"created": ["old", "new", "rich"], "connected": {"40-5": "rich"}, "ended": ["new"]}
    assert judge(*SOUND, **told, all_over=True) == []


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (with_line(6, offered(41, "rich", "ann", "general")), "rich is offered with vic and is offered to ann"),
        (with_line(7, offered(51, "rich", "ann", "general")), "rich is connected with vic and is offered to ann"),
        (with_line(7, offered(51, "old", "vic", "general")), "vic has rich and is offered old"),
        (with_line(6, connected(41, "rich", "ann", "40-5")), "but the call is with vic by 40-5"),
        (with_line(6, connected(41, "rich", "vic", "39-9")), "but the call is with vic by 40-5"),
        (with_line(8, returned(61, "old", "vic", "60-7")), "but the call is with ann by 60-7"),
        (with_line(6, ready(41, "vic")), "vic is ready and has rich"),
        (with_line(6, (41, "agent.deleted|agent=vic")), "vic was deleted with a call"),
        ((*SOUND, ended(140, "old")), "old ended twice"),
        (with_line(4, accepted(21, "new", "general")), "new was accepted twice"),
        (with_line(5, offered(41, "nobody", "vic", "vip")), "call.offered of nobody, which never came"),
        (with_line(5, offered(41, "rich", "bob", "vip")), "call.offered of bob, who does not exist"),
    ],
)
def test_nobody_is_in_two_conversations(lines: tuple[Line, ...], fault: str) -> None:
    assert fault in " / ".join(judge(*lines))


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (with_line(5, offered(41, "new", "ann", "general")), "new is offered to ann in general before old"),
        (with_line(5, offered(41, "old", "ann", "general")), "old is offered to ann in general before rich"),
        (with_line(5, offered(41, "old", "vic", "general")), "old is offered to vic in general before rich"),
        (with_line(5, offered(41, "old", "ann", "vip")), "old is offered in vip, which ann does not serve"),
        (
            with_line(5, accepted(35, "own", "@ann"), offered(41, "rich", "ann", "general")),
            "rich is offered to ann in general before own",
        ),
    ],
)
def test_nobody_is_passed_over(lines: tuple[Line, ...], fault: str) -> None:
    assert fault in " / ".join(judge(*lines))


@pytest.mark.parametrize(
    "lines",
    [
        # A head start counts as time waited, a supervisor's too.
        with_line(5, offered(41, "rich", "ann", "general")),
        with_line(4, (31, "call.boosted|call=new|head_start=5000"), offered(41, "new", "ann", "general")),
        # Somebody who has just been turned down waits for another agent.
        with_line(
            4,
            offered(40, "old", "ann", "general"),
            returned(50, "old", "ann", "40-4"),
            offered(60, "new", "ann", "general"),
        ),
        # A supervisor may give a call away by hand.
        with_line(4, (31, "call.assigned|call=new|agent=ann"), offered(31, "new", "ann", "@ann")),
        # A closed group has no agents; a lower level comes first whatever the rank.
        with_line(4, (31, "group.closed|group=general"), ready(40, "ann"), accepted(41, "late", "general")),
        (*TEAM, accepted(10, "old", "general"), accepted(20, "vip", "vip"), offered(30, "vip", "vic", "vip")),
    ],
)
def test_what_looks_like_a_leapfrog_and_is_none(lines: tuple[Line, ...]) -> None:
    assert judge(*lines) == []


def test_a_ready_agent_beside_somebody_waiting_is_seen_between_two_scripts_only() -> None:
    matched_at_once = with_line(4, ready(40, "ann"), offered(40, "old", "ann", "general"))
    assert judge(*matched_at_once) == []
    too_late = with_line(4, ready(40, "ann"), offered(41, "old", "ann", "general"))
    assert judge(*too_late) == [
        "before 41-5: ann is ready while old stands in ['general']",
        "before 41-5: ann is ready while new stands in ['general']",
    ]
    assert judge(*with_line(4, ready(40, "ann")))[0].startswith("before the end: ann is ready while old stands")


def test_a_call_that_was_acknowledged_and_is_not_there_is_lost() -> None:
    assert judge(*SOUND, created=["old", "gone"]) == ["gone was acknowledged and is lost"]


def test_a_call_that_never_ends_is_lost() -> None:
    assert judge(*SOUND[:-2], all_over=True) == ["rich is connected (vip, general) and nobody comes"]


def test_what_clients_were_told_must_have_happened() -> None:
    assert judge(*SOUND, connected={"40-5": "old"}) == [
        "old was answered by offer 40-5, and the stream knows nothing of it"
    ]
    assert judge(*SOUND[:-2], ended=["rich"]) == ["rich was told to have ended, is connected"]


def test_a_callback_keeps_the_place_it_stands_for() -> None:
    booked = (35, "callback.booked|call=back|old=old|lanes=general|facts=")
    gone = ended(35, "old", outcome="callback")
    assert judge(*with_line(4, booked, gone, offered(41, "back", "ann", "general"))) == []
    passed = judge(*with_line(4, booked, gone, offered(41, "new", "ann", "general")))
    assert passed == ["new is offered to ann in general before back"]


def test_who_calls_while_a_callback_waits_has_its_rank_though_nobody_knew_the_caller() -> None:
    """The look-up failed this time: the tier is the default one, the place is the gold customer's."""
    text = "call.accepted|call=again|state=w|entered=|lanes=general|facts=30;;a;standard;0|why=|took=rich|seen="
    lines = with_line(5, ended(36, "rich", outcome="superseded"), (36, text), ready(40, "ann"))
    assert judge(*lines, offered(40, "again", "ann", "general")) == []
    assert judge(*lines, offered(40, "old", "ann", "general")) == ["old is offered to ann in general before again"]


def test_a_caller_who_redials_keeps_the_place() -> None:
    left = ended(31, "old", outcome="abandoned")
    redialled = (
        (35, "call.recalled|call=again|old=old|accepted=10"),
        (
            35,
            "call.accepted|call=again|state=w|entered=|lanes=general|facts=10;;j;standard;0|why=|seen=",
        ),
    )
    assert judge(*with_line(4, left, *redialled, offered(41, "again", "ann", "general"))) == []
    passed = judge(*with_line(4, left, *redialled, offered(41, "new", "ann", "general")))
    assert passed == ["new is offered to ann in general before again"]
