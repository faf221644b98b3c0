"""The command line as a whole."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

from router import cli


def test_help_names_every_command_that_exists() -> None:
    said = CliRunner().invoke(cli.main, ["--help"]).output
    assert "doctor" in said
    assert "check" in said


def test_a_command_whose_module_is_missing_does_not_hinder_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cli._MODULES, "replay", "router.cli.nowhere")
    said = CliRunner().invoke(cli.main, ["--help"]).output
    assert "replay" not in said
    assert "doctor" in said
    assert CliRunner().invoke(cli.main, ["replay"]).exit_code == 2


def test_a_command_imports_only_what_it_needs() -> None:
    code = "import sys, router.cli; sys.exit(any(n.startswith(('aiohttp', 'redis', 'config.')) for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
