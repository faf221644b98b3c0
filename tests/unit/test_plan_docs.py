"""docs/plan.md is true: its examples load and it names every key there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.identity import Identification, Limits, TrustRule, Velocity
from config.loading import load_site, read_plan
from config.models import Group, Number, Question, Rung, ServiceLevel, SitePlan, Tier, TimingPart, ValueRule
from config.parts import Crm, Hours, Part
from config.voice import MenuEntry, Voice
from tests.support.plans import SAMPLE, folder

TEXT = (SAMPLE.parent / "docs" / "plan.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
PARTS = [
    SitePlan,
    Tier,
    Group,
    Rung,
    Question,
    TimingPart,
    Hours,
    Number,
    TrustRule,
    Identification,
    Velocity,
    Limits,
    ServiceLevel,
    ValueRule,
    Crm,
    Voice,
    MenuEntry,
]


def test_the_small_plan_is_valid() -> None:
    assert read_plan(EXAMPLES[0]).site.vip_tiers == ("gold",)


def test_the_seeds_fit_the_sample_plan(tmp_path: Path) -> None:
    agents, customers, tokens = EXAMPLES[1:]
    plan = (SAMPLE / "plan.yaml").read_text()
    files = load_site(folder(tmp_path, plan=plan, agents=agents, customers=customers, tokens=tokens))
    assert [len(seeds) for seeds in (files.agents, files.customers, files.tokens)] == [1, 1, 1]


@pytest.mark.parametrize("part", PARTS)
def test_every_key_is_explained(part: type[Part]) -> None:
    unnamed = [name for name in part.model_fields if not re.search(rf"`{name}`", TEXT)]
    assert unnamed == []
