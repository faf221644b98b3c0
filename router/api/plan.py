"""The plan: read it, publish a new one, look at the old ones."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from config.lint import lint_plan
from config.loading import read_plan
from config.problems import PlanInvalid
from config.problems import Problem as Finding
from config.source import read_source
from router.api.etag import check_preconditions, not_modified
from router.api.paging import Page, cursor_at
from router.api.problem import Problem
from router.api.reply import Reply
from router.api.route import ADMIN, SUPERVISOR, Ctx, Routes
from router.api.shapes import Answer, Body, Fault, Listing, When, listing
from router.api.times import rfc3339
from router.store.plans import PlanVersion

plan = Routes("Plan")

YAML = "application/yaml"
FILE = "plan.yaml"
_TYPES = {YAML, "application/json", "application/x-yaml", "text/yaml", "text/plain", "application/octet-stream"}


class PlanInfo(Answer):
    """One published plan, without its text."""

    version: int
    author: str
    source: Literal["file", "api"]
    published_at: When
    hash: str


class Published(PlanInfo):
    """A plan that was just published."""

    findings: list[Fault] = Field(description="what the linter thinks of it")


class PublishedPlan(PlanInfo):
    plan: dict[str, Any] = Field(description="the plan as it was written")


class Advice(Answer):
    """What the linter says of a plan that was not published."""

    findings: list[Fault]


class PlanQuery(Body):
    dry_run: Literal["0", "1", "true", "false"] = Field("0", description="1: only say what the linter thinks of it")


@plan.get("/v1/plan", roles=SUPERVISOR, answers={200: PublishedPlan, 304: None})
async def get_plan(ctx: Ctx) -> Reply:
    """The plan in force: JSON, or as it was written with `Accept: application/yaml`."""
    active = ctx.site.active
    if not_modified(ctx.request, active.etag):
        return Reply(304, headers={"ETag": active.etag})
    published = active.published
    if "yaml" in ctx.request.headers.get("Accept", ""):
        return Reply(200, published.text.encode(), YAML, {"ETag": active.etag, "Vary": "Accept"})
    written = read_source(published.text, FILE).value
    return Reply.json(_shown(published) | {"plan": written}, etag=active.etag, vary="Accept")


@plan.put(
    "/v1/plan",
    roles=ADMIN,
    answers={200: Published | Advice},
    refusals=(412, 415, 422),
    accepts=(YAML, "application/json"),
)
async def put_plan(ctx: Ctx, raw: bytes, query: PlanQuery) -> Reply:
    """Publish a plan, in YAML or JSON.

    Every process goes by it within a second; waiting calls keep their place and get the new ladder from the first step
    they have not entered. With `?dry_run=1` nothing changes: the linter says what it thinks.
    """
    if ctx.request.headers.get("Content-Type") and ctx.request.content_type not in _TYPES:
        raise Problem(415, "not-a-plan", "Send the plan as application/yaml or application/json.")
    try:
        read = read_plan(raw, FILE)
        if query.dry_run in ("1", "true"):
            check_preconditions(ctx.request, ctx.site.active.etag)
            return Reply.json({"findings": [_fault(finding) for finding in lint_plan(read)]})
        active = await ctx.site.keeper.publish(
            read.text, ctx.who(), lambda current: check_preconditions(ctx.request, current)
        )
    except PlanInvalid as invalid:
        raise plan_problem(invalid) from None
    advice = [_fault(finding) for finding in lint_plan(read)]
    return Reply.json(_shown(active.published) | {"findings": advice}, etag=active.etag)


@plan.get("/v1/plan/versions", roles=SUPERVISOR, answers={200: Listing[PlanInfo]})
async def list_versions(ctx: Ctx, query: Page) -> Reply:
    """What has been published, newest first; the last fifty are kept."""
    found = await ctx.site.keeper.plans.versions(query.offset() or None, query.limit + 1)
    shown = found[: query.limit]
    more = cursor_at(str(shown[-1].version)) if len(found) > query.limit else None
    return Reply.json(listing([_shown(version) for version in shown], more))


def plan_problem(invalid: PlanInvalid) -> Problem:
    """422 with file, line and what to do about each error."""
    errors = [_fault(error) for error in invalid.errors[:100]]
    more = f" (and {len(invalid.errors) - 1} more)" if len(invalid.errors) > 1 else ""
    return Problem(422, "invalid-plan", f"{invalid.errors[0]}{more}", errors=errors)


def _fault(found: Finding) -> dict[str, Any]:
    return {
        "pointer": found.pointer,
        "detail": f"{found.message}. {found.fix}.",
        "file": found.file,
        "line": found.line,
        "severity": found.severity,
    }


def _shown(published: PlanVersion) -> dict[str, Any]:
    return {
        "version": published.version,
        "author": published.author,
        "source": published.source,
        "published_at": rfc3339(published.at_ms),
        "hash": published.digest,
    }
