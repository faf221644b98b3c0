"""What jambonz publishes of its verbs and webhooks: the JSON schemas of npm's `@jambonz/schema`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

ROOT = "https://jambonz.org/schema/"
UPDATES = frozenset({"call_hook", "child_call_hook", "call_status", "whisper", "mute_status", "dtmf", "tag", "record"})
"""What an update of a call may ask for, one at a time."""


class Breach(Exception):
    """Something that jambonz would not take, or would not send."""


class Schemas:
    """`folder`: the unpacked package. Read once a process: it is a hundred files."""

    def __init__(self, folder: Path) -> None:
        found = [json.loads(path.read_text()) for path in sorted(folder.rglob("*.schema.json"))]
        self._schemas: Mapping[str, Any] = {schema["$id"].removeprefix(ROOT): schema for schema in found}
        self._registry: Registry[Any] = Registry().with_resources(
            (schema["$id"], Resource.from_contents(schema)) for schema in found
        )
        self._validators: dict[str, Draft202012Validator] = {}

    @staticmethod
    @cache
    def read(folder: Path) -> Schemas:
        return Schemas(folder)

    def document(self, verbs: Any) -> None:
        """A document of ours: verbs, none of them with a word that its schema does not know. Raises Breach."""
        if not isinstance(verbs, list):
            raise Breach(f"no list of verbs: {verbs!r}")
        self._check("jambonz-app", verbs)
        for verb in verbs:
            self.verb(verb["verb"], verb)

    def verb(self, name: str, verb: Any) -> None:
        """One verb, or what asks for one over REST (`rest:dial`). Raises Breach."""
        self._check(f"verbs/{name}", verb)
        unknown = verb.keys() - self._schemas[f"verbs/{name}"]["properties"].keys()
        if unknown:
            raise Breach(f"{name}: {', '.join(sorted(unknown))} unknown")
        for nested in ("say", "play") if name == "gather" else ():
            if nested in verb:
                self.verb(nested, verb[nested])

    def callback(self, name: str, body: Any) -> None:
        """A webhook of jambonz's. Raises Breach."""
        self._check(f"callbacks/{name}", body)

    def _check(self, name: str, value: Any) -> None:
        if name not in self._schemas:
            raise Breach(f"there is no {name}")
        if name not in self._validators:
            self._validators[name] = Draft202012Validator(self._schemas[name], registry=self._registry)
        for error in self._validators[name].iter_errors(value):
            raise Breach(f"{name} at {error.json_path}: {error.message}")


def check_update(body: Mapping[str, Any]) -> None:
    """Raises Breach."""
    if len(body.keys() & UPDATES) != 1 or body.keys() - UPDATES - {"call_status_hook"}:
        raise Breach(f"an update asks for one thing: {sorted(body)}")
    hook = body.get("call_hook")
    if hook is not None and not (isinstance(hook, dict) and str(hook.get("url", "")).startswith("http")):
        raise Breach("call_hook has no url")
    if body.get("call_status", "completed") not in ("completed", "no-answer"):
        raise Breach("invalid call_status")
