"""What is installed is what was locked, and every dependency has a reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")


def asked_for() -> list[str]:
    """The names of all direct dependencies, as they are written."""
    groups = PROJECT["dependency-groups"]
    wishes = (
        PROJECT["project"]["dependencies"] + groups["build"] + [wish for wish in groups["dev"] if str(wish) == wish]
    )
    return [re.split(r"[^A-Za-z0-9._-]", wish, maxsplit=1)[0] for wish in wishes]


def locked(name: str) -> dict[str, int]:
    """`package==version` to the number of its hashes."""
    entries = (ROOT / name).read_text().replace("\\\n", "").splitlines()
    return {entry.split()[0].lower(): entry.count("--hash=sha256:") for entry in entries if entry.strip()}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_pins_by_hash_and_names_no_host(name: str) -> None:
    assert all(hashes > 0 and "==" in package for package, hashes in locked(name).items())
    assert not re.search(r"://|index-url|find-links|trusted-host", (ROOT / name).read_text())


def test_the_locks_agree() -> None:
    assert locked("requirements.lock").keys() <= locked("requirements-dev.lock").keys()
    assert locked("requirements-build.lock").keys() <= locked("requirements-dev.lock").keys()


def test_every_dependency_is_locked_and_explained() -> None:
    pinned = {package.partition("==")[0] for package in locked("requirements-dev.lock")}
    explained = (ROOT / "docs/dependencies.md").read_text()
    for name in asked_for():
        assert name.lower() in pinned
        assert re.search(rf"\| [^|]*\b{re.escape(name)}\b[^|]* \|", explained), name
