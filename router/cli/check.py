"""`vipline check`: is the plan valid, and is it wise?"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import yaml

from config.lint import lint_plan, lint_site
from config.loading import PlanFile, load_config, read_plan
from config.problems import PathParts, PlanInvalid, Problem
from ivr.speech import FOLDER, check_phrases, languages, phrases_for


@click.command("check")
@click.argument("config_dir", default="config", envvar="VIPLINE_CONFIG", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one JSON object.")
def command(config_dir: Path, as_json: bool) -> None:
    """Check the plans of CONFIG_DIR (or one plan file): what is wrong, where, and what to do.

    Exits 0 when there is nothing to do, 1 with warnings, 2 with errors. Notes say what the plan costs.
    """
    found = findings(config_dir)
    counts = Counter(problem.severity for problem in found)
    if as_json:
        counted = {f"{severity}s": counts[severity] for severity in ("error", "warning", "note")}
        click.echo(json.dumps({**counted, "problems": [problem.document() for problem in found]}, indent=2))
    else:
        for problem in found:
            click.echo(str(problem))
        click.echo(f"{config_dir}: {counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes")
    sys.exit(2 if counts["error"] else 1 if counts["warning"] else 0)


def findings(place: Path, spoken: Path = FOLDER) -> list[Problem]:
    """All about a folder of plans and the phrases it speaks, or about one plan: its errors, else its lint."""
    try:
        if place.is_file():
            plan = read_plan(place.read_bytes(), str(place))
            return lint_plan(plan) + list(language_problems(plan, spoken))
        sites = load_config(place).values()
        found = [problem for files in sites for problem in (*lint_site(files), *language_problems(files.plan, spoken))]
        return found + list(phrase_problems(spoken))
    except PlanInvalid as invalid:
        return invalid.errors


def language_problems(plan: PlanFile, folder: Path = FOLDER) -> Iterator[Problem]:
    """Languages the plan names and nobody has phrases for: their callers are greeted, and asked, in another."""
    site, spoken = plan.site, {tag.partition("-")[0].lower() for tag in languages(folder)}
    if not spoken:
        return
    named: list[tuple[PathParts, str | None]] = [(("language",), site.language)]
    named += [(("numbers", dialled, "language"), number.language) for dialled, number in site.numbers.items()]
    named += [(("voice", "menu", place, "language"), entry.language) for place, entry in enumerate(site.voice.menu)]
    for at, language in named:
        if language and language.lower().partition("-")[0] not in spoken:
            other = phrases_for(language, site.language, folder).tag
            what = f"there are no phrases in {language}: its callers hear greeting, menu, PIN and wait in {other}"
            yield plan.source.problem(at, what, f"add ivr/phrases/{language}.yaml", "warning")


def phrase_problems(folder: Path = FOLDER) -> Iterator[Problem]:
    """What the phrase files lack, each language's."""
    for path in sorted(folder.glob("*.yaml")):
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (UnicodeDecodeError, yaml.YAMLError) as error:
            yield Problem(str(path), 1, "", f"the file cannot be read: {type(error).__name__}", "write it as YAML")
            continue
        for problem in check_phrases(document):
            yield Problem(str(path), 1, "", problem, "ivr/speech.py lists the phrases and what each may use")
