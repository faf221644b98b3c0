"""A wrong `telephony: node:` is named with its line."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from config.loading import read_plan
from config.problems import PlanInvalid
from tests.support.plans import SMALL

GOOD: dict[str, Any] = {
    "secrets": [{"file": "/run/secrets/node"}],
    "networks": ["203.0.113.0/24", "2001:db8::1"],
    "preset": "alibaba",
    "fields": {"caller": ["who", "ani"]},
    "names": {"target": "vipAgent"},
    "queues": {"vip": "8001"},
}


def plan_with(**changes: Any) -> str:
    return yaml.safe_dump({**SMALL, "telephony": {"node": GOOD | changes}}, sort_keys=False)


def test_a_section_is_read() -> None:
    node = read_plan(plan_with()).site.telephony.node
    assert node is not None
    assert (node.wraps, node.called("target"), node.called("display")) == ("result", "vipAgent", "showNumber")
    assert node.asked_as("caller") == ("who", "ani")
    assert "uuid" in node.asked_as("call")


@pytest.mark.parametrize(
    ("changes", "pointer", "line"),
    [
        ({"secrets": []}, "/telephony/node/secrets", "secrets: []"),
        ({"networks": ["203.0.113.9/24"]}, "/telephony/node/networks/0", "- 203.0.113.9/24"),
        ({"preset": "acme"}, "/telephony/node/preset", "preset: acme"),
        ({"fields": {"colour": ["c"]}}, "/telephony/node/fields/colour", "colour:"),
        ({"patience": "2s"}, "/telephony/node", "node:"),
        ({"secret": "plain"}, "/telephony/node/secret", "secret: plain"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], pointer: str, line: str) -> None:
    text = plan_with(**changes)
    with pytest.raises(PlanInvalid) as caught:
        read_plan(text)
    found = {problem.pointer.removesuffix("/[key]"): problem.line for problem in caught.value.errors}
    assert pointer in found
    assert text.splitlines()[found[pointer] - 1].strip() == line
