"""What `check` says about plans that are valid and unwise. Each plan has one flaw; the sample has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.lint import lint_plan, lint_site
from config.loading import load_site, read_plan
from config.problems import Problem
from tests.support.plans import SAMPLE, SMALL, folder, sample

STAFF: list[dict[str, Any]] = [
    {"agent_id": "ann", "groups": {"vip": 1, "all": 1}, "skills": ["es", "loans", "cards", "tax", "law"]},
    {"agent_id": "bob", "groups": {"vip": 1, "all": 1}, "skills": ["zh-CN"]},
]
GOLD: dict[str, Any] = {"customer_id": "c-1", "tier": "gold", "owner": "ann", "cover": ["bob"]}
PLAIN: list[dict[str, Any]] = [{"customer_id": f"p-{place}"} for place in range(9)]


def lint(
    place: Path,
    plan: dict[str, Any] | None = None,
    agents: list[dict[str, Any]] | None = None,
    customers: list[dict[str, Any]] | None = None,
) -> list[Problem]:
    """Warnings of a folder: the small plan with these keys, the staff and the customers unless others are given."""
    people = {"agents": STAFF if agents is None else agents}
    people["customers"] = [GOLD, *PLAIN] if customers is None else customers
    found = lint_site(load_site(folder(place, plan={**SMALL, **(plan or {})}, **people)))
    assert all(problem.message and problem.fix for problem in found)
    return [problem for problem in found if problem.severity == "warning"]


def only(found: list[Problem]) -> Problem:
    assert len(found) == 1, found
    return found[0]


def test_a_sound_plan_has_no_warnings(tmp_path: Path) -> None:
    assert lint(tmp_path) == []


def test_the_sample_has_no_warnings_and_says_what_it_costs_and_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    found = lint_site(sample())
    assert [problem.severity for problem in found] == ["note"] * 6
    assert "diamond can hold a standard caller back for 30 min" in found[0].message


def test_a_plan_alone_is_linted_without_people() -> None:
    assert all(problem.severity == "note" for problem in lint_plan(read_plan((SAMPLE / "plan.yaml").read_text())))


def ladders(*vip: dict[str, Any]) -> dict[str, Any]:
    return {"ladders": {**SMALL["ladders"], "vip": list(vip)}}


# A rule nobody can satisfy.


def test_a_step_whose_group_has_no_agents(tmp_path: Path) -> None:
    agents = [{**agent, "groups": {"all": 1}} for agent in STAFF]
    problem = only(lint(tmp_path, agents=agents))
    assert problem.pointer == "/ladders/vip/2/to"
    assert "nobody is in group vip" in problem.message
    assert problem.file.endswith("plan.yaml")


def test_a_skill_nobody_has(tmp_path: Path) -> None:
    problem = only(lint(tmp_path, {"skills": [*SMALL["skills"], "fr"]}))
    assert (problem.pointer, "nobody has skill fr" in problem.message) == ("/skills/6", True)


def test_a_number_that_asks_for_skills_nobody_has_together(tmp_path: Path) -> None:
    numbers = {"+12025550100": {"skills": ["es"], "language": "zh-CN", "ladder": "vip"}}
    problem = only(lint(tmp_path, {"numbers": numbers}))
    assert problem.pointer == "/numbers/+12025550100"
    assert "nobody in ladder vip has zh-CN and es" in problem.message


def test_a_number_in_a_language_nobody_is_trained_for(tmp_path: Path) -> None:
    problem = only(lint(tmp_path, {"numbers": {"+12025550100": {"language": "fr"}}}))
    assert "no skill for language fr" in problem.message


def test_a_customer_who_needs_skills_nobody_has_together(tmp_path: Path) -> None:
    customer = {"customer_id": "c-2", "skills": ["loans"], "language": "zh-CN"}
    problem = only(lint(tmp_path, customers=[customer, *PLAIN]))
    assert problem.pointer == "/customers/0"
    assert "zh-CN and loans" in problem.message


def test_a_group_that_keeps_more_free_than_it_has(tmp_path: Path) -> None:
    problem = only(lint(tmp_path, {"groups": {"vip": {"keep_free": 2}, "all": {}}}))
    assert problem.pointer == "/groups/vip/keep_free"
    assert "never helps others" in problem.message


# A step that can never start; parts nobody uses.


@pytest.mark.parametrize(
    ("first", "warned"),
    [
        ({"wait": "30m"}, True),
        ({}, True),
        ({"wait": "29m"}, False),
        ({"wait": "30m", "max_waiting": 5}, False),
    ],
)
def test_a_step_behind_one_that_uses_up_the_whole_wait(tmp_path: Path, first: dict[str, Any], warned: bool) -> None:
    people = {"customers": PLAIN}
    found = lint(
        tmp_path,
        ladders({"step": "owner", "to": "owner"}, {"step": "vip", "to": "vip", **first}, {"then": "all"}),
        **people,
    )
    assert [problem.pointer for problem in found] == (["/ladders/vip/2"] if warned else [])
    assert not warned or "step all can never start" in found[0].message


def test_a_crowded_step_excuses_only_itself(tmp_path: Path) -> None:
    plan = ladders(
        {"step": "one", "to": "vip", "max_waiting": 5}, {"step": "two", "to": "late", "wait": "30m"}, {"then": "all"}
    )
    plan["groups"] = {"vip": {}, "late": {}, "all": {}}
    agents = [{"agent_id": "zed", "groups": {"vip": 1, "late": 1, "all": 1}}]
    found = lint(tmp_path, plan, agents=agents, customers=PLAIN)
    assert [problem.pointer for problem in found if "can never start" in problem.message] == ["/ladders/vip/2"]


def test_a_step_whose_groups_were_asked_before(tmp_path: Path) -> None:
    plan = ladders(
        {"step": "one", "to": ["all", "vip"], "wait": "5s"}, {"step": "two", "to": "vip", "wait": "5s"}, {"then": "all"}
    )
    found = lint(tmp_path, plan, customers=PLAIN)
    assert [problem.pointer for problem in found] == ["/ladders/vip/1", "/ladders/vip/2"]
    assert "adds nobody" in found[0].message


def test_a_flaw_of_a_ladder_others_go_on_as_is_told_once(tmp_path: Path) -> None:
    plan = ladders({"step": "a", "to": "vip"}, {"then": "all"})
    plan["ladders"]["top"] = [{"then": "vip"}]
    plan["tiers"] = [{"name": "gold", "ladder": "top", "head_start": "1m"}, {"name": "plain", "ladder": "vip"}]
    assert only(lint(tmp_path, plan, customers=PLAIN)).pointer == "/ladders/vip/1"


def test_an_owners_or_covers_step_no_customer_can_use(tmp_path: Path) -> None:
    gold = {"customer_id": "c-1", "tier": "gold", "owner": "ann"}
    problem = only(lint(tmp_path, customers=[gold, *PLAIN]))
    assert problem.pointer == "/customers"
    assert "the cover's step of ladder vip can never start" in problem.message


def test_a_ladder_nobody_uses(tmp_path: Path) -> None:
    plan = {"ladders": {**SMALL["ladders"], "spare": [{"then": "all"}]}}
    assert "used by no tier and no number" in only(lint(tmp_path, plan)).message


def test_hours_nobody_uses_or_that_never_begin(tmp_path: Path) -> None:
    unused = only(lint(tmp_path / "a", {"hours": {"day": {"open": {"mon": ["08:00-20:00"]}}}}))
    assert "used by no number" in unused.message
    never = {"hours": {"day": {"open": {"mon": []}}}, "numbers": {"+12025550100": {"hours": "day"}}}
    assert only(lint(tmp_path / "b", never)).pointer == "/hours/day/open"


# Who is calling.


@pytest.mark.parametrize(
    ("plan", "pointer", "words"),
    [
        ({"trust": {"loses_vip_rights": []}}, "/trust/loses_vip_rights", "whatever stands here"),
        ({"trust": {"greet_by_name": ["verified", "failed"]}}, "/trust/greet_by_name/1", "nobody to name"),
        ({"trust": {"greet_by_name": ["verified", "none"]}}, "/trust/greet_by_name/1", "fakes a customer's number"),
        ({"velocity": {"calls": 700}}, "/velocity/calls", "turned away after 600 calls"),
        (
            {"velocity": {"calls": 0, "numbers": 0, "loses_vip_rights": True}},
            "/velocity/loses_vip_rights",
            "never flagged",
        ),
        ({"limits": {"at_once": 2}}, "/limits/at_once", "switchboard"),
        ({"identification": {"lock": "1h", "lock_max": "10m"}}, "/identification/lock_max", "shorter than `lock`"),
        ({"identification": {"ask": ["unproven"]}}, "/identification", "over the API"),
        ({"numbers": {"+12025550100": {"identify": ["unproven"]}}}, "/identification", "over the API"),
    ],
)
def test_who_is_calling(tmp_path: Path, plan: dict[str, Any], pointer: str, words: str) -> None:
    problem = only(lint(tmp_path, plan))
    assert problem.pointer == pointer
    assert words in problem.message


def test_customers_who_are_asked_for_a_number_they_do_not_have_are_a_note(tmp_path: Path) -> None:
    telephony = {"twilio": {"auth_token": {"env": "T"}}}
    plan = {**SMALL, "identification": {"ask": ["withheld"]}, "telephony": telephony}

    def notes(place: Path, customers: list[dict[str, Any]]) -> list[str]:
        found = lint_site(load_site(folder(place, plan=plan, agents=STAFF, customers=customers)))
        return [problem.message for problem in found if problem.pointer == "/identification/ask"]

    [note] = notes(tmp_path / "a", PLAIN)
    assert note == "no customer has a number to enter: whoever is asked for one can only skip it"
    assert notes(tmp_path / "b", [{**GOLD, "number": "40071"}, *PLAIN]) == []


# Owners and covers.


def test_a_vip_without_owner(tmp_path: Path) -> None:
    problem = only(lint(tmp_path, customers=[GOLD, *PLAIN, {"customer_id": "c-2", "tier": "gold"}]))
    assert problem.pointer == "/customers/10"
    assert "c-2 is gold and has no owner" in problem.message
    text = Path(problem.file).read_text().splitlines()
    assert "c-2" in text[problem.line - 1]


def test_an_owner_who_serves_no_lane(tmp_path: Path) -> None:
    found = lint(tmp_path, agents=[*STAFF, {"agent_id": "eve"}], customers=[{**GOLD, "owner": "eve"}, *PLAIN])
    assert [problem.pointer for problem in found] == ["/agents/2", "/customers/0/owner"]
    assert "the owner eve serves no lane" in found[1].message


def test_an_owner_or_cover_who_does_not_exist(tmp_path: Path) -> None:
    found = lint(tmp_path, customers=[{**GOLD, "owner": "zoe", "cover": ["bob", "yan"]}, *PLAIN])
    assert [problem.pointer for problem in found] == ["/customers/0/owner", "/customers/0/cover/1"]
    assert ["does not exist" in problem.message for problem in found] == [True, True]


def test_a_cover_who_is_the_owner(tmp_path: Path) -> None:
    other = {"customer_id": "c-2", "tier": "gold", "owner": "ann", "cover": ["bob"]}
    assert only(lint(tmp_path, customers=[{**GOLD, "cover": ["ann"]}, other, *PLAIN])).pointer == "/customers/0/cover"


# How many, and who passes whom.


@pytest.mark.parametrize(("vips", "warned"), [(2, False), (3, True)])
def test_more_than_a_fifth_of_the_customers_are_vips(tmp_path: Path, vips: int, warned: bool) -> None:
    customers = [{**GOLD, "customer_id": f"c-{place}"} for place in range(vips)] + PLAIN[: 10 - vips]
    found = lint(tmp_path, customers=customers)
    assert bool(found) is warned
    assert not warned or "3 of 10 customers (30%) are in VIP tiers" in found[0].message


@pytest.mark.parametrize(("kinds", "warned"), [(200, False), (201, True)])
def test_more_than_two_hundred_profiles(tmp_path: Path, kinds: int, warned: bool) -> None:
    skills = [f"s{place}" for place in range(8)]
    agents = [
        {
            "agent_id": f"a-{kind}",
            "groups": {"all": 1, "vip": 1},
            "skills": [s for bit, s in enumerate(skills) if kind >> bit & 1],
        }
        for kind in range(kinds)
    ]
    found = lint(tmp_path, {"skills": skills}, agents=agents, customers=PLAIN)
    assert [problem.pointer for problem in found] == (["/agents"] if warned else [])


@pytest.mark.parametrize(("groups", "warned"), [(50, False), (51, True)])
def test_more_than_two_hundred_lanes(tmp_path: Path, groups: int, warned: bool) -> None:
    names = [f"g{place}" for place in range(groups)]
    plan = {
        "groups": {name: {} for name in names},
        "skills": ["es", "tax", "law"],
        "tiers": [{"name": name, "ladder": name} for name in names],
        "default_tier": names[-1],
        "ladders": {name: [{"step": name, "to": name}] for name in names},
    }
    agents = [{"agent_id": "ann", "groups": dict.fromkeys(names, 1), "skills": ["es", "tax", "law"]}]
    found = lint(tmp_path, plan, agents=agents, customers=PLAIN)
    assert [problem.pointer for problem in found] == (["/groups"] if warned else [])


def test_unequal_levels_leave_overtaking_unbounded(tmp_path: Path) -> None:
    problem = only(lint(tmp_path, agents=[{**STAFF[0], "groups": {"vip": 1, "all": 2}}, STAFF[1]]))
    assert problem.pointer == "/agents/0/groups"
    assert "serves all of vip (level 1) before any of all (level 2)" in problem.message
    assert "overtaking is unbounded" in problem.message


def test_a_head_start_longer_than_any_wait_leaves_overtaking_unbounded(tmp_path: Path) -> None:
    assert lint(tmp_path / "a", {"max_wait": "10m"}) == []
    problem = only(lint(tmp_path / "b", {"max_wait": "9m"}))
    assert problem.pointer == "/tiers/0/head_start"
    assert "overtaking is unbounded" in problem.message


def test_how_long_a_head_start_holds_an_ordinary_caller_is_noted(tmp_path: Path) -> None:
    numbers = {"+12025550100": {"title": "Hotline", "head_start": "90s"}}
    plan = folder(tmp_path, plan={**SMALL, "numbers": numbers})
    notes = [problem for problem in lint_site(load_site(plan)) if problem.severity == "note"]
    assert [problem.pointer for problem in notes] == ["/numbers/+12025550100/head_start", "/tiers/0/head_start"] or [
        problem.pointer for problem in notes
    ] == ["/tiers/0/head_start", "/numbers/+12025550100/head_start"]
    assert {"Hotline can hold a plain caller back for 90 s", "gold can hold a plain caller back for 10 min"} == {
        problem.message.partition(":")[0] for problem in notes
    }
