"""Values that are valid and surely meant otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from config.lint import lint_plan
from config.loading import read_plan
from config.problems import PlanInvalid, Problem
from tests.support.plans import SMALL

TWILIO = {"twilio": {"account_sid": {"env": "PBX_SID"}, "auth_token": {"env": "PBX_TOKEN"}}}


def found(plan: dict[str, Any], severity: str = "warning") -> list[Problem]:
    return [problem for problem in lint_plan(read_plan(json.dumps({**SMALL, **plan}))) if problem.severity == severity]


@pytest.mark.parametrize(
    ("plan", "pointer", "message"),
    [
        ({"max_wait": 1800}, "/max_wait", "`max_wait: 1800` lasts 1800 ms"),
        ({"timing": {"wrap_up": 30}}, "/timing/wrap_up", "`wrap_up: 30` lasts 30 ms"),
        ({"numbers": {"+12025550100": {"head_start": 600}}}, "/numbers/+12025550100/head_start", "600 ms"),
        ({"service_level": {"groups": {"vip": {"within": 20}}}}, "/service_level/groups/vip/within", "20 ms"),
    ],
)
def test_seconds_without_a_unit_are_named(plan: dict[str, Any], pointer: str, message: str) -> None:
    said = {problem.pointer: problem for problem in found(plan)}
    assert message in said[pointer].message
    assert "s if seconds were meant" in said[pointer].fix


def test_a_steps_wait_too_and_whole_seconds_are_believed() -> None:
    vip = [{"step": "vip", "to": "vip", "wait": 10}, *SMALL["ladders"]["vip"][-1:]]
    said = [problem.pointer for problem in found({"ladders": {**SMALL["ladders"], "vip": vip}})]
    assert "/ladders/vip/0/wait" in said
    assert not [p for p in found({"max_wait": 1_800_000, "timing": {"wrap_up": "300ms"}}) if "unit" in p.message]


@pytest.mark.parametrize("dialled", ["12025550100", "2025550100"])
def test_a_number_without_its_plus_is_never_dialled(dialled: str) -> None:
    (said,) = found({"numbers": {dialled: {}}})
    assert "a call to +12025550100 does not find it" in said.message


def test_extensions_need_no_plus() -> None:
    assert found({"numbers": {"100": {}, "*55": {}, "+12025550100": {}}}) == []


def test_secrets_that_are_not_set_are_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PBX_SID", "AC1")
    said = [problem for problem in found({"telephony": TWILIO}, "note") if "secret" in problem.message]
    assert [problem.pointer for problem in said] == ["/telephony/twilio/auth_token"]
    assert "the environment has no PBX_TOKEN" in said[0].message
    (tmp_path / "token").write_text("t")
    kept = {"twilio": {"account_sid": {"env": "PBX_SID"}, "auth_token": {"file": str(tmp_path / "token")}}}
    assert not [problem for problem in found({"telephony": kept}, "note") if "secret" in problem.message]


def error(plan: dict[str, Any]) -> Problem:
    with pytest.raises(PlanInvalid) as refused:
        found(plan)
    return refused.value.errors[0]


def test_a_secret_itself_is_refused_with_what_to_write_and_not_repeated() -> None:
    said = error({"telephony": {"twilio": {"account_sid": {"env": "PBX_SID"}, "auth_token": "hunter2"}}})
    assert "a plan never holds a secret itself; name where it is: {env: SOME_VARIABLE}" in str(said)
    assert "hunter2" not in str(said)


def test_a_word_that_is_not_known_is_named() -> None:
    assert "'everyone' is not known here" in error({"identification": {"ask": ["everyone"]}}).message
