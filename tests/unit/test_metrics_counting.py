"""What each entry adds to the counters, told as small stories; the plan is the sample site's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.loading import load_config
from config.models import SitePlan
from router.domain.events import parse
from router.metrics.projector import Work

PLAN = load_config(Path(__file__).resolve().parents[2] / "config")["main"].plan.site
BEGAN = 1_700_000_000_000


class Story:
    """Entries one after the other; `at` in ms after the beginning."""

    def __init__(self, plan: Callable[[], SitePlan] = lambda: PLAN) -> None:
        self.work = Work.of({}, {}, plan)
        self.number = 0
        self.shown: dict[str, str] = {}

    def tell(self, text: str, at: int = 0) -> Story:
        self.number += 1
        self.work.take(parse(f"{BEGAN + at}-{self.number}", f"{text}|at={BEGAN + at}"))
        self.shown |= self.work.values()
        return self

    def come(
        self, call: str, lanes: str = "vip", entered: str = "vip", *, tier: str = "gold", at: int = 0, **more: str
    ):
        rest = "".join(f"|{name}={value}" for name, value in more.items())
        state = "" if "state" in more else "|state=w"
        return self.tell(
            f"call.accepted|call={call}|entered={entered}|lanes={lanes}|{facts(at, tier)}{state}{rest}", at
        )

    def offer(
        self, call: str, agent: str, at: int, *, lane: str = "vip", step: str = "vip", came: int = 0, tier: str = "gold"
    ):
        return self.tell(f"call.offered|call={call}|agent={agent}|lane={lane}|{stepped(step)}|{facts(came, tier)}", at)

    def connect(self, call: str, agent: str, at: int, *, step: str = "vip", came: int = 0, tier: str = "gold"):
        return self.tell(f"call.connected|call={call}|agent={agent}|offer=1-1|{stepped(step)}|{facts(came, tier)}", at)

    def end(
        self,
        call: str,
        outcome: str,
        was: str,
        at: int,
        *,
        step: str = "vip",
        came: int = 0,
        tier: str = "gold",
        talks: int = 0,
    ):
        return self.tell(
            f"call.ended|call={call}|outcome={outcome}|cause=hangup|was={was}|agent=a|offer=|{stepped(step)}"
            f"|{facts(came, tier, talks=talks)}",
            at,
        )

    def count(self, name: str, *labels: str) -> int:
        """A number, a histogram's sum, or the moment a wait began."""
        return round(float((self.shown.get(";".join((name, *labels))) or "0").split()[0]))


def facts(came: int, tier: str = "gold", *, kind: str = "j", talks: int = 0) -> str:
    return f"facts={BEGAN + came};{BEGAN + came + 1_800_000};{kind};{tier};{talks}"


def stepped(step: str, entered: int = 0) -> str:
    return f"step={step};1;{BEGAN + entered};;;0;"


def test_every_variant_of_the_service_level_comes_out() -> None:
    """One hour of identical traffic scores differently by each vendor's formula."""
    story = Story()
    for number in range(100):
        call = f"c{number}"
        story.come(call, "general", "general", tier="standard")
        wait = 10_000 if number < 70 or 85 <= number < 95 else 40_000
        if number < 85:
            story.offer(call, f"a{number}", wait, lane="general", step="general", tier="standard")
            story.connect(call, f"a{number}", wait, step="general", tier="standard")
        else:
            story.end(call, "abandoned", "w", wait, step="general", tier="standard")

    def level(word: str) -> int:
        return story.count("service_level_inputs_total", "standard", "general", word)

    answered_in, answered, abandoned = level("answered_in_target"), level("answered"), level("abandoned")
    assert (level("offered"), answered_in, answered, abandoned) == (100, 70, 85, 15)
    assert level("abandoned_in_target") == 10
    gross = 100 * answered_in / (answered + abandoned)
    answered_only = 100 * answered_in / answered
    removed = 100 * (answered_in + level("abandoned_in_target") + level("callback_in_target")) / level("offered")
    assert (round(gross, 1), round(answered_only, 1), round(removed, 1)) == (70.0, 82.4, 80.0)
    # Were the ten quick ones short abandons, the house's own variant would leave them out.
    net = 100 * answered_in / (answered + abandoned - 10)
    assert round(net, 1) == 77.8


@pytest.mark.parametrize(("step", "at", "counts"), [("owner", 9_000, 1), ("owner", 15_000, 0), ("general", 15_000, 1)])
def test_who_is_answered_by_the_own_agent_is_held_to_the_vip_desks_target(step: str, at: int, counts: int) -> None:
    """Not to that of everybody: a call in an owner's lane has no group, but its ladder has."""
    owns = step == "owner"
    lane, queue = ("@a7", "") if owns else (step, step)
    story = Story().come("c1", lane, step, tier="diamond").offer("c1", "a7", at, lane=lane, step=step, tier="diamond")
    story.connect("c1", "a7", at, step=step, tier="diamond")
    assert story.count("service_level_inputs_total", "diamond", queue, "answered_in_target") == counts
    story.come("c2", lane, step, tier="diamond").end("c2", "abandoned", "w", at, step=step, tier="diamond")
    assert story.count("service_level_inputs_total", "diamond", queue, "abandoned_in_target") == counts


