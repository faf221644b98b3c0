"""A wrong `telephony: jambonz:` is named with its line."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from config.loading import read_plan
from config.problems import PlanInvalid
from tests.support.plans import SMALL

GOOD: dict[str, Any] = {
    "api": "https://jambonz.example.com/api",
    "account_sid": {"env": "JAMBONZ_ACCOUNT_SID"},
    "api_key": {"env": "JAMBONZ_API_KEY"},
    "webhook_secrets": [{"env": "JAMBONZ_WEBHOOK_SECRET"}],
    "speech": {"vendor": "google", "voices": {"en": {"voice": "en-US-Neural2-C"}}},
    "trunks": {"carrier a": {"headers": True, "plus": True}},
}


def plan_with(**changes: Any) -> str:
    return yaml.safe_dump({**SMALL, "telephony": {"jambonz": GOOD | changes}}, sort_keys=False)


def test_a_section_is_read() -> None:
    found = read_plan(plan_with()).site.telephony.jambonz
    assert found is not None
    assert found.trunks["carrier a"].plus
    assert found.speech.recognizer == "google"


@pytest.mark.parametrize(
    ("changes", "pointer", "line"),
    [
        ({"api": "ftp://x"}, "/telephony/jambonz/api", "api: ftp://x"),
        ({"api_key": {"env": "lower"}}, "/telephony/jambonz/api_key/env", "env: lower"),
        ({"webhook_secrets": []}, "/telephony/jambonz/webhook_secrets", "webhook_secrets: []"),
        ({"secret": "plain"}, "/telephony/jambonz/secret", "secret: plain"),
        ({"trunks": {"a": {"head": True}}}, "/telephony/jambonz/trunks/a/head", "head: true"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], pointer: str, line: str) -> None:
    text = plan_with(**changes)
    with pytest.raises(PlanInvalid) as caught:
        read_plan(text)
    (problem,) = caught.value.errors
    assert problem.pointer == pointer
    assert text.splitlines()[problem.line - 1].strip() == line
