"""A strict reader of what we send Twilio: REST requests against its published description, TwiML against its elements.

Both descriptions are read from the reference folder; whatever they do not allow is named in a `Breach`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

MAX_TWIML = 64_000
IN_QUEUE = frozenset({"Play", "Say", "Pause", "Hangup", "Redirect", "Leave", "Gather"})
ON_BRIDGE = frozenset({"Play", "Say", "Pause", "Redirect"})
URLS = frozenset({"action", "waitUrl", "url", "statusCallback"})
NUMBERS = frozenset({"numDigits", "timeout", "length", "loop", "timeLimit", "maxQueueSize"})
NAMED = {"method": {"GET", "POST"}, "waitUrlMethod": {"GET", "POST"}, "reason": {"busy", "rejected"}}
TEXT_ONLY = frozenset({"Say", "Play", "Redirect", "Queue", "Number", "Client", "Sip"})


class Breach(AssertionError):
    """Something Twilio would refuse, or quietly take otherwise than we mean it."""


class RestContract:
    """Checks requests against the OpenAPI document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas = document["components"]["schemas"]
        self._paths = [
            (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), item)
            for path, item in document["paths"].items()
        ]

    @staticmethod
    @cache
    def read(reference: Path) -> RestContract:
        return RestContract(json.loads((reference / "twilio" / "twilio_api_v2010.json").read_text()))

    def check(self, method: str, path: str, pairs: Sequence[tuple[str, str]]) -> None:
        """`pairs`: the form of a POST, the query of anything else."""
        found = [(match, item) for pattern, item in self._paths if (match := pattern.fullmatch(path))]
        if not found:
            raise Breach(f"no such path: {path}")
        match, item = min(found, key=lambda one: len(one[0].groupdict()))
        operation = item.get(method.lower())
        if operation is None:
            raise Breach(f"{method} is not served at {path}")
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                self._value(parameter["name"], match[parameter["name"]], parameter["schema"])
        if method == "POST":
            content = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]
            schema = content["schema"]
            self._fields(pairs, schema["properties"], schema.get("required", ()))
            given = {name for name, _ in pairs}
            if len(given & {"Url", "Twiml", "ApplicationSid"}) > 1:
                raise Breach("Url, Twiml and ApplicationSid exclude each other")
            if path.endswith("/Calls.json") and not given & {"Url", "Twiml", "ApplicationSid"}:
                raise Breach("a new call needs Url, Twiml or ApplicationSid")
            if "Twiml" in given and len(dict(pairs)["Twiml"]) > 4_000:
                raise Breach("Twiml is longer than 4000 characters")
        else:
            allowed = {p["name"]: p["schema"] for p in operation.get("parameters", []) if p["in"] == "query"}
            self._fields(pairs, allowed, ())

    def _fields(self, pairs: Sequence[tuple[str, str]], allowed: Mapping[str, Any], required: Sequence[str]) -> None:
        names = [name for name, _ in pairs]
        if missing := set(required) - set(names):
            raise Breach(f"missing: {sorted(missing)}")
        for name, value in pairs:
            if name not in allowed:
                raise Breach(f"unknown: {name}")
            schema = self._resolved(allowed[name])
            if schema.get("type") == "array":
                schema = self._resolved(schema["items"])
            elif names.count(name) > 1:
                raise Breach(f"{name} is given more than once")
            self._value(name, value, schema)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" in schema:
            resolved: Mapping[str, Any] = self._schemas[schema["$ref"].rpartition("/")[2]]
            return resolved
        return schema

    def _value(self, name: str, value: str, schema: Mapping[str, Any]) -> None:
        kind, form = schema.get("type"), schema.get("format")
        wrong = Breach(f"{name}: {value!r} is no {form or kind}")
        if kind == "integer" and not re.fullmatch(r"-?\d+", value):
            raise wrong
        if kind == "boolean" and value not in ("true", "false"):
            raise wrong
        if "enum" in schema and value not in schema["enum"]:
            raise wrong
        if form == "uri" and not _is_absolute(value):
            raise wrong
        if form == "endpoint" and not re.fullmatch(r"\+\d{5,15}|(client|sips?|sim):\S+", value):
            raise wrong
        if "pattern" in schema and not re.search(schema["pattern"], value):
            raise wrong
        if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", len(value)):
            raise wrong


def _is_absolute(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")


class TwimlContract:
    """Checks documents against the table of voice elements."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._verbs: Mapping[str, Any] = table["verbs"]
        self._children: Mapping[str, Sequence[str]] = table["children"]

    @staticmethod
    @cache
    def read(reference: Path) -> TwimlContract:
        return TwimlContract(json.loads((reference / "twilio" / "twiml_voice_attributes.json").read_text()))

    def check(self, document: bytes, verbs: frozenset[str] | None = None) -> Element:
        """The document, parsed. `verbs`: the only ones allowed where it is played (IN_QUEUE, ON_BRIDGE)."""
        if len(document) > MAX_TWIML:
            raise Breach(f"{len(document)} bytes are too many")
        try:
            root = ElementTree.fromstring(document)
        except ElementTree.ParseError as error:
            raise Breach(f"no XML: {error}") from None
        if root.tag != "Response" or root.attrib:
            raise Breach(f"the root is {root.tag} {root.attrib}")
        for place, verb in enumerate(root):
            if verbs is not None and verb.tag not in verbs:
                raise Breach(f"{verb.tag} cannot stand here")
            if verb.tag == "Reject" and place:
                raise Breach("Reject is not the first verb")
        self._element(root)
        return root

    def _element(self, element: Element) -> None:
        allowed = self._children.get(element.tag, ())
        for child in element:
            if child.tag not in allowed:
                raise Breach(f"{child.tag} cannot stand in {element.tag}")
            self._attributes(child)
            self._text(child)
            self._element(child)
        if element.tag in ("Response", "Gather") and (element.text or "").strip():
            raise Breach(f"loose text in {element.tag}")

    def _attributes(self, element: Element) -> None:
        known = self._verbs[element.tag]["attributes"]
        for name, value in element.attrib.items():
            if name not in known:
                raise Breach(f"{element.tag} has no attribute {name}")
            if name in NUMBERS and not re.fullmatch(r"\d+", value):
                raise Breach(f"{element.tag} {name}={value!r} is no number")
            if name in NAMED and value not in NAMED[name]:
                raise Breach(f"{element.tag} {name}={value!r} is none of {NAMED[name]}")
            if name in URLS:
                _check_url(value)
        if element.tag == "Gather" and "action" not in element.attrib:
            raise Breach("Gather without action comes back to the document it stands in")

    def _text(self, element: Element) -> None:
        words = element.text or ""
        if element.tag in TEXT_ONLY and not words.strip():
            raise Breach(f"{element.tag} is empty")
        if element.tag == "Say" and len(words) > 4_096:
            raise Breach("Say is longer than 4096 characters")
        if element.tag in ("Enqueue", "Queue") and not 0 < len(words) <= 64:
            raise Breach(f"{element.tag} names no queue, or too long a one: {words!r}")
        if element.tag in ("Redirect", "Play"):
            _check_url(words)


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if not (url.startswith("/") or parts.scheme in ("http", "https")):
        raise Breach(f"{url!r} is neither an address nor a path")
    if parts.query:
        raise Breach(f"{url!r} has a query, which Twilio may sort while it signs it unsorted")
    if parts.username or re.search(r"\s", url):
        raise Breach(f"{url!r} is no clean address")
