"""A plan's text → the typed plan, or every error at its line with what to do."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import yaml

from config.loading import read_plan
from config.models import TimingPart
from config.problems import PlanInvalid, Problem
from router.domain.ladder import Timing
from tests.support.plans import SAMPLE, SMALL, sample, small

TEXT = (SAMPLE / "plan.yaml").read_text()


def refused(text: str | bytes) -> list[Problem]:
    with pytest.raises(PlanInvalid) as caught:
        read_plan(text)
    assert all(problem.message and problem.fix and problem.line >= 1 for problem in caught.value.errors)
    return caught.value.errors


def changed(old: str, new: str) -> Problem:
    """The one error of the sample plan with this change; its line must be that of the change."""
    assert old in TEXT
    line = TEXT[: TEXT.index(old)].count("\n") + 1
    (problem,) = refused(TEXT.replace(old, new, 1))
    assert problem.file == "plan.yaml"
    assert problem.line == line
    assert f"plan.yaml:{line}: error: " in str(problem)
    return problem


def test_the_sample_site_reads_as_the_contract_says() -> None:
    site = sample().plan.site
    assert [(tier.name, tier.head_start, tier.min_annual_value) for tier in site.tiers] == [
        ("diamond", 1_800_000, 20_000),
        ("gold", 600_000, 10_000),
        ("silver", 300_000, 5_000),
        ("member", 120_000, 2_000),
        ("standard", 0, None),
    ]
    assert site.default_tier == "standard"
    assert list(site.groups) == ["vip", "general"]
    assert site.keep_free() == {}
    assert site.engine_timing().wrap_up_ms == 30_000
    assert site.max_wait == 1_800_000
    assert site.prefer_last_agent == 86_400_000
    assert not site.callback.widen
    assert sorted((number.hours, number.ladder) for number in site.numbers.values() if number.hours) == [
        ("office", None)
    ]
    assert [number.ladder for number in site.numbers.values() if number.ladder] == ["personal"]
    assert site.service_level.default.percent == 80
    assert site.service_level.groups["vip"].percent == 90


def test_the_samples_people_are_there() -> None:
    files = sample()
    li_wei = next(customer for customer in files.customers if customer.customer_id == "c-1001")
    assert (li_wei.name, li_wei.owner, li_wei.cover, li_wei.tier) == ("Li Wei", "agent-7", ("agent-3",), "gold")
    assert {"agent-3", "agent-7"} <= {agent.agent_id for agent in files.agents}
    numbers = [phone for customer in files.customers for phone in customer.phones]
    assert all(phone.startswith(("+120255501", "+442079460")) for phone in numbers), "not reserved for fiction"


@pytest.mark.parametrize(
    ("written", "ms"),
    [("20s", 20_000), ("10m", 600_000), ("24h", 86_400_000), ("300ms", 300), (1500, 1_500), ("0s", 0)],
)
def test_durations(written: str | int, ms: int) -> None:
    assert small(prefer_last_agent=written).site.prefer_last_agent == ms


@pytest.mark.parametrize("written", ["20", "-1s", "1.5h", "ten", -1, True, None, [], "999999999999d"])
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(PlanInvalid):
        small(prefer_last_agent=written)


@pytest.mark.parametrize(
    ("old", "new", "pointer", "message", "fix"),
    [
        ("ladder: vip,", "ladder: vipp,", "/tiers/2/ladder", "there is no ladder 'vipp'", "write vip"),
        ("to: general}", "to: generl}", "/ladders/general/0/to", "there is no group 'generl'", "write general"),
        ("default_tier: standard", "default_tier: basic", "/default_tier", "there is no tier 'basic'", "write"),
        ("hours: office}", "hours: night}", "/numbers/+12025550100/hours", "there is no hours 'night'", "write office"),
        ("ladder: personal}", "ladder: hot}", "/numbers/+12025550188/ladder", "there is no ladder 'hot'", "personal"),
        ("max_wait:", "max_wat:", "/max_wat", "`max_wat` is not known here", "`max_wait`"),
        ("head_start: 30m", "head_start: 30 min", "/tiers/0/head_start", "is no duration", "20s, 10m"),
        ("when_busy: ask", "when_busy: aks", "/ladders/personal/0/when_busy", "not known", "'ask', 'wait' or 'next'"),
        ("name: diamond", "name: dia mond", "/tiers/0/name", "not spelled as it must be", "letters, digits"),
        ("name: gold", "name: diamond", "/tiers/1/name", "'diamond' is listed twice", "keep one"),
        (
            "min_annual_value: 10000",
            "min_annual_value: 20000",
            "/tiers/1/min_annual_value",
            "no customer",
            "best first",
        ),
        ("timezone: America", "timezone: Amerika", "/timezone", "is no time zone", "Europe/Berlin"),
        ("region: US", "region: XX", "/region", "is no region", "US, GB or CN"),
        ("country: US", "country: XX", "/hours/office/holidays", "no holidays are known", "country code"),
        ('"08:00-20:00"', '"8-20"', "/hours/office/open/mon-fri/0", "is no opening interval", "08:00-20:00"),
        ("mon-fri", "mon-fry", "/hours/office/open/mon-fry", "names no weekday", "mon-fri"),
        ("2026-12-26", "26.12.2026", "/hours/office/dates/26.12.2026", "is no date", "2026-12-24"),
        ("percent: 80", "percent: lots", "/service_level/default/percent", "must be a number", "digits"),
        ("vip: {percent", "vipp: {percent", "/service_level/groups/vipp", "there is no group 'vipp'", "write vip"),
        (
            "env: TWILIO_AUTH_TOKEN",
            "env: hunter2",
            "/telephony/twilio/auth_token/env",
            "not spelled",
            "never the secret",
        ),
        ("keep_free: 0", "keep_free: -1", "/groups/vip/keep_free", "greater than or equal to 0", "docs/plan.md"),
        ("cooling_max: 5m", "cooling_max: 1s", "/timing/cooling_max", "shorter than `cooling`", "at least as long"),
        ("default: transfer", "default: callback", "/question/default", "not known", "'transfer' or 'wait'"),
        ("options: [transfer, ", "options: [", "/question/default", "not among the options", "add it"),
        ("- {then: general}", "- {then: vip}", "/ladders/vip/1", "a cycle: vip → vip", "end in a group"),
        ("exit: message", "exit: later", "/exit", "not spelled", "message, callback, number:"),
        ('"+12025550188"', '"+1 202 555 0188"', "/numbers/+1 202 555 0188", "not spelled", "without spaces"),
    ],
)
def test_an_error_names_line_pointer_and_cure(old: str, new: str, pointer: str, message: str, fix: str) -> None:
    problem = changed(old, new)
    assert problem.pointer == pointer
    assert message in problem.message
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("vip", "message"),
    [
        ([{"step": "a", "to": "all", "wait": "5s"}], "the last step waits until `max_wait`"),
        ([{"step": "a", "to": "owner"}], "the last step must be a group"),
        ([{"step": "a", "to": "cover"}], "the last step must be a group"),
        ([{"step": "a", "to": ["owner", "all"]}], "'owner' cannot be mixed with groups"),
        ([{"step": "a", "to": "owner"}, {"step": "b", "to": "owner"}, {"then": "all"}], "the owner is asked twice"),
        ([{"step": "a", "to": "vip"}, {"step": "a", "to": "all"}], "two steps are called 'a'"),
        ([{"step": "all", "to": "vip"}, {"then": "all"}], "two steps are called 'all'"),
        ([{"then": "all"}, {"step": "a", "to": "vip"}], "rungs after `then` are never reached"),
        ([{"then": "all", "wait": "5s"}], "`then` stands alone in its rung"),
        ([{"step": "a"}], "a rung is `step` and `to`, or `then`"),
        ([{"to": "vip"}], "a rung is `step` and `to`, or `then`"),
        ([{"step": "a", "to": "vip", "when_busy": "ask"}, {"then": "all"}], "`when_busy` is for the owner's step"),
        (
            [{"step": "a", "to": "owner", "max_waiting": 3}, {"then": "all"}],
            "`max_waiting` is not for the owner's step",
        ),
        ([{"then": "nowhere"}], "there is no ladder 'nowhere'"),
        ([], "should have at least 1 item"),
    ],
)
def test_ladders_that_would_leave_a_caller_hanging_are_refused(vip: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(PlanInvalid) as caught:
        small(ladders={**SMALL["ladders"], "vip": vip})
    assert message in str(caught.value)
    assert all(problem.pointer.startswith("/ladders/vip") for problem in caught.value.errors)


def test_a_cycle_through_several_ladders_is_told_once() -> None:
    ladders = {"vip": [{"then": "b"}], "b": [{"then": "c"}], "c": [{"then": "b"}], "all": SMALL["ladders"]["all"]}
    with pytest.raises(PlanInvalid) as caught:
        small(ladders=ladders)
    assert [problem.message for problem in caught.value.errors] == ["a cycle: b → c → b"]


@pytest.mark.parametrize(("length", "fine"), [(64, True), (65, False), (1_900, False)])
def test_a_chain_of_ladders_has_an_end(length: int, fine: bool) -> None:
    chain: dict[str, Any] = {f"l{at}": [{"then": f"l{at + 1}"}] for at in range(length - 1)}
    chain[f"l{length - 1}"] = [{"step": "all", "to": "all"}]
    tiers = [{"name": "plain", "ladder": "l0"}]
    if fine:
        assert len(small(ladders=chain, tiers=tiers).site.rungs["l0"]) == 1
        return
    with pytest.raises(PlanInvalid, match="more than 64 steps"):
        small(ladders=chain, tiers=tiers)


@pytest.mark.parametrize("name", ["owner", "cover"])
def test_a_group_cannot_take_the_owners_name(name: str) -> None:
    with pytest.raises(PlanInvalid, match="cannot be called"):
        small(groups={**SMALL["groups"], name: {}})


def test_all_errors_come_at_once() -> None:
    text = TEXT.replace("ladder: vip,", "ladder: vipp,").replace("to: general}", "to: generl}")
    assert len(refused(text)) >= 2


def test_a_plan_dumped_and_read_again_is_the_same() -> None:
    site = sample().plan.site
    assert read_plan(site.model_dump_json(exclude_none=True)).site == site
    assert read_plan(yaml.safe_dump(site.model_dump(mode="json", exclude_none=True))).site == site


def test_equal_texts_have_equal_digests() -> None:
    assert read_plan(TEXT).digest == read_plan(TEXT).digest
    assert read_plan(TEXT).digest != read_plan(TEXT + "\n").digest


def test_the_plans_timing_is_the_engines() -> None:
    ours = {f"{name}_ms" for name in TimingPart.model_fields}
    engines = {each.name for each in fields(Timing)} - {"short_abandon_ms"}
    assert ours == engines
    assert small().site.engine_timing() == Timing()
