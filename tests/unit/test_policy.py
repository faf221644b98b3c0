"""The ladder of a call: who she is, what she dialled, when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.models import TRUST
from router.domain.customer import Caller, CallFacts, Customer
from router.domain.ladder import Ladder, Step
from router.domain.policy import decide, plan, transfer_to_agent, transfer_to_group
from tests.support.plans import sample, site

SAMPLE = sample().plan.site
NOW = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)  # Tuesday, 10:00 in New York
MAIN_LINE, HOTLINE = "+12025550100", "+12025550188"
LI_WEI = Customer("c-1001", name="Li Wei", tier="gold", owner="agent-7", cover=("agent-3",))


def call(to: str = "+12025550199", **facts: object) -> CallFacts:
    return CallFacts("CA1", "+12025550111", to, **facts)  # type: ignore[arg-type]


def names(ladder: Ladder) -> list[str]:
    return [step.name for step in ladder.steps]


def test_a_gold_customer_of_the_sample_site_gets_owner_cover_vip_general() -> None:
    assert plan(Caller(LI_WEI), call(), SAMPLE, NOW) == Ladder(
        head_start_ms=600_000,
        steps=(
            Step("owner", ("@agent-7",), wait_ms=600_000, when_busy="ask"),
            Step("cover", ("@agent-3",), wait_ms=0),
            Step("vip", ("vip",), wait_ms=10_000, max_waiting=20),
            Step("general", ("general",)),
        ),
        max_wait_ms=1_800_000,
        reasons=("gold customer c-1001, owner agent-7, head start 600 s", "gold: set by hand"),
        exit="message",
    )


@pytest.mark.parametrize(
    ("tier", "head_start_ms", "steps"),
    [
        ("diamond", 1_800_000, ["owner", "cover", "vip", "general"]),
        ("gold", 600_000, ["owner", "cover", "vip", "general"]),
        ("silver", 300_000, ["vip", "general"]),
        ("member", 120_000, ["vip", "general"]),
        ("standard", 0, ["general"]),
    ],
)
def test_each_tier_of_the_sample_site(tier: str, head_start_ms: int, steps: list[str]) -> None:
    customer = Customer("c-1", tier=tier, owner="agent-7", cover=("agent-3",))
    ladder = plan(Caller(customer), call(), SAMPLE, NOW)
    assert ladder.head_start_ms == head_start_ms
    assert names(ladder) == steps


def test_an_unknown_caller_gets_the_ordinary_ladder() -> None:
    ladder = plan(None, call(), SAMPLE, NOW)
    assert ladder == Ladder(0, (Step("general", ("general",)),), 1_800_000, ladder.reasons)
    assert ladder.reasons == ("unknown caller, standard, head start 0 s",)


def test_without_an_owner_the_owners_step_is_left_out_and_it_is_said() -> None:
    ladder = plan(Caller(Customer("c-1", tier="gold", cover=("agent-3",))), call(), SAMPLE, NOW)
    assert names(ladder) == ["cover", "vip", "general"]
    assert "step owner skipped: no owner" in ladder.reasons


def test_without_a_cover_but_the_owner_the_covers_step_is_left_out() -> None:
    ladder = plan(Caller(Customer("c-1", tier="gold", owner="agent-7", cover=("agent-7",))), call(), SAMPLE, NOW)
    assert names(ladder) == ["owner", "vip", "general"]
    assert "step cover skipped: no cover" in ladder.reasons


def test_several_covers_are_several_lanes_of_one_step() -> None:
    customer = Customer("c-1", tier="gold", cover=("agent-3", "agent-5"))
    assert plan(Caller(customer), call(), SAMPLE, NOW).steps[0].lanes == ("@agent-3", "@agent-5")


@pytest.mark.parametrize("trust", ["failed", "withheld"])
def test_a_number_not_to_be_trusted_has_no_vip_rights(trust: str) -> None:
    decision = decide(Caller(LI_WEI), call(trust=trust), SAMPLE, NOW)
    stranger = plan(None, call(trust=trust), SAMPLE, NOW)
    assert decision.ladder.steps == stranger.steps
    assert decision.ladder.head_start_ms == 0
    assert (decision.tier, decision.customer_tier) == ("standard", "gold")
    assert not decision.greet_by_name
    told = {
        "failed": ("unknown caller, standard", "attestation of the number failed: not taken for c-1001"),
        "withheld": ("standard customer c-1001", "number not trusted (withheld): no VIP rights, no owner"),
    }[trust]
    assert decision.ladder.reasons == (f"{told[0]}, head start 0 s", told[1])


@pytest.mark.parametrize("trust", [None, *(word for word in TRUST if word not in ("failed", "withheld"))])
def test_any_other_trust_keeps_vip_rights(trust: str | None) -> None:
    decision = decide(Caller(LI_WEI), call(trust=trust), SAMPLE, NOW)
    assert decision.tier == "gold"
    assert decision.ladder.steps[0].lanes == ("@agent-7",)


@pytest.mark.parametrize(
    ("caller", "trust", "greeted"),
    [
        (Caller(LI_WEI), None, True),
        (Caller(LI_WEI), "verified", True),
        (Caller(LI_WEI), "none", False),
        (Caller(LI_WEI, shared=True), None, False),
        (Caller(Customer("c-1", tier="gold")), None, False),
        (Caller(Customer("c-1", name="Ann", tier="member")), None, False),
        (None, None, False),
    ],
)
def test_who_is_greeted_by_name(caller: Caller | None, trust: str | None, greeted: bool) -> None:
    assert decide(caller, call(trust=trust), SAMPLE, NOW).greet_by_name is greeted


def test_the_hotline_gives_its_ladder_to_whoever_dials_it() -> None:
    assert names(plan(None, call(HOTLINE), SAMPLE, NOW)) == ["vip", "general"]
    assert names(plan(None, call(HOTLINE, trust="withheld"), SAMPLE, NOW)) == ["vip", "general"]
    assert names(plan(Caller(LI_WEI), call(HOTLINE), SAMPLE, NOW)) == ["owner", "cover", "vip", "general"]
    assert "the number dialled gives ladder personal" in plan(None, call(HOTLINE), SAMPLE, NOW).reasons


def test_a_numbers_head_start_counts_when_it_is_better() -> None:
    numbers = {"+12025550100": {"head_start": "5m"}}
    assert plan(None, call(MAIN_LINE), site(numbers=numbers), NOW).head_start_ms == 300_000
    gold = Caller(Customer("c-1", tier="gold"))
    assert plan(gold, call(MAIN_LINE), site(numbers=numbers), NOW).head_start_ms == 600_000


# Languages and skills. The small plan speaks `en` and knows es, zh-CN, loans, cards, tax, law.


@pytest.mark.parametrize(
    ("language", "lane"),
    [
        (None, "all"),
        ("en", "all"),
        ("EN", "all"),
        ("en-GB", "all"),
        ("es", "all+es"),
        ("es-MX", "all+es"),
        ("zh-cn", "all+zh-CN"),
        ("zh-TW", "all"),
        ("fr", "all"),
    ],
)
def test_a_language_other_than_the_sites_is_a_skill(language: str | None, lane: str) -> None:
    assert plan(None, call(language=language), site(), NOW).steps[-1].lanes == (lane,)


def test_a_language_nobody_is_trained_for_is_said() -> None:
    assert "no skill for language fr: served in en" in plan(None, call(language="fr"), site(), NOW).reasons


@pytest.mark.parametrize(("sites", "callers"), [("en", "en-GB"), ("en-GB", "en"), ("en-GB", "EN-gb")])
def test_a_variant_of_the_sites_language_asks_for_nothing(sites: str, callers: str) -> None:
    plan_ = site(language=sites, skills=["en", "en-GB"])
    ladder = plan(None, call(language=callers), plan_, NOW)
    assert ladder.steps[-1].lanes == ("all",)
    assert ladder.reasons == ("unknown caller, plain, head start 0 s",)


def test_the_chosen_language_beats_the_numbers_and_that_the_customers() -> None:
    plan_ = site(numbers={"+12025550100": {"language": "zh-CN"}})
    spanish = Caller(Customer("c-1", language="es"))
    assert decide(spanish, call(), plan_, NOW).language == "es"
    assert decide(spanish, call(MAIN_LINE), plan_, NOW).language == "zh-CN"
    assert decide(spanish, call(MAIN_LINE, language="en"), plan_, NOW).language == "en"
    assert decide(None, call(), plan_, NOW).language == "en"


def test_skills_of_call_number_and_customer_add_up_in_every_group_lane() -> None:
    plan_ = site(numbers={"+12025550100": {"skills": ["cards"]}})
    customer = Caller(Customer("c-1", tier="gold", owner="ann", skills=("loans",), language="es"))
    ladder = plan(customer, call(MAIN_LINE, skills=("tax",)), plan_, NOW)
    lanes = [step.lanes for step in ladder.steps]
    assert lanes == [("@ann",), ("vip+cards+es+loans+tax",), ("all+cards+es+loans+tax",)]


def test_beyond_four_skills_the_least_important_are_dropped_and_it_is_said() -> None:
    plan_ = site(numbers={"+12025550100": {"skills": ["cards"]}})
    customer = Caller(Customer("c-1", language="es", skills=("loans", "law")))
    decision = decide(customer, call(MAIN_LINE, skills=("tax",)), plan_, NOW)
    assert decision.skills == ("es", "tax", "cards", "loans")
    assert "at most 4 skills a call: law not asked for" in decision.ladder.reasons


def test_a_skill_the_plan_lacks_is_not_asked_for_and_it_is_said() -> None:
    ladder = plan(Caller(Customer("c-1", skills=("yachts",))), call(), site(), NOW)
    assert ladder.steps[-1].lanes == ("all",)
    assert "the plan has no skill yachts: not asked for" in ladder.reasons


def test_a_step_may_ask_several_groups() -> None:
    ladders = {"vip": [{"step": "any", "to": ["vip", "all"]}], "all": [{"step": "all", "to": "all"}]}
    gold = Caller(Customer("c-1", tier="gold"))
    assert plan(gold, call(language="es"), site(ladders=ladders), NOW).steps[0].lanes == ("vip+es", "all+es")


def test_the_owners_step_carries_its_own_wait_and_the_plans_default_choice() -> None:
    ladders = {
        "vip": [{"step": "hers", "to": "owner", "when_busy": "wait", "wait": "90s"}, {"then": "all"}],
        "all": [{"step": "all", "to": "all"}],
    }
    plan_ = site(ladders=ladders, question={"default": "wait"})
    step = plan(Caller(Customer("c-1", tier="gold", owner="ann")), call(), plan_, NOW).steps[0]
    assert step == Step("hers", ("@ann",), wait_ms=90_000, when_busy="wait", default_choice="wait")


# Opening hours. The sample's main line is open 8–20 on working days in New York.


def test_a_closed_line_has_no_steps_and_says_why() -> None:
    decision = decide(Caller(LI_WEI), call(MAIN_LINE), SAMPLE, NOW - timedelta(hours=5))
    assert decision.closed
    assert decision.ladder.steps == ()
    assert decision.ladder.exit == "message"
    assert decision.message.startswith("Our lines are open")
    assert decision.ladder.reasons[-1] == "the line is closed at this hour"


def test_a_holiday_is_named() -> None:
    christmas = datetime(2026, 12, 25, 16, 0, tzinfo=UTC)
    assert plan(None, call(MAIN_LINE), SAMPLE, christmas).reasons[-1] == "the line is closed: Christmas Day"


def test_a_number_not_listed_is_open_at_all_hours() -> None:
    assert plan(None, call(), SAMPLE, NOW - timedelta(hours=5)).steps


def test_a_call_that_was_let_in_is_not_asked_for_the_hour_again() -> None:
    night = NOW - timedelta(hours=5)
    assert decide(None, call(MAIN_LINE), SAMPLE, night, check_hours=False).ladder.steps


def test_waiting_callers_are_served_after_closing_unless_the_hours_say_end() -> None:
    hours = {"open": {"daily": ["08:00-20:00"]}, "at_close": "serve_waiting"}
    numbers = {"+12025550100": {"hours": "day"}}
    evening = datetime(2026, 3, 4, 0, 50, tzinfo=UTC)  # 19:50 in New York
    kept = plan(None, call(MAIN_LINE), site(hours={"day": hours}, numbers=numbers), evening)
    assert kept.max_wait_ms == 1_800_000
    ended = plan(None, call(MAIN_LINE), site(hours={"day": {**hours, "at_close": "end"}}, numbers=numbers), evening)
    assert ended.max_wait_ms == 600_000
    assert "the line closes in 10 min; waiting ends then" in ended.reasons
    noon = plan(None, call(MAIN_LINE), site(hours={"day": {**hours, "at_close": "end"}}, numbers=numbers), NOW)
    assert noon.max_wait_ms == 1_800_000


def test_who_is_sent_away_at_closing_time_hears_the_hours_words() -> None:
    hours = {"open": {"daily": ["08:00-20:00"]}, "at_close": "end", "message": "Open at eight.", "exit": "callback"}
    plan_ = site(hours={"day": hours}, numbers={"+12025550100": {"hours": "day"}}, exit_message="Sorry.")
    evening = datetime(2026, 3, 4, 0, 50, tzinfo=UTC)  # 19:50 in New York
    late, noon = decide(None, call(MAIN_LINE), plan_, evening), decide(None, call(MAIN_LINE), plan_, NOW)
    assert (late.closes, late.message, late.ladder.exit) == (True, "Open at eight.", "callback")
    assert (noon.closes, noon.message, noon.ladder.exit) == (False, "Sorry.", "message")


def test_a_closed_line_that_calls_back_knows_where_its_callers_would_wait() -> None:
    never = {"open": {}, "exit": "callback"}
    numbers = {"+12025550100": {"hours": "never"}}
    closed = decide(None, call(MAIN_LINE), site(hours={"never": never}, numbers=numbers), NOW)
    assert not closed.ladder.steps
    assert [step.lanes for step in closed.later] == [("all",)]
    assert not decide(None, call(MAIN_LINE), site(hours={"never": {"open": {}}}, numbers=numbers), NOW).later


def test_closed_hours_have_an_exit_of_their_own() -> None:
    hours = {"never": {"open": {}, "exit": "number:+12025550199"}}
    plan_ = site(hours=hours, numbers={"+12025550100": {"hours": "never"}}, exit="callback")
    assert plan(None, call(MAIN_LINE), plan_, NOW).exit == "number:+12025550199"
    assert plan(None, call(), plan_, NOW).exit == "callback"


# Transfers.


def test_a_transfer_to_an_agent_waits_for_her_and_then_for_her_groups_best_level_first() -> None:
    ladder = transfer_to_agent("agent-7", {"general": 2, "vip": 1, "gone": 1}, ("es",), 600_000, SAMPLE)
    assert ladder.steps == (
        Step("agent", ("@agent-7",), wait_ms=600_000, when_busy="wait"),
        Step("group", ("vip+es", "general+es")),
    )
    assert (ladder.head_start_ms, ladder.max_wait_ms) == (600_000, 1_800_000)
    assert ladder.reasons == ("transferred to agent-7",)


def test_a_transfer_to_an_agent_without_a_group_ends_in_the_ordinary_one() -> None:
    assert transfer_to_agent("agent-7", {}, (), 0, SAMPLE).steps[-1] == Step("general", ("general",))


def test_a_transfer_to_a_group_is_one_step_that_waits() -> None:
    assert transfer_to_group("vip", ("es",), 0, SAMPLE).steps == (Step("vip", ("vip+es",)),)
    with pytest.raises(KeyError):
        transfer_to_group("nowhere", (), 0, SAMPLE)


@pytest.mark.parametrize(
    ("language", "heard", "spoken_in"),
    [("pl", "Przepraszamy.", "pl"), ("zh-TW", "抱歉。", "zh-CN"), ("id", "Sorry.", "en"), (None, "Sorry.", "en")],
)
def test_the_plan_s_own_words_are_said_in_the_caller_s_language(
    language: str | None, heard: str, spoken_in: str
) -> None:
    words = {"pl": "Przepraszamy.", "en": "Sorry.", "zh-CN": "抱歉。"}
    decision = decide(None, call(language=language), site(exit_message=words), NOW)
    assert (decision.message, decision.message_language) == (heard, spoken_in)
    never = {"open": {}, "message": words}
    closed = site(hours={"never": never}, numbers={"+12025550100": {"hours": "never"}})
    decision = decide(None, call("+12025550100", language=language), closed, NOW)
    assert (decision.message, decision.message_language) == (heard, spoken_in)


def test_words_in_no_language_that_helps_are_said_all_the_same() -> None:
    decision = decide(None, call(), site(exit_message={"pl": "Przepraszamy."}), NOW)
    assert (decision.message, decision.message_language) == ("Przepraszamy.", "pl")
    decision = decide(None, call(language="pl"), site(exit_message="Sorry."), NOW)
    assert (decision.message, decision.message_language) == ("Sorry.", "en")
