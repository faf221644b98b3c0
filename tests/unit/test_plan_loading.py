"""A plan's text → the typed plan, or every error at its line with what to do."""

from __future__ import annotations

import json
from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.loading import read_plan
from config.models import TimingPart
from config.problems import PlanInvalid, Problem
from config.source import MAX_BYTES, read_source
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
        ("exit: message", "exit: later", "/exit", "not spelled", "message, callback or number:"),
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


@pytest.mark.parametrize("name", ["owner", "cover"])
def test_a_group_cannot_take_the_owners_name(name: str) -> None:
    with pytest.raises(PlanInvalid, match="cannot be called"):
        small(groups={**SMALL["groups"], name: {}})


def test_all_errors_come_at_once() -> None:
    text = TEXT.replace("ladder: vip,", "ladder: vipp,").replace("to: general}", "to: generl}")
    assert len(refused(text)) >= 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("[]", "this is no mapping"),
        ("tiers", "this is no mapping"),
        ("a: [1, 2", "did not find expected"),
        ("a:\n\t- 1", "cannot start any token"),
        ("language: en\nlanguage: de", "'language' stands here a second time"),
        ("a: b\n---\nc: d", "a second document"),
        ("a: !!python/object/apply:os.system [ls]", "the tag"),
        ("b: *x", "there is no anchor &x"),
        ("b: &x [*x]", "there is no anchor &x"),
        ("? [a, b]\n: c", "a key is no plain word"),
        ("a: \x07", "a character that YAML does not allow"),
        (b"a: \xff", "the file is not UTF-8"),
        ("a: " + "x" * MAX_BYTES, "over 1048576"),
        ("[" * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
        ("a: \ud800", "the file is not UTF-8"),
    ],
)
def test_text_that_is_no_plan(text: str | bytes, message: str) -> None:
    (problem,) = refused(text)
    assert message in problem.message


def test_an_alias_bomb_is_refused_before_it_is_built() -> None:
    names = "abcdefghijklmnop"
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n" for before, name in pairwise(names)
    )
    (problem,) = refused(bomb)
    assert "more than 250000 values" in problem.message
    assert problem.line == 6


def test_aliases_repeat_a_value_and_errors_name_the_alias() -> None:
    text = yaml.safe_dump(
        {**SMALL, "hours": {"day": {"open": (week := {"mon": ["08:00-20:00"]})}, "night": {"open": week}}}
    )
    assert "*id001" in text
    hours = read_plan(text).site.hours
    assert hours["day"] == hours["night"]
    assert read_source("a: &x {b: 1}\n\nc: *x\n", "x.yaml").line(("c", "b")) == 3


def test_the_line_of_a_second_document_or_duplicate_is_where_it_stands() -> None:
    assert refused("language: en\nregion: US\nlanguage: de\n")[0].line == 3
    assert refused("a: b\n\n---\nc: d")[0].line == 3


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("20:00", "20:00"),
        ("+12025550100", "+12025550100"),
        ("0123", "0123"),
        ("2026-12-24", "2026-12-24"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("12", 12),
        ("-3", -3),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        (".nan", ".nan"),
    ],
)
def test_yaml_words_mean_what_they_look_like(text: str, value: object) -> None:
    assert read_source(f"key: {text}", "x.yaml").value == {"key": value}


def test_a_plan_may_come_as_json() -> None:
    assert read_plan(json.dumps(SMALL)).site == small().site
    assert read_plan(json.dumps(SMALL, indent="\t")).site == small().site


def test_without_the_fast_parser_plans_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.source._Loader", yaml.SafeLoader)
    assert read_plan(json.dumps(SMALL, indent="\t")).site == small().site
    assert read_plan(TEXT).site == sample().plan.site


def test_errors_in_json_have_lines_too() -> None:
    text = json.dumps({**SMALL, "default_tier": "nobody"}, indent="\t")
    (problem,) = refused(text)
    assert '"default_tier"' in text.splitlines()[problem.line - 1]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=30), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=30), JSON, max_size=5), st.sampled_from([None, 2, "\t"]))
def test_any_json_reads_as_itself(value: dict[str, Any], indent: int | str | None) -> None:
    assert read_source(json.dumps(value, indent=indent), "x.json").value == value


@given(st.text() | st.binary())
def test_any_text_that_is_no_plan_is_refused_with_a_reason(text: str | bytes) -> None:
    with pytest.raises(PlanInvalid) as caught:
        read_plan(text)
    assert caught.value.errors


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
