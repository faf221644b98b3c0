"""Every story is told on every stage there is: a file in `stages/` is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.stories import stages
from tests.stories.house import House, Stage, house_of
from tests.support.service import flush

NAMES = sorted(module.name for module in pkgutil.iter_modules(stages.__path__))


@pytest.fixture
def database(server: str) -> Iterator[str]:
    flush(server)
    yield server
    flush(server)


@pytest.fixture(params=NAMES)
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    """A story that needs what the adapter declares to lack, or the stage cannot do, is skipped, and says so."""
    found: Stage = importlib.import_module(f"tests.stories.stages.{request.param}").stage(request, tmp_path)
    needs = request.node.get_closest_marker("needs")
    for name in needs.args if needs else ():
        has = getattr(found.capabilities, name) if hasattr(found.capabilities, name) else getattr(found, name)
        if not has:
            pytest.skip(f"{found.name} has no {name}")
    return found


@pytest.fixture
async def house(database: str, tmp_path: Path, stage: Stage) -> AsyncIterator[House]:
    async with house_of(database, tmp_path, stage) as found:
        yield found
