"""`vipline replay`: what would have happened to these calls under our rules?"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click
import uvloop

from config.loading import read_plan
from config.models import SitePlan
from config.problems import PlanInvalid
from router.replay import report
from router.replay.callers import by_day, judged, slot_days, staffed_days
from router.replay.estimates import check
from router.replay.figures import SERVICE_LEVEL_VARIANT, count, logged
from router.replay.progress import Progress
from router.replay.rules import STRICT_S, Rule, first_come, head_start, of_plan, plan_order, strict
from router.replay.run import agreements, waits
from router.replay.trace import CLASSES, BadTrace, TraceCall, read_trace
from router.store.embedded import ServerFailed
from router.store.server_binary import NoServer

ORDER_HEAD_STARTS_S = (0, 45, 75, 85, 90, 95, 120, 180, 300)
ESTIMATES_HEAD_START_S = 90
VIP_TIER = "gold"
T = TypeVar("T")
Date = click.DateTime(["%Y-%m-%d"])


class Unusable(click.ClickException):
    """What was given cannot be replayed."""

    exit_code = 2


@click.command("replay")
@click.argument("traces", nargs=-1, required=True, metavar="TRACE...", type=click.Path(path_type=Path))
@click.option("--plan", "plan_path", type=click.Path(path_type=Path), help="Plan to replay under: a folder or a file.")
@click.option("--tier", "tiers", multiple=True, metavar="CLASS=TIER", help="Tier of vip, regular, unidentified.")
@click.option("--mode", type=click.Choice(["slots", "staffed"]), default="slots", show_default=True)
@click.option("--check-order", is_flag=True, help="Ask the queue at each logged answer whom it would have served.")
@click.option("--check-estimates", is_flag=True, help="Estimate each wait at its beginning, and judge the estimates.")
@click.option("--judge-from", type=Date, help="--check-estimates: first day to judge; those before only teach.")
@click.option(
    "--head-start",
    "head_starts",
    multiple=True,
    type=click.IntRange(0, STRICT_S - 1),
    metavar="SECONDS",
    help="A rule of its own: VIPs so many seconds ahead. May be repeated.",
)
@click.option("--from", "first", type=Date, help="First day to replay.")
@click.option("--to", "last", type=Date, help="Last day to replay.")
@click.option("--within", type=click.IntRange(1, 3600), default=20, show_default=True, help="Service level's seconds.")
@click.option("--extra-agents", type=click.IntRange(0, 1000), default=0, help="Staffed: so many more, all day.")
@click.option("--seed", type=int, default=1, show_default=True, help="Draws what the log does not say.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    traces: tuple[Path, ...],
    plan_path: Path | None,
    tiers: tuple[str, ...],
    mode: str,
    check_order: bool,
    check_estimates: bool,
    judge_from: datetime.datetime | None,
    head_starts: tuple[int, ...],
    first: datetime.datetime | None,
    last: datetime.datetime | None,
    within: int,
    extra_agents: int,
    seed: int,
    as_json: bool,
) -> None:
    """Replay recorded calls through the scripts that serve calls, in virtual time.

    Slots: the log's own service starts, our choice who takes each. Staffed: agents, talks and wrap-ups inferred.
    Without --plan or --head-start the plan is that of the folder `config` (or VIPLINE_CONFIG).
    """
    if extra_agents and mode != "staffed":
        raise click.UsageError("--extra-agents needs --mode staffed")
    if check_order and check_estimates:
        raise click.UsageError("--check-order and --check-estimates are two questions")
    if judge_from and not check_estimates:
        raise click.UsageError("--judge-from needs --check-estimates")
    if plan_path is None and not head_starts and not check_order and not check_estimates:
        plan_path = Path(os.environ.get("VIPLINE_CONFIG") or "config")
    plan = _plan_rule(plan_path, tiers) if plan_path else None
    if tiers and plan is None:
        raise click.UsageError("--tier needs --plan")
    calls = _read(traces, first and first.date(), last and last.date())
    if check_order:
        starts = [head_start(seconds) for seconds in head_starts or ORDER_HEAD_STARTS_S]
        _print_order(calls, [*starts, *([plan_order(plan)] if plan else []), strict()], as_json)
        return
    if check_estimates:
        if len(head_starts) > 1 or (head_starts and plan):
            raise click.UsageError("--check-estimates goes by one rule")
        rule = plan or head_start(*(head_starts or (ESTIMATES_HEAD_START_S,)))
        _print_estimates(calls, rule, judge_from and judge_from.date(), as_json)
        return
    rules = [first_come(), *(head_start(seconds) for seconds in head_starts), *([plan] if plan else []), strict()]
    settings = {"mode": mode, "seed": seed, "extra_agents": extra_agents}
    _print_waits([call for each in calls.values() for call in each], rules, settings, within, as_json)


def _print_order(calls: Mapping[str, Sequence[TraceCall]], rules: list[Rule], as_json: bool) -> None:
    progress = Progress(len(rules) * sum(len(judged(each)) for each in calls.values()))
    rows = _run(agreements(calls, rules, progress), progress)
    total = report.in_all(rows.values())
    if as_json:
        each = [{"trace": name, **report.agreement_document(row)} for name, row in rows.items()]
        click.echo(json.dumps({**report.agreement_document(total), "traces": each}, indent=2))
    else:
        click.echo(report.agreement_table(rows if len(rows) == 1 else {**rows, "in all": total}))
        click.echo("How often our queue, VIPs so many seconds ahead, would have served the caller whom the log shows.")


def _print_estimates(
    calls: Mapping[str, Sequence[TraceCall]], rule: Rule, judged_from: datetime.date | None, as_json: bool
) -> None:
    days = by_day(call for each in calls.values() for call in each)
    head_starts_ms = {priority: ladder.head_start_ms for priority, ladder in rule.ladders.items()}
    progress = Progress(sum(len(day) for day in days.values()))
    progress.label("and estimating")
    try:
        found = check(days, head_starts_ms, judged_from, progress.advance)
    finally:
        progress.close()
    if as_json:
        document = {"rule": rule.title, "judged_from": judged_from and judged_from.isoformat()}
        click.echo(json.dumps({**document, "classes": report.estimates_document(found)}, indent=2))
    else:
        click.echo(report.estimates_table(found))
        click.echo(f"{rule.title}. Answered calls that had to wait, estimated as they came with what was known then.")


def _print_waits(
    calls: Sequence[TraceCall], rules: list[Rule], settings: Mapping[str, Any], within: int, as_json: bool
) -> None:
    if settings["mode"] == "slots":
        slotted = slot_days(calls, settings["seed"])
        progress = Progress(len(rules) * sum(2 * len(day.callers) + len(day.slots) for day in slotted))
        found = _run(waits(slotted, rules, within, progress), progress)
    else:
        staffed = staffed_days(calls, settings["seed"], settings["extra_agents"])
        progress = Progress(len(rules) * sum(len(day.callers) for day in staffed))
        found = _run(waits(staffed, rules, within, progress), progress)
    figures = {report.LOG: count(logged(judged(calls)), within), **found}
    titles = {report.LOG: "what the log shows", **{rule.name: rule.title for rule in rules}}
    costs = report.costs(figures)
    if as_json:
        document = {
            **settings,
            "service_level": {"variant": SERVICE_LEVEL_VARIANT, "within_s": within},
            "rules": {
                rule: {"title": titles[rule], **{name: _rounded(asdict(each)) for name, each in classes.items()}}
                for rule, classes in figures.items()
            },
            "against_fcfs": {
                rule: {name: _rounded(asdict(change)) for name, change in changes.items()}
                for rule, changes in costs.items()
            },
        }
        click.echo(json.dumps(document, indent=2))
    else:
        click.echo(report.waits_table(figures, titles, within))
        click.echo("\nAgainst first come, first served:")
        click.echo("\n".join(f"  {sentence}" for sentence in report.cost_sentences(costs, titles)))


def _run(play: Coroutine[Any, Any, T], progress: Progress) -> T:
    try:
        return uvloop.run(play)
    except (NoServer, ServerFailed) as error:
        raise click.ClickException(str(error)) from None
    finally:
        progress.close()


def _read(paths: Sequence[Path], first: datetime.date | None, last: datetime.date | None) -> dict[str, list[TraceCall]]:
    """File name → its calls of these days."""
    found: dict[str, list[TraceCall]] = {}
    for path in paths:
        try:
            calls = [call for call in read_trace(path) if (first or call.day) <= call.day <= (last or call.day)]
        except BadTrace as bad:
            raise Unusable(str(bad)) from None
        found.setdefault(path.name, []).extend(calls)
    if not any(judged(calls) for calls in found.values()):
        raise Unusable("no queued call of regular service in these traces and days: there is nothing to replay")
    return found


def _plan_rule(path: Path, tiers: Sequence[str]) -> Rule:
    file = path / "plan.yaml" if path.is_dir() else path
    try:
        site = read_plan(file.read_bytes(), str(file)).site
    except OSError as error:
        raise Unusable(f"{file}: cannot be read: {error.strerror}") from None
    except PlanInvalid as invalid:
        raise Unusable(str(invalid)) from None
    return of_plan(site, _tiers(tiers, site))


def _tiers(given: Sequence[str], site: SitePlan) -> dict[int, str]:
    """Class → tier; VIPs are gold unless the plan has no such tier, then they are its best."""
    numbers = {name: priority for priority, name in CLASSES.items()}
    chosen = {numbers["vip"]: VIP_TIER if VIP_TIER in site.tier_order else site.tiers[0].name}
    for pair in given:
        name, _, tier = pair.partition("=")
        if name not in numbers or tier not in site.tier_order:
            known = f"CLASS one of {', '.join(numbers)}; TIER one of {', '.join(site.tier_order)}"
            raise click.BadParameter(f"{pair!r}: expected CLASS=TIER, {known}", param_hint="--tier")
        chosen[numbers[name]] = tier
    return chosen


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in values.items()}
