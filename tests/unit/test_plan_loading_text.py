"""Text → values with lines: what is read, what it means, and what is refused."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from config.loading import read_plan
from config.problems import PlanInvalid, Problem
from config.source import MAX_BYTES, read_source
from tests.support.plans import SAMPLE, SMALL, sample, small

TEXT = (SAMPLE / "plan.yaml").read_text()


def refused(text: str | bytes) -> list[Problem]:
    with pytest.raises(PlanInvalid) as caught:
        read_plan(text)
    assert all(problem.message and problem.fix and problem.line >= 1 for problem in caught.value.errors)
    return caught.value.errors


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
