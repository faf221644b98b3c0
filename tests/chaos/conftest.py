"""What the chaos tests share: a site in a hurry, and a server that belongs to none of the services."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.load import hurried_config


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The files of a site whose deadlines are short."""
    return hurried_config(tmp_path / "config")


@pytest.fixture
def seed() -> int:
    """The load's seed; VIPLINE_SEED chooses another."""
    return int(os.environ.get("VIPLINE_SEED", "1"))
