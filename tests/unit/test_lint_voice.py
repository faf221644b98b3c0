"""A tier's own greeting is spoken as it was meant."""

from __future__ import annotations

import pytest

from config.lint import lint_plan
from tests.support.plans import small


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{hello}, dear {who}.", []),
        ("{hello}, {whoo}.", ["it fills in nothing but {hello} and {who}: {whoo} is spoken without its braces"]),
        ("Dear {Who}, {0}.", ["it fills in nothing but {hello} and {who}: {Who}, {0} is spoken without its braces"]),
        ("a" * 200, []),
        ("a" * 201, ["it is longer than the 200 characters that are spoken"]),
    ],
)
def test_a_greeting_that_would_not_be_spoken_as_written(text: str, said: list[str]) -> None:
    plan = small(voice={"greetings": {"gold": {"en": text}}})
    found = [problem for problem in lint_plan(plan) if problem.pointer == "/voice/greetings/gold/en"]
    assert [problem.message for problem in found] == said
    assert {problem.severity for problem in found} <= {"warning"}
