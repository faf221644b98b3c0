"""A valid plan can still be unwise. Each finding says where, what it leads to and what to do about it.

Warnings are to be acted on; notes say what the plan costs and need nothing done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from config.lint_identity import identity_findings
from config.lint_people import customer_findings, owner_findings, staff_findings
from config.lint_plan import fairness_findings, ladder_findings, number_findings
from config.lint_team import Team
from config.lint_traps import trap_findings
from config.lint_voice import voice_findings
from config.loading import PlanFile, SiteFiles
from config.people import AgentSeed, CustomerSeed
from config.problems import Problem
from config.source import Source


@dataclass(frozen=True, slots=True)
class People:
    """Agents and customers as far as they are known; None: nothing is said about them."""

    agents: Sequence[AgentSeed] | None = None
    customers: Sequence[CustomerSeed] | None = None
    agents_source: Source | None = None
    customers_source: Source | None = None


def lint_site(files: SiteFiles) -> list[Problem]:
    """A site's plan together with its seeds. A seed file that is absent or empty is not held against the plan."""
    people = People(files.agents or None, files.customers or None, files.agents_source, files.customers_source)
    return lint_plan(files.plan, people)


def lint_plan(plan: PlanFile, people: People | None = None) -> list[Problem]:
    """A plan, and whether these people can live by it; sorted by file and line."""
    found = _problems(plan, people or People())
    return sorted(found, key=lambda problem: (problem.file, problem.line, problem.pointer))


def _problems(plan: PlanFile, people: People) -> Iterator[Problem]:
    site, customers = plan.site, people.customers or ()
    team = Team(people.agents) if people.agents is not None else None
    of_plan = (
        ladder_findings(site, team, customers),
        number_findings(site, team),
        fairness_findings(site),
        identity_findings(site, customers),
        voice_findings(site, team),
        trap_findings(site, plan.source),
    )
    for findings in of_plan:
        for finding in findings:
            yield plan.source.problem(*finding)
    for finding in staff_findings(team) if team else ():
        yield (people.agents_source or plan.source).problem(*finding)
    for findings in (owner_findings(site, team, customers), customer_findings(site, team, customers)):
        for finding in findings:
            yield (people.customers_source or plan.source).problem(*finding)