def test_a_short_abandon_is_one_of_the_abandoned() -> None:
    story = Story().come("c1").end("c1", "short_abandoned", "w", 3_000)
    assert story.count("service_level_inputs_total", "gold", "vip", "abandoned") == 1
    assert story.count("service_level_inputs_total", "gold", "vip", "short_abandoned") == 1
    assert story.count("calls_left_total", "gold", "short_abandoned", "in_queue") == 1
    assert story.count("wait_seconds", "gold", "vip", "short_abandoned") == 3


def test_a_caller_cut_off_who_calls_again_is_taken_out_of_what_was_counted() -> None:
    story = Story().come("c1").end("c1", "abandoned", "w", 8_000)
    story.tell(f"call.recalled|call=c2|old=c1|accepted={BEGAN}", 20_000)
    assert story.count("calls_recalled_total", "gold", "vip", "abandoned") == 1
    assert story.count("service_level_inputs_total", "gold", "vip", "recalled") == 1
    assert story.count("service_level_inputs_total", "gold", "vip", "recalled_in_target") == 1
    story.tell(f"call.recalled|call=c2|old=c1|accepted={BEGAN}", 20_000)
    assert story.count("calls_recalled_total", "gold", "vip", "abandoned") == 1


def test_who_hung_up_long_ago_is_forgotten() -> None:
    story = Story().come("c1").end("c1", "abandoned", "w", 8_000).come("c2", at=700_000)
    assert story.work.counting.gone == {}
    assert story.work.things()["g:c1"] == ""


def test_a_place_that_passes_at_once_was_never_abandoned() -> None:
    story = Story().come("c1").end("c1", "recalled", "w", 8_000)
    assert story.count("calls_recalled_total", "gold", "vip", "recalled") == 1
    assert story.count("service_level_inputs_total", "gold", "vip", "offered") == 0


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [("declined", "declined"), ("expired", "expired_agent"), ("device", "expired_fault"), ("break", "declined")],
)
def test_an_offer_ends_in_one_way(cause: str, outcome: str) -> None:
    story = Story().come("c1").offer("c1", "a", 1_000)
    story.tell(f"call.returned|call=c1|agent=a|offer=1-1|cause={cause}|was=o|{stepped('vip')}|{facts(0)}", 5_000)
    assert story.count("offer_ends_total", "gold", "vip", outcome, cause) == 1
    assert story.count("double_offers_total") == 0


def test_an_accepted_offer_whose_line_did_not_come_up_stays_accepted() -> None:
    story = Story().come("c1").offer("c1", "a", 1_000)
    story.tell(f"call.accepted_offer|call=c1|agent=a|offer=1-1|{stepped('vip')}|{facts(0)}", 3_000)
    story.tell(f"call.returned|call=c1|agent=a|offer=1-1|cause=bridge|was=b|{stepped('vip')}|{facts(0)}", 9_000)
    assert story.count("offer_ends_total", "gold", "vip", "accepted", "accepted") == 1
    assert story.count("bridges_failed_total", "gold", "bridge") == 1
    assert story.count("ring_seconds", "vip") == 2


def test_a_caller_who_hangs_up_while_the_agent_is_rung() -> None:
    story = Story().come("c1").offer("c1", "a", 1_000).end("c1", "abandoned", "o", 6_000)
    assert story.count("offer_ends_total", "gold", "vip", "cancelled_caller", "hangup") == 1
    assert story.count("calls_left_total", "gold", "abandoned", "in_ring") == 1


def test_the_agent_freed_by_an_ended_call_may_be_offered_the_next() -> None:
    story = Story().tell("agent.put|agent=a|profile=vip=1;").tell("agent.ready|agent=a|cause=x")
    story.come("c1").offer("c1", "a", 1_000).end("c1", "abandoned", "o", 6_000)
    story.come("c2", at=6_000).offer("c2", "a", 6_000, came=6_000)
    assert story.count("double_offers_total") == 0


@pytest.mark.parametrize(("call", "agent"), [("c1", "b"), ("c2", "a")])
def test_a_double_offer_is_seen(call: str, agent: str) -> None:
    """One call to two agents, or one agent with two calls."""
    story = Story().tell("agent.put|agent=a|profile=vip=1;").tell("agent.put|agent=b|profile=vip=1;")
    story.come("c1").come("c2").offer("c1", "a", 1_000).offer(call, agent, 2_000)
    assert story.count("double_offers_total") == 1


