"""Asterisk's own descriptions of its API: every command we send and every message the far end sends is held to them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Breach(Exception):
    """What Asterisk would refuse, or would never send."""


_LIST = re.compile(r"List\[(\w+)\]")


class AriContract:
    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self._operations: list[tuple[str, re.Pattern[str], dict[str, Any]]] = []
        self._models: dict[str, dict[str, Any]] = {}
        for document in documents:
            self._models.update(document.get("models", {}))
            for api in document["apis"]:
                pattern = re.compile("/".join("[^/]+" if part[:1] == "{" else part for part in api["path"].split("/")))
                for operation in api["operations"]:
                    self._operations.append((operation["httpMethod"], pattern, operation))
        # The most particular path first: /channels/create is no channel's id.
        self._operations.sort(key=lambda one: one[1].pattern.count("[^/]+"))

    @classmethod
    def read(cls, folder: Path) -> AriContract:
        """`folder` holds Asterisk's `api-docs`."""
        assert folder.is_dir(), folder
        names = sorted(path for path in folder.glob("*.json") if path.name != "resources.json")
        return cls([json.loads(path.read_text(encoding="utf-8")) for path in names])

    def command(self, method: str, path: str, query: Mapping[str, str]) -> None:
        """Raises Breach."""
        operation = next((one for verb, at, one in self._operations if verb == method and at.fullmatch(path)), None)
        if operation is None:
            raise Breach(f"there is no {method} {path}")
        known = {one["name"]: one for one in operation.get("parameters", ()) if one["paramType"] == "query"}
        for name, value in query.items():
            if name not in known:
                raise Breach(f"{method} {path} knows no {name}")
            self._parameter(f"{method} {path}: {name}", known[name], value)
        for name, one in known.items():
            if one.get("required") and not query.get(name):
                raise Breach(f"{method} {path} needs {name}")

    @staticmethod
    def _parameter(where: str, one: Mapping[str, Any], value: str) -> None:
        if one["dataType"] in ("int", "long") and not re.fullmatch(r"-?\d+", value):
            raise Breach(f"{where} is no number: {value!r}")
        if one["dataType"] == "boolean" and value not in ("true", "false"):
            raise Breach(f"{where} is neither true nor false")
        allowed = one.get("allowableValues", {}).get("values")
        if allowed and one["paramType"] == "query" and not one.get("allowMultiple") and value not in allowed:
            raise Breach(f"{where} cannot be {value!r}")

    def message(self, message: Mapping[str, Any]) -> None:
        """An event, request or response over the WebSocket. Raises Breach."""
        kind = str(message.get("type"))
        if kind not in self._models:
            raise Breach(f"there is no event {kind!r}")
        self.value(kind, message, kind)

    def value(self, kind: str, value: Any, where: str) -> None:
        """Raises Breach."""
        if (listed := _LIST.fullmatch(kind)) is not None:
            if not isinstance(value, list):
                raise Breach(f"{where} is no list")
            for one in value:
                self.value(listed[1], one, f"{where}[]")
        elif kind in self._models:
            self._model(kind, value, where)
        elif not _PLAIN[kind](value):
            raise Breach(f"{where} is no {kind}: {value!r}")

    def _model(self, kind: str, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise Breach(f"{where} is no {kind}")
        properties = self._properties(kind)
        for name, one in value.items():
            if name not in properties:
                raise Breach(f"{where} has no {name}")
            self.value(properties[name]["type"], one, f"{where}.{name}")
            allowed = properties[name].get("allowableValues", {}).get("values")
            if allowed and one not in allowed:
                raise Breach(f"{where}.{name} cannot be {one!r}")
        missing = [name for name, one in properties.items() if one.get("required") and name not in value]
        if missing:
            raise Breach(f"{where} lacks {', '.join(missing)}")

    def _properties(self, kind: str) -> dict[str, Any]:
        """Its own, and those of what it is a kind of."""
        found = dict(self._models[kind]["properties"])
        for name, model in self._models.items():
            if kind in model.get("subTypes", ()):
                found = self._properties(name) | found
        return found


_PLAIN: dict[str, Any] = {
    "string": lambda value: isinstance(value, str),
    "Date": lambda value: isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d{4}", value),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "long": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "double": lambda value: isinstance(value, float | int),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, Mapping),
    "containers": lambda value: isinstance(value, Mapping),
    "void": lambda value: value is None,
}
