"""Values with lines → a typed model, or every error at its line with what to do about it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from config.parts import Part
from config.problems import PathParts, PlanInvalid, Problem
from config.source import Source

Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], source: Source, at: PathParts = ()) -> Model:
    """The part of the source at this path as this model; PlanInvalid lists all its errors."""
    value = _descend(source.value, at)
    if not isinstance(value, dict):
        what = "the file is empty" if value is None and not at else "this is no mapping"
        raise PlanInvalid([source.problem(at, what, "write `key: value` lines, as docs/plan.md shows")])
    try:
        return model.model_validate(value)
    except ValidationError as failed:
        raise PlanInvalid(list(_problems(failed, source, at))) from None


def _problems(failed: ValidationError, source: Source, at: PathParts) -> Iterator[Problem]:
    for error in failed.errors(include_url=False):
        path = _known(source.value, (*at, *error["loc"]))
        message, fix = _words(error["type"], error["msg"], error["loc"], error.get("ctx", {}), error["input"])
        yield source.problem(path, message, fix)


def _words(kind: str, said: str, loc: PathParts, context: dict[str, Any], value: object) -> tuple[str, str]:
    """What is wrong, and what to do."""
    key = str(loc[-1]) if loc else ""
    if kind == "missing":
        return f"`{key}` is missing", f"add `{key}:` here"
    if kind == "extra_forbidden":
        near = get_close_matches(key, _field_names(), 1)
        return (
            f"`{key}` is not known here",
            f"write `{near[0]}` if that was meant, else remove it" if near else "remove it",
        )
    if kind == "literal_error":
        word = repr(value) if isinstance(value, str) and len(value) <= 64 else "this word"
        return f"{word} is not known here", f"write {context.get('expected', 'one of those in docs/plan.md')}"
    if kind == "string_pattern_mismatch":
        return "this is not spelled as it must be", _PATTERNS.get(str(context.get("pattern")), _SEE)
    if kind == "model_type" and context.get("class_name") == "Secret":
        return "a plan never holds a secret itself", "name where it is: {env: SOME_VARIABLE} or {file: /path}"
    if kind in _SHAPES:
        return _SHAPES[kind]
    if kind == "value_error":
        what, _, fix = said.removeprefix("Value error, ").partition("; ")
        return what, fix or _SEE
    return said[:1].lower() + said[1:], _SEE


_SEE = "correct the value as docs/plan.md shows"

_LIST = ("this must be a list", "write [a, b], or a line `- …` for each")
_NUMBER = ("this must be a number", "write digits only, without quotes or a unit")
_MAPPING = ("this must be a mapping", "write `key: value` lines, or {key: value}")
_SHAPES = {
    "tuple_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "int_type": _NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "string_type": ("this must be text", "write a word, or put it in quotes"),
    "bool_parsing": ("this must be true or false", "write true or false"),
    "bool_type": ("this must be true or false", "write true or false"),
}

_PATTERNS = {
    r"^[A-Za-z0-9_.-]{1,64}$": "write 1 to 64 letters, digits, `_`, `.` or `-`",
    r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$": "write a language tag such as en or zh-CN",
    r"^\+?[0-9*#]{2,20}$": "write the number as +12025550100, without spaces",
    r"^(message|callback|(number|voicemail):\+?[0-9*#]{2,20})$": "write message, callback, number:+1… or voicemail:+1…",
    r"^[A-Z][A-Z0-9_]{0,127}$": "write the variable's name in capitals, never the secret itself",
    r"^https?://[^\s]*\{phone\}[^\s]*$": "write an http address that holds {phone}",
}


def _field_names() -> list[str]:
    return sorted({name for part in Part.__subclasses__() for name in part.model_fields})


def _descend(value: Any, path: PathParts) -> Any:
    for part in path:
        value = value[part]
    return value


def _known(value: Any, path: PathParts) -> PathParts:
    """The path as far as it leads through the file; a missing key's own name stays at its end."""
    walked: list[str | int] = []
    inside: Container[object]
    for place, part in enumerate(path):
        inside = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        if part in inside:
            value = value[part]
            walked.append(part)
        elif isinstance(value, dict) and place == len(path) - 1 and part != "[key]":
            walked.append(part)
    return tuple(walked)