def test_a_repaired_agent_excuses_no_second_offer_of_a_call() -> None:
    story = Story().tell("agent.put|agent=a|profile=vip=1;").tell("agent.put|agent=b|profile=vip=1;")
    story.come("c1").come("c2").offer("c1", "a", 1_000).offer("c2", "b", 1_000)
    story.tell(f"call.offered|call=c1|agent=b|lane=vip|{stepped('vip')}|{facts(0)}|cause=repaired", 2_000)
    assert story.count("repaired_leases_total") == 1
    assert story.count("double_offers_total") == 1


def test_the_owner_who_is_busy_and_the_question() -> None:
    story = Story().come("c1", "@a7", "owner", state="q", seen="@a7=t,1700000000000")
    story.tell(f"call.owner_busy|call=c1|{stepped('owner')}|asked=1|{facts(0)}|seen=")
    assert story.count("owner_calls_total", "gold", "busy") == 1
    assert story.count("prompts_total", "gold") == 1
    story.tell(f"call.choice|call=c1|choice=wait|by=caller|asked=1|{stepped('owner')}|{facts(0)}", 4_000)
    assert story.count("prompt_ends_total", "gold", "wait") == 1
    story.end("c1", "abandoned", "w", 60_000, step="owner")
    assert story.count("choice_regret_total", "gold") == 1
    assert story.count("calls_total", "gold", "", "abandoned") == 1


@pytest.mark.parametrize(
    ("was", "outcome", "ends"),
    [("q", "abandoned", "hangup"), ("q", "callback", "callback"), ("q", "withdrawn", "other")],
)
def test_a_question_that_ends_without_an_answer(was: str, outcome: str, ends: str) -> None:
    story = Story().come("c1", "@a7", "owner", state="q").end("c1", outcome, was, 4_000, step="owner")
    assert story.count("prompt_ends_total", "gold", ends) == 1


def test_an_owner_who_becomes_free_ends_the_question() -> None:
    story = Story().come("c1", "@a7", "owner", state="q", seen="@a7=w,1")
    story.tell(f"call.owner_busy|call=c1|{stepped('owner')}|asked=1|{facts(0)}|seen=")
    story.offer("c1", "a7", 3_000, lane="@a7", step="owner").connect("c1", "a7", 5_000, step="owner")
    assert story.count("prompt_ends_total", "gold", "owner_ready") == 1
    assert story.count("owner_calls_answered_total", "gold", "owner") == 1


@pytest.mark.parametrize(("at", "outcome"), [(40_000, "within"), (95_000, "beyond")])
def test_what_was_announced_is_held_against_what_came(at: int, outcome: str) -> None:
    told = f"told={BEGAN + 10_000};30000;60000"
    story = Story().come("c1").offer("c1", "a", at)
    story.tell(f"call.connected|call=c1|agent=a|offer=1-1|{stepped('vip')}|{facts(0)}|{told}", at)
    assert story.count("announced_total", "gold", outcome) == 1
    story.come("c2", at=at)
    story.tell(
        f"call.ended|call=c2|outcome=abandoned|cause=hangup|was=w|{stepped('vip')}|{facts(at)}|{told}", at + 9_000
    )
    assert story.count("announced_total", "gold", "left") == 1


def test_steps_that_expire_and_overflow() -> None:
    story = Story().come("c1")
    widened = f"call.widened|call=c1|entered=general|step=general;1;{BEGAN + 10_000};;;0;|lanes=vip general|{facts(0)}"
    story.tell(f"{widened}|seen=", 10_000)
    assert story.count("stage_expired_total", "gold", "vip") == 1
    assert story.count("stage_entered_total", "gold", "general") == 1
    assert story.count("overflow_total", "gold", "general") == 1
    story.offer("c1", "a", 25_000, lane="general", step="general").connect("c1", "a", 25_000, step="general")
    assert story.count("stage_answered_total", "gold", "general") == 1
    assert story.count("wait_seconds", "gold", "general", "answered") == 25


def test_several_steps_entered_on_arrival_overflow_at_once() -> None:
    story = Story().come("c1", "vip general", "vip general")
    assert story.count("overflow_total", "gold", "general") == 1
    assert story.count("overflow_total", "gold", "vip") == 0


