"""A site's plan and seeds from text or from a folder: all of it valid, or every error with file and line.

config/plan.yaml agents.yaml customers.yaml tokens.yaml     site `main` (only plan.yaml must be there)
config/sites/<site>/…                                       the other sites
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from config.crosscheck import Found, agent_errors, customer_errors, plan_errors
from config.models import SitePlan
from config.parts import Part
from config.people import AgentSeed, CustomerSeed, TokenSeed
from config.problems import PlanInvalid, Problem
from config.source import MAX_BYTES, Source, read_source
from config.validate import validated

MAIN_SITE = "main"


Seeds = TypeVar("Seeds", bound=Part)
Broken = dict[str, list[Problem]]
"""Site → what is wrong with its files."""


class _Agents(Part):
    agents: tuple[AgentSeed, ...] = ()


class _Customers(Part):
    customers: tuple[CustomerSeed, ...] = ()


class _Tokens(Part):
    tokens: tuple[TokenSeed, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A valid plan with the text it was read from."""

    site: SitePlan
    source: Source

    @property
    def text(self) -> str:
        """As it was written."""
        return self.source.text

    @property
    def digest(self) -> str:
        """Equal texts, equal digests."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SiteFiles:
    """Everything the files say of one site. A seed file that is absent has an empty source."""

    name: str
    plan: PlanFile
    agents: tuple[AgentSeed, ...]
    customers: tuple[CustomerSeed, ...]
    tokens: tuple[TokenSeed, ...]
    agents_source: Source
    customers_source: Source


def read_plan(text: str | bytes, file: str = "plan.yaml") -> PlanFile:
    """A plan in YAML or JSON; PlanInvalid otherwise."""
    source = read_source(text, file)
    site = validated(SitePlan, source)
    _raise(source, plan_errors(site))
    return PlanFile(site, source)


def load_site(folder: Path, name: str = MAIN_SITE) -> SiteFiles:
    """The site whose files are in this folder; PlanInvalid lists the errors of all of them."""
    plan = read_plan(_bytes(folder / "plan.yaml"), str(folder / "plan.yaml"))
    errors: list[Problem] = []
    agents, agents_source = _seeds(folder / "agents.yaml", _Agents, errors)
    customers, customers_source = _seeds(folder / "customers.yaml", _Customers, errors)
    tokens, _ = _seeds(folder / "tokens.yaml", _Tokens, errors)
    errors += [agents_source.problem(*found) for found in agent_errors(plan.site, agents.agents)]
    errors += [customers_source.problem(*found) for found in customer_errors(plan.site, customers.customers)]
    if errors:
        raise PlanInvalid(errors)
    return SiteFiles(name, plan, agents.agents, customers.customers, tokens.tokens, agents_source, customers_source)


def load_config(folder: Path) -> dict[str, SiteFiles]:
    """Site name → its files. PlanInvalid lists the errors of all sites."""
    loaded, broken = read_config(folder)
    if broken:
        raise PlanInvalid([error for errors in broken.values() for error in errors])
    return loaded


def read_config(folder: Path) -> tuple[dict[str, SiteFiles], Broken]:
    """Site name → its files; and of those sites whose files have errors, name → the errors."""
    loaded: dict[str, SiteFiles] = {}
    broken: Broken = {}
    sites = folder / "sites"
    others = sorted(place for place in sites.iterdir() if place.is_dir()) if sites.is_dir() else []
    for name, place in [(MAIN_SITE, folder), *((place.name, place) for place in others)]:
        if place is not folder and (name == MAIN_SITE or not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name)):
            wrong = Problem(str(place), 1, "", f"a site cannot be called {name!r}", "rename the folder")
            broken[f"sites/{name}"] = [wrong]
            continue
        try:
            loaded[name] = load_site(place, name)
        except PlanInvalid as invalid:
            broken[name] = invalid.errors
    return loaded, broken


def _seeds(path: Path, model: type[Seeds], errors: list[Problem]) -> tuple[Seeds, Source]:
    """A seed file, empty when it is absent or wrong; what is wrong is added to the errors."""
    source = Source(str(path), "", {}, {})
    if path.exists():
        try:
            source = read_source(_bytes(path), str(path))
            return (validated(model, source) if source.value is not None else model()), source
        except PlanInvalid as invalid:
            errors += invalid.errors
    return model(), source


def _bytes(path: Path) -> bytes:
    """The file's bytes, no more than one over the limit."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise PlanInvalid([Problem(str(path), 1, "", what, "write one as docs/plan.md shows")]) from None


def _raise(source: Source, found: Iterable[Found]) -> None:
    errors = [source.problem(*each) for each in found]
    if errors:
        raise PlanInvalid(errors)
