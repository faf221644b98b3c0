"""A tier's own words are spoken as they were meant, and in every language that is heard."""

from __future__ import annotations

from typing import Any

import pytest

from config.lint import People, lint_plan
from config.people import AgentSeed
from tests.support.plans import sample, small


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{hello}, dear {who}.", []),
        ("{hello}, dear {who}. {wish} Good to hear you.", []),
        ("{hello}, {whoo}.", ["it fills in nothing but {hello}, {who}, {wish}: {whoo} is spoken without its braces"]),
        (
            "Dear {Who}, {0}.",
            ["it fills in nothing but {hello}, {who}, {wish}: {Who}, {0} is spoken without its braces"],
        ),
        ("a" * 200, []),
        ("a" * 201, ["it is longer than the 200 characters that are spoken"]),
    ],
)
def test_a_greeting_that_would_not_be_spoken_as_written(text: str, said: list[str]) -> None:
    plan = small(voice={"greetings": {"gold": {"en": text}}})
    found = [problem for problem in lint_plan(plan) if problem.pointer == "/voice/greetings/gold/en"]
    assert [problem.message for problem in found] == said
    assert {problem.severity for problem in found} <= {"warning"}


TIERS = [{"name": "gold", "ladder": "vip", "head_start": "10m"}, {"name": "plain", "ladder": "all"}]


def told_in_another_language(spoken: Any, *languages: str | None) -> list[tuple[str, str]]:
    plan = small(tiers=[{**TIERS[0], "spoken": spoken}, {**TIERS[1], "spoken": {"en": "plain", "pl": "zwykły"}}])
    agents = [
        AgentSeed.model_validate({"agent_id": f"a{place}", "name": "A", "groups": {"vip": 1}, "language": language})
        for place, language in enumerate(languages)
    ]
    found = lint_plan(plan, People(agents))
    return [(problem.pointer, problem.message) for problem in found if "another language" in problem.message]


@pytest.mark.parametrize(
    ("spoken", "languages"),
    [("", (None,)), ("", ("en-GB",)), ("gold", ("en",)), ({"en": "gold", "pl": "złoty"}, ("pl", None, "en"))],
)
def test_a_tier_is_called_something_in_every_language_that_agents_hear(spoken: Any, languages: tuple[str, ...]) -> None:
    assert told_in_another_language(spoken, *languages) == []


@pytest.mark.parametrize(
    ("spoken", "missing", "at"),
    [
        ("", "pl", "/tiers/0/name"),
        ("gold", "pl", "/tiers/0/spoken"),
        ({"pl": "złoty"}, "en", "/tiers/0/spoken"),
        ({"zh-CN": "黄金"}, "en, pl", "/tiers/0/spoken"),
    ],
)
def test_a_tier_without_a_word_for_agents_is_named(spoken: Any, missing: str, at: str) -> None:
    what = f"agents who hear {missing} are told of gold in another language"
    assert told_in_another_language(spoken, "pl", None, "pl") == [(at, what)]


@pytest.mark.parametrize("language", ["en", "zh-CN", "pl", "id"])
def test_the_sample_s_tiers_have_a_word_in_every_shipped_language(language: str) -> None:
    for tier in sample().plan.site.tiers:
        assert isinstance(tier.spoken, dict)
        assert tier.spoken[language]


@pytest.mark.parametrize(
    ("topic", "missing"),
    [("loans", ""), ({"en": "loans", "pl": "kredyty"}, ""), ({"en": "loans"}, "pl"), ({"zh-CN": "贷款"}, "en, pl")],
)
def test_a_topic_without_a_word_for_callers_is_named(topic: Any, missing: str) -> None:
    menu = [{"key": "1", "language": "id"}, {"key": "2", "topic": topic, "skills": ["loans"]}]
    plan = small(voice={"menu": menu}, numbers={"+12025550100": {"language": "pl"}})
    found = [problem.message for problem in lint_plan(plan) if problem.pointer == "/voice/menu/1/topic"]
    assert found == ([f"callers who hear {missing} are told of this topic in another language"] if missing else [])
