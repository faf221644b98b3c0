"""Findings about who is calling: trust that is given away, questions nobody can answer, limits that meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from config.lint_team import Finding
from config.models import SitePlan
from config.people import CustomerSeed
from config.values import spoken


def identity_findings(site: SitePlan, customers: Sequence[CustomerSeed]) -> Iterator[Finding]:
    """Trust, identification, velocity, limits."""
    yield from _trust(site)
    yield from _identification(site, customers)
    velocity, limits = site.velocity, site.limits
    if velocity.calls > limits.calls:
        what = f"a number is turned away after {limits.calls} calls, so none is ever flagged for {velocity.calls}"
        yield ("velocity", "calls"), what, "flag earlier than `limits: calls`", "warning"
    if velocity.loses_vip_rights and not (velocity.calls or velocity.numbers):
        what = "callers are to lose VIP rights for what is never flagged"
        yield ("velocity", "loses_vip_rights"), what, "set `calls` or `numbers`", "warning"
    if limits.at_once < 10:
        what = f"only {limits.at_once} calls of one number are taken at once: a company's switchboard sends one number"
        yield ("limits", "at_once"), what, "allow as many as the largest customer has callers", "warning"


def _trust(site: SitePlan) -> Iterator[Finding]:
    trust = site.trust
    if "failed" not in trust.loses_vip_rights:
        what = "a failed attestation loses VIP rights whatever stands here"
        yield ("trust", "loses_vip_rights"), what, "add failed, so that the plan says what happens", "warning"
    for place, word in enumerate(trust.greet_by_name):
        if word in ("failed", "withheld"):
            what = f"{word} callers are unknown: there is nobody to name"
            yield ("trust", "greet_by_name", place), what, "remove it", "warning"
        elif word in ("none", "gateway"):
            what = f"whoever fakes a customer's number ({word}) is told the customer's name"
            yield ("trust", "greet_by_name", place), what, "remove it, or ask for a PIN (`identification`)", "warning"


def _identification(site: SitePlan, customers: Sequence[CustomerSeed]) -> Iterator[Finding]:
    rule = site.identification
    asked = {kind for number in site.numbers.values() for kind in number.identify or ()} | set(rule.ask)
    if rule.lock_max < rule.lock:
        what = f"`lock_max` ({spoken(rule.lock_max)}) is shorter than `lock` ({spoken(rule.lock)}), which counts"
        yield ("identification", "lock_max"), what, "make it longer: locks are to grow", "warning"
    if asked and not site.telephony.model_dump(exclude_defaults=True):
        what = "nobody is asked: calls that come over the API are asked by whoever sends them"
        yield ("identification",), what, "name a provider under `telephony`, or remove this", "warning"
    if asked - {"unproven"} and customers and not any(customer.number for customer in customers):
        what = "no customer has a number to enter: whoever is asked for one can only skip it"
        yield ("identification", "ask"), what, "give customers a `number`, and PINs through the API", "note"
