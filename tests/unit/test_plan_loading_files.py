"""A folder of plans and seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.loading import load_config, load_site
from config.models import SitePlan
from config.people import MAX_PHONES
from config.problems import PlanInvalid, Problem
from tests.support.plans import SAMPLE, folder

ANN = {"agent_id": "ann", "groups": {"vip": 1}, "skills": ["es"]}


def errors_of(place: Path) -> list[Problem]:
    with pytest.raises(PlanInvalid) as caught:
        load_config(place)
    return caught.value.errors


def test_the_sample_folder_holds_the_main_site() -> None:
    assert list(load_config(SAMPLE)) == ["main"]


def test_only_the_plan_must_be_there(tmp_path: Path) -> None:
    files = load_site(folder(tmp_path))
    assert (files.agents, files.customers, files.tokens) == ((), (), ())


def test_an_empty_seed_file_is_no_seed(tmp_path: Path) -> None:
    assert load_site(folder(tmp_path, agents="# nobody yet\n")).agents == ()


def test_other_sites_live_in_folders_of_their_own(tmp_path: Path) -> None:
    folder(tmp_path)
    folder(tmp_path / "sites" / "lisbon", agents=[ANN])
    sites = load_config(tmp_path)
    assert list(sites) == ["main", "lisbon"]
    assert sites["lisbon"].agents[0].agent_id == "ann"
    assert isinstance(sites["lisbon"].plan.site, SitePlan)


@pytest.mark.parametrize("name", ["main", "no spaces"])
def test_a_site_folder_must_have_a_sites_name(tmp_path: Path, name: str) -> None:
    folder(tmp_path)
    folder(tmp_path / "sites" / name)
    (problem,) = errors_of(tmp_path)
    assert "cannot be called" in problem.message


def test_no_plan_is_said(tmp_path: Path) -> None:
    (problem,) = errors_of(tmp_path / "nowhere")
    assert problem.file.endswith("nowhere/plan.yaml")
    assert problem.message.startswith("cannot be read")


def test_a_folder_instead_of_a_plan_is_said(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").mkdir()
    assert "cannot be read" in errors_of(tmp_path)[0].message


def test_errors_of_all_files_and_sites_come_together(tmp_path: Path) -> None:
    folder(tmp_path, agents=[{**ANN, "groups": {"nowhere": 1}}], customers=[{"customer_id": "c-1", "tier": "huge"}])
    folder(tmp_path / "sites" / "lisbon", plan="language: 3")
    files = {Path(problem.file).relative_to(tmp_path).as_posix() for problem in errors_of(tmp_path)}
    assert files == {"agents.yaml", "customers.yaml", "sites/lisbon/plan.yaml"}


@pytest.mark.parametrize(
    ("agents", "line", "pointer", "message"),
    [
        ("- {agent_id: ann, groups: {nowhere: 1}}", 3, "/agents/0/groups/nowhere", "there is no group 'nowhere'"),
        ("- {agent_id: ann, skills: [yachts]}", 3, "/agents/0/skills/0", "there is no skill 'yachts'"),
        ("- {agent_id: ann}\n- {agent_id: ann}", 4, "/agents/1", "'ann' is listed twice"),
        ("- {agent_id: ann, groups: {vip: 0}}", 3, "/agents/0/groups/vip", "greater than or equal to 1"),
        ("- {agent_id: 'a b'}", 3, "/agents/0/agent_id", "not spelled"),
        ("- {name: Ann}", 3, "/agents/0/agent_id", "`agent_id` is missing"),
        ("- ann", 3, "/agents/0", "must be a mapping"),
    ],
)
def test_agents_are_checked_against_the_plan(
    tmp_path: Path, agents: str, line: int, pointer: str, message: str
) -> None:
    (problem,) = errors_of(folder(tmp_path, agents=f"# seeds\nagents:\n{agents}\n"))
    assert (problem.line, problem.pointer) == (line, pointer)
    assert message in problem.message


@pytest.mark.parametrize(
    ("customer", "pointer", "message"),
    [
        ("tier: huge", "/customers/0/tier", "there is no tier 'huge'"),
        ("account: {account_id: acme, tier: huge}", "/customers/0/account/tier", "there is no tier 'huge'"),
        ("skills: [yachts]", "/customers/0/skills/0", "there is no skill 'yachts'"),
        ("phones: [one]", "/customers/0/phones/0", "no phone number"),
        ("annual_value: -1", "/customers/0/annual_value", "greater than or equal to 0"),
        ("birthday: 3 May", "/customers/0/birthday", "no date"),
        ("shoe_size: 41", "/customers/0/shoe_size", "not known here"),
        ("cover: [ann, ann]", "/customers/0/cover", "listed twice"),
    ],
)
def test_customers_are_checked_against_the_plan(tmp_path: Path, customer: str, pointer: str, message: str) -> None:
    text = f"customers:\n  - customer_id: c-1\n    {customer}\n"
    (problem,) = errors_of(folder(tmp_path, customers=text))
    assert (problem.line, problem.pointer) == (3, pointer)
    assert message in problem.message


def test_a_customer_with_thousands_of_phones_is_refused(tmp_path: Path) -> None:
    phones = ["+12025550100"] * 10_000
    (problem,) = errors_of(folder(tmp_path, customers=[{"customer_id": "c-1", "phones": phones}]))
    assert str(MAX_PHONES) in problem.message


def test_a_token_is_named_by_where_its_secret_is(tmp_path: Path) -> None:
    token = {"token_id": "pbx", "role": "telephony", "secret": {"env": "PBX_TOKEN"}}
    assert load_site(folder(tmp_path, tokens=[token])).tokens[0].secret.env == "PBX_TOKEN"


@pytest.mark.parametrize("secret", [{}, {"env": "PBX", "file": "/run/pbx"}, {"env": "not a name"}, "hunter2"])
def test_a_token_never_holds_its_secret(tmp_path: Path, secret: object) -> None:
    token = {"token_id": "pbx", "role": "telephony", "secret": secret}
    (problem,) = errors_of(folder(tmp_path, tokens=[token]))
    assert problem.pointer.startswith("/tokens/0/secret")
    assert "hunter2" not in str(problem)


def test_a_seed_reads_as_the_domains_customer(tmp_path: Path) -> None:
    rows = [
        {
            "customer_id": "c-1",
            "phones": ["+12025550110"],
            "account": {"account_id": "acme", "role": "buyer", "annual_value": 5},
            "value_parts": {"average_ticket": 10, "purchases_per_year": 2},
            "birthday": "1984-05-03",
        }
    ]
    seed = load_site(folder(tmp_path, customers=rows)).customers[0]
    customer = seed.customer(seed.customer_id)
    assert customer.customer_id == "c-1"
    assert customer.account is not None
    assert customer.account.annual_value == 5
    assert customer.value_parts is not None
    assert customer.value_parts.purchases_per_year == 2
    assert customer.birthday == "1984-05-03"
