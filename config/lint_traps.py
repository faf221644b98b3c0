"""Findings about values that are valid and surely meant otherwise: seconds, numbers, secrets that are not there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from phonenumbers import NumberParseException, PhoneNumberFormat, format_number, is_possible_number
from phonenumbers import parse as parse_phone
from pydantic.fields import FieldInfo

from config.lint_team import Finding
from config.models import SitePlan
from config.parts import Part, Secret
from config.problems import PathParts
from config.secrets import read_secret
from config.source import Source
from config.values import parse_duration, spoken

SHORT = 7
"""Digits of a number that may be an extension of the house."""


def trap_findings(site: SitePlan, source: Source) -> Iterator[Finding]:
    """Durations without a unit, numbers without a plus, secrets that are not set here."""
    yield from _durations(site, source)
    yield from _numbers(site)
    for at, secret in unset_secrets(site):
        where = f"the environment has no {secret.env}" if secret.env else f"{secret.file} cannot be read"
        yield at, f"{where} here: whatever needs this secret is refused", "set it where the service runs", "note"


def unset_secrets(site: SitePlan) -> Iterator[tuple[PathParts, Secret]]:
    """The secrets the plan names that are not there for this process, and where it names them. Files are not opened."""
    for at, part in _parts(site, ()):
        if isinstance(part, Secret):
            there = read_secret(part) is not None if part.env else os.access(part.file or "", os.R_OK)
            if not there:
                yield at, part


def _durations(site: SitePlan, source: Source) -> Iterator[Finding]:
    for at, part in _parts(site, ()):
        for name in sorted(part.model_fields_set & type(part).model_fields.keys()):
            written = _written(source.value, (*at, name))
            if type(written) is int and written % 1_000 and _is_duration(type(part).model_fields[name]):
                what = f"`{name}: {written}` lasts {spoken(written)}: a number without a unit is milliseconds"
                yield (*at, name), what, f"write {written}s if seconds were meant, else {written}ms", "warning"


def _numbers(site: SitePlan) -> Iterator[Finding]:
    for dialled in site.numbers:
        if re.fullmatch(rf"[0-9]{{{SHORT},}}", dialled) and (meant := _international(dialled, site.region)):
            what = f"{dialled} has no plus: a call to {meant} does not find it"
            yield ("numbers", dialled), what, f'write "{meant}", unless the provider sends {dialled}', "warning"


def _international(digits: str, region: str) -> str | None:
    for text in (digits, f"+{digits}"):
        try:
            number = parse_phone(text, region)
        except NumberParseException:
            continue
        if is_possible_number(number):
            return format_number(number, PhoneNumberFormat.E164)
    return None


def _parts(value: Any, at: PathParts) -> Iterator[tuple[PathParts, Part]]:
    """Every part of the plan and where it stands."""
    if isinstance(value, Part):
        yield at, value
        for name in sorted(value.model_fields_set):
            yield from _parts(getattr(value, name), (*at, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _parts(item, (*at, str(key)))
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from _parts(item, (*at, place))


def _written(value: Any, at: PathParts) -> Any:
    """What the file says there; None where the path does not lead through it."""
    for part in at:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _is_duration(field: FieldInfo) -> bool:
    kinds = [field, *get_args(field.annotation)]
    return any(getattr(rule, "func", None) is parse_duration for kind in kinds for rule in _rules(kind))


def _rules(kind: Any) -> tuple[Any, ...]:
    return tuple(getattr(kind, "metadata", ()) or getattr(kind, "__metadata__", ()))