def test_a_callback_is_counted_apart() -> None:
    story = Story().come("c1")
    kind = facts(0, kind="kj")
    story.tell(f"callback.booked|call=k1|old=c1|lanes=vip|{stepped('vip')}|{kind}", 9_000)
    story.end("c1", "callback", "w", 9_000)
    assert story.count("service_level_inputs_total", "gold", "vip", "callback_in_target") == 1
    assert story.count("callbacks_waiting", "gold") == 1
    assert story.count("waiting", "gold") == 0
    story.tell(f"call.offered|call=k1|agent=a|lane=vip|{stepped('vip')}|{kind}", 60_000)
    story.tell(f"call.connected|call=k1|agent=a|offer=1-1|{stepped('vip')}|{kind}", 70_000)
    assert story.count("callbacks_total", "gold", "reached") == 1
    assert story.count("callback_wait_seconds", "gold") == 70
    assert story.count("calls_total", "gold", "vip", "answered") == 0


def test_what_no_plan_names_is_other() -> None:
    """Bounded, whatever an entry says."""
    story = Story()
    for number in range(50):
        tier = f"tier-{number}"
        story.come(f"c{number}", f"group-{number}", f"step-{number}", tier=tier)
        story.end(f"c{number}", "abandoned", "w", 6_000 + number, step=f"step-{number}", tier=tier)
    fields = {field for field in story.shown if "tier-" in field or "group-" in field or "step-" in field}
    assert fields == set()
    assert story.count("calls_total", "other", "other", "abandoned") == 50
    assert story.count("waiting", "other") == 0


def test_who_waits_longest() -> None:
    story = Story().come("c1").come("c2", at=1_000).come("c3", at=2_000)
    assert story.count("oldest_waiting_in_queue", "gold", "vip") == BEGAN
    story.end("c1", "abandoned", "w", 9_000)
    assert story.count("oldest_waiting", "gold") == BEGAN + 1_000
    assert story.count("waiting_in_queue", "gold", "vip") == 2


def test_going_on_from_what_was_kept() -> None:
    """Whoever takes over counts on as if nothing had happened."""
    story = Story().tell("agent.put|agent=a|profile=vip=1;").come("c1").come("c2", at=1_000).offer("c1", "a", 2_000)
    known = story.work.things()
    kept = {**story.shown, "last": story.work.picture.last, "whole": "1"}
    later = Story()
    later.work = Work.of(kept, {name: text for name, text in known.items() if text}, lambda: PLAN)
    later.number = story.number
    assert later.work.picture == story.work.picture
    story.end("c2", "abandoned", "w", 9_000, came=1_000)
    later.end("c2", "abandoned", "w", 9_000, came=1_000)
    assert {field: text or "0" for field, text in {**kept, **later.shown}.items()} == {
        field: text or "0" for field, text in {**kept, **story.shown}.items()
    }


def test_a_group_that_is_no_more_shows_nobody() -> None:
    plans = [PLAN]
    story = Story(lambda: plans[0]).come("c1")
    story.work.follow(plans[0])
    story.shown |= story.work.values()
    assert story.count("waiting_in_queue", "gold", "vip") == 1
    plans[0] = PLAN.model_copy(update={"groups": {"general": PLAN.groups["general"]}})
    story.work.follow(plans[0])
    story.shown |= story.work.values()
    assert story.shown["waiting_in_queue;gold;vip"] == ""
    assert story.count("waiting_in_queue", "gold", "other") == 1


def test_what_ratios_are_made_of_is_there_before_the_first_call() -> None:
    story = Story()
    story.work.follow(PLAN)
    shown = story.work.values()
    assert shown["service_level_inputs_total;gold;vip;answered_in_target"] == "0"
    assert shown["owner_calls_total;diamond;absent"] == "0"
    assert shown["tier_targets"].split() == [
        *(f"{tier}=10000=90.0" for tier in ("diamond", "gold", "silver", "member")),
        "standard=20000=80.0",
    ]
    assert shown["tiers"] == "diamond=1 gold=1 silver=1 member=1 standard=0"
    story.come("c1").end("c1", "abandoned", "w", 9_000)
    story.work.follow(PLAN)
    assert story.count("service_level_inputs_total", "gold", "vip", "abandoned") == 1


def test_time_in_a_state_adds_up() -> None:
    story = Story().tell("agent.put|agent=a|profile=vip=1;").tell("agent.ready|agent=a|cause=x", 1_000)
    story.tell("agent.away|agent=a|state=b|was=r|cause=asked|reason=", 61_000)
    assert story.count("agents_ms", "ready") == 60_000
    assert story.count("agents", "break") == 1
    assert story.count("queue_agents", "ready", "vip") == 0


def test_a_repaired_lease_counts_whatever_the_agent_does_next():
    story = Story().come("a").offer("a", "ann", 10).come("b", at=20)
    story.tell(f"call.offered|call=b|agent=ann|lane=vip|{stepped('vip')}|{facts(20, 'gold')}|cause=repaired", 30)
    assert story.count("repaired_leases_total") == 1
    assert story.count("double_offers_total") == 0
    story.tell("agent.ready|agent=bob|cause=repaired", 40)
    assert story.count("repaired_leases_total") == 2
