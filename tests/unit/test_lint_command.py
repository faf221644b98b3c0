"""`vipline check` as a pipeline sees it: exit codes and JSON."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from ivr.speech import FOLDER, languages
from router.cli.check import command, findings, phrase_problems
from tests.support.plans import SAMPLE, SMALL, folder


def check(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], env=env)


def test_the_sample_is_clean() -> None:
    result = check(SAMPLE, env={"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "t"})
    assert result.exit_code == 0
    assert result.output.splitlines()[-1].endswith("0 errors, 0 warnings, 4 notes")


def test_warnings_exit_1(tmp_path: Path) -> None:
    result = check(folder(tmp_path, plan={**SMALL, "max_wait": "1m"}))
    assert result.exit_code == 1
    assert f"{tmp_path}/plan.yaml:" in result.output
    assert "warning: gold: a head start of 10 min is longer than any wait (1 min)" in result.output


def test_errors_exit_2_and_say_where_and_what_to_do(tmp_path: Path) -> None:
    result = check(folder(tmp_path, plan={**SMALL, "default_tier": "nobody"}))
    assert result.exit_code == 2
    assert f"{tmp_path}/plan.yaml:" in result.output
    assert "error: there is no tier 'nobody'; write gold, plain, or add it to the plan [/default_tier]" in result.output


def test_a_language_without_phrases_is_named(tmp_path: Path) -> None:
    menu = [{"key": "1", "language": "fr"}, {"key": "2", "language": "zh"}]
    plan = {**SMALL, "voice": {"menu": menu}, "numbers": {"+12025550100": {"language": "de-AT"}}}
    result = check(folder(tmp_path, plan=plan))
    assert result.exit_code == 1
    assert "no phrases in fr: its callers hear greeting, menu, PIN and wait in en" in result.output
    assert "no phrases in de-AT" in result.output
    assert "no phrases in zh" not in result.output


def test_no_such_folder_exits_2() -> None:
    assert check("/nowhere/at/all").exit_code == 2


def test_a_single_plan_file_can_be_checked(tmp_path: Path) -> None:
    folder(tmp_path, agents="agents: [")
    assert check(tmp_path).exit_code == 2
    assert check(tmp_path / "plan.yaml").exit_code == 0


def test_json_is_for_programs(tmp_path: Path) -> None:
    result = check("--json", folder(tmp_path, plan={**SMALL, "max_wait": "1m"}))
    answer = json.loads(result.output)
    assert result.exit_code == 1
    assert (answer["errors"], answer["warnings"]) == (0, len(answer["problems"]))
    first = answer["problems"][0]
    assert set(first) == {"file", "line", "pointer", "message", "fix", "severity"}


def test_the_folder_can_come_from_the_environment(tmp_path: Path) -> None:
    folder(tmp_path)
    assert str(tmp_path) in check(env={"VIPLINE_CONFIG": str(tmp_path)}).output


def test_other_sites_are_checked_too(tmp_path: Path) -> None:
    folder(tmp_path)
    folder(tmp_path / "sites" / "lisbon", plan="language: 3")
    result = check(tmp_path)
    assert result.exit_code == 2
    assert "sites/lisbon/plan.yaml:1: error" in result.output


def test_a_phrase_file_that_lacks_something_is_named(tmp_path: Path) -> None:
    phrases = (FOLDER / "en.yaml").read_text()
    (tmp_path / "en.yaml").write_text(
        phrases.replace("hold.next: You are next in line.\n", "").replace("{agent} is with", "is with")
    )
    (tmp_path / "pl.yaml").write_text("people: [")

    said = [str(problem) for problem in phrase_problems(tmp_path)]

    assert any("en.yaml:1: error: phrase hold.next is missing" in line for line in said)
    assert any("phrase question.busy does not say {agent}" in line for line in said)
    assert any("pl.yaml:1: error: the file cannot be read" in line for line in said)
    assert len(said) == 3


def test_the_phrases_that_are_shipped_lack_nothing() -> None:
    assert not list(phrase_problems())


def test_a_phrase_file_that_lacks_something_is_no_crash(tmp_path: Path) -> None:
    """The plan is checked all the same, by the languages that are left."""
    spoken = tmp_path / "phrases"
    spoken.mkdir()
    english = (FOLDER / "en.yaml").read_text(encoding="utf-8")
    (spoken / "de.yaml").write_text(english.replace("hold.next: You are next in line.\n", ""), encoding="utf-8")
    place = folder(tmp_path / "config", plan={**SMALL, "language": "de"})

    said = [str(problem) for problem in findings(place, spoken)]
    assert [line for line in said if "error" in line] == [
        f"{spoken}/de.yaml:1: error: phrase hold.next is missing; ivr/speech.py lists the phrases and what each may use"
    ]

    (spoken / "en.yaml").write_text(english, encoding="utf-8")
    languages.cache_clear()
    said = [str(problem) for problem in findings(place, spoken)]
    assert any("no phrases in de: its callers hear greeting, menu, PIN and wait in en" in line for line in said)
