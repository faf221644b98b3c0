"""YAML (or JSON, which is read as YAML) → plain values that remember their lines.

Stricter than YAML: true/false, null, decimal numbers and text only; no tags, no merge keys, no duplicate keys, no
depth beyond 32; what aliases repeat counts each time. A file can therefore neither run anything nor grow in memory,
and `no`, `20:00` and `+1202…` stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from config.problems import PathParts, PlanInvalid, Problem, Severity, pointer

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 250_000
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its values and the line of each."""

    file: str
    text: str
    value: Any
    lines: dict[PathParts, int] = field(repr=False)

    def line(self, path: PathParts) -> int:
        """The line of the value at this path, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: PathParts, message: str, fix: str, severity: Severity = "error") -> Problem:
        """A problem at this path."""
        return Problem(self.file, self.line(path), pointer(path), message, fix, severity)


def read_source(data: bytes | str, file: str) -> Source:
    """Text → values with lines; PlanInvalid names the file, the line and what to do."""
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        _refuse(file, 1, f"the file has {size} bytes, over {MAX_BYTES}", "split it, or import customers with `import`")
    text = _decode(data, file)
    reader = _Reader(file, _as_yaml(text))
    return Source(file, text, reader.document(), reader.lines)


def _decode(data: bytes | str, file: str) -> str:
    try:
        return (data if isinstance(data, bytes) else data.encode()).decode("utf-8-sig")
    except UnicodeError as error:
        before = error.object[: error.start] if isinstance(error, UnicodeDecodeError) else b""
        _refuse(file, before.count(b"\n") + 1, "the file is not UTF-8", "save it as UTF-8")


def _as_yaml(text: str) -> str:
    """JSON's two ways of writing that YAML lacks: tabs as white space, characters escaped as two halves."""
    if not text.lstrip().startswith(("{", "[")):
        return text

    def joined(match: re.Match[str]) -> str:
        return match[1] + bytes.fromhex(match[2] + match[3]).decode("utf-16-be")

    halves = r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    return re.sub(halves, joined, text.replace("\t", " "))


def _refuse(file: str, line: int, message: str, fix: str) -> NoReturn:
    raise PlanInvalid([Problem(file, line, "", message, fix)])


class _Reader:
    """Builds the values from the parser's flat events, so depth is ours to limit."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines: dict[PathParts, int] = {}
        self._count = 0
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._events = self._parse(text)

    def document(self) -> Any:
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            return None
        value = self._value(event, ())
        self._next()
        last = self._next()
        if not isinstance(last, yaml.StreamEndEvent):
            self._stop(last, "a second document begins here", "keep one document in a file")
        return value

    def _parse(self, text: str) -> Iterator[Any]:
        try:
            yield from yaml.parse(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            line = getattr(error.problem_mark, "line", 0) + 1
            what = error.problem or error.context or "this is no YAML"
            _refuse(self.file, line, what, "correct the indentation, quotes or brackets here")
        except yaml.YAMLError as error:
            line = text.count("\n", 0, getattr(error, "position", 0)) + 1
            _refuse(self.file, line, "a character that YAML does not allow", "remove it")

    def _next(self) -> Any:
        return next(self._events)

    def _value(self, event: Any, path: PathParts) -> Any:
        self._place(event, path)
        if isinstance(event, yaml.AliasEvent):
            return self._repeated(event)
        if event.tag:
            self._stop(event, f"the tag {event.tag} is not read", "leave the tag out")
        if len(path) > MAX_DEPTH:
            self._stop(event, "this is nested too deeply", "no plan needs more than a few levels")
        before = self._count
        self._counted(event, 1)
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event.value) if event.implicit[0] else event.value
        else:
            value = self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)
        if event.anchor:
            self._anchors[event.anchor] = value, self._count - before
        return value

    def _repeated(self, event: Any) -> Any:
        """An alias's value. Inside its own anchor it is not known yet, so nothing can contain itself."""
        if event.anchor not in self._anchors:
            self._stop(event, f"there is no anchor &{event.anchor} before this", "write the value out here")
        value, size = self._anchors[event.anchor]
        self._counted(event, size)
        return value

    def _counted(self, event: Any, size: int) -> None:
        self._count += size
        if self._count > MAX_VALUES:
            self._stop(event, f"the file holds more than {MAX_VALUES} values", "write less, or repeat less by aliases")

    def _sequence(self, path: PathParts) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            values.append(self._value(event, (*path, len(values))))
        return values

    def _mapping(self, path: PathParts) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._stop(event, "a key is no plain word", "write `key: value`")
            if event.value in values:
                self._stop(event, f"{event.value!r} stands here a second time", "keep one of the two")
            key: PathParts = (*path, event.value)
            self._place(event, key)
            values[event.value] = self._value(self._next(), key)
        return values

    def _place(self, event: Any, path: PathParts) -> None:
        """A value's line is its key's where it has one."""
        self.lines.setdefault(path, event.start_mark.line + 1)

    def _stop(self, event: Any, message: str, fix: str) -> NoReturn:
        _refuse(self.file, event.start_mark.line + 1, message, fix)


def _scalar(text: str) -> Any:
    """What an unquoted word means."""
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", text):
        return int(text)
    if re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?", text):
        return float(text)
    return text
