"""Small plans and site folders for tests."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import yaml

from config.loading import PlanFile, SiteFiles, load_site, read_plan
from config.models import SitePlan

SAMPLE = Path(__file__).resolve().parents[2] / "config"

SMALL: dict[str, Any] = {
    "language": "en",
    "region": "US",
    "timezone": "America/New_York",
    "tiers": [
        {"name": "gold", "min_annual_value": 1000, "head_start": "10m", "ladder": "vip", "greet_by_name": True},
        {"name": "plain", "ladder": "all"},
    ],
    "default_tier": "plain",
    "groups": {"vip": {}, "all": {}},
    "skills": ["es", "zh-CN", "loans", "cards", "tax", "law"],
    "ladders": {
        "vip": [
            {"step": "owner", "to": "owner"},
            {"step": "cover", "to": "cover"},
            {"step": "vip", "to": "vip", "wait": "10s", "max_waiting": 20},
            {"then": "all"},
        ],
        "all": [{"step": "all", "to": "all"}],
    },
}


def sample() -> SiteFiles:
    """The site that ships."""
    return load_site(SAMPLE)


def small(**changes: Any) -> PlanFile:
    """A valid plan of two tiers, with some of its keys replaced."""
    return read_plan(yaml.safe_dump({**SMALL, **changes}, sort_keys=False))


def site(**changes: Any) -> SitePlan:
    """The same, only the typed plan."""
    return small(**changes).site


def folder(place: Path, *, plan: dict[str, Any] | str = "", **seeds: list[dict[str, Any]] | str) -> Path:
    """A site's folder: a plan (the small one when left out) and seeds by file, `agents=[…]`; text is kept as it is."""
    place.mkdir(parents=True, exist_ok=True)
    text = plan if isinstance(plan, str) and plan else yaml.safe_dump(plan or SMALL, sort_keys=False)
    (place / "plan.yaml").write_text(dedent(text))
    for name, rows in seeds.items():
        written = dedent(rows) if isinstance(rows, str) else yaml.safe_dump({name: rows}, sort_keys=False)
        (place / f"{name}.yaml").write_text(written)
    return place
